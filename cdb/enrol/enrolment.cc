#include "cdb/enrol/enrolment.h"

#include <fmt/format.h>

#include "base/text/text.h"

namespace cdb::enrol {
namespace {

base::Result<> check_request(std::string_view csr) {
  if (csr.size() > Enrolment::max_request) {
    return base::fail(base::Errc::exhausted,
                      fmt::format("the certificate request is longer than {} bytes", Enrolment::max_request));
  }
  if (csr.find("BEGIN CERTIFICATE REQUEST") == std::string_view::npos) {
    return base::fail(base::Errc::invalid, "csr is not a PEM certificate request", "send a PKCS #10 request in PEM form");
  }
  return {};
}

// The request without what transport may change.
store::Digest identity_of(std::string_view csr) {
  return store::digest(base::text::trim(csr));
}

}  // namespace

base::Result<std::unique_ptr<Enrolment>> Enrolment::open(Options options, std::shared_ptr<store::Store> store) {
  auto fingerprint = WEFT_TRY(base::crypto::certificate_fingerprint(options.authority.certificate_pem));
  return std::unique_ptr<Enrolment>(new Enrolment(std::move(options), std::move(fingerprint), std::move(store)));
}

base::Result<std::string> Enrolment::token(const store::Actor& actor, std::string_view node, std::chrono::seconds ttl) {
  if (ttl < min_ttl || ttl > max_ttl) {
    return base::fail(base::Errc::invalid, fmt::format("a token cannot be valid for {}", base::text::human_duration(ttl)),
                      "choose between 1m and 30d");
  }
  const auto secret = base::crypto::random_token();
  WEFT_TRY(store_->add_token(actor, node, store::digest(secret), ttl));
  return fmt::format("weft1.{}.{}", secret, fingerprint_);
}

// The names that other nodes verify when they talk to this one: its own, and the address that the configuration gives it.
std::vector<std::string> Enrolment::names_of(const std::string& node) const {
  std::vector<std::string> names{node};
  if (const auto row = store_->node(node)) {
    if (const auto ip = row->attributes.get_string("ip"); !ip.empty()) names.emplace_back(ip);
  }
  return names;
}

base::Result<store::Store::Certificate> Enrolment::issue(const std::string& node, const std::vector<std::string>& names,
                                                         std::string_view csr) const {
  store::Store::Certificate certificate;
  certificate.pem = WEFT_TRY(options_.authority.sign(csr, {"node", node}, options_.validity, names));
  certificate.fingerprint = WEFT_TRY(base::crypto::certificate_fingerprint(certificate.pem));
  certificate.expires = WEFT_TRY(base::crypto::certificate_expiry(certificate.pem));
  return certificate;
}

Enrolment::Issued Enrolment::issued(store::Store::Certificate certificate) const {
  return {std::move(certificate.pem), options_.authority.certificate_pem, options_.signing_public_pem};
}

base::Result<Enrolment::Issued> Enrolment::enrol(const std::string& node, std::string_view token, std::string_view csr) {
  WEFT_TRY(check_request(csr));
  if (node.empty() || node.size() > 253 || token.size() > 300)
    return base::fail(base::Errc::invalid, "node or token is too long or empty");
  // By node and token: a stranger who guesses must not keep the owner of the true token out.
  if (!limiter_.allow(fmt::format("{} {}", node, store::digest(token).hex()))) {
    return base::fail(base::Errc::exhausted, "too many attempts to enrol", "wait a minute and try again");
  }
  const auto parts = base::text::split(token, '.');
  if (parts.size() != 3 || parts[0] != "weft1") {
    return base::fail(base::Errc::invalid, "this is not an enrolment token",
                      "copy the whole line that weft node token NODE printed: weft1.SECRET.FINGERPRINT");
  }
  const auto names = names_of(node);
  auto certificate =
      WEFT_TRY(store_->redeem(node, store::digest(parts[1]), identity_of(csr), [&] { return issue(node, names, csr); }));
  return issued(std::move(certificate));
}

base::Result<Enrolment::Issued> Enrolment::renew(const std::string& node, std::string_view csr) {
  WEFT_TRY(check_request(csr));
  if (!limiter_.allow("renew " + node))
    return base::fail(base::Errc::exhausted, "too many renewals", "renew once, well before the certificate expires");
  auto certificate = WEFT_TRY(issue(node, names_of(node), csr));
  WEFT_TRY(store_->add_renewal(node, certificate));
  return issued(std::move(certificate));
}

}  // namespace cdb::enrol
