// Whatever the YAML parser accepts renders to text that parses back to the same value.
#include <cstdint>
#include <cstdlib>

#include "base/profile/json.h"
#include "base/yaml/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = base::yaml::parse({reinterpret_cast<const char*>(data), size}, "f", 64u << 10);
  if (!value) return 0;
  const auto again = base::yaml::parse(base::yaml::render(*value), "again", 256u << 20);
  if (!again && again.error().code == base::Errc::exhausted) return 0;
  if (!again || base::profile::to_json(*again) != base::profile::to_json(*value)) std::abort();
  return 0;
}
