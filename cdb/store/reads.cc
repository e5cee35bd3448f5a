#include "cdb/store/reads.h"

#include <limits>

#include "base/compress/compress.h"

namespace cdb::store {

std::string encode_reads(const std::vector<std::uint32_t>& ids) {
  std::string plain;
  plain.reserve(ids.size() * 2);
  std::uint32_t previous = 0;
  for (const auto id : ids) {
    auto delta = id - previous;
    previous = id;
    for (; delta >= 0x80; delta >>= 7) plain += static_cast<char>(0x80 | (delta & 0x7f));
    plain += static_cast<char>(delta);
  }
  return base::compress::zstd(plain, 1);
}

base::Result<std::vector<std::uint32_t>> decode_reads(std::string_view data) {
  const auto plain = WEFT_TRY(base::compress::unzstd(data, 16u << 20));
  std::vector<std::uint32_t> ids;
  std::uint64_t value = 0, current = 0;
  int shift = 0;
  for (const unsigned char c : plain) {
    value |= static_cast<std::uint64_t>(c & 0x7f) << shift;
    shift += 7;
    if (c & 0x80) {
      if (shift > 28) return base::fail(base::Errc::corrupt, "stored reads: a number is too long");
      continue;
    }
    current += value;
    if (value == 0 || current > std::numeric_limits<std::uint32_t>::max()) {
      return base::fail(base::Errc::corrupt, "stored reads: numbers do not grow");
    }
    ids.push_back(static_cast<std::uint32_t>(current));
    value = 0;
    shift = 0;
  }
  if (shift != 0) return base::fail(base::Errc::corrupt, "stored reads: cut off");
  return ids;
}

}  // namespace cdb::store
