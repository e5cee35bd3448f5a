// Rules over time: which subjects are raised, which actuator may run, what must be told to the server. Owned by the sampling
// thread. Every transition is on disk before it shows: state, actuator runs and unsent events are one file, written atomically,
// so a kill -9 neither forgets an alarm, nor repeats one, nor lets an actuator run more often than its rule allows.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/diag/result.h"
#include "base/profile/value.h"
#include "monitor/rule/latest.h"
#include "monitor/rule/rule.h"

namespace monitor::rule {

// What the server is told, in order, by POST /v1/alarm. `body` is the JSON object (kind, rule, subject, state, ...).
struct Event {
  std::int64_t seq = 0;
  base::profile::Value body;
};

// What an actuator run came to.
struct RunResult {
  std::string outcome;  // "ok", "failed", "refused"
  std::string message;
};

class Engine {
 public:
  // Reads the state file; an unreadable one is set aside as FILE.damaged and the engine starts anew (`damaged()` tells why).
  static base::Result<Engine> open(std::filesystem::path file);

  // Alarms of rules that are gone are cleared.
  base::Result<> set_rules(std::vector<Rule> rules, std::int64_t now_ms);

  // Evaluates the rules that are due. Returns rules whose actuator must be started now; each start is already counted and on
  // disk, and finished() must follow. A failing rule (too many series) is skipped and noted in errors().
  base::Result<std::vector<const Rule*>> evaluate(const Latest& latest, std::int64_t now_ms);
  base::Result<> finished(const std::string& rule, const RunResult& result, std::int64_t now_ms);
  // When the next rule is due; nothing without rules.
  std::optional<std::int64_t> next_due_ms() const;

  // Events not yet acknowledged, oldest first; at most `limit`.
  std::vector<Event> pending(std::size_t limit) const;
  base::Result<> acknowledge(std::int64_t seq);
  const std::string& epoch() const { return epoch_; }  // random; with `seq` it identifies an event for ever

  struct Summary {
    std::string rule;
    bool holds = false;
    std::size_t raised = 0;
    std::int64_t runs = 0;  // since the state began
  };
  std::vector<Summary> summaries() const;
  const std::map<std::string, std::string>& errors() const { return errors_; }
  const std::string& damaged() const { return damaged_; }
  std::int64_t dropped_events() const { return dropped_events_; }

 private:
  struct Subject {
    bool raised = false;
    std::int64_t false_since = 0;  // 0: the condition holds
  };
  struct State {
    std::map<std::string, Subject> subjects;
    std::vector<std::int64_t> runs;  // start times, ms, pruned to the longest window
    std::int64_t total_runs = 0;
    bool running = false;  // started, not finished
    bool holds = false;
    std::int64_t last_run = 0;
  };

  explicit Engine(std::filesystem::path file) : file_(std::move(file)) {}
  base::Result<> load(const base::profile::Value& value);
  base::Result<> save();
  void emit(base::profile::Dict body, std::int64_t now_ms);
  void raise(const Rule& rule, const std::string& subject, double value, std::int64_t now_ms, const std::string& why);
  void clear(const std::string& rule, const std::string& subject, std::int64_t now_ms, const std::string& why);
  bool one_rule(Rule& rule, const Latest& latest, std::int64_t now_ms, std::vector<const Rule*>& starts);
  bool settle(const Rule& rule, State& state, const std::vector<Match>& matches, std::int64_t now_ms);

  std::filesystem::path file_;
  std::string epoch_, damaged_;
  std::int64_t seq_ = 0, dropped_events_ = 0;
  std::vector<Rule> rules_;
  std::map<std::string, std::int64_t> due_;
  std::map<std::string, State> states_;
  std::map<std::string, std::string> errors_;
  std::deque<Event> outbox_;
};

}  // namespace monitor::rule
