#include "base/bus/bus.h"

#include <fmt/format.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>

#include <cstring>
#include <map>

namespace base::bus {
namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

constexpr const char* service = "org.freedesktop.systemd1";
constexpr const char* manager_path = "/org/freedesktop/systemd1";
constexpr const char* manager = "org.freedesktop.systemd1.Manager";
constexpr const char* unit_interface = "org.freedesktop.systemd1.Unit";
constexpr std::uint64_t call_timeout_us = 90'000'000;  // daemon-reload of a node with thousands of units takes its time

struct CloseBus {
  void operator()(sd_bus* bus) const { sd_bus_flush_close_unref(bus); }
};
struct UnrefMessage {
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
struct UnrefSlot {
  void operator()(sd_bus_slot* slot) const { sd_bus_slot_unref(slot); }
};
using BusPtr = std::unique_ptr<sd_bus, CloseBus>;
using Message = std::unique_ptr<sd_bus_message, UnrefMessage>;
using Slot = std::unique_ptr<sd_bus_slot, UnrefSlot>;

class BusError {
 public:
  ~BusError() { sd_bus_error_free(&error_); }
  sd_bus_error* get() { return &error_; }
  std::string_view name() const { return error_.name ? error_.name : ""; }
  std::string text(int code) const { return error_.message ? error_.message : std::strerror(-code); }

 private:
  sd_bus_error error_ = SD_BUS_ERROR_NULL;
};

Error translate(const BusError& error, int code, const std::string& doing) {
  const auto made = [&](Errc errc, std::string hint) {
    return Error{errc, fmt::format("cannot {}: {}", doing, error.text(code)), std::move(hint), {}};
  };
  const auto name = error.name();
  const auto is = [&](std::string_view end) { return name.ends_with(end); };
  if (is(".NoSuchUnit") || is(".FileNotFound") || is(".UnknownObject"))
    return made(Errc::not_found, "Check the unit's name and daemon-reload.");
  if (is(".UnitMasked")) return made(Errc::conflict, "The unit is masked: unmask it first.");
  if (is(".AccessDenied") || is(".InteractiveAuthorizationRequired")) return made(Errc::denied, "Run as root.");
  if (is(".InvalidArgs") || is(".LoadFailed") || is(".BadUnitSetting") || code == -EINVAL)
    return made(Errc::invalid, "Check the unit file with systemd-analyze verify.");
  if (is(".FileExists")) return made(Errc::conflict, "A file of that name in /etc/systemd/system is in the way: move it.");
  if (is(".TransactionIsDestructive") || is(".UnitExists")) return made(Errc::conflict, "");
  if (is(".NoReply") || is(".Timeout") || code == -ETIMEDOUT)
    return made(Errc::timeout, "systemd did not answer; whether it acted is unknown.");
  if (code == -EACCES || code == -EPERM) return made(Errc::denied, "Run as root.");
  return made(Errc::unavailable, "Check that systemd and dbus run: systemctl status dbus.");
}

}  // namespace

struct Bus::Impl {
  std::string address;
  BusPtr bus;
  Slot match;
  std::map<std::string, std::string> removed;  // job path → result, since the last job was queued

  Result<> open() {
    if (bus && sd_bus_is_open(bus.get()) > 0) return {};
    match.reset();
    bus.reset();
    sd_bus* raw = nullptr;
    int code = 0;
    if (address.empty()) {
      code = sd_bus_open_system(&raw);
      bus.reset(raw);
    } else {
      code = sd_bus_new(&raw);
      bus.reset(raw);
      if (code >= 0) code = sd_bus_set_address(raw, address.c_str());
      if (code >= 0) code = sd_bus_set_bus_client(raw, 1);
      if (code >= 0) code = sd_bus_start(raw);
    }
    if (code >= 0) return {};
    bus.reset();
    return fail(code == -EACCES || code == -EPERM ? Errc::denied : Errc::unavailable,
                fmt::format("cannot open the system bus{}: {}", address.empty() ? "" : " " + address, std::strerror(-code)),
                "Check that dbus runs: systemctl status dbus.");
  }

  // One call to the manager or, with another path and interface, to an object of it.
  template <class Fill>
  Result<Message> call(const char* path, const char* interface, const char* method, const std::string& doing, Fill fill) {
    WEFT_TRY(open());
    sd_bus_message* raw = nullptr;
    int code = sd_bus_message_new_method_call(bus.get(), &raw, service, path, interface, method);
    const Message request(raw);
    if (code >= 0) code = fill(request.get());
    BusError error;
    sd_bus_message* reply = nullptr;
    if (code >= 0) code = sd_bus_call(bus.get(), request.get(), call_timeout_us, error.get(), &reply);
    Message answer(reply);
    if (code < 0) {
      if (code == -ENOTCONN || code == -ECONNRESET) {
        match.reset();
        bus.reset();
      }
      return fail(translate(error, code, doing));
    }
    return answer;
  }
  Result<Message> manage(const char* method, const std::string& doing) {
    return call(manager_path, manager, method, doing, [](sd_bus_message*) { return 0; });
  }
  Result<Message> manage(const char* method, const std::string& doing, std::string_view unit) {
    return call(manager_path, manager, method, doing,
                [&](sd_bus_message* m) { return sd_bus_message_append(m, "s", std::string(unit).c_str()); });
  }

