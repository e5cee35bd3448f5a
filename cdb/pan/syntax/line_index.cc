#include "cdb/pan/syntax/line_index.h"

#include <algorithm>

namespace cdb::pan::syntax {

namespace {

// Length of the character that begins here, 1 for a malformed one.
std::uint32_t character_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
  const unsigned lead = byte(at);
  if (lead >= 0xc2 && lead <= 0xdf && tail(at + 1)) return 2;
  if (lead >= 0xe0 && lead <= 0xef && tail(at + 1) && tail(at + 2)) return 3;
  if (lead >= 0xf0 && lead <= 0xf4 && tail(at + 1) && tail(at + 2) && tail(at + 3)) return 4;
  return 1;
}

std::uint32_t width(std::uint32_t bytes, Columns columns) {
  if (columns == Columns::bytes) return bytes;
  return columns == Columns::utf16 && bytes == 4 ? 2 : 1;
}

}  // namespace

LineIndex::LineIndex(std::string_view text) : text_(text), starts_{0} {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
    if (text[i] == '\n' || text[i] == '\r') starts_.push_back(static_cast<std::uint32_t>(i + 1));
  }
}

std::uint32_t LineIndex::line_of(std::uint32_t offset) const {
  return static_cast<std::uint32_t>(std::upper_bound(starts_.begin(), starts_.end(), offset) - starts_.begin() - 1);
}

std::string_view LineIndex::line(std::uint32_t line) const {
  const std::size_t end = line + 1 < starts_.size() ? starts_[line + 1] : text_.size();
  std::string_view out = text_.substr(starts_[line], end - starts_[line]);
  if (!out.empty() && out.back() == '\n') out.remove_suffix(1);
  if (!out.empty() && out.back() == '\r') out.remove_suffix(1);
  return out;
}

LinePosition LineIndex::position(std::uint32_t offset, Columns columns) const {
  offset = std::min(offset, static_cast<std::uint32_t>(text_.size()));
  LinePosition out{line_of(offset), 0};
  for (std::uint32_t i = starts_[out.line]; i < offset;) {
    const std::uint32_t bytes = character_length(text_, i);
    if (i + bytes > offset) break;  // inside a character: its beginning
    out.column += width(bytes, columns);
    i += bytes;
  }
  return out;
}

std::uint32_t LineIndex::offset(LinePosition position, Columns columns) const {
  if (position.line >= starts_.size()) return static_cast<std::uint32_t>(text_.size());
  const std::uint32_t start = starts_[position.line];
  const std::uint32_t end = start + static_cast<std::uint32_t>(line(position.line).size());
  std::uint32_t column = 0, i = start;
  while (i < end) {
    const std::uint32_t bytes = character_length(text_, i);
    column += width(bytes, columns);
    if (column > position.column) break;
    i += bytes;
  }
  return std::min(i, end);
}

}  // namespace cdb::pan::syntax
