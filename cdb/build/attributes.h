// The part of a profile that the node list shows (ARCHITECTURE.md, "Node attributes"). Pure, any thread.
#pragma once

#include <string>
#include <vector>

#include "base/profile/hash.h"
#include "cdb/pan/compiler.h"

namespace cdb::build {

base::profile::Value node_attributes(const pan::Output& profile);
base::profile::Value node_attributes(const base::profile::Value& profile);
// The attributes, but for "storage", of the profile that `changes` made into the one with the attributes `after`.
base::profile::Value attributes_before(base::profile::Value after, const std::vector<base::profile::Change>& changes);
// The names a list of nodes may be filtered by.
const std::vector<std::string>& attribute_names();

}  // namespace cdb::build
