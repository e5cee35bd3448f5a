#include <fmt/format.h>

#include "base/profile/json.h"
#include "base/text/text.h"
#include "cdb/store/sql.h"
#include "cdb/store/store.h"

namespace cdb::store {
namespace {

Digest link(const Digest& previous, std::string_view record) {
  return digest(bytes(previous).data + std::string(record));
}

}  // namespace

base::Result<> append_audit(base::pg::Transaction& transaction, const Actor& actor, std::string_view action,
                            std::string_view subject, base::profile::Value detail) {
  const auto head = WEFT_TRY(transaction.exec("select id, hash from cdb.audit_head for update"));
  const auto id = head.integer(0, 0) + 1;
  const auto previous = digest_at(head, 0, 1);
  const auto record = base::profile::to_json(base::profile::Dict{{"id", id},
                                                                 {"time", base::text::rfc3339(std::chrono::system_clock::now())},
                                                                 {"actor_kind", actor.kind},
                                                                 {"actor", actor.name},
                                                                 {"action", action},
                                                                 {"subject", subject},
                                                                 {"detail", std::move(detail)}});
  const auto hash = link(previous, record);
  WEFT_TRY(transaction.exec("insert into cdb.audit (id, record, previous, hash) values ($1, $2, $3, $4)",
                            {id, record, bytes(previous), bytes(hash)}));
  WEFT_TRY(transaction.exec("update cdb.audit_head set id = $1, hash = $2", {id, bytes(hash)}));
  return {};
}

base::Result<std::vector<AuditEntry>> Store::audit(std::int64_t before, int limit) const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows = WEFT_TRY(transaction.exec(
      "select id, record from cdb.audit where $1::bigint = 0 or id < $1 order by id desc limit $2", {before, limit}));
  std::vector<AuditEntry> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    out.push_back({rows.integer(i, 0), WEFT_TRY(base::profile::parse_json(rows.text(i, 1)))});
  }
  return out;
}

base::Result<std::int64_t> Store::verify_audit() const {
  auto transaction = WEFT_TRY(pool_->begin(base::pg::Isolation::repeatable_read));
  const auto head = WEFT_TRY(transaction.exec("select id, hash from cdb.audit_head"));
  Digest expected{};
  std::int64_t last = 0;
  for (;;) {
    const auto rows = WEFT_TRY(
        transaction.exec("select id, record, previous, hash from cdb.audit where id > $1 order by id limit 10000", {last}));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto id = rows.integer(i, 0);
      const bool follows =
          id == last + 1 && digest_at(rows, i, 2) == expected && digest_at(rows, i, 3) == link(expected, rows.text(i, 1));
      if (!follows) return base::fail(base::Errc::corrupt, fmt::format("audit row {} does not follow from row {}", id, last));
      expected = digest_at(rows, i, 3);
      last = id;
    }
    if (rows.empty()) break;
  }
  if (last != head.integer(0, 0) || expected != digest_at(head, 0, 1)) {
    return base::fail(base::Errc::corrupt, fmt::format("the audit ends at row {}, its head says {}", last, head.integer(0, 0)));
  }
  return last;
}

}  // namespace cdb::store
