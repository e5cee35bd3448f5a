#include "programs/panc/file_source.h"

#include <sys/stat.h>

#include <mutex>

#include "base/file/file.h"

namespace panc {

std::shared_ptr<const std::string> FileSource::read(std::string_view path) const {
  std::string name(path);
  {
    std::shared_lock lock(mutex_);
    if (auto hit = files_.find(name); hit != files_.end()) return hit->second;
  }
  std::shared_ptr<const std::string> content;
  struct stat info {};
  if (stat(name.c_str(), &info) == 0 && S_ISREG(info.st_mode)) {
    auto text = base::file::read(name);
    if (text) content = std::make_shared<const std::string>(std::move(*text));
  }
  std::unique_lock lock(mutex_);
  return files_.emplace(std::move(name), std::move(content)).first->second;
}

}  // namespace panc
