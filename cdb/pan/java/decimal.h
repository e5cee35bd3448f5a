// The decimal digits of a double, for double_text and format(). Room-internal; a plain value, any thread.
#pragma once

#include <string>

namespace cdb::pan::java {

// The magnitude 0.DIGITS * 10^exponent; no leading or trailing zeros, "0" with exponent 1 for zero.
struct Decimal {
  std::string digits;
  int exponent = 1;

  // Shortest digits that read back; of those with one or two digits the nearest (as Java 19 and later). `value` is finite.
  static Decimal of(double value);
  // Keeps `count` digits, half up on the decimal text; count <= 0 rounds to 0 or to one unit at the place before the first digit.
  void round_to(int count);
  // "123.456" with exactly `places` digits after the point (none: no point).
  std::string fixed(int places) const;
  // "1.23456" with exactly `places` digits after the point; the power of ten is exponent - 1.
  std::string mantissa(int places) const;
};

}  // namespace cdb::pan::java
