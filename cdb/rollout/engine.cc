#include "cdb/rollout/engine.h"

#include <utility>

#include <fmt/format.h>

#include "base/profile/json.h"

namespace cdb::rollout {
namespace {

using base::Errc;
using store::Rollout;
using store::RolloutNode;
using store::RolloutState;
using Step = store::Store::RolloutStep;

constexpr int most_open = 1000;

base::Result<Policy> policy_of(const Rollout& rollout) {
  return parse_policy(WEFT_TRY(base::profile::parse_json(rollout.document)));
}

bool same(const Decision& decision, const Rollout& rollout) {
  return decision.nodes.empty() && decision.release == 0 && decision.state == rollout.state && decision.reason == rollout.reason;
}

}  // namespace

const store::Actor& Engine::actor() {
  static const store::Actor self{"service", "rollout"};
  return self;
}

Engine::~Engine() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Engine::start(std::chrono::milliseconds every) {
  thread_ = std::thread([this, every] { run(every); });
}

void Engine::hint() {
  {
    const std::scoped_lock lock(mutex_);
    hinted_ = true;
  }
  changed_.notify_all();
}

void Engine::run(std::chrono::milliseconds every) {
  std::string last;  // the same trouble is told once
  std::unique_lock lock(mutex_);
  while (!stop_) {
    hinted_ = false;
    lock.unlock();
    const auto done = look();
    const std::string trouble = done ? "" : done.error().text();
    if (trouble != last && !trouble.empty() && hooks_.log) hooks_.log("roll-outs wait: " + trouble);
    last = trouble;
    lock.lock();
    changed_.wait_for(lock, every, [&] { return stop_ || hinted_; });
    // Thousands of reports within a moment are one look.
    if (hinted_ && !stop_) changed_.wait_for(lock, std::chrono::milliseconds(100), [&] { return stop_; });
  }
}

base::Result<> Engine::look() {
  const auto open = WEFT_TRY(store_->rollouts(true, 0, most_open));
  if (open.empty()) return {};
  const bool stopped = WEFT_TRY(store_->rollout_switch()).stopped;
  base::Result<> out;
  // The oldest first; one that cannot go on does not keep the others.
  for (auto rollout = open.rbegin(); rollout != open.rend(); ++rollout) {
    if (auto done = look_at(*rollout, stopped); !done)
      out = base::fail(std::move(done.error()).during(fmt::format("roll-out of revision {}", rollout->revision)));
  }
  return out;
}

base::Result<> Engine::look_at(const Rollout& rollout, bool stopped) {
  if (rollout.state == RolloutState::reverting) return revert(rollout);
  if (rollout.state != RolloutState::running || stopped) return {};
  const auto policy = WEFT_TRY(policy_of(rollout));
  // Without the lock first: most looks change nothing, and commits must not wait for them.
  auto nodes = WEFT_TRY(store_->rollout_nodes(rollout.revision));
  WEFT_TRY(add_alarms(rollout, nodes));
  if (same(decide(policy, rollout, nodes, hooks_.now()), rollout)) return {};
  std::map<std::string, std::string> alarms;
  for (const auto& node : nodes) {
    if (!node.alarm.empty()) alarms[node.name] = node.alarm;
  }
  RolloutState state = rollout.state;
  WEFT_TRY(store_->step_rollout(
      actor(), rollout.revision, [&](const Rollout& now, std::vector<RolloutNode> fresh) -> base::Result<std::optional<Step>> {
        if (now.state != RolloutState::running) return std::nullopt;
        for (auto& node : fresh) {
          if (const auto alarm = alarms.find(node.name); alarm != alarms.end()) node.alarm = alarm->second;
        }
        auto decision = decide(policy, now, fresh, hooks_.now());
        if (same(decision, now)) return std::nullopt;
        state = decision.state;
        return Step{std::move(decision.nodes), decision.release, decision.state, std::move(decision.reason)};
      }));
  if (state == RolloutState::reverting) hint();
  return {};
}

// The state `reverting` is stored before, so a kill in between ends here again; a revert that was stored already is found.
base::Result<> Engine::revert(const Rollout& rollout) {
  const auto finish = [&](RolloutState state, std::string reason) {
    return store_->step_rollout(actor(), rollout.revision,
                                [&](const Rollout& now, std::vector<RolloutNode>) -> base::Result<std::optional<Step>> {
                                  if (now.state != RolloutState::reverting) return std::nullopt;
                                  return Step{{}, 0, state, std::move(reason)};
                                });
  };
  if (const auto done = WEFT_TRY(store_->reverted_by(rollout.revision)))
    return finish(RolloutState::reverted, fmt::format("{}; reverted by revision {}", rollout.reason, *done));
  if (!hooks_.revert) return finish(RolloutState::halted, rollout.reason + "; this server does not revert");
  const auto revision = hooks_.revert(
      rollout.revision, fmt::format("Roll-out of revision {} failed: {}", rollout.revision, rollout.reason), actor());
  if (revision) return finish(RolloutState::reverted, fmt::format("{}; reverted by revision {}", rollout.reason, *revision));
  if (revision.error().code != Errc::conflict && revision.error().code != Errc::invalid) return base::fail(revision.error());
  return finish(RolloutState::halted, fmt::format("{}; it cannot be reverted: {}", rollout.reason, revision.error().message));
}

base::Result<> Engine::add_alarms(const Rollout& rollout, std::vector<RolloutNode>& nodes) const {
  if (!hooks_.alarms || rollout.wave == 0) return {};
  std::vector<std::string> names;
  std::optional<Time> since;
  for (const auto& node : nodes) {
    if (!node.released || node.state == RolloutNode::State::superseded) continue;
    names.push_back(node.name);
    if (!since || *node.released < *since) since = node.released;
  }
  if (names.empty()) return {};
  const auto alarms = WEFT_TRY(hooks_.alarms(names, *since));
  for (auto& node : nodes) {
    if (const auto alarm = alarms.find(node.name); alarm != alarms.end() && node.released) node.alarm = alarm->second;
  }
  return {};
}

}  // namespace cdb::rollout
