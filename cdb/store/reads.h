// Look-ups of an object packed for one column: sorted numbers, as varint differences, zstd. Used by cdb/build. Pure, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"

namespace cdb::store {

// `ids` must be sorted and unique.
std::string encode_reads(const std::vector<std::uint32_t>& ids);
// Errc::corrupt when it is not what encode_reads made.
base::Result<std::vector<std::uint32_t>> decode_reads(std::string_view data);

}  // namespace cdb::store
