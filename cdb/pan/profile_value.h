// The compiler's tree as base::profile knows it. Used by Compiler. Pure.
#pragma once

#include "base/profile/canonical.h"
#include "base/profile/value.h"
#include "cdb/pan/value.h"

namespace cdb::pan {

base::profile::Value to_profile(const Value& value);
// The same as canonical text and hash, without the Value in between. The writer must be clear.
void write_canonical(base::profile::CanonicalWriter& writer, const Value& value);

}  // namespace cdb::pan
