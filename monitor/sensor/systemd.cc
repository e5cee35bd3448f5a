// systemd units: the state of those the profile names, and of every failed one.
#include "monitor/sensor/systemd.h"

#include <array>
#include <optional>
#include <set>

#include "monitor/sensor/parse.h"
#include "monitor/sensor/specs.h"

namespace monitor::sensor {
namespace {

using metric::Kind;

constexpr Field fields[] = {
    {"node_systemd_unit_state", Kind::gauge, "name,state", "Systemd unit"},
    {"node_systemd_units", Kind::gauge, "state", "Summary of systemd unit states"},
};

constexpr OptionSpec options[] = {
    {"units", base::profile::Type::list, "unit names or patterns to report; failed units are always reported"},
};

constexpr std::array<std::string_view, 5> states{"active", "activating", "deactivating", "failed", "inactive"};

class Systemd : public Sensor {
 public:
  Systemd(const Environment& environment, std::vector<std::string> wanted)
      : address_(environment.bus_address), wanted_(std::move(wanted)) {}

  base::Result<> sample(Output& out) override {
    if (!bus_) bus_.emplace(WEFT_TRY(base::bus::Bus::open(address_)));
    auto units = bus_->list_units();
    if (!units) {
      bus_.reset();  // the next tick connects anew
      return base::fail(std::move(units).error().during("listing systemd units"));
    }
    put_units(*units, wanted_, out);
    return {};
  }

 private:
  std::string address_;
  std::vector<std::string> wanted_;
  std::optional<base::bus::Bus> bus_;
};

void put_one(std::string_view name, std::string_view state, Output& out) {
  for (auto candidate : states)
    out.put(fields[0].name, fields[0].kind, candidate == state ? 1 : 0, {{"name", name}, {"state", candidate}});
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
  for (std::size_t i = 0; i < states.size(); ++i) out.put(fields[1].name, fields[1].kind, totals[i], {{"state", states[i]}});
}

const Spec systemd_spec{"systemd",
                        30,
                        true,
                        fields,
                        options,
                        [](const base::profile::Value& o, const Environment& e) -> base::Result<std::unique_ptr<Sensor>> {
                          auto wanted = WEFT_TRY(patterns(o, "units", {}));
                          return std::make_unique<Systemd>(e, std::move(wanted));
                        }};

}  // namespace monitor::sensor
