// `weft fabric`: where all nodes stand.
#include <chrono>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "base/text/text.h"
#include "programs/weft/output.h"
#include "programs/weft/selection.h"
#include "programs/weft/session.h"

namespace programs::weft {
namespace {

using base::cli::Arguments;
using base::profile::Value;

std::string age(std::int64_t seconds) {
  if (seconds >= 2 * 86400) return fmt::format("{} days", seconds / 86400);
  if (seconds >= 2 * 3600) return fmt::format("{} h", seconds / 3600);
  if (seconds >= 120) return fmt::format("{} min", seconds / 60);
  return fmt::format("{} s", seconds);
}

void print_names(std::string_view what, const base::profile::List& nodes, Colour colour) {
  if (!nodes.empty()) fmt::print("{} {}: {}\n", paint(colour, what), nodes.size(), some_names(nodes, 8));
}

std::string status_text(const Value& status) {
  const auto* counts = status.get("counts");
  const Value none = base::profile::Dict{};
  if (!counts) counts = &none;
  const auto count = [&](std::string_view name, std::string_view label, Colour colour) {
    const auto number = counts->get_integer(name);
    return number == 0 ? std::string() : ", " + paint(colour, fmt::format("{} {}", number, label));
  };
  return fmt::format("{} nodes{}{}{}{}{}\n", status.get_integer("total"), count("in_sync", "in sync", Colour::green),
                     count("behind", "behind", Colour::yellow), count("failed", "failed", Colour::red),
                     count("silent", "silent", Colour::red), count("never_reported", "never reported", Colour::dim));
}

void print_status(const Value& status) {
  fmt::print("{}", status_text(status));
  const auto* nodes = status.get("nodes");
  const Value none = base::profile::Dict{};
  if (!nodes) nodes = &none;
  print_names("failed", list_of(*nodes, "failed"), Colour::red);
  print_names("silent", list_of(*nodes, "silent"), Colour::red);
  print_names("behind", list_of(*nodes, "behind"), Colour::yellow);
  print_names("late", list_of(status, "late"), Colour::red);
  print_names("held by a roll-out", list_of(status, "held"), Colour::dim);
  print_names("reboot needed", list_of(status, "reboot_needed"), Colour::yellow);
  if (const auto* lag = status.get("oldest_lag"); lag && lag->is_dict()) {
    fmt::print("oldest lag: {} has waited {} for revision {}\n", lag->get_string("node"), age(lag->get_integer("seconds")),
               lag->get_integer("revision"));
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& one : list_of(status, "revisions")) {
    if (rows.size() == 10) break;
    const auto* revision = one.get("revision");
    rows.push_back({revision && revision->is_integer() ? std::to_string(*revision->integer()) : "none",
                    std::to_string(one.get_integer("nodes")), std::to_string(one.get_integer("in_sync"))});
  }
  if (!rows.empty()) fmt::print("\n{}", base::cli::table({"APPLIED", "NODES", "DESIRED OF THEM"}, rows));
  const auto& failing = list_of(status, "failing");
  if (!failing.empty()) fmt::print("\nfailing components:\n");
  for (const auto& failure : failing) {
    fmt::print("  {} {} on {}: {}\n", paint(Colour::bold, failure.get_string("component", "the run itself")),
               paint(Colour::red, failure.get_string("outcome")),
               fmt::format("{} node{}", list_of(failure, "nodes").size(), list_of(failure, "nodes").size() == 1 ? "" : "s"),
               some_names(list_of(failure, "nodes"), 6));
    if (!failure.get_string("message").empty()) fmt::print("    {}\n", failure.get_string("message"));
  }
  if (const auto more = status.get_integer("more_failing"); more > 0) fmt::print("  and {} more kinds of errors\n", more);
}

base::Result<int> status(const Arguments& arguments) {
  std::string ask = "/v1/fabric/status?";
  for (const auto& [option, parameter] : {std::pair("silent-after", "silent_after"), std::pair("max-lag", "max_lag")})
    ask += fmt::format("{}={}&", parameter, WEFT_TRY(base::text::parse_duration(arguments.get(option))).count());
  if (arguments.has("select")) ask += "select=" + url_encode(arguments.get("select"));
  auto client = WEFT_TRY(connect(arguments));
  for (;;) {
    const auto answer = WEFT_TRY(call(client, "GET", ask));
    if (arguments.has("json")) {
      print_json(answer);
    } else {
      if (arguments.has("watch") && ::isatty(STDOUT_FILENO)) fmt::print("\x1b[H\x1b[2J");
      print_status(answer);
    }
    if (!arguments.has("watch")) return answer.get_boolean("healthy") ? 0 : 1;
    std::fflush(stdout);
    std::this_thread::sleep_for(std::chrono::seconds(2));
  }
}

}  // namespace

base::cli::Command fabric_command() {
  auto show = verb(
      "status", "who is in sync, behind, failed, silent; failing components; reboots",
      {select_option(),
       {.name = "--silent-after", .value = "TIME", .help = "a node not heard of for this long is silent", .default_value = "10m"},
       {.name = "--max-lag", .value = "TIME", .help = "a node behind for longer is late", .default_value = "30m"},
       {.name = "--watch", .help = "again every 2 s until interrupted"}},
      {{"weft fabric status", "how is everything?"},
       {"weft fabric status --select role=disk --max-lag 2h", "as a check of a monitoring system"}},
      status);
  show.description =
      "Exit status for monitoring checks: 0 when no node failed, is silent or late, 1 otherwise. Nodes that never reported are "
      "counted, but no trouble: they may not be installed yet. Equal errors of several nodes are put together; a node's own name "
      "is NODE.";
  base::cli::Command out;
  out.name = "fabric";
  out.summary = "all machines at a glance";
  out.examples = {{"weft fabric status", "how is everything?"}};
  out.commands = {std::move(show)};
  return out;
}

}  // namespace programs::weft
