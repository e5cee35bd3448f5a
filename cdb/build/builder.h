// Changes to templates: plan, commit, revert; every one is checked against the rights of its author. Made once by role cdb,
// shared by its threads; changes of one branch wait for each other, branches do not. Failures of the caller's making are part of
// Outcome; a Result error means that the server could not do it, and then nothing was stored (Errc::timeout: unknown, ask for the
// head).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/diag/result.h"
#include "base/profile/value.h"
#include "cdb/build/findings.h"
#include "cdb/build/merge.h"
#include "cdb/build/policies.h"
#include "cdb/pan/explain.h"
#include "cdb/rights/check.h"
#include "cdb/store/store.h"

namespace cdb::build {

struct Change {
  std::string branch = "main";
  std::optional<std::int64_t> base;  // revision the edits were made on; none: whatever is there
  std::string message;
  std::vector<Edit> edits;
  bool dry_run = false;
  store::Actor author;
  std::optional<std::int64_t> reverts;
  std::vector<std::string> approvers;   // persons who approved what `effect` says
  std::optional<store::Digest> effect;  // of the plan that was approved (Outcome::effect)
  // Roll-out policy; "": the branch's, "none": at once. A revert is always at once.
  std::string rollout;
  std::optional<std::string> merged;  // the edits take in this branch, as of merged_revision
  std::int64_t merged_revision = 0;
};

struct Outcome {
  enum class Kind {
    stored,     // revision is the new one
    planned,    // dry run: revision is the one planned on
    unchanged,  // the branch has this content already: revision is the head
    refused,    // findings say why; nothing stored
    conflict,   // `conflicts` moved since `base`; nothing stored
    stale,      // it does something else than Change::effect says; nothing stored
    denied,     // `rights` says what the author may not, or which approvals are missing; nothing stored
  };
  Kind kind = Kind::unchanged;
  std::int64_t revision = 0;
  base::profile::Value plan;
  std::vector<Finding> findings;
  std::size_t findings_dropped = 0, failed_profiles = 0, compiled = 0;
  std::vector<Conflict> conflicts;
  std::vector<std::string> merged;  // files that both sides had changed, in different lines
  store::Digest effect;             // of planned, stale and denied ones: the edits and every root from and to
  rights::Report rights;            // of planned, stored and denied ones
};

// A profile that becomes desired: zstd of its canonical JSON.
struct Fresh {
  store::Digest root;
  std::string_view data;
};

class Branch;
class Trial;

class Builder {
 public:
  // `publish` gets the new profiles before the transaction that makes them desired; when it fails nothing is stored.
  using Publish = std::function<base::Result<>(const std::vector<Fresh>&)>;
  Builder(std::shared_ptr<store::Store> store, Publish publish);
  ~Builder();

  base::Result<Outcome> change(const Change& change);
  // The inverse of a revision as a new change. Files that moved since: the inverse around the later edits (Outcome::merged), or a
  // conflict where both changed the same lines. `message` empty: "Revert revision N: ...".
  base::Result<Outcome> revert(std::int64_t revision, std::string message, bool dry_run, const store::Actor& author);
  // --- branches (branches.cc)
  // `revision` 0: the head of `from`. Refused (findings) when the tree of an old revision does not compile.
  base::Result<Outcome> create_branch(store::NewBranch branch, const store::Actor& author);
  // Takes what `source` changed since both were last the same into `target`; Outcome::Kind::unchanged when it has all.
  base::Result<Outcome> merge(const std::string& source, const std::string& target, std::string message, bool dry_run,
                              const store::Actor& author);
  // What one revision changed, on another branch.
  base::Result<Outcome> cherry_pick(std::int64_t revision, const std::string& target, std::string message, bool dry_run,
                                    const store::Actor& author);
  // Nodes that are to follow `target`, all or none. `base`: the target's head that a plan was shown for. Errc::conflict: claims
  // that the target does not know.
  base::Result<Outcome> move(const std::vector<std::string>& nodes, const std::string& target, std::optional<std::int64_t> base,
                             std::string message, bool dry_run, const store::Actor& author);
  // Where elements of a node's profile come from, as the branch is now (pan/explain.h). Changes of the branch wait meanwhile.
  // Errc::not_found: no such node on the branch, or a path that matches nothing.
  base::Result<pan::Explanation> explain(const std::string& branch, const std::string& node, std::span<const std::string> paths);
  // The policy in force. Any thread.
  base::Result<Policies::Current> policy() { return policies_.current(); }
  // Loads a branch and parses its templates, so that the first change is as quick as the others.
  base::Result<> warm(const std::string& branch);

 private:
  // Branches kept in memory, main among them; each takes as much as the tree and its parsed templates.
  static constexpr std::size_t max_resident = 4;
  struct Slot;
  base::Result<Slot*> slot(const std::string& branch);
  void forget_oldest();
  base::Result<Outcome> attempt(Slot& slot, const Change& change);
  base::Result<std::optional<store::RolloutPlan>> rollout_of(const Change& change, const Trial& trial,
                                                             const std::set<std::string>& followers) const;
  base::Result<Outcome> finish(Branch& branch, Trial& trial, const Change& change, std::int64_t policy,
                               const std::optional<store::NewBranch>& create);
  // Edits from a three-way merge of files, sent as one change; `merge` is repeated when the branch moves meanwhile.
  base::Result<Outcome> send_merge(Change change, const std::function<base::Result<TreeMerge>(std::int64_t head)>& merge);

  std::shared_ptr<store::Store> store_;
  Publish publish_;
  Policies policies_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Slot>> slots_;
  std::uint64_t uses_ = 0;
};

}  // namespace cdb::build
