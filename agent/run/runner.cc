#include "agent/run/runner.h"

#include <fmt/format.h>

#include <thread>

#include "agent/component/registry.h"
#include "agent/run/history.h"
#include "base/file/file.h"
#include "base/text/text.h"

namespace agent::run {

using base::Errc;
using base::fail;
using base::Result;
using base::profile::Dict;
using base::profile::Value;
using journal::Outcome;
using Clock = std::chrono::system_clock;

Value RunReport::to_value() const {
  base::profile::List rows;
  for (const auto& component : components)
    rows.emplace_back(Dict{{"name", Value(component.name)},
                           {"outcome", Value(journal::outcome_name(component.outcome))},
                           {"message", Value(component.message)},
                           {"actions", Value(component.actions)}});
  return Dict{{"root", Value(root)},
              {"revision", Value(revision)},
              {"outcome", Value(outcome)},
              {"started", Value(started)},
              {"duration_ms", Value(duration_ms)},
              {"components", Value(std::move(rows))},
              {"agent_version", Value(WEFT_VERSION)}};
}

std::optional<std::string> hold_reason(machine::Machine& machine) {
  auto image = machine.image("/etc/noquattor");
  if (!image || image->kind == plan::Kind::absent) return std::nullopt;
  std::string why = "/etc/noquattor is there";
  if (auto text = machine.content("/etc/noquattor"))
    if (auto line = base::text::trim(std::string_view(*text).substr(0, 200)); !line.empty() && base::text::valid_utf8(line))
      why += ": " + std::string(line.substr(0, line.find('\n')));
  return why;
}

Result<Runner> Runner::open(Settings settings, MachineMaker make_machine) {
  WEFT_TRY(base::file::make_folders(settings.state, 0755));
  auto cache = WEFT_TRY(fetch::Cache::open(settings.state / "profile"));
  auto journal = WEFT_TRY(journal::Journal::open(settings.state / "journal"));
  auto objects = WEFT_TRY(journal::Objects::open(settings.state / "objects"));
  return Runner(std::move(settings), std::move(make_machine), std::move(cache), std::move(journal), std::move(objects));
}

Result<base::file::Fd> Runner::lock() const {
  for (int tries = 0;; ++tries) {
    auto held = base::file::lock(settings_.state / "lock");
    if (held || held.error().code != Errc::conflict || tries == 300) {
      if (!held) return fail(std::move(held).error().during("waiting for another run of weft-agent"));
      return held;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

Result<fetch::Cached> Runner::due(const journal::State& state) const {
  auto current = cache_.current();
  if (current && !state.pinned_instead.empty() && current->root == state.pinned_instead) {
    if (state.pinned.root.empty()) return fetch::Cached{};
    return cache_.load(state.pinned.root);
  }
  if (!current && current.error().code == Errc::not_found)
    return fail(Errc::not_found, "there is no profile on this node yet", "run: weft-agent once");
  return cache_.load("current");
}

Result<plan::Plan> Runner::make_plan(const journal::State& state, const Target& target, machine::Machine& machine) const {
  plan::Input input;
  input.profile = target.profile;
  input.root = target.id.root;
  input.revision = target.id.revision;
  input.tracked = state.tracked;
  input.owed = state.owed;
  input.new_profile = state.applied.root != target.id.root;
  input.object = [this](const std::string& hash) { return objects_.get(hash); };
  auto registry = component::make_registry();
  return plan::make_plan(input, registry, machine);
}

Result<Preview> Runner::preview(machine::Machine& machine) {
  auto state = WEFT_TRY(journal::load_state(settings_.state_file()));
  // As the real run would after a kill, but only in memory.
  if (auto unfinished = WEFT_TRY(journal_.unfinished())) journal::settle(unfinished->plan, unfinished->marks, state);
  auto cached = WEFT_TRY(due(state));
  Target target{cached.manifest.root.empty() ? nullptr : &cached.profile, {cached.manifest.root, cached.manifest.revision}};
  Preview out;
  out.plan = WEFT_TRY(make_plan(state, target, machine));
  out.held = hold_reason(machine).value_or("");
  return out;
}

Result<RunReport> Runner::run(journal::State& state, const Target& target, bool change_applied) {
  auto begin = Clock::now();
  RunReport report;
  report.root = target.id.root;
  report.revision = target.id.revision;
  report.started = base::text::rfc3339(begin);
  auto machine = WEFT_TRY(make_machine_(settings_));
  auto plan = WEFT_TRY(make_plan(state, target, *machine));
  journal::Execution execution;
  bool applied_before = state.applied == target.id;
  if (auto why = hold_reason(*machine)) {
    report.held = *why;
    execution = journal::outcomes_without_running(plan, *why);
    report.outcome = "noaction";
  } else {
    execution = WEFT_TRY(journal::execute(plan, *machine, journal_, objects_, state, settings_.state_file()));
    bool some = false;
    for (const auto& component : execution.components)
      some = some || component.outcome == Outcome::changed || component.outcome == Outcome::unchanged;
    report.outcome = execution.ok ? "ok" : some ? "partial" : "failed";
    if (execution.ok && change_applied && !applied_before) {
      if (state.applied.root != target.id.root) state.previous = state.applied;
      state.applied = target.id;
      WEFT_TRY(journal::save_state(settings_.state_file(), state));
      cache_.keep_only({state.applied.root, state.previous.root, state.pinned.root});
    }
  }
  report.components = std::move(execution.components);
  report.actions = execution.done;
  report.duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin).count();
  if (report.actions > 0 || report.outcome != "ok" || !applied_before) WEFT_TRY(add_history(settings_.state, report));
  return report;
}

Result<RunReport> Runner::apply() {
  auto held = WEFT_TRY(lock());
  auto state = WEFT_TRY(journal::load_state(settings_.state_file()));
  WEFT_TRY(journal::recover(journal_, state, settings_.state_file()));
  auto cached = WEFT_TRY(due(state));
  Target target{cached.manifest.root.empty() ? nullptr : &cached.profile, {cached.manifest.root, cached.manifest.revision}};
  auto current = cache_.current();
  if (!state.pinned_instead.empty() && current && current->root != state.pinned_instead) {
    state.pinned = {};
    state.pinned_instead.clear();
    WEFT_TRY(journal::save_state(settings_.state_file(), state));
  }
  return run(state, target, true);
}

Result<RunReport> Runner::undo(bool all) {
  auto held = WEFT_TRY(lock());
  auto state = WEFT_TRY(journal::load_state(settings_.state_file()));
  WEFT_TRY(journal::recover(journal_, state, settings_.state_file()));
  auto current = WEFT_TRY(cache_.current());
  if (!all && current.root == state.pinned_instead)
    return fail(Errc::conflict, "an undo is in force already", "weft-agent resume follows the server again");
  journal::Applied back;
  // A profile that failed half-way is undone to the last whole one, a whole one to the one before.
  if (!all) back = state.applied.root == current.root ? state.previous : state.applied;
  if (!all && back.root.empty())
    return fail(Errc::not_found, "no profile was applied before this one",
                "weft-agent undo --all restores the machine as it was before Weft");
  fetch::Cached cached;
  if (!all) cached = WEFT_TRY(cache_.load(back.root));
  state.pinned = back;
  state.pinned_instead = current.root;
  // First of all: a kill from here on continues the undo.
  WEFT_TRY(journal::save_state(settings_.state_file(), state));
  return run(state, {all ? nullptr : &cached.profile, back}, true);
}

Result<> Runner::resume() {
  auto held = WEFT_TRY(lock());
  auto state = WEFT_TRY(journal::load_state(settings_.state_file()));
  if (state.pinned_instead.empty()) return fail(Errc::not_found, "no undo is in force: the node follows the server");
  state.pinned = {};
  state.pinned_instead.clear();
  return journal::save_state(settings_.state_file(), state);
}

}  // namespace agent::run
