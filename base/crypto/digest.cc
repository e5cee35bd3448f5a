#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <cstdlib>

#include "base/crypto/crypto.h"
#include "base/crypto/hex.h"

namespace base::crypto {
namespace {

constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

// The low-level calls: a profile hashes thousands of short strings, and EVP's set-up costs more than hashing those.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

std::array<unsigned char, 32> sha256(std::string_view data) {
  std::array<unsigned char, 32> out;
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, data.data(), data.size());
  SHA256_Final(out.data(), &context);
  return out;
}

Sha256::Sha256() : context_(new SHA256_CTX) {
  SHA256_Init(static_cast<SHA256_CTX*>(context_));
}

Sha256::~Sha256() {
  delete static_cast<SHA256_CTX*>(context_);
}

void Sha256::update(std::string_view data) {
  SHA256_Update(static_cast<SHA256_CTX*>(context_), data.data(), data.size());
}

std::array<unsigned char, 32> Sha256::finish() {
  std::array<unsigned char, 32> out;
  SHA256_Final(out.data(), static_cast<SHA256_CTX*>(context_));
  SHA256_Init(static_cast<SHA256_CTX*>(context_));
  return out;
}

#pragma GCC diagnostic pop

std::string sha256_hex(std::string_view data) {
  const auto digest = sha256(data);
  return hex(digest);
}

std::string random_token(int bytes) {
  std::string raw(static_cast<std::size_t>(bytes > 0 ? bytes : 1), '\0');
  // Without randomness no secret can be made, and a predictable one would be worse than stopping.
  if (RAND_bytes(reinterpret_cast<unsigned char*>(raw.data()), static_cast<int>(raw.size())) != 1) std::abort();
  std::string text = base64(raw);
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

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

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace base::crypto
