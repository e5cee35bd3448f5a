// Reads files and history of a git repository by libgit2. Used by `weft template import --git`. One thread. Obeys nothing that
// the repository says: no hooks, filters or attributes, nothing is checked out. Failure: Errc::not_found (no repository, no such
// revision), unavailable (network), exhausted (limits), invalid (names that try to leave the tree).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"

struct git_repository;

namespace base::git {

struct Commit {
  std::string id, author, email, time, message;  // time: RFC 3339, UTC
};

struct Snapshot {
  std::map<std::string, std::string> files;  // path → content
  struct LeftOut {
    std::string path, why;  // "symbolic link", "submodule", "larger than 8 MiB", "not UTF-8 text", "hidden"
  };
  std::vector<LeftOut> left_out;
};

class Repository {
 public:
  static constexpr std::size_t max_file = 8u << 20;
  static constexpr std::size_t max_total = 256u << 20;  // bytes of one snapshot
  static constexpr std::size_t max_entries = 200'000;   // of one snapshot
  static constexpr std::size_t max_commits = 20'000;

  static Result<Repository> open(const std::filesystem::path& folder);
  // Bare, into the empty `folder`. Schemes https, http, ssh, git and file; ssh keys come from the agent.
  static Result<Repository> clone(const std::string& url, const std::filesystem::path& folder);

  // A branch, tag or commit id; "HEAD".
  Result<std::string> resolve(std::string_view revision) const;
  // The first parents from the root to `id`.
  Result<std::vector<Commit>> history(std::string_view id) const;
  Result<Commit> commit(std::string_view id) const;
  Result<Snapshot> files(std::string_view id) const;

 private:
  explicit Repository(git_repository* repository);
  std::shared_ptr<git_repository> repository_;
};

// Does the text name a remote ("https://...", "git@host:path") and not a folder?
bool is_remote(std::string_view text);

}  // namespace base::git
