// The canonical layout of Pan text. Used by `weft pan fmt` and the language server. Pure; any thread; nothing is thrown.
//
// What is decided here and what is left to the author: spaces, indentation, blank lines, where braces and brackets of broken
// lists stand, and lines longer than kWidth are decided; where a list, a call or an expression that fits is broken is the
// author's choice. Tokens, comments, annotations and heredoc bodies keep their order and their text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "cdb/pan/syntax/tree.h"

namespace cdb::pan::format {

inline constexpr std::uint32_t kWidth = 120;  // characters
inline constexpr std::uint32_t kIndent = 4;

// The text of a tree without errors (a tree with errors gives its text unchanged). Formatting the result again changes nothing.
// Errc::internal: the layout would not have the same tokens, comments, annotations and heredocs; a defect of this room.
base::Result<std::string> formatted(const syntax::Tree& tree);

// Are tokens, comments, annotations and heredoc bodies the same in both? Blanks at the ends of comments do not count.
bool same_content(const syntax::Tree& before, const syntax::Tree& after);

}  // namespace cdb::pan::format
