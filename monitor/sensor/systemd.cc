// systemd units: the state of those the profile names, and of every failed one.
#include "monitor/sensor/systemd.h"

#include <optional>

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

}  // namespace

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
