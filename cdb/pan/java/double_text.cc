#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "cdb/pan/java/decimal.h"
#include "cdb/pan/java/java.h"

namespace cdb::pan::java {

Decimal Decimal::of(double value) {
  value = std::fabs(value);
  if (value == 0) return {"0", 1};
  char text[64];
  auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  *end = 0;
  if (text[1] == 'e') {
    // One digit: Java takes the nearest two-digit decimal when that reads back too (4.9E-324, not 5.0E-324).
    char two[64];
    std::snprintf(two, sizeof two, "%.1e", value);
    if (std::strtod(two, nullptr) == value) std::copy(std::begin(two), std::end(two), std::begin(text));
  }
  Decimal result;
  const char* at = text;
  for (; *at != 'e'; ++at)
    if (*at != '.') result.digits += *at;
  result.exponent = std::atoi(at + 1) + 1;
  while (result.digits.size() > 1 && result.digits.back() == '0') result.digits.pop_back();
  return result;
}

void Decimal::round_to(int count) {
  if (digits == "0" || count >= static_cast<int>(digits.size())) return;
  if (count < 0) {
    *this = {"0", 1};
    return;
  }
  bool up = digits[static_cast<std::size_t>(count)] >= '5';
  digits.resize(static_cast<std::size_t>(count));
  if (up) {
    while (!digits.empty() && digits.back() == '9') digits.pop_back();
    if (digits.empty()) {
      digits = "1";
      ++exponent;
    } else {
      ++digits.back();
    }
  }
  while (!digits.empty() && digits.back() == '0') digits.pop_back();
  if (digits.empty()) *this = {"0", 1};
}

std::string Decimal::fixed(int places) const {
  std::string text;
  int whole = std::max(exponent, 0);
  for (int i = 0; i < whole; ++i) text += i < static_cast<int>(digits.size()) ? digits[static_cast<std::size_t>(i)] : '0';
  if (text.empty()) text = "0";
  if (places > 0) text += '.';
  for (int i = 0; i < places; ++i) {
    int index = exponent + i;
    text += index >= 0 && index < static_cast<int>(digits.size()) ? digits[static_cast<std::size_t>(index)] : '0';
  }
  return text;
}

std::string Decimal::mantissa(int places) const {
  std::string text(1, digits[0]);
  if (places > 0) text += '.';
  for (int i = 1; i <= places; ++i) text += i < static_cast<int>(digits.size()) ? digits[static_cast<std::size_t>(i)] : '0';
  return text;
}

std::string double_text(double value) {
  if (std::isnan(value)) return "NaN";
  std::string sign = std::signbit(value) ? "-" : "";
  if (std::isinf(value)) return sign + "Infinity";
  Decimal decimal = Decimal::of(value);
  int count = static_cast<int>(decimal.digits.size());
  double magnitude = std::fabs(value);
  if (magnitude == 0 || (magnitude >= 1e-3 && magnitude < 1e7))
    return sign + decimal.fixed(std::max(1, count - decimal.exponent));
  return sign + decimal.mantissa(std::max(1, count - 1)) + "E" + std::to_string(decimal.exponent - 1);
}

}  // namespace cdb::pan::java
