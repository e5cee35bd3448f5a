#include "cdb/rights/standing.h"

#include <algorithm>

#include <fmt/format.h>

namespace cdb::rights {
namespace {

bool holds(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool in_groups(const Who& who, const Standing& standing) {
  return std::any_of(who.groups.begin(), who.groups.end(), [&](const auto& group) { return holds(standing.groups, group); });
}

// Every role reads; an administrator has them all. Others do not include each other: who edits need not be who drains.
void add_role(std::set<Role>& roles, Role role) {
  roles.insert(role);
  roles.insert(Role::viewer);
  if (role == Role::administrator) roles.insert({Role::technician, Role::operations, Role::editor});
}

}  // namespace

bool is_one_of(const Who& who, const Standing& standing) {
  if (standing.subject.kind == "service") return holds(who.services, standing.subject.name);
  if (standing.subject.kind != "person") return false;
  return holds(who.persons, standing.subject.name) || holds(who.persons, "*") || in_groups(who, standing) ||
         std::any_of(who.roles.begin(), who.roles.end(), [&](Role role) { return standing.has(role); });
}

Standing standing(const Policy* policy, const Subject& subject) {
  Standing out;
  out.subject = subject;
  if (subject.kind == "service") {
    out.unlimited = !policy || !policy->names_service(subject.name);
  } else if (subject.kind == "person") {
    if (policy) {
      for (const auto& [group, members] : policy->groups) {
        if (members.contains(subject.name)) out.groups.push_back(group);
      }
      for (const auto& [role, who] : policy->roles) {
        if (holds(who.persons, subject.name) || holds(who.persons, "*") || in_groups(who, out)) add_role(out.roles, role);
      }
    }
    if (!policy || subject.name == first_administrator) add_role(out.roles, Role::administrator);
    out.unlimited = out.has(Role::administrator);
    if (!out.has(Role::editor)) return out;
  }
  if (policy && !out.unlimited) {
    for (const auto& rule : policy->rules) {
      if (is_one_of(rule.who, out)) out.rules.push_back(&rule);
    }
  }
  return out;
}

bool covers(const Rule& rule, Act act, const std::vector<std::string>& parts) {
  switch (act) {
    case Act::add_node: return rule.add_nodes;
    case Act::remove_node: return rule.remove_nodes;
    case Act::set: break;
  }
  return std::any_of(rule.set.begin(), rule.set.end(), [&](const auto& pattern) { return pattern.matches(parts); });
}

NodeRights::NodeRights(const Standing& standing, const NodeView* before, const NodeView* after)
    : standing_(standing), has_before_(before != nullptr), has_after_(after != nullptr) {
  for (const auto* rule : standing.rules) {
    const bool then = before && rule->nodes.matches(*before), now = after && rule->nodes.matches(*after);
    if (rule->deny) {
      if (then || now) deny_.push_back(rule);
      continue;
    }
    if (then) before_.push_back(rule);
    if (now) after_.push_back(rule);
  }
}

Verdict NodeRights::may(Act act, const std::vector<std::string>& parts) const {
  if (standing_.unlimited) return {true, nullptr};
  const auto find = [&](const std::vector<const Rule*>& rules) -> const Rule* {
    const auto place = std::find_if(rules.begin(), rules.end(), [&](const Rule* rule) { return covers(*rule, act, parts); });
    return place == rules.end() ? nullptr : *place;
  };
  if (const auto* rule = find(deny_)) return {false, rule};
  const auto* then = has_before_ ? find(before_) : nullptr;
  const auto* now = has_after_ ? find(after_) : nullptr;
  const bool allowed = (then || !has_before_) && (now || !has_after_) && (then || now);
  if (!allowed) return {};
  return {true, now ? now : then};
}

std::vector<std::string> who_could(const Policy& policy, Act act, const NodeView* before, const NodeView* after,
                                   const std::vector<std::string>& parts) {
  std::vector<std::string> out;
  for (const auto& rule : policy.rules) {
    if (rule.deny || !covers(rule, act, parts)) continue;
    if ((before && !rule.nodes.matches(*before)) || (after && !rule.nodes.matches(*after))) continue;
    if (out.size() < 5) out.push_back(fmt::format("{} (rule '{}')", rule.who.text(), rule.name));
  }
  return out;
}

std::string reason_of(const Standing& standing, const Verdict& verdict) {
  const auto who = fmt::format("{} {}", standing.subject.kind, standing.subject.name);
  if (verdict.allowed && verdict.rule) return fmt::format("rule '{}' allows it", verdict.rule->name);
  if (verdict.allowed) {
    if (standing.subject.kind == "service") return fmt::format("no rule is about {}: it may do what it always may", who);
    return fmt::format("{} is administrator", who);
  }
  if (verdict.rule) return fmt::format("rule '{}' denies it", verdict.rule->name);
  if (standing.subject.kind == "person" && !standing.has(Role::editor))
    return fmt::format("{} has not the role editor, so no rule is for him", who);
  return fmt::format("no rule allows it to {}", who);
}

Explained explain(const Policy* policy, const Subject& subject, Act act, const NodeView& node,
                  const std::vector<std::string>& parts) {
  const auto who = standing(policy, subject);
  Explained out;
  const auto* before = act == Act::add_node ? nullptr : &node;
  const auto* after = act == Act::remove_node ? nullptr : &node;
  out.verdict = NodeRights(who, before, after).may(act, parts);
  out.reason =
      policy || subject.kind == "service" ? reason_of(who, out.verdict) : "no policy is set: every person may do everything";
  if (!policy) return out;
  for (const auto& rule : policy->rules) {
    const bool for_him = std::find(who.rules.begin(), who.rules.end(), &rule) != who.rules.end();
    out.steps.push_back({&rule, for_him, rule.nodes.matches(node), covers(rule, act, parts)});
  }
  if (!out.verdict.allowed) out.could = who_could(*policy, act, before, after, parts);
  return out;
}

}  // namespace cdb::rights
