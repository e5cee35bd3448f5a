// YAML in (settings, workflows) and out (metaconfig's yaml renderer) as profile::Value. The only room that includes yaml-cpp.
// Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/profile/value.h"

namespace base::yaml {

// YAML 1.2 core types: plain true/false/null, integers, floats; quoted scalars stay strings. Errc::invalid names
// NAME:line:column. Anchors are resolved; duplicate keys, tags and documents over `limit` bytes are refused.
Result<profile::Value> parse(std::string_view text, std::string_view name, std::size_t limit = 4u << 20);
// Block style, two spaces, strings quoted where a reader could take them for something else.
std::string render(const profile::Value& value);

}  // namespace base::yaml
