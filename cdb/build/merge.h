// Three-way merging of template trees: what a merge of branches, a cherry-pick, a revert and a stale commit have in common. Used
// by Builder. Any thread; reads contents from the store, changes nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/diag/result.h"
#include "base/git/git.h"
#include "base/profile/value.h"
#include "cdb/store/store.h"

namespace cdb::build {

struct Edit {
  std::string path;
  std::optional<std::string> content;  // none: remove
};

// Both sides changed one file in ways that cannot stand together.
struct Conflict {
  std::string path;
  std::string kind;                           // content | removed-here | removed-there | added-twice
  std::string base, mine, theirs;             // names of the sides: "main@12", "my edit"
  std::int64_t revision = 0;                  // that last changed it on their side; 0: unknown
  std::string branch, author, time, message;  // of that revision
  std::vector<base::git::Region> regions;     // of kind content and added-twice
  std::string merged;                         // the file with conflict markers; "" for removals
};
base::profile::Value to_json(const Conflict& conflict);

// A tree, or part of one, by content.
using Files = std::map<std::string, store::Digest>;

// `theirs` is what is brought in; names as shown to people. `branch`: where their history is looked up.
struct Sides {
  Files base, mine, theirs;
  std::string base_name, mine_name, theirs_name;
  std::string branch;
  std::int64_t revision = 0;
};

struct TreeMerge {
  std::vector<Edit> edits;          // of mine
  std::vector<std::string> merged;  // files put together line by line
  std::vector<Conflict> conflicts;
};
base::Result<TreeMerge> merge_trees(const store::Store& store, const Sides& sides);

// One file that moved under an edit.
base::Result<Conflict> edit_conflict(const store::Store& store, const std::string& branch, std::int64_t base,
                                     const store::Edit& moved, const std::optional<std::string>& mine);

// A state that both branches contain, the newest such. Errc::not_found: they have nothing in common.
struct CommonBase {
  std::string branch;
  std::int64_t revision = 0;
};
base::Result<CommonBase> common_base(const store::Descent& descent, const std::string& a, std::int64_t a_head,
                                     const std::string& b, std::int64_t b_head);

}  // namespace cdb::build
