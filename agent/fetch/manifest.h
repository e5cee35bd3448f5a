// The signed manifest of a profile: `v=1;node=NODE;revision=N;root=HEX;sig=BASE64`. Used by the fetcher. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/diag/result.h"

namespace agent::fetch {

struct Manifest {
  std::string node;
  std::int64_t revision = 0;
  std::string root;       // 64 hex digits
  std::string signature;  // raw
  std::string text;       // as it came
};

// Errc::corrupt for anything that is not exactly the format.
base::Result<Manifest> parse_manifest(std::string_view text);
// Errc::corrupt: bad signature; Errc::denied: another node's manifest.
base::Result<> verify_manifest(const Manifest& manifest, std::string_view node, std::string_view signing_key_pem);

}  // namespace agent::fetch
