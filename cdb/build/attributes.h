// The part of a profile that the node list shows (ARCHITECTURE.md, "Node attributes"). Pure, any thread.
#pragma once

#include <string>
#include <vector>

#include "base/profile/value.h"
#include "cdb/pan/compiler.h"

namespace cdb::build {

base::profile::Value node_attributes(const pan::Output& profile);
// The names a list of nodes may be filtered by.
const std::vector<std::string>& attribute_names();

}  // namespace cdb::build
