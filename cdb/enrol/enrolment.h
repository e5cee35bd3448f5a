// Tokens and node certificates. Made once by role cdb, shared by its threads. Errors tell a stranger nothing about which nodes or
// tokens exist.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/crypto/crypto.h"
#include "base/diag/result.h"
#include "cdb/enrol/limiter.h"
#include "cdb/store/store.h"

namespace cdb::enrol {

struct Options {
  base::crypto::Authority authority;
  std::string signing_public_pem;  // pinned by nodes
  std::chrono::hours validity{365 * 24};
};

class Enrolment {
 public:
  static constexpr std::size_t max_request = 16384;  // bytes of a CSR
  static constexpr std::chrono::seconds min_ttl{60}, max_ttl{30 * 24 * 3600};

  static base::Result<std::unique_ptr<Enrolment>> open(Options options, std::shared_ptr<store::Store> store);

  struct Issued {
    std::string certificate, ca, signing_key;  // PEM
  };
  // The token's text; it is shown once and stored nowhere.
  base::Result<std::string> token(const store::Actor& actor, std::string_view node, std::chrono::seconds ttl);
  base::Result<Issued> enrol(const std::string& node, std::string_view token, std::string_view csr);
  // `node` is proven by its valid certificate.
  base::Result<Issued> renew(const std::string& node, std::string_view csr);
  const std::string& ca() const { return options_.authority.certificate_pem; }

 private:
  Enrolment(Options options, std::string fingerprint, std::shared_ptr<store::Store> store)
      : options_(std::move(options)), fingerprint_(std::move(fingerprint)), store_(std::move(store)) {}
  std::vector<std::string> names_of(const std::string& node) const;
  base::Result<store::Store::Certificate> issue(const std::string& node, const std::vector<std::string>& names,
                                                std::string_view csr) const;
  Issued issued(store::Store::Certificate certificate) const;

  Options options_;
  std::string fingerprint_;
  std::shared_ptr<store::Store> store_;
  Limiter limiter_{{.burst = 10, .per_second = 0.2}, {.burst = 500, .per_second = 100}};
};

}  // namespace cdb::enrol
