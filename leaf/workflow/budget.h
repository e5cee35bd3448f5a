// Failure-domain budgets: how many members of a cluster, rack or power feed may be out of service at once. A reservation is part
// of the transaction that writes a step's intent; members that are out of service for other reasons count as used. Any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/diag/result.h"
#include "base/pg/pg.h"
#include "base/profile/value.h"
#include "leaf/fabric/fabric.h"
#include "leaf/workflow/step_kind.h"

namespace leaf::workflow {

// Caps; a profile's /system/cluster/maintenance overrides them for its cluster.
struct BudgetLimits {
  int max_concurrent = 2;
  int per_rack = 1;
  int per_power_feed = 1;
  int min_healthy_percent = 50;
  std::chrono::seconds patience{300};  // a member not heard of for longer is not healthy

  static base::Result<BudgetLimits> from(const base::profile::Value* settings, const BudgetLimits& fallback);
};

// What one node would use: scopes with their caps, the members out of service in each for foreign reasons, and the members of the
// cluster in service. Computed from the fabric before the transaction, kept as the step's before-image.
struct BudgetPlan {
  struct Scope {
    std::string name;
    int cap = 0;
    int members = 1;               // in service at some time, the subject among them
    std::vector<std::string> out;  // members out of service, whoever took them
  };
  std::vector<Scope> scopes;  // by name, so that two reservations lock in the same order
  int members = 0, healthy = 0, floor = 0;
  std::vector<std::string> healthy_members;

  base::profile::Value to_value() const;
  static base::Result<BudgetPlan> from_value(const base::profile::Value& value);
};
base::Result<BudgetPlan> plan_budget(const std::vector<fabric::Node>& nodes, const fabric::Node& subject,
                                     const BudgetLimits& limits);

// Takes one unit in every scope or Errc::exhausted, naming the scope and who holds it. Repeatable for the same run.
base::Result<> reserve_budget(base::pg::Transaction& tx, std::int64_t instance, std::string_view node, const BudgetPlan& plan);

std::shared_ptr<StepKind> make_budget_reserve_step(std::shared_ptr<base::pg::Pool> pool, std::shared_ptr<fabric::Fabric> fabric,
                                                   BudgetLimits limits);
std::shared_ptr<StepKind> make_budget_release_step(std::shared_ptr<base::pg::Pool> pool);

}  // namespace leaf::workflow
