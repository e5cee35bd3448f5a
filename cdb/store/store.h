// The configuration database. Opened once by role cdb (applies migrations), shared by all its threads; each call is its own
// transaction. Failure: base/pg's codes (unavailable, conflict, timeout = unknown whether it was committed); nothing is ever half
// stored. Does not log.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "base/pg/pg.h"
#include "cdb/store/types.h"
#include "cdb/store/values.h"

namespace cdb::store {

class Store {
 public:
  // NOTIFY channel of new desired roots; the payload is the revision. A hint: cdb.node_root is the truth.
  static constexpr std::string_view wake_channel = "cdb_wake";

  static base::Result<std::shared_ptr<Store>> open(std::shared_ptr<base::pg::Pool> pool);

  // --- branches and templates (templates.cc)
  // Errc::not_found, with suggestions, when there is no such branch.
  base::Result<std::int64_t> head(std::string_view branch) const;
  // --- branches (branches.cc)
  static constexpr int max_branches = 500;                 // that are not deleted
  base::Result<std::vector<BranchInfo>> branches() const;  // without deleted ones, by name
  base::Result<BranchInfo> branch(std::string_view name) const;
  base::Result<bool> name_taken(std::string_view name) const;  // deleted branches keep theirs
  // A copy of the head of `source`, its profiles too; nothing is compiled and no node follows it. Returns its first revision.
  // Errc::conflict: the name is or was taken, or the source moved from `source_revision`.
  base::Result<std::int64_t> create_branch(const NewBranch& branch, const Actor& author);
  // Errc::conflict while nodes follow it, or for main. Revisions and edits stay.
  base::Result<> delete_branch(std::string_view name, const Actor& author);
  base::Result<Descent> descent() const;
  // Of those named that are desired: the branch each follows. Unknown ones are left out.
  base::Result<std::map<std::string, std::string>> followed(std::span<const std::string> nodes) const;
  // What moving `nodes` to `target` does; those that follow it already are left out. Errc::not_found: no such node, or the target
  // describes no such node.
  base::Result<std::vector<NodeMove>> moves(std::span<const std::string> nodes, std::string_view target) const;
  // All of them in one revision of `target`. Errc::conflict: a node or a profile is another one by now.
  base::Result<std::int64_t> move_nodes(std::string_view target, std::int64_t head, const std::vector<NodeMove>& moves,
                                        std::string_view message, std::string_view plan, const Actor& author,
                                        std::int64_t policy);
  base::Result<std::vector<NodeMove>> moved_in(std::int64_t revision) const;
  // Profiles that no branch, node or history needs (of deleted sandboxes). How many were removed.
  base::Result<std::int64_t> drop_unused_profiles();

  // One snapshot: everything (since == 0), or what moved after `since`; dictionary entries after `known_reads`.
  base::Result<BranchState> load(std::string_view branch, std::int64_t since, std::int32_t known_reads) const;
  // Files of the branch as of `revision` (0: now) below `prefix` ("": all), by path. `content`: contents too.
  base::Result<std::vector<File>> files(std::string_view branch, std::int64_t revision, std::string_view prefix,
                                        bool content) const;
  base::Result<File> file(std::string_view branch, std::int64_t revision, std::string_view path) const;
  base::Result<std::vector<std::string>> blobs(std::span<const Digest> hashes) const;  // in order; missing: Errc::corrupt
  // Revisions of the branch that changed the file, newest first, with what they made of it; across forks: where the branch began,
  // those of its source follow.
  struct FileRevision {
    Revision revision;
    std::optional<Digest> before, after;
  };
  base::Result<std::vector<FileRevision>> file_history(std::string_view branch, std::int64_t revision, std::string_view path,
                                                       int limit) const;
  // Those of `paths` whose content is not what it was at revision `base`: before = then, after = now, revision = last to move it.
  base::Result<std::vector<Edit>> moved_since(std::string_view branch, std::int64_t base,
                                              std::span<const std::string> paths) const;
  struct RevisionFilter {
    std::optional<std::string> branch, path, node;
    std::int64_t before = 0;  // numbers below this; 0: from the newest
    int limit = 50;
  };
  base::Result<std::vector<Revision>> revisions(const RevisionFilter& filter) const;
  base::Result<Revision> revision(std::int64_t number) const;
  base::Result<std::optional<std::int64_t>> reverted_by(std::int64_t number) const;  // the first revision that reverts it
  base::Result<std::string> plan(std::int64_t number) const;                         // JSON
  base::Result<std::vector<Edit>> edits(std::int64_t number) const;

