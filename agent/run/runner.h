// One run: choose the profile from the cache, plan, execute, remember, report. All verbs of weft-agent that look at or change the
// machine go through here. One at a time on a machine (lock file in the state folder). Single-threaded.
#pragma once

#include <functional>

#include "agent/journal/executor.h"
#include "agent/run/settings.h"

namespace agent::run {

struct RunReport {
  std::string root;
  std::int64_t revision = 0;
  std::string outcome;  // ok, partial, failed, noaction
  std::string started;  // RFC 3339
  std::int64_t duration_ms = 0;
  std::vector<journal::ComponentOutcome> components;
  int actions = 0;
  std::string held;  // why nothing was done at all

  base::profile::Value to_value() const;
};

struct Preview {
  plan::Plan plan;
  std::string held;  // why a real run would do nothing
};

class Runner {
 public:
  using MachineMaker = std::function<base::Result<std::unique_ptr<machine::Machine>>(const Settings&)>;
  // Makes the folders of the state; `make_machine` decides what can be managed here.
  static base::Result<Runner> open(Settings settings, MachineMaker make_machine);

  // Finishes what a killed run left, then applies the profile that is due.
  base::Result<RunReport> apply();
  // What apply() would do, by the same planner. Nothing is changed.
  base::Result<Preview> preview(machine::Machine& machine);
  // Back to the profile applied before the current one, or (all) to how the machine was before Weft.
  base::Result<RunReport> undo(bool all);
  // Ends an undo: the next apply follows the server again.
  base::Result<> resume();

  base::Result<journal::State> state() const { return journal::load_state(settings_.state_file()); }
  base::Result<std::unique_ptr<machine::Machine>> machine() const { return make_machine_(settings_); }
  const Settings& settings() const { return settings_; }
  const fetch::Cache& cache() const { return cache_; }

 private:
  struct Target {
    const base::profile::Value* profile = nullptr;
    journal::Applied id;
  };
  Runner(Settings settings, MachineMaker make_machine, fetch::Cache cache, journal::Journal journal, journal::Objects objects)
      : settings_(std::move(settings)),
        make_machine_(std::move(make_machine)),
        cache_(std::move(cache)),
        journal_(std::move(journal)),
        objects_(std::move(objects)) {}
  base::Result<base::file::Fd> lock() const;
  // The profile that is due: the current one, or an earlier one while an undo is in force. Empty manifest text: none at all.
  base::Result<fetch::Cached> due(const journal::State& state) const;
  base::Result<plan::Plan> make_plan(const journal::State& state, const Target& target, machine::Machine& machine) const;
  base::Result<RunReport> run(journal::State& state, const Target& target, bool change_applied);

  Settings settings_;
  MachineMaker make_machine_;
  fetch::Cache cache_;
  journal::Journal journal_;
  journal::Objects objects_;
};

// The text of /etc/noquattor below the root; nothing when there is none.
std::optional<std::string> hold_reason(machine::Machine& machine);

// The real machine under settings.root: whole below "/", files only below another root.
base::Result<std::unique_ptr<machine::Machine>> real_machine(const Settings& settings);

}  // namespace agent::run
