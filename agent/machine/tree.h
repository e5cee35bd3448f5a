// Files below a root folder, safely: every path is walked part by part from the root's descriptor, links are followed only where
// nobody but root (or ourselves) could have placed them, and never out of the root. Writes are a temporary file, fsync, rename,
// fsync of the folder. Used by NodeMachine and tests. Single-threaded. Errors name the path and the reason.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "agent/plan/image.h"
#include "base/file/file.h"

namespace agent::machine {

class Tree {
 public:
  // With a root other than "/", names of users and groups come from its own /etc/passwd and /etc/group when it has them. When we
  // are not root and the tree is not "/", ownership is neither compared nor set.
  static base::Result<Tree> open(const std::filesystem::path& root);

  base::Result<plan::Image> image(const std::string& path) const;
  base::Result<std::string> content(const std::string& path, std::size_t limit = 256u << 20) const;
  base::Result<std::vector<std::string>> list(const std::string& folder) const;

  base::Result<> write(const std::string& path, std::string_view content, const plan::Image& after) const;
  base::Result<> remove(const std::string& path) const;
  base::Result<> link(const std::string& path, const std::string& target) const;
  base::Result<> make_folder(const std::string& path, const plan::Image& after) const;
  base::Result<> set_attributes(const std::string& path, const plan::Image& after) const;

  std::string user(std::string_view name) const;
  std::string group(std::string_view name) const;
  const std::filesystem::path& root() const { return root_; }
  bool is_whole_machine() const { return root_ == "/"; }

 private:
  struct Place {
    base::file::Fd folder;
    std::string name;
  };
  struct Ids {
    std::map<std::string, unsigned, std::less<>> by_name;
    std::map<unsigned, std::string> by_id;
  };
  Tree() = default;
  base::Result<Place> place(const std::string& path) const;
  base::Result<unsigned> id(bool user, const std::string& name) const;
  std::string name(bool user, unsigned id) const;
  base::Result<> own(int fd, const std::string& path, const plan::Image& after) const;
  void load(const char* file, Ids& ids) const;

  std::filesystem::path root_;
  base::file::Fd fd_;
  bool own_names_ = false;
  bool ignore_owner_ = false;
  mutable Ids users_, groups_;
};

}  // namespace agent::machine
