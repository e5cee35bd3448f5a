// Makes the plan of a node: all components in the order of their dependencies, what left the profile first. Used by agent/run.
// Changes nothing. A component that cannot be planned fails alone. Single-threaded.
#pragma once

#include <functional>

#include "agent/plan/component.h"

namespace agent::plan {

// A notification whose cause has happened but which itself has not been done yet.
struct Owed {
  std::string component;
  Action action;
};

struct Input {
  const base::profile::Value* profile = nullptr;  // null pointer: undo everything that is tracked
  std::string root;
  std::int64_t revision = 0;
  Tracked tracked;
  std::vector<Owed> owed;
  bool new_profile = false;
  std::function<base::Result<std::string>(const std::string& sha256)> object;  // contents of before-images
};

// Errors are about the profile as a whole: no /software/components at all.
base::Result<Plan> make_plan(const Input& input, const Registry& registry, Observed& machine);

// For people: components, then actions with unified diffs; secret contents are hidden. `old_content` reads a before-image.
std::string render(const Plan& plan, Observed& machine);

}  // namespace agent::plan
