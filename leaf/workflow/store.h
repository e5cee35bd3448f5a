// Where runs live. RunStore is what the engine and the API need; PgRunStore keeps it in PostgreSQL (schemas/sql/leaf). Any
// thread. Time is the database's only. Every change by a worker names its lease: Errc::conflict means the lease is lost, nothing
// was written, and the worker must drop the run at once. Errc::timeout means the commit was cut: unknown, so drop the run and
// read again.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "base/pg/pg.h"
#include "base/profile/value.h"
#include "leaf/workflow/definition.h"

namespace leaf::workflow {

struct StepRow {
  std::string step, state, idem_key, message, started_at, ended_at;
  int position = 0, attempts = 0;
  std::int64_t fence = 0;
  base::profile::Value input, before, result;
};

struct Instance {
  std::int64_t id = 0, rev = 0;
  std::string definition, sha256, dedupe_key, subject, state, step, message, created_by, created_at, finished_at;
  int version = 0;
  base::profile::Value vars;
  std::optional<std::string> cancel_by;
  std::string cancel_why;
  std::vector<StepRow> steps;  // by position
  std::vector<std::string> fired_timers;
  struct Signal {
    std::string name, dedupe;
    base::profile::Value body;
  };
  std::vector<Signal> signals;  // not yet consumed, oldest first

  const StepRow* row(std::string_view step) const;
  bool finished() const { return !finished_at.empty(); }
  base::profile::Value to_value() const;  // for the API
};

struct Event {
  std::int64_t rev = 0;
  std::string at, actor, kind, hash;
  base::profile::Value body;
};

struct Lease {
  std::int64_t instance = 0, fence = 0;
  std::string owner;
};

using Hook = std::function<base::Result<>(base::pg::Transaction&)>;

struct StepChange {
  std::string step, state;
  int position = 0;
  bool new_attempt = false;  // counts one more attempt, takes the lease's fence
  bool reset_attempts = false;
  std::optional<base::profile::Value> input, before, result;
  std::string message;
};

// One fenced transaction of a worker: everything in it happens, or nothing.
struct Transition {
  std::string kind;  // of the event
  base::profile::Value body = base::profile::Dict{};
  std::optional<StepChange> step;
  std::optional<std::string> next_step;  // the run is at this step from now on
  std::optional<std::string> state;      // of the run; done, failed and cancelled finish it
  std::optional<std::string> message;
  std::optional<std::chrono::seconds> deadline;  // sets the timer of the step the run is then at
  std::optional<std::string> consume;            // marks the signals of this name as consumed
  Hook hook;                                     // runs first; its error rolls all back and is returned
};

struct StartRequest {
  std::string definition, subject, dedupe_key, created_by;
  base::profile::Value vars = base::profile::Dict{};
};
struct Started {
  std::int64_t id = 0;
  bool joined = false;  // a run with this dedupe key was under way; its id
};

struct StopSwitch {
  bool stopped = true;
  std::string who, why, at;
};

class RunStore {
 public:
  virtual ~RunStore() = default;
  // Errc::conflict when this version exists with another hash: a version never changes.
  virtual base::Result<> install(const Definition& definition) = 0;
  virtual base::Result<std::string> definition_source(std::string_view name, int version, std::string_view sha256) = 0;
  virtual base::Result<Started> start(const StartRequest& request) = 0;

  virtual base::Result<std::optional<Lease>> claim(std::string_view owner, std::chrono::seconds lease) = 0;
  virtual base::Result<> extend(const Lease& lease, std::chrono::seconds by) = 0;
  // Ends the leases of all owners whose name begins so: their process is known to be dead.
  virtual base::Result<> release_leases(std::string_view owner_prefix) = 0;
  // Gives the run back, due again after `wait`, at once when a signal came meanwhile. Not an event.
  virtual base::Result<> park(const Lease& lease, std::chrono::milliseconds wait, std::string_view message,
                              const std::optional<base::profile::Value>& result) = 0;
  virtual base::Result<> apply(const Lease& lease, const Instance& seen, const Transition& transition) = 0;
  // Lease still ours, switch off, not cancelled.
  virtual base::Result<> may_act(const Lease& lease, bool cancel_matters) = 0;
  virtual base::Result<> progress(const Lease& lease, std::string_view step, const base::profile::Value& result) = 0;

