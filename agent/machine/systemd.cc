#include <optional>

#include "agent/machine/machine.h"
#include "base/bus/bus.h"

namespace agent::machine {

namespace {

class Systemd final : public Services {
 public:
  base::Result<plan::UnitState> unit(const std::string& name) override {
    auto* bus = WEFT_TRY(connected());
    auto unit = bus->unit(name);
    if (!unit) return lost(std::move(unit).error());
    return plan::UnitState{unit->load_state, unit->active_state, unit->unit_file_state, unit->runs_once};
  }

  base::Result<> act(plan::Verb verb, const std::string& name) override {
    auto* bus = WEFT_TRY(connected());
    auto done = apply(*bus, verb, name);
    if (!done) return lost(std::move(done).error());
    return {};
  }

 private:
  static base::Result<> apply(base::bus::Bus& bus, plan::Verb verb, const std::string& name) {
    using plan::Verb;
    // systemctl too reads the unit files again after it has changed their state.
    auto reread = [&](base::Result<> done) -> base::Result<> {
      if (!done) return done;
      return bus.daemon_reload();
    };
    switch (verb) {
      case Verb::reload_units: return bus.daemon_reload();
      case Verb::enable: return reread(bus.enable(name));
      case Verb::disable: return reread(bus.disable(name));
      case Verb::mask: return reread(bus.mask(name));
      case Verb::unmask: return reread(bus.unmask(name));
      case Verb::start:
        if (auto state = bus.unit(name); state && state->active_state == "failed") (void)bus.reset_failed(name);
        return bus.start(name);
      case Verb::stop: return bus.stop(name);
      case Verb::restart: return bus.restart(name);
      case Verb::reload: return bus.reload_or_restart(name);
      default: return base::fail(base::Errc::internal, "no systemd verb");
    }
  }

  base::Result<base::bus::Bus*> connected() {
    if (!bus_) bus_.emplace(WEFT_TRY(base::bus::Bus::open()));
    return &*bus_;
  }

  tl::unexpected<base::Error> lost(base::Error error) {
    if (error.code == base::Errc::unavailable || error.code == base::Errc::timeout) bus_.reset();
    return base::fail(std::move(error));
  }

  std::optional<base::bus::Bus> bus_;
};

}  // namespace

std::unique_ptr<Services> systemd_services() {
  return std::make_unique<Systemd>();
}

}  // namespace agent::machine
