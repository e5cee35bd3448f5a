// systemd over D-Bus (sd-bus): units, unit files, jobs. The only room that includes libsystemd. Used by agent and monitor. A Bus
// belongs to one thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"

namespace base::bus {

struct Unit {
  std::string name, load_state, active_state, sub_state, unit_file_state, result;
  std::uint64_t restarts = 0;
  bool runs_once = false;  // a service that is inactive again when it has succeeded (oneshot without RemainAfterExit)
};

class Bus {
 public:
  // The system bus; `address` overrides it (a container's socket seen from outside).
  static Result<Bus> open(std::string_view address = {});
  Bus(Bus&&) noexcept;
  ~Bus();
  Result<std::vector<Unit>> list_units(const std::vector<std::string>& patterns = {});  // loaded units, no file state
  Result<Unit> unit(std::string_view name);                                             // load_state "not-found" for unknown ones
  Result<> daemon_reload();
  // Job verbs wait for the job's result; a failed job is Errc::unavailable naming the next command to run (journalctl -u ...).
  Result<> start(std::string_view unit, std::chrono::seconds timeout = std::chrono::seconds(90));
  Result<> stop(std::string_view unit, std::chrono::seconds timeout = std::chrono::seconds(90));
  Result<> restart(std::string_view unit, std::chrono::seconds timeout = std::chrono::seconds(90));
  Result<> reload_or_restart(std::string_view unit, std::chrono::seconds timeout = std::chrono::seconds(90));
  Result<> enable(std::string_view unit);
  Result<> disable(std::string_view unit);
  Result<> mask(std::string_view unit);
  Result<> unmask(std::string_view unit);
  Result<> reset_failed(std::string_view unit);

  struct Impl;
  explicit Bus(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

// sd_notify("READY=1" etc.); no-op outside systemd.
void notify(std::string_view state);

}  // namespace base::bus
