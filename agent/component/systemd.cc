// /software/components/systemd/unit/<name>: state enabled|disabled|masked, startstop, type, targets, file{config, replace, only}.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "agent/component/registry.h"
#include "agent/component/unit_file.h"
#include "base/profile/path.h"
#include "base/text/text.h"

namespace agent::component {

namespace {

using base::Errc;
using base::fail;
using base::Result;
using plan::Draft;
using plan::Verb;

class Systemd final : public plan::Component {
 public:
  std::string_view name() const override { return "systemd"; }
  std::string why_held(plan::Observed& machine) const override { return machine.why_no_services(); }

  Result<> plan(const Value& subtree, Draft& draft) const override {
    auto unconfigured = WEFT_TRY(text(subtree, "unconfigured", "ignore"));
    if (unconfigured != "ignore")
      return fail(Errc::invalid, fmt::format("unconfigured '{}' would change units that the profile does not name", unconfigured),
                  "set it to 'ignore' and list the units");
    const auto* units = WEFT_TRY(dict(subtree, "unit"));
    if (!units) return {};
    for (const auto& [key, unit] : *units) {
      auto type = std::string(unit.get_string("type", "service"));
      auto name = unit_name(base::profile::unescape(key), type == "sysv" ? "service" : type);
      auto done = one(name, type, unit, draft);
      if (!done) {
        draft.problem(name, done.error());
        draft.keep("unit:" + name);
        draft.keep("path:" + file_of(name, true));
        draft.keep("path:" + file_of(name, false));
      }
    }
    return {};
  }

 private:
  static std::string file_of(const std::string& name, bool replace) {
    return replace ? "/etc/systemd/system/" + name : "/etc/systemd/system/" + name + ".d/weft.conf";
  }

  // Index of the action that changes the unit's file, -1: none.
  static Result<int> unit_file(const std::string& name, const Value& unit, Draft& draft, bool& replaced) {
    const auto* file = unit.get("file");
    if (!file) return -1;
    if (!file->is_dict()) return fail(Errc::invalid, "field 'file' is no dict");
    if (const auto* custom = file->get("custom"); custom && custom->dict() && !custom->dict()->empty())
      return fail(Errc::invalid, "file/custom asks for values computed on the node, which this agent does not",
                  "write them into file/config");
    const auto* config = file->get("config");
    if (!config) return fail(Errc::invalid, "file/config is missing");
    replaced = WEFT_TRY(boolean(*file, "replace", false));
    auto targets = WEFT_TRY(texts(unit, "targets"));
    auto content = WEFT_TRY(unit_file_text(*config, replaced ? targets : std::vector<std::string>()));
    plan::Attributes attributes{0644, "root", "root"};
    return draft.file(file_of(name, replaced), content, attributes, false, {{Verb::reload_units, "systemd"}});
  }

  static Result<> one(const std::string& name, const std::string& type, const Value& unit, Draft& draft) {
    static const std::vector<std::string> types{"service", "target", "socket", "mount", "automount", "timer", "slice", "path"};
    static const std::vector<std::string> states{"enabled", "disabled", "masked"};
    if (!unit.is_dict()) return fail(Errc::invalid, "it is no dict");
    WEFT_TRY(check_unit_name(name));
    if (std::find(types.begin(), types.end(), type) == types.end())
      return fail(Errc::invalid, fmt::format("type '{}' is not managed{}", type, base::text::did_you_mean_suffix(type, types)));
    auto state = WEFT_TRY(text(unit, "state", "enabled"));
    if (std::find(states.begin(), states.end(), state) == states.end())
      return fail(Errc::invalid, fmt::format("unknown state '{}'{}", state, base::text::did_you_mean_suffix(state, states)));
    auto startstop = WEFT_TRY(boolean(unit, "startstop", true));
    auto now = WEFT_TRY(draft.seen().unit(name));
    WEFT_TRY(draft.claim("unit:" + name, base::profile::Dict{{"file_state", Value(now.exists() ? now.unit_file_state : "")},
                                                             {"active", Value(now.active())}}));
    bool replaced = false;
    auto changed = WEFT_TRY(unit_file(name, unit, draft, replaced));
    bool only = unit.get("file") && WEFT_TRY(boolean(*unit.get("file"), "only", false));
    auto because = [&] { return "because " + file_of(name, replaced) + " changed"; };
    // Before anything is started, and owed if we die in between.
    if (changed >= 0) {
      Action reload;
      reload.verb = Verb::reload_units;
      reload.target = "systemd";
      reload.triggers = {changed};
      reload.why = because();
      draft.act(std::move(reload));
    }
    if (only) {
      if (now.active()) draft.notify(Verb::restart, name, {changed}, because());
      return {};
    }
    bool comes = replaced || draft.context().seen.packages_pending();
    if (!now.exists() && !comes) {
      // Nothing to turn off is as good as off.
      if (state == "disabled") return {};
      if (state == "enabled")
        return fail(Errc::not_found, "the unit does not exist on this node",
                    "install the package that brings it, or give file/config with replace");
    }
    switch_state(name, state, now, changed >= 0 && replaced, draft);
    if (!startstop) {
      if (now.active()) draft.notify(Verb::restart, name, {changed}, because());
      return {};
    }
    if (state == "enabled") {
      // It has run when it came; it runs again when its file changes, or when its last run failed.
      bool has_run = now.runs_once && now.active_state == "inactive" && draft.context().tracked.contains("unit:" + name);
      if (has_run)
        draft.notify(Verb::restart, name, {changed}, because());
      else if (!now.active())
        add(Verb::start, name, draft);
      else
        draft.notify(Verb::restart, name, {changed}, because());
    } else if (now.active()) {
      add(Verb::stop, name, draft);
    }
    return {};
  }

  using Action = plan::Action;

  static void add(Verb verb, const std::string& name, Draft& draft) { draft.act({verb, {}, name, {}, {}, {}, {}, {}, false}); }

  static void switch_state(const std::string& name, const std::string& state, const plan::UnitState& now, bool new_file,
                           Draft& draft) {
    // Units without [Install], generated ones and aliases are on by other means.
    static constexpr std::array<std::string_view, 6> settled{"enabled", "static", "alias", "indirect", "generated", "transient"};
    bool masked = now.unit_file_state == "masked" || now.load_state == "masked";
    if (state == "masked") {
      if (!masked) add(Verb::mask, name, draft);
      return;
    }
    if (masked) add(Verb::unmask, name, draft);
    bool on = std::find(settled.begin(), settled.end(), now.unit_file_state) != settled.end();
    // A new [Install] section takes effect only when the unit is enabled again.
    if (state == "enabled" && (!on || masked || (new_file && now.unit_file_state != "enabled"))) add(Verb::enable, name, draft);
    if (state == "disabled" && (now.unit_file_state == "enabled" || now.unit_file_state == "enabled-runtime"))
      add(Verb::disable, name, draft);
  }
};

}  // namespace

std::unique_ptr<const plan::Component> make_systemd() {
  return std::make_unique<Systemd>();
}

}  // namespace agent::component
