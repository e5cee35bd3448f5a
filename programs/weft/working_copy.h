// A folder with the templates of a branch, and what was fetched: DIR/.weft/base.json {branch, revision, files: {path: hash}}.
// Used by `weft template`. Single-threaded. Never overwrites or removes a file that was edited here.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "base/profile/value.h"

namespace programs::weft {

struct LocalFile {
  std::string content, hash;
};

// Files below `folder` by their path relative to it, with "/". Hidden files, editors' backups and our ".mine" copies are left
// out. Errc::invalid for a name that no branch may hold, or a symbolic link.
base::Result<std::map<std::string, LocalFile>> read_folder(const std::filesystem::path& folder);

class WorkingCopy {
 public:
  // Errc::not_found when `folder` was not made by checkout.
  static base::Result<WorkingCopy> open(const std::filesystem::path& folder);
  static base::Result<WorkingCopy> create(const std::filesystem::path& folder, std::string branch);

  const std::string& branch() const { return branch_; }
  std::int64_t revision() const { return revision_; }

  struct Edit {
    std::string path;
    std::string before_hash;  // "": added here
    bool removed = false;
    std::string content;
  };
  base::Result<std::vector<Edit>> edits() const;  // against what was fetched, by path

  struct Update {
    std::vector<std::string> written, removed;
    std::vector<std::string> conflicts;  // edited here and moved there: ours is kept as PATH.mine
  };
  // Makes the folder equal to `files` ({path, hash} of the branch at `revision`) but for edits made here. `fetch` gives contents.
  using Fetch = std::function<base::Result<std::string>(const std::string& path)>;
  base::Result<Update> update(std::int64_t revision, const std::map<std::string, std::string>& files, const Fetch& fetch);

 private:
  WorkingCopy(std::filesystem::path folder, std::string branch) : folder_(std::move(folder)), branch_(std::move(branch)) {}
  base::Result<> save() const;

  std::filesystem::path folder_;
  std::string branch_;
  std::int64_t revision_ = 0;
  std::map<std::string, std::string> files_;  // path → hash as fetched
};

}  // namespace programs::weft
