// A component: a pure planner for one subtree of the profile, (desired, observed) -> actions. It changes nothing itself and keeps
// no state, so preview, dry run and the real run are the same thing. Implemented in agent/component; one instance for all plans,
// single-threaded.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "agent/plan/draft.h"

namespace agent::plan {

class Component {
 public:
  virtual ~Component() = default;
  virtual std::string_view name() const = 0;
  // An error fails the component as a whole and nothing of it is done; Draft::problem() refuses a part only.
  virtual base::Result<> plan(const base::profile::Value& subtree, Draft& draft) const = 0;
  // "" or why nothing can be done for it on this machine (reported as held).
  virtual std::string why_held(Observed&) const { return {}; }
};

// In default order of execution; `dependencies` in the profile override it.
using Registry = std::vector<std::unique_ptr<const Component>>;

}  // namespace agent::plan
