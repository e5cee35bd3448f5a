#include "monitor/sensor/parse.h"

#include <charconv>

#include <fmt/format.h>

#include "base/file/file.h"
#include "base/text/text.h"

namespace monitor::sensor {

std::optional<double> number(std::string_view word) {
  double out;
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), out);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return out;
}

std::optional<std::int64_t> whole(std::string_view word) {
  std::int64_t out;
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), out);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return out;
}

bool next_line(std::string_view& text, std::string_view& line) {
  if (text.empty()) return false;
  std::size_t end = text.find('\n');
  line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return true;
}

std::string_view next_word(std::string_view& line) {
  std::size_t begin = line.find_first_not_of(" \t");
  if (begin == std::string_view::npos) {
    line = {};
    return {};
  }
  std::size_t end = line.find_first_of(" \t", begin);
  auto word = line.substr(begin, end == std::string_view::npos ? end : end - begin);
  line.remove_prefix(end == std::string_view::npos ? line.size() : end);
  return word;
}

base::Result<std::string> read(const std::filesystem::path& path) {
  return base::file::read(path, 8u << 20);
}

std::optional<std::string> first_line(const std::filesystem::path& path) {
  auto text = base::file::read(path, 64u << 10);
  if (!text) return std::nullopt;
  return std::string(base::text::trim(std::string_view(*text).substr(0, text->find('\n'))));
}

base::Error malformed(const std::filesystem::path& path, std::string_view what) {
  return {
      base::Errc::corrupt, fmt::format("{}: {}", path.string(), what), "report it with the file's content and `uname -r`", {}};
}

base::Result<std::vector<std::string>> patterns(const base::profile::Value& options, std::string_view name,
                                                std::initializer_list<std::string_view> fallback) {
  const auto* value = options.get(name);
  if (!value) return std::vector<std::string>(fallback.begin(), fallback.end());
  std::vector<std::string> out;
  for (const auto& item : *value->list()) {
    const std::string* text = item.string();
    if (!text || text->empty())
      return base::fail(base::Errc::invalid, fmt::format("option {}: each element must be a non-empty string", name));
    out.push_back(*text);
  }
  return out;
}

bool matches_any(const std::vector<std::string>& patterns, std::string_view word) {
  for (const auto& pattern : patterns)
    if (base::text::glob_match(pattern, word)) return true;
  return false;
}

}  // namespace monitor::sensor
