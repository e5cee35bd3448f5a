// From elements and structure to decided line breaks, indentation and columns. Private to this room. One Layout formats one file.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cdb/pan/format/element.h"
#include "cdb/pan/format/structure.h"

namespace cdb::pan::format {

class Layout {
 public:
  explicit Layout(const syntax::Tree& tree);
  std::string run();

 private:
  struct Line {
    std::uint32_t begin = 0, end = 0;  // elements
    std::uint32_t indent = 0;
  };

  const Element& element(syntax::TokenId t) const { return elements_.list[elements_.of_token[t]]; }
  Element& element(syntax::TokenId t) { return elements_.list[elements_.of_token[t]]; }
  Lex lex(syntax::TokenId t) const { return tree_.tokens()[t].kind; }

  // layout.cc: the breaks that follow from the author's and from the rules
  void decide();
  void decide_token(std::uint32_t at, bool heredoc_open);
  std::uint32_t blank_limit(std::uint32_t at) const;
  std::uint32_t wanted_breaks(std::uint32_t at, std::uint32_t newlines) const;
  // layout.cc: lines
  void make_lines();
  std::uint32_t line_end(std::uint32_t begin) const;
  std::uint32_t indent_of(std::uint32_t at) const;
  std::uint32_t indent_of_token(syntax::TokenId t) const;
  std::uint32_t inside(GroupId group) const;
  bool statements(GroupId group) const;

  // wrap.cc: breaks in lines that are too long
  std::uint32_t width_of(std::uint32_t begin, std::uint32_t end, std::uint32_t indent) const;
  bool wrap(std::uint32_t begin, std::uint32_t end, std::uint32_t indent);
  bool break_before(syntax::TokenId t);
  void open_up(GroupId group);
  bool simple(syntax::TokenId first, syntax::TokenId end) const;
  // The last of the tokens that still fits on the line, or the first.
  syntax::TokenId last_fitting(const std::vector<syntax::TokenId>& tokens, std::uint32_t begin, std::uint32_t indent) const;

  // align.cc: columns that the author aligned
  void align();
  void align_marks();
  void align_comments();
  void align_runs(const std::vector<std::size_t>& lines, const std::vector<std::uint32_t>& marks,
                  const std::function<bool(std::size_t, std::size_t)>& neighbours);
  std::uint32_t mark_of(const Line& line) const;
  std::uint32_t comment_of(const Line& line) const;
  std::uint32_t column_of(const Line& line, std::uint32_t at) const;
  std::uint32_t blanks_before(std::uint32_t at) const;  // in the source

  std::string print() const;

  const syntax::Tree& tree_;
  Elements elements_;
  Structure structure_;
  std::vector<std::uint32_t> line_indent_;  // by token, of the line it is on
  std::vector<Line> lines_;
};

}  // namespace cdb::pan::format
