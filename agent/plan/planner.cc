#include "agent/plan/planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "agent/plan/order.h"
#include "agent/plan/restore.h"
#include "base/profile/path.h"
#include "base/text/text.h"

namespace agent::plan {

using base::profile::Value;

namespace {

struct Wanted {
  Row row;
  const Value* subtree = nullptr;
  const Component* component = nullptr;
};

base::Result<std::vector<std::string>> names(const Value* list, const std::string& where) {
  std::vector<std::string> out;
  if (!list) return out;
  if (!list->list()) return base::fail(base::Errc::invalid, where + " is no list of component names");
  for (const auto& item : *list->list()) {
    if (!item.string()) return base::fail(base::Errc::invalid, where + " holds something that is no component name");
    out.push_back(*item.string());
  }
  return out;
}

class Planner {
 public:
  Planner(const Input& input, const Registry& registry, Observed& machine)
      : input_(input), registry_(registry), machine_(machine) {}

  base::Result<Plan> run() {
    WEFT_TRY(read_rows());
    auto plan = pass({});
    std::vector<Claim> orphans;
    std::set<std::string> claimed;
    for (const auto& claim : plan.claims) claimed.insert(claim.key);
    for (const auto& [key, claim] : input_.tracked)
      if (!claimed.contains(key) && !untouched(claim.component, plan) &&
          std::find(plan.released.begin(), plan.released.end(), key) == plan.released.end())
        orphans.push_back(claim);
    // Again, with the restorations first: what comes after may need the place.
    if (!orphans.empty()) plan = pass(orphans);
    return plan;
  }

 private:
  base::Result<> read_rows() {
    if (!input_.profile) return {};
    const auto* components = base::profile::find(*input_.profile, "/software/components");
    if (!components || !components->dict() || components->dict()->empty())
      return base::fail(base::Errc::invalid, "the profile has no components under /software/components",
                        "an empty profile is not applied; to give a node back, use weft-agent undo --all");
    std::vector<std::string> known;
    for (const auto& component : registry_) known.emplace_back(component->name());
    for (const auto& [name, subtree] : *components->dict()) {
      Wanted wanted;
      wanted.row.component = name;
      wanted.subtree = &subtree;
      Wish wish;
      wish.rank = static_cast<int>(known.size());
      for (std::size_t i = 0; i < registry_.size(); ++i)
        if (registry_[i]->name() == name) {
          wanted.component = registry_[i].get();
          wish.rank = static_cast<int>(i);
        }
      judge(wanted, wish, known);
      wishes_[name] = std::move(wish);
      wanted_[name] = std::move(wanted);
    }
    auto order = order_components(wishes_);
    for (const auto& [name, loop] : order.looped) {
      auto& row = wanted_[name].row;
      row.status = Status::failed;
      row.problems.push_back(loop.empty() ? "its dependencies wait for components that depend on each other in a loop"
                                          : "its dependencies form a loop: " + loop);
      order.names.push_back(name);
    }
    order_ = std::move(order.names);
    for (auto& [name, wanted] : wanted_)
      for (const auto& need : wishes_[name].pre)
        if (!wanted_.contains(need)) {
          wanted.row.status = Status::failed;
          wanted.row.problems.push_back(fmt::format("it depends on component '{}', which is not in the profile", need));
        } else {
          wanted.row.needs.push_back(need);
        }
    return {};
  }

  void judge(Wanted& wanted, Wish& wish, const std::vector<std::string>& known) {
    auto& row = wanted.row;
    auto hold = [&](std::string why) {
      row.status = Status::held;
      row.notes.push_back(std::move(why));
    };
    if (!wanted.subtree->is_dict()) {
      row.status = Status::failed;
      row.problems.push_back("/software/components/" + row.component + " is no dict");
      return;
    }
    const auto* active = wanted.subtree->get("active");
    const auto* dispatch = wanted.subtree->get("dispatch");
    if ((active && !active->is_boolean()) || (dispatch && !dispatch->is_boolean())) {
      row.status = Status::failed;
      row.problems.push_back("active and dispatch must be booleans");
      return;
    }
    if (const auto* dependencies = wanted.subtree->get("dependencies")) {
      auto pre = names(dependencies->get("pre"), "dependencies/pre");
      auto post = names(dependencies->get("post"), "dependencies/post");
      if (!pre || !post) {
        row.status = Status::failed;
        row.problems.push_back(pre ? post.error().message : pre.error().message);
        return;
      }
      wish.pre = std::move(*pre);
      wish.post = std::move(*post);
    }
    if (active && !*active->boolean()) return hold("not active in the profile");
    if (dispatch && !*dispatch->boolean()) return hold("dispatch is off in the profile");
    if (!wanted.component)
      return hold(fmt::format("this agent has no component '{}'{}; nothing was done for it", row.component,
                              base::text::did_you_mean_suffix(row.component, known)));
    if (auto why = wanted.component->why_held(machine_); !why.empty()) hold(std::move(why));
  }

  // Held and failed components keep what they hold.
  bool untouched(const std::string& component, const Plan& plan) const {
    for (const auto& row : plan.components)
      if (row.component == component) return row.status != Status::ready;
    return false;
  }

