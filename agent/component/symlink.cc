// /software/components/symlink/links[]: name, target, exists, delete, replace{all,dir,dirempty,file,link,none}; options the same.
#include <fmt/format.h>

#include "agent/component/field.h"
#include "agent/component/registry.h"

namespace agent::component {

namespace {

using base::Errc;
using base::fail;
using base::Result;
using plan::Draft;
using plan::Kind;

class Symlink final : public plan::Component {
 public:
  std::string_view name() const override { return "symlink"; }

  Result<> plan(const Value& subtree, Draft& draft) const override {
    static const Value none = base::profile::Dict{};
    const auto* options = subtree.get("options");
    const auto* links = WEFT_TRY(list(subtree, "links"));
    if (!links) return {};
    for (std::size_t i = 0; i < links->size(); ++i) {
      const auto& link = (*links)[i];
      auto path = std::string(link.get_string("name"));
      auto done = one(path, link, options ? *options : none, draft);
      if (!done) {
        draft.problem(path.empty() ? fmt::format("links/{}", i) : path, done.error());
        draft.keep("path:" + path);
      }
    }
    return {};
  }

 private:
  static Result<bool> may_replace(const Value& link, const Value& options, std::string_view what, bool fallback) {
    for (const auto* holder : {&link, &options})
      if (const auto* replace = holder->get("replace")) {
        if (WEFT_TRY(boolean(*replace, "none", false))) return false;
        if (replace->get(what)) return boolean(*replace, what, false);
        if (WEFT_TRY(boolean(*replace, "all", false))) return true;
        if (what == "dirempty" && WEFT_TRY(boolean(*replace, "dir", false))) return true;
      }
    return fallback;
  }

  static Result<> one(const std::string& path, const Value& link, const Value& options, Draft& draft) {
    WEFT_TRY(need_text(link, "name"));
    WEFT_TRY(plan::check_path(path));
    auto now = WEFT_TRY(draft.seen().image(path));
    if (WEFT_TRY(boolean(link, "delete", false))) {
      if (now.kind != Kind::absent && now.kind != Kind::link)
        return fail(Errc::conflict, fmt::format("it is a {}, not a link: not removed", kind_name(now.kind)));
      WEFT_TRY(draft.remove(path));
      return {};
    }
    auto target = WEFT_TRY(need_text(link, "target"));
    if (target.find("@@") != target.npos)
      return fail(Errc::invalid, "target '" + target + "' asks for the output of a command, which a profile cannot",
                  "write the target itself into the template");
    bool must_exist = WEFT_TRY(boolean(link, "exists", WEFT_TRY(boolean(options, "exists", false))));
    if (must_exist) {
      auto real = target.starts_with('/') ? target : plan::parent_of(path) + "/" + target;
      if (real.find("/../") == real.npos && WEFT_TRY(draft.seen().image(real)).kind == Kind::absent)
        return fail(Errc::not_found, "its target " + target + " does not exist");
    }
    switch (now.kind) {
      case Kind::absent: break;
      case Kind::link:
        if (now.target != target && !WEFT_TRY(may_replace(link, options, "link", true)))
          return fail(Errc::conflict, "it is a link to " + now.target + " and replace/link is 'no'");
        break;
      case Kind::file:
        if (!WEFT_TRY(may_replace(link, options, "file", false)))
          return fail(Errc::conflict, "it is a file", "set replace/file to 'yes' to replace it");
        break;
      case Kind::folder:
        if (!WEFT_TRY(draft.seen().list(path)).empty())
          return fail(Errc::conflict, "it is a folder with content: not replaced", "empty it by hand");
        if (!WEFT_TRY(may_replace(link, options, "dirempty", false)))
          return fail(Errc::conflict, "it is an empty folder", "set replace/dirempty to 'yes' to replace it");
        break;
      case Kind::other: return fail(Errc::conflict, "it is a device or socket: not replaced");
    }
    WEFT_TRY(draft.link(path, target));
    return {};
  }
};

}  // namespace

std::unique_ptr<const plan::Component> make_symlink() {
  return std::make_unique<Symlink>();
}

}  // namespace agent::component
