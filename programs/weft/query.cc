// `weft query` and `weft value`: values of many nodes, and the history of one.
#include <map>

#include <fmt/format.h>

#include "base/profile/json.h"
#include "programs/weft/output.h"
#include "programs/weft/selection.h"
#include "programs/weft/session.h"

namespace programs::weft {
namespace {

using base::cli::Arguments;
using base::profile::List;
using base::profile::Value;

std::string shown(const Value* value) {
  if (!value || value->is_null()) return "-";
  return value->is_string() ? *value->string() : base::profile::to_json(*value);
}

// One line, for a table.
std::string in_line(std::string text) {
  for (auto& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  }
  return text;
}

base::Result<int> query(const Arguments& arguments) {
  std::string wanted;
  for (const auto& path : arguments.all("path")) wanted += (wanted.empty() ? "" : ",") + path;
  auto ask = "/v1/value?path=" + url_encode(wanted);
  if (arguments.has("SELECTION")) ask += "&select=" + url_encode(arguments.get("SELECTION"));
  if (const auto at = WEFT_TRY(at_of(arguments)); !at.empty()) ask += "&at=" + url_encode(at);
  auto client = WEFT_TRY(connect(arguments));
  const auto answer = WEFT_TRY(call(client, "GET", ask));
  if (arguments.has("json")) {
    print_json(answer);
    return 0;
  }
  const auto& nodes = list_of(answer, "nodes");
  if (nodes.empty()) {
    fmt::print("no node matches\n");
    return 0;
  }
  std::vector<std::string> header{"NODE"}, paths;
  for (const auto& path : list_of(answer, "paths")) paths.push_back(*path.string());
  // Many columns are unreadable: then one line for each value.
  const bool wide = paths.size() <= 4;
  if (wide) {
    header.insert(header.end(), paths.begin(), paths.end());
  } else {
    header.insert(header.end(), {"PATH", "VALUE"});
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& node : nodes) {
    const auto* values = node.get("values");
    std::vector<std::string> row{std::string(node.get_string("node"))};
    for (const auto& path : paths) {
      const auto* value = values ? values->get(path) : nullptr;
      if (wide) {
        row.push_back(in_line(shown(value)));
      } else if (value) {
        rows.push_back({row.front(), path, in_line(shown(value))});
      }
    }
    if (wide) rows.push_back(std::move(row));
  }
  fmt::print("{}", base::cli::table(header, rows));
  return 0;
}

base::Result<int> history(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  // A node that left has a history too.
  auto node = resolve_node(client, arguments.get("NODE"));
  const auto name = node ? *node : std::string(arguments.get("NODE"));
  const auto answer = exchange(client, "GET",
                               fmt::format("/v1/node/{}/history?path={}&limit={}", url_encode(name),
                                           url_encode(arguments.get("PATH")), url_encode(arguments.get("limit"))));
  if (!answer) return base::fail(answer.error());
  if (!answer->error) return base::fail(answer->error.error());
  if (arguments.has("json")) {
    print_json(answer->body);
    return 0;
  }
  const auto path = answer->body.get_string("path");
  for (const auto& move : list_of(answer->body, "changes")) {
    fmt::print("{}  {}  {}", paint(Colour::bold, fmt::format("revision {}", move.get_integer("revision"))),
               move.get_string("time").substr(0, 19), move.get_string("author"));
    if (move.get("reverts") && move.get("reverts")->is_integer()) fmt::print("  reverts {}", move.get_integer("reverts"));
    if (move.get("reverted_by") && move.get("reverted_by")->is_integer())
      fmt::print("  {}", paint(Colour::yellow, fmt::format("reverted by {}", move.get_integer("reverted_by"))));
    const auto message = move.get_string("message");
    fmt::print("\n  {}\n", paint(Colour::dim, message.substr(0, message.find('\n'))));
    const auto change = move.get_string("change");
    if (move.get_string("path") != path)
      fmt::print("  {}: ", move.get_string("path"));
    else
      fmt::print("  ");
    if (change == "changed") {
      fmt::print("{} → {}\n", in_line(shown(move.get("before"))), in_line(shown(move.get("after"))));
    } else {
      fmt::print("{} {}\n", change, in_line(shown(move.get(change == "added" ? "after" : "before"))));
    }
  }
  if (answer->body.get_boolean("more")) fmt::print("older ones: --limit\n");
  return 0;
}

}  // namespace

base::cli::Command query_command() {
  auto out = verb("query", "values of nodes, now or at a past time",
                  {{.name = "[SELECTION]", .help = "which nodes, for example 'role=disk and rack=R1*' (default: all)"},
                   {.name = "--path",
                    .value = "PATH",
                    .help = "value to show, * and ? match within one part; may be given again",
                    .required = true},
                   at_option("as of this revision or moment: 12, 2026-11-23T14:00:00Z, '2 days ago'")},
                  {{"weft query role=disk --path /system/kernel/version", "a kernel for each disk server"},
                   {"weft query 'kernel<6.1' --path '/hardware/cards/nic/*/hwaddr' --json", "for scripts"},
                   {"weft query rack=R1 --path /system/state --at '2 days ago'", "who was out of service then?"}},
                  query);
  out.description =
      "The language of selections, its attributes and the SQL views behind them: docs/queries.md. A selection that matches "
      "nothing "
      "prints nothing; a path that no profile ever had is an error.";
  return out;
}

base::cli::Command value_command() {
  base::cli::Command out;
  out.name = "value";
  out.summary = "the history of a value";
  out.examples = {{"weft value history disk01 /system/state", "when was it out of service, and why?"}};
  out.commands = {verb("history", "every change of a value or of all values below a path: revision, author, message, old → new",
                       {{.name = "NODE", .help = "node, or the beginning of its name up to a dot; also one that left"},
                        {.name = "PATH", .help = "for example /system/kernel/version, or /system/network for all below it"},
                        {.name = "--limit", .value = "N", .help = "the newest N changes", .default_value = "100"}},
                       {{"weft value history disk01 /system/kernel/version", "who changed it, when, and was it reverted?"}},
                       history)};
  return out;
}

}  // namespace programs::weft
