// Bytes as lower-case hexadecimal text. Private to base/crypto.
#pragma once

#include <span>
#include <string>

namespace base::crypto {

inline std::string hex(std::span<const unsigned char> bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const unsigned char byte : bytes) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

}  // namespace base::crypto
