// `weft metric`: the last values that nodes have sent. History is in the store: ask it, or Grafana.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/text/text.h"
#include "monitor/metric/text.h"
#include "programs/weft/output.h"
#include "programs/weft/session.h"

namespace programs::weft {
namespace {

using base::Errc;
using base::fail;
using base::cli::Arguments;
using base::profile::List;
using base::profile::Value;

base::Result<List> fetch(base::http::Client& client, std::string_view node, std::string_view name) {
  auto answer = WEFT_TRY(call(client, "GET", fmt::format("/v1/metric?node={}&name={}", url_encode(node), url_encode(name))));
  return list_of(answer, "metrics");
}

std::string value_text(const Value& metric) {
  const auto* value = metric.get("value");
  if (!value) return "?";
  if (value->is_string()) return *value->string();  // NaN, +Inf, -Inf
  return monitor::metric::number_text(value->real() ? *value->real() : static_cast<double>(*value->integer()));
}

std::string labels_text(const Value& metric) {
  std::string out;
  const auto* labels = metric.get("labels");
  if (!labels || !labels->dict()) return out;
  for (const auto& [name, value] : *labels->dict())
    if (name != "job" && value.is_string()) out += (out.empty() ? "" : " ") + name + "=" + *value.string();
  return out;
}

std::string age_text(const Value& metric) {
  auto now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  return base::text::human_duration(
      std::chrono::milliseconds(std::max<std::int64_t>(0, now - metric.get_integer("timestamp_ms"))));
}

base::Result<int> list(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto node = WEFT_TRY(resolve_pattern(client, arguments.get("node")));
  auto metrics = WEFT_TRY(fetch(client, node, arguments.get("name")));
  struct Total {
    std::set<std::string_view> nodes;
    std::int64_t series = 0;
  };
  std::map<std::string_view, Total> totals;
  for (const auto& metric : metrics) {
    auto& total = totals[metric.get_string("name")];
    total.nodes.insert(metric.get_string("node"));
    ++total.series;
  }
  if (totals.empty())
    return fail(Errc::not_found, "no node has sent such values lately",
                "weft node list shows the nodes; on one of them: systemctl status weft-sensord");
  if (arguments.has("json")) {
    List out;
    for (const auto& [name, total] : totals)
      out.emplace_back(base::profile::Dict{
          {"name", name}, {"nodes", static_cast<std::int64_t>(total.nodes.size())}, {"series", total.series}});
    print_json(base::profile::Dict{{"metrics", std::move(out)}});
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, total] : totals)
    rows.push_back({std::string(name), std::to_string(total.nodes.size()), std::to_string(total.series)});
  fmt::print("{}", base::cli::table({"METRIC", "NODES", "SERIES"}, rows));
  return 0;
}

base::Result<int> show(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto node = WEFT_TRY(resolve_pattern(client, arguments.get("NODE")));
  auto metrics = WEFT_TRY(fetch(client, node, arguments.get("NAME")));
  if (metrics.empty())
    return fail(Errc::not_found, fmt::format("{} has sent no such values lately", arguments.get("NODE")),
                "weft metric list names what there is; on the node: systemctl status weft-sensord");
  if (arguments.has("json")) {
    print_json(base::profile::Dict{{"metrics", std::move(metrics)}});
    return 0;
  }
  std::set<std::string_view> nodes;
  for (const auto& metric : metrics) nodes.insert(metric.get_string("node"));
  std::vector<std::vector<std::string>> rows;
  for (const auto& metric : metrics) {
    std::vector<std::string> row{std::string(metric.get_string("name")), labels_text(metric), value_text(metric),
                                 age_text(metric)};
    if (nodes.size() > 1) row.insert(row.begin(), std::string(metric.get_string("node")));
    rows.push_back(std::move(row));
  }
  std::vector<std::string> header{"METRIC", "LABELS", "VALUE", "AGE"};
  if (nodes.size() > 1) header.insert(header.begin(), "NODE");
  fmt::print("{}", base::cli::table(header, rows));
  return 0;
}

int run(base::Result<int> (*body)(const Arguments&), const Arguments& arguments) {
  auto result = body(arguments);
  return result ? *result : base::cli::report("weft", result.error());
}

}  // namespace

base::cli::Command metric_command() {
  base::cli::Command out;
  out.name = "metric";
  out.summary = "last values that nodes have measured";
  out.examples = {{"weft metric show disk01 'node_load*'", "how busy disk01 is"}};
  base::cli::Command list_command;
  list_command.name = "list";
  list_command.summary = "names of metrics, with how many nodes and series have them";
  list_command.options = with_common({{"--node", "PATTERN", "only this node, or all that match (* and ?)"},
                                      {"--name", "PATTERN", "only these metrics (* and ?)"}});
  list_command.examples = {{"weft metric list --name 'node_filesystem*'", "what is known about file systems"}};
  list_command.run = [](const Arguments& a) { return run(list, a); };
  base::cli::Command show_command;
  show_command.name = "show";
  show_command.summary = "last values of one node, or of all that match a pattern";
  show_command.options = with_common({{"NODE", "", "node name or pattern"}, {"[NAME]", "", "metric name or pattern"}});
  show_command.examples = {{"weft metric show disk01 'node_load*'", "how busy disk01 is"},
                           {"weft metric show 'disk*' weft_agent_last_run_timestamp_seconds", "when the agents last ran"}};
  show_command.run = [](const Arguments& a) { return run(show, a); };
  out.commands = {list_command, show_command};
  return out;
}

}  // namespace programs::weft
