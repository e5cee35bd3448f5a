#include "monitor/rule/latest.h"

namespace monitor::rule {

void Latest::update(const std::string& sensor, std::vector<metric::Sample> samples) {
  sensors_[sensor] = std::move(samples);
}

void Latest::forget(const std::string& sensor) {
  sensors_.erase(sensor);
}

std::vector<const metric::Sample*> Latest::named(std::string_view name) const {
  std::vector<const metric::Sample*> out;
  for (const auto& [sensor, samples] : sensors_)
    for (const auto& sample : samples)
      if (sample.series.name == name) out.push_back(&sample);
  return out;
}

}  // namespace monitor::rule
