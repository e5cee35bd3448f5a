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

base::Result<int> show(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  Value order = WEFT_TRY(call(client, "GET", "/v1/work-order/" + url_encode(arguments.get("ID"))));
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
  const std::string path = fmt::format("/v1/work-order/{}/done", url_encode(arguments.get("ID")));
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
  auto verb = [](std::string name, std::string summary, std::vector<base::cli::Option> options,
                 std::vector<base::cli::Example> examples, base::Result<int> (*body)(const Arguments&)) {
    base::cli::Command command;
    command.name = std::move(name);
    command.summary = std::move(summary);
    command.options = std::move(options);
    for (const auto& option : common_options()) command.options.push_back(option);
    command.examples = std::move(examples);
    command.run = [body](const Arguments& arguments) { return run([&] { return body(arguments); }); };
    return command;
  };
  const base::cli::Option id{.name = "ID", .help = "number of the work order", .required = true};
  base::cli::Command command;
  command.name = "work-order";
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