  // --- the one write of templates and profiles (commit.cc)
  base::Result<std::int64_t> commit(const Commit& commit);

  // --- profiles and nodes (nodes.cc)
  base::Result<std::string> profile_data(const Digest& root) const;  // zstd of canonical JSON
  // In the order asked; missing: Errc::corrupt.
  base::Result<std::vector<std::string>> profiles(std::span<const Digest> roots) const;
  base::Result<Desired> desired(std::string_view node) const;  // Errc::not_found with suggestions
  // What the node was to be at `revision`; with `root`: the newest revision that made this root desired for this very node.
  base::Result<Desired> desired_at(std::string_view node, std::int64_t revision) const;
  base::Result<Desired> desired_with(std::string_view node, const Digest& root) const;
  base::Result<std::vector<std::string>> nodes_at(std::int64_t revision) const;  // names, in order, of nodes that were there
  // What nodes are given now; those whose wave has not come are given what they had.
  struct News {
    std::vector<Desired> nodes;
    std::int64_t revision = 0, release = 0;  // give them back the next time
  };
  // Of all nodes (revision 0), or of those that moved after `revision` or were released after `release`.
  base::Result<News> desired_since(std::int64_t revision, std::int64_t release) const;
  // Every root that a node is given or will be.
  base::Result<std::vector<Digest>> wanted_roots() const;
  base::Result<std::vector<NodeRow>> nodes(const NodeFilter& filter) const;
  base::Result<NodeRow> node(std::string_view name) const;
  base::Result<std::vector<Desired>> history(std::string_view node, int limit) const;  // newest first

  // --- roll-outs (rollout.cc)
  base::Result<std::vector<RolloutPolicy>> rollout_policies() const;
  base::Result<RolloutPolicy> rollout_policy(std::string_view name) const;  // Errc::not_found with suggestions
  // `document`: JSON that cdb/rollout has checked. none: removes it; Errc::conflict while a branch uses it.
  base::Result<> set_rollout_policy(const Actor& actor, std::string_view name, const std::optional<std::string>& document);
  // The policy of commits to a branch that name none; "": at once.
  base::Result<std::string> rollout_default(std::string_view branch) const;
  base::Result<> set_rollout_default(const Actor& actor, std::string_view branch, std::string_view policy);
  base::Result<RolloutSwitch> rollout_switch() const;
  base::Result<> set_rollout_switch(const Actor& actor, bool stopped, std::string_view reason);
  base::Result<std::vector<Rollout>> rollouts(bool open_only, std::int64_t before, int limit) const;  // newest first
  base::Result<Rollout> rollout(std::int64_t revision) const;
  base::Result<std::vector<RolloutNode>> rollout_nodes(std::int64_t revision) const;  // by wave and name
  // One step in one transaction: `look` gets the roll-out as it is, its row locked, and says what is to change (none: nothing).
  // Errc::conflict when another server has it locked just now, Errc::not_found when there is none.
  struct RolloutStep {
    std::vector<RolloutNodeChange> nodes;
    int release = 0;  // nodes that wait in waves up to this one; 0: none
    RolloutState state = RolloutState::running;
    std::string reason;
  };
  using Look = std::function<base::Result<std::optional<RolloutStep>>(const Rollout&, std::vector<RolloutNode>)>;
  base::Result<> step_rollout(const Actor& actor, std::int64_t revision, const Look& look);

