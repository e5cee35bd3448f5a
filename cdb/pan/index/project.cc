#include "cdb/pan/index/project.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <set>

#include "base/file/file.h"

namespace cdb::pan::index {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestFile = 32u << 20;

void walk(const fs::path& folder, std::set<std::pair<dev_t, ino_t>>& seen, std::vector<std::string>& out) {
  struct stat info {};
  if (stat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return;
  if (!seen.insert({info.st_dev, info.st_ino}).second) return;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with('.')) continue;
    std::error_code ignored;
    if (entry->is_directory(ignored)) {
      walk(entry->path(), seen, out);
    } else if (name.ends_with(".pan") || name.ends_with(".tpl")) {
      out.push_back(entry->path().string());
    }
  }
}

}  // namespace

std::string absolute_path(std::string_view path, std::string_view base) {
  fs::path out(path);
  if (out.is_relative()) out = fs::path(base) / out;
  std::string text = out.lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

std::vector<std::string> template_files(const std::string& folder) {
  std::set<std::pair<dev_t, ino_t>> seen;
  std::vector<std::string> out;
  walk(folder, seen, out);
  std::sort(out.begin(), out.end());
  return out;
}

OverlaySource::Text OverlaySource::read(std::string_view path) const {
  {
    const std::shared_lock lock(mutex_);
    if (const auto open = overlay_.find(path); open != overlay_.end()) return open->second;
    if (const auto known = disk_.find(path); known != disk_.end()) return known->second;
  }
  const std::string name(path);
  Text text;
  struct stat info {};
  if (stat(name.c_str(), &info) == 0 && S_ISREG(info.st_mode)) {
    if (auto content = base::file::read(name, kLargestFile)) text = std::make_shared<const std::string>(std::move(*content));
  }
  const std::unique_lock lock(mutex_);
  if (const auto open = overlay_.find(name); open != overlay_.end()) return open->second;
  return disk_.emplace(name, std::move(text)).first->second;
}

void OverlaySource::put(const std::string& path, Text text) {
  const std::unique_lock lock(mutex_);
  overlay_[path] = std::move(text);
}

void OverlaySource::drop(const std::string& path) {
  const std::unique_lock lock(mutex_);
  overlay_.erase(path);
  disk_.erase(path);
}

void OverlaySource::forget(const std::string& path) {
  const std::unique_lock lock(mutex_);
  disk_.erase(path);
}

bool OverlaySource::holds(std::string_view path) const {
  const std::shared_lock lock(mutex_);
  return overlay_.find(path) != overlay_.end();
}

}  // namespace cdb::pan::index
