// The newest samples of this node, as rules see them. Owned by the sampling thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "monitor/metric/sample.h"

namespace monitor::rule {

class Latest {
 public:
  // All samples of one sensor's tick; what the sensor said before is forgotten, so a vanished row is gone.
  void update(const std::string& sensor, std::vector<metric::Sample> samples);
  void forget(const std::string& sensor);
  std::vector<const metric::Sample*> named(std::string_view name) const;
  const std::map<std::string, std::vector<metric::Sample>>& by_sensor() const { return sensors_; }

 private:
  std::map<std::string, std::vector<metric::Sample>> sensors_;
};

}  // namespace monitor::rule
