// SHA-256 without OpenSSL, whose library takes longer to load than a short-lived program runs.
#include <nettle/sha2.h>

#include "base/crypto/crypto.h"
#include "base/crypto/hex.h"

namespace base::crypto {
namespace {

void add(sha256_ctx& context, std::string_view data) {
  sha256_update(&context, data.size(), reinterpret_cast<const unsigned char*>(data.data()));
}

}  // namespace

std::array<unsigned char, 32> sha256(std::string_view data) {
  std::array<unsigned char, 32> out;
  sha256_ctx context;
  sha256_init(&context);
  add(context, data);
  sha256_digest(&context, out.size(), out.data());
  return out;
}

Sha256::Sha256() : context_(new sha256_ctx) {
  sha256_init(static_cast<sha256_ctx*>(context_));
}

Sha256::~Sha256() {
  delete static_cast<sha256_ctx*>(context_);
}

void Sha256::update(std::string_view data) {
  add(*static_cast<sha256_ctx*>(context_), data);
}

std::array<unsigned char, 32> Sha256::finish() {
  std::array<unsigned char, 32> out;
  sha256_digest(static_cast<sha256_ctx*>(context_), out.size(), out.data());  // and begins anew
  return out;
}

std::string sha256_hex(std::string_view data) {
  const auto digest = sha256(data);
  return hex(digest);
}

}  // namespace base::crypto
