#include "cdb/pan/java/char_set.h"

#include <algorithm>

#include <fmt/format.h>

#include "cdb/pan/java/utf.h"

namespace cdb::pan::java {
namespace {

constexpr char32_t kLast = 0x10ffff;

std::string code_text(char32_t code) {
  bool plain = (code >= '0' && code <= '9') || (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
  return plain ? std::string(1, static_cast<char>(code)) : fmt::format("\\x{{{:x}}}", static_cast<unsigned>(code));
}

}  // namespace

CharSet CharSet::of(char32_t first, char32_t last) {
  CharSet set;
  set.add(first, last);
  return set;
}

CharSet CharSet::of(std::string_view ascii_ranges) {
  CharSet set;
  for (std::size_t i = 0; i + 1 < ascii_ranges.size(); i += 2)
    set.add(static_cast<unsigned char>(ascii_ranges[i]), static_cast<unsigned char>(ascii_ranges[i + 1]));
  return set;
}

CharSet CharSet::property(std::string escape) {
  CharSet set;
  set.properties_.push_back(std::move(escape));
  return set;
}

CharSet CharSet::all() {
  return of(0, kLast);
}

void CharSet::add(char32_t first, char32_t last) {
  ranges_.push_back({first, last});
  normalize();
}

void CharSet::normalize() {
  std::sort(ranges_.begin(), ranges_.end(), [](Range a, Range b) { return a.first < b.first; });
  std::vector<Range> merged;
  for (Range range : ranges_) {
    if (!merged.empty() && range.first <= merged.back().last + 1)
      merged.back().last = std::max(merged.back().last, range.last);
    else
      merged.push_back(range);
  }
  ranges_ = std::move(merged);
}

bool CharSet::has(char32_t code) const {
  auto after = std::upper_bound(ranges_.begin(), ranges_.end(), code, [](char32_t c, Range r) { return c < r.first; });
  return after != ranges_.begin() && code <= (after - 1)->last;
}

void CharSet::unite(const CharSet& other) {
  ranges_.insert(ranges_.end(), other.ranges_.begin(), other.ranges_.end());
  normalize();
  properties_.insert(properties_.end(), other.properties_.begin(), other.properties_.end());
  patterns_.insert(patterns_.end(), other.patterns_.begin(), other.patterns_.end());
}

void CharSet::complement() {
  if (listed()) {
    std::vector<Range> gaps;
    char32_t next = 0;
    for (Range range : ranges_) {
      if (range.first > next) gaps.push_back({next, range.first - 1});
      next = range.last + 1;
    }
    if (next <= kLast) gaps.push_back({next, kLast});
    ranges_ = std::move(gaps);
    return;
  }
  std::string inverse = patterns_.empty() ? "[^" + bracket_body() + "]" : "(?:(?!" + pattern() + ").)";
  *this = {};
  patterns_.push_back(std::move(inverse));
}

void CharSet::intersect(const CharSet& other) {
  if (!listed() || !other.listed()) {
    std::string both = "(?:(?=" + pattern() + ")" + other.pattern() + ")";
    *this = {};
    patterns_.push_back(std::move(both));
    return;
  }
  std::vector<Range> common;
  for (Range a : ranges_)
    for (Range b : other.ranges_) {
      Range overlap{std::max(a.first, b.first), std::min(a.last, b.last)};
      if (overlap.first <= overlap.last) common.push_back(overlap);
    }
  ranges_ = std::move(common);
  normalize();
}

void CharSet::add_cases(bool unicode) {
  std::vector<char32_t> more;
  auto consider = [&](char32_t code) {
    if (has(code)) return;
    char32_t upper = simple_upper(code), lower = simple_lower(upper);
    if (has(upper) || has(lower)) more.push_back(code);
  };
  if (unicode) {
    // Java compares after mapping both sides to upper and then lower case; a listed character stands for its folded form too.
    std::vector<char32_t> folded;
    each_cased([&](char32_t code) {
      if (has(code)) folded.push_back(simple_lower(simple_upper(code)));
    });
    for (char32_t code : folded) ranges_.push_back({code, code});
    normalize();
    each_cased(consider);
  } else {
    for (char32_t code = 'A'; code <= 'Z'; ++code) {
      if (has(code) && !has(code + 32)) more.push_back(code + 32);
      if (has(code + 32) && !has(code)) more.push_back(code);
    }
  }
  for (char32_t code : more) ranges_.push_back({code, code});
  normalize();
}

std::string CharSet::bracket_body() const {
  std::string body;
  auto put = [&](char32_t first, char32_t last) {
    body += code_text(first);
    if (first != last) body += "-" + code_text(last);
  };
  for (Range range : ranges_) {
    // PCRE2 does not want surrogates named, and no subject holds any.
    if (range.first < 0xd800 && range.last > 0xdfff) {
      put(range.first, 0xd7ff);
      put(0xe000, range.last);
    } else {
      if (range.first >= 0xd800 && range.first <= 0xdfff) range.first = 0xe000;
      if (range.last >= 0xd800 && range.last <= 0xdfff) range.last = 0xd7ff;
      if (range.first <= range.last) put(range.first, range.last);
    }
  }
  for (const std::string& property : properties_) body += property;
  return body;
}

std::string CharSet::pattern() const {
  std::string body = bracket_body();
  if (patterns_.empty() && body.empty()) return "(?:(?!).)";
  if (patterns_.empty()) return "[" + body + "]";
  std::string alternatives = body.empty() ? "" : "[" + body + "]";
  for (const std::string& pattern : patterns_) alternatives += (alternatives.empty() ? "" : "|") + pattern;
  return "(?:" + alternatives + ")";
}

}  // namespace cdb::pan::java
