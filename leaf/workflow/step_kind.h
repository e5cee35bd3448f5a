// What the engine needs from a kind of step, and what it gives to it. Implementations are adapters to the world outside
// (profiles, storage, people); one object serves all runs and threads, so it holds no state of a run.
//
// Order of calls: ready -> before -> [reserve in the transaction that writes the intent] -> act -> verify ... -> [conclude in the
// transaction that ends the step]. After a crash with an intent standing: observe -> (act again) -> verify. act() must be safe to
// repeat after observe() said not_done, and, when idempotent(), at any time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/diag/result.h"
#include "base/pg/pg.h"
#include "base/profile/value.h"

namespace leaf::workflow {

struct StepContext {
  std::int64_t instance = 0;
  std::int64_t fence = 0;
  std::string subject;  // the node
  std::string step;
  std::string idem_key;  // the same for every attempt of this step of this run
  std::string created_by;
  int attempts = 0;
  base::profile::Value vars;    // the run's parameters
  base::profile::Value input;   // from the definition
  base::profile::Value before;  // what before() returned
  base::profile::Value result;  // what the last verify() or progress() stored
  // Stop switch off, lease and fence still ours, not cancelled? Ask just before each effect; an Error means: make no further
  // effect.
  std::function<base::Result<>()> may_act;
  // Stores `result` while a long act or verify is under way.
  std::function<base::Result<>(const base::profile::Value&)> progress;
};

enum class Seen { done, not_done, unknown };

struct Verdict {
  bool done = false;
  std::string message;          // what it waits for, or what was verified; shown to people
  base::profile::Value result;  // null: keep
  static Verdict finished(std::string message, base::profile::Value result = {}) {
    return {true, std::move(message), std::move(result)};
  }
  static Verdict pending(std::string message, base::profile::Value result = {}) {
    return {false, std::move(message), std::move(result)};
  }
};

class StepKind {
 public:
  virtual ~StepKind() = default;
  virtual bool idempotent() const { return true; }
  virtual base::Result<Verdict> ready(StepContext&) { return Verdict::finished(""); }
  virtual base::Result<base::profile::Value> before(StepContext&) { return base::profile::Value(base::profile::Dict{}); }
  // Errc::exhausted: not now; the step waits without an intent.
  virtual base::Result<> reserve(base::pg::Transaction&, StepContext&) { return {}; }
  virtual base::Result<Seen> observe(StepContext&) = 0;
  virtual base::Result<> act(StepContext&) = 0;
  virtual base::Result<Verdict> verify(StepContext&) = 0;
  virtual base::Result<> conclude(base::pg::Transaction&, StepContext&) { return {}; }
  // The step has failed for good (until a person decides): in the same transaction.
  virtual base::Result<> gave_up(base::pg::Transaction&, StepContext&, const base::Error&) { return {}; }
  // The step is abandoned half-way (its guard fell): stop what goes on, keep what is done. Repeatable.
  virtual base::Result<> abandon(StepContext&) { return {}; }
  // Undo on cancel. Repeatable.
  virtual base::Result<> compensate(StepContext&) { return {}; }
};

// A predicate over the run's subject.
using Guard = std::function<base::Result<bool>(const StepContext&)>;

struct Registry {
  std::map<std::string, std::shared_ptr<StepKind>, std::less<>> kinds;
  std::map<std::string, Guard, std::less<>> guards;
};

}  // namespace leaf::workflow
