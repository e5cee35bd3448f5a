#include "leaf/workflow/budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/profile/path.h"
#include "base/text/text.h"

namespace leaf::workflow {

using base::Errc;
using base::fail;
using base::Result;
using base::pg::Rows;
using base::pg::Transaction;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

Result<BudgetLimits> BudgetLimits::from(const Value* settings, const BudgetLimits& fallback) {
  BudgetLimits limits = fallback;
  if (!settings) return limits;
  struct Field {
    std::string_view name;
    int* value;
    int low, high;
  };
  for (const Field& field :
       {Field{"max_concurrent", &limits.max_concurrent, 0, 100000}, Field{"per_rack", &limits.per_rack, 0, 100000},
        Field{"per_power_feed", &limits.per_power_feed, 0, 100000},
        Field{"min_healthy_percent", &limits.min_healthy_percent, 0, 100}}) {
    const Value* value = settings->get(field.name);
    if (!value) continue;
    if (!value->is_integer() || *value->integer() < field.low || *value->integer() > field.high) {
      return fail(Errc::invalid,
                  fmt::format("maintenance budget '{}' must be a number from {} to {}", field.name, field.low, field.high));
    }
    *field.value = static_cast<int>(*value->integer());
  }
  return limits;
}

Value BudgetPlan::to_value() const {
  List list;
  for (const Scope& scope : scopes) {
    List out(scope.out.begin(), scope.out.end());
    list.emplace_back(Dict{{"scope", scope.name}, {"cap", scope.cap}, {"members", scope.members}, {"out", std::move(out)}});
  }
  return Dict{{"scopes", std::move(list)},
              {"members", members},
              {"healthy", healthy},
              {"floor", floor},
              {"healthy_members", List(healthy_members.begin(), healthy_members.end())}};
}

Result<BudgetPlan> BudgetPlan::from_value(const Value& value) {
  BudgetPlan plan;
  const Value* scopes = value.get("scopes");
  const Value* healthy = value.get("healthy_members");
  if (!scopes || !scopes->is_list() || !healthy || !healthy->is_list())
    return fail(Errc::corrupt, "the stored budget plan is damaged");
  plan.members = static_cast<int>(value.get_integer("members"));
  plan.healthy = static_cast<int>(value.get_integer("healthy"));
  plan.floor = static_cast<int>(value.get_integer("floor"));
  for (const Value& name : *healthy->list()) plan.healthy_members.push_back(*name.string());
  for (const Value& item : *scopes->list()) {
    Scope scope{std::string(item.get_string("scope")),
                static_cast<int>(item.get_integer("cap")),
                static_cast<int>(item.get_integer("members")),
                {}};
    for (const Value& name : *item.get("out")->list()) scope.out.push_back(*name.string());
    plan.scopes.push_back(std::move(scope));
  }
  return plan;
}

namespace {

bool inside(const BudgetPlan::Scope& scope, const fabric::Node& node) {
  return scope.name == "cluster:" + node.cluster || scope.name == fmt::format("rack:{}/{}", node.cluster, node.rack) ||
         scope.name == fmt::format("power_feed:{}/{}", node.cluster, node.power_feed);
}

}  // namespace

Result<BudgetPlan> plan_budget(const std::vector<fabric::Node>& nodes, const fabric::Node& subject, const BudgetLimits& limits) {
  if (subject.cluster.empty()) {
    return fail(Errc::invalid, fmt::format("node {} has no /system/cluster/name", subject.name),
                "A maintenance needs to know whose budget it uses: set it in the template");
  }
  BudgetPlan plan;
  plan.scopes.push_back({"cluster:" + subject.cluster, limits.max_concurrent, 1, {}});
  if (!subject.power_feed.empty())
    plan.scopes.push_back({fmt::format("power_feed:{}/{}", subject.cluster, subject.power_feed), limits.per_power_feed, 1, {}});
  if (!subject.rack.empty())
    plan.scopes.push_back({fmt::format("rack:{}/{}", subject.cluster, subject.rack), limits.per_rack, 1, {}});
  std::sort(plan.scopes.begin(), plan.scopes.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  bool found = false;
  for (const fabric::Node& node : nodes) {
    if (node.cluster != subject.cluster) continue;
    if (node.name == subject.name) {
      found = true;
      ++plan.members;
      continue;
    }
    // Described but never heard of: not installed yet, so neither healthy nor out of service. Silent after it once was there:
    // out.
    if (!node.in_service()) continue;
    ++plan.members;
    for (BudgetPlan::Scope& scope : plan.scopes) scope.members += inside(scope, node) ? 1 : 0;
    bool serving = node.state == "production" && node.healthy(limits.patience);
    if (serving) {
      plan.healthy_members.push_back(node.name);
      continue;
    }
    for (BudgetPlan::Scope& scope : plan.scopes) {
      if (inside(scope, node)) scope.out.push_back(node.name);
    }
  }
  if (!found) return fail(Errc::unavailable, fmt::format("the list of nodes lacks {} itself: not believed", subject.name));
  plan.healthy = static_cast<int>(plan.healthy_members.size());
  // Rounded down, so that a small cluster can be maintained at all.
  plan.floor = plan.members * limits.min_healthy_percent / 100;
  return plan;
}

Result<> reserve_budget(Transaction& tx, std::int64_t instance, std::string_view node, const BudgetPlan& plan) {
  if (plan.scopes.empty()) return fail(Errc::internal, "a budget plan without scopes");
  // Members that other runs have reserved but that still look healthy: they will be gone in a moment.
  std::set<std::string> gone;
  std::string refused;
  for (const BudgetPlan::Scope& scope : plan.scopes) {
    WEFT_TRY(tx.exec("INSERT INTO leaf.budget (scope, cap) VALUES ($1, $2) ON CONFLICT (scope) DO UPDATE SET cap = excluded.cap",
                     {scope.name, scope.cap}));
    Rows uses = WEFT_TRY(
        tx.exec("SELECT node FROM leaf.budget_use WHERE scope = $1 AND instance <> $2 ORDER BY node", {scope.name, instance}));
    std::set<std::string> holders(scope.out.begin(), scope.out.end());
    for (std::size_t i = 0; i < uses.size(); ++i) {
      holders.emplace(uses.text(i, 0));
      gone.emplace(uses.text(i, 0));
    }
    holders.erase(std::string(node));
    if (static_cast<int>(holders.size()) + 1 > scope.cap) {
      std::vector<std::string> names(holders.begin(), holders.end());
      if (names.size() > 5) names = {names[0], names[1], names[2], names[3], fmt::format("{} more", holders.size() - 4)};
      if (!refused.empty()) refused += "; ";
      refused +=
          fmt::format("{} allows {} out of service, {} of its {} members in service are out now{}", scope.name, scope.cap,
                      holders.size(), scope.members, names.empty() ? std::string() : " (" + base::text::join(names, ", ") + ")");
      continue;
    }
    WEFT_TRY(tx.exec("INSERT INTO leaf.budget_use (scope, instance, node) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                     {scope.name, instance, node}));
  }
  if (!refused.empty()) return fail(Errc::exhausted, refused);
  auto left = std::count_if(plan.healthy_members.begin(), plan.healthy_members.end(),
                            [&](const std::string& name) { return !gone.count(name); });
  if (left < plan.floor) {
    return fail(Errc::exhausted,
                fmt::format("{} of {} members would remain healthy, the cluster needs {}", left, plan.members, plan.floor));
  }
  return {};
}

namespace {

class BudgetReserve : public StepKind {
 public:
  BudgetReserve(std::shared_ptr<base::pg::Pool> pool, std::shared_ptr<fabric::Fabric> fabric, BudgetLimits limits)
      : pool_(std::move(pool)), fabric_(std::move(fabric)), limits_(limits) {}

  Result<Value> before(StepContext& context) override {
    Value profile = WEFT_TRY(fabric_->profile(context.subject));
    BudgetLimits limits = WEFT_TRY(BudgetLimits::from(base::profile::find(profile, "/system/cluster/maintenance"), limits_));
    std::vector<fabric::Node> nodes = WEFT_TRY(fabric_->nodes());
    fabric::Node subject = WEFT_TRY(fabric_->node(context.subject));
    return WEFT_TRY(plan_budget(nodes, subject, limits)).to_value();
  }
  Result<> reserve(Transaction& tx, StepContext& context) override {
    return reserve_budget(tx, context.instance, context.subject, WEFT_TRY(BudgetPlan::from_value(context.before)));
  }
  // The reservation was written with the intent, so the intent's existence is the deed.
  Result<Seen> observe(StepContext& context) override { return WEFT_TRY(holds(context)) ? Seen::done : Seen::not_done; }
  Result<> act(StepContext& context) override {
    if (WEFT_TRY(holds(context))) return {};
    return pool_->run([&](Transaction& tx) { return reserve(tx, context); });
  }
  Result<Verdict> verify(StepContext& context) override {
    if (!WEFT_TRY(holds(context))) return fail(Errc::internal, "the budget reservation is gone");
    return Verdict::finished("budget reserved");
  }
  Result<> compensate(StepContext& context) override {
    return pool_->run([&](Transaction& tx) -> Result<> {
      WEFT_TRY(tx.exec("DELETE FROM leaf.budget_use WHERE instance = $1", {context.instance}));
      return {};
    });
  }

 private:
  Result<bool> holds(StepContext& context) {
    Transaction tx = WEFT_TRY(pool_->begin());
    return !WEFT_TRY(tx.exec("SELECT 1 FROM leaf.budget_use WHERE instance = $1", {context.instance})).empty();
  }
  std::shared_ptr<base::pg::Pool> pool_;
  std::shared_ptr<fabric::Fabric> fabric_;
  BudgetLimits limits_;
};

class BudgetRelease : public StepKind {
 public:
  explicit BudgetRelease(std::shared_ptr<base::pg::Pool> pool) : pool_(std::move(pool)) {}
  Result<Seen> observe(StepContext&) override { return Seen::not_done; }
  Result<> act(StepContext&) override { return {}; }
  Result<Verdict> verify(StepContext&) override { return Verdict::finished("budget given back"); }
  Result<> conclude(Transaction& tx, StepContext& context) override {
    WEFT_TRY(tx.exec("DELETE FROM leaf.budget_use WHERE instance = $1", {context.instance}));
    return {};
  }

 private:
  std::shared_ptr<base::pg::Pool> pool_;
};

}  // namespace

std::shared_ptr<StepKind> make_budget_reserve_step(std::shared_ptr<base::pg::Pool> pool, std::shared_ptr<fabric::Fabric> fabric,
                                                   BudgetLimits limits) {
  return std::make_shared<BudgetReserve>(std::move(pool), std::move(fabric), limits);
}
std::shared_ptr<StepKind> make_budget_release_step(std::shared_ptr<base::pg::Pool> pool) {
  return std::make_shared<BudgetRelease>(std::move(pool));
}

}  // namespace leaf::workflow
