#include "cdb/build/branch.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "cdb/store/reads.h"

namespace cdb::build {

std::string folder_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string() : std::string(path.substr(0, slash));
}

std::vector<std::string> whole_include_path(const Site& site, const std::map<std::string, std::size_t>& folders) {
  auto out = site.include_path;
  for (const auto& [folder, count] : folders) {
    if (std::find(out.begin(), out.end(), folder) == out.end()) out.push_back(folder);
  }
  return out;
}

base::Result<> Branch::refresh() {
  const auto state = WEFT_TRY(store_->load(name_, head_, index_.size()));
  // Everything that can fail comes before anything is changed.
  std::vector<std::vector<std::uint32_t>> reads;
  for (const auto& object : state.objects) reads.push_back(WEFT_TRY(store::decode_reads(object.reads)));
  std::optional<Site> site = site_;
  for (const auto& file : state.files) {
    if (file.path == Site::file) site = WEFT_TRY(parse_site(*file.content));
  }
  const auto dictionary = static_cast<std::uint32_t>(index_.size()) + static_cast<std::uint32_t>(state.reads.size());
  for (const auto& ids : reads) {
    if (!ids.empty() && ids.back() > dictionary)
      return base::fail(base::Errc::corrupt, "recorded reads refer to look-ups that are not stored");
  }

  std::vector<std::string> paths;
  for (const auto& file : state.files) {
    tree_->put(file.path, {std::make_shared<const std::string>(*file.content), file.hash});
    paths.push_back(file.path);
  }
  for (const auto& path : state.removed) {
    tree_->put(path, {});
    paths.push_back(path);
    if (path == Site::file) site.reset();
  }
  site_ = std::move(site);
  for (const auto& key : state.reads) index_.append(key);
  for (std::size_t i = 0; i < state.objects.size(); ++i) {
    const auto& object = state.objects[i];
    if (object.root) {
      put_object(object.name, {object.path, *object.root, object.revision, {object.role, object.cluster, object.rack}});
      index_.set(object.name, std::move(reads[i]));
    } else {
      drop_object(object.name);
    }
  }
  head_ = state.head;
  sandbox_ = state.sandbox;
  invalidate(paths);
  return {};
}

base::Result<> Branch::begin(const std::string& source, std::int64_t head) {
  const auto state = WEFT_TRY(store_->load(source, head, index_.size()));
  if (state.head != head)
    return base::fail(base::Errc::conflict, fmt::format("branch {} moved to revision {}", source, state.head));
  for (const auto& key : state.reads) index_.append(key);
  return {};
}

const std::string* Branch::object_at(const std::string& path) const {
  const auto place = object_at_.find(path);
  return place == object_at_.end() ? nullptr : &place->second;
}

pan::Compiler& Branch::compiler(const std::vector<std::string>& include_path) {
  if (!compiler_ || compiler_path_ != include_path) {
    pan::Options options;
    options.include_path = include_path;
    compiler_ = std::make_unique<pan::Compiler>(tree_, options);
    compiler_path_ = include_path;
  }
  return *compiler_;
}

void Branch::invalidate(std::span<const std::string> paths) {
  if (compiler_ && !paths.empty()) compiler_->invalidate(paths);
}

void Branch::put_object(const std::string& name, Object object) {
  auto& place = objects_[name];
  if (place.path != object.path) {
    if (!place.path.empty()) forget_file(name, place.path);
    object_at_[object.path] = name;
    ++folders_[folder_of(object.path)];
  }
  place = std::move(object);
}

void Branch::drop_object(const std::string& name) {
  const auto place = objects_.find(name);
  if (place == objects_.end()) return;
  forget_file(name, place->second.path);
  objects_.erase(place);
  index_.remove(name);
}

void Branch::forget_file(const std::string& name, const std::string& path) {
  // The file may be another object's by now.
  if (const auto at = object_at_.find(path); at != object_at_.end() && at->second == name) object_at_.erase(at);
  if (const auto folder = folders_.find(folder_of(path)); folder != folders_.end() && --folder->second == 0)
    folders_.erase(folder);
}

void Branch::adopt(Adopted adopted) {
  for (const auto& name : adopted.removed) drop_object(name);
  for (const auto& key : adopted.fresh) index_.append(key);
  for (auto& [name, object] : adopted.objects) put_object(name, std::move(object));
  for (auto& [name, reads] : adopted.reads) index_.set(name, std::move(reads));
  site_ = std::move(adopted.site);
  head_ = adopted.head;
}

}  // namespace cdb::build
