// What a sensor is and which there are. Used by monitor/sensord and `weft-sensord`. A sensor belongs to the sampling thread;
// sample() returns within its own time limits whatever the machine does, and an error concerns this sensor only.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/diag/result.h"
#include "base/profile/value.h"
#include "monitor/metric/sample.h"

namespace monitor::sensor {

// One declared metric. A '*' in the name stands for a part that the kernel chooses (node_memory_*_bytes).
struct Field {
  std::string_view name;
  metric::Kind kind;
  std::string_view labels;  // "cpu,mode", sorted
  std::string_view help;
};

struct OptionSpec {
  std::string_view name;
  base::profile::Type type;
  std::string_view help;
};

// Collects what one sample() measured; the caller stamps the time.
class Output {
 public:
  using LabelText = std::pair<std::string_view, std::string_view>;
  // Label values that are empty or no UTF-8 are left out or replaced: the kernel lets people name devices as they like.
  void put(std::string_view name, metric::Kind kind, double value, std::initializer_list<LabelText> labels = {});
  void put(metric::Sample sample) { samples_.push_back(std::move(sample)); }
  std::vector<metric::Sample>& samples() { return samples_; }

 private:
  std::vector<metric::Sample> samples_;
};

// Where the machine is. Tests point it at recorded trees.
struct Environment {
  std::filesystem::path root = "/";
  std::filesystem::path proc = "/proc";
  std::filesystem::path sys = "/sys";
  std::string bus_address;                 // empty: the system bus
  std::function<void(Output&)> own_state;  // weft_sensord_* from the daemon; may be empty
};

class Sensor {
 public:
  virtual ~Sensor() = default;
  virtual base::Result<> sample(Output& out) = 0;
};

struct Spec {
  std::string_view name;
  int period;      // default, seconds
  bool may_block;  // waits on others (mounts, systemd): sampled after the rest of its tick
  std::span<const Field> fields;
  std::span<const OptionSpec> options;
  base::Result<std::unique_ptr<Sensor>> (*make)(const base::profile::Value& options, const Environment& environment);
};

std::span<const Spec> catalogue();
const Spec* find_spec(std::string_view name);  // null pointer when there is none
// HELP text of a metric any sensor declares, "" else.
std::string_view help(std::string_view metric_name);
const Field* find_field(std::string_view metric_name);

// Checks the options against the spec, then makes the sensor. Errc::invalid names the option.
base::Result<std::unique_ptr<Sensor>> make(const Spec& spec, const base::profile::Value& options, const Environment& environment);

}  // namespace monitor::sensor
