// One look at a roll-out: what became of its nodes and what is to happen. Used by Engine; pure, so that every case can be tried
// without time or database.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cdb/rollout/policy.h"
#include "cdb/store/types.h"

namespace cdb::rollout {

using Time = std::chrono::system_clock::time_point;

struct Decision {
  std::vector<store::RolloutNodeChange> nodes;
  int release = 0;  // this wave; 0: none
  store::RolloutState state = store::RolloutState::running;
  std::string reason;  // of the state, or what is waited for
};

// `rollout` is running. Alarms: RolloutNode::alarm of its nodes.
Decision decide(const Policy& policy, const store::Rollout& rollout, const std::vector<store::RolloutNode>& nodes, Time now);

}  // namespace cdb::rollout
