// zstd (with dictionary) and gzip for stored and served profiles. The only room that includes libzstd and zlib. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/diag/result.h"

namespace base::compress {

std::string zstd(std::string_view data, int level = 3);
// RFC 9842 "dcz": the dictionary is the whole older content; the result carries the dczzstd header with its SHA-256.
std::string dcz(std::string_view data, std::string_view dictionary);
std::string gzip(std::string_view data, int level = 6);  // mtime 0
// Errc::corrupt on bad input, Errc::exhausted when the output would pass `limit`.
Result<std::string> unzstd(std::string_view data, std::size_t limit = 64u << 20);
Result<std::string> undcz(std::string_view data, std::string_view dictionary, std::size_t limit = 64u << 20);
Result<std::string> gunzip(std::string_view data, std::size_t limit = 64u << 20);

}  // namespace base::compress
