// The policy and what follows from it for one person.
#include <fmt/format.h>

#include "base/profile/path.h"
#include "base/text/text.h"
#include "cdb/build/attributes.h"
#include "cdb/http/api.h"
#include "cdb/http/input.h"
#include "cdb/http/rights.h"
#include "cdb/rights/standing.h"

namespace cdb::http {
namespace {

using base::Errc;
using base::fail;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

constexpr std::int64_t max_number = std::int64_t{1} << 53;
constexpr std::size_t max_message = 4096;

List names(const std::vector<std::string>& all) {
  return {all.begin(), all.end()};
}

Dict policy_json(const store::PolicyRow& row) {
  return {{"number", row.number},
          {"author", row.author.name},
          {"author_kind", row.author.kind},
          {"message", row.message},
          {"time", row.time}};
}

Value rule_json(const rights::Rule& rule) {
  List set;
  for (const auto& pattern : rule.set) set.emplace_back(pattern.text());
  return Dict{{"name", rule.name},           {"effect", rule.deny ? "deny" : "allow"},
              {"who", rule.who.text()},      {"set", std::move(set)},
              {"add_nodes", rule.add_nodes}, {"remove_nodes", rule.remove_nodes},
              {"nodes", rule.nodes.text()}};
}

List roles_json(const rights::Standing& standing) {
  List out;
  for (const auto role : standing.roles) out.emplace_back(rights::role_name(role));
  return out;
}

base::Result<rights::Act> act_of(const std::optional<std::string>& text) {
  if (!text || *text == "set") return rights::Act::set;
  if (*text == "add_node") return rights::Act::add_node;
  if (*text == "remove_node") return rights::Act::remove_node;
  return fail(Errc::invalid, fmt::format("'act' cannot be '{}'", *text), "one of: set, add_node, remove_node");
}

}  // namespace

base::Result<> Api::admit(const Request& request, rights::Role need) const {
  if (request.identity.kind != Identity::Kind::person || request.identity.name == rights::first_administrator) return {};
  const auto current = WEFT_TRY(services_.builder->policy());
  return must_have(rights::standing(current.policy.get(), {"person", request.identity.name}), need, current.number);
}

Api::Answer Api::rights_show(const Request& request) {
  WEFT_TRY(may_read(request.identity));
  WEFT_TRY(only_query(request, {"number"}));
  const auto number = WEFT_TRY(query_integer(request, "number", 0, 1, max_number));
  const auto row = WEFT_TRY(services_.store->policy(number));
  auto out = policy_json(row);
  out["text"] = row.text;
  return base::http::Response::json(std::move(out));
}

Api::Answer Api::rights_log(const Request& request) {
  WEFT_TRY(may_read(request.identity));
  WEFT_TRY(only_query(request, {"before", "limit"}));
  const auto before = WEFT_TRY(query_integer(request, "before", 0, 0, max_number));
  const auto limit = WEFT_TRY(query_integer(request, "limit", 50, 1, 1000));
  List policies;
  std::int64_t last = 0;
  for (const auto& row : WEFT_TRY(services_.store->policies(before, static_cast<int>(limit)))) {
    policies.emplace_back(policy_json(row));
    last = row.number;
  }
  const bool full = static_cast<std::int64_t>(policies.size()) == limit;
  return base::http::Response::json(Dict{{"policies", std::move(policies)}, {"next", full ? Value(last) : Value()}});
}

Api::Answer Api::rights_set(const Request& request) {
  WEFT_TRY(must_be_person(request.identity, "set the policy"));
  WEFT_TRY(only_query(request, {}));
  const auto value = WEFT_TRY(body(request, 2 * rights::max_policy, {"text", "base", "message", "dry_run"}));
  const auto text = WEFT_TRY(need_string(value, "text", rights::max_policy));
  const auto given = WEFT_TRY(integer(value, "base", 0, max_number));
  const auto dry_run = WEFT_TRY(flag(value, "dry_run", false));
  const auto message = WEFT_TRY(text_or(value, "message", "", max_message));
  if (!dry_run && base::text::trim(message).empty())
    return fail(Errc::invalid, "a policy needs a message", "say in one sentence why, for the log");
  const auto base = given ? *given : WEFT_TRY(services_.store->policy_number());
  if (base == 0 && request.identity.name != rights::first_administrator) {
    return fail(Errc::denied, fmt::format("person {} may not set the first policy", request.identity.name),
                "the first administrator does it, with STATE/admin/client.yaml of the server");
  }
  auto parsed = rights::parse_policy(text, build::attribute_names());
  if (!parsed) return fail(std::move(parsed.error()));
  List warnings = names(rights::warnings(*parsed));
  if (!rights::standing(&*parsed, {"person", request.identity.name}).has(rights::Role::administrator))
    warnings.emplace_back(fmt::format("you, {}, will no longer be administrator", request.identity.name));
  std::string before;
  if (base > 0) before = WEFT_TRY(services_.store->policy(base)).text;
  const bool unchanged = base > 0 && before == text;
  auto number = base;
  if (!dry_run && !unchanged) number = WEFT_TRY(services_.store->add_policy(actor(request.identity), base, text, message));
  return base::http::Response::json(Dict{{"number", number},
                                         {"unchanged", unchanged},
                                         {"dry_run", dry_run},
                                         {"diff", base::text::unified_diff(before, text, "before", "after")},
                                         {"warnings", std::move(warnings)}});
}

Api::Answer Api::whoami(const Request& request) {
  WEFT_TRY(only_query(request, {}));
  const auto who = actor(request.identity);
  const auto current = WEFT_TRY(services_.builder->policy());
  const auto standing = rights::standing(current.policy.get(), {who.kind, who.name});
  List rules;
  for (const auto* rule : standing.rules) rules.push_back(rule_json(*rule));
  return base::http::Response::json(Dict{{"kind", who.kind},
                                         {"name", who.name},
                                         {"policy", current.number},
                                         {"roles", roles_json(standing)},
                                         {"groups", names(standing.groups)},
                                         {"unlimited", standing.unlimited},
                                         {"rules", std::move(rules)}});
}

Api::Answer Api::rights_explain(const Request& request) {
  WEFT_TRY(may_read(request.identity));
  WEFT_TRY(only_query(request, {"person", "service", "node", "path", "act"}));
  const auto act = WEFT_TRY(act_of(query_text(request, "act")));
  rights::Subject subject{actor(request.identity).kind, actor(request.identity).name};
  if (const auto person = query_text(request, "person")) subject = {"person", *person};
  if (const auto service = query_text(request, "service")) subject = {"service", *service};
  const auto path = query_text(request, "path").value_or("");
  std::vector<std::string> parts;
  if (act == rights::Act::set) {
    if (path.empty()) return fail(Errc::invalid, "'path' is missing", "for example /system/kernel");
    parts = WEFT_TRY(base::profile::Path::parse(path)).parts();
  }
  const auto name = query_text(request, "node").value_or("");
  if (name.empty()) return fail(Errc::invalid, "'node' is missing", "rules depend on the node: name one");
  const auto node = WEFT_TRY(services_.store->node(name));
  const auto current = WEFT_TRY(services_.builder->policy());
  const auto explained = rights::explain(current.policy.get(), subject, act, {node.name, node.attributes}, parts);
  const auto standing = rights::standing(current.policy.get(), subject);
  List steps;
  for (const auto& step : explained.steps) {
    steps.emplace_back(
        Dict{{"rule", rule_json(*step.rule)}, {"person", step.person}, {"node", step.node}, {"value", step.value}});
  }
  return base::http::Response::json(Dict{{"kind", subject.kind},
                                         {"name", subject.name},
                                         {"node", node.name},
                                         {"path", path},
                                         {"allowed", explained.verdict.allowed},
                                         {"reason", explained.reason},
                                         {"policy", current.number},
                                         {"roles", roles_json(standing)},
                                         {"groups", names(standing.groups)},
                                         {"steps", std::move(steps)},
                                         {"could", names(explained.could)}});
}

}  // namespace cdb::http
