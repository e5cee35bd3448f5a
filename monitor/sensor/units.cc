// Which systemd units become series, and how.
#include <array>
#include <set>

#include "monitor/sensor/parse.h"
#include "monitor/sensor/systemd.h"

namespace monitor::sensor {
namespace {

using metric::Kind;

constexpr std::string_view unit_state = "node_systemd_unit_state", units_by_state = "node_systemd_units";
constexpr std::array<std::string_view, 5> states{"active", "activating", "deactivating", "failed", "inactive"};

void put_one(std::string_view name, std::string_view state, Output& out) {
  for (auto candidate : states)
    out.put(unit_state, Kind::gauge, candidate == state ? 1 : 0, {{"name", name}, {"state", candidate}});
}

}  // namespace

void put_units(const std::vector<base::bus::Unit>& units, const std::vector<std::string>& wanted, Output& out) {
  std::array<int, states.size()> totals{};
  std::set<std::string_view> loaded;
  for (const auto& unit : units) {
    // "reloading", "maintenance" and "refreshing" are active units that are busy.
    std::string_view state = unit.active_state;
    if (state == "reloading" || state == "maintenance" || state == "refreshing") state = "active";
    for (std::size_t i = 0; i < states.size(); ++i)
      if (states[i] == state) ++totals[i];
    loaded.insert(unit.name);
    if (state == "failed" || matches_any(wanted, unit.name)) put_one(unit.name, state, out);
  }
  for (const auto& name : wanted)
    if (name.find_first_of("*?") == std::string::npos && !loaded.contains(name)) put_one(name, "inactive", out);
  for (std::size_t i = 0; i < states.size(); ++i) out.put(units_by_state, Kind::gauge, totals[i], {{"state", states[i]}});
}

}  // namespace monitor::sensor
