// Byte offsets to lines and columns and back, for people (1-based, characters) and for the Language Server Protocol (0-based,
// UTF-16 units or UTF-8 bytes). Used by the tools over syntax trees. Keeps a view of the text: the text must outlive it.
// Immutable; any thread. Lines end at LF, CR LF or CR. Malformed UTF-8: each wrong byte counts as one character.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace cdb::pan::syntax {

enum class Columns : std::uint8_t { bytes, characters, utf16 };

struct LinePosition {
  std::uint32_t line = 0, column = 0;  // 0-based
  bool operator==(const LinePosition&) const = default;
};

class LineIndex {
 public:
  explicit LineIndex(std::string_view text);
  std::size_t lines() const { return starts_.size(); }  // at least 1
  std::uint32_t line_of(std::uint32_t offset) const;
  // The line without its end.
  std::string_view line(std::uint32_t line) const;
  std::uint32_t start_of(std::uint32_t line) const { return starts_[line]; }
  LinePosition position(std::uint32_t offset, Columns columns) const;
  // Lines behind the last give the end of the text, columns behind the end of a line its end.
  std::uint32_t offset(LinePosition position, Columns columns) const;

 private:
  std::string_view text_;
  std::vector<std::uint32_t> starts_;
};

}  // namespace cdb::pan::syntax
