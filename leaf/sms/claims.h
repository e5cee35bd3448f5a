// Claims on nodes. Used by the API, the steps and the reconciler of the role; any thread; all state in PostgreSQL. A change of
// claims is one transaction with the node's outbox row, so what the profile says follows even when we die at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "base/pg/pg.h"
#include "base/profile/value.h"
#include "leaf/workflow/step_kind.h"

namespace leaf::sms {

// Least to most restrictive; "production" is the absence of claims.
const std::vector<std::string>& states();
int severity(std::string_view state);  // -1: no such state

struct ClaimRequest {
  std::vector<std::string> nodes;  // known names, each once
  std::string state, reason, category = "other", owner;
  std::optional<std::string> ticket;
  std::string drain = "full";                        // or "none": the data may stay, copies elsewhere are enough
  std::optional<std::chrono::seconds> duration;      // until it expires
  std::optional<std::chrono::seconds> starts_after;  // from now
};

struct Claim {
  std::int64_t id = 0;
  std::string node, state, reason, category, owner, ticket, drain, since, expires, cleared_by;
  bool due = true;      // its time has come
  bool granted = true;  // false: waits for the budget of its run
  bool cleared = false;
  bool in_effect() const { return due && granted; }
  std::optional<std::int64_t> instance;
  base::profile::Value to_value() const;
};

struct Cleared {
  std::int64_t count = 0;  // 0: there was none, which is no error
};

class Claims {
 public:
  explicit Claims(std::shared_ptr<base::pg::Pool> pool) : pool_(std::move(pool)) {}
  // Claims for all nodes or for none. One value for each node: {claim, node, existed, workflow?, joined?}.
  base::Result<std::vector<base::profile::Value>> set(const ClaimRequest& request);
  base::Result<Cleared> clear(const std::vector<std::string>& nodes, std::string_view state, std::string_view reason,
                              std::string_view owner, std::string_view who);
  base::Result<Cleared> clear(std::int64_t id, std::string_view who);
  // Claims that have effect (not released), of one node or, with "", of all; `history` adds the released ones.
  base::Result<std::vector<Claim>> list(std::string_view node, bool history);
  // Expires what is past its time, activates what has come, releases cleared claims that others outlast, and starts the runs that
  // are missing. Level-triggered: running it again, or on two machines at once, changes nothing more. Returns how much it did.
  base::Result<int> reconcile();

 private:
  std::shared_ptr<base::pg::Pool> pool_;
};

// Inside a caller's transaction. lock_node orders everything that decides over one node's claims.
base::Result<> lock_node(base::pg::Transaction& tx, std::string_view node);
base::Result<> touch_outbox(base::pg::Transaction& tx, std::string_view node);
base::Result<std::vector<Claim>> held_claims(base::pg::Transaction& tx, std::string_view node);
// Clears by condition "id = $1" etc. is private to claims.cc; this one clears one claim and wakes the node's run.
base::Result<std::int64_t> clear_claim(base::pg::Transaction& tx, std::int64_t id, std::string_view who);
// LEAF's own claim when a return could not be verified; expires never.
base::Result<> quarantine(base::pg::Transaction& tx, std::string_view node, std::int64_t instance, std::string_view reason);

// Guards "claims.any", "claims.held", "claims.unless-cleared", "claims.no-work".
void add_guards(workflow::Registry& registry, std::shared_ptr<base::pg::Pool> pool);

}  // namespace leaf::sms
