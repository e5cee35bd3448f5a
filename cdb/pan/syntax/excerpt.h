// Errors of a syntax tree as text for people. Used by the tools on the command line. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "cdb/pan/syntax/tree.h"

namespace cdb::pan::syntax {

// "NAME:LINE:COLUMN: MESSAGE", the source line and a caret below it, for the first `most` errors; says how many more there are.
std::string errors_text(const Tree& tree, std::string_view name, std::size_t most = 3);
// The line of a place and a line that marks it; very long lines are cut round it.
std::string excerpt(std::string_view text, Span span);

}  // namespace cdb::pan::syntax
