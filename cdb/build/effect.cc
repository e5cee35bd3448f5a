#include "cdb/build/effect.h"

#include <algorithm>

#include "base/text/text.h"

namespace cdb::build {
namespace {

using base::profile::Dict;
using base::profile::List;
using base::profile::Path;
using base::profile::Value;
using Parts = std::vector<std::string>;

class Forecast {
 public:
  Forecast(const Value& before, const Value& after) : before_(before), after_(after) {}
  Effects out;

  void path(const Path& path) {
    const auto& parts = path.parts();
    const auto at = [&](std::size_t i) { return i < parts.size() ? parts[i] : std::string(); };
    if (at(0) == "system" && at(1) == "kernel") out.reboot.insert(path.display());
    if (at(0) != "software") return;
    if (at(1) == "packages" || at(1) == "repositories" || at(1) == "groups") packages(path);
    if (at(1) != "components" || parts.size() < 3) return;
    const auto component = at(2);
    out.components.insert(component);
    if (component == "grub" || component == "kernel") out.reboot.insert(path.display());
    if (component == "filecopy" && at(3) == "services")
      return each(parts, 4, [&](const std::string&, const Value& file) { restart_of(file); });
    if (component == "metaconfig" && at(3) == "services")
      return each(parts, 4, [&](const std::string&, const Value& file) { daemons_of(file); });
    if (component == "systemd" && at(3) == "unit") return units(parts);
    if (component == "chkconfig" && at(3) == "service") return units(parts);
    const auto* own = element(parts, 3);
    if (own) own_services(*own);
  }

 private:
  // The new value, or the old one where it went.
  const Value* element(const Parts& parts, std::size_t length) const {
    Path path;
    for (std::size_t i = 0; i < std::min(length, parts.size()); ++i) path = path / parts[i];
    const auto* value = base::profile::find(after_, path);
    return value ? value : base::profile::find(before_, path);
  }

  // The entry a path lies in, named by its part `index`; all entries when the path ends above.
  template <class Work>
  void each(const Parts& parts, std::size_t index, const Work& work) {
    if (parts.size() > index) {
      if (const auto* entry = element(parts, index + 1)) work(parts[index], *entry);
      return;
    }
    const auto* folder = element(parts, index);
    if (!folder || !folder->dict()) return;
    for (const auto& [name, entry] : *folder->dict()) work(name, entry);
  }

  static std::string unit(const std::string& name) { return name.find('.') == std::string::npos ? name + ".service" : name; }

  void act(const std::string& name, std::string verb) {
    if (verb == "condrestart" || verb == "stop_sleep_start" || verb == "try-restart") verb = "restart";
    if (verb == "reload-or-restart") verb = "reload";
    auto& now = out.units[unit(name)];
    if (now != "restart") now = std::move(verb);  // the strongest wins
  }

  void restart_of(const Value& file) {
    const std::string command(file.get_string("restart"));
    if (command.empty()) return;
    auto words = base::text::split(command, ' ');
    std::erase(words, std::string());
    const auto program = words.front().substr(words.front().rfind('/') + 1);
    if (program == "systemctl" && words.size() == 3) return act(words[2], words[1]);
    if (program == "service" && words.size() == 3) return act(words[1], words[2]);
    out.commands.insert(command);
  }

  void daemons_of(const Value& holder) {
    const auto* daemons = holder.get("daemons");
    if (!daemons) return;
    if (const auto* dict = daemons->dict()) {
      for (const auto& [name, action] : *dict) act(name, action.is_string() ? *action.string() : "restart");
    } else if (const auto* list = daemons->list()) {
      for (const auto& name : *list) {
        if (name.is_string()) act(*name.string(), "restart");
      }
    }
  }

  void own_services(const Value& component) {
    daemons_of(component);
    for (const auto* field : {"service", "serviceName", "daemon"}) {
      if (const auto name = component.get_string(field); !name.empty()) act(std::string(name), "restart");
    }
  }

  void units(const Parts& parts) {
    each(parts, 4, [&](const std::string& key, const Value& entry) {
      const auto name = base::profile::unescape(key);
      const auto type = entry.get_string("type", "service");
      const auto full = name.find('.') == std::string::npos ? name + "." + std::string(type == "sysv" ? "service" : type) : name;
      if (parts.size() > 5 && parts[5] == "file") return act(full, "restart");
      const auto state = entry.get_string("state");
      const bool gone = state == "masked" || state == "disabled" ||
                        !base::profile::find(after_, Path() / parts[0] / parts[1] / parts[2] / parts[3] / key);
      if (!entry.get("startstop") || entry.get_boolean("startstop", true)) act(full, gone ? "stop" : "start");
    });
  }

  void packages(const Path& path) {
    out.components.insert("spma");
    const auto& parts = path.parts();
    if (parts.size() < 3 || parts[1] != "packages") return;
    const auto name = base::profile::unescape(parts[2]);
    for (const auto* prefix : {"kernel", "linux-image", "grub", "microcode", "systemd", "glibc", "libc6"}) {
      if (name == prefix || (name.starts_with(prefix) && name.size() > std::string_view(prefix).size() &&
                             name[std::string_view(prefix).size()] == '-'))
        out.reboot.insert(path.display());
    }
  }

  const Value& before_;
  const Value& after_;
};

List names(const std::set<std::string>& values) {
  return {values.begin(), values.end()};
}

}  // namespace

Effects effects(std::span<const Path> changed, const Value& before, const Value& after) {
  Forecast forecast(before, after);
  for (const auto& path : changed) forecast.path(path);
  return std::move(forecast.out);
}

Value to_json(const Effects& effects) {
  List units;
  for (const auto& [name, verb] : effects.units) units.emplace_back(Dict{{"unit", name}, {"action", verb}});
  return Dict{{"components", names(effects.components)},
              {"units", std::move(units)},
              {"commands", names(effects.commands)},
              {"reboot", names(effects.reboot)}};
}

}  // namespace cdb::build
