#include "cdb/pan/format/layout.h"

#include <algorithm>

#include "cdb/pan/format/format.h"

namespace cdb::pan::format {

using syntax::kNone;
using syntax::TokenId;

Layout::Layout(const syntax::Tree& tree)
    : tree_(tree),
      elements_(elements_of(tree)),
      structure_(structure_of(tree, elements_)),
      line_indent_(tree.tokens().size(), 0) {}

std::string Layout::run() {
  decide();
  make_lines();
  align();
  return print();
}

// How many blank lines may stand before an element.
std::uint32_t Layout::blank_limit(std::uint32_t at) const {
  const Element& e = elements_.list[at];
  const Place& place = structure_.places[e.token];
  const bool item = place.item == e.token;
  if (at == 0) return 0;
  if (place.group == kNone && place.closes == kNone) return item ? 2 : 0;
  // Not at the beginning and the end of what brackets hold.
  const Element& before = elements_.list[at - 1];
  if (before.kind == Element::Kind::token && structure_.places[before.token].opens != kNone) return 0;
  if (place.closes != kNone) return e.kind == Element::Kind::token ? 0 : 1;
  return item ? 1 : 0;
}

std::uint32_t Layout::wanted_breaks(std::uint32_t at, std::uint32_t newlines) const {
  if (newlines == 0) return 0;
  // An annotation stays near what it describes.
  const bool described = at > 0 && elements_.list[at - 1].kind == Element::Kind::annotation;
  return std::min({newlines, 1 + blank_limit(at), described ? 2U : 3U});
}

void Layout::decide() {
  bool heredoc_open = false;  // its body comes with the next line end: none may be made before
  for (std::uint32_t i = 0; i < elements_.list.size(); ++i) {
    Element& e = elements_.list[i];
    const bool after_body = i > 0 && elements_.list[i - 1].kind == Element::Kind::heredoc_body;
    const std::uint32_t newlines = e.newlines + (after_body ? 1 : 0);
    switch (e.kind) {
      case Element::Kind::token:
        decide_token(i, heredoc_open);
        heredoc_open = heredoc_open || lex(e.token) == Lex::heredoc;
        break;
      case Element::Kind::heredoc_body:
        e.breaks = 1;
        heredoc_open = false;
        break;
      default: e.breaks = i == 0 ? 0 : wanted_breaks(i, newlines);
    }
  }
}

void Layout::decide_token(std::uint32_t at, bool heredoc_open) {
  Element& e = elements_.list[at];
  const Place& place = structure_.places[e.token];
  if (at == 0) return;
  e.space = place.space;
  const std::uint32_t first = elements_.first_of_gap[e.token];
  const Element& before = elements_.list[at - 1];
  std::uint32_t newlines = e.newlines + (before.kind == Element::Kind::heredoc_body ? 1 : 0);
  if (first != at) {
    // Behind comments, annotations, heredoc bodies the author's break stands.
    e.breaks = wanted_breaks(at, newlines);
    if (before.kind == Element::Kind::annotation) e.space = true;
    const bool broken = std::any_of(elements_.list.begin() + first, elements_.list.begin() + at + 1,
                                    [](const Element& x) { return x.breaks > 0; });
    if (place.rule == Rule::force && !broken && !heredoc_open) elements_.list[first].breaks = 1;
    return;
  }
  if (place.rule == Rule::join) return;
  // A break before a comma stands behind it now.
  if (place.borrows && elements_.bare_gap(e.token - 1)) newlines = std::max(newlines, element(e.token - 1).newlines);
  e.breaks = wanted_breaks(at, newlines);
  if (place.rule == Rule::force && e.breaks == 0 && !heredoc_open) e.breaks = 1;
}

std::uint32_t Layout::line_end(std::uint32_t begin) const {
  std::uint32_t end = begin + 1;
  while (end < elements_.list.size() && elements_.list[end].breaks == 0) ++end;
  return end;
}

void Layout::make_lines() {
  for (std::uint32_t begin = 0; begin < elements_.list.size();) {
    const std::uint32_t indent = indent_of(begin);
    std::uint32_t end = line_end(begin);
    while (wrap(begin, end, indent)) end = line_end(begin);
    for (std::uint32_t i = begin; i < end; ++i)
      if (elements_.list[i].kind == Element::Kind::token) line_indent_[elements_.list[i].token] = indent;
    lines_.push_back({begin, end, indent});
    begin = end;
  }
}

std::uint32_t Layout::inside(GroupId group) const {
  return line_indent_[structure_.groups[group].anchor] + kIndent;
}

// Of a line that begins with this element.
std::uint32_t Layout::indent_of(std::uint32_t at) const {
  const Element& e = elements_.list[at];
  if (e.kind == Element::Kind::heredoc_body) return 0;
  const Place& place = structure_.places[e.token];
  // A comment before a closing bracket belongs to what the bracket holds.
  if (e.kind != Element::Kind::token && place.closes != kNone) return inside(place.closes);
  return indent_of_token(e.token);
}

// Does a group hold statements or fields rather than expressions?
bool Layout::statements(GroupId group) const {
  const Group::Kind kind = structure_.groups[group].kind;
  return kind == Group::Kind::block || kind == Group::Kind::record || kind == Group::Kind::body;
}

std::uint32_t Layout::indent_of_token(TokenId t) const {
  const Place& place = structure_.places[t];
  if (place.closes != kNone) return line_indent_[structure_.groups[place.closes].anchor];
  if (place.like != kNone) return line_indent_[place.like];
  if (place.item == kNone) return inside(place.group);
  if (place.item != t) {
    // The only thing in brackets of its own lines is not indented twice.
    const bool alone = place.group != kNone && structure_.groups[place.group].items.size() == 1 &&
                       element(place.item).breaks > 0 && !statements(place.group);
    return line_indent_[place.item] + (alone ? 0 : kIndent);
  }
  return place.group == kNone ? 0 : inside(place.group);
}

std::string Layout::print() const {
  const std::string& text = tree_.text();
  const std::size_t first_end = text.find_first_of("\r\n");
  std::string_view end_of_line = "\n";
  if (first_end != std::string::npos && text[first_end] == '\r')
    end_of_line = text.compare(first_end, 2, "\r\n") == 0 ? std::string_view("\r\n") : std::string_view("\r");
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  bool fresh = true;  // at the beginning of a line
  for (const Line& line : lines_) {
    for (std::uint32_t i = line.begin; i < line.end; ++i) {
      const Element& e = elements_.list[i];
      const bool last = i + 1 == elements_.list.size();
      if (last) {
        if (!fresh) out += end_of_line;
        break;
      }
      if (i == line.begin && i > 0) {
        std::uint32_t breaks = e.breaks;
        if (fresh) --breaks;
        if (e.kind == Element::Kind::heredoc_body) breaks = fresh ? 0 : 1;
        while (breaks-- > 0) out += end_of_line;
      }
      if (i == line.begin)
        out.append(line.indent + e.pad, ' ');
      else
        out.append((e.space ? 1 : 0) + e.pad, ' ');
      out.append(text, e.begin, e.end - e.begin);
      fresh = e.kind == Element::Kind::heredoc_body && (out.back() == '\n' || out.back() == '\r');
    }
  }
  return out;
}

}  // namespace cdb::pan::format
