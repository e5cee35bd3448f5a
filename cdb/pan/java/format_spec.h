// One "%..." of a format string, and the texts of numbers under it. Room-internal; pure functions, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/diag/result.h"

namespace cdb::pan::java {

struct FormatSpec {
  std::string text;    // as written: "%-5d"
  int index = 0;       // 0: the next ordinary argument, -1: the last one used ('<'), otherwise 1-based
  std::string flags;   // in the order written, no duplicates, without '<'
  int width = -1;      // -1: none
  int precision = -1;  // -1: none
  char conversion = 0;
  bool upper = false;  // the conversion was written as a capital; `conversion` is small then

  bool has(char flag) const { return flags.find(flag) != std::string::npos; }
};

// `message` is what the Java exception says, `advice` what to do.
tl::unexpected<base::Error> format_error(std::string message, std::string_view advice);
// Is `spec` allowed to have its flags, width and precision?
base::Result<> check_spec(const FormatSpec& spec);

// Complete texts, padded with zeros where asked, not yet with blanks.
std::string integer_text(const FormatSpec& spec, std::int64_t value);
std::string real_text(const FormatSpec& spec, double value);
// Pads with blanks to the width, in UTF-16 units.
void append_padded(const FormatSpec& spec, std::string_view text, std::string& out);

}  // namespace cdb::pan::java
