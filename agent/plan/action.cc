#include "agent/plan/action.h"

#include <fmt/format.h>

#include <array>
#include <optional>

namespace agent::plan {

using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

namespace {

constexpr std::array<std::string_view, 17> verb_names{
    "write",  "remove", "link", "make-folder", "set-attributes", "reload-units", "enable", "disable", "mask",
    "unmask", "start",  "stop", "restart",     "reload",         "packages",     "mount",  "unmount"};
constexpr std::string_view command_name = "command";

std::optional<Verb> verb_from(std::string_view name) {
  if (name == command_name) return Verb::command;
  for (std::size_t i = 0; i < verb_names.size(); ++i)
    if (verb_names[i] == name) return static_cast<Verb>(i);
  return std::nullopt;
}

List texts(const std::vector<std::string>& from) {
  return {from.begin(), from.end()};
}

std::vector<std::string> texts(const Value* from) {
  std::vector<std::string> out;
  if (from && from->list())
    for (const auto& item : *from->list())
      if (item.string()) out.push_back(*item.string());
  return out;
}

}  // namespace

std::string_view verb_name(Verb verb) {
  auto index = static_cast<std::size_t>(verb);
  return index < verb_names.size() ? verb_names[index] : command_name;
}

bool is_file_verb(Verb verb) {
  return verb <= Verb::set_attributes;
}

bool is_owed_verb(Verb verb) {
  return verb == Verb::reload_units || verb == Verb::restart || verb == Verb::reload || verb == Verb::command;
}

Value to_value(const Action& action) {
  Dict out;
  out["verb"] = verb_name(action.verb);
  out["component"] = action.component;
  out["target"] = action.target;
  if (is_file_verb(action.verb)) {
    out["before"] = to_value(action.before);
    out["after"] = to_value(action.after);
  }
  if (!action.detail.is_null()) out["detail"] = action.detail;
  if (!action.triggers.empty()) out["triggers"] = List(action.triggers.begin(), action.triggers.end());
  if (!action.why.empty()) out["why"] = action.why;
  if (action.secret) out["secret"] = true;
  return out;
}

base::Result<Action> action_from(const Value& value) {
  Action action;
  auto verb = verb_from(value.get_string("verb"));
  if (!verb) return base::fail(base::Errc::corrupt, fmt::format("'{}' is no action", value.get_string("verb")));
  action.verb = *verb;
  action.component = value.get_string("component");
  action.target = value.get_string("target");
  if (const auto* before = value.get("before")) action.before = WEFT_TRY(image_from(*before));
  if (const auto* after = value.get("after")) action.after = WEFT_TRY(image_from(*after));
  if (const auto* detail = value.get("detail")) action.detail = *detail;
  if (const auto* triggers = value.get("triggers"); triggers && triggers->list())
    for (const auto& index : *triggers->list())
      if (index.integer()) action.triggers.push_back(static_cast<int>(*index.integer()));
  action.why = value.get_string("why");
  action.secret = value.get_boolean("secret");
  return action;
}

Value to_value(const Claim& claim) {
  Dict out;
  out["key"] = claim.key;
  out["component"] = claim.component;
  out["before"] = claim.before;
  if (claim.secret) out["secret"] = true;
  if (!claim.notify.empty()) {
    List list;
    for (const auto& notify : claim.notify)
      list.emplace_back(Dict{{"verb", Value(verb_name(notify.verb))}, {"target", Value(notify.target)}});
    out["notify"] = std::move(list);
  }
  return out;
}

base::Result<Claim> claim_from(const Value& value) {
  Claim claim;
  claim.key = value.get_string("key");
  claim.component = value.get_string("component");
  claim.secret = value.get_boolean("secret");
  if (claim.key.empty() || claim.component.empty()) return base::fail(base::Errc::corrupt, "a claim without key or component");
  if (const auto* before = value.get("before")) claim.before = *before;
  if (const auto* list = value.get("notify"); list && list->list())
    for (const auto& item : *list->list()) {
      auto verb = verb_from(item.get_string("verb"));
      if (!verb) return base::fail(base::Errc::corrupt, "claim " + claim.key + " notifies with an unknown verb");
      claim.notify.push_back({*verb, std::string(item.get_string("target"))});
    }
  return claim;
}

Value to_value(const Plan& plan) {
  Dict out;
  out["version"] = 1;
  out["root"] = plan.root;
  out["revision"] = plan.revision;
  List rows, actions, claims;
  for (const auto& row : plan.components) {
    static constexpr std::array<std::string_view, 3> names{"ready", "held", "failed"};
    rows.emplace_back(Dict{{"component", Value(row.component)},
                           {"status", Value(names[static_cast<std::size_t>(row.status)])},
                           {"needs", Value(texts(row.needs))},
                           {"problems", Value(texts(row.problems))},
                           {"notes", Value(texts(row.notes))}});
  }
  for (const auto& action : plan.actions) actions.push_back(to_value(action));
  for (const auto& claim : plan.claims) claims.push_back(to_value(claim));
  out["components"] = std::move(rows);
  out["actions"] = std::move(actions);
  out["claims"] = std::move(claims);
  out["released"] = texts(plan.released);
  return out;
}

base::Result<Plan> plan_from(const Value& value) {
  if (value.get_integer("version") != 1)
    return base::fail(base::Errc::corrupt, "the journaled plan is of another format",
                      "move the folder journal/ of the agent's state away and start the agent again");
  Plan plan;
  plan.root = value.get_string("root");
  plan.revision = value.get_integer("revision");
  for (const auto* rows = value.get("components"); rows && rows->list();) {
    for (const auto& item : *rows->list()) {
      Row row;
      row.component = item.get_string("component");
      auto status = item.get_string("status");
      row.status = status == "ready" ? Status::ready : status == "held" ? Status::held : Status::failed;
      row.needs = texts(item.get("needs"));
      row.problems = texts(item.get("problems"));
      row.notes = texts(item.get("notes"));
      plan.components.push_back(std::move(row));
    }
    break;
  }
  if (const auto* actions = value.get("actions"); actions && actions->list())
    for (const auto& item : *actions->list()) plan.actions.push_back(WEFT_TRY(action_from(item)));
  if (const auto* claims = value.get("claims"); claims && claims->list())
    for (const auto& item : *claims->list()) plan.claims.push_back(WEFT_TRY(claim_from(item)));
  plan.released = texts(value.get("released"));
  return plan;
}

std::string describe(const Action& action) {
  std::string text;
  switch (action.verb) {
    case Verb::write_file:
    case Verb::make_folder:
      text = fmt::format("{} {} ({})", verb_name(action.verb), action.target, describe(action.after));
      break;
    case Verb::set_attributes:
      text = fmt::format("set-attributes {} ({} -> {})", action.target, describe(action.before), describe(action.after));
      break;
    case Verb::link: text = fmt::format("link {} -> {}", action.target, action.after.target); break;
    case Verb::remove: text = fmt::format("remove {} ({})", action.target, describe(action.before)); break;
    case Verb::reload_units: text = "reload-units"; break;
    case Verb::mount: text = fmt::format("mount {} on {}", action.detail.get_string("device"), action.target); break;
    case Verb::packages: {
      text = "packages";
      for (auto list : {"install", "remove"})
        if (const auto* items = action.detail.get(list); items && items->list())
          for (const auto& item : *items->list()) {
            text += fmt::format(" {}{}", list[0] == 'i' ? '+' : '-', item.get_string("name"));
            if (!item.get_string("version").empty()) text += fmt::format("={}", item.get_string("version"));
          }
      break;
    }
    case Verb::command: {
      text = "command";
      for (const auto& word : texts(action.detail.get("argv"))) text += " " + word;
      break;
    }
    default: text = fmt::format("{} {}", verb_name(action.verb), action.target); break;
  }
  if (!action.why.empty()) text += ", " + action.why;
  return text;
}

}  // namespace agent::plan
