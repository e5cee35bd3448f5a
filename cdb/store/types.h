// Values that cdb/store takes and gives. Used by cdb/build, publish, enrol and http. Plain values, any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/profile/hash.h"
#include "base/profile/value.h"

namespace cdb::store {

using Digest = base::profile::Hash;

Digest digest(std::string_view content);  // SHA-256

// Who did it, as proven by the front: kind node|person|service.
struct Actor {
  std::string kind, name;
};

struct File {
  std::string path;
  Digest hash;
  std::int64_t revision = 0;  // that last changed it
  std::int64_t size = 0;
  std::optional<std::string> content;  // only where asked for
};

// One path in a revision. No `before`: added; no `after`: removed.
struct Edit {
  std::string path;
  std::optional<Digest> before, after;
  std::int64_t revision = 0;
};

// One distinct look-up (cdb::pan::Read as stored).
struct ReadKey {
  int kind = 0;
  int root = -1;
  std::string name, path;
  friend auto operator<=>(const ReadKey&, const ReadKey&) = default;
};

// What a commit stores about one object. `data` empty: the root is unchanged, only reads, path or attributes moved.
struct NodeUpdate {
  std::string name, path;
  Digest root;
  bool root_changed = false;
  std::string data;  // zstd of the canonical JSON
  std::int64_t json_size = 0;
  std::string reads;       // encode_reads()
  std::string attributes;  // JSON
};

struct NewContent {
  std::string path;
  std::optional<Digest> before;
  std::optional<std::string> content;  // none: removed
};

// What a commit says of its roll-out: cdb/rollout's plan of waves.
struct RolloutPlan {
  std::string policy, document;                    // name; JSON
  std::vector<std::string> names;                  // of the waves
  std::vector<std::int64_t> policy_waves;          // of each, its place in the policy
  std::vector<std::pair<std::string, int>> nodes;  // node and wave, 1 for the first
};

// Where nodes find their profiles (domain) or somebody works (sandbox: compiled and planned like any branch, but a node follows
// it only when it was moved there by name).
struct BranchInfo {
  std::string name, kind;
  std::int64_t head = 0;
  Actor owner;
  std::string description, created;         // time
  std::optional<std::string> source;        // forked from
  std::int64_t source_revision = 0;         // as of this revision of it
  std::int64_t created_in = 0;              // first revision of this branch; 0: main
  std::int64_t objects = 0, followers = 0;  // profiles it compiles; nodes that follow it
  bool sandbox() const { return kind == "sandbox"; }
};

struct NewBranch {
  std::string name, kind, description;
  std::string source;
  std::int64_t source_revision = 0;
};

// How branches came from each other, deleted ones too: where each began, and what each took in later. `revision` is the source's.
struct Descent {
  struct Step {
    std::string branch, source;
    std::int64_t number = 0, revision = 0;
  };
  std::vector<Step> forks, merges;
  std::vector<std::string> alive;
};

// A node that is to follow another branch; roots as the plan saw them.
struct NodeMove {
  std::string node, source;
  Digest before, after;
};

struct Commit {
  std::string branch;
  std::int64_t head = 0;         // the branch must still be there: Errc::conflict otherwise
  std::int32_t known_reads = 0;  // the dictionary must still have this many entries: Errc::conflict otherwise
  std::int64_t policy = 0;       // this policy (0: none) must still be in force: Errc::conflict otherwise
  Actor author;
  std::string message;
  std::optional<std::int64_t> reverts;
  std::optional<NewBranch> create;    // `branch` does not exist yet: it begins with this commit
  std::optional<std::string> merged;  // the edits took in this branch, as of merged_revision
  std::int64_t merged_revision = 0;
  Digest tree;
  std::vector<NewContent> edits;
  std::vector<NodeUpdate> nodes;
  std::vector<std::string> removed;  // nodes that leave
  std::vector<ReadKey> new_reads;    // numbered from known_reads + 1
  std::string plan;                  // JSON
  int compiled = 0;
  std::optional<RolloutPlan> rollout;  // none: at once
};

struct Revision {
  std::int64_t number = 0, parent = 0;
  std::string branch, message, time;
  Actor author;
  Digest tree;
  std::optional<std::int64_t> reverts;
  std::optional<std::string> merged;
  std::int64_t merged_revision = 0;
  int compiled = 0, changed = 0;
};

// A branch, whole or what changed since a revision.
struct BranchState {
  struct Object {
    std::string name, path;
    std::optional<Digest> root;  // none: the node left
    std::int64_t revision = 0;
    std::string reads;
    std::string role, cluster, rack;  // "": the profile does not say
  };
  std::int64_t head = 0;
  bool sandbox = false;
  std::vector<File> files;           // with content
  std::vector<std::string> removed;  // paths; only in a difference
  std::vector<Object> objects;
  std::vector<ReadKey> reads;  // dictionary entries from `first_read` on
  std::int32_t first_read = 1;
};

struct Desired {
  std::string node;
  std::optional<Digest> root;  // none: the node left
  std::int64_t revision = 0;
};

struct NodeRow {
  std::string name, branch, path;
  Digest root;
  std::int64_t revision = 0;
  std::string changed;  // time of the revision
  base::profile::Value attributes;
  std::optional<Digest> applied_root;
  std::int64_t applied_revision = 0;
  std::string applied_time, outcome, received;
  std::string last_seen;                    // by report, wake or fetch; "": never
  base::profile::Value report;              // last one; null when it never reported
  std::optional<std::int64_t> at_revision;  // desired revision as of NodeFilter::at
  std::optional<std::int64_t> held_by;      // the roll-out whose wave it waits for; root and revision are what it is given now
};

struct NodeFilter {
  std::optional<std::string> branch, name;        // name: shell pattern
  base::profile::Dict attributes;                 // all must be equal
  std::optional<std::string> outcome;             // last report's; "none": never reported
  std::optional<bool> in_sync;                    // applied root is the desired one
  std::optional<std::int64_t> changed_in;         // only nodes whose root this revision changed
  std::int64_t at = 0;                            // fills at_revision when positive
  std::optional<std::vector<std::string>> names;  // only these
  bool reports = true;  // false: NodeRow::report of a run that was ok has only agent_version and reboot_needed
  std::string after;    // names greater than this
  int limit = 1000;
};

enum class RolloutState : std::uint8_t { running, paused, halted, reverting, done, reverted };
std::string_view name_of(RolloutState state);
std::optional<RolloutState> rollout_state(std::string_view name);

struct RolloutPolicy {
  std::string name, document, author, changed;  // document: JSON
};

struct Rollout {
  std::int64_t revision = 0;
  std::string branch, author, message, policy, document;
  RolloutState state = RolloutState::running;
  int wave = 0, waves = 0;  // wave: released last, 0: none yet
  std::vector<std::string> names;
  std::vector<std::int64_t> policy_waves;
  std::optional<std::chrono::system_clock::time_point> released;  // when `wave` was
  std::string reason, updated, started;
  std::map<std::string, std::int64_t> counts;  // nodes by state
};

// A node in a roll-out, with what is known of it.
struct RolloutNode {
  enum class State : std::uint8_t { waiting, released, applied, failed, skipped, superseded };
  using Time = std::chrono::system_clock::time_point;
  std::string name;
  int wave = 0;
  State state = State::waiting;
  std::string message;
  std::optional<Time> released, changed;  // changed: the state
  std::int64_t applied_revision = 0;
  std::string outcome;  // of the last report
  std::int64_t report_revision = 0;
  std::optional<Time> reported, seen;
  std::string failure;          // first failed component of the last report, with its message
  std::string attribute_state;  // the attribute `state`
  bool accepted = false;        // its failure: somebody said to go on
  std::string alarm;            // not from this room: whoever watches alarms fills it in
};
std::string_view name_of(RolloutNode::State state);

struct RolloutNodeChange {
  std::string node;
  RolloutNode::State state = RolloutNode::State::waiting;
  std::string message;
  bool accepted = false;
};

struct RolloutSwitch {
  bool stopped = false;
  std::string author, reason, changed;
};

struct Report {
  Digest root;
  std::int64_t revision = 0;
  std::string outcome;  // ok | failed | partial | noaction
  base::profile::Value body;
};

struct PolicyRow {
  std::int64_t number = 0;
  Actor author;
  std::string message, time;
  std::string text;  // only where asked for
};

struct AuditEntry {
  std::int64_t id = 0;
  base::profile::Value record;
};

struct AuditFilter {
  std::int64_t before = 0;  // numbers below this; 0: from the newest
  int limit = 50;
  std::optional<std::string> actor, action, since;  // action: shell pattern; since: RFC 3339
};

// One record of the chain as it is stored: hash = SHA-256(previous || record).
struct AuditLink {
  std::int64_t id = 0;
  std::string record;
  Digest previous, hash;
};

struct AuditMark {
  std::int64_t id = 0;
  Digest hash;
};

struct AuditCheck {
  std::int64_t records = 0;  // that follow from each other, from the first on
  Digest head;               // hash of the last of them
  std::optional<std::int64_t> broken;
  std::string what, meaning;  // only when broken
};

}  // namespace cdb::store