  virtual base::Result<Instance> load(std::int64_t id) = 0;  // Errc::not_found
  virtual base::Result<std::vector<Instance>> list(bool finished_too, std::string_view subject,
                                                   int limit) = 0;  // newest first, without steps; subject "": all
  virtual base::Result<std::vector<Event>> events(std::int64_t id) = 0;
  // Recomputes the hash chain and compares its end with the run: Errc::corrupt names the first bad event.
  virtual base::Result<> audit(std::int64_t id) = 0;

  // False: a signal with this dedupe key was there already.
  virtual base::Result<bool> signal(std::int64_t id, std::string_view name, std::string_view dedupe,
                                    const base::profile::Value& body) = 0;
  virtual base::Result<> cancel(std::int64_t id, std::string_view who, std::string_view why) = 0;
  virtual base::Result<int> fire_timers() = 0;
  virtual base::Result<StopSwitch> stop_switch() = 0;
  virtual base::Result<> set_stop(bool stopped, std::string_view who, std::string_view why) = 0;
};

class PgRunStore : public RunStore {
 public:
  explicit PgRunStore(std::shared_ptr<base::pg::Pool> pool) : pool_(std::move(pool)) {}
  base::Result<> install(const Definition& definition) override;
  base::Result<std::string> definition_source(std::string_view name, int version, std::string_view sha256) override;
  base::Result<Started> start(const StartRequest& request) override;
  base::Result<std::optional<Lease>> claim(std::string_view owner, std::chrono::seconds lease) override;
  base::Result<> extend(const Lease& lease, std::chrono::seconds by) override;
  base::Result<> release_leases(std::string_view owner_prefix) override;
  base::Result<> park(const Lease& lease, std::chrono::milliseconds wait, std::string_view message,
                      const std::optional<base::profile::Value>& result) override;
  base::Result<> apply(const Lease& lease, const Instance& seen, const Transition& transition) override;
  base::Result<> may_act(const Lease& lease, bool cancel_matters) override;
  base::Result<> progress(const Lease& lease, std::string_view step, const base::profile::Value& result) override;
  base::Result<Instance> load(std::int64_t id) override;
  base::Result<std::vector<Instance>> list(bool finished_too, std::string_view subject, int limit) override;
  base::Result<std::vector<Event>> events(std::int64_t id) override;
  base::Result<> audit(std::int64_t id) override;
  base::Result<bool> signal(std::int64_t id, std::string_view name, std::string_view dedupe,
                            const base::profile::Value& body) override;
  base::Result<> cancel(std::int64_t id, std::string_view who, std::string_view why) override;
  base::Result<int> fire_timers() override;
  base::Result<StopSwitch> stop_switch() override;
  base::Result<> set_stop(bool stopped, std::string_view who, std::string_view why) override;

 private:
  std::shared_ptr<base::pg::Pool> pool_;
};

// start() and signal() inside a caller's transaction, so that a claim and its run, or a work order and its signal, are one.
base::Result<Started> start_run(base::pg::Transaction& tx, const StartRequest& request);
base::Result<bool> send_signal(base::pg::Transaction& tx, std::int64_t id, std::string_view name, std::string_view dedupe,
                               const base::profile::Value& body);
// Adds the next event of a run, `rev` being the run's new revision.
base::Result<> append_event(base::pg::Transaction& tx, std::int64_t id, std::int64_t rev, std::string_view actor,
                            std::string_view kind, const base::profile::Value& body);

}  // namespace leaf::workflow
