// Nodes and their reports.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/compress/compress.h"
#include "base/profile/json.h"
#include "base/profile/path.h"
#include "base/text/text.h"
#include "cdb/build/attributes.h"
#include "cdb/http/api.h"
#include "cdb/http/input.h"
#include "cdb/http/rights.h"
#include "cdb/http/selection.h"
#include "cdb/select/select.h"

namespace cdb::http {
namespace {

using base::Errc;
using base::fail;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

constexpr std::int64_t max_revision = std::int64_t{1} << 53;
constexpr std::size_t max_report = 256u << 10;
constexpr std::size_t max_components = 500;
constexpr std::size_t max_component_message = 16384;

Value root_json(const std::optional<store::Digest>& root) {
  return root ? Value(root->hex()) : Value();
}

Value node_json(const store::NodeRow& node) {
  Value last;
  if (!node.report.is_null()) {
    last = node.report;
    last["at"] = node.received;
  }
  Dict out{{"name", node.name},
           {"branch", node.branch},
           {"template", node.path},
           {"desired_root", node.root.hex()},
           {"desired_revision", node.revision},
           {"desired_since", node.changed},
           {"applied_root", root_json(node.applied_root)},
           {"applied_revision", node.applied_root ? Value(node.applied_revision) : Value()},
           {"applied_at", node.applied_root ? Value(node.applied_time) : Value()},
           {"in_sync", node.applied_root == node.root},
           {"last_seen", node.last_seen.empty() ? Value() : Value(node.last_seen)},
           {"last_report", std::move(last)},
           {"attributes", node.attributes}};
  if (node.at_revision) out["at_revision"] = *node.at_revision;
  if (node.held_by) out["held_by"] = *node.held_by;
  return out;
}

base::Result<std::string> one_of(const Value& object, std::string_view name, std::initializer_list<std::string_view> choices) {
  auto text = WEFT_TRY(need_string(object, name, 64));
  if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
    const std::vector<std::string> names(choices.begin(), choices.end());
    return fail(Errc::invalid, fmt::format("'{}' cannot be '{}'{}", name, text, base::text::did_you_mean_suffix(text, names)),
                "one of: " + base::text::join(names, ", "));
  }
  return text;
}

base::Result<> check_component(const Value& component) {
  WEFT_TRY(only(component, {"name", "outcome", "message", "actions"}, "a component of the report"));
  WEFT_TRY(need_string(component, "name", 128));
  WEFT_TRY(one_of(component, "outcome", {"unchanged", "changed", "failed", "held", "dependency-failed"}));
  WEFT_TRY(text_or(component, "message", "", max_component_message));
  WEFT_TRY(integer(component, "actions", 0, 1000000));
  return {};
}

base::Result<store::Report> parse_report(const base::http::Request& request) {
  auto value =
      WEFT_TRY(body(request, max_report,
                    {"root", "revision", "outcome", "started", "duration_ms", "components", "agent_version", "reboot_needed"}));
  store::Report report;
  report.root = WEFT_TRY(store::Digest::parse(WEFT_TRY(need_string(value, "root", 64))));
  const auto revision = WEFT_TRY(integer(value, "revision", 1, max_revision));
  if (!revision) return fail(Errc::invalid, "'revision' is missing");
  report.revision = *revision;
  report.outcome = WEFT_TRY(one_of(value, "outcome", {"ok", "failed", "partial", "noaction"}));
  if (!valid_rfc3339(WEFT_TRY(need_string(value, "started", 40))))
    return fail(Errc::invalid, "'started' must be a time like 2026-11-23T01:02:03Z");
  WEFT_TRY(integer(value, "duration_ms", 0, std::int64_t{1} << 40));
  WEFT_TRY(text_or(value, "agent_version", "", 64));
  WEFT_TRY(flag(value, "reboot_needed", false));
  if (const auto* components = value.get("components"); components && !components->is_null()) {
    if (!components->is_list() || components->list()->size() > max_components) {
      return fail(Errc::invalid, fmt::format("'components' must be a list of at most {}", max_components));
    }
    for (const auto& component : *components->list()) WEFT_TRY(check_component(component));
  }
  report.body = std::move(value);
  return report;
}

// What is true, false or a number in a profile is so in a filter too.
Value attribute_value(const std::string& text) {
  if (text == "true") return true;
  if (text == "false") return false;
  if (auto number = base::profile::parse_json(text); number && number->is_integer()) return *number;
  return text;
}

// What was desired of a node: only profiles have a past.
Api::Answer past_node(const Services& services, const std::string& name, std::int64_t revision) {
  const auto desired = WEFT_TRY(services.store->desired_at(name, revision));
  const auto made = WEFT_TRY(services.store->revision(desired.revision));
  const auto profile = WEFT_TRY(
      base::profile::parse_json(WEFT_TRY(base::compress::unzstd(WEFT_TRY(services.store->profile_data(*desired.root))))));
  Dict attributes;
  for (const auto& attribute : select::attributes()) {
    if (attribute.path.empty()) continue;
    const auto* value = base::profile::find(profile, attribute.path);
    if (value && value->is_leaf()) attributes[std::string(attribute.name)] = *value;
  }
  return base::http::Response::json(Dict{{"name", name},
                                         {"at_revision", revision},
                                         {"desired_root", desired.root->hex()},
                                         {"desired_revision", desired.revision},
                                         {"desired_since", made.time},
                                         {"attributes", std::move(attributes)}});
}

}  // namespace

