#include "programs/weft-agent/verbs.h"

#include <fmt/format.h>

#include <atomic>
#include <csignal>
#include <iostream>

#include "agent/enrol/enrol.h"
#include "agent/run/daemon.h"
#include "agent/run/history.h"
#include "base/file/file.h"
#include "base/log/log.h"
#include "base/profile/json.h"
#include "base/profile/path.h"

namespace weft_agent {

using agent::run::Runner;
using agent::run::RunReport;
using agent::run::Settings;
using base::Result;
using base::cli::Arguments;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

namespace {

constexpr std::string_view tool = "weft-agent";
constexpr int refused = 3;

std::atomic<bool> stop_asked{false};
std::atomic<bool> hurry_asked{false};

int report(const base::Error& error) {
  return base::cli::report(tool, error);
}

Result<Settings> settings_of(const Arguments& arguments) {
  return agent::run::load_settings(std::string(arguments.get("root")), std::string(arguments.get("config")),
                                   std::string(arguments.get("state")));
}

Result<Runner> open(const Arguments& arguments) {
  return Runner::open(WEFT_TRY(settings_of(arguments)), agent::run::real_machine);
}

void print(const RunReport& run) {
  for (const auto& component : run.components)
    std::cout << fmt::format("{:<20} {:<18} {}\n", component.name, agent::journal::outcome_name(component.outcome),
                             component.message);
  std::cout << fmt::format("{}: profile {} revision {}, {} action{} in {} ms\n", run.outcome, run.root.substr(0, 12),
                           run.revision, run.actions, run.actions == 1 ? "" : "s", run.duration_ms);
}

int code_of(const RunReport& run) {
  if (!run.held.empty()) {
    std::cerr << "weft-agent: held: " << run.held << "\n  hint: remove the file when the work is done\n";
    return refused;
  }
  if (run.outcome == "ok") return 0;
  return run.outcome == "partial" ? partly_failed : 1;
}

}  // namespace

int run_daemon(const Arguments& arguments) {
  auto runner = open(arguments);
  if (!runner) return report(runner.error());
  struct sigaction stop {
  }, hurry{};
  stop.sa_handler = [](int) { stop_asked = true; };
  hurry.sa_handler = [](int) { hurry_asked = true; };
  sigaction(SIGTERM, &stop, nullptr);
  sigaction(SIGINT, &stop, nullptr);
  sigaction(SIGHUP, &hurry, nullptr);
  base::log::notice("started",
                    {{"node", runner->settings().node}, {"server", runner->settings().server}, {"version", WEFT_VERSION}});
  auto done = agent::run::run_daemon(*runner, stop_asked, hurry_asked);
  if (!done) return report(done.error());
  return 0;
}

int run_once(const Arguments& arguments) {
  auto runner = open(arguments);
  if (!runner) return report(runner.error());
  auto round = agent::run::run_once(*runner);
  if (!round) return report(round.error());
  print(round->report);
  int code = code_of(round->report);
  if (round->fetch_error) {
    std::cerr << "the cached profile was applied; the server could not be asked:\n";
    int fetch_code = report(*round->fetch_error);
    if (code == 0) code = fetch_code;
  }
  return code;
}

int apply(const Arguments& arguments) {
  if (arguments.has("noaction")) return plan(arguments);
  auto runner = open(arguments);
  if (!runner) return report(runner.error());
  auto run = runner->apply();
  if (!run) return report(run.error());
  // The daemon sends it with its next word to the server.
  if (auto queued = agent::run::queue_report(runner->settings().state, *run); !queued) return report(queued.error());
  if (auto state = runner->state())
    if (auto written = agent::run::write_metrics(runner->settings(), *state, &*run, true); !written)
      return report(written.error());
  if (arguments.has("json"))
    std::cout << base::profile::to_json_pretty(run->to_value());
  else
    print(*run);
  return code_of(*run);
}

int plan(const Arguments& arguments) {
  auto runner = open(arguments);
  if (!runner) return report(runner.error());
  auto machine = runner->machine();
  if (!machine) return report(machine.error());
  auto preview = runner->preview(**machine);
  if (!preview) return report(preview.error());
  if (arguments.has("json")) {
    auto value = agent::plan::to_value(preview->plan);
    value["held"] = Value();
    if (!preview->held.empty()) value["held"] = preview->held;
    std::cout << base::profile::to_json_pretty(value);
  } else {
    std::cout << agent::plan::render(preview->plan, **machine);
    if (!preview->held.empty()) std::cout << "held, so a real run would do nothing: " << preview->held << "\n";
  }
  if (arguments.has("exit-code") && !preview->plan.actions.empty()) return changes_pending;
  for (const auto& row : preview->plan.components)
    if (row.status == agent::plan::Status::failed || !row.problems.empty()) return partly_failed;
  return 0;
}

int status(const Arguments& arguments) {
  auto runner = open(arguments);
  if (!runner) return report(runner.error());
  auto state = runner->state();
  if (!state) return report(state.error());
  auto current = runner->cache().current();
  auto history = agent::run::read_history(runner->settings().state);
  auto machine = runner->machine();
  auto held = machine ? agent::run::hold_reason(**machine).value_or("") : std::string();
  List owed;
  for (const auto& item : state->owed) owed.emplace_back(describe(item.action));
  Dict out{{"node", Value(runner->settings().node)},
           {"server", Value(runner->settings().server)},
           {"applied", Dict{{"root", Value(state->applied.root)}, {"revision", Value(state->applied.revision)}}},
           {"cached", Value()},
           {"undone", Value()},
           {"held", Value()},
           {"owed", Value(std::move(owed))},
           {"governed", Value(state->tracked.size())},
           {"last_run", Value()}};
  if (current) out["cached"] = Dict{{"root", Value(current->root)}, {"revision", Value(current->revision)}};
  if (!state->pinned_instead.empty()) out["undone"] = state->pinned_instead;
  if (!held.empty()) out["held"] = held;
  if (history && !history->empty()) out["last_run"] = history->back();
  if (arguments.has("json")) {
    std::cout << base::profile::to_json_pretty(Value(std::move(out)));
    return 0;
  }
  std::cout << fmt::format("node      {} at {}\n", runner->settings().node, runner->settings().server);
  std::cout << fmt::format("applied   {}\n",
                           state->applied.root.empty()
                               ? "nothing yet"
                               : fmt::format("{} revision {}", state->applied.root.substr(0, 12), state->applied.revision));
  std::cout << fmt::format(
      "cached    {}\n", current ? fmt::format("{} revision {}", current->root.substr(0, 12), current->revision) : "nothing yet");
  std::cout << fmt::format("governs   {} things\n", state->tracked.size());
  if (!state->pinned_instead.empty())
    std::cout << "undone    " << state->pinned_instead.substr(0, 12) << ": weft-agent resume follows the server again\n";
  if (!held.empty()) std::cout << "held      " << held << "\n";
  for (const auto& item : state->owed) std::cout << "owed      " << describe(item.action) << "\n";
  if (history && !history->empty()) {
    const auto& last = history->back();
    std::cout << fmt::format("last run  {} {}\n", last.get_string("started"), last.get_string("outcome"));
    if (const auto* components = last.get("components"); components && components->list())
      for (const auto& component : *components->list())
        if (!component.get_string("message").empty() || component.get_string("outcome") != "unchanged")
          std::cout << fmt::format("  {:<18} {:<18} {}\n", component.get_string("name"), component.get_string("outcome"),
                                   component.get_string("message"));
  }
  return 0;
}

int history(const Arguments& arguments) {
  auto runner = open(arguments);
  if (!runner) return report(runner.error());
  auto runs = agent::run::read_history(runner->settings().state);
  if (!runs) return report(runs.error());
  if (arguments.has("json")) {
    std::cout << base::profile::to_json_pretty(Dict{{"runs", Value(List(runs->begin(), runs->end()))}});
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& run : *runs) {
    std::int64_t actions = 0;
    if (const auto* components = run.get("components"); components && components->list())
      for (const auto& component : *components->list()) actions += component.get_integer("actions");
    rows.push_back({std::string(run.get_string("started")), std::string(run.get_string("outcome")),
                    std::string(run.get_string("root").substr(0, 12)), std::to_string(run.get_integer("revision")),
                    std::to_string(actions), std::to_string(run.get_integer("duration_ms"))});
  }
  std::cout << base::cli::table({"STARTED", "OUTCOME", "PROFILE", "REVISION", "ACTIONS", "MS"}, rows);
  return 0;
}

int undo(const Arguments& arguments) {
  auto runner = open(arguments);
  if (!runner) return report(runner.error());
  auto run = runner->undo(arguments.has("all"));
  if (!run) return report(run.error());
  if (auto queued = agent::run::queue_report(runner->settings().state, *run); !queued) return report(queued.error());
  print(*run);
  return code_of(*run);
}

int resume(const Arguments& arguments) {
  auto runner = open(arguments);
  if (!runner) return report(runner.error());
  if (auto done = runner->resume(); !done) return report(done.error());
  std::cout << "the node follows the server again; weft-agent apply does it now\n";
  return 0;
}

int profile_get(const Arguments& arguments) {
  auto runner = open(arguments);
  if (!runner) return report(runner.error());
  auto cached = runner->cache().load("current");
  if (!cached) return report(cached.error());
  auto path = std::string(arguments.get("PATH"));
  const auto* value = path == "/" ? &cached->profile : nullptr;
  if (!value) {
    auto parsed = base::profile::Path::parse(path);
    if (!parsed) return report(parsed.error());
    value = base::profile::find(cached->profile, *parsed);
  }
  if (!value)
    return report(
        {base::Errc::not_found, "the profile has nothing at " + path, "list what is above it: weft-agent profile get /", {}});
  std::cout << base::profile::to_json_pretty(*value);
  return 0;
}

int enrol(const Arguments& arguments) {
  std::filesystem::path root(arguments.get("root"));
  auto settings = agent::run::default_settings(root, std::string(arguments.get("state")));
  auto file = agent::run::config_file(root, std::string(arguments.get("config")));
  std::error_code error;
  if (std::filesystem::exists(file, error)) {
    auto loaded = settings_of(arguments);
    if (!loaded) return report(loaded.error());
    settings = *loaded;
  }
  settings.server = arguments.get("server");
  while (settings.server.ends_with('/')) settings.server.pop_back();
  settings.node = arguments.get("node");
  auto token = agent::enrol::parse_token(arguments.get("token"));
  if (!token) return report(token.error());
  // Before the token is used up: settings that contradict it are found now.
  if (auto saved = agent::run::save_settings(settings, file); !saved) return report(saved.error());
  if (auto made = base::file::make_folders(settings.state); !made) return report(made.error());
  auto done = agent::enrol::enrol(settings.server_settings(), *token);
  if (!done) return report(done.error());
  std::cout << (*done == agent::enrol::Enrolled::already ? "enrolled already as " : "enrolled as ") << settings.node << "\n";
  return 0;
}

}  // namespace weft_agent