  Plan pass(const std::vector<Claim>& orphans) {
    static const Value none;
    deferred_.clear();
    Plan plan;
    plan.root = input_.root;
    plan.revision = input_.revision;
    Overlay seen(machine_);
    Context context{seen, input_.profile ? *input_.profile : none, input_.tracked, input_.new_profile, {}};
    std::map<std::string, Row> left;
    std::map<std::string, std::vector<Claim>> by_component;
    for (const auto& claim : orphans) by_component[claim.component].push_back(claim);
    for (const auto& [name, claims] : by_component) {
      Draft draft(name, context);
      plan_restore(claims, input_, draft);
      auto& row = left[name];
      row.component = name;
      if (!wanted_.contains(name)) row.notes.push_back("left the profile");
      merge(plan, draft, row);
    }
    for (const auto& name : order_) plan.components.push_back(plan_component(wanted_.at(name), context, plan));
    for (auto& [name, row] : left) {
      auto same = std::find_if(plan.components.begin(), plan.components.end(), [&](const Row& r) { return r.component == name; });
      if (same == plan.components.end()) {
        plan.components.push_back(std::move(row));
      } else {
        same->notes.insert(same->notes.end(), row.notes.begin(), row.notes.end());
        same->problems.insert(same->problems.end(), row.problems.begin(), row.problems.end());
      }
    }
    add_deferred(plan);
    add_owed(plan);
    unite_claims(plan);
    return plan;
  }

  Row plan_component(const Wanted& wanted, Context& context, Plan& plan) {
    auto row = wanted.row;
    if (row.status != Status::ready) return row;
    auto overlay = context.seen;
    auto claimed = context.claimed;
    Draft draft(row.component, context);
    auto done = wanted.component->plan(*wanted.subtree, draft);
    if (!done) {
      context.seen = overlay;
      context.claimed = claimed;
      row.status = Status::failed;
      row.problems = {done.error().text()};
      return row;
    }
    draft.finish();
    merge(plan, draft, row);
    return row;
  }

  void merge(Plan& plan, Draft& draft, Row& row) {
    int offset = static_cast<int>(plan.actions.size());
    for (auto& action : draft.actions) {
      for (auto& index : action.triggers) index += offset;
      plan.actions.push_back(std::move(action));
    }
    for (auto& action : draft.deferred) {
      for (auto& index : action.triggers) index += offset;
      deferred_.push_back(std::move(action));
    }
    for (auto& claim : draft.claims) plan.claims.push_back(std::move(claim));
    for (auto& key : draft.released) plan.released.push_back(std::move(key));
    plan.blobs.merge(draft.blobs);
    row.problems.insert(row.problems.end(), draft.problems.begin(), draft.problems.end());
    row.notes.insert(row.notes.end(), draft.notes.begin(), draft.notes.end());
  }

  // A unit that another component has just started has read the new file.
  void add_deferred(Plan& plan) {
    for (auto& action : deferred_) {
      bool started = false;
      for (std::size_t i = 0; i < plan.actions.size(); ++i)
        started = started || (plan.actions[i].verb == Verb::start && plan.actions[i].target == action.target &&
                              std::all_of(action.triggers.begin(), action.triggers.end(),
                                          [&](int index) { return index < static_cast<int>(i); }));
      if (!started) plan.actions.push_back(std::move(action));
    }
  }

  // What is owed from earlier runs comes last, unless the plan does it anyway.
  void add_owed(Plan& plan) {
    for (const auto& owed : input_.owed) {
      auto row = std::find_if(plan.components.begin(), plan.components.end(),
                              [&](const Row& r) { return r.component == owed.component; });
      if (row != plan.components.end() && row->status != Status::ready) continue;
      auto same = std::find_if(plan.actions.begin(), plan.actions.end(), [&](const Action& a) {
        return a.component == owed.component && a.verb == owed.action.verb && a.target == owed.action.target &&
               a.detail == owed.action.detail;
      });
      if (same != plan.actions.end()) {
        same->triggers.clear();  // owed in any case
        continue;
      }
      if (row == plan.components.end()) plan.components.push_back({owed.component, Status::ready, {}, {}, {"left the profile"}});
      auto action = owed.action;
      action.component = owed.component;
      action.triggers.clear();
      if (!action.why.ends_with("(owed)")) action.why += " (owed)";
      plan.actions.push_back(std::move(action));
    }
  }

  // One claim for each key: the last one says who holds it now.
  static void unite_claims(Plan& plan) {
    std::map<std::string, Claim> by_key;
    for (auto& claim : plan.claims) by_key[claim.key] = std::move(claim);
    plan.claims.clear();
    for (auto& [_, claim] : by_key) plan.claims.push_back(std::move(claim));
    std::erase_if(plan.released, [&](const std::string& key) { return by_key.contains(key); });
  }

  const Input& input_;
  const Registry& registry_;
  Observed& machine_;
  std::map<std::string, Wanted> wanted_;
  std::map<std::string, Wish> wishes_;
  std::vector<std::string> order_;
  std::vector<Action> deferred_;  // notifications to units that did not exist when their component was planned
};

}  // namespace

base::Result<Plan> make_plan(const Input& input, const Registry& registry, Observed& machine) {
  return Planner(input, registry, machine).run();
}

}  // namespace agent::plan
