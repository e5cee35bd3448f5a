// What a plain (unquoted) YAML scalar means: YAML 1.2's core schema. Private to this room. Pure, any thread.
#pragma once

#include <string_view>

#include "base/profile/value.h"

namespace base::yaml {

// Refuses what has no value here (.inf, .nan, integers beyond 64 bits) or two meanings among YAML readers (0644).
Result<profile::Value> plain_scalar(std::string_view text);

// True when `text`, written plain, reads back as this very string for YAML 1.2 and 1.1 readers alike.
bool safe_plain(std::string_view text);

}  // namespace base::yaml
