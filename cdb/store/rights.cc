// Policies, and what nodes were before they left.
#include <fmt/format.h>

#include "cdb/store/sql.h"
#include "cdb/store/store.h"

namespace cdb::store {
namespace {

constexpr std::string_view columns = "number, author_kind, author, message, cdb.rfc3339(time)";

PolicyRow policy_at(const base::pg::Rows& rows, std::size_t i) {
  PolicyRow out;
  out.number = rows.integer(i, 0);
  out.author = {std::string(rows.text(i, 1)), std::string(rows.text(i, 2))};
  out.message = rows.text(i, 3);
  out.time = rows.text(i, 4);
  return out;
}

}  // namespace

base::Result<> check_policy(base::pg::Transaction& transaction, std::int64_t policy) {
  const auto current = WEFT_TRY(transaction.exec("select coalesce(max(number), 0) from cdb.policy")).integer(0, 0);
  if (current != policy) return base::fail(base::Errc::conflict, fmt::format("the policy moved from {} to {}", policy, current));
  return {};
}

base::Result<std::int64_t> Store::policy_number() const {
  auto transaction = WEFT_TRY(pool_->begin());
  return WEFT_TRY(transaction.exec("select coalesce(max(number), 0) from cdb.policy")).integer(0, 0);
}

base::Result<PolicyRow> Store::policy(std::int64_t number) const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows = WEFT_TRY(transaction.exec(
      fmt::format("select {}, text from cdb.policy where $1::bigint = 0 or number = $1 order by number desc limit 1", columns),
      {number}));
  if (rows.empty()) {
    if (number == 0)
      return base::fail(base::Errc::not_found, "no policy was ever set: every person may do everything",
                        "write one (docs/rights.md) and set it: weft rights set FILE");
    return base::fail(base::Errc::not_found, fmt::format("there is no policy {}", number), "weft rights log lists them");
  }
  auto out = policy_at(rows, 0);
  out.text = rows.text(0, 5);
  return out;
}

base::Result<std::vector<PolicyRow>> Store::policies(std::int64_t before, int limit) const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows = WEFT_TRY(transaction.exec(
      fmt::format("select {} from cdb.policy where $1::bigint = 0 or number < $1 order by number desc limit $2", columns),
      {before, limit}));
  std::vector<PolicyRow> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(policy_at(rows, i));
  return out;
}

base::Result<std::int64_t> Store::add_policy(const Actor& actor, std::int64_t base, std::string_view text,
                                             std::string_view message) {
  auto transaction = WEFT_TRY(pool_->begin());
  WEFT_TRY(transaction.exec("select from cdb.counter for update"));
  const auto current = WEFT_TRY(transaction.exec("select coalesce(max(number), 0) from cdb.policy")).integer(0, 0);
  if (current != base) {
    return base::fail(base::Errc::conflict, fmt::format("the policy moved from {} to {} meanwhile", base, current),
                      "look at it (weft rights show), put your edit into it and set it again");
  }
  const auto number = current + 1;
  WEFT_TRY(transaction.exec("insert into cdb.policy (number, author_kind, author, message, text) values ($1, $2, $3, $4, $5)",
                            {number, actor.kind, actor.name, message, text}));
  WEFT_TRY(append_audit(transaction, actor, "rights.set", fmt::format("policy {}", number),
                        base::profile::Dict{{"message", message}, {"sha256", digest(text).hex()}}));
  WEFT_TRY(transaction.commit());
  return number;
}

base::Result<std::map<std::string, Digest>> Store::last_roots(std::span<const std::string> nodes) const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows = WEFT_TRY(transaction.exec(
      "select distinct on (node) node, root from cdb.node_root where node = any($1::text[]) and root is not null "
      "order by node, revision desc",
      {text_array(nodes)}));
  std::map<std::string, Digest> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.emplace(rows.text(i, 0), digest_at(rows, i, 1));
  return out;
}

}  // namespace cdb::store
