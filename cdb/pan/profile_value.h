// The compiler's tree to and from base::profile values. Used by Compiler. Pure.
#pragma once

#include "base/profile/value.h"
#include "cdb/pan/value.h"

namespace cdb::pan {

base::profile::Value to_profile(const Value& value);

}  // namespace cdb::pan
