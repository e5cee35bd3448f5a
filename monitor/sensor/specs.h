// One Spec per sensor source file; catalogue() lists them. Internal to this room.
#pragma once

#include "monitor/sensor/sensor.h"

namespace monitor::sensor {

extern const Spec cpu_spec, memory_spec, load_spec, vmstat_spec, pressure_spec, disk_spec, filesystem_spec, network_spec,
    systemd_spec, agent_spec, self_spec, time_spec, uname_spec;

}  // namespace monitor::sensor
