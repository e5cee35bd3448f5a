// Whatever parse_json accepts survives being written and read again; whatever it refuses has a place in its message.
#include <cstdint>
#include <cstdlib>

#include "base/profile/hash.h"
#include "base/profile/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace base::profile;
  const auto value = parse_json({reinterpret_cast<const char*>(data), size}, {1u << 20, 64});
  if (!value) {
    if (value.error().message.find("line ") == std::string::npos && value.error().code == base::Errc::invalid) std::abort();
    return 0;
  }
  const auto text = to_json(*value);
  const auto again = parse_json(text);
  if (!again || !(*again == *value) || to_json(*again) != text || merkle(*again) != merkle(*value)) std::abort();
  const auto pretty = parse_json(to_json_pretty(*value));
  if (!pretty || to_json(*pretty) != text || !diff(*value, *pretty).empty()) std::abort();
  return 0;
}
