#include "cdb/pan/syntax/excerpt.h"

#include <fmt/format.h>

#include <algorithm>

#include "cdb/pan/syntax/line_index.h"

namespace cdb::pan::syntax {

namespace {
constexpr std::uint32_t kWidth = 160;

std::string excerpt_of(const LineIndex& lines, Span span) {
  const std::uint32_t number = lines.line_of(span.begin);
  std::string_view line = lines.line(number);
  std::uint32_t from = span.begin - lines.start_of(number), to = std::max(from + 1, span.end - lines.start_of(number));
  std::string_view before;
  if (line.size() > kWidth) {
    std::size_t cut = from > kWidth / 2 ? from - kWidth / 2 : 0;
    while (cut > 0 && cut < line.size() && (static_cast<unsigned char>(line[cut]) & 0xc0U) == 0x80U) --cut;
    line = line.substr(std::min(cut, line.size()), kWidth);
    while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0x80U) != 0) line.remove_suffix(1);
    from -= static_cast<std::uint32_t>(cut);
    to -= static_cast<std::uint32_t>(cut);
    if (cut > 0) before = "... ";
  }
  std::string marks(before.size(), ' ');
  for (std::uint32_t i = 0; i < std::min<std::size_t>(to, line.size() + 1); ++i) {
    if (i < line.size() && (static_cast<unsigned char>(line[i]) & 0xc0U) == 0x80U) continue;
    marks += i >= from ? '^' : i < line.size() && line[i] == '\t' ? '\t' : ' ';
  }
  return fmt::format("{}{}\n{}", before, line, marks);
}

}  // namespace

std::string excerpt(std::string_view text, Span span) {
  return excerpt_of(LineIndex(text), span);
}

std::string errors_text(const Tree& tree, std::string_view name, std::size_t most) {
  const LineIndex lines(tree.text());
  std::string out;
  for (std::size_t i = 0; i < std::min(most, tree.errors().size()); ++i) {
    const SyntaxError& error = tree.errors()[i];
    const LinePosition at = lines.position(error.span.begin, Columns::characters);
    out += fmt::format("{}{}:{}:{}: {}\n{}", i > 0 ? "\n" : "", name, at.line + 1, at.column + 1, error.message,
                       excerpt_of(lines, error.span));
  }
  if (tree.errors().size() > most) out += fmt::format("\nand {} more", tree.errors().size() - most);
  return out;
}

}  // namespace cdb::pan::syntax
