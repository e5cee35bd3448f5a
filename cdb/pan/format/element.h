// What is printed, in order: tokens and the comments, annotations and heredoc bodies between them, with the line breaks before
// each, first the author's, then the decided ones. Private to this room.
#pragma once

#include <cstdint>
#include <vector>

#include "cdb/pan/syntax/tree.h"

namespace cdb::pan::format {

struct Element {
  enum class Kind : std::uint8_t { token, comment, annotation, heredoc_body };
  Kind kind = Kind::token;
  std::uint32_t begin = 0, end = 0;
  syntax::TokenId token = 0;    // itself, or the token that follows
  std::uint32_t column = 0;     // in the source, 0-based characters, tabs every 8
  std::uint32_t newlines = 0;   // in the source, directly before it
  std::uint32_t width = 0;      // characters of its first line
  std::uint32_t last_line = 0;  // characters of its last line; equal to width when there is one line only
  bool one_line = true;
  // Decided:
  std::uint32_t breaks = 0;  // line ends before it; 2: a blank line
  bool space = true;         // when breaks == 0
  std::uint32_t pad = 0;     // more blanks before it, to keep columns aligned
};

struct Elements {
  std::vector<Element> list;                // the last is the end of the file
  std::vector<std::uint32_t> of_token;      // index into list
  std::vector<std::uint32_t> first_of_gap;  // for a token: the first element behind the token before it
  // Line breaks between a token and the one before it, whatever else is there.
  std::uint32_t newlines_before(syntax::TokenId token) const;
  bool bare_gap(syntax::TokenId token) const { return first_of_gap[token] == of_token[token]; }
};

Elements elements_of(const syntax::Tree& tree);

}  // namespace cdb::pan::format
