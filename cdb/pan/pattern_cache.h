// Constant regular expressions compiled once for all templates: the same few patterns stand in hundreds of type definitions.
// Used by the builder, any thread. Errors are java::Regex's and are not kept.
#pragma once

#include <memory>
#include <string_view>

#include "base/diag/result.h"
#include "cdb/pan/java/java.h"

namespace cdb::pan {

// Holders keep their pattern; the cache forgets all of its own now and then.
base::Result<std::shared_ptr<const java::Regex>> compiled_pattern(std::string_view pattern, std::string_view flags = {});

}  // namespace cdb::pan
