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

base::Result<std::vector<AuditLink>> links(base::pg::Transaction& transaction, std::int64_t after, int limit) {
  const auto rows = WEFT_TRY(
      transaction.exec("select id, record, previous, hash from cdb.audit where id > $1 order by id limit $2", {after, limit}));
  std::vector<AuditLink> out;
  for (std::size_t i = 0; i < rows.size(); ++i)
    out.push_back({rows.integer(i, 0), std::string(rows.text(i, 1)), digest_at(rows, i, 2), digest_at(rows, i, 3)});
  return out;
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

base::Result<std::vector<AuditEntry>> Store::audit(const AuditFilter& filter) const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto action = filter.action ? std::optional(like(*filter.action)) : std::nullopt;
  const auto rows = WEFT_TRY(
      transaction.exec("select id, record from cdb.audit where ($1::bigint = 0 or id < $1) and ($3::text is null or "
                       "record::jsonb ->> 'actor' = $3) "
                       "and ($4::text is null or record::jsonb ->> 'action' like $4) "
                       "and ($5::timestamptz is null or (record::jsonb ->> 'time')::timestamptz >= $5) order by id desc limit $2",
                       {filter.before, filter.limit, filter.actor, action, filter.since}));
  std::vector<AuditEntry> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    out.push_back({rows.integer(i, 0), WEFT_TRY(base::profile::parse_json(rows.text(i, 1)))});
  }
  return out;
}

base::Result<std::vector<AuditLink>> Store::audit_links(std::int64_t after, int limit) const {
  auto transaction = WEFT_TRY(pool_->begin());
  return links(transaction, after, limit);
}

base::Result<AuditCheck> Store::verify_audit(const std::optional<AuditMark>& known) const {
  auto transaction = WEFT_TRY(pool_->begin(base::pg::Isolation::repeatable_read));
  const auto head = WEFT_TRY(transaction.exec("select id, hash from cdb.audit_head"));
  AuditCheck out;
  const auto broken = [&](std::int64_t id, std::string what, std::string_view meaning) {
    out.broken = id;
    out.what = std::move(what);
    out.meaning = meaning;
    return out;
  };
  for (;;) {
    const auto some = WEFT_TRY(links(transaction, out.records, 10000));
    for (const auto& one : some) {
      if (one.id != out.records + 1) {
        return broken(out.records + 1, fmt::format("record {} is missing, the next one is {}", out.records + 1, one.id),
                      "records were removed from the database");
      }
      if (one.previous != out.head) {
        return broken(one.id, fmt::format("record {} does not follow from record {}", one.id, out.records),
                      "a record was replaced or put in, and the hashes behind it were not");
      }
      if (one.hash != link(one.previous, one.record)) {
        return broken(one.id, fmt::format("the content of record {} does not have its hash", one.id),
                      "this record was changed after it was written");
      }
      if (known && known->id == one.id && known->hash != one.hash) {
        return broken(one.id, fmt::format("record {} has another hash than the one you know", one.id),
                      "the chain was written anew up to here or further: compare with an export");
      }
      out.records = one.id;
      out.head = one.hash;
    }
    if (some.empty()) break;
  }
  const auto last = head.integer(0, 0);
  if (out.records != last || out.head != digest_at(head, 0, 1)) {
    return broken(std::min(out.records, last) + 1,
                  fmt::format("the audit ends at record {}, its head says {}", out.records, last),
                  "the newest records were removed, or records were added behind Weft's back");
  }
  if (known && known->id > last) {
    return broken(last + 1, fmt::format("you know record {}, the audit ends at {}", known->id, last),
                  "the newest records and the head were removed, or the database was restored from an older backup");
  }
  return out;
}

}  // namespace cdb::store
