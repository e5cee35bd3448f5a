#include "cdb/build/attributes.h"

#include <array>
#include <utility>

namespace cdb::build {
namespace {

constexpr std::array<std::pair<const char*, const char*>, 9> table{{{"role", "/system/role"},
                                                                    {"cluster", "/system/cluster/name"},
                                                                    {"state", "/system/state"},
                                                                    {"rack", "/hardware/sysloc/rack"},
                                                                    {"power_feed", "/hardware/sysloc/power_feed"},
                                                                    {"unit", "/hardware/sysloc/unit"},
                                                                    {"room", "/hardware/sysloc/room"},
                                                                    {"serial", "/hardware/serialnumber"},
                                                                    {"ip", "/system/network/primary_ip"}}};

}  // namespace

base::profile::Value node_attributes(const pan::Output& profile) {
  base::profile::Dict out;
  for (const auto& [name, path] : table) {
    auto value = profile.find(path);
    if (value && value->is_leaf()) out[name] = std::move(*value);
  }
  if (auto storage = profile.find("/software/components/storage")) out["storage"] = std::move(*storage);
  return out;
}

const std::vector<std::string>& attribute_names() {
  static const auto names = [] {
    std::vector<std::string> out;
    for (const auto& row : table) out.emplace_back(row.first);
    return out;
  }();
  return names;
}

}  // namespace cdb::build
