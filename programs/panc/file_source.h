// Templates from the file system: paths are what the include path makes of them (absolute). Files are read once and kept; the
// first look at a file is the one that counts for the whole run, and below a folder that is missing nothing is asked for again.
// Any thread.
#pragma once

#include <functional>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "cdb/pan/compiler.h"
#include "cdb/pan/depend_check.h"

namespace panc {

class FileSource : public cdb::pan::Source, public cdb::pan::FileStates {
 public:
  std::shared_ptr<const std::string> read(std::string_view path) const override;
  cdb::pan::FileStamp stamp(const std::string& path) override;
  std::optional<cdb::pan::Digest> digest(const std::string& path) override;
  bool settled(const cdb::pan::FileStamp& stamp) override;
  // How it is now, whatever was seen before: for files just written.
  static cdb::pan::FileStamp look(const std::string& path);

 private:
  bool folder_exists(std::string_view folder) const;

  struct File {
    std::shared_ptr<const std::string> content{};  // null: not read yet, or it cannot be read
    cdb::pan::FileStamp stamp{};
    bool read = false;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  template <typename Value>
  using ByPath = std::unordered_map<std::string, Value, Hash, std::equal_to<>>;

  mutable std::shared_mutex mutex_;
  mutable ByPath<File> files_;    // only below folders that exist
  mutable ByPath<bool> folders_;  // names end in '/'
};

}  // namespace panc
