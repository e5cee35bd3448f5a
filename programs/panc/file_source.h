// Templates from the file system: paths are what the include path makes of them (absolute). Files are read once and kept; the
// first look at a file is the one that counts for the whole run, and below a folder that is missing nothing is asked for again.
// Any thread.
#pragma once

#include <memory>
#include <shared_mutex>
#include <string>
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

  mutable std::shared_mutex mutex_;
  mutable std::unordered_map<std::string, std::shared_ptr<const std::string>> files_;
  mutable std::unordered_map<std::string, cdb::pan::FileStamp> stamps_;
  mutable std::unordered_map<std::string, bool> folders_;
};

}  // namespace panc
