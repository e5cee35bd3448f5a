// A branch kept resident between changes: its files, its compiler with parsed templates, who read what, what is desired. Owned by
// Builder, one thread at a time (Builder's lock). The database is the truth; this is a cache that refresh() brings up to date.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/diag/result.h"
#include "cdb/build/read_index.h"
#include "cdb/build/site.h"
#include "cdb/build/tree.h"
#include "cdb/store/store.h"

namespace cdb::build {

// Where a node stands; "": its profile does not say.
struct NodePlace {
  std::string role, cluster, rack;
};

struct Object {
  std::string path;  // its file
  store::Digest root;
  std::int64_t revision = 0;
  NodePlace place;
};

std::string folder_of(std::string_view path);
// What the compiler searches: the site's include path, then the folders of its objects.
std::vector<std::string> whole_include_path(const Site& site, const std::map<std::string, std::size_t>& folders);

class Branch {
 public:
  Branch(std::string name, std::shared_ptr<store::Store> store) : name_(std::move(name)), store_(std::move(store)) {}

  // Loads the branch, or only what other servers committed since. On failure the copy is still what it was.
  base::Result<> refresh();
  // For a branch that does not exist yet: empty, with the look-ups known so far. Errc::conflict: `source` is not at `head`.
  base::Result<> begin(const std::string& source, std::int64_t head);

  const std::string& name() const { return name_; }
  std::int64_t head() const { return head_; }
  bool sandbox() const { return sandbox_; }
  Tree& tree() { return *tree_; }
  const std::optional<Site>& site() const { return site_; }
  const std::map<std::string, Object>& objects() const { return objects_; }
  // Object at this file, or null pointer.
  const std::string* object_at(const std::string& path) const;
  const ReadIndex& index() const { return index_; }
  // Folders that hold object templates, with how many. They end the include path, so that objects are found by name.
  const std::map<std::string, std::size_t>& folders() const { return folders_; }

  // The compiler for this include path; made anew when the path is another one.
  pan::Compiler& compiler(const std::vector<std::string>& include_path);
  // After files of the tree were changed.
  void invalidate(std::span<const std::string> paths);

  // What a stored commit made true. `reads` belong to `numbered` objects.
  struct Adopted {
    std::int64_t head = 0;
    Site site;
    std::vector<store::ReadKey> fresh;
    std::map<std::string, Object> objects;                    // added or changed
    std::map<std::string, std::vector<std::uint32_t>> reads;  // of compiled ones
    std::vector<std::string> removed;
  };
  void adopt(Adopted adopted);

 private:
  void put_object(const std::string& name, Object object);
  void drop_object(const std::string& name);
  void forget_file(const std::string& name, const std::string& path);

  std::string name_;
  std::shared_ptr<store::Store> store_;
  std::int64_t head_ = 0;
  bool sandbox_ = false;
  std::shared_ptr<Tree> tree_ = std::make_shared<Tree>();
  std::optional<Site> site_;  // none: no weft.yaml yet
  std::map<std::string, Object> objects_;
  std::map<std::string, std::string> object_at_;
  std::map<std::string, std::size_t> folders_;
  ReadIndex index_;
  std::unique_ptr<pan::Compiler> compiler_;
  std::vector<std::string> compiler_path_;
};

}  // namespace cdb::build
