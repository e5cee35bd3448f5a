// What a roll-out does and when it stops. Read by plan_waves() and decide(), written by administrators as a JSON or YAML
// document:
//
//   waves:                        # in order; what is left over is the last wave, "rest"
//   - {name: canary, nodes: 1, select: {role: disk}, gate: auto, soak: 10m}
//   - {name: tenth, nodes: "10%"}
//   - {name: racks, by: rack}     # one wave for each value of an attribute: a failure domain at a time
//   max_failed: 0                 # of the nodes of one wave, a number or "5%"; more is a regression
//   apply_within: 30m             # a node that has not applied it by then counts as failed
//   on_regression: halt           # or revert
//   silent_after: 15m             # a node not heard of for so long
//   silent: skip                  # is not waited for; or wait, or fail
//   skip_states: [maintenance]    # values of the attribute `state` that are not waited for
//   alarms: true                  # an alarm on a released node that was not there before is a regression
//   window: ["Mon-Fri 09:00-16:00"]   # UTC; waves are released within only
//
// Plain values, any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/diag/result.h"
#include "base/profile/value.h"

namespace cdb::rollout {

// A number of nodes, or a share of them (rounded up, at least one).
struct Amount {
  std::int64_t number = 0;
  bool percent = false;
  std::size_t of(std::size_t all) const;
};

struct Wave {
  std::string name;
  std::optional<Amount> nodes;   // none: all that match
  base::profile::Dict select;    // attribute → pattern with * and ?; all must match
  std::string by;                // attribute; "": one wave
  bool manual = false;           // waits for somebody to release it
  std::chrono::seconds soak{0};  // how long all is to be well before the next wave
};

struct Window {
  int first_day = 0, last_day = 6;  // 0: Monday
  int begin = 0, end = 24 * 60;     // minutes of the day; end not after begin: over midnight
};

struct Policy {
  std::vector<Wave> waves;
  Amount max_failed;
  std::chrono::seconds apply_within{std::chrono::minutes(30)};
  bool revert = false;
  std::chrono::seconds silent_after{std::chrono::minutes(15)};
  enum class Silent : std::uint8_t { skip, wait, fail } silent = Silent::skip;
  std::vector<std::string> skip_states;
  bool alarms = true;
  std::vector<Window> windows;
};

// Errc::invalid names the member at fault, with suggestions.
base::Result<Policy> parse_policy(const base::profile::Value& document);
// No window: always.
bool within(const std::vector<Window>& windows, std::chrono::system_clock::time_point now);

}  // namespace cdb::rollout
