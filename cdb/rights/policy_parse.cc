// The policy document: YAML in, Policy out, every mistake with its place.
#include <algorithm>
#include <initializer_list>

#include <fmt/format.h>

#include "base/text/text.h"
#include "base/yaml/yaml.h"
#include "cdb/rights/policy.h"

namespace cdb::rights {
namespace {

using base::Errc;
using base::fail;
using base::profile::Value;

constexpr std::size_t max_entries = 2000;  // of any list

class Parser {
 public:
  explicit Parser(std::span<const std::string> attributes) : keys_(attributes.begin(), attributes.end()) {
    keys_.emplace_back("name");
  }
  base::Result<Policy> parse(const Value& document);

 private:
  using Names = std::vector<std::string>;
  base::Result<> known(const Value& value, const std::string& place, const Names& keys) const;
  base::Result<std::vector<const Value*>> list(const Value* value, const std::string& place) const;
  base::Result<Names> names(const Value* value, const std::string& place) const;
  base::Result<bool> flag(const Value& value, std::string_view key, const std::string& place) const;
  base::Result<Who> who(const Value& value, const std::string& place, bool services, bool roles) const;
  base::Result<std::vector<PathPattern>> paths(const Value* value, const std::string& place) const;
  base::Result<Selector> selector(const Value* value, const std::string& place) const;
  base::Result<std::string> name(const Value& value, const std::string& place, std::set<std::string>& seen) const;
  base::Result<> groups(const Value& value);
  base::Result<> roles(const Value& value);
  base::Result<Rule> rule(const Value& value, const std::string& place, std::set<std::string>& seen) const;
  base::Result<Ownership> ownership(const Value& value, const std::string& place) const;
  base::Result<Approval> approval(const Value& value, const std::string& place, std::set<std::string>& seen) const;

