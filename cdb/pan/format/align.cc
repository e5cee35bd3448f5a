// Columns that the author aligned over several lines stay aligned: '=' of assignments, ':' of fields, comments at line ends.
#include <algorithm>
#include <functional>

#include "cdb/pan/format/format.h"
#include "cdb/pan/format/layout.h"

namespace cdb::pan::format {

using syntax::kNone;
using syntax::TokenId;

void Layout::align() {
  align_marks();
  align_comments();
}

// The '=' or ':' of what the line begins with, or kNone.
std::uint32_t Layout::mark_of(const Line& line) const {
  const Element& first = elements_.list[line.begin];
  if (first.kind != Element::Kind::token || structure_.places[first.token].item != first.token) return kNone;
  for (std::uint32_t i = line.begin; i < line.end; ++i) {
    const Element& e = elements_.list[i];
    if (e.kind != Element::Kind::token || !e.one_line) return kNone;
    const Place& place = structure_.places[e.token];
    if (place.aligns) return place.item == first.token ? i : kNone;
  }
  return kNone;
}

std::uint32_t Layout::comment_of(const Line& line) const {
  return line.end - line.begin > 1 && elements_.list[line.end - 1].kind == Element::Kind::comment ? line.end - 1 : kNone;
}

std::uint32_t Layout::column_of(const Line& line, std::uint32_t at) const {
  std::uint32_t column = line.indent + elements_.list[line.begin].pad;
  for (std::uint32_t i = line.begin; i < at; ++i) {
    const Element& e = elements_.list[i];
    if (i > line.begin) column += (e.space ? 1 : 0) + e.pad;
    column = e.one_line ? column + e.width : e.last_line;
  }
  return column + (elements_.list[at].space ? 1 : 0) + elements_.list[at].pad;
}

std::uint32_t Layout::blanks_before(std::uint32_t at) const {
  return at == 0 ? 0 : elements_.list[at].begin - elements_.list[at - 1].end;
}

void Layout::align_marks() {
  // Blank lines and comments do not end a run.
  std::vector<std::size_t> lines;
  std::vector<std::uint32_t> marks;
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    if (elements_.list[lines_[i].begin].kind == Element::Kind::comment) continue;
    lines.push_back(i);
    marks.push_back(mark_of(lines_[i]));
  }
  align_runs(lines, marks, [&](std::size_t a, std::size_t b) { return lines_[lines[a]].indent == lines_[lines[b]].indent; });
}

void Layout::align_comments() {
  std::vector<std::size_t> lines;
  std::vector<std::uint32_t> comments;
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    std::uint32_t comment = comment_of(lines_[i]);
    const Element& first = elements_.list[lines_[i].begin];
    // A comment on a line of its own goes on with the one at the end of the line above when it stands below it.
    if (comment == kNone && i > 0 && comments.back() != kNone && first.kind == Element::Kind::comment && first.breaks == 1 &&
        first.column == elements_.list[comments.back()].column && first.column > lines_[i].indent)
      comment = lines_[i].begin;
    lines.push_back(i);
    comments.push_back(comment);
  }
  align_runs(lines, comments, [&](std::size_t, std::size_t b) { return elements_.list[lines_[lines[b]].begin].breaks == 1; });
}

// Neighbours whose marks are at the same column of the source keep that column, as far as what is before them lets them.
void Layout::align_runs(const std::vector<std::size_t>& lines, const std::vector<std::uint32_t>& marks,
                        const std::function<bool(std::size_t, std::size_t)>& neighbours) {
  const auto mark = [&](std::size_t i) -> Element& { return elements_.list[marks[i]]; };
  const auto leads = [&](std::size_t i) { return marks[i] == lines_[lines[i]].begin; };
  const auto can = [&](std::size_t i) {
    return marks[i] != kNone && (leads(i) || (mark(i).newlines == 0 && blanks_before(marks[i]) > 0));
  };
  for (std::size_t begin = 0, end = 0; begin < lines.size(); begin = end) {
    end = begin + 1;
    if (!can(begin)) continue;
    // At the same column by chance, with one blank before each, is not aligned.
    bool meant = blanks_before(marks[begin]) > 1;
    for (; end < lines.size() && can(end) && mark(end).column == mark(begin).column && neighbours(end - 1, end); ++end)
      meant = meant || leads(end) || blanks_before(marks[end]) > 1;
    if (end - begin < 2 || !meant) continue;
    const Line& first = lines_[lines[begin]];
    const std::uint32_t old_indent = elements_.list[first.begin].column;
    std::uint32_t column = mark(begin).column + first.indent - std::min(old_indent, mark(begin).column + first.indent);
    for (std::size_t i = begin; i < end; ++i)
      if (!leads(i)) column = std::max(column, column_of(lines_[lines[i]], marks[i]));
    for (std::size_t i = begin; i < end; ++i) {
      const std::uint32_t now = leads(i) ? lines_[lines[i]].indent : column_of(lines_[lines[i]], marks[i]);
      mark(i).pad = column - std::min(column, now);
    }
  }
}

}  // namespace cdb::pan::format
