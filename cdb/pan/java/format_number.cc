#include <charconv>
#include <cmath>

#include "cdb/pan/java/decimal.h"
#include "cdb/pan/java/format_spec.h"
#include "cdb/pan/java/java.h"

namespace cdb::pan::java {
namespace {

// Sign or bracket in front, thousands separators in the whole part, zeros up to the width, closing bracket.
std::string dress(const FormatSpec& spec, bool negative, std::string_view digits) {
  std::string before, after;
  if (negative) {
    before = spec.has('(') ? "(" : "-";
    after = spec.has('(') ? ")" : "";
  } else if (spec.has('+')) {
    before = "+";
  } else if (spec.has(' ')) {
    before = " ";
  }
  std::string body(digits);
  if (spec.has(',')) {
    std::size_t whole = std::min(body.find_first_not_of("0123456789"), body.size());
    for (std::size_t at = whole; at > 3; at -= 3) body.insert(at - 3, 1, ',');
  }
  std::size_t used = before.size() + body.size() + after.size();
  if (spec.has('0') && spec.width > 0 && used < static_cast<std::size_t>(spec.width))
    before.append(static_cast<std::size_t>(spec.width) - used, '0');
  return before + body + after;
}

std::string scientific(const FormatSpec& spec, Decimal decimal, int places) {
  decimal.round_to(places + 1);
  int power = decimal.digits == "0" ? 0 : decimal.exponent - 1;
  std::string text = decimal.mantissa(places);
  if (places == 0 && spec.has('#')) text += '.';
  std::string digits = std::to_string(std::abs(power));
  if (digits.size() < 2) digits.insert(0, 1, '0');
  return text + (power < 0 ? "e-" : "e+") + digits;
}

std::string fixed(const FormatSpec& spec, Decimal decimal, int places) {
  decimal.round_to(decimal.exponent + places);
  std::string text = decimal.fixed(places);
  if (places == 0 && spec.has('#')) text += '.';
  return text;
}

// %g: the value rounded to `precision` digits decides between the two forms.
std::string general(const FormatSpec& spec, Decimal decimal) {
  int precision = spec.precision == -1 ? 6 : std::max(spec.precision, 1);
  if (decimal.digits == "0") return decimal.fixed(precision - 1);
  decimal.round_to(precision);
  int power = decimal.exponent - 1;
  if (power < -4 || power >= precision) return scientific(spec, decimal, precision - 1);
  return decimal.fixed(precision - decimal.exponent);
}

}  // namespace

std::string integer_text(const FormatSpec& spec, std::int64_t value) {
  char buffer[72];
  if (spec.conversion == 'd') {
    bool negative = value < 0;
    auto magnitude = negative ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
    auto end = std::to_chars(buffer, buffer + sizeof buffer, magnitude).ptr;
    return dress(spec, negative, std::string_view(buffer, static_cast<std::size_t>(end - buffer)));
  }
  bool hexadecimal = spec.conversion == 'x';
  auto end = std::to_chars(buffer, buffer + sizeof buffer, static_cast<std::uint64_t>(value), hexadecimal ? 16 : 8).ptr;
  std::string digits(buffer, end);
  std::string prefix = !spec.has('#') ? "" : hexadecimal ? "0x" : "0";
  std::size_t used = prefix.size() + digits.size();
  if (spec.has('0') && used < static_cast<std::size_t>(spec.width))
    prefix.append(static_cast<std::size_t>(spec.width) - used, '0');
  return prefix + digits;
}

std::string real_text(const FormatSpec& spec, double value) {
  if (std::isnan(value)) return "NaN";
  bool negative = std::signbit(value);
  if (std::isinf(value)) {
    FormatSpec plain = spec;
    std::erase_if(plain.flags, [](char flag) { return flag == '0' || flag == ','; });
    return dress(plain, negative, "Infinity");
  }
  Decimal decimal = Decimal::of(value);
  int places = spec.precision == -1 ? 6 : spec.precision;
  switch (spec.conversion) {
    case 'e': return dress(spec, negative, scientific(spec, std::move(decimal), places));
    case 'f': return dress(spec, negative, fixed(spec, std::move(decimal), places));
    default: return dress(spec, negative, general(spec, std::move(decimal)));
  }
}

void append_padded(const FormatSpec& spec, std::string_view text, std::string& out) {
  std::size_t length = utf16_length(text);
  std::size_t padding =
      spec.width > 0 && length < static_cast<std::size_t>(spec.width) ? static_cast<std::size_t>(spec.width) - length : 0;
  if (!spec.has('-')) out.append(padding, ' ');
  out += text;
  if (spec.has('-')) out.append(padding, ' ');
}

}  // namespace cdb::pan::java