  Names keys_;
  Policy policy_;
};

base::Result<> Parser::known(const Value& value, const std::string& place, const Names& keys) const {
  if (!value.is_dict())
    return fail(Errc::invalid, fmt::format("{}: must be a mapping", place), "its keys: " + base::text::join(keys, ", "));
  for (const auto& [key, one] : *value.dict()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      return fail(Errc::invalid, fmt::format("{}: unknown key '{}'{}", place, key, base::text::did_you_mean_suffix(key, keys)),
                  "known keys: " + base::text::join(keys, ", "));
    }
  }
  return {};
}

base::Result<std::vector<const Value*>> Parser::list(const Value* value, const std::string& place) const {
  std::vector<const Value*> out;
  if (!value || value->is_null()) return out;
  if (!value->is_list()) return fail(Errc::invalid, fmt::format("{}: must be a list", place), "write [a, b]");
  if (value->list()->size() > max_entries)
    return fail(Errc::exhausted, fmt::format("{}: more than {} entries", place, max_entries), "use patterns and groups");
  for (const auto& one : *value->list()) out.push_back(&one);
  return out;
}

base::Result<Parser::Names> Parser::names(const Value* value, const std::string& place) const {
  Names out;
  for (const auto* one : WEFT_TRY(list(value, place))) {
    const auto* text = one->string();
    if (!text || text->empty() || text->size() > 256)
      return fail(Errc::invalid, fmt::format("{}: entry {} is no name", place, out.size() + 1), "quote it if it is a number");
    out.push_back(*text);
  }
  return out;
}

base::Result<bool> Parser::flag(const Value& value, std::string_view key, const std::string& place) const {
  const auto* one = value.get(key);
  if (one && !one->is_boolean()) return fail(Errc::invalid, fmt::format("{}: '{}' must be true or false", place, key));
  return one && *one->boolean();
}

base::Result<Who> Parser::who(const Value& value, const std::string& place, bool services, bool with_roles) const {
  Who out;
  out.persons = WEFT_TRY(names(value.get("persons"), place + ": persons"));
  for (const auto& person : out.persons) {
    if (person != "*" && person.find_first_of("*?") != std::string::npos)
      return fail(Errc::invalid, fmt::format("{}: '{}' is no person", place, person), "give names; '*' alone means everybody");
  }
  out.groups = WEFT_TRY(names(value.get("groups"), place + ": groups"));
  Names defined;
  for (const auto& [group, members] : policy_.groups) defined.push_back(group);
  for (const auto& group : out.groups) {
    if (!policy_.groups.contains(group)) {
      return fail(Errc::invalid,
                  fmt::format("{}: there is no group '{}'{}", place, group, base::text::did_you_mean_suffix(group, defined)),
                  "define it under 'groups', or name people under 'persons'");
    }
  }
  if (services) out.services = WEFT_TRY(names(value.get("services"), place + ": services"));
  if (!with_roles) return out;
  for (const auto& role : WEFT_TRY(names(value.get("roles"), place + ": roles"))) {
    const auto& all = role_names();
    const auto at = std::find(all.begin(), all.end(), role);
    if (at == all.end()) {
      return fail(Errc::invalid,
                  fmt::format("{}: there is no role '{}'{}", place, role, base::text::did_you_mean_suffix(role, all)),
                  "roles: " + base::text::join(all, ", "));
    }
    out.roles.push_back(static_cast<Role>(at - all.begin()));
  }
  return out;
}

base::Result<std::vector<PathPattern>> Parser::paths(const Value* value, const std::string& place) const {
  std::vector<PathPattern> out;
  for (const auto& text : WEFT_TRY(names(value, place))) {
    auto pattern = PathPattern::parse(text);
    if (!pattern) return fail(std::move(pattern.error()).during("reading " + place));
    out.push_back(std::move(*pattern));
  }
  return out;
}

base::Result<Selector> Parser::selector(const Value* value, const std::string& place) const {
  Selector out;
  const auto hint = "nodes: all, or for example nodes: {cluster: \"disk*\"}; attributes: " + base::text::join(keys_, ", ");
  if (!value) return fail(Errc::invalid, fmt::format("{}: 'nodes' is missing", place), hint);
  if (value->is_string() && *value->string() == "all") {
    out.all = true;
    return out;
  }
  if (!value->is_dict() || value->dict()->empty())
    return fail(Errc::invalid, fmt::format("{}: 'nodes' selects nothing", place), hint);
  WEFT_TRY(known(*value, place + ": nodes", keys_));
  for (const auto& [key, wanted] : *value->dict()) {
    auto& globs = out.wanted[key];
    const auto add = [&](const Value& one) {
      if (one.is_string() && !one.string()->empty()) globs.push_back(*one.string());
      if (one.is_integer()) globs.push_back(std::to_string(*one.integer()));
      if (one.is_boolean()) globs.emplace_back(*one.boolean() ? "true" : "false");
    };
    const auto count = wanted.is_list() ? wanted.list()->size() : 1;
    if (wanted.is_list()) {
      for (const auto& one : *wanted.list()) add(one);
    } else {
      add(wanted);
    }
    if (globs.empty() || globs.size() != count)
      return fail(Errc::invalid, fmt::format("{}: nodes: '{}' must be a pattern or a list of patterns", place, key), hint);
  }
  return out;
}

base::Result<std::string> Parser::name(const Value& value, const std::string& place, std::set<std::string>& seen) const {
  std::string out(value.get_string("name"));
  if (out.empty() || out.size() > 128)
    return fail(Errc::invalid, fmt::format("{}: 'name' is missing", place), "refusals tell people the rule by its name");
  if (!seen.insert(out).second)
    return fail(Errc::invalid, fmt::format("{}: there is another '{}'", place, out), "give each a name of its own");
  return out;
}

base::Result<> Parser::groups(const Value& value) {
  if (!value.is_dict())
    return fail(Errc::invalid, "groups: must be a mapping from group to its members", "groups: {storage: [alice, bob]}");
  for (const auto& [group, members] : *value.dict()) {
    if (group.empty() || group.size() > 128) return fail(Errc::invalid, "groups: a group needs a name of at most 128 bytes");
    auto& set = policy_.groups[group];
    for (auto& person : WEFT_TRY(names(&members, "groups: " + group))) set.insert(std::move(person));
  }
  return {};
}

base::Result<> Parser::roles(const Value& value) {
  WEFT_TRY(known(value, "roles", role_names()));
  for (std::size_t i = 0; i < role_names().size(); ++i) {
    const auto* one = value.get(role_names()[i]);
    if (!one) continue;
    const auto place = "roles: " + role_names()[i];
    WEFT_TRY(known(*one, place, {"persons", "groups"}));
    auto& who = policy_.roles[static_cast<Role>(i)] = WEFT_TRY(this->who(*one, place, false, false));
    const bool all = std::find(who.persons.begin(), who.persons.end(), "*") != who.persons.end();
    if (all && static_cast<Role>(i) == Role::administrator)
      return fail(Errc::invalid, "roles: administrator: not everybody can be administrator", "name persons or groups");
  }
  return {};
}

base::Result<Rule> Parser::rule(const Value& value, const std::string& place, std::set<std::string>& seen) const {
  WEFT_TRY(known(value, place,
                 {"name", "effect", "persons", "groups", "services", "roles", "set", "add_nodes", "remove_nodes", "nodes"}));
  Rule out;
  out.name = WEFT_TRY(name(value, place, seen));
  const auto here = fmt::format("{} '{}'", place, out.name);
  const auto effect = value.get("effect") ? value.get_string("effect") : std::string_view("allow");
  if (effect != "allow" && effect != "deny") return fail(Errc::invalid, fmt::format("{}: 'effect' must be allow or deny", here));
  out.deny = effect == "deny";
  out.who = WEFT_TRY(who(value, here, true, true));
  if (out.who.empty())
    return fail(Errc::invalid, fmt::format("{}: is for nobody", here), "name groups, persons, roles or services");
  out.set = WEFT_TRY(paths(value.get("set"), here + ": set"));
  out.add_nodes = WEFT_TRY(flag(value, "add_nodes", here));
  out.remove_nodes = WEFT_TRY(flag(value, "remove_nodes", here));
  if (out.set.empty() && !out.add_nodes && !out.remove_nodes)
    return fail(Errc::invalid, fmt::format("{}: says nothing", here), "give 'set' with path patterns, add_nodes or remove_nodes");
  out.nodes = WEFT_TRY(selector(value.get("nodes"), here));
  return out;
}

base::Result<Ownership> Parser::ownership(const Value& value, const std::string& place) const {
  WEFT_TRY(known(value, place, {"templates", "persons", "groups", "roles"}));
  Ownership out;
  for (const auto& text : WEFT_TRY(names(value.get("templates"), place + ": templates"))) {
    auto pattern = FilePattern::parse(text);
    if (!pattern) return fail(std::move(pattern.error()).during("reading " + place));
    out.templates.push_back(std::move(*pattern));
  }
  if (out.templates.empty())
    return fail(Errc::invalid, fmt::format("{}: 'templates' is empty", place), "templates: [\"site/storage/**\"]");
  out.owners = WEFT_TRY(who(value, place, false, true));
  if (out.owners.empty())
    return fail(Errc::invalid, fmt::format("{}: nobody is the owner", place), "name groups, persons or roles");
  return out;
}

base::Result<Approval> Parser::approval(const Value& value, const std::string& place, std::set<std::string>& seen) const {
  WEFT_TRY(known(value, place, {"name", "paths", "nodes", "more_than", "needs", "persons", "groups", "roles"}));
  Approval out;
  out.name = WEFT_TRY(name(value, place, seen));
  const auto here = fmt::format("{} '{}'", place, out.name);
  out.paths = WEFT_TRY(paths(value.get("paths"), here + ": paths"));
  if (value.get("paths") && out.paths.empty())
    return fail(Errc::invalid, fmt::format("{}: 'paths' is empty", here), "leave it out for all values");
  out.nodes = WEFT_TRY(selector(value.get("nodes"), here));
  if (const auto* more = value.get("more_than")) {
    WEFT_TRY(known(*more, here + ": more_than", {"nodes", "racks", "clusters"}));
    const auto number = [&](std::string_view key, std::optional<std::size_t>& to) -> base::Result<> {
      const auto* one = more->get(key);
      if (!one) return {};
      if (!one->is_integer() || *one->integer() < 0)
        return fail(Errc::invalid, fmt::format("{}: more_than: '{}' must be a whole number", here, key));
      to = static_cast<std::size_t>(*one->integer());
      return {};
    };
    WEFT_TRY(number("nodes", out.more_nodes));
    WEFT_TRY(number("racks", out.more_racks));
    WEFT_TRY(number("clusters", out.more_clusters));
    if (more->dict()->empty())
      return fail(Errc::invalid, fmt::format("{}: 'more_than' is empty", here), "leave it out for every change");
  }
  const auto needs = value.get("needs") ? value.get_integer("needs", 0) : 1;
  if (needs < 1 || needs > 20) return fail(Errc::invalid, fmt::format("{}: 'needs' must be 1 to 20", here));
  out.needs = static_cast<std::size_t>(needs);
  out.from = WEFT_TRY(who(value, here, false, true));
  if (out.from.empty()) return fail(Errc::invalid, fmt::format("{}: nobody can approve", here), "name groups, persons or roles");
  return out;
}

base::Result<Policy> Parser::parse(const Value& document) {
  WEFT_TRY(known(document, "the policy", {"groups", "roles", "rules", "owners", "approvals"}));
  if (const auto* value = document.get("groups")) WEFT_TRY(groups(*value));
  const auto* role_table = document.get("roles");
  if (!role_table) {
    return fail(Errc::invalid, "the policy: 'roles' is missing: nobody but the first administrator could even read",
                "roles: {viewer: {persons: [\"*\"]}, editor: {groups: [...]}, administrator: {persons: [...]}}");
  }
  WEFT_TRY(roles(*role_table));
  std::set<std::string> rule_names, approval_names;
  std::size_t number = 0;
  for (const auto* one : WEFT_TRY(list(document.get("rules"), "rules")))
    policy_.rules.push_back(WEFT_TRY(rule(*one, fmt::format("rule {}", ++number), rule_names)));
  number = 0;
  for (const auto* one : WEFT_TRY(list(document.get("owners"), "owners")))
    policy_.owners.push_back(WEFT_TRY(ownership(*one, fmt::format("owners, entry {}", ++number))));
  number = 0;
  for (const auto* one : WEFT_TRY(list(document.get("approvals"), "approvals")))
    policy_.approvals.push_back(WEFT_TRY(approval(*one, fmt::format("approval {}", ++number), approval_names)));
  return std::move(policy_);
}

}  // namespace

base::Result<Policy> parse_policy(std::string_view text, std::span<const std::string> attributes) {
  return Parser(attributes).parse(WEFT_TRY(base::yaml::parse(text, "the policy", max_policy)));
}

}  // namespace cdb::rights
