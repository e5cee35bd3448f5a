// Helpers of the component tests: a profile from JSON, its plan on a machine, the plan done.
#pragma once

#include <doctest/doctest.h>

#include "agent/component/registry.h"
#include "agent/plan/planner.h"
#include "base/profile/json.h"
#include "base/profile/path.h"
#include "fake_machine.h"

namespace agent_test {

inline base::profile::Value json(std::string_view text) {
  auto value = base::profile::parse_json(text);
  REQUIRE_MESSAGE(value.has_value(), (value ? "" : value.error().text()));
  return *value;
}

// `components` is the JSON of /software/components.
inline base::profile::Value profile_of(std::string_view components) {
  return json("{\"software\": {\"components\": " + std::string(components) + "}}");
}

struct World {
  FakeMachine machine;
  plan::Tracked tracked;
  std::map<std::string, std::string> objects;
  bool new_profile = true;

  base::Result<plan::Plan> try_plan(const base::profile::Value* profile) {
    plan::Input input;
    input.profile = profile;
    input.root = std::string(64, 'a');
    input.revision = 1;
    input.tracked = tracked;
    input.new_profile = new_profile;
    input.object = [this](const std::string& hash) -> base::Result<std::string> {
      auto it = objects.find(hash);
      if (it == objects.end()) return base::fail(base::Errc::not_found, "no object " + hash);
      return it->second;
    };
    auto registry = component::make_registry();
    return plan::make_plan(input, registry, machine);
  }
  plan::Plan plan(std::string_view components) {
    auto profile = profile_of(components);
    auto made = try_plan(&profile);
    REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().text()));
    return *made;
  }
  // Does everything without journal and remembers the claims.
  void apply(plan::Plan plan) {
    for (const auto& action : plan.actions) {
      if (machine.content(action.target))
        objects[base::crypto::sha256_hex(*machine.content(action.target))] = *machine.content(action.target);
      REQUIRE(
          machine.act(action, plan.blobs.contains(action.after.sha256) ? plan.blobs.at(action.after.sha256) : "").has_value());
    }
    for (const auto& claim : plan.claims) tracked[claim.key] = claim;
    for (const auto& key : plan.released) tracked.erase(key);
    new_profile = false;
  }
  plan::Plan apply(std::string_view components) {
    auto made = plan(components);
    apply(made);
    return made;
  }
};

inline const plan::Row& row(const plan::Plan& plan, std::string_view component) {
  for (const auto& row : plan.components)
    if (row.component == component) return row;
  FAIL("no row for component " << std::string(component));
  return plan.components.front();
}

// "write /etc/motd" for each action.
inline std::vector<std::string> verbs(const plan::Plan& plan) {
  std::vector<std::string> out;
  for (const auto& action : plan.actions) out.push_back(std::string(verb_name(action.verb)) + " " + action.target);
  return out;
}

inline std::string problems(const plan::Plan& plan, std::string_view component) {
  std::string out;
  for (const auto& text : row(plan, component).problems) out += text + "\n";
  return out;
}

inline bool has(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

}  // namespace agent_test
