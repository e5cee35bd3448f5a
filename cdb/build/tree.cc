#include "cdb/build/tree.h"

#include <utility>

#include "base/crypto/crypto.h"

namespace cdb::build {

std::shared_ptr<const std::string> Tree::read(std::string_view path) const {
  const auto* file = find(path);
  return file ? file->content : nullptr;
}

const Tree::File* Tree::find(std::string_view path) const {
  const auto place = files_.find(path);
  return place == files_.end() ? nullptr : &place->second;
}

Tree::File Tree::put(const std::string& path, File file) {
  const auto place = files_.find(path);
  if (place == files_.end()) {
    if (file.content) files_.emplace(path, std::move(file));
    return {};
  }
  auto before = std::move(place->second);
  if (file.content) {
    place->second = std::move(file);
  } else {
    files_.erase(place);
  }
  return before;
}

store::Digest Tree::root() const {
  base::crypto::Sha256 hash;
  for (const auto& [path, file] : files_) {
    hash.update(path);
    hash.update(std::string_view("\0", 1));
    hash.update({reinterpret_cast<const char*>(file.hash.bytes.data()), file.hash.bytes.size()});
  }
  return {hash.finish()};
}

}  // namespace cdb::build
