#include <charconv>
#include <cmath>
#include <limits>

#include "cdb/pan/java/java.h"

namespace cdb::pan::java {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// What follows an optional 0x: hex digits with an optional point, then p and a decimal exponent (obligatory in Java).
bool hexadecimal_shape(std::string_view text) {
  std::size_t at = 0, digits = 0;
  bool point = false;
  for (; at < text.size(); ++at) {
    char c = text[at];
    if (is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
      ++digits;
    else if (c == '.' && !point)
      point = true;
    else
      break;
  }
  if (digits == 0 || at == text.size() || (text[at] != 'p' && text[at] != 'P')) return false;
  ++at;
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
  if (at == text.size()) return false;
  for (; at < text.size(); ++at)
    if (!is_digit(text[at])) return false;
  return true;
}

bool decimal_shape(std::string_view text) {
  std::size_t at = 0, digits = 0;
  for (; at < text.size() && is_digit(text[at]); ++at) ++digits;
  if (at < text.size() && text[at] == '.')
    for (++at; at < text.size() && is_digit(text[at]); ++at) ++digits;
  if (digits == 0) return false;
  if (at == text.size()) return true;
  if (text[at] != 'e' && text[at] != 'E') return false;
  ++at;
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
  if (at == text.size()) return false;
  for (; at < text.size(); ++at)
    if (!is_digit(text[at])) return false;
  return true;
}

// from_chars reports both overflow and underflow as out of range; Java gives Infinity or 0. The decimal point decides.
double out_of_range(std::string_view text, bool hexadecimal) {
  long exponent = 0;
  auto mark = text.find_last_of(hexadecimal ? "pP" : "eE");
  if (mark != text.npos) {
    std::string_view digits = text.substr(mark + 1);
    bool negative = digits.starts_with('-');
    if (negative || digits.starts_with('+')) digits.remove_prefix(1);
    if (std::from_chars(digits.data(), digits.data() + digits.size(), exponent).ec != std::errc()) exponent = 1'000'000'000;
    if (negative) exponent = -exponent;
    text = text.substr(0, mark);
  }
  long scale = 0;  // position of the first significant digit relative to the point
  auto point = std::min(text.find('.'), text.size());
  auto first = text.find_first_not_of("0.");
  if (first == text.npos) return 0;
  scale = static_cast<long>(point) - static_cast<long>(first);
  return scale * (hexadecimal ? 4 : 1) + exponent > 0 ? std::numeric_limits<double>::infinity() : 0.0;
}

}  // namespace

std::optional<std::int64_t> parse_long(std::string_view text, int radix) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  std::int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, radix);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::int64_t> decode_long(std::string_view text) {
  std::string sign;
  if (text.starts_with('-') || text.starts_with('+')) {
    if (text[0] == '-') sign = "-";
    text.remove_prefix(1);
  }
  int radix = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    radix = 16;
    text.remove_prefix(2);
  } else if (text.starts_with('#')) {
    radix = 16;
    text.remove_prefix(1);
  } else if (text.starts_with('0') && text.size() > 1) {
    radix = 8;
    text.remove_prefix(1);
  }
  if (text.starts_with('-') || text.starts_with('+')) return std::nullopt;
  return parse_long(sign + std::string(text), radix);
}

std::optional<double> parse_double(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  auto signed_value = [&](double value) { return std::optional<double>(negative ? -value : value); };
  if (text == "NaN") return signed_value(std::numeric_limits<double>::quiet_NaN());
  if (text == "Infinity") return signed_value(std::numeric_limits<double>::infinity());
  if (!text.empty() && std::string_view("dDfF").find(text.back()) != std::string_view::npos) {
    bool hexadecimal_digit = (text.starts_with("0x") || text.starts_with("0X")) && text.find_first_of("pP") == text.npos;
    if (!hexadecimal_digit) text.remove_suffix(1);
  }
  bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  if (hexadecimal) text.remove_prefix(2);
  if (hexadecimal ? !hexadecimal_shape(text) : !decimal_shape(text)) return std::nullopt;
  double value = 0;
  auto format = hexadecimal ? std::chars_format::hex : std::chars_format::general;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, format);
  if (error == std::errc::result_out_of_range) return signed_value(out_of_range(text, hexadecimal));
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return signed_value(value);
}

}  // namespace cdb::pan::java
