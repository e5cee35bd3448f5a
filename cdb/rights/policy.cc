#include "cdb/rights/policy.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text/text.h"

namespace cdb::rights {
namespace {

constexpr std::array<std::pair<Role, std::string_view>, 5> roles{{{Role::viewer, "viewer"},
                                                                  {Role::technician, "technician"},
                                                                  {Role::operations, "operator"},
                                                                  {Role::editor, "editor"},
                                                                  {Role::administrator, "administrator"}}};

bool holds(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void describe(std::vector<std::string>& out, std::string_view one, const std::vector<std::string>& names) {
  for (const auto& name : names) out.push_back(fmt::format("{} {}", one, name));
}

}  // namespace

std::string_view role_name(Role role) {
  return std::find_if(roles.begin(), roles.end(), [&](const auto& row) { return row.first == role; })->second;
}

const std::vector<std::string>& role_names() {
  static const auto names = [] {
    std::vector<std::string> out;
    for (const auto& row : roles) out.emplace_back(row.second);
    return out;
  }();
  return names;
}

std::string Who::text() const {
  std::vector<std::string> out;
  describe(out, "group", groups);
  if (holds(persons, "*")) {
    out.emplace_back("everybody");
  } else {
    describe(out, "person", persons);
  }
  describe(out, "service", services);
  for (const auto role : roles) out.push_back(fmt::format("role {}", role_name(role)));
  return base::text::join(out, ", ");
}

bool Policy::names_service(std::string_view service) const {
  return std::any_of(rules.begin(), rules.end(), [&](const Rule& rule) { return holds(rule.who.services, service); });
}

std::vector<std::string> warnings(const Policy& policy) {
  std::vector<std::string> out;
  std::set<std::string> used;
  const auto note = [&](const Who& who) { used.insert(who.groups.begin(), who.groups.end()); };
  for (const auto& [role, who] : policy.roles) note(who);
  for (const auto& rule : policy.rules) note(rule.who);
  for (const auto& one : policy.owners) note(one.owners);
  for (const auto& one : policy.approvals) note(one.from);
  for (const auto& [name, members] : policy.groups) {
    if (members.empty()) out.push_back(fmt::format("group {} has no members", name));
    if (!used.contains(name)) out.push_back(fmt::format("group {} is used nowhere", name));
  }
  // Rules count for editors only: whoever has a rule and not the role cannot use it.
  const auto in_role = [&](const std::string& person) {
    for (const auto role : {Role::editor, Role::administrator}) {
      const auto place = policy.roles.find(role);
      if (place == policy.roles.end()) continue;
      const auto& who = place->second;
      if (holds(who.persons, person) || holds(who.persons, "*")) return true;
      for (const auto& group : who.groups) {
        if (policy.groups.at(group).contains(person)) return true;
      }
    }
    return person == first_administrator || person == "*";
  };
  for (const auto& rule : policy.rules) {
    if (rule.deny) continue;
    std::set<std::string> persons(rule.who.persons.begin(), rule.who.persons.end());
    for (const auto& group : rule.who.groups) persons.insert(policy.groups.at(group).begin(), policy.groups.at(group).end());
    for (const auto& person : persons) {
      if (!in_role(person))
        out.push_back(fmt::format("rule '{}' is for {}, who is no editor: it has no effect", rule.name, person));
    }
  }
  if (policy.rules.empty()) out.emplace_back("there are no rules: only administrators can change anything");
  return out;
}

}  // namespace cdb::rights
