// A folder with the templates of a branch, and what was fetched: DIR/.weft/base.json {branch, revision, files: {path: hash},
// conflicts: [path]}. Used by `weft template`. Single-threaded. Never loses an edit made here: what came in is merged with it,
// line by line, and where both changed the same lines the file has git's conflict markers until somebody resolves them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "base/profile/value.h"

namespace programs::weft {

struct LocalFile {
  std::string content, hash;
};

// Files below `folder` by their path relative to it, with "/". Hidden files and editors' backups are left out. Errc::invalid for
// a name that no branch may hold, or a symbolic link.
base::Result<std::map<std::string, LocalFile>> read_folder(const std::filesystem::path& folder);

class WorkingCopy {
 public:
  // Errc::not_found when `folder` was not made by checkout.
  static base::Result<WorkingCopy> open(const std::filesystem::path& folder);
  static base::Result<WorkingCopy> create(const std::filesystem::path& folder, std::string branch);

  const std::string& branch() const { return branch_; }
  std::int64_t revision() const { return revision_; }
  bool has_file(const std::string& path) const;
  const std::map<std::string, std::string>& fetched() const { return files_; }  // path → hash

  struct Edit {
    std::string path;
    std::string before_hash;  // "": added here
    bool removed = false;
    bool conflict = false;  // not resolved yet
    std::string content;
  };
  base::Result<std::vector<Edit>> edits() const;  // against what was fetched, by path; conflicts also when they are no edit
  // Errc::conflict that names the files while conflicts are not resolved.
  base::Result<> must_be_resolved(const std::vector<Edit>& edits) const;
  // Says that a conflict is settled by the file as it is. Errc::not_found: it has none; Errc::conflict: markers are left.
  base::Result<> resolve(const std::string& path);

  struct Update {
    std::vector<std::string> written, removed;
    std::vector<std::string> merged;     // edited here and there, in different lines
    std::vector<std::string> conflicts;  // edited here and there, in the same lines, or removed on one side
  };
  // Brings in `files` ({path, hash} of the branch at `revision`). `fetch` gives contents by path and revision. Everything is
  // fetched and merged before the first file is touched. Errc::conflict while earlier conflicts are not resolved.
  using Fetch = std::function<base::Result<std::string>(const std::string& path, std::int64_t revision)>;
  base::Result<Update> update(std::int64_t revision, const std::map<std::string, std::string>& files, const Fetch& fetch);

 private:
  WorkingCopy(std::filesystem::path folder, std::string branch) : folder_(std::move(folder)), branch_(std::move(branch)) {}
  base::Result<> save() const;

  std::filesystem::path folder_;
  std::string branch_;
  std::int64_t revision_ = 0;
  std::map<std::string, std::string> files_;  // path → hash as fetched
  std::set<std::string> conflicts_;
};

}  // namespace programs::weft
