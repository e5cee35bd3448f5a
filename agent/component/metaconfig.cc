// /software/components/metaconfig/services/<escaped path>: module, contents, convert, mode, owner, group, backup, preamble,
// daemons, active.
#include <fmt/format.h>

#include "agent/component/convert.h"
#include "agent/component/registry.h"
#include "agent/component/render.h"
#include "base/profile/path.h"

namespace agent::component {

namespace {

using base::Errc;
using base::fail;
using base::Result;
using plan::Draft;

class Metaconfig final : public plan::Component {
 public:
  std::string_view name() const override { return "metaconfig"; }

  Result<> plan(const Value& subtree, Draft& draft) const override {
    const auto* services = WEFT_TRY(dict(subtree, "services"));
    if (!services) return {};
    for (const auto& [key, service] : *services) {
      auto path = base::profile::unescape(key);
      auto done = one(path, service, draft);
      if (!done) {
        draft.problem(path, done.error());
        draft.keep("path:" + path);
        draft.keep("path:" + path + std::string(service.get_string("backup")));
      }
    }
    return {};
  }

 private:
  struct Daemon {
    plan::Verb verb;
    std::string unit;
    bool only_running;
  };

  static Result<std::vector<Daemon>> daemons_of(const Value& service) {
    std::vector<Daemon> out;
    const auto* daemons = WEFT_TRY(dict(service, "daemons"));
    if (!daemons) return out;
    for (const auto& [name, action] : *daemons) {
      if (!action.string()) return fail(Errc::invalid, "daemons/" + name + " is no string");
      auto unit = unit_name(name);
      WEFT_TRY(check_unit_name(unit));
      const auto& word = *action.string();
      if (word == "restart" || word == "stop_sleep_start")
        out.push_back({plan::Verb::restart, unit, false});
      else if (word == "condrestart")
        out.push_back({plan::Verb::restart, unit, true});
      else if (word == "reload")
        out.push_back({plan::Verb::reload, unit, false});
      else
        return fail(Errc::invalid, fmt::format("daemons/{}: unknown action '{}'", name, word),
                    "use restart, reload, condrestart or stop_sleep_start");
    }
    return out;
  }

  static Result<> one(const std::string& path, const Value& service, Draft& draft) {
    if (!service.is_dict()) return fail(Errc::invalid, "it is no dict");
    WEFT_TRY(plan::check_path(path));
    if (!WEFT_TRY(boolean(service, "active", true))) {
      draft.keep("path:" + path);
      draft.note(path + " is not active");
      return {};
    }
    if (const auto* actions = service.get("actions"); actions && actions->dict() && !actions->dict()->empty())
      return fail(Errc::invalid, "it asks for commands ('actions'), which this agent does not run", "use 'daemons'");
    auto module = WEFT_TRY(need_text(service, "module"));
    const auto* contents = service.get("contents");
    if (!contents) return fail(Errc::invalid, "field 'contents' is missing");
    auto tree = WEFT_TRY(convert(*contents, service.get("convert")));
    auto rendered = WEFT_TRY(render_contents(module, tree));
    auto preamble = WEFT_TRY(text(service, "preamble"));
    if (!preamble.empty() && !preamble.ends_with('\n')) preamble += '\n';
    plan::Attributes attributes;
    attributes.mode = WEFT_TRY(mode(service, "mode")).value_or(0644);
    attributes.owner = WEFT_TRY(text(service, "owner", "root"));
    attributes.group = WEFT_TRY(text(service, "group", "root"));
    auto backup = WEFT_TRY(text(service, "backup"));
    if (backup.find('/') != backup.npos) return fail(Errc::invalid, "backup '" + backup + "' is no suffix of a file name");
    auto sensitive = WEFT_TRY(boolean(service, "sensitive", false));
    auto daemons = WEFT_TRY(daemons_of(service));
    std::vector<plan::Notify> notify;
    for (const auto& daemon : daemons) notify.push_back({daemon.verb, daemon.unit});
    auto changed = WEFT_TRY(draft.file(path, preamble + rendered, attributes, sensitive, std::move(notify), backup));
    if (changed < 0) return {};
    for (const auto& daemon : daemons) {
      if (daemon.only_running && draft.seen().why_no_services().empty() && !WEFT_TRY(draft.seen().unit(daemon.unit)).active())
        continue;
      draft.notify(daemon.verb, daemon.unit, {changed}, "because " + path + " changed");
    }
    return {};
  }
};

}  // namespace

std::unique_ptr<const plan::Component> make_metaconfig() {
  return std::make_unique<Metaconfig>();
}

}  // namespace agent::component
