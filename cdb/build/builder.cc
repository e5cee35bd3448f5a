#include "cdb/build/builder.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/profile/json.h"
#include "cdb/build/branch.h"
#include "cdb/build/trial.h"
#include "cdb/store/template_path.h"

namespace cdb::build {
namespace {

// Another server may commit while we compile; each time costs one compile of what both touch.
constexpr int max_attempts = 5;
constexpr std::size_t max_conflicts = 100;  // of one change, described

base::Result<> check(const Change& change) {
  if (change.edits.empty()) {
    return base::fail(base::Errc::invalid, "the change has no edits",
                      "give at least one file with its content, or null to remove it");
  }
  std::set<std::string_view> seen;
  for (const auto& edit : change.edits) {
    WEFT_TRY(store::valid_template_path(edit.path));
    if (!seen.insert(edit.path).second) {
      return base::fail(base::Errc::invalid, fmt::format("the change edits '{}' twice", edit.path), "send each path once");
    }
  }
  return {};
}

base::profile::Value waves_json(const store::RolloutPlan& plan) {
  std::vector<std::int64_t> sizes(plan.names.size());
  for (const auto& [node, wave] : plan.nodes) ++sizes[static_cast<std::size_t>(wave) - 1];
  base::profile::List waves;
  for (std::size_t i = 0; i < sizes.size(); ++i)
    waves.emplace_back(base::profile::Dict{{"name", plan.names[i]}, {"nodes", sizes[i]}});
  return base::profile::Dict{{"policy", plan.policy}, {"waves", std::move(waves)}};
}

}  // namespace

struct Builder::Slot {
  std::string name;
  std::mutex mutex;
  std::unique_ptr<Branch> branch;
  std::uint64_t used = 0;  // Builder's lock
};

Builder::Builder(std::shared_ptr<store::Store> store, Publish publish)
    : store_(std::move(store)), publish_(std::move(publish)), policies_(store_) {}
Builder::~Builder() = default;

base::Result<Builder::Slot*> Builder::slot(const std::string& branch) {
  WEFT_TRY(store_->head(branch));  // an unknown branch must not grow the table
  const std::scoped_lock lock(mutex_);
  auto& place = slots_[branch];
  if (!place) {
    place = std::make_unique<Slot>();
    place->name = branch;
  }
  place->used = ++uses_;
  forget_oldest();
  return place.get();
}

// A slot stays, its copy of the branch goes; one that is at work is left alone.
void Builder::forget_oldest() {
  std::vector<Slot*> order;
  for (const auto& [name, slot] : slots_) {
    if (name != "main") order.push_back(slot.get());
  }
  std::sort(order.begin(), order.end(), [](const Slot* a, const Slot* b) { return a->used > b->used; });
  for (std::size_t i = max_resident - 1; i < order.size(); ++i) {
    if (const std::unique_lock lock(order[i]->mutex, std::try_to_lock); lock) order[i]->branch.reset();
  }
}

base::Result<> Builder::warm(const std::string& branch) {
  auto* const slot = WEFT_TRY(this->slot(branch));
  const std::scoped_lock lock(slot->mutex);
  if (!slot->branch) slot->branch = std::make_unique<Branch>(branch, store_);
  WEFT_TRY(slot->branch->refresh());
  // One profile parses most of the shared templates.
  if (slot->branch->site() && !slot->branch->objects().empty()) {
    const auto& name = slot->branch->objects().begin()->first;
    slot->branch->compiler(whole_include_path(*slot->branch->site(), slot->branch->folders())).compile(std::span(&name, 1));
  }
  return {};
}

base::Result<pan::Explanation> Builder::explain(const std::string& branch, const std::string& node,
                                                std::span<const std::string> paths) {
  auto* const slot = WEFT_TRY(this->slot(branch));
  const std::scoped_lock lock(slot->mutex);
  if (!slot->branch) slot->branch = std::make_unique<Branch>(branch, store_);
  WEFT_TRY(slot->branch->refresh());
  auto& resident = *slot->branch;
  if (!resident.site() || !resident.objects().contains(node)) {
    return base::fail(base::Errc::not_found, fmt::format("node {} is not on branch {}", node, branch),
                      "its object template was removed, or not committed yet");
  }
  auto explanation = WEFT_TRY(resident.compiler(whole_include_path(*resident.site(), resident.folders())).explain(node, paths));
  if (explanation.complete && !explanation.unknown.empty()) {
    const auto& unknown = explanation.unknown.front();
    return base::fail(base::Errc::not_found, fmt::format("the profile of {} has no {}", node, unknown.path), unknown.hint);
  }
  return explanation;
}

base::Result<Outcome> Builder::change(const Change& change) {
  WEFT_TRY(check(change));
  auto* const slot = WEFT_TRY(this->slot(change.branch));
  const std::scoped_lock lock(slot->mutex);
  for (int i = 1;; ++i) {
    if (!slot->branch) slot->branch = std::make_unique<Branch>(change.branch, store_);
    auto outcome = attempt(*slot, change);
    if (outcome) return outcome;
    // The resident copy is behind, or it is unknown what was stored: the next attempt reads the truth.
    if (outcome.error().code != base::Errc::invalid && outcome.error().code != base::Errc::conflict) slot->branch.reset();
    if (outcome.error().code != base::Errc::conflict || i == max_attempts) return outcome;
  }
}

// Reverts, and what services write of a node's state, cannot wait for anybody.
base::Result<std::optional<store::RolloutPlan>> Builder::rollout_of(const Change& change, const Trial& trial,
                                                                    const std::set<std::string>& followers) const {
  if (change.rollout == "none" || change.reverts) return std::nullopt;
  if (change.rollout.empty() && change.author.kind == "service") return std::nullopt;
  const auto name = change.rollout.empty() ? WEFT_TRY(store_->rollout_default(change.branch)) : change.rollout;
  if (name.empty()) return std::nullopt;
  return trial.waves(WEFT_TRY(store_->rollout_policy(name)), followers);
}

base::Result<Outcome> Builder::attempt(Slot& slot, const Change& change) {
  auto& branch = *slot.branch;
  WEFT_TRY(branch.refresh());
  Outcome outcome;
  outcome.revision = branch.head();
  if (change.base) {
    if (*change.base < 0 || (*change.base > branch.head() && !change.reverts)) {
      return base::fail(base::Errc::invalid,
                        fmt::format("base revision {} is not a revision of branch {}", *change.base, branch.name()),
                        fmt::format("the branch is at revision {}", branch.head()));
    }
    std::vector<std::string> paths;
    std::map<std::string, std::optional<store::Digest>> wanted;
    for (const auto& edit : change.edits) {
      paths.push_back(edit.path);
      wanted[edit.path] = edit.content ? std::optional(store::digest(*edit.content)) : std::nullopt;
    }
    for (const auto& moved : WEFT_TRY(store_->moved_since(branch.name(), *change.base, paths))) {
      if (moved.after == wanted[moved.path]) continue;
      const auto edit =
          std::find_if(change.edits.begin(), change.edits.end(), [&](const Edit& e) { return e.path == moved.path; });
      outcome.conflicts.push_back(WEFT_TRY(edit_conflict(*store_, branch.name(), *change.base, moved, edit->content)));
      if (outcome.conflicts.size() == max_conflicts) break;
    }
    if (!outcome.conflicts.empty()) {
      outcome.kind = Outcome::Kind::conflict;
      return outcome;
    }
  }

  const auto policy = WEFT_TRY(policies_.current());
  rights::Check check(policy.policy, {change.author.kind, change.author.name}, change.approvers);
  Trial trial(branch, *store_, check);
  if (!trial.lay(change.edits)) {
    outcome.kind = Outcome::Kind::unchanged;
    outcome.plan = Plan().json();
    return outcome;
  }
  return finish(branch, trial, change, policy.number, std::nullopt);
}

base::Result<Outcome> Builder::finish(Branch& branch, Trial& trial, const Change& change, std::int64_t policy,
                                      const std::optional<store::NewBranch>& create) {
  Outcome outcome;
  outcome.revision = branch.head();
  WEFT_TRY(trial.run());
  outcome.findings = trial.findings().list();
  outcome.findings_dropped = trial.findings().dropped();
  outcome.failed_profiles = trial.findings().profiles();
  outcome.compiled = trial.plan().compiled;
  if (trial.findings().failed()) {
    outcome.kind = Outcome::Kind::refused;
    return outcome;
  }
  WEFT_TRY(trial.describe());
  // Profiles become files only where a node is to fetch them.
  const auto follows = WEFT_TRY(store_->followed(trial.changed()));
  std::set<std::string> desired;
  for (auto& name : trial.changed()) {
    const auto place = follows.find(name);
    if (place == follows.end() ? !create && !branch.sandbox() : place->second == branch.name()) desired.insert(std::move(name));
  }
  outcome.plan = trial.plan().json();
  outcome.plan["branch"] = branch.name();
  outcome.plan["followers"] = desired.size();
  const auto rollout = create ? std::nullopt : WEFT_TRY(rollout_of(change, trial, desired));
  if (rollout) outcome.plan["rollout"] = waves_json(*rollout);
  outcome.rights = trial.check().report();
  outcome.effect = trial.effect();
  if (change.dry_run) {
    outcome.kind = Outcome::Kind::planned;
    return outcome;
  }
  if (change.effect && *change.effect != outcome.effect) {
    outcome.kind = Outcome::Kind::stale;
    return outcome;
  }
  if (!outcome.rights.allowed() || !outcome.rights.approved()) {
    outcome.kind = Outcome::Kind::denied;
    return outcome;
  }
  WEFT_TRY(publish_(trial.fresh(desired)));
  auto commit = trial.commit(change);
  commit.plan = base::profile::to_json(outcome.plan);
  commit.create = create;
  if (rollout) commit.rollout = rollout;
  commit.policy = policy;
  outcome.revision = WEFT_TRY(store_->commit(commit));
  trial.stored(outcome.revision);
  outcome.kind = Outcome::Kind::stored;
  return outcome;
}

}  // namespace cdb::build
