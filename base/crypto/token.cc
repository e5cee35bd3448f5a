// Random tokens and their comparison.
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <cstdlib>

#include "base/crypto/crypto.h"

namespace base::crypto {

std::string random_token(int bytes) {
  std::string raw(static_cast<std::size_t>(bytes > 0 ? bytes : 1), '\0');
  // Without randomness no secret can be made, and a predictable one would be worse than stopping.
  if (RAND_bytes(reinterpret_cast<unsigned char*>(raw.data()), static_cast<int>(raw.size())) != 1) std::abort();
  std::string text = base64(raw);
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace base::crypto
