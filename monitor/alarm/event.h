// One event of a node, checked. Internal to this room. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/diag/result.h"
#include "base/profile/value.h"

namespace monitor::alarm {

struct Event {
  enum class Kind { raised, cleared, run } kind = Kind::raised;
  std::int64_t seq = 0;
  std::string time, rule, subject, severity, text, procedure, owner, condition, value, why;
  std::string unit, outcome, message;
  std::int64_t run = 0, allowed = 0;
};

struct Events {
  std::string epoch;
  std::vector<Event> events;  // by rising seq
};
base::Result<Events> read_events(const base::profile::Value& body);

}  // namespace monitor::alarm
