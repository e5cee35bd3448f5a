// Tests that people write for their own templates: what a template says it expects of its profile, and whether that holds. Used
// by `weft pan test`. Pure; any thread; nothing is thrown.
//
// An expectation is a comment of its own in the template:
//   # expect: compiles
//   # expect: /system/state = "production"       a JSON value; texts also in single quotes
//   # expect: /system/rack exists                or: absent
//   # expect: /hardware/cpu is list              long, double, string, boolean, list, dict
//   # expect: /hardware/cpu length 2             of a list, dict or string
//   # expect: /system/kernel ~ ^6\.              a regular expression as in match(): found somewhere
//   # expect-error: must be positive             the compile fails, a regular expression is found in "KIND: MESSAGE"
//   # expect-error at 12: must be positive       and the error is in line 12 of this file; or at FILE:LINE
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/profile/path.h"
#include "base/profile/value.h"
#include "cdb/pan/compiler.h"
#include "cdb/pan/java/java.h"

namespace cdb::pan::golden {

struct Expectation {
  enum class Kind : std::uint8_t { compiles, equal, exists, absent, type, length, matches, error };
  Kind kind = Kind::compiles;
  int line = 0;      // of the comment, 1-based
  std::string text;  // as written, without "# "
  base::profile::Path path;
  base::profile::Value value;          // equal, length
  std::string type;                    // type
  std::optional<java::Regex> pattern;  // matches, error
  std::string file;                    // error: "" for the test's own file
  int error_line = 0;                  // error: 0 for any
};

// Something that does not hold, or a mistake in an expectation.
struct Finding {
  int line = 0;  // of the comment; 0: of the whole test
  std::string message;
  std::string hint;
};

struct Expectations {
  std::vector<Expectation> list;
  std::vector<Finding> mistakes;
  bool of_failure() const;  // it must not compile
};

// Also from texts that do not parse: an error may be what is expected.
Expectations expectations_in(std::string_view text);

// What does not hold. `file` is the path of the template as the compiler calls it.
std::vector<Finding> check(const Expectations& expectations, const Compiled& compiled, std::string_view file);

// The errors of a compile, each with place, excerpt and hint, for people.
std::string errors_text(const Compiled& compiled);

}  // namespace cdb::pan::golden
