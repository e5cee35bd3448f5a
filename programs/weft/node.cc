// `weft node`: desired and applied state of nodes, enrolment tokens, waiting.
#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "base/text/text.h"
#include "programs/weft/output.h"
#include "programs/weft/selection.h"
#include "programs/weft/session.h"

namespace programs::weft {
namespace {

using base::Errc;
using base::fail;
using base::cli::Arguments;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

std::string text_of(const Value* value, std::string_view absent = "-") {
  if (!value || value->is_null()) return std::string(absent);
  if (value->is_string()) return *value->string();
  if (value->is_integer()) return std::to_string(*value->integer());
  if (value->is_boolean()) return *value->boolean() ? "true" : "false";
  return "?";
}

std::string attribute(const Value& node, std::string_view name) {
  const auto* attributes = node.get("attributes");
  return attributes ? text_of(attributes->get(name)) : "-";
}

std::string report_text(const Value& node) {
  const auto* report = node.get("last_report");
  if (!report || report->is_null()) return "never";
  return fmt::format("{} {}", report->get_string("outcome"), report->get_string("at").substr(0, 19));
}

base::Result<int> list(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  std::string query = "limit=10000";
  for (const auto* name : {"role", "cluster", "state", "rack", "outcome", "name"}) {
    if (arguments.has(name)) query += fmt::format("&{}={}", name, url_encode(arguments.get(name)));
  }
  if (arguments.has("select")) query += "&select=" + url_encode(arguments.get("select"));
  if (arguments.has("out-of-sync")) query += "&in_sync=false";
  const auto nodes = WEFT_TRY(fetch_nodes(client, query));
  if (arguments.has("json")) {
    print_json(Dict{{"nodes", nodes}});
    return 0;
  }
  if (nodes.empty()) {
    fmt::print("no node matches; weft node list without options shows them all\n");
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& node : nodes) {
    rows.push_back({std::string(node.get_string("name")), attribute(node, "role"), attribute(node, "rack"),
                    attribute(node, "state"), std::to_string(node.get_integer("desired_revision")),
                    text_of(node.get("applied_revision")), report_text(node)});
  }
  fmt::print("{}", base::cli::table({"NODE", "ROLE", "RACK", "STATE", "DESIRED", "APPLIED", "REPORT (UTC)"}, rows));
  return 0;
}

void print_components(const Value& report) {
  for (const auto& component : list_of(report, "components")) {
    const auto outcome = component.get_string("outcome");
    const auto colour = outcome == "failed" ? Colour::red : outcome == "changed" ? Colour::green : Colour::plain;
    fmt::print("  {:<24} {}  {}\n", component.get_string("name"), paint(colour, outcome), component.get_string("message"));
  }
}

void print_attributes(const Value& node) {
  if (const auto* attributes = node.get("attributes"); attributes && attributes->dict()) {
    for (const auto& [key, value] : *attributes->dict()) {
      if (value.is_leaf()) fmt::print("  {:<9} {}\n", key, text_of(&value));
    }
  }
}

base::Result<int> show_past(base::http::Client& client, const std::string& name, const std::string& at, bool json) {
  const auto node = WEFT_TRY(call(client, "GET", fmt::format("/v1/node/{}?at={}", url_encode(name), url_encode(at))));
  if (json) {
    print_json(node);
    return 0;
  }
  fmt::print("{} as of revision {}\n", paint(Colour::bold, name), node.get_integer("at_revision"));
  fmt::print("  desired   revision {} since {}, {}\n", node.get_integer("desired_revision"), node.get_string("desired_since"),
             node.get_string("desired_root").substr(0, 12));
  print_attributes(node);
  fmt::print("the whole profile: weft profile show {} --at {}\n", name, node.get_integer("at_revision"));
  return 0;
}

base::Result<int> show(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto name = WEFT_TRY(resolve_node(client, arguments.get("NODE")));
  if (arguments.has("at")) return show_past(client, name, WEFT_TRY(at_of(arguments)), arguments.has("json"));
  const auto node = WEFT_TRY(call(client, "GET", "/v1/node/" + url_encode(name)));
  if (arguments.has("json")) {
    print_json(node);
    return 0;
  }
  fmt::print("{}\n", paint(Colour::bold, name));
  fmt::print("  template  {} (branch {})\n", node.get_string("template"), node.get_string("branch"));
  fmt::print("  desired   revision {} since {}, {}\n", node.get_integer("desired_revision"), node.get_string("desired_since"),
             node.get_string("desired_root").substr(0, 12));
  const bool applied = node.get("applied_root") && node.get("applied_root")->is_string();
  fmt::print("  applied   {}\n",
             applied ? fmt::format("revision {} at {}, {}{}", node.get_integer("applied_revision"), node.get_string("applied_at"),
                                   node.get_string("applied_root").substr(0, 12),
                                   node.get_boolean("in_sync") ? "" : paint(Colour::yellow, " (not the desired one)"))
                     : paint(Colour::yellow, "nothing yet"));
  if (const auto held = node.get_integer("held_by"); held > 0)
    fmt::print("  held      {}\n",
               paint(Colour::yellow, fmt::format("its wave of the roll-out of revision {} has not come", held)));
  fmt::print("  seen      {}\n", text_of(node.get("last_seen"), "never"));
  const auto* certificate = node.get("certificate");
  fmt::print("  enrolled  {}\n", certificate && certificate->is_dict()
                                     ? fmt::format("certificate until {}", certificate->get_string("expires"))
                                     : "no: weft node token " + name);
  print_attributes(node);
  if (const auto* report = node.get("last_report"); report && !report->is_null()) {
    fmt::print("\nlast report {}: {} on revision {}\n", report->get_string("at"), report->get_string("outcome"),
               report->get_integer("revision"));
    print_components(*report);
  }
  fmt::print("\nrevisions that changed it:");
  for (const auto& one : list_of(node, "history")) fmt::print(" {}", one.get_integer("revision"));
  fmt::print("\n");
  return 0;
}

base::Result<int> token(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto node = WEFT_TRY(resolve_node(client, arguments.get("NODE")));
  const auto answer = WEFT_TRY(call(client, "POST", "/v1/enrol/token", Dict{{"node", node}, {"ttl", arguments.get("ttl")}}));
  if (arguments.has("json")) {
    print_json(answer);
  } else {
    fmt::print("{}\n", answer.get_string("token"));
  }
  return 0;
}

// Where a node stands relative to the revision it must have applied.
enum class Standing { waiting, applied, failed };

Standing standing_of(const Value& node, std::int64_t at) {
  const auto desired = node.get_integer("desired_revision");
  // With --applied REV a node is done when it has what REV wanted of it, or anything newer.
  const auto target = at > 0 ? std::min(desired, node.get_integer("at_revision", desired)) : desired;
  if (node.get("applied_revision") && node.get_integer("applied_revision") >= target) return Standing::applied;
  const auto* report = node.get("last_report");
  if (report && report->is_dict() && report->get_integer("revision") >= target) return Standing::failed;
  return Standing::waiting;
}

struct Wish {
  std::set<std::string> names;  // empty: all that the query gives
  std::string query;
  std::int64_t at = 0;
};

base::Result<Wish> wish_of(base::http::Client& client, const Arguments& arguments) {
  Wish wish;
  if (arguments.has("NODE") || arguments.has("select")) {
    for (auto& name : WEFT_TRY(chosen_nodes(client, arguments, arguments.all("NODE"), true))) wish.names.insert(std::move(name));
  }
  wish.query = "limit=10000";
  if (arguments.has("applied")) {
    const auto text = std::string(arguments.get("applied"));
    if (text.empty() || text.size() > 15 || text.find_first_not_of("0123456789") != std::string::npos) {
      return fail(Errc::invalid, fmt::format("'{}' is not a revision number", text), "weft template log shows the revisions");
    }
    wish.at = std::stoll(text);
    wish.query += fmt::format("&at={}", wish.at);
    if (wish.names.empty()) wish.query += fmt::format("&changed_in={}", wish.at);
  }
  if (wish.names.size() == 1) wish.query += "&name=" + url_encode(*wish.names.begin());
  return wish;
}

base::Result<int> wait(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto wish = WEFT_TRY(wish_of(client, arguments));
  const auto timeout = WEFT_TRY(base::text::parse_duration(arguments.get("timeout")));
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  auto pause = std::chrono::milliseconds(100);
  Progress progress;
  for (;; pause = std::min(pause * 3 / 2, std::chrono::milliseconds(1000))) {
    std::vector<std::string> waiting, failed;
    List applied, absent;
    for (const auto& node : WEFT_TRY(fetch_nodes(client, wish.query))) {
      const std::string name(node.get_string("name"));
      if (!wish.names.empty() && !wish.names.contains(name)) continue;
      // A machine that is described but not installed yet never answers: it is waited for only when it is named.
      if (wish.names.empty() && text_of(node.get("last_seen"), "").empty()) {
        absent.emplace_back(name);
        continue;
      }
      switch (standing_of(node, wish.at)) {
        case Standing::applied: applied.emplace_back(name); break;
        case Standing::failed: failed.push_back(name); break;
        case Standing::waiting: waiting.push_back(name); break;
      }
    }
    const auto total = applied.size() + failed.size() + waiting.size();
    if (total == 0 && !absent.empty())
      return fail(Errc::not_found, fmt::format("none of these nodes was ever seen: {}", some_names(absent, 8)),
                  "enrol them first: weft node token NODE");
    if (total == 0 && wish.at > 0)
      return fail(Errc::not_found, fmt::format("revision {} changed no node", wish.at), "name the nodes to wait for");
    if (total == 0)
      return fail(Errc::not_found, "there are no nodes to wait for", "commit templates first: weft template import");
    const bool late = std::chrono::steady_clock::now() >= deadline;
    if (!waiting.empty() && !late) {
      progress.show(fmt::format("{} of {} nodes applied, waiting for {}", applied.size(), total, waiting.front()));
      std::this_thread::sleep_for(pause);
      continue;
    }
    progress.show("");
    if (arguments.has("json")) {
      List failed_list, waiting_list;
      for (const auto& name : failed) failed_list.emplace_back(name);
      for (const auto& name : waiting) waiting_list.emplace_back(name);
      print_json(Dict{{"applied", applied},
                      {"failed", std::move(failed_list)},
                      {"waiting", std::move(waiting_list)},
                      {"never_seen", std::move(absent)}});
    } else {
      fmt::print("{} of {} nodes have applied it{}\n", applied.size(), total,
                 applied.empty() || total > 8 ? "" : ": " + some_names(applied, 8));
      if (!absent.empty()) fmt::print("not waited for, never seen: {}\n", some_names(absent, 8));
      for (const auto& name : failed)
        fmt::print("{} {}: weft node show {} tells why\n", paint(Colour::red, "failed"), name, name);
      for (const auto& name : waiting)
        fmt::print("{} {} did not report within {}\n", paint(Colour::yellow, "waiting"), name, arguments.get("timeout"));
    }
    return failed.empty() && waiting.empty() ? 0 : 1;
  }
}

auto runner(base::Result<int> (*body)(const Arguments&)) {
  return [body](const Arguments& arguments) { return run([&] { return body(arguments); }); };
}

}  // namespace

base::cli::Command node_command() {
  base::cli::Command list_command{
      .name = "list",
      .summary = "nodes with desired and applied revision",
      .description = "",
      .options = with_common({select_option(),
                              {.name = "--role", .value = "ROLE", .help = "only this role"},
                              {.name = "--cluster", .value = "CLUSTER", .help = "only this cluster"},
                              {.name = "--state", .value = "STATE", .help = "only this state"},
                              {.name = "--rack", .value = "RACK", .help = "only this rack"},
                              {.name = "--name", .value = "PATTERN", .help = "only names that match, with * and ?"},
                              {.name = "--outcome",
                               .value = "OUTCOME",
                               .help = "only with this last report",
                               .choices = {"ok", "failed", "partial", "noaction", "none"}},
                              {.name = "--out-of-sync", .help = "only those that have not applied the desired profile"}}),
      .examples = {{"weft node list --role dirpool --out-of-sync", "disk servers that are behind"},
                   {"weft node list --select 'rack=R1* and not state=production'", "by what they are"}},
      .run = runner(list),
      .commands = {}};
  base::cli::Command show_command{
      .name = "show",
      .summary = "one node: desired, applied, last report with its components",
      .description = "",
      .options =
          with_common({{.name = "NODE", .help = "node, or the beginning of its name up to a dot"},
                       at_option("what was desired of it at this revision or moment: 12, 2026-11-23T14:00:00Z, '2 days ago'")}),
      .examples = {{"weft node show disk01", "why is it not in sync?"},
                   {"weft node show disk01 --at '2 days ago'", "what was it to be then?"}},
      .run = runner(show),
      .commands = {}};
  base::cli::Command token_command{
      .name = "token",
      .summary = "a one-time token to enrol a node",
      .description = "The token is shown once. A new one voids the unused ones of that node.",
      .options =
          with_common({{.name = "NODE", .help = "node, or the beginning of its name up to a dot"},
                       {.name = "--ttl", .value = "TIME", .help = "how long it is good, 1m to 30d", .default_value = "1h"}}),
      .examples = {{"weft node token disk01", "give it to weft-agent enrol --token"}},
      .run = runner(token),
      .commands = {}};
  base::cli::Command wait_command{
      .name = "wait",
      .summary = "wait until nodes have applied what is desired of them",
      .description =
          "Without NODE: all nodes that were ever seen, or with --applied those of them that the revision changed. Exit status 1 "
          "when a node's run failed or the time is over.",
      .options =
          with_common({{.name = "[NODE...]", .help = "nodes, or the beginnings of their names up to a dot"},
                       select_option(),
                       {.name = "--applied", .value = "REV", .help = "what this revision wanted (default: what is desired now)"},
                       {.name = "--timeout", .value = "TIME", .help = "give up after", .default_value = "10m"}}),
      .examples = {{"weft node wait --applied 12", "until all nodes that revision 12 changed have it"}},
      .run = runner(wait),
      .commands = {}};
  return {.name = "node",
          .summary = "machines: desired, applied, enrolment",
          .description = "",
          .options = {},
          .examples = {{"weft node list", "the whole fabric"}},
          .run = {},
          .commands = {std::move(list_command), std::move(show_command), std::move(token_command), std::move(wait_command),
                       node_move_command()}};
}

}  // namespace programs::weft
