// Text of a systemd unit file or drop-in from the profile's `file/config`. Pure.
#pragma once

#include "agent/component/field.h"

namespace agent::component {

// {unit: {Description: ...}, service: {ExecStart: [...]}, install: {...}}; `wanted_by` fills [Install] when there is none.
base::Result<std::string> unit_file_text(const Value& config, const std::vector<std::string>& wanted_by);

}  // namespace agent::component