Api::Answer Api::node_list(const Request& request) {
  WEFT_TRY(may_read(request.identity));
  WEFT_TRY(only_query(request, {"select", "branch", "name", "outcome", "in_sync", "changed_in", "at", "after", "limit", "role",
                                "cluster", "state", "rack", "power_feed", "unit", "room", "serial", "ip"}));
  store::NodeFilter filter;
  if (const auto expression = query_text(request, "select")) filter.names = WEFT_TRY(select_nodes(services_, *expression, 0));
  filter.branch = query_text(request, "branch");
  filter.name = query_text(request, "name");
  filter.outcome = query_text(request, "outcome");
  filter.in_sync = WEFT_TRY(query_flag(request, "in_sync"));
  if (request.query.contains("changed_in"))
    filter.changed_in = WEFT_TRY(query_integer(request, "changed_in", 0, 1, max_revision));
  filter.at = WEFT_TRY(query_integer(request, "at", 0, 0, max_revision));
  filter.after = query_text(request, "after").value_or("");
  filter.limit = static_cast<int>(WEFT_TRY(query_integer(request, "limit", 10000, 1, 100000)));
  // Attributes that look like numbers may be strings in the profile ("unit": "07" is no number, 7 is).
  std::vector<std::pair<std::string, std::string>> ambiguous;
  for (const auto& name : build::attribute_names()) {
    const auto text = query_text(request, name);
    if (!text) continue;
    if (attribute_value(*text).is_string()) {
      filter.attributes[name] = *text;
    } else {
      ambiguous.emplace_back(name, *text);
    }
  }
  List nodes;
  std::string last;
  const auto rows = WEFT_TRY(services_.store->nodes(filter));
  for (const auto& row : rows) {
    last = row.name;
    const bool match = std::all_of(ambiguous.begin(), ambiguous.end(), [&](const auto& wish) {
      const auto* value = row.attributes.get(wish.first);
      return value && (*value == attribute_value(wish.second) || *value == Value(wish.second));
    });
    if (match) nodes.push_back(node_json(row));
  }
  const bool full = rows.size() == static_cast<std::size_t>(filter.limit);
  return base::http::Response::json(Dict{{"nodes", std::move(nodes)}, {"next", full ? Value(last) : Value()}});
}

Api::Answer Api::node_one(const Request& request) {
  WEFT_TRY(may_read(request.identity));
  WEFT_TRY(only_query(request, {"at"}));
  const auto& name = request.params.at("node");
  if (request.query.contains("at")) return past_node(services_, name, WEFT_TRY(query_at(services_, request)));
  auto out = node_json(WEFT_TRY(services_.store->node(name)));
  List history, reports;
  for (const auto& one : WEFT_TRY(services_.store->history(name, 20))) {
    history.emplace_back(Dict{{"revision", one.revision}, {"root", root_json(one.root)}});
  }
  for (auto& report : WEFT_TRY(services_.store->reports(name, 10))) reports.push_back(std::move(report));
  out["history"] = std::move(history);
  out["reports"] = std::move(reports);
  const auto certificate = WEFT_TRY(services_.store->certificate(name));
  out["certificate"] =
      certificate ? Value(Dict{{"fingerprint", certificate->fingerprint}, {"expires", base::text::rfc3339(certificate->expires)}})
                  : Value();
  return base::http::Response::json(out);
}

Api::Answer Api::report(const Request& request) {
  const auto& node = request.params.at("node");
  WEFT_TRY(must_be_node(request.identity, node));
  WEFT_TRY(only_query(request, {}));
  WEFT_TRY(services_.store->add_report(node, WEFT_TRY(parse_report(request))));
  if (services_.rollout) services_.rollout->hint();
  return base::http::Response::json(Dict{{"stored", true}});
}

}  // namespace cdb::http
