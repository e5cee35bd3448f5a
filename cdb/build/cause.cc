#include "cdb/build/cause.h"

#include <algorithm>

#include "base/text/text.h"

namespace cdb::build {
namespace {

constexpr std::size_t max_shown = 120;  // bytes of a line

std::string shown(std::string_view line) {
  auto text = std::string(base::text::trim(line));
  if (text.size() <= max_shown) return text;
  auto end = max_shown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

std::optional<Place> place_of(const pan::SourceRange& range) {
  if (range.file.empty() || range.line <= 0) return std::nullopt;
  return Place{range.file, range.line, shown(range.text)};
}

// Every place that had a part in the value, the nearest first.
std::vector<Place> parts_of(const pan::Origin& origin) {
  std::vector<Place> out;
  const auto add = [&](const pan::SourceRange& range) {
    if (auto place = place_of(range)) out.push_back(std::move(*place));
  };
  if (origin.line) add(*origin.line);
  add(origin.place);
  for (const auto& use : origin.uses) add(use.place);
  for (const auto& range : origin.placed_by) add(range);
  for (auto step = origin.chain.rbegin(); step != origin.chain.rend(); ++step) add(step->place);
  return out;
}

// The element itself; for one that was only made on the way to something below it, the first that was set there.
const pan::Origin* origin_of(const pan::Explanation& explanation, const std::string& path) {
  const auto below = path == "/" ? path : path + "/";
  const pan::Origin* best = nullptr;
  for (const auto& element : explanation.elements) {
    if (element.path != path && !element.path.starts_with(below)) continue;
    const auto* origin = element.origin();
    if (!origin) continue;
    if (origin->how != pan::Origin::How::made) return origin;
    if (!best) best = origin;
  }
  return best;
}

}  // namespace

void EditedLines::add(const std::string& path, std::string_view before, std::string_view after) {
  File file;
  auto ranges = base::git::changed_ranges(before, after);
  if (ranges) {
    file.ranges = std::move(*ranges);
  } else {
    file.whole = true;
  }
  file.before = base::text::split(before, '\n');
  file.after = base::text::split(after, '\n');
  files_[path] = std::move(file);
}

bool EditedLines::line(const std::string& path, int line, bool now) const {
  const auto place = files_.find(path);
  if (place == files_.end()) return false;
  if (place->second.whole) return true;
  return std::any_of(place->second.ranges.begin(), place->second.ranges.end(), [&](const base::git::Range& range) {
    const auto first = now ? range.line : range.old_line;
    return line >= first && line < first + (now ? range.count : range.old_count);
  });
}

std::optional<Place> EditedLines::single(const std::set<std::string>& only, bool now) const {
  std::optional<Place> out;
  for (const auto& [path, file] : files_) {
    if (!only.empty() && !only.contains(path)) continue;
    if (out || file.whole || file.ranges.size() != 1) return std::nullopt;
    const auto& range = file.ranges.front();
    // A pure removal has no line of the new text: the place behind which lines were taken out.
    const bool here = now ? range.count > 0 : range.old_count > 0;
    const auto line = std::max(1, here == now ? range.line : range.old_line);
    const auto& lines = here == now ? file.after : file.before;
    const auto index = static_cast<std::size_t>(line - 1);
    out = Place{path, line, index < lines.size() ? shown(lines[index]) : std::string()};
  }
  return out;
}

Cause cause_of(const pan::Explanation& explanation, const std::string& path, const EditedLines& lines, bool now) {
  Cause out;
  const auto* origin = origin_of(explanation, path);
  if (!origin) return out;
  const auto parts = parts_of(*origin);
  out.set_by = place_of(origin->place);
  for (const auto& place : parts) {
    if (lines.line(place.file, place.line, now)) {
      out.edited = place;
      return out;
    }
  }
  // A statement over several lines begins above the line that was edited.
  for (const auto* range : {&origin->place}) {
    for (int line = range->line; line <= range->end_line && range->line > 0; ++line) {
      if (!lines.line(range->file, line, now)) continue;
      out.edited = place_of(*range);
      return out;
    }
  }
  for (const auto& place : parts) {
    if (lines.file(place.file)) {
      out.edited = place;
      return out;
    }
  }
  return out;
}

}  // namespace cdb::build
