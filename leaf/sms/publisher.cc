#include "leaf/sms/publisher.h"

#include <fmt/format.h>

#include "base/diag/fail_point.h"
#include "leaf/sms/claims.h"
#include "leaf/sms/fragment.h"

namespace leaf::sms {

using base::Errc;
using base::fail;
using base::Result;
using base::pg::Rows;
using base::pg::Transaction;

Result<std::int64_t> Publisher::make_true(const std::string& node) {
  std::string path = fragment_path(node);
  // Read first: after a crash the change may be there already, and then there is nothing to write.
  for (int round = 0; round < 5; ++round) {
    fabric::TemplateFile there = WEFT_TRY(fabric_->read_template(path));
    std::optional<std::string> wanted;
    std::string key;
    {
      // Claims are read after the file: whoever changes them later leaves a newer generation.
      Transaction tx = WEFT_TRY(pool_->begin());
      std::vector<Claim> held = WEFT_TRY(held_claims(tx, node));
      wanted = fragment(node, held);
      Rows rows = WEFT_TRY(tx.exec("SELECT idem_key FROM leaf.outbox WHERE target = $1", {node}));
      if (!rows.empty()) key = rows.text(0, 0);
    }
    if (there.content == wanted) return there.revision;
    auto changed = fabric_->change(path, wanted, there.revision, fmt::format("sms: claims of {} ({})", node, key));
    WEFT_TRY(base::fail_point("leaf.claim.written"));
    if (!changed && changed.error().code != Errc::conflict) return fail(std::move(changed.error()));
    // Round again: the answer is believed only when it is read back.
  }
  return fail(Errc::conflict, fmt::format("{} was changed by others five times while we wrote it", path));
}

Result<bool> Publisher::turn() {
  std::string node;
  std::int64_t generation = 0, fence = 0;
  WEFT_TRY(pool_->run([&](Transaction& tx) -> Result<> {
    node.clear();
    Rows rows = WEFT_TRY(
        tx.exec("UPDATE leaf.outbox SET lease_until = now() + interval '20 s', fence = nextval('leaf.fence') WHERE target = "
                "(SELECT target"
                " FROM leaf.outbox WHERE generation > done AND next_at <= now() AND (lease_until IS NULL OR lease_until <= now())"
                " ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING target, generation, fence"));
    if (!rows.empty()) {
      node = rows.text(0, 0);
      generation = rows.integer(0, 1);
      fence = rows.integer(0, 2);
    }
    return {};
  }));
  if (node.empty()) return false;
  auto revision = make_true(node);
  WEFT_TRY(pool_->run([&](Transaction& tx) -> Result<> {
    if (revision) {
      WEFT_TRY(
          tx.exec("UPDATE leaf.outbox SET done = greatest(done, $2), revision = $3, tries = 0, error = '', lease_until = NULL"
                  " WHERE target = $1 AND fence = $4",
                  {node, generation, *revision, fence}));
      // The run that waits for this need not wait for its next poll.
      WEFT_TRY(tx.exec(
          "UPDATE leaf.task SET run_at = least(run_at, clock_timestamp()), woken = true"
          " WHERE instance IN (SELECT id FROM leaf.instance WHERE dedupe_key = 'node:' || $1::text AND finished_at IS NULL)",
          {node}));
      return tx.notify("leaf_task", "");
    }
    WEFT_TRY(
        tx.exec("UPDATE leaf.outbox SET tries = tries + 1, error = $2, lease_until = NULL,"
                " next_at = now() + make_interval(secs => least(60, power(2, least(tries, 6)))) WHERE target = $1 AND fence = $3",
                {node, revision.error().message, fence}));
    return {};
  }));
  if (!revision) return fail(std::move(revision.error()).during("publishing the claims of " + node));
  return true;
}

}  // namespace leaf::sms
