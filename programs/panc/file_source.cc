#include "programs/panc/file_source.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <mutex>

#include "base/crypto/crypto.h"
#include "base/file/file.h"

namespace panc {

namespace {

// File systems count time in steps of up to a second or two: a file that changed just now may change again unseen.
constexpr std::int64_t kRestless = 2'500'000'000;

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

cdb::pan::FileStamp FileSource::look(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
  return {info.st_size, nanoseconds(info.st_mtim), nanoseconds(info.st_ctim), info.st_ino};
}

std::shared_ptr<const std::string> FileSource::read(std::string_view path) const {
  if (!folder_exists(path.substr(0, path.rfind('/') + 1))) return nullptr;
  std::string name;
  {
    std::shared_lock lock(mutex_);
    if (auto hit = files_.find(path); hit != files_.end()) {
      if (hit->second.read || !hit->second.stamp.exists()) return hit->second.content;
      name = hit->first;
    }
  }
  if (name.empty()) name = path;
  // The stamp is older than the content: should the file change in between, the next run sees it.
  File file;
  file.stamp = look(name);
  file.read = true;
  if (file.stamp.exists()) {
    if (auto text = base::file::read(name)) file.content = std::make_shared<const std::string>(std::move(*text));
  }
  std::unique_lock lock(mutex_);
  File& kept = files_.try_emplace(std::move(name), File{.stamp = file.stamp}).first->second;
  if (!kept.read) {
    kept.content = std::move(file.content);
    kept.read = true;
  }
  return kept.content;
}

cdb::pan::FileStamp FileSource::stamp(const std::string& path) {
  if (!folder_exists(std::string_view(path).substr(0, path.rfind('/') + 1))) return {};
  {
    std::shared_lock lock(mutex_);
    if (auto hit = files_.find(path); hit != files_.end()) return hit->second.stamp;
  }
  const cdb::pan::FileStamp stamp = look(path);
  std::unique_lock lock(mutex_);
  return files_.try_emplace(path, File{.stamp = stamp}).first->second.stamp;
}

std::optional<cdb::pan::Digest> FileSource::digest(const std::string& path) {
  {
    std::shared_lock lock(mutex_);
    if (auto hit = files_.find(path); hit != files_.end() && hit->second.read)
      return hit->second.content == nullptr ? std::nullopt : std::optional(base::crypto::sha256(*hit->second.content));
  }
  // Not kept: outputs are large, and most templates that are only checked are never parsed.
  if (!stamp(path).exists()) return std::nullopt;
  const auto text = base::file::read(path);
  if (!text) return std::nullopt;
  return base::crypto::sha256(*text);
}

bool FileSource::settled(const cdb::pan::FileStamp& stamp) {
  const auto now =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  return std::max(stamp.modified, stamp.changed) + kRestless < now;
}

// `folder` ends in '/', or is "". Most look-ups of a compile end in folders that most roots of the include path do not have.
bool FileSource::folder_exists(std::string_view folder) const {
  if (folder.size() <= 1) return true;
  {
    std::shared_lock lock(mutex_);
    if (auto hit = folders_.find(folder); hit != folders_.end()) return hit->second;
  }
  std::string name(folder);
  folder.remove_suffix(1);
  struct stat info {};
  const bool exists =
      folder_exists(folder.substr(0, folder.rfind('/') + 1)) && stat(name.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
  std::unique_lock lock(mutex_);
  return folders_.emplace(std::move(name), exists).first->second;
}

}  // namespace panc
