// One rule of the profile: /system/monitoring/rules/<name>. Read by the daemon and, again and on its own, by the privileged
// `weft-sensord actuate`. A Rule belongs to one thread (its expression keeps state).
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/profile/value.h"
#include "monitor/rule/expression.h"

namespace monitor::rule {

struct Actuator {
  std::string unit;  // the one systemd unit it may restart
  int max_runs = 3;
  std::chrono::seconds window{3600}, wait{30}, timeout{60};
};

struct Rule {
  std::string name;
  Expression condition;
  std::string severity = "warning";
  std::string text, procedure, owner;
  std::chrono::seconds period{10}, clear_after{0};
  std::optional<Actuator> actuator;
  bool active = true;
};

// Errc::invalid names rule and field. `value` is the dict below rules/<name>.
base::Result<Rule> read_rule(const std::string& name, const base::profile::Value& value);
// [A-Za-z0-9][A-Za-z0-9_.-]{0,63}
bool valid_rule_name(std::string_view name);

}  // namespace monitor::rule
