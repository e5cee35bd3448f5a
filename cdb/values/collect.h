// What a revision did to values: profiles before and after in, distinct values and changes out. Used by Recorder. Pure but for
// the profiles that it asks for; works on all CPUs, `fetch` is called by the calling thread only. Failure: that of `fetch`, or
// Errc::corrupt for a stored profile that is none.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/diag/result.h"
#include "base/profile/path.h"
#include "cdb/store/values.h"

namespace cdb::values {

// Appends the leaves at and below `path`.
void flatten(const base::profile::Path& path, const base::profile::Value& value, std::vector<store::Leaf>& out);

// Profiles as they are stored, in the order asked.
using Fetch = std::function<base::Result<std::vector<std::string>>(std::span<const store::Digest> roots)>;
base::Result<store::ValueChanges> collect(std::span<const store::ValueStep::Move> moves, const Fetch& fetch);

}  // namespace cdb::values
