// /software/components/dirperm/paths[]: path, perm, owner (user[:group]), type d|f, initdir[] (skeletons), checkmount.
#include <fmt/format.h>

#include <algorithm>

#include "agent/component/field.h"
#include "agent/component/registry.h"
#include "base/text/text.h"

namespace agent::component {

namespace {

using base::Errc;
using base::fail;
using base::Result;
using plan::Draft;
using plan::Kind;

constexpr std::size_t skeleton_limit = 1000;

class Dirperm final : public plan::Component {
 public:
  std::string_view name() const override { return "dirperm"; }

  Result<> plan(const Value& subtree, Draft& draft) const override {
    const auto* paths = WEFT_TRY(list(subtree, "paths"));
    if (!paths) return {};
    for (std::size_t i = 0; i < paths->size(); ++i) {
      const auto& entry = (*paths)[i];
      auto path = std::string(entry.get_string("path"));
      auto done = one(path, entry, draft);
      if (!done) {
        draft.problem(path.empty() ? fmt::format("paths/{}", i) : path, done.error());
        draft.keep("path:" + path);
      }
    }
    return {};
  }

 private:
  static Result<> one(const std::string& path, const Value& entry, Draft& draft) {
    WEFT_TRY(need_text(entry, "path"));
    WEFT_TRY(plan::check_path(path));
    plan::Attributes attributes;
    attributes.mode = WEFT_TRY(mode(entry, "perm"));
    if (!attributes.mode) return fail(Errc::invalid, "field 'perm' is missing");
    auto owner = WEFT_TRY(owner_group(WEFT_TRY(need_text(entry, "owner"))));
    attributes.owner = owner.owner;
    attributes.group = owner.group;
    auto type = WEFT_TRY(need_text(entry, "type"));
    if (type != "d" && type != "f") return fail(Errc::invalid, "type '" + type + "' is neither d (folder) nor f (file)");
    if (WEFT_TRY(boolean(entry, "checkmount", false))) WEFT_TRY(check_mounted(path, draft));
    auto now = WEFT_TRY(draft.seen().image(path));
    if (type == "f") {
      if (now.kind == Kind::absent)
        WEFT_TRY(draft.file(path, "", attributes));
      else if (now.kind == Kind::file)
        WEFT_TRY(draft.attributes(path, attributes));
      else
        return fail(Errc::conflict, fmt::format("it is a {}, not a file", kind_name(now.kind)));
      return {};
    }
    auto made = WEFT_TRY(draft.folder(path, attributes));
    bool fresh = made >= 0 && now.kind == Kind::absent;
    for (const auto& skeleton : WEFT_TRY(texts(entry, "initdir"))) {
      WEFT_TRY(plan::check_path(skeleton));
      std::size_t count = 0;
      if (fresh) WEFT_TRY(fill(skeleton, path, attributes, draft, count));
    }
    return {};
  }

  // A skeleton is copied into a folder that we make, once; afterwards its content belongs to the owner.
  static Result<> fill(const std::string& from, const std::string& to, const plan::Attributes& owner, Draft& draft,
                       std::size_t& count) {
    for (const auto& name : WEFT_TRY(draft.seen().list(from))) {
      if (++count > skeleton_limit)
        return fail(Errc::exhausted, fmt::format("skeleton {} holds more than {} entries", from, skeleton_limit));
      auto source = from + "/" + name, target = to + "/" + name;
      auto image = WEFT_TRY(draft.seen().image(source));
      plan::Image after = image;
      after.owner = draft.seen().user(owner.owner.empty() ? "0" : owner.owner);
      after.group = draft.seen().group(owner.group.empty() ? "0" : owner.group);
      plan::Action action;
      action.target = target;
      action.why = "from skeleton " + from;
      action.secret = image.kind == Kind::file && !(image.mode & 0004);
      if (image.kind == Kind::folder) {
        action.verb = plan::Verb::make_folder;
        action.after = after;
        draft.act(std::move(action));
        WEFT_TRY(fill(source, target, owner, draft, count));
      } else if (image.kind == Kind::file) {
        action.verb = plan::Verb::write_file;
        action.after = after;
        auto content = WEFT_TRY(draft.seen().content(source));
        draft.act(std::move(action), content);
      } else if (image.kind == Kind::link) {
        action.verb = plan::Verb::link;
        action.after = image;
        draft.act(std::move(action));
      }
    }
    return {};
  }

  // A folder made below a mount point that is not mounted would be hidden later.
  static Result<> check_mounted(const std::string& path, Draft& draft) {
    auto fstab = draft.seen().content("/etc/fstab");
    if (!fstab) return {};
    std::string point;
    for (const auto& line : base::text::split(*fstab, '\n')) {
      std::vector<std::string> fields;
      std::string plain = line.substr(0, line.find('#'));
      std::replace(plain.begin(), plain.end(), '\t', ' ');
      for (auto& field : base::text::split(plain, ' '))
        if (!field.empty()) fields.push_back(std::move(field));
      if (fields.size() < 2 || fields[1] == "/" || fields[1][0] != '/') continue;
      if ((path == fields[1] || path.starts_with(fields[1] + "/")) && fields[1].size() > point.size()) point = fields[1];
    }
    if (point.empty()) return {};
    for (const auto& mount : WEFT_TRY(draft.seen().mounts()))
      if (mount.point == point) return {};
    return fail(Errc::unavailable, fmt::format("its file system {} is in /etc/fstab but not mounted", point), "mount it first");
  }
};

}  // namespace

std::unique_ptr<const plan::Component> make_dirperm() {
  return std::make_unique<Dirperm>();
}

}  // namespace agent::component
