// Merkle hashes of a profile. The root hash is what the server signs, the ETag of the profile, and the change id in every log,
// metric and report. Pure functions, any thread.
//
// Format "weft-merkle-1", SHA-256 at every element:
//   null     H("n")                     boolean H("b" + "0"|"1")        long H("i" + decimal)      double H("f" + canonical JSON
//   text) string   H("s" + UTF-8 bytes)       list    H("l" + child hashes, in order, 32 raw bytes each) dict     H("d" + for
//   each key by bytes: 4-byte big-endian length, key, 32-byte child hash)
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/profile/path.h"
#include "base/profile/value.h"

namespace base::profile {

struct Hash {
  std::array<unsigned char, 32> bytes{};
  std::string hex() const;
  static Result<Hash> parse(std::string_view hex);
  friend auto operator<=>(const Hash&, const Hash&) = default;
};

Hash merkle(const Value& value);

// One difference: the smallest subtree that is on one side only, or a leaf (or a type) that changed.
struct Change {
  Path path;
  const Value* before;  // null pointer: added. Points into the argument of diff().
  const Value* after;   // null pointer: removed
};

// In path order; equal trees give none. Lists are compared by index.
std::vector<Change> diff(const Value& before, const Value& after);

}  // namespace base::profile
