#include "base/yaml/scalar.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace base::yaml {
namespace {

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// null, Null, NULL: YAML knows three spellings of each word, not any mixture.
bool spelled(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  if (text == lower) return true;
  std::string upper(lower), capital(lower);
  for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  capital[0] = upper[0];
  return text == upper || text == capital;
}

// [-+]? ( \.[0-9]+ | [0-9]+(\.[0-9]*)? ) ([eE][-+]?[0-9]+)?
enum class Number { none, integer, real };
Number shape(std::string_view text) {
  std::size_t i = !text.empty() && (text[0] == '-' || text[0] == '+');
  const auto digits = [&] {
    const auto from = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    return i - from;
  };
  const auto whole = digits();
  if (i == text.size()) return whole ? Number::integer : Number::none;
  if (text[i] == '.') {
    ++i;
    if (!digits() && !whole) return Number::none;
  } else if (!whole) {
    return Number::none;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (!digits()) return Number::none;
  }
  return i == text.size() ? Number::real : Number::none;
}

tl::unexpected<Error> refuse(std::string_view text, std::string_view why) {
  return fail(Errc::invalid, fmt::format("'{}' {}", text.substr(0, 60), why), "put it in quotes if it is meant as text");
}

Result<profile::Value> integer(std::string_view text, std::string_view digits, int radix, bool negative) {
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size, radix);
  const std::uint64_t limit = (std::uint64_t(1) << 63) - (negative ? 0 : 1);
  if (error != std::errc{} || end != digits.data() + digits.size() || size > limit)
    return refuse(text, "does not fit a 64-bit integer");
  return profile::Value(static_cast<std::int64_t>(negative ? 0 - size : size));
}

}  // namespace

Result<profile::Value> plain_scalar(std::string_view text) {
  if (text.empty() || text == "~" || spelled(text, "null")) return profile::Value();
  if (spelled(text, "true")) return profile::Value(true);
  if (spelled(text, "false")) return profile::Value(false);
  const bool sign = text[0] == '-' || text[0] == '+';
  const auto unsigned_text = text.substr(sign);
  if (spelled(unsigned_text, ".inf") || unsigned_text == ".Inf" || one_of(text, {".nan", ".NaN", ".NAN"}))
    return refuse(text, "cannot be stored: infinity and not-a-number are no values here");
  if (text.starts_with("0x") && text.size() > 2 && text.find_first_not_of("0123456789abcdefABCDEF", 2) == std::string_view::npos)
    return integer(text, text.substr(2), 16, false);
  if (text.starts_with("0o") && text.size() > 2 && text.find_first_not_of("01234567", 2) == std::string_view::npos)
    return integer(text, text.substr(2), 8, false);
  switch (shape(text)) {
    case Number::none: return profile::Value(text);
    case Number::integer:
      if (unsigned_text.size() > 1 && unsigned_text[0] == '0')
        return refuse(text, "is octal to older YAML readers and decimal to newer ones: write 0o... for octal");
      return integer(text, unsigned_text, 10, text[0] == '-');
    case Number::real: {
      double number = 0;
      const auto digits = text.substr(text[0] == '+');
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
      if (error != std::errc{} || end != digits.data() + digits.size() || !std::isfinite(number))
        return refuse(text, "is out of a double's range");
      return profile::Value(number);
    }
  }
  return profile::Value(text);
}

bool safe_plain(std::string_view text) {
  if (text.empty() || text.size() > 200) return false;
  // Only letters lead: no sign, digit, dot or indicator can begin a number, a date, or YAML 1.1's sexagesimal 22:22.
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (!letter(text[0]) && text[0] != '/' && text[0] != '_') return false;
  const bool plain = std::all_of(text.begin(), text.end(), [&](char c) {
    return letter(c) || is_digit(c) || std::string_view("_-./+@ ").find(c) != std::string_view::npos;
  });
  if (!plain || text.back() == ' ' || text.find("  ") != std::string_view::npos) return false;
  for (const std::string_view word : {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}) {
    if (text.size() == word.size() &&
        std::equal(text.begin(), text.end(), word.begin(), [](char a, char b) { return (a | 0x20) == b; }))
      return false;
  }
  return true;
}

}  // namespace base::yaml
