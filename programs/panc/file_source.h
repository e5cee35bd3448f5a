// Templates from the file system for panc. Paths are absolute. What was read is kept, as a compile asks for the same file often
// and must see one state of it. Any thread.
#pragma once

#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "cdb/pan/compiler.h"

namespace panc {

class FileSource : public cdb::pan::Source {
 public:
  std::shared_ptr<const std::string> read(std::string_view path) const override;

 private:
  mutable std::shared_mutex mutex_;
  mutable std::unordered_map<std::string, std::shared_ptr<const std::string>> files_;
};

}  // namespace panc