  // --- reports (reports.cc)
  static constexpr int report_history = 50;  // per node
  // Errc::invalid when root and revision were never desired of this node.
  base::Result<> add_report(std::string_view node, const Report& report);
  // Nodes heard of, with the time; unknown ones are left out.
  base::Result<> add_seen(const std::map<std::string, std::chrono::system_clock::time_point>& nodes);
  base::Result<std::vector<base::profile::Value>> reports(std::string_view node, int limit) const;

  // --- values (values.cc)
  // Gives new nodes their numbers. No value: everything is recorded.
  base::Result<std::optional<ValueStep>> next_values();
  // Stores a step and moves on to its revision, in one transaction. False: another server was quicker, nothing stored.
  base::Result<bool> add_values(const ValueStep& step, const ValueChanges& changes);
  base::Result<std::int64_t> values_revision() const;  // how far values are recorded
  // Paths that any profile ever had: those named, and those that match a pattern, where * and ? match within one part of a path.
  // Errc::not_found names the first that matches nothing.
  base::Result<std::vector<std::string>> value_paths(std::span<const std::string> patterns) const;
  // Values at exactly these paths, now or (revision > 0) as of a revision; by node, then path.
  base::Result<std::vector<NodeValue>> values(std::span<const std::string> paths, std::int64_t revision) const;
  // Every change of the value at `path` or below it, newest first.
  base::Result<std::vector<ValueMove>> value_history(std::string_view node, std::string_view path, int limit) const;
  // The newest revision at or before a time (RFC 3339). Errc::not_found: there was none yet.
  base::Result<std::int64_t> revision_as_of(std::string_view time) const;

  // --- enrolment (enrolment.cc)
  // Voids earlier unused tokens of the node. Errc::not_found for an unknown node.
  base::Result<> add_token(const Actor& actor, std::string_view node, const Digest& secret, std::chrono::seconds ttl);
  struct Certificate {
    std::string pem, fingerprint;
    std::chrono::system_clock::time_point expires;
  };
  // Checks and uses up the token, and stores what `issue` returned, in one transaction; `issue` fails: the token stays good.
  // The same token with the same `request` again (the answer was lost) gives the same certificate. Errc::denied: unknown, used or
  // expired token, or another node's.
  base::Result<Certificate> redeem(std::string_view node, const Digest& secret, const Digest& request,
                                   const std::function<base::Result<Certificate>()>& issue);
  base::Result<> add_renewal(std::string_view node, const Certificate& certificate);
  base::Result<std::optional<Certificate>> certificate(std::string_view node) const;  // newest

  // --- rights (rights.cc)
  base::Result<std::int64_t> policy_number() const;                                     // in force; 0: none was ever set
  base::Result<PolicyRow> policy(std::int64_t number) const;                            // 0: in force; Errc::not_found
  base::Result<std::vector<PolicyRow>> policies(std::int64_t before, int limit) const;  // newest first, without text
  // The policy in force must be `base`: Errc::conflict otherwise. Waits for commits, and they for it.
  base::Result<std::int64_t> add_policy(const Actor& actor, std::int64_t base, std::string_view text, std::string_view message);
  // The newest root of nodes that are, or once were, described; others are left out.
  base::Result<std::map<std::string, Digest>> last_roots(std::span<const std::string> nodes) const;

  // --- audit (audit.cc)
  base::Result<std::vector<AuditEntry>> audit(const AuditFilter& filter) const;           // newest first
  base::Result<std::vector<AuditLink>> audit_links(std::int64_t after, int limit) const;  // oldest first
  // Follows the whole chain to its head and stops at the first record that does not follow. `known`: a record and its hash as
  // somebody noted them outside of the database; without that a chain written anew from some record on looks whole.
  base::Result<AuditCheck> verify_audit(const std::optional<AuditMark>& known = {}) const;

  explicit Store(std::shared_ptr<base::pg::Pool> pool) : pool_(std::move(pool)) {}

 private:
  std::shared_ptr<base::pg::Pool> pool_;
};

}  // namespace cdb::store
