// `weft workflow`: runs, their steps and events, the stop switch.
#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "programs/weft/output.h"
#include "programs/weft/session.h"

namespace programs::weft {
namespace {

using base::cli::Arguments;
using base::profile::Dict;
using base::profile::Value;

void print_stop(const Value& answer) {
  const Value* stop = answer.get("stop");
  if (!stop || !stop->get_boolean("stopped")) return;
  fmt::print("{}\n", paint(Colour::red, fmt::format("STOPPED by {} at {}: {}", stop->get_string("who"), stop->get_string("at"),
                                                    stop->get_string("why"))));
}

// The id as given, or that of the newest run of a node.
base::Result<std::string> run_of(base::http::Client& client, std::string_view name) {
  if (!name.empty() && name.find_first_not_of("0123456789") == std::string_view::npos) return std::string(name);
  const std::string node = WEFT_TRY(resolve_node(client, name));
  Value answer = WEFT_TRY(call(client, "GET", "/v1/workflow?all=true&node=" + url_encode(node)));
  const auto& runs = list_of(answer, "workflows");
  if (runs.empty())
    return base::fail(base::Errc::not_found, fmt::format("node {} never had a workflow", node),
                      "Claim it first: weft sms set maintenance REASON " + node);
  return std::to_string(runs.front().get_integer("id"));
}

base::Result<int> list(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  Value answer = WEFT_TRY(call(client, "GET", arguments.has("all") ? "/v1/workflow?all=true" : "/v1/workflow"));
  if (arguments.has("json")) {
    print_json(Dict{{"workflows", list_of(answer, "workflows")}});
    return 0;
  }
  print_stop(answer);
  std::vector<std::vector<std::string>> rows;
  for (const Value& run : list_of(answer, "workflows")) {
    rows.push_back({std::to_string(run.get_integer("id")), std::string(run.get_string("definition")),
                    std::string(run.get_string("subject")), std::string(run.get_string("state")),
                    std::string(run.get_string("step")), std::string(run.get_string("created_by")),
                    std::string(run.get_string("created_at").substr(0, 19)), std::string(run.get_string("message"))});
  }
  if (rows.empty()) {
    fmt::print("no workflow is running\n");
    return 0;
  }
  fmt::print("{}", base::cli::table({"ID", "WORKFLOW", "NODE", "STATE", "STEP", "BY", "SINCE (UTC)", "MESSAGE"}, rows));
  return 0;
}

std::string progress_of(const Value& row) {
  const Value* result = row.get("result");
  const Value* progress = result ? result->get("progress") : nullptr;
  if (!progress || !progress->is_dict()) return "";
  return fmt::format("{}/{} files, {}/{} bytes", progress->get_integer("moved"), progress->get_integer("files"),
                     progress->get_integer("moved_bytes"), progress->get_integer("bytes"));
}

void print_run(const Value& run, bool events) {
  fmt::print("{}\n", paint(Colour::bold, fmt::format("workflow {}: {} of {}", run.get_integer("id"), run.get_string("definition"),
                                                     run.get_string("subject"))));
  fmt::print("  state    {}{}\n", run.get_string("state"),
             run.get("finished_at") ? fmt::format(" at {}", run.get_string("finished_at")) : "");
  if (!run.get_string("message").empty()) fmt::print("  message  {}\n", run.get_string("message"));
  fmt::print("  started  {} by {}\n", run.get_string("created_at"), run.get_string("created_by"));
  fmt::print("  pinned   version {} {}, events {}\n\n", run.get_integer("version"), run.get_string("sha256").substr(0, 12),
             run.get_string("audit"));
  std::vector<std::vector<std::string>> rows;
  for (const Value& step : list_of(run, "plan")) {
    std::string state = run.get_string("step") == step.get_string("step") && !run.get("finished_at") ? "waiting" : "",
                detail(step.get_string("why"));
    for (const Value& row : list_of(run, "steps")) {
      if (row.get_string("step") != step.get_string("step")) continue;
      state = row.get_string("state");
      if (!row.get_string("message").empty()) detail = row.get_string("message");
      if (std::string progress = progress_of(row); !progress.empty()) detail = progress + "; " + detail;
    }
    rows.push_back({std::string(step.get_string("step")) + (step.get_boolean("point_of_no_return") ? " *" : ""), state, detail});
  }
  fmt::print("{}* from here on it cannot be cancelled\n", base::cli::table({"STEP", "STATE", "DETAIL"}, rows));
  if (!events) return;
  fmt::print("\n");
  for (const Value& event : list_of(run, "events")) {
    const Value* body = event.get("body");
    std::string step(body ? body->get_string("step", body->get_string("run_step")) : "");
    std::string message(body ? body->get_string("message", body->get_string("error")) : "");
    fmt::print("  {:>3} {} {:<12} {:<14} {}\n", event.get_integer("rev"), event.get_string("at").substr(0, 23),
               event.get_string("kind"), step, message);
  }
}

base::Result<int> show(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  Value run = WEFT_TRY(call(client, "GET", "/v1/workflow/" + WEFT_TRY(run_of(client, arguments.get("ID")))));
  if (arguments.has("json")) {
    print_json(run);
  } else {
    print_run(run, true);
  }
  return 0;
}

base::Result<int> watch(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const std::string path = "/v1/workflow/" + WEFT_TRY(run_of(client, arguments.get("ID")));
  const bool until_order = arguments.get("until") == "work-order";
  std::int64_t seen = -1;
  int lost = 0;
  Progress progress;
  for (;;) {
    auto run = call(client, "GET", path);
    if (!run) {
      // The server may be restarting: the run goes on without us, and so do we.
      if (run.error().code != base::Errc::unavailable || ++lost > 60) return base::fail(std::move(run.error()));
      std::this_thread::sleep_for(std::chrono::seconds(1));
      continue;
    }
    lost = 0;
    for (const Value& event : list_of(*run, "events")) {
      if (event.get_integer("rev") <= seen) continue;
      seen = event.get_integer("rev");
      if (arguments.has("json")) {
        print_json(event);
        continue;
      }
      const Value* body = event.get("body");
      std::string step(body ? body->get_string("step", body->get_string("run_step")) : "");
      fmt::print("{} {:<12} {:<14} {}\n", event.get_string("at").substr(11, 8), event.get_string("kind"), step,
                 body ? body->get_string("message", body->get_string("error")) : "");
    }
    std::fflush(stdout);
    if (run->get("finished_at")) {
      if (!arguments.has("json")) fmt::print("{}: {}\n", run->get_string("state"), run->get_string("message"));
      return run->get_string("state") == "done" && !until_order ? 0 : 1;
    }
    std::string line(run->get_string("message"));
    for (const Value& row : list_of(*run, "steps")) {
      if (row.get_string("step") == run->get_string("step"))
        line = progress_of(row) + (progress_of(row).empty() ? "" : "  ") + line;
    }
    if (until_order) {
      for (const Value& row : list_of(*run, "steps")) {
        const Value* result = row.get("result");
        if (row.get_string("step") != run->get_string("step") || !result || !result->get("work_order")) continue;
        if (!arguments.has("json")) fmt::print("work order {} is open\n", result->get_integer("work_order"));
        return 0;
      }
    }
    progress.show(line);
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

base::Result<int> cancel(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  Value answer =
      WEFT_TRY(call(client, "POST", fmt::format("/v1/workflow/{}/cancel", WEFT_TRY(run_of(client, arguments.get("ID")))),
                    Dict{{"why", arguments.get("why")}}));
  if (arguments.has("json")) {
    print_json(answer);
  } else {
    fmt::print("workflow {} is being undone\n", arguments.get("ID"));
  }
  return 0;
}

base::Result<int> stop(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  Value answer = WEFT_TRY(call(client, "POST", "/v1/workflow/stop", Dict{{"why", arguments.get("WHY")}}));
  if (arguments.has("json")) {
    print_json(answer);
  } else {
    fmt::print("all workflows are stopped: no step begins to act until `weft workflow start`\n");
  }
  return 0;
}

base::Result<int> start(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  Value answer = WEFT_TRY(call(client, "POST", "/v1/workflow/start", Dict{}));
  if (arguments.has("json")) {
    print_json(answer);
  } else {
    fmt::print("workflows go on\n");
  }
  return 0;
}

}  // namespace

base::cli::Command workflow_command() {
  const base::cli::Option id{.name = "ID", .help = "number of the workflow, or a node: its newest one", .required = true};
  base::cli::Command command;
  command.name = "workflow";
  command.examples = {{"weft workflow watch disk01", "follow what happens to disk01"}};
  command.summary = "runs of workflows, and the switch that stops them all";
  command.commands = {
      verb("list", "what is running", {{.name = "--all", .help = "finished ones too"}},
           {{"weft workflow list", "what is running and what it waits for"}}, list),
      verb("show", "one run: steps, progress, events", {id}, {{"weft workflow show 7", "where it stands"}}, show),
      verb("watch", "follow a run to its end",
           {id,
            {.name = "--until",
             .value = "WHAT",
             .help = "stop watching earlier: when its work order is open",
             .choices = {"work-order", "done"}}},
           {{"weft workflow watch 7", "exit code 0 when it ends well"}}, watch),
      verb("cancel", "undo a run", {id, {.name = "--why", .value = "TEXT", .help = "for the record"}},
           {{"weft workflow cancel 7 --why 'wrong node'", "refused past the point of no return"}}, cancel),
      verb("stop", "stop all acting at once", {{.name = "WHY", .help = "for everybody to read", .required = true}},
           {{"weft workflow stop 'smoke in room 2'", "steps under way finish their current file, nothing new begins"}}, stop),
      verb("start", "let workflows act again", {}, {{"weft workflow start", "what was due goes on"}}, start),
  };
  return command;
}

}  // namespace programs::weft
