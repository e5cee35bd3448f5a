// /software/components/filecopy/services/<escaped path>: config or source, perms, owner, group, restart, forceRestart, backup.
#include <fmt/format.h>

#include "agent/component/field.h"
#include "agent/component/registry.h"
#include "base/profile/path.h"

namespace agent::component {

namespace {

using base::Result;
using plan::Draft;

class Filecopy final : public plan::Component {
 public:
  std::string_view name() const override { return "filecopy"; }

  Result<> plan(const Value& subtree, Draft& draft) const override {
    const auto* services = WEFT_TRY(dict(subtree, "services"));
    if (!services) return {};
    for (const auto& [key, service] : *services) {
      auto path = base::profile::unescape(key);
      auto done = one(path, service, draft);
      if (!done) {
        draft.problem(path, done.error());
        draft.keep("path:" + path);
        draft.keep("path:" + path + ".old");
      }
    }
    return {};
  }

 private:
  static Result<> one(const std::string& path, const Value& service, Draft& draft) {
    if (!service.is_dict()) return base::fail(base::Errc::invalid, "it is no dict");
    WEFT_TRY(plan::check_path(path));
    const auto* config = service.get("config");
    const auto* source = service.get("source");
    if (!config == !source)
      return base::fail(base::Errc::invalid, "exactly one of the fields 'config' and 'source' must be given");
    std::string content;
    if (config) {
      content = WEFT_TRY(need_text(service, "config"));
    } else {
      auto from = WEFT_TRY(need_text(service, "source"));
      WEFT_TRY(plan::check_path(from));
      content = WEFT_TRY(draft.seen().content(from));
    }
    plan::Attributes attributes;
    attributes.mode = WEFT_TRY(mode(service, "perms"));
    attributes.owner = WEFT_TRY(text(service, "owner"));
    attributes.group = WEFT_TRY(text(service, "group"));
    if (attributes.owner.find(':') != attributes.owner.npos) {
      auto both = WEFT_TRY(owner_group(attributes.owner));
      attributes.owner = both.owner;
      if (attributes.group.empty()) attributes.group = both.group;
    }
    std::optional<Restart> restart;
    if (service.get("restart")) restart = WEFT_TRY(parse_restart(WEFT_TRY(need_text(service, "restart"))));
    std::vector<plan::Notify> notify;
    if (restart && restart->verb != plan::Verb::command) notify.push_back({restart->verb, restart->target});
    auto backup = WEFT_TRY(boolean(service, "backup", true));
    auto force = WEFT_TRY(boolean(service, "forceRestart", false));
    auto sensitive = WEFT_TRY(boolean(service, "sensitive", false));
    auto changed = WEFT_TRY(draft.file(path, content, attributes, sensitive, std::move(notify), backup ? ".old" : ""));
    if (restart) {
      draft.notify(restart->verb, restart->target, {changed}, "because " + path + " changed", restart->detail);
      if (force && changed < 0) {
        // Once for each new profile, not with every run: a second run has nothing to do.
        if (draft.context().new_profile) {
          auto why = "because forceRestart is set for " + path;
          draft.act({restart->verb, {}, restart->target, {}, {}, restart->detail, {}, why, false});
        }
      }
    }
    return {};
  }
};

}  // namespace

std::unique_ptr<const plan::Component> make_filecopy() {
  return std::make_unique<Filecopy>();
}

}  // namespace agent::component
