#include <fmt/format.h>

#include "base/crypto/crypto.h"

namespace base::crypto {
namespace {

constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string base64(std::string_view data) {
  std::string out;
  out.reserve((data.size() + 2) / 3 * 4);
  const auto byte = [&](std::size_t i) { return i < data.size() ? static_cast<unsigned char>(data[i]) : 0u; };
  for (std::size_t i = 0; i < data.size(); i += 3) {
    const unsigned word = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    out += alphabet[word >> 18];
    out += alphabet[word >> 12 & 63];
    out += i + 1 < data.size() ? alphabet[word >> 6 & 63] : '=';
    out += i + 2 < data.size() ? alphabet[word & 63] : '=';
  }
  return out;
}

Result<std::string> unbase64(std::string_view text) {
  static constexpr auto values = [] {
    std::array<signed char, 256> table{};
    for (auto& entry : table) entry = -1;
    for (int i = 0; i < 64; ++i) table[static_cast<unsigned char>(alphabet[i])] = static_cast<signed char>(i);
    return table;
  }();
  const auto bad = [](std::string why) { return fail(Errc::invalid, "not base64: " + why); };
  std::size_t padding = 0;
  while (padding < 2 && text.size() > padding && text[text.size() - 1 - padding] == '=') ++padding;
  if (text.size() % 4) return bad(fmt::format("{} characters is not a multiple of four", text.size()));
  std::string out;
  out.reserve(text.size() / 4 * 3);
  unsigned word = 0;
  for (std::size_t i = 0; i < text.size() - padding; ++i) {
    const int value = values[static_cast<unsigned char>(text[i])];
    if (value < 0) return bad(fmt::format("bad character at offset {}", i));
    word = word << 6 | static_cast<unsigned>(value);
    if (i % 4 == 1) out += static_cast<char>(word >> 4);
    if (i % 4 == 2) out += static_cast<char>(word >> 2);
    if (i % 4 == 3) out += static_cast<char>(word);
  }
  // Each content has one text: bits that the padding cuts off must be zero, or two texts would compare unequal and mean the same.
  if ((padding == 1 && (word & 3)) || (padding == 2 && (word & 15)))
    return bad("the unused bits before the padding are not zero");
  return out;
}

}  // namespace base::crypto
