// `weft sms`: who wants which node out of service, and why.
#include <fmt/format.h>

#include "programs/weft/output.h"
#include "programs/weft/selection.h"
#include "programs/weft/session.h"

namespace programs::weft {
namespace {

using base::cli::Arguments;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

base::Result<Value> nodes_of(base::http::Client& client, const Arguments& arguments) {
  List nodes;
  for (auto& node : WEFT_TRY(chosen_nodes(client, arguments, arguments.all("NODE"), false))) nodes.emplace_back(std::move(node));
  return Value(std::move(nodes));
}

base::Result<> add_expect(const Arguments& arguments, Value& body) {
  if (!arguments.has("expect")) return {};
  const std::string text(arguments.get("expect"));
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos || text.size() > 9) {
    return base::fail(base::Errc::invalid, fmt::format("--expect {}: not a number", text), "Say how many nodes the selection is");
  }
  body["expect"] = std::stoll(text);
  return {};
}

base::Result<int> set(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  Value body = Dict{{"nodes", WEFT_TRY(nodes_of(client, arguments))},
                    {"state", arguments.get("STATE")},
                    {"reason", arguments.get("REASON")},
                    {"drain", arguments.has("no-drain") ? "none" : "full"}};
  for (const char* name : {"category", "ticket"}) {
    if (arguments.has(name)) body[name] = arguments.get(name);
  }
  if (arguments.has("for")) body["duration"] = arguments.get("for");
  if (arguments.has("in")) body["starts_after"] = arguments.get("in");
  WEFT_TRY(add_expect(arguments, body));
  Value answer = WEFT_TRY(call(client, "POST", "/v1/claim", body));
  if (arguments.has("json")) {
    print_json(answer);
    return 0;
  }
  for (const Value& claim : list_of(answer, "claims")) {
    fmt::print("{}: claim {}{}", claim.get_string("node"), claim.get_integer("claim"),
               claim.get_boolean("existed") ? " (was there already)" : "");
    if (claim.get("workflow")) {
      fmt::print(", {} workflow {}", claim.get_boolean("joined") ? "joins" : "starts", claim.get_integer("workflow"));
    }
    fmt::print("\n");
  }
  return 0;
}

base::Result<int> clear(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  Value body = Dict{
      {"nodes", WEFT_TRY(nodes_of(client, arguments))}, {"state", arguments.get("STATE")}, {"reason", arguments.get("REASON")}};
  if (arguments.has("owner")) body["owner"] = arguments.get("owner");
  WEFT_TRY(add_expect(arguments, body));
  Value answer = WEFT_TRY(call(client, "POST", "/v1/claim/clear", body));
  if (arguments.has("json")) {
    print_json(answer);
  } else if (answer.get("note")) {
    fmt::print("note: {}\n", answer.get_string("note"));
  } else {
    const auto cleared = answer.get_integer("cleared");
    fmt::print("{} claim{} cleared; a node returns when its last claim is gone and it is verified\n", cleared,
               cleared == 1 ? "" : "s");
  }
  return 0;
}

base::Result<int> show(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  List claims;
  Dict states;
  std::vector<std::string> nodes = arguments.all("NODE");
  if (arguments.has("select")) nodes = WEFT_TRY(chosen_nodes(client, arguments, nodes, true));
  if (nodes.empty()) nodes.emplace_back();
  for (const std::string& name : nodes) {
    const std::string node = name.empty() ? name : WEFT_TRY(resolve_node(client, name));
    Value answer = WEFT_TRY(call(
        client, "GET", fmt::format("/v1/claim?node={}{}", url_encode(node), arguments.has("history") ? "&history=true" : "")));
    for (const Value& claim : list_of(answer, "claims")) claims.push_back(claim);
    if (const Value* some = answer.get("states"); some && some->is_dict())
      states.insert(some->dict()->begin(), some->dict()->end());
    if (!node.empty() && !arguments.has("history")) states.try_emplace(node, "production");
  }
  if (arguments.has("json")) {
    print_json(Dict{{"claims", claims}, {"states", states}});
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (const Value& claim : claims) {
    std::string standing = claim.get_boolean("cleared")   ? fmt::format("cleared by {}", claim.get_string("cleared_by"))
                           : !claim.get_boolean("due")    ? "later"
                           : claim.get_boolean("granted") ? "active"
                                                          : "waits for budget";
    rows.push_back({std::string(claim.get_string("node")), std::string(claim.get_string("state")),
                    std::string(claim.get_string("reason")), std::string(claim.get_string("owner")),
                    std::string(claim.get_string("since")), std::string(claim.get_string("expires", "-")),
                    claim.get("workflow") ? std::to_string(claim.get_integer("workflow")) : "-", standing});
  }
  if (rows.empty()) {
    fmt::print("no claims: {}\n",
               arguments.all("NODE").empty() ? "all nodes are in their base state" : "these nodes are in production");
    return 0;
  }
  fmt::print("{}", base::cli::table({"NODE", "STATE", "REASON", "OWNER", "SINCE (UTC)", "EXPIRES", "WORKFLOW", "CLAIM"}, rows));
  return 0;
}

}  // namespace

base::cli::Command sms_command() {
  const base::cli::Option state{.name = "STATE",
                                .help = "what to claim",
                                .required = true,
                                .choices = {"maintenance", "draining", "standby", "quarantine", "retiring"}};
  const base::cli::Option reason{
      .name = "REASON", .help = "why, in a few words; with node, state and owner the key of the claim", .required = true};
  const base::cli::Option nodes{.name = "[NODE...]", .help = "names or globs"};
  const base::cli::Option expect{
      .name = "--expect", .value = "N", .help = "how many nodes the selection is; required with globs and above five"};
  base::cli::Command command;
  command.name = "sms";
  command.examples = {{"weft sms show", "who keeps which node out of service, and why"}};
  command.summary = "take nodes out of service and let them return";
  command.description =
      "A claim says that somebody wants a node in a state, and why. The most restrictive claim wins. A node returns to "
      "production when its last claim is gone and a workflow has verified it.";
  command.commands = {
      verb("set", "claim nodes",
           {state,
            reason,
            nodes,
            select_option(),
            {.name = "--for", .value = "DURATION", .help = "the claim ends by itself, e.g. 4h; the node is verified then"},
            {.name = "--in", .value = "DURATION", .help = "the claim begins later"},
            {.name = "--ticket", .value = "TICKET", .help = "a reference to show with it"},
            {.name = "--category", .value = "WORD", .help = "for statistics: hardware, power, kernel, ..."},
            {.name = "--no-drain", .help = "the data stays on the node: every file must have a good copy elsewhere"},
            expect},
           {{"weft sms set maintenance 'disk 3 clicks' disk01 --ticket INC123", "drain disk01, then a work order for it"},
            {"weft sms set maintenance 'kernel' 'batch*' --expect 6 --for 2h",
             "six nodes, at most two hours, as the budget allows"}},
           set),
      verb("clear", "end a claim",
           {state,
            reason,
            nodes,
            select_option(),
            {.name = "--owner", .value = "NAME", .help = "whose claim it is; yours by default"},
            expect},
           {{"weft sms clear maintenance 'disk 3 clicks' disk01",
             "the node returns when it is verified and nothing else holds it"}},
           clear),
      verb("show", "list claims",
           {{.name = "[NODE...]", .help = "all nodes by default"},
            select_option(),
            {.name = "--history", .help = "released claims too"}},
           {{"weft sms show disk01 --json", "for scripts"}}, show),
  };
  return command;
}

}  // namespace programs::weft
