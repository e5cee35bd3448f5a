// Digests by name. A file of its own, so that programs which never ask for one do not link all of them.
#include <fmt/format.h>
#include <nettle/md2.h>
#include <nettle/md5.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <nettle/sha3.h>

#include "base/crypto/crypto.h"
#include "base/crypto/hex.h"

namespace base::crypto {
namespace {

template <typename Context, std::size_t kSize>
struct Method {
  template <auto init, auto update, auto digest>
  static std::string hex_of(std::string_view data) {
    Context context;
    init(&context);
    update(&context, data.size(), reinterpret_cast<const unsigned char*>(data.data()));
    unsigned char out[kSize];
    digest(&context, sizeof out, out);
    return hex(out);
  }
};

struct Named {
  std::string_view name;
  std::string (*hex_of)(std::string_view);
};

constexpr auto sha224 = Method<sha224_ctx, 28>::hex_of<sha224_init, sha224_update, sha224_digest>;
constexpr auto sha384 = Method<sha384_ctx, 48>::hex_of<sha384_init, sha384_update, sha384_digest>;
constexpr auto sha512 = Method<sha512_ctx, 64>::hex_of<sha512_init, sha512_update, sha512_digest>;
constexpr auto sha512_224 = Method<sha512_224_ctx, 28>::hex_of<sha512_224_init, sha512_224_update, sha512_224_digest>;
constexpr auto sha512_256 = Method<sha512_256_ctx, 32>::hex_of<sha512_256_init, sha512_256_update, sha512_256_digest>;
constexpr auto sha1 = Method<sha1_ctx, 20>::hex_of<sha1_init, sha1_update, sha1_digest>;

constexpr Named kNamed[] = {
    {"MD2", Method<md2_ctx, 16>::hex_of<md2_init, md2_update, md2_digest>},
    {"MD5", Method<md5_ctx, 16>::hex_of<md5_init, md5_update, md5_digest>},
    {"SHA-1", sha1},
    {"SHA1", sha1},
    {"SHA-224", sha224},
    {"SHA-256", sha256_hex},
    {"SHA-384", sha384},
    {"SHA-512", sha512},
    {"SHA224", sha224},
    {"SHA256", sha256_hex},
    {"SHA384", sha384},
    {"SHA512", sha512},
    {"SHA-512/224", sha512_224},
    {"SHA-512/256", sha512_256},
    {"SHA512/224", sha512_224},
    {"SHA512/256", sha512_256},
    {"SHA3-224", Method<sha3_224_ctx, 28>::hex_of<sha3_224_init, sha3_224_update, sha3_224_digest>},
    {"SHA3-256", Method<sha3_256_ctx, 32>::hex_of<sha3_256_init, sha3_256_update, sha3_256_digest>},
    {"SHA3-384", Method<sha3_384_ctx, 48>::hex_of<sha3_384_init, sha3_384_update, sha3_384_digest>},
    {"SHA3-512", Method<sha3_512_ctx, 64>::hex_of<sha3_512_init, sha3_512_update, sha3_512_digest>},
};

}  // namespace

Result<std::string> digest_hex(std::string_view algorithm, std::string_view data) {
  for (const Named& named : kNamed)
    if (named.name == algorithm) return named.hex_of(data);
  return fail(Errc::invalid, fmt::format("invalid digest algorithm ({})", algorithm),
              "use MD2, MD5, SHA-1, SHA-224, SHA-256, SHA-384, SHA-512, SHA-512/224, SHA-512/256 or SHA3-224 to SHA3-512");
}

}  // namespace base::crypto
