#include "cdb/build/attributes.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/profile/path.h"
#include "base/text/text.h"

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

template <class Find>
base::profile::Value collect(const Find& find) {
  base::profile::Dict out;
  for (const auto& [name, path] : table) {
    auto value = find(path);
    if (value && value->is_leaf()) out[name] = std::move(*value);
  }
  if (auto storage = find("/software/components/storage")) out["storage"] = std::move(*storage);
  return out;
}

}  // namespace

base::profile::Value node_attributes(const pan::Output& profile) {
  return collect([&](const char* path) { return profile.find(path); });
}

base::profile::Value node_attributes(const base::profile::Value& profile) {
  return collect([&](const char* path) -> std::optional<base::profile::Value> {
    const auto* value = base::profile::find(profile, std::string_view(path));
    return value ? std::optional(*value) : std::nullopt;
  });
}

base::profile::Value attributes_before(base::profile::Value after, const std::vector<base::profile::Change>& changes) {
  for (const auto& [name, text] : table) {
    const auto parts = base::text::split(std::string_view(text).substr(1), '/');
    for (const auto& change : changes) {
      const auto& at = change.path.parts();
      if (at.size() > parts.size() || !std::equal(at.begin(), at.end(), parts.begin())) continue;
      const auto* value = change.before;
      for (auto i = at.size(); value && i < parts.size(); ++i) value = value->get(parts[i]);
      if (value && value->is_leaf()) {
        after[name] = *value;
      } else if (auto* dict = after.dict()) {
        dict->erase(name);
      }
    }
  }
  return after;
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
