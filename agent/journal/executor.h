// Executes a plan under the journal: intent, act, read back, done. A component that fails takes only its dependents with it.
// After a kill, settle() turns what the journal says into state, and the next plan continues from what the machine is. Used by
// agent/run. Single-threaded.
#pragma once

#include <functional>

#include "agent/journal/journal.h"
#include "agent/journal/objects.h"
#include "agent/journal/state.h"
#include "agent/machine/machine.h"

namespace agent::journal {

enum class Outcome { unchanged, changed, failed, held, dependency_failed };
std::string_view outcome_name(Outcome outcome);

struct ComponentOutcome {
  std::string name;
  Outcome outcome = Outcome::unchanged;
  std::string message;
  int actions = 0;  // done
};

struct Execution {
  std::vector<ComponentOutcome> components;
  bool ok = true;  // no component failed
  int done = 0;
};

// `state` holds claims and debts as they are after the run; it has been saved to `state_file`. Errors are about the journal
// itself (disk full): the machine may be half-way then, and the next run continues.
base::Result<Execution> execute(plan::Plan& plan, machine::Machine& machine, Journal& journal, const Objects& objects,
                                State& state, const std::filesystem::path& state_file);

// Nothing is executed: outcomes of a plan as it stands (dry run, or everything held for `reason`).
Execution outcomes_without_running(const plan::Plan& plan, const std::string& reason);

// Claims and debts after a run that ended, or was killed, with these marks.
void settle(const plan::Plan& plan, const std::vector<Mark>& marks, State& state);

// Settles and closes what a killed run left. True when there was something.
base::Result<bool> recover(Journal& journal, State& state, const std::filesystem::path& state_file);

}  // namespace agent::journal
