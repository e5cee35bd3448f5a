// Renders metaconfig's `contents` as a configuration file. Pure and repeatable: no dates, keys in byte order.
#pragma once

#include "agent/component/field.h"

namespace agent::component {

// Modules json, jsonpretty, yaml, properties, tiny, general. Errc::invalid for others and for trees that the format cannot hold.
base::Result<std::string> render_contents(std::string_view module, const Value& contents);

}  // namespace agent::component
