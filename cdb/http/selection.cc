#include "cdb/http/selection.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>

#include <fmt/format.h>

#include "cdb/build/attributes.h"
#include "cdb/http/input.h"
#include "cdb/select/select.h"

namespace cdb::http {
namespace {

using base::Errc;
using base::fail;
using base::profile::Value;
using select::Field;

Value known_of(const store::NodeRow& row, std::string_view name) {
  if (name == "name") return row.name;
  if (name == "branch") return row.branch;
  if (name == "template") return row.path;
  if (name == "in_sync") return row.applied_root == row.root;
  if (name == "outcome") return row.outcome.empty() ? Value("none") : Value(row.outcome);
  if (name == "reboot_needed") return row.report.get_boolean("reboot_needed");
  if (name == "desired_revision") return row.revision;
  if (name == "desired_root") return row.root.hex();
  if (name == "applied_revision") return row.applied_root ? Value(row.applied_revision) : Value();
  if (name == "applied_root") return row.applied_root ? Value(row.applied_root->hex()) : Value();
  if (name == "last_seen") return row.last_seen.empty() ? Value() : Value(row.last_seen);
  if (name == "agent_version") {
    const auto* version = row.report.get("agent_version");
    return version ? *version : Value();
  }
  const auto* value = row.attributes.get(name);
  return value ? *value : Value();
}

// Where a field is a value of the profile: its path, else "".
base::Result<std::string> path_of(const Field& field, bool past) {
  if (field.path) return field.name;
  for (const auto& attribute : select::attributes()) {
    if (attribute.name != field.name) continue;
    if (past && attribute.path.empty() && attribute.name != "name") {
      return fail(Errc::invalid, fmt::format("{} is not known of the past", attribute.name),
                  "leave out the time, or select by name and by values of the profile");
    }
    const auto& stored = build::attribute_names();
    const bool at_hand = !past && std::find(stored.begin(), stored.end(), attribute.name) != stored.end();
    return std::string(at_hand ? std::string_view() : attribute.path);
  }
  return fail(Errc::internal, fmt::format("attribute {} is not known", field.name));
}

// Values by node, one for each of `paths`.
using Columns = std::map<std::string, std::vector<const Value*>, std::less<>>;

base::Result<std::vector<store::NodeRow>> rows_of(const Services& services, std::int64_t revision) {
  if (revision == 0) {
    store::NodeFilter filter;
    filter.reports = false;
    filter.limit = std::numeric_limits<int>::max();
    return services.store->nodes(filter);
  }
  std::vector<store::NodeRow> out;
  for (auto& name : WEFT_TRY(services.store->nodes_at(revision))) {
    out.emplace_back();
    out.back().name = std::move(name);
  }
  return out;
}

}  // namespace

base::Result<std::vector<std::string>> select_nodes(const Services& services, std::string_view expression,
                                                    std::int64_t revision) {
  const auto selection = WEFT_TRY(select::Selection::parse(expression));
  const auto& fields = selection.fields();
  std::vector<std::string> paths, named;
  std::vector<std::size_t> column(fields.size(), 0);  // from 1; 0: not a value of the profile
  for (std::size_t i = 0; i < fields.size(); ++i) {
    auto path = WEFT_TRY(path_of(fields[i], revision > 0));
    if (path.empty()) continue;
    if (fields[i].path) named.push_back(path);
    paths.push_back(std::move(path));
    column[i] = paths.size();
  }
  std::vector<store::NodeValue> values;
  Columns columns;
  if (!paths.empty()) {
    WEFT_TRY(services.values->catch_up());
    // A misspelt path would otherwise make "!=" mean every node.
    WEFT_TRY(services.store->value_paths(named));
    values = WEFT_TRY(services.store->values(paths, revision));
    for (const auto& value : values) {
      auto& row = columns[value.node];
      row.resize(paths.size());
      for (std::size_t i = 0; i < paths.size(); ++i) {
        if (paths[i] == value.path) row[i] = &value.value;
      }
    }
  }
  const auto deadline = std::chrono::steady_clock::now() + max_select_time;
  std::vector<std::string> out;
  std::vector<Value> own(fields.size());
  std::vector<const Value*> asked(fields.size());
  for (const auto& row : WEFT_TRY(rows_of(services, revision))) {
    const auto place = columns.find(row.name);
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (column[i] == 0) {
        own[i] = known_of(row, fields[i].name);
        asked[i] = &own[i];
      } else {
        asked[i] = place == columns.end() ? nullptr : place->second[column[i] - 1];
      }
    }
    auto match = selection.matches(asked);
    if (!match) return fail(std::move(match.error()).during("selecting nodes, at " + row.name));
    if (*match) out.push_back(row.name);
    if (std::chrono::steady_clock::now() > deadline) {
      return fail(Errc::exhausted, fmt::format("the selection takes longer than {} s", max_select_time.count()),
                  "use = with * instead of regular expressions that try many ways");
    }
  }
  return out;
}

base::Result<std::int64_t> query_at(const Services& services, const base::http::Request& request) {
  const auto text = query_text(request, "at");
  if (!text) return 0;
  if (!text->empty() && text->find_first_not_of("0123456789") == std::string::npos) {
    const auto number = WEFT_TRY(parse_integer(*text, "at", 1, std::int64_t{1} << 53));
    WEFT_TRY(services.store->revision(number));
    return number;
  }
  if (!valid_rfc3339(*text)) {
    return fail(Errc::invalid, "'at' must be a revision or a time like 2026-11-23T01:02:03Z",
                "weft template log shows revisions with their times");
  }
  return services.store->revision_as_of(*text);
}

}  // namespace cdb::http
