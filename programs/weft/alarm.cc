// `weft alarm`: what is wrong now, and what rules have done about it.
#include <fmt/format.h>

#include "programs/weft/output.h"
#include "programs/weft/session.h"

namespace programs::weft {
namespace {

using base::cli::Arguments;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

constexpr int page = 1000, most_pages = 100;

std::string moment(std::string_view rfc3339) {
  std::string out(rfc3339.substr(0, 19));
  if (out.size() == 19) out[10] = ' ';
  return out;
}

Colour colour_of(const Value& alarm) {
  if (alarm.get_string("state") == "cleared") return Colour::dim;
  auto severity = alarm.get_string("severity");
  return severity == "critical" ? Colour::red : severity == "warning" ? Colour::yellow : Colour::plain;
}

void print_alarms(const List& alarms) {
  for (const auto& alarm : alarms) {
    fmt::print("{:<8}  {}  {}  {}{}\n", paint(colour_of(alarm), alarm.get_string("severity")), moment(alarm.get_string("raised")),
               paint(Colour::bold, alarm.get_string("node")), alarm.get_string("rule"), alarm.get_string("subject"));
    fmt::print("          {}", alarm.get_string("text"));
    if (!alarm.get_string("value").empty()) fmt::print(" (value {})", alarm.get_string("value"));
    fmt::print("\n          {}", alarm.get_string("why"));
    if (alarm.get_string("state") == "cleared") fmt::print(", cleared {}", moment(alarm.get_string("cleared")));
    fmt::print("\n");
    if (!alarm.get_string("procedure").empty()) fmt::print("          procedure: {}\n", alarm.get_string("procedure"));
    if (!alarm.get_string("owner").empty()) fmt::print("          owner: {}\n", alarm.get_string("owner"));
  }
}

base::Result<int> list(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  std::string query = fmt::format("/v1/alarm?limit={}", page);
  if (arguments.has("all")) query += "&state=all";
  if (arguments.has("node")) query += "&node=" + url_encode(WEFT_TRY(resolve_pattern(client, arguments.get("node"))));
  if (arguments.has("rule")) query += "&rule=" + url_encode(arguments.get("rule"));
  List alarms, runs;
  std::int64_t before = 0;
  for (int i = 0; i < most_pages; ++i) {
    auto answer = WEFT_TRY(call(client, "GET", before == 0 ? query : fmt::format("{}&before={}", query, before)));
    for (const auto& alarm : list_of(answer, "alarms")) alarms.push_back(alarm);
    if (i == 0) runs = list_of(answer, "runs");
    before = answer.get_integer("next");
    if (before == 0) break;
  }
  if (alarms.empty() && runs.empty() && arguments.has("node")) {
    // A mistyped name must not look like a healthy node.
    const auto node = arguments.get("node");
    if (node.find_first_of("*?") == std::string_view::npos) WEFT_TRY(resolve_node(client, node));
  }
  if (arguments.has("json")) {
    print_json(Dict{{"alarms", std::move(alarms)}, {"runs", std::move(runs)}});
    return 0;
  }
  if (alarms.empty()) fmt::print("no alarms{}\n", arguments.has("all") ? "" : " are raised");
  print_alarms(alarms);
  if (!arguments.has("all") || runs.empty()) return 0;
  std::vector<std::vector<std::string>> rows;
  for (const auto& run : runs)
    rows.push_back({moment(run.get_string("time")), std::string(run.get_string("node")), std::string(run.get_string("rule")),
                    std::string(run.get_string("unit")), fmt::format("{} of {}", run.get_integer("run"), run.get_integer("of")),
                    std::string(run.get_string("outcome")), std::string(run.get_string("message"))});
  fmt::print("\nactuator runs\n{}", base::cli::table({"TIME (UTC)", "NODE", "RULE", "UNIT", "RUN", "OUTCOME", "MESSAGE"}, rows));
  return 0;
}

}  // namespace

base::cli::Command alarm_command() {
  base::cli::Command out;
  out.name = "alarm";
  out.summary = "what is wrong now, and what rules have done about it";
  out.examples = {{"weft alarm list", "what wants attention now"}};
  base::cli::Command list_command;
  list_command.name = "list";
  list_command.summary = "raised alarms, newest first";
  list_command.options = {{"--all", "", "cleared alarms and actuator runs too"},
                          {"--node", "PATTERN", "only of this node, or of all that match (* and ?)"},
                          {"--rule", "PATTERN", "only of these rules (* and ?)"}};
  for (auto& option : common_options()) list_command.options.push_back(std::move(option));
  list_command.examples = {{"weft alarm list --node 'disk*'", "what is wrong with the disk servers"},
                           {"weft alarm list --all --rule no_contact", "when nodes were silent"}};
  list_command.run = [](const Arguments& arguments) {
    auto result = list(arguments);
    return result ? *result : base::cli::report("weft", result.error());
  };
  out.commands = {list_command};
  return out;
}

}  // namespace programs::weft