  Result<std::string> property(const std::string& path, const char* interface, const char* name, const std::string& doing) {
    BusError error;
    char* text = nullptr;
    const int code = sd_bus_get_property_string(bus.get(), service, path.c_str(), interface, name, error.get(), &text);
    if (code < 0) return fail(translate(error, code, doing));
    std::string out(text);
    std::free(text);
    return out;
  }

  static int on_removed(sd_bus_message* message, void* user, sd_bus_error*) {
    std::uint32_t id = 0;
    const char *path = nullptr, *unit = nullptr, *result = nullptr;
    if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) >= 0) static_cast<Impl*>(user)->removed[path] = result;
    return 0;
  }

  // Before the job is queued: the signal of a quick job would be gone otherwise.
  Result<> subscribe() {
    WEFT_TRY(open());
    removed.clear();
    if (match) return {};
    sd_bus_slot* slot = nullptr;
    const int code = sd_bus_match_signal(bus.get(), &slot, service, manager_path, manager, "JobRemoved", on_removed, this);
    match.reset(slot);
    if (code < 0) return fail(translate({}, code, "listen to systemd's jobs"));
    WEFT_TRY(manage("Subscribe", "subscribe to systemd's signals"));
    return {};
  }

  Result<std::string> wait(const std::string& job, std::chrono::seconds timeout, const std::string& doing) {
    const auto deadline = steady_clock::now() + timeout;
    for (;;) {
      int code = 0;
      while ((code = sd_bus_process(bus.get(), nullptr)) > 0) {
      }
      if (const auto found = removed.find(job); found != removed.end()) return found->second;
      const auto left = std::chrono::duration_cast<microseconds>(deadline - steady_clock::now());
      if (code >= 0 && left.count() <= 0) {
        return fail(Errc::timeout, fmt::format("cannot {}: no result within {} s", doing, timeout.count()),
                    "See what it waits for: systemctl list-jobs.");
      }
      if (code >= 0) code = sd_bus_wait(bus.get(), static_cast<std::uint64_t>(left.count()));
      if (code == -EINTR) continue;
      if (code < 0) return fail(translate({}, code, doing + " (the bus broke while waiting)"));
    }
  }

  Result<> job(const char* method, std::string_view verb, std::string_view unit, std::chrono::seconds timeout) {
    const auto doing = fmt::format("{} {}", verb, unit);
    WEFT_TRY(subscribe());
    const auto reply = WEFT_TRY(call(manager_path, manager, method, doing, [&](sd_bus_message* m) {
      return sd_bus_message_append(m, "ss", std::string(unit).c_str(), "replace");
    }));
    const char* path = nullptr;
    if (const int code = sd_bus_message_read(reply.get(), "o", &path); code < 0) return fail(translate({}, code, doing));
    const auto result = WEFT_TRY(wait(path, timeout, doing));
    if (result == "done" || result == "skipped") return {};
    if (result == "canceled")
      return fail(Errc::conflict, fmt::format("cannot {}: another job replaced it", doing),
                  "See systemctl list-jobs, then try again.");
    const auto look = fmt::format("journalctl -u {} -n 50", unit);
    if (result == "timeout")
      return fail(Errc::timeout, fmt::format("cannot {}: it took longer than its unit allows", doing), look);
    if (result == "dependency")
      return fail(Errc::unavailable, fmt::format("cannot {}: a unit that it requires failed", doing),
                  fmt::format("systemctl list-dependencies {}", unit));
    return fail(Errc::unavailable, fmt::format("cannot {}: systemd says \"{}\"", doing, result), look);
  }

  Result<Message> files(const char* method, const std::string& doing, std::string_view unit, std::initializer_list<int> flags) {
    return call(manager_path, manager, method, doing, [&](sd_bus_message* m) {
      int code = sd_bus_message_append(m, "as", 1, std::string(unit).c_str());
      for (const int flag : flags) {
        if (code >= 0) code = sd_bus_message_append(m, "b", flag);
      }
      return code;
    });
  }
};

