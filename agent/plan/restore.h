// Plans the way back for claims that the profile dropped: created things go, replaced things get their before-image, services
// return to their first state. Used by the planner only. Single-threaded.
#pragma once

#include "agent/plan/planner.h"

namespace agent::plan {

// All `orphans` belong to draft.component().
void plan_restore(const std::vector<Claim>& orphans, const Input& input, Draft& draft);

}  // namespace agent::plan
