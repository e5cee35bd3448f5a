// Differences of two canonical JSON texts. Used by cdb/build, where ten thousand profiles change in one leaf each: only what
// differs becomes a Value. Pure, any thread.
#pragma once

#include <deque>
#include <string_view>
#include <vector>

#include "base/profile/hash.h"

namespace base::profile {

struct TextDiff {
  std::deque<Value> values;     // what `changes` point into
  std::vector<Change> changes;  // exactly those of diff() on the parsed texts
};

// Precondition: both are what to_json() writes. Errc::corrupt when one is visibly not JSON, Errc::exhausted when elements that
// both have are nested deeper than parse_json() takes.
Result<TextDiff> diff_canonical(std::string_view before, std::string_view after);

}  // namespace base::profile
