// Changes to templates: plan, commit, revert. Made once by role cdb, shared by its threads; changes of one branch wait for each
// other, branches do not. Failures of the caller's making are part of Outcome; a Result error means that the server could not do
// it, and then nothing was stored (Errc::timeout: unknown, ask for the head).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/diag/result.h"
#include "base/profile/value.h"
#include "cdb/build/findings.h"
#include "cdb/pan/explain.h"
#include "cdb/store/store.h"

namespace cdb::build {

struct Edit {
  std::string path;
  std::optional<std::string> content;  // none: remove
};

struct Change {
  std::string branch = "main";
  std::optional<std::int64_t> base;  // revision the edits were made on; none: whatever is there
  std::string message;
  std::vector<Edit> edits;
  bool dry_run = false;
  store::Actor author;
  std::optional<std::int64_t> reverts;
  // Roll-out policy; "": the branch's, "none": at once. A revert is always at once.
  std::string rollout;
};

struct Outcome {
  enum class Kind {
    stored,     // revision is the new one
    planned,    // dry run: revision is the one planned on
    unchanged,  // the branch has this content already: revision is the head
    refused,    // findings say why; nothing stored
    conflict,   // `conflicts` moved since `base`; nothing stored
  };
  Kind kind = Kind::unchanged;
  std::int64_t revision = 0;
  base::profile::Value plan;
  std::vector<Finding> findings;
  std::size_t findings_dropped = 0, failed_profiles = 0, compiled = 0;
  std::vector<store::Edit> conflicts;
};

// A profile that becomes desired: zstd of its canonical JSON.
struct Fresh {
  store::Digest root;
  std::string_view data;
};

class Trial;

class Builder {
 public:
  // `publish` gets the new profiles before the transaction that makes them desired; when it fails nothing is stored.
  using Publish = std::function<base::Result<>(const std::vector<Fresh>&)>;
  Builder(std::shared_ptr<store::Store> store, Publish publish);
  ~Builder();

  base::Result<Outcome> change(const Change& change);
  // The exact inverse of a revision as a new change; paths that moved since are conflicts. `message` empty: "Revert revision N:
  // ...".
  base::Result<Outcome> revert(std::int64_t revision, std::string message, bool dry_run, const store::Actor& author);
  // Where elements of a node's profile come from, as the branch is now (pan/explain.h). Changes of the branch wait meanwhile.
  // Errc::not_found: no such node on the branch, or a path that matches nothing.
  base::Result<pan::Explanation> explain(const std::string& branch, const std::string& node, std::span<const std::string> paths);
  // Loads a branch and parses its templates, so that the first change is as quick as the others.
  base::Result<> warm(const std::string& branch);

 private:
  struct Slot;
  base::Result<Slot*> slot(const std::string& branch);
  base::Result<Outcome> attempt(Slot& slot, const Change& change);
  base::Result<std::optional<store::RolloutPlan>> rollout_of(const Change& change, const Trial& trial) const;

  std::shared_ptr<store::Store> store_;
  Publish publish_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Slot>> slots_;
};

}  // namespace cdb::build
