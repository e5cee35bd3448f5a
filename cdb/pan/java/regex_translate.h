// From java.util.regex syntax to a PCRE2 pattern that means the same. Room-internal; pure, any thread. The result is to be
// compiled with PCRE2_UTF | PCRE2_DOTALL and no other option.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/diag/result.h"
#include "cdb/pan/java/char_set.h"

namespace cdb::pan::java {

struct Translated {
  std::string pattern;
  int groups = 0;                                 // capturing groups
  std::map<std::string, int, std::less<>> names;  // of named groups
};

base::Result<Translated> translate_regex(std::string_view pattern, std::string_view flags);

// The set named in \p{NAME} or \pX; `caseless` as the flag i is set. An error when Java or we do not know it.
base::Result<CharSet> property_set(std::string_view name, bool caseless);
// The set of a Unicode block by one of the names Java takes, in any case: "Basic Latin", "BasicLatin", "BASIC_LATIN".
base::Result<CharSet> block_set(std::string_view name);

}  // namespace cdb::pan::java
