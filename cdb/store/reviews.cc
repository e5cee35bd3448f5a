#include "cdb/store/reviews.h"

#include <map>

#include <fmt/format.h>

#include "base/compress/compress.h"
#include "base/profile/json.h"
#include "cdb/store/sql.h"

namespace cdb::store {
namespace {

using base::Errc;
using base::fail;

constexpr std::string_view columns = "id, branch, base, author, message, cdb.rfc3339(created), state, effect, revision";

Proposal proposal_at(const base::pg::Rows& rows, std::size_t i) {
  Proposal out;
  out.id = rows.integer(i, 0);
  out.branch = rows.text(i, 1);
  if (!rows.is_null(i, 2)) out.base = rows.integer(i, 2);
  out.author = rows.text(i, 3);
  out.message = rows.text(i, 4);
  out.created = rows.text(i, 5);
  out.state = rows.text(i, 6);
  out.effect = digest_at(rows, i, 7);
  if (!rows.is_null(i, 8)) out.revision = rows.integer(i, 8);
  return out;
}

std::string subject(std::int64_t id) {
  return fmt::format("proposal {}", id);
}

base::Error unknown(std::int64_t id) {
  return {Errc::not_found, fmt::format("there is no proposal {}", id), "weft review list --all shows them", {}};
}

// The open proposal, locked. Errc::conflict when it is closed.
base::Result<Digest> lock_open(base::pg::Transaction& transaction, std::int64_t id) {
  const auto rows = WEFT_TRY(transaction.exec("select state, effect from cdb.proposal where id = $1 for update", {id}));
  if (rows.empty()) return fail(unknown(id));
  if (rows.text(0, 0) != "open")
    return fail(Errc::conflict, fmt::format("proposal {} is {} already", id, rows.text(0, 0)), "make another one from the edits");
  return digest_at(rows, 0, 1);
}

base::pg::Bytes packed(const base::profile::Value& value) {
  return {base::compress::zstd(base::profile::to_json(value))};
}

base::Result<base::profile::Value> unpacked(std::string_view data) {
  base::profile::JsonLimits limits;
  limits.bytes = std::size_t{256} << 20;
  return base::profile::parse_json(WEFT_TRY(base::compress::unzstd(data)), limits);
}

}  // namespace

std::vector<std::string> Proposal::approvers() const {
  std::map<std::string, bool> last;
  for (const auto& one : reviews) last[one.person] = one.verdict == "approve" && one.effect == effect;
  std::vector<std::string> out;
  for (const auto& [person, approves] : last) {
    if (approves && person != author) out.push_back(person);
  }
  return out;
}

base::Result<std::int64_t> Reviews::add(const Proposal& proposal) const {
  const auto edits = base::profile::to_json(proposal.edits);
  if (edits.size() > max_edits) {
    return fail(Errc::exhausted, fmt::format("the edits are larger than {} MiB", max_edits >> 20),
                "propose the change in parts, or let an administrator commit it");
  }
  auto transaction = WEFT_TRY(pool_->begin());
  // One after the other, so that the limit holds.
  WEFT_TRY(transaction.exec("select from cdb.audit_head for update"));
  const auto open =
      WEFT_TRY(transaction.exec("select count(*) from cdb.proposal where author = $1 and state = 'open'", {proposal.author}));
  if (open.integer(0, 0) >= max_open) {
    return fail(Errc::exhausted, fmt::format("{} has {} open proposals", proposal.author, max_open),
                "commit or withdraw some: weft review list");
  }
  const auto rows =
      WEFT_TRY(transaction.exec("insert into cdb.proposal (branch, base, author, message, effect, plan, edits) values ($1, $2, "
                                "$3, $4, $5, $6, $7) returning id",
                                {proposal.branch, proposal.base, proposal.author, proposal.message, bytes(proposal.effect),
                                 packed(proposal.plan), base::pg::Bytes{base::compress::zstd(edits)}}));
  const auto id = rows.integer(0, 0);
  WEFT_TRY(append_audit(transaction, {"person", proposal.author}, "review.propose", subject(id),
                        base::profile::Dict{{"message", proposal.message}, {"effect", proposal.effect.hex()}}));
  WEFT_TRY(transaction.commit());
  return id;
}

base::Result<std::vector<Proposal>> Reviews::list(bool closed_too, std::int64_t before, int limit) const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows = WEFT_TRY(transaction.exec(fmt::format("select {} from cdb.proposal where ($1 or state = 'open') and "
                                                          "($2::bigint = 0 or id < $2) order by id desc limit $3",
                                                          columns),
                                              {closed_too, before, limit}));
  std::vector<Proposal> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(proposal_at(rows, i));
  return out;
}

