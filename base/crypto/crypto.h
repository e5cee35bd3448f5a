// SHA-256, Ed25519 signatures, and the small certificate authority. The only room that includes OpenSSL and
// nettle (plain digests: quick to load). Pure functions unless
// said otherwise; any thread.
#pragma once

#include <array>
#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"

namespace base::crypto {

std::array<unsigned char, 32> sha256(std::string_view data);
std::string sha256_hex(std::string_view data);
// Pan's digest(): MD2, MD5, SHA-1, SHA-2 and SHA-3 by Java's names, lower-case hex. Errc::invalid for other names.
// Not for security: use sha256 there.
Result<std::string> digest_hex(std::string_view algorithm, std::string_view data);
class Sha256 {  // incremental; after finish() it begins anew
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  void update(std::string_view data);
  std::array<unsigned char, 32> finish();

 private:
  void* context_;
};
std::string random_token(int bytes = 24);  // base64url, no padding
std::string base64(std::string_view data);
Result<std::string> unbase64(std::string_view text);  // strict: padded, canonical, no white space
bool equal_constant_time(std::string_view a, std::string_view b);

// Keys and certificates are PEM text.
Result<std::string> ed25519_generate();                                                    // private key
Result<std::string> ed25519_public(std::string_view private_pem);                          // public key
Result<std::string> ed25519_sign(std::string_view private_pem, std::string_view message);  // 64 raw bytes
// Errc::corrupt when the signature does not match.
Result<> ed25519_verify(std::string_view public_pem, std::string_view message, std::string_view signature);

// Subject is /O=weft/OU=<kind>/CN=<name>, kind in node|person|service|server|ca.
struct Subject {
  std::string kind;
  std::string name;
};
struct KeyAndRequest {
  std::string key_pem;
  std::string csr_pem;
};
Result<KeyAndRequest> make_request(const Subject& subject);  // ECDSA P-256
struct Authority {
  std::string key_pem;
  std::string certificate_pem;
  static Result<Authority> create(std::string_view common_name);
  // Checks the request's self-signature and that its subject is exactly `subject`; SANs only from `names` (DNS names or IPs).
  Result<std::string> sign(std::string_view csr_pem, const Subject& subject, std::chrono::hours validity,
                           const std::vector<std::string>& names = {}) const;
};
Result<Subject> certificate_subject(std::string_view certificate_pem);
Result<std::string> certificate_fingerprint(std::string_view certificate_pem);  // SHA-256 of DER, hex
Result<std::chrono::system_clock::time_point> certificate_expiry(std::string_view certificate_pem);

}  // namespace base::crypto
