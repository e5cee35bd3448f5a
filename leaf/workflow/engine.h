// Drives runs: claims a due one, takes it as far as it goes, gives it back. Engine::turn() is one claim; Runner keeps threads
// that do so, the heartbeats of their leases, and the timers. Used by the role leaf and by tests. All state is in the RunStore,
// so any number of engines on any number of machines may work side by side, and any of them may die at any instant.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/diag/result.h"
#include "leaf/workflow/step_kind.h"
#include "leaf/workflow/store.h"

namespace leaf::workflow {

struct EngineOptions {
  std::chrono::seconds lease{60};
  std::chrono::seconds heartbeat{15};
  std::chrono::milliseconds stopped_poll{5000};  // how often a run asks again while the stop switch is on
  double (*random)() = nullptr;                  // [0, 1) for jitter; default: a real one
  // Unexpected errors of turns, for the log of the program.
  std::function<void(std::int64_t instance, const base::Error&)> on_error;
};

class Engine {
 public:
  Engine(RunStore& store, Registry registry, EngineOptions options);
  Vocabulary vocabulary() const;
  // Claims and drives one run; false when none was due. `owner` is unique to the calling thread.
  base::Result<bool> turn(std::string_view owner);
  // Asks a run to undo itself. Errc::conflict when it is over, or past its point of no return: that is said now, not found out
  // later.
  base::Result<> cancel(std::int64_t id, std::string_view who, std::string_view why);
  const EngineOptions& options() const { return options_; }

 private:
  enum class Next { again, parked };
  struct Turn;
  base::Result<Next> drive(Turn& turn);
  base::Result<Next> begin(Turn& turn);
  base::Result<Next> run_act(Turn& turn);
  base::Result<Next> recover(Turn& turn);
  base::Result<Next> check(Turn& turn);
  base::Result<Next> finish_step(Turn& turn, std::string_view state, std::string_view kind, std::string message,
                                 std::optional<base::profile::Value> result, Hook hook);
  base::Result<Next> give_up(Turn& turn, const base::Error& error, std::string_view state);
  base::Result<Next> blocked(Turn& turn);
  base::Result<Next> compensate(Turn& turn);
  base::Result<Next> retry_later(Turn& turn, const base::Error& error);
  base::Result<Next> park(Turn& turn, std::chrono::milliseconds wait, std::string_view message,
                          const std::optional<base::profile::Value>& result = {});
  base::Result<Definition> definition_of(const Instance& run);

  RunStore& store_;
  Registry registry_;
  EngineOptions options_;
};

class Runner {
 public:
  // Starts `threads` workers; `name` names this process in leases and events.
  Runner(Engine& engine, RunStore& store, std::string name, int threads);
  void wake();  // something may be due
  ~Runner();    // lets turns that are under way end; a turn checks the flag at its effects

 private:
  void work(int number);
  Engine& engine_;
  RunStore& store_;
  std::string name_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
  int wakes_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace leaf::workflow
