// Where a refused JSON document is wrong, for the message to a person. Private to this room: used by parse_json after it has
// refused; never decides what is refused. Pure, any thread.
#pragma once

#include <string_view>
#include <utility>

namespace base::profile {

struct Defect {
  enum Kind { syntax, big_integer, duplicate } kind = syntax;
};

// Line and column (in characters), both from 1, of the first defect of that kind; the end of the text when it is not found.
std::pair<int, int> locate(std::string_view text, int depth, const Defect& defect);

}  // namespace base::profile
