// Digests by name. A file of its own, so that programs which never ask for one do not link nettle.
#include <fmt/format.h>
#include <nettle/md2.h>
#include <openssl/evp.h>

#include "base/crypto/crypto.h"
#include "base/crypto/hex.h"

namespace base::crypto {
namespace {

// Distributions build OpenSSL without MD2, and old Pan templates may ask for it.
std::string md2_hex(std::string_view data) {
  md2_ctx context;
  md2_init(&context);
  md2_update(&context, data.size(), reinterpret_cast<const unsigned char*>(data.data()));
  unsigned char out[MD2_DIGEST_SIZE];
  md2_digest(&context, sizeof out, out);
  return hex(out);
}

}  // namespace

Result<std::string> digest_hex(std::string_view algorithm, std::string_view data) {
  if (algorithm == "MD2") return md2_hex(data);
  static constexpr std::string_view known[][2] = {{"MD5", "MD5"},
                                                  {"SHA-1", "SHA1"},
                                                  {"SHA1", "SHA1"},
                                                  {"SHA-224", "SHA224"},
                                                  {"SHA-256", "SHA256"},
                                                  {"SHA-384", "SHA384"},
                                                  {"SHA-512", "SHA512"},
                                                  {"SHA224", "SHA224"},
                                                  {"SHA256", "SHA256"},
                                                  {"SHA384", "SHA384"},
                                                  {"SHA512", "SHA512"},
                                                  {"SHA-512/224", "SHA512-224"},
                                                  {"SHA-512/256", "SHA512-256"},
                                                  {"SHA512/224", "SHA512-224"},
                                                  {"SHA512/256", "SHA512-256"},
                                                  {"SHA3-224", "SHA3-224"},
                                                  {"SHA3-256", "SHA3-256"},
                                                  {"SHA3-384", "SHA3-384"},
                                                  {"SHA3-512", "SHA3-512"}};
  for (const auto& [name, openssl_name] : known) {
    if (name != algorithm) continue;
    EVP_MD* method = EVP_MD_fetch(nullptr, openssl_name.data(), nullptr);
    if (!method)
      return fail(Errc::unavailable, fmt::format("the OpenSSL of this machine does not offer {}", algorithm),
                  "use SHA-256, which every build offers");
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    const int done = EVP_Digest(data.data(), data.size(), out, &size, method, nullptr);
    EVP_MD_free(method);
    if (done != 1) return fail(Errc::internal, fmt::format("OpenSSL could not compute {}", algorithm));
    return hex({out, size});
  }
  return fail(Errc::invalid, fmt::format("invalid digest algorithm ({})", algorithm),
              "use MD2, MD5, SHA-1, SHA-224, SHA-256, SHA-384, SHA-512, SHA-512/224, SHA-512/256 or SHA3-224 to SHA3-512");
}

}  // namespace base::crypto
