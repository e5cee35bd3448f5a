#include "base/text/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>

namespace base::text {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const auto end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i) out += separator;
    out += parts[i];
  }
  return out;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view white = " \t\r\n\v\f";
  const auto begin = text.find_first_not_of(white);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(white) - begin + 1);
}

bool valid_utf8(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* end = p + text.size();
  while (p < end) {
    if (*p < 0x80) {
      ++p;
      continue;
    }
    int more = 0;
    unsigned point = 0;
    unsigned least = 0;
    if ((*p & 0xe0) == 0xc0) {
      more = 1, point = *p & 0x1f, least = 0x80;
    } else if ((*p & 0xf0) == 0xe0) {
      more = 2, point = *p & 0x0f, least = 0x800;
    } else if ((*p & 0xf8) == 0xf0) {
      more = 3, point = *p & 0x07, least = 0x10000;
    } else {
      return false;
    }
    if (end - p <= more) return false;
    for (int i = 1; i <= more; ++i) {
      if ((p[i] & 0xc0) != 0x80) return false;
      point = point << 6 | (p[i] & 0x3f);
    }
    // Overlong forms, surrogates and points beyond Unicode have more than one meaning to different readers.
    if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
    p += more + 1;
  }
  return true;
}

std::string rfc3339(std::chrono::system_clock::time_point time) {
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
  auto seconds = milliseconds / 1000;
  auto rest = milliseconds % 1000;
  if (rest < 0) rest += 1000, --seconds;
  const std::time_t clock = seconds;
  std::tm parts{};
  if (!gmtime_r(&clock, &parts)) return "0000-00-00T00:00:00.000Z";
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec, rest);
}

Result<std::chrono::seconds> parse_duration(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return fail(Errc::invalid, fmt::format("'{}' is not a duration: {}", text, why),
                "write for example 90s, 15m, 2h, 3d or 1h30m");
  };
  constexpr std::string_view units = "dhms";
  constexpr std::int64_t lengths[] = {86400, 3600, 60, 1};
  constexpr std::int64_t longest = 100ll * 366 * 86400;
  std::string_view rest = trim(text);
  if (rest.empty()) return bad("it is empty");
  std::int64_t total = 0;
  std::size_t least_unit = 0;
  while (!rest.empty()) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (error == std::errc::result_out_of_range) return bad("it is too long");
    if (error != std::errc{} || rest.front() == '-') return bad("a number must stand before each unit");
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    if (rest.empty()) return bad("the unit is missing");
    const auto unit = units.find(rest.front());
    if (unit == std::string_view::npos) return bad(fmt::format("unknown unit '{}'", rest.front()));
    if (unit < least_unit) return bad("units must go from long to short, each at most once");
    least_unit = unit + 1;
    rest.remove_prefix(1);
    if (number > longest / lengths[unit] || (total += number * lengths[unit]) > longest)
      return bad("it is longer than 100 years");
  }
  return std::chrono::seconds(total);
}

std::string human_duration(std::chrono::milliseconds duration) {
  const double ms = static_cast<double>(duration.count());
  const double size = ms < 0 ? -ms : ms;
  if (size < 1000) return fmt::format("{} ms", duration.count());
  if (size < 59950) return fmt::format("{:.1f} s", ms / 1000);
  if (size < 3570e3) return fmt::format("{:.0f} min", ms / 60e3);
  if (size < 35.95 * 3600e3) return fmt::format("{:.1f} h", ms / 3600e3);
  return fmt::format("{:.1f} days", ms / 86400e3);
}

bool glob_match(std::string_view pattern, std::string_view word) {
  // One remembered star is enough: a later star makes the earlier one's choice irrelevant. So linear in practice, no recursion.
  std::size_t p = 0, w = 0, star = std::string_view::npos, mark = 0;
  while (w < word.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = w;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == word[w])) {
      ++p;
      ++w;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      w = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace base::text
