// The files of a branch in memory: what the compiler reads. Owned by Branch; changed only while no compile runs, read by the
// compiler's threads. Lookups by path; contents are shared, never copied.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cdb/pan/compiler.h"
#include "cdb/store/types.h"

namespace cdb::build {

class Tree : public cdb::pan::Source {
 public:
  struct File {
    std::shared_ptr<const std::string> content;
    store::Digest hash;
  };
  std::shared_ptr<const std::string> read(std::string_view path) const override;

  const File* find(std::string_view path) const;
  // Puts (or, with null content, removes) a file and returns what was there.
  File put(const std::string& path, File file);
  const std::map<std::string, File, std::less<>>& files() const { return files_; }
  // Of all names and contents: the identity of the tree in its revision.
  store::Digest root() const;

 private:
  std::map<std::string, File, std::less<>> files_;
};

}  // namespace cdb::build
