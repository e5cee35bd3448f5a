#include "agent/plan/overlay.h"

#include <algorithm>

namespace agent::plan {

void Overlay::apply(const Action& action, const std::string& content) {
  switch (action.verb) {
    case Verb::write_file: contents_[action.target] = content; [[fallthrough]];
    case Verb::remove:
    case Verb::link:
    case Verb::make_folder:
    case Verb::set_attributes: images_[action.target] = action.after; break;
    case Verb::packages: packages_pending_ = true; break;
    case Verb::mount:
      mounts_[action.target] = {std::string(action.detail.get_string("device")), action.target,
                                std::string(action.detail.get_string("type"))};
      unmounted_.erase(action.target);
      break;
    case Verb::unmount:
      mounts_.erase(action.target);
      unmounted_[action.target] = true;
      break;
    case Verb::enable:
    case Verb::disable:
    case Verb::mask:
    case Verb::unmask:
    case Verb::start:
    case Verb::stop: {
      auto state = unit(action.target).value_or(UnitState{});
      if (action.verb == Verb::enable) state.unit_file_state = "enabled";
      if (action.verb == Verb::disable || action.verb == Verb::unmask) state.unit_file_state = "disabled";
      if (action.verb == Verb::unmask && state.load_state == "masked") state.load_state = "loaded";
      if (action.verb == Verb::mask) state.unit_file_state = state.load_state = "masked";
      if (action.verb == Verb::start) state.active_state = "active";
      if (action.verb == Verb::stop) state.active_state = "inactive";
      units_[action.target] = state;
      break;
    }
    case Verb::reload_units:
    case Verb::restart:
    case Verb::reload:
    case Verb::command: break;
  }
}

base::Result<Image> Overlay::image(const std::string& path) {
  if (auto it = images_.find(path); it != images_.end()) return it->second;
  return below_->image(path);
}

base::Result<std::string> Overlay::content(const std::string& path) {
  auto it = images_.find(path);
  if (it == images_.end() || (it->second.kind == Kind::file && !contents_.contains(path))) return below_->content(path);
  if (it->second.kind != Kind::file) return base::fail(base::Errc::not_found, path + " will not be a file");
  return contents_[path];
}

base::Result<std::vector<std::string>> Overlay::list(const std::string& folder) {
  auto own = images_.find(folder);
  std::vector<std::string> names;
  if (own == images_.end() || WEFT_TRY(below_->image(folder)).kind == Kind::folder) names = WEFT_TRY(below_->list(folder));
  for (const auto& [path, image] : images_) {
    if (parent_of(path) != folder || path == "/") continue;
    auto name = path.substr(path.rfind('/') + 1);
    auto it = std::find(names.begin(), names.end(), name);
    if (image.kind == Kind::absent && it != names.end()) names.erase(it);
    if (image.kind != Kind::absent && it == names.end()) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

base::Result<UnitState> Overlay::unit(const std::string& name) {
  if (auto it = units_.find(name); it != units_.end()) return it->second;
  return below_->unit(name);
}

base::Result<std::vector<Mount>> Overlay::mounts() {
  auto out = WEFT_TRY(below_->mounts());
  std::erase_if(out, [&](const Mount& mount) { return unmounted_.contains(mount.point) || mounts_.contains(mount.point); });
  for (const auto& [point, mount] : mounts_) out.push_back(mount);
  return out;
}

}  // namespace agent::plan
