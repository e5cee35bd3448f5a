#include "cdb/rollout/decide.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text/text.h"

namespace cdb::rollout {
namespace {

using store::Rollout;
using store::RolloutNode;
using State = store::RolloutNode::State;

struct Verdict {
  State state;
  std::string message;
};

std::string failure_of(const RolloutNode& node) {
  return node.failure.empty() ? "its run on this revision failed" : node.failure;
}

// A node that was released: what became of it.
Verdict judge(const Policy& policy, const Rollout& rollout, const RolloutNode& node, Time now) {
  const bool reported =
      node.report_revision >= rollout.revision && node.reported && (!node.released || *node.reported >= *node.released);
  if (policy.alarms && !node.alarm.empty()) return {State::failed, "alarm: " + node.alarm};
  if (reported && (node.outcome == "failed" || node.outcome == "partial")) return {State::failed, failure_of(node)};
  if (node.applied_revision >= rollout.revision) return {State::applied, {}};
  if (std::find(policy.skip_states.begin(), policy.skip_states.end(), node.attribute_state) != policy.skip_states.end())
    return {State::skipped, "its state is " + node.attribute_state};
  const bool silent = !node.seen || now - *node.seen > policy.silent_after;
  if (silent && policy.silent == Policy::Silent::skip)
    return {State::skipped, node.seen ? "not heard of since " + base::text::rfc3339(*node.seen) : "never heard of"};
  if (silent && policy.silent == Policy::Silent::fail)
    return {State::failed, node.seen ? "not heard of since " + base::text::rfc3339(*node.seen) : "never heard of"};
  if (!silent && node.released && now - *node.released > policy.apply_within)
    return {State::failed, "not applied within " + base::text::human_duration(policy.apply_within)};
  return {State::released, {}};
}

// Null pointer: none yet, or the rest, which has no rules of its own.
const Wave* wave_of(const Policy& policy, const Rollout& rollout, int wave) {
  if (wave < 1) return nullptr;
  const auto index = rollout.policy_waves[static_cast<std::size_t>(wave) - 1];
  return index < static_cast<std::int64_t>(policy.waves.size()) ? &policy.waves[static_cast<std::size_t>(index)] : nullptr;
}

std::string names_of(const std::vector<const RolloutNode*>& nodes, std::size_t most) {
  std::string out;
  for (std::size_t i = 0; i < std::min(nodes.size(), most); ++i) out += (i ? ", " : "") + nodes[i]->name;
  if (nodes.size() > most) out += fmt::format(" and {} more", nodes.size() - most);
  return out;
}

}  // namespace

Decision decide(const Policy& policy, const Rollout& rollout, const std::vector<RolloutNode>& nodes, Time now) {
  Decision out;
  std::vector<std::size_t> size(static_cast<std::size_t>(rollout.waves) + 1), failed(size.size()), open(size.size());
  std::vector<const RolloutNode*> waiting;
  std::optional<Time> moved = rollout.released;  // the soak begins when the last node of the wave settled
  std::string first_failure;
  std::size_t left = 0;
  for (const auto& node : nodes) {
    const auto wave = static_cast<std::size_t>(node.wave);
    if (node.state == State::superseded) continue;
    ++size[wave];
    if (node.state == State::waiting) {
      ++left;
      continue;
    }
    auto verdict = judge(policy, rollout, node, now);
    if (verdict.state == State::failed && node.accepted) verdict = {State::skipped, node.message};
    // What was skipped or failed may come round; what settled does not go back to waiting.
    if (verdict.state == State::released && node.state != State::released) verdict = {node.state, node.message};
    if (verdict.state != node.state) {
      out.nodes.push_back({node.name, verdict.state, verdict.message});
      moved = now;
    } else if (node.changed && (!moved || *node.changed > *moved) && node.wave == rollout.wave) {
      moved = node.changed;
    }
    if (verdict.state == State::failed) {
      ++failed[wave];
      if (first_failure.empty()) first_failure = fmt::format("{}: {}", node.name, verdict.message);
    }
    if (verdict.state == State::released) {
      ++open[wave];
      waiting.push_back(&node);
    }
  }
  for (int wave = 1; wave <= rollout.wave; ++wave) {
    const auto i = static_cast<std::size_t>(wave);
    if (failed[i] <= policy.max_failed.of(size[i])) continue;
    out.state = policy.revert ? store::RolloutState::reverting : store::RolloutState::halted;
    out.reason = fmt::format("wave {} ({}): {} of {} nodes failed, {} allowed; {}", wave, rollout.names[i - 1], failed[i],
                             size[i], policy.max_failed.of(size[i]), first_failure);
    return out;
  }
  if (!waiting.empty()) {
    out.reason = fmt::format("waits for {}", names_of(waiting, 4));
    return out;
  }
  if (const auto* wave = wave_of(policy, rollout, rollout.wave); wave && moved && now < *moved + wave->soak) {
    out.reason = "watches until " + base::text::rfc3339(*moved + wave->soak);
    return out;
  }
  if (left == 0) {
    out.state = store::RolloutState::done;
    return out;
  }
  // Waves whose nodes are all superseded by now are nothing to wait for.
  int next = rollout.wave + 1;
  while (next < rollout.waves && std::none_of(nodes.begin(), nodes.end(), [&](const auto& node) {
           return node.wave == next && node.state == State::waiting;
         }))
    ++next;
  const auto& name = rollout.names[static_cast<std::size_t>(next) - 1];
  if (const auto* wave = wave_of(policy, rollout, next); wave && wave->manual) {
    out.reason = fmt::format("wave {} ({}) waits to be released: weft rollout release {}", next, name, rollout.revision);
  } else if (!within(policy.windows, now)) {
    out.reason = fmt::format("wave {} ({}) waits for the window", next, name);
  } else {
    out.release = next;
  }
  return out;
}

}  // namespace cdb::rollout
