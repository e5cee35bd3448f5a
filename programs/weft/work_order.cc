// `weft work-order`: what people have to do at the machines, and their answer.
#include <fmt/format.h>
#include <unistd.h>

#include "base/crypto/crypto.h"
#include "programs/weft/output.h"
#include "programs/weft/session.h"

namespace programs::weft {
namespace {

using base::cli::Arguments;
using base::profile::Dict;
using base::profile::Value;

base::Result<int> list(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  Value answer = WEFT_TRY(call(client, "GET", arguments.has("all") ? "/v1/work-order?all=true" : "/v1/work-order"));
  if (arguments.has("json")) {
    print_json(Dict{{"work_orders", list_of(answer, "work_orders")}});
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (const Value& order : list_of(answer, "work_orders")) {
    const Value none, *asset = order.get("asset");
    const Value& place = asset ? *asset : none;
    rows.push_back({std::to_string(order.get_integer("id")), std::string(order.get_string("kind")),
                    std::string(order.get_string("state")), std::string(order.get_string("node")),
                    std::string(place.get_string("rack", "-")), std::string(place.get_string("unit", "-")),
                    std::string(place.get_string("serial", "-")), std::string(order.get_string("title"))});
  }
  if (rows.empty()) {
    fmt::print("no open work orders\n");
    return 0;
  }
  fmt::print("{}", base::cli::table({"ID", "KIND", "STATE", "NODE", "RACK", "UNIT", "SERIAL", "WHAT"}, rows));
  return 0;
}

void print_order(const Value& order) {
  fmt::print("{}\n", paint(Colour::bold, fmt::format("work order {}: {}", order.get_integer("id"), order.get_string("title"))));
  fmt::print("  {:<11} {}\n", "state", order.get_string("state"));
  fmt::print("  {:<11} {}\n", "workflow", order.get_integer("workflow"));
  if (const Value* asset = order.get("asset"); asset && asset->is_dict()) {
    for (const char* key : {"node", "serial", "model", "room", "rack", "unit", "power_feed", "error"}) {
      if (!asset->get_string(key).empty()) fmt::print("  {:<11} {}\n", key, asset->get_string(key));
    }
  }
  for (const Value& item : list_of(order, "checklist")) {
    if (item.is_string()) fmt::print("  [ ] {}\n", *item.string());
  }
  for (const Value& event : list_of(order, "events")) {
    fmt::print("  {} {} {}\n", event.get_string("at"), event.get_string("who"), event.get_string("kind"));
  }
}

// The number as given, or that of the newest order of a node: an open one before closed ones.
base::Result<std::string> order_of(base::http::Client& client, std::string_view name) {
  if (!name.empty() && name.find_first_not_of("0123456789") == std::string_view::npos) return std::string(name);
  const std::string node = WEFT_TRY(resolve_node(client, name));
  Value answer = WEFT_TRY(call(client, "GET", "/v1/work-order?all=true"));
  const Value* best = nullptr;
  for (const Value& order : list_of(answer, "work_orders")) {
    if (order.get_string("node") != node) continue;
    const auto rank = [](const Value& one) { return std::pair(one.get_string("state") == "open", one.get_integer("id")); };
    if (!best || rank(order) > rank(*best)) best = &order;
  }
  if (!best)
    return base::fail(base::Errc::not_found, fmt::format("node {} never had a work order", node),
                      "weft work-order list shows the open ones");
  return std::to_string(best->get_integer("id"));
}

base::Result<int> show(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  Value order = WEFT_TRY(call(client, "GET", "/v1/work-order/" + WEFT_TRY(order_of(client, arguments.get("ID")))));
  if (arguments.has("json")) {
    print_json(order);
  } else {
    print_order(order);
  }
  return 0;
}

base::Result<int> done(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  Value body =
      Dict{{"client_event", arguments.has("event") ? std::string(arguments.get("event")) : base::crypto::random_token(12)}};
  for (const char* key : {"serial", "note", "outcome"}) {
    if (arguments.has(key)) body[key] = arguments.get(key);
  }
  const std::string path = fmt::format("/v1/work-order/{}/done", WEFT_TRY(order_of(client, arguments.get("ID"))));
  auto answer = call(client, "POST", path, body);
  // A lost answer: the same event again is the same answer.
  if (!answer && (answer.error().code == base::Errc::timeout || answer.error().code == base::Errc::unavailable))
    answer = call(client, "POST", path, body);
  if (!answer) return base::fail(std::move(answer.error()));
  if (arguments.has("json")) {
    print_json(*answer);
  } else {
    fmt::print("work order {} is done{}\n", answer->get_integer("id"),
               answer->get_boolean("replayed") ? " (it was already)" : "");
  }
  return 0;
}

}  // namespace

base::cli::Command work_order_command() {
  const base::cli::Option id{.name = "ID", .help = "number of the work order, or a node: its open one", .required = true};
  base::cli::Command command;
  command.name = "work-order";
  command.examples = {{"weft work-order show disk01", "what there is to do at disk01"}};
  command.summary = "what people have to do, and their answers";
  command.commands = {
      verb("list", "open work orders", {{.name = "--all", .help = "closed ones too"}},
           {{"weft work-order list", "what waits for people"}}, list),
      verb("show", "one order: machine, place, checklist", {id}, {{"weft work-order show 4", "which box, where, what to do"}},
           show),
      verb("done", "close an order",
           {id,
            {.name = "--serial", .value = "SERIAL", .help = "serial number read from the machine; a wrong one is refused"},
            {.name = "--note", .value = "TEXT", .help = "what was done"},
            {.name = "--outcome",
             .value = "WORD",
             .help = "for decisions: retry (default), or acted when the step did happen",
             .choices = {"retry", "acted"}},
            {.name = "--event", .value = "ID", .help = "id of this answer; repeating it is harmless"}},
           {{"weft work-order done 4 --serial EX-DS-1001 --note 'disk 3 replaced'", "the workflow goes on to verify the node"}},
           done),
  };
  return command;
}

}  // namespace programs::weft