Bus::Bus(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Bus::Bus(Bus&&) noexcept = default;
Bus::~Bus() = default;

Result<Bus> Bus::open(std::string_view address) {
  auto impl = std::make_unique<Impl>();
  impl->address = address;
  WEFT_TRY(impl->open());
  return Bus(std::move(impl));
}

Result<std::vector<Unit>> Bus::list_units(const std::vector<std::string>& patterns) {
  const std::string doing = "list the units";
  const auto reply = WEFT_TRY(impl_->call(manager_path, manager, "ListUnitsByPatterns", doing, [&](sd_bus_message* m) {
    int code = sd_bus_message_append(m, "as", 0);
    if (code >= 0) code = sd_bus_message_open_container(m, 'a', "s");
    for (const auto& pattern : patterns) {
      if (code >= 0) code = sd_bus_message_append(m, "s", pattern.c_str());
    }
    return code < 0 ? code : sd_bus_message_close_container(m);
  }));
  std::vector<Unit> out;
  int code = sd_bus_message_enter_container(reply.get(), 'a', "(ssssssouso)");
  while (code >= 0) {
    const char *name, *description, *load, *active, *sub, *following, *path, *job_type, *job_path;
    std::uint32_t job_id = 0;
    code = sd_bus_message_read(reply.get(), "(ssssssouso)", &name, &description, &load, &active, &sub, &following, &path, &job_id,
                               &job_type, &job_path);
    if (code == 0) return out;
    if (code > 0) out.push_back(Unit{name, load, active, sub, {}, {}});
  }
  return fail(translate({}, code, doing));
}

Result<Unit> Bus::unit(std::string_view name) {
  const auto doing = fmt::format("read unit {}", name);
  const auto reply = WEFT_TRY(impl_->manage("LoadUnit", doing, name));
  const char* object = nullptr;
  if (const int code = sd_bus_message_read(reply.get(), "o", &object); code < 0) return fail(translate({}, code, doing));
  const std::string path = object;
  Unit unit;
  unit.name = name;
  unit.load_state = WEFT_TRY(impl_->property(path, unit_interface, "LoadState", doing));
  unit.active_state = WEFT_TRY(impl_->property(path, unit_interface, "ActiveState", doing));
  unit.sub_state = WEFT_TRY(impl_->property(path, unit_interface, "SubState", doing));
  // The unit's own property is as old as the last daemon-reload; this reads the disk.
  if (auto state = impl_->manage("GetUnitFileState", doing, name)) {
    const char* text = nullptr;
    if (sd_bus_message_read(state->get(), "s", &text) >= 0) unit.unit_file_state = text;
  } else if (state.error().code != Errc::not_found) {
    return fail(std::move(state).error());
  }
  if (name.ends_with(".service") && unit.load_state != "not-found") {
    constexpr const char* interface = "org.freedesktop.systemd1.Service";
    unit.result = WEFT_TRY(impl_->property(path, interface, "Result", doing));
    std::uint32_t restarts = 0;
    BusError error;
    const int code =
        sd_bus_get_property_trivial(impl_->bus.get(), service, path.c_str(), interface, "NRestarts", error.get(), 'u', &restarts);
    if (code < 0) return fail(translate(error, code, doing));
    unit.restarts = restarts;
    int remains = 0;
    if (WEFT_TRY(impl_->property(path, interface, "Type", doing)) == "oneshot") {
      const int read = sd_bus_get_property_trivial(impl_->bus.get(), service, path.c_str(), interface, "RemainAfterExit",
                                                   error.get(), 'b', &remains);
      if (read < 0) return fail(translate(error, read, doing));
      unit.runs_once = !remains;
    }
  }
  return unit;
}

Result<> Bus::daemon_reload() {
  WEFT_TRY(impl_->manage("Reload", "reload systemd's unit files"));
  return {};
}

Result<> Bus::start(std::string_view unit, std::chrono::seconds timeout) {
  return impl_->job("StartUnit", "start", unit, timeout);
}
Result<> Bus::stop(std::string_view unit, std::chrono::seconds timeout) {
  return impl_->job("StopUnit", "stop", unit, timeout);
}
Result<> Bus::restart(std::string_view unit, std::chrono::seconds timeout) {
  return impl_->job("RestartUnit", "restart", unit, timeout);
}
Result<> Bus::reload_or_restart(std::string_view unit, std::chrono::seconds timeout) {
  return impl_->job("ReloadOrRestartUnit", "reload or restart", unit, timeout);
}

Result<> Bus::enable(std::string_view unit) {
  const auto doing = fmt::format("enable {}", unit);
  const auto reply = WEFT_TRY(impl_->files("EnableUnitFiles", doing, unit, {0, 0}));
  int installable = 0;
  if (const int code = sd_bus_message_read(reply.get(), "b", &installable); code < 0) return fail(translate({}, code, doing));
  if (!installable) {
    return fail(Errc::invalid, fmt::format("cannot {}: the unit has no [Install] section, so nothing would start it", doing),
                "Add WantedBy=multi-user.target, or start it without enabling it.");
  }
  return daemon_reload();
}
Result<> Bus::disable(std::string_view unit) {
  WEFT_TRY(impl_->files("DisableUnitFiles", fmt::format("disable {}", unit), unit, {0}));
  return daemon_reload();
}
Result<> Bus::mask(std::string_view unit) {
  WEFT_TRY(impl_->files("MaskUnitFiles", fmt::format("mask {}", unit), unit, {0, 0}));
  return daemon_reload();
}
Result<> Bus::unmask(std::string_view unit) {
  WEFT_TRY(impl_->files("UnmaskUnitFiles", fmt::format("unmask {}", unit), unit, {0}));
  return daemon_reload();
}
Result<> Bus::reset_failed(std::string_view unit) {
  WEFT_TRY(impl_->manage("ResetFailedUnit", fmt::format("reset the failure of {}", unit), unit));
  return {};
}

void notify(std::string_view state) {
  sd_notify(0, std::string(state).c_str());
}

}  // namespace base::bus
