// storage: directories of the node's file systems (mounted when a device is given), the labels file /etc/weft/storage.json with
// pool, geotag, proxy groups and state, and the serving unit when no other component keeps it.
#include <fmt/format.h>

#include <algorithm>

#include "agent/component/field.h"
#include "agent/component/registry.h"
#include "base/profile/json.h"
#include "base/profile/path.h"

namespace agent::component {

namespace {

using base::Errc;
using base::fail;
using base::Result;
using plan::Draft;
using plan::Verb;

class Storage final : public plan::Component {
 public:
  std::string_view name() const override { return "storage"; }

  Result<> plan(const Value& subtree, Draft& draft) const override {
    auto role = WEFT_TRY(need_text(subtree, "role"));
    auto state = std::string("production");
    if (const auto* found = base::profile::find(draft.context().profile, "/system/state"); found && found->string())
      state = *found->string();
    Value labels = base::profile::Dict{};
    for (const auto* key : {"pool", "geotag", "driver"})
      if (auto value = WEFT_TRY(text(subtree, key)); !value.empty()) labels[key] = value;
    labels["role"] = role;
    labels["state"] = state;
    // In any state but production the data may be read and moved away, not added to.
    labels["read_only"] = state != "production";
    auto groups = WEFT_TRY(texts(subtree, "proxy_groups"));
    labels["proxy_groups"] = base::profile::List(groups.begin(), groups.end());
    const auto* filesystems = WEFT_TRY(dict(subtree, "filesystems"));
    if (!filesystems || filesystems->empty()) return fail(Errc::invalid, "field 'filesystems' is missing or empty");
    labels["filesystems"] = base::profile::Dict{};
    for (const auto& [key, filesystem] : *filesystems) {
      // The schema's key is the escaped mount path; LEAF finds the file system by the same.
      auto path = base::profile::unescape(key);
      auto done = one(path, filesystem, draft);
      if (!done) {
        draft.problem("filesystem " + path, done.error());
        draft.keep("path:" + path);
        draft.keep("mount:" + path);
        continue;
      }
      labels["filesystems"][path.substr(path.rfind('/') + 1)] = base::profile::Dict{{"path", path}};
    }
    auto unit = WEFT_TRY(text(subtree, "service"));
    auto changed = WEFT_TRY(draft.file("/etc/weft/storage.json", base::profile::to_json_pretty(labels), {0644, "root", "root"}));
    if (!unit.empty()) WEFT_TRY(keep_running(unit_name(unit), changed, draft));
    return {};
  }

 private:
  static Result<> one(const std::string& path, const Value& filesystem, Draft& draft) {
    if (!filesystem.is_dict()) return fail(Errc::invalid, "it is no dict");
    if (!path.starts_with('/'))
      return fail(Errc::invalid, "'" + path + "' is no absolute mount path", "write it as {/data/01} in the template's path");
    WEFT_TRY(plan::check_path(path));
    plan::Attributes attributes;
    attributes.mode = WEFT_TRY(mode(filesystem, "mode")).value_or(0755);
    auto owner = WEFT_TRY(owner_group(WEFT_TRY(text(filesystem, "owner", "root:root"))));
    attributes.owner = owner.owner;
    attributes.group = WEFT_TRY(text(filesystem, "group", owner.group.empty() ? "root" : owner.group));
    auto device = WEFT_TRY(text(filesystem, "device"));
    auto type = WEFT_TRY(text(filesystem, "type", device.empty() ? "none" : "auto"));
    if (device.empty() || type == "none") {
      WEFT_TRY(draft.folder(path, attributes));
      return {};
    }
    if (!device.starts_with("/dev/") && !device.starts_with("LABEL=") && !device.starts_with("UUID="))
      return fail(Errc::invalid, "device '" + device + "' is neither below /dev nor LABEL= nor UUID=");
    return mounted(path, device, type, WEFT_TRY(text(filesystem, "mountopts", "defaults")), attributes, draft);
  }

  static Result<> mounted(const std::string& path, const std::string& device, const std::string& type, const std::string& options,
                          const plan::Attributes& attributes, Draft& draft) {
    if (auto why = draft.seen().why_no_mounts(); !why.empty()) {
      draft.note(fmt::format("{} not mounted on {}: {}", device, path, why));
      WEFT_TRY(draft.folder(path, attributes));
      return {};
    }
    bool is_mounted = false;
    for (const auto& mount : WEFT_TRY(draft.seen().mounts())) {
      if (mount.point != path) continue;
      is_mounted = true;
      if (device.starts_with("/dev/") && mount.device != device && !device.starts_with("/dev/disk/") &&
          !device.starts_with("/dev/mapper/"))
        return fail(Errc::conflict, fmt::format("{} is mounted there, not {}", mount.device, device),
                    "unmount it by hand: Weft does not take data away");
    }
    WEFT_TRY(draft.claim("mount:" + path, base::profile::Dict{{"mounted", Value(is_mounted)}}));
    // Owner and mode are those of the mounted file system: they can be looked at only when it is there.
    if (is_mounted) {
      WEFT_TRY(draft.folder(path, attributes));
      return {};
    }
    WEFT_TRY(draft.folder(path, {}));
    draft.act({Verb::mount,
               {},
               path,
               {},
               {},
               base::profile::Dict{{"device", device}, {"type", type}, {"options", options}},
               {},
               {},
               false});
    draft.note("owner and mode of " + path + " are set by the next run, when it is mounted");
    return {};
  }

  static Result<> keep_running(const std::string& unit, int labels_changed, Draft& draft) {
    WEFT_TRY(check_unit_name(unit));
    if (auto why = draft.seen().why_no_services(); !why.empty()) {
      draft.note(unit + " not looked after: " + why);
      return {};
    }
    auto bare = unit.substr(0, unit.rfind('.'));
    for (const auto& key : {base::profile::escape(bare), base::profile::escape(unit), bare, unit})
      if (const auto* units = base::profile::find(draft.context().profile, "/software/components/systemd/unit");
          units && units->get(key)) {
        auto now = WEFT_TRY(draft.seen().unit(unit));
        if (now.active()) draft.notify(Verb::reload, unit, {labels_changed}, "because the labels changed");
        return {};
      }
    auto now = WEFT_TRY(draft.seen().unit(unit));
    WEFT_TRY(draft.claim("unit:" + unit,
                         base::profile::Dict{{"file_state", Value(now.unit_file_state)}, {"active", Value(now.active())}}));
    if (!now.exists() && !draft.context().seen.packages_pending())
      return fail(Errc::not_found, unit + " does not exist on this node",
                  "install the package that brings it, or describe it in the component systemd");
    if (!now.active())
      draft.act({Verb::start, {}, unit, {}, {}, {}, {}, {}, false});
    else
      draft.notify(Verb::reload, unit, {labels_changed}, "because the labels changed");
    return {};
  }
};

}  // namespace

std::unique_ptr<const plan::Component> make_storage() {
  return std::make_unique<Storage>();
}

}  // namespace agent::component
