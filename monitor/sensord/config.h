// What the profile asks of the node's monitoring: /system/monitoring. README.md has the table. Read by the daemon at start and
// after each change, and by `weft-sensord check-config`. A plain value.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/profile/value.h"
#include "monitor/metric/sample.h"
#include "monitor/rule/rule.h"
#include "monitor/sensor/sensor.h"

namespace monitor::sensord {

struct SensorConfig {
  const sensor::Spec* spec = nullptr;
  std::chrono::seconds period{10};
  base::profile::Value options;
};

struct Config {
  bool active = true;
  std::string push_url;  // empty: the agent's server
  std::chrono::seconds push_period{30};
  metric::Labels labels;
  std::size_t spool_bytes = 64u << 20;
  std::vector<SensorConfig> sensors;
  std::vector<rule::Rule> rules;
  // What could not be understood, one sentence each. The part it concerns is left out or keeps its default; the rest stands.
  std::vector<std::string> errors;
};

// `monitoring` is the subtree, null when the profile has none. Sensors are made once on trial, so their options are checked too.
Config read_config(const base::profile::Value* monitoring, const sensor::Environment& environment);

// The subtree of a cached profile; a missing file is an empty tree, a file that is no JSON an error.
struct ProfileTree {
  base::profile::Value monitoring;
  bool present = false;
};
base::Result<ProfileTree> read_profile(const std::filesystem::path& file);

}  // namespace monitor::sensord
