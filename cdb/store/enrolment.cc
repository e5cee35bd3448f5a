#include <fmt/format.h>

#include "base/text/text.h"
#include "cdb/store/sql.h"
#include "cdb/store/store.h"

namespace cdb::store {
namespace {

std::int64_t seconds_of(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

Store::Certificate certificate_at(const base::pg::Rows& rows, std::size_t i) {
  return {std::string(rows.text(i, 0)), std::string(rows.text(i, 1)),
          std::chrono::system_clock::time_point(std::chrono::seconds(rows.integer(i, 2)))};
}

base::Result<> add_certificate(base::pg::Transaction& transaction, std::string_view node, const Store::Certificate& certificate,
                               std::string_view cause) {
  WEFT_TRY(
      transaction.exec("insert into cdb.certificate (fingerprint, node, expires, cause, pem) "
                       "values ($1, $2, to_timestamp($3::bigint), $4, $5)",
                       {certificate.fingerprint, node, seconds_of(certificate.expires), cause, certificate.pem}));
  return {};
}

// One text for every reason: whoever guesses learns nothing.
base::Error refused(std::string_view node) {
  return {base::Errc::denied,
          fmt::format("the enrolment token is not good for node {}", node.substr(0, 120)),
          "tokens serve one node once and expire: make a new one with weft node token NODE",
          {}};
}

// A node that left the configuration gets no certificate any more, whatever token or certificate it still has. The row stays
// locked, so a commit that removes the node comes before or after the certificate, never beside it.
base::Result<bool> described(base::pg::Transaction& transaction, std::string_view node) {
  return !WEFT_TRY(transaction.exec("select from cdb.node where name = $1 and root is not null for share", {node})).empty();
}

}  // namespace

base::Result<> Store::add_token(const Actor& actor, std::string_view node, const Digest& secret, std::chrono::seconds ttl) {
  auto transaction = WEFT_TRY(pool_->begin());
  if (!WEFT_TRY(described(transaction, node))) return base::fail(WEFT_TRY(unknown_node(transaction, node)));
  WEFT_TRY(transaction.exec("delete from cdb.token where (node = $1 and used is null) or expires < now() - interval '30 days'",
                            {node}));
  WEFT_TRY(transaction.exec(
      "insert into cdb.token (hash, node, created_by, expires) values ($1, $2, $3, now() + make_interval(secs => $4))",
      {bytes(secret), node, actor.name, static_cast<double>(ttl.count())}));
  WEFT_TRY(append_audit(transaction, actor, "enrol.token", node, base::profile::Dict{{"ttl_seconds", ttl.count()}}));
  return transaction.commit();
}

base::Result<Store::Certificate> Store::redeem(std::string_view node, const Digest& secret, const Digest& request,
                                               const std::function<base::Result<Certificate>()>& issue) {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto token = WEFT_TRY(transaction.exec(
      "select node, used is not null, expires > now(), request, fingerprint from cdb.token where hash = $1 for update",
      {bytes(secret)}));
  if (token.empty() || token.text(0, 0) != node || !token.boolean(0, 2)) return base::fail(refused(node));
  if (!WEFT_TRY(described(transaction, node))) return base::fail(refused(node));
  if (token.boolean(0, 1)) {
    // The same request again: our answer was lost. Anything else would be a second use.
    if (optional_digest_at(token, 0, 3) != request) return base::fail(refused(node));
    const auto rows = WEFT_TRY(transaction.exec(
        "select pem, fingerprint, extract(epoch from expires)::bigint from cdb.certificate where fingerprint = $1",
        {token.text(0, 4)}));
    if (rows.empty()) return base::fail(base::Errc::corrupt, "the certificate issued for this token is missing in the database");
    return certificate_at(rows, 0);
  }
  auto certificate = WEFT_TRY(issue());
  WEFT_TRY(add_certificate(transaction, node, certificate, "enrol"));
  WEFT_TRY(transaction.exec("update cdb.token set used = now(), request = $2, fingerprint = $3 where hash = $1",
                            {bytes(secret), bytes(request), certificate.fingerprint}));
  WEFT_TRY(append_audit(
      transaction, {"node", std::string(node)}, "enrol.issue", node,
      base::profile::Dict{{"fingerprint", certificate.fingerprint}, {"expires", base::text::rfc3339(certificate.expires)}}));
  WEFT_TRY(transaction.commit());
  return certificate;
}

base::Result<> Store::add_renewal(std::string_view node, const Certificate& certificate) {
  auto transaction = WEFT_TRY(pool_->begin());
  if (!WEFT_TRY(described(transaction, node))) {
    return base::fail(base::Errc::denied,
                      fmt::format("node {} is not in the configuration: its certificate is not renewed", node),
                      "describe it in a template, or let it end with its certificate");
  }
  WEFT_TRY(add_certificate(transaction, node, certificate, "renew"));
  WEFT_TRY(append_audit(
      transaction, {"node", std::string(node)}, "enrol.renew", node,
      base::profile::Dict{{"fingerprint", certificate.fingerprint}, {"expires", base::text::rfc3339(certificate.expires)}}));
  return transaction.commit();
}

base::Result<std::optional<Store::Certificate>> Store::certificate(std::string_view node) const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows =
      WEFT_TRY(transaction.exec("select pem, fingerprint, extract(epoch from expires)::bigint from cdb.certificate "
                                "where node = $1 order by issued desc limit 1",
                                {node}));
  if (rows.empty()) return std::optional<Certificate>{};
  return std::optional(certificate_at(rows, 0));
}

}  // namespace cdb::store