base::Result<Proposal> Reviews::one(std::int64_t id) const {
  auto transaction = WEFT_TRY(pool_->begin(base::pg::Isolation::repeatable_read));
  const auto rows =
      WEFT_TRY(transaction.exec(fmt::format("select {}, plan, edits from cdb.proposal where id = $1", columns), {id}));
  if (rows.empty()) return fail(unknown(id));
  auto out = proposal_at(rows, 0);
  out.plan = WEFT_TRY(unpacked(rows.bytes(0, 9)));
  out.edits = WEFT_TRY(unpacked(rows.bytes(0, 10)));
  const auto said = WEFT_TRY(transaction.exec(
      "select person, verdict, comment, cdb.rfc3339(time), effect from cdb.review where proposal = $1 order by id", {id}));
  for (std::size_t i = 0; i < said.size(); ++i) {
    out.reviews.push_back({std::string(said.text(i, 0)), std::string(said.text(i, 1)), std::string(said.text(i, 2)),
                           std::string(said.text(i, 3)), digest_at(said, i, 4)});
  }
  return out;
}

base::Result<> Reviews::review(std::int64_t id, std::string_view person, bool approve, const Digest& effect,
                               std::string_view comment) const {
  auto transaction = WEFT_TRY(pool_->begin());
  if (WEFT_TRY(lock_open(transaction, id)) != effect) {
    return fail(Errc::conflict, fmt::format("proposal {} has another plan than the one you saw", id),
                fmt::format("look at it again: weft review show {}", id));
  }
  const std::string verdict = approve ? "approve" : "reject";
  WEFT_TRY(transaction.exec("insert into cdb.review (proposal, person, verdict, effect, comment) values ($1, $2, $3, $4, $5)",
                            {id, person, verdict, bytes(effect), comment}));
  if (!approve) WEFT_TRY(transaction.exec("update cdb.proposal set state = 'rejected' where id = $1", {id}));
  WEFT_TRY(append_audit(transaction, {"person", std::string(person)}, "review." + verdict, subject(id),
                        base::profile::Dict{{"comment", comment}, {"effect", effect.hex()}}));
  return transaction.commit();
}

base::Result<> Reviews::plan_again(std::int64_t id, const Digest& effect, const base::profile::Value& plan) const {
  auto transaction = WEFT_TRY(pool_->begin());
  WEFT_TRY(lock_open(transaction, id));
  WEFT_TRY(transaction.exec("update cdb.proposal set effect = $2, plan = $3 where id = $1", {id, bytes(effect), packed(plan)}));
  return transaction.commit();
}

base::Result<> Reviews::close(std::int64_t id, const Actor& actor, std::string_view state,
                              std::optional<std::int64_t> revision) const {
  auto transaction = WEFT_TRY(pool_->begin());
  WEFT_TRY(lock_open(transaction, id));
  WEFT_TRY(transaction.exec("update cdb.proposal set state = $2, revision = $3 where id = $1", {id, state, revision}));
  base::profile::Dict detail;
  if (revision) detail["revision"] = *revision;
  WEFT_TRY(append_audit(transaction, actor, fmt::format("review.{}", state), subject(id), std::move(detail)));
  return transaction.commit();
}

}  // namespace cdb::store
