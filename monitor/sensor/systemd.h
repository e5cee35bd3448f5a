// The part of the sensor `systemd` that needs no bus: which units become series. Internal to this room and its tests; pure.
#pragma once

#include <vector>

#include "base/bus/bus.h"
#include "monitor/sensor/sensor.h"

namespace monitor::sensor {

// Five series per wanted or failed unit (one of them 1), and the number of units by state. `wanted` are names or patterns; an
// exact name that systemd has not loaded counts as inactive.
void put_units(const std::vector<base::bus::Unit>& units, const std::vector<std::string>& wanted, Output& out);

}  // namespace monitor::sensor
