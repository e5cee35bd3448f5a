#include "cdb/pan/source_range.h"

#include <algorithm>

#include "base/text/text.h"

namespace cdb::pan {

namespace {

constexpr std::size_t kLongestText = 120;

// Counts characters, as position_of() does.
int column_of(std::string_view content, std::uint32_t line, std::uint32_t offset) {
  int column = 1;
  for (std::uint32_t i = line; i < offset; ++i)
    if ((static_cast<unsigned char>(content[i]) & 0xc0) != 0x80 && content[i] != '\r') ++column;
  return column;
}

std::string shortened(std::string_view text, bool more) {
  if (text.size() <= kLongestText) return std::string(text) + (more ? " ..." : "");
  std::size_t cut = kLongestText;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
  return std::string(text.substr(0, cut)) + "...";
}

}  // namespace

const std::vector<std::uint32_t>& Ranges::lines(const SourceText& source) {
  std::vector<std::uint32_t>& lines = lines_[&source];
  if (!lines.empty()) return lines;
  lines.push_back(0);
  const std::string_view content = *source.content;
  for (std::uint32_t i = 0; i < content.size(); ++i)
    if (content[i] == '\n' || (content[i] == '\r' && !(i + 1 < content.size() && content[i + 1] == '\n'))) lines.push_back(i + 1);
  return lines;
}

SourceRange Ranges::of(const Place& place, bool whole_line) {
  SourceRange out;
  if (place.source == nullptr) return out;
  out.file = place.source->path;
  if (!place.span.known()) return out;
  const std::string_view content = *place.source->content;
  const auto& starts = lines(*place.source);
  auto line_at = [&](std::uint32_t offset) { return std::upper_bound(starts.begin(), starts.end(), offset) - 1; };
  const auto begin = line_at(place.span.begin), end = line_at(place.span.end - 1);
  out.line = static_cast<int>(begin - starts.begin()) + 1;
  out.column = column_of(content, *begin, place.span.begin);
  out.end_line = static_cast<int>(end - starts.begin()) + 1;
  out.end_column = column_of(content, *end, place.span.end - 1);
  std::string_view text =
      whole_line ? content.substr(*begin) : content.substr(place.span.begin, place.span.end - place.span.begin);
  const std::size_t stop = text.find_first_of("\r\n");
  out.text = shortened(base::text::trim(text.substr(0, stop)), stop != std::string_view::npos && !whole_line);
  return out;
}

}  // namespace cdb::pan
