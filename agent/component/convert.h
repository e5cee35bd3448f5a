// metaconfig's `convert` options: the tree of a service changed before it is rendered. Pure.
#pragma once

#include "agent/component/field.h"

namespace agent::component {

// Errc::invalid for unknown options and contradictory ones.
base::Result<Value> convert(const Value& contents, const Value* options);

}  // namespace agent::component
