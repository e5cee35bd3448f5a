// Which node of a revision belongs to which wave. Used by cdb/build before a commit. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/profile/value.h"
#include "cdb/rollout/policy.h"

namespace cdb::rollout {

struct Candidate {
  std::string name;
  base::profile::Value attributes;  // of the profile to come
};

struct Plan {
  std::vector<std::string> names;                  // of the waves, the first is wave 1; waves without nodes are left out
  std::vector<std::int64_t> policy_waves;          // of each, its index in Policy::waves; waves.size(): the rest
  std::vector<std::pair<std::string, int>> nodes;  // node and wave, by name
};

// Nodes are taken in the order of a hash of their names, so that a share of them is spread over the fabric and canaries stay the
// same. `candidates` must not be empty.
Plan plan_waves(const Policy& policy, const std::vector<Candidate>& candidates);

}  // namespace cdb::rollout
