#include "agent/plan/restore.h"

#include <fmt/format.h>

#include <algorithm>

namespace agent::plan {

namespace {

std::string_view kind_of(const Claim& claim) {
  return std::string_view(claim.key).substr(0, claim.key.find(':'));
}

std::string name_of(const Claim& claim) {
  return claim.key.substr(claim.key.find(':') + 1);
}

// Services stop before their files go, deep paths go before the folders that hold them.
int rank(const Claim& claim) {
  auto kind = kind_of(claim);
  return kind == "unit" ? 0 : kind == "mount" ? 1 : kind == "path" ? 2 : 3;
}

constexpr std::string_view left = "it left the profile";

base::Result<int> restore_path(const Claim& claim, const Input& input, Draft& draft) {
  auto path = name_of(claim);
  WEFT_TRY(check_path(path));
  auto now = WEFT_TRY(draft.seen().image(path));
  auto before = WEFT_TRY(image_from(claim.before));
  if (now == before) return -1;
  if (now.kind == Kind::folder && before.kind != Kind::folder) {
    if (!WEFT_TRY(draft.seen().list(path)).empty()) {
      draft.note(fmt::format("folder {} left the profile but is not empty: kept", path));
      return -1;
    }
  }
  Action action;
  action.target = path;
  action.before = now;
  action.after = before;
  action.why = left;
  action.secret =
      claim.secret || (now.kind == Kind::file && !(now.mode & 0004)) || (before.kind == Kind::file && !(before.mode & 0004));
  std::string content;
  switch (before.kind) {
    case Kind::absent: action.verb = Verb::remove; break;
    case Kind::link: action.verb = Verb::link; break;
    case Kind::folder: action.verb = now.kind == Kind::folder ? Verb::set_attributes : Verb::make_folder; break;
    case Kind::file:
      if (now.kind == Kind::file && now.sha256 == before.sha256) {
        action.verb = Verb::set_attributes;
      } else {
        action.verb = Verb::write_file;
        content = WEFT_TRY(input.object(before.sha256));
      }
      break;
    case Kind::other: return base::fail(base::Errc::conflict, path + " was a device or socket and cannot be restored");
  }
  return draft.act(std::move(action), content);
}

base::Result<int> restore_unit(const Claim& claim, Draft& draft) {
  if (auto why = draft.seen().why_no_services(); !why.empty()) {
    draft.note(claim.key + " not restored: " + why);
    return -1;
  }
  auto name = name_of(claim);
  auto now = WEFT_TRY(draft.seen().unit(name));
  if (!now.exists()) return -1;
  auto add = [&](Verb verb) { return draft.act({verb, {}, name, {}, {}, {}, {}, std::string(left), false}); };
  auto file = claim.before.get_string("file_state");
  auto active = claim.before.get_boolean("active");
  int index = -1;
  if (now.unit_file_state == "masked" && file != "masked") index = add(Verb::unmask);
  if (now.active() && !active) index = add(Verb::stop);
  if (now.unit_file_state == "enabled" && file != "enabled") index = add(Verb::disable);
  if (now.unit_file_state != "enabled" && file == "enabled") index = add(Verb::enable);
  if (now.unit_file_state != "masked" && file == "masked") index = add(Verb::mask);
  if (!now.active() && active) index = add(Verb::start);
  return index;
}

base::Result<int> restore_mount(const Claim& claim, Draft& draft) {
  auto point = name_of(claim);
  for (const auto& mount : WEFT_TRY(draft.seen().mounts()))
    if (mount.point == point && !claim.before.get_boolean("mounted"))
      return draft.act({Verb::unmount, {}, point, {}, {}, {}, {}, std::string(left), false});
  return -1;
}

}  // namespace

void plan_restore(const std::vector<Claim>& orphans, const Input& input, Draft& draft) {
  auto sorted = orphans;
  std::sort(sorted.begin(), sorted.end(),
            [](const Claim& a, const Claim& b) { return rank(a) != rank(b) ? rank(a) < rank(b) : a.key > b.key; });
  PackageRequest request;
  for (const auto& claim : sorted) {
    auto kind = kind_of(claim);
    if (kind == "package") {
      if (!claim.before.get_boolean("installed")) request.remove.push_back(name_of(claim));
      draft.release(claim.key);
      continue;
    }
    auto done = kind == "path"   ? restore_path(claim, input, draft)
                : kind == "unit" ? restore_unit(claim, draft)
                                 : restore_mount(claim, draft);
    if (!done) {
      draft.problem("giving up " + claim.key, done.error());
      draft.keep(claim.key);
      continue;
    }
    draft.release(claim.key);
    for (const auto& notify : claim.notify) {
      if (notify.verb == Verb::command) continue;
      draft.notify(notify.verb, notify.target, {*done}, "because " + name_of(claim) + " left the profile");
    }
  }
  if (!request.remove.empty()) {
    if (auto why = draft.seen().why_no_packages(); !why.empty()) {
      draft.note("packages not removed: " + why);
    } else if (auto plan = draft.seen().resolve(request); !plan) {
      draft.problem("removing packages that left the profile", plan.error());
      for (const auto& name : request.remove) std::erase(draft.released, "package:" + name), draft.keep("package:" + name);
    } else if (!plan->empty()) {
      draft.act({Verb::packages, {}, "packages", {}, {}, plan->to_value(), {}, std::string(left), false});
    }
  }
  draft.finish();
}

}  // namespace agent::plan
