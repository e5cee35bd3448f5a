// The one write of templates and profiles: a revision with all that follows from it, in one transaction.
#include <set>

#include <fmt/format.h>

#include "base/compress/compress.h"
#include "base/diag/fail_point.h"
#include "base/profile/json.h"
#include "cdb/store/sql.h"
#include "cdb/store/store.h"

namespace cdb::store {
namespace {

using base::pg::Param;
using base::pg::Transaction;
using Table = std::vector<std::vector<Param>>;

base::Result<std::set<Digest>> known(Transaction& transaction, std::string_view sql, const std::vector<Digest>& wanted) {
  const auto rows = WEFT_TRY(transaction.exec(sql, {bytea_array(wanted)}));
  std::set<Digest> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.insert(digest_at(rows, i, 0));
  return out;
}

base::Result<std::int64_t> lock_and_check(Transaction& transaction, const Commit& commit) {
  const auto number = WEFT_TRY(next_number(transaction));
  const auto counter = WEFT_TRY(transaction.exec("select reads from cdb.counter"));
  if (counter.integer(0, 0) != commit.known_reads)
    return base::fail(base::Errc::conflict, "another commit numbered new look-ups");
  if (commit.create) WEFT_TRY(insert_branch(transaction, *commit.create, commit.author, number));
  const auto branch =
      WEFT_TRY(transaction.exec("select head from cdb.branch where name = $1 and deleted is null for update", {commit.branch}));
  if (branch.empty()) return base::fail(WEFT_TRY(unknown_branch(transaction, commit.branch)));
  if (branch.integer(0, 0) != commit.head) {
    return base::fail(base::Errc::conflict,
                      fmt::format("branch {} moved from revision {} to {}", commit.branch, commit.head, branch.integer(0, 0)));
  }
  WEFT_TRY(check_policy(transaction, commit.policy));
  return number;
}

base::Result<> store_blobs(Transaction& transaction, const Commit& commit, const std::vector<std::optional<Digest>>& after) {
  std::vector<Digest> wanted;
  for (const auto& hash : after) {
    if (hash) wanted.push_back(*hash);
  }
  auto stored = WEFT_TRY(known(transaction, "select hash from cdb.blob where hash = any($1::bytea[])", wanted));
  Table rows;
  for (std::size_t i = 0; i < commit.edits.size(); ++i) {
    if (!after[i] || !stored.insert(*after[i]).second) continue;
    const auto& content = *commit.edits[i].content;
    rows.push_back({bytes(*after[i]), static_cast<std::int64_t>(content.size()), base::pg::Bytes{base::compress::zstd(content)}});
  }
  return rows.empty() ? base::Result<>{} : transaction.copy("cdb.blob", {"hash", "size", "data"}, rows);
}

base::Result<> store_tree(Transaction& transaction, const Commit& commit, const std::vector<std::optional<Digest>>& after,
                          std::int64_t number) {
  Table rows;
  for (std::size_t i = 0; i < commit.edits.size(); ++i) {
    const auto& edit = commit.edits[i];
    rows.push_back({commit.branch, edit.path, number, bytes(edit.before), bytes(after[i])});
    if (after[i]) {
      WEFT_TRY(
          transaction.exec("insert into cdb.tree (branch, path, blob, revision) values ($1, $2, $3, $4) "
                           "on conflict (branch, path) do update set blob = excluded.blob, revision = excluded.revision",
                           {commit.branch, edit.path, bytes(*after[i]), number}));
    } else {
      WEFT_TRY(transaction.exec("delete from cdb.tree where branch = $1 and path = $2", {commit.branch, edit.path}));
    }
  }
  return transaction.copy("cdb.edit", {"branch", "path", "revision", "before", "after"}, rows);
}

base::Result<> store_reads(Transaction& transaction, const Commit& commit) {
  if (commit.new_reads.empty()) return {};
  Table rows;
  std::int64_t id = commit.known_reads;
  for (const auto& read : commit.new_reads) rows.push_back({++id, read.kind, read.root, read.name, read.path});
  return transaction.copy("cdb.read", {"id", "kind", "root", "name", "path"}, rows);
}

base::Result<> store_profiles(Transaction& transaction, const Commit& commit) {
  std::vector<Digest> wanted;
  for (const auto& node : commit.nodes) {
    if (node.root_changed) wanted.push_back(node.root);
  }
  if (wanted.empty()) return {};
  auto stored = WEFT_TRY(known(transaction, "select root from cdb.profile where root = any($1::bytea[])", wanted));
  Table rows;
  for (const auto& node : commit.nodes) {
    if (!node.root_changed || !stored.insert(node.root).second) continue;
    if (node.data.empty()) return base::fail(base::Errc::internal, "commit without the profile of " + node.name);
    rows.push_back({bytes(node.root), node.json_size, base::pg::Bytes{node.data}});
  }
  return rows.empty() ? base::Result<>{} : transaction.copy("cdb.profile", {"root", "size", "data"}, rows);
}

// The branch's objects, and what is desired of the nodes that follow it. On a domain a node that nobody describes yet begins to
// follow.
base::Result<> store_objects(Transaction& transaction, const Commit& commit, std::int64_t number) {
  std::vector<std::string> names, paths, reads, attributes;
  std::vector<Digest> roots;
  for (const auto& node : commit.nodes) {
    names.push_back(node.name);
    paths.push_back(node.path);
    roots.push_back(node.root);
    reads.push_back(node.reads);
    attributes.push_back(node.attributes);
  }
  if (!names.empty()) {
    WEFT_TRY(transaction.exec(
        "insert into cdb.object as o (branch, name, path, root, revision, touched, reads, attributes) "
        "select $1, g.name, g.path, g.root, $2, $2, g.reads, g.attributes::jsonb "
        "from unnest($3::text[], $4::text[], $5::bytea[], $6::bytea[], $7::text[]) g(name, path, root, reads, attributes) "
        "on conflict (branch, name) do update set path = excluded.path, root = excluded.root, "
        "revision = case when o.root is distinct from excluded.root then excluded.revision else o.revision end, "
        "touched = excluded.touched, reads = excluded.reads, attributes = excluded.attributes",
        {commit.branch, number, text_array(names), text_array(paths), bytea_array(roots),
         bytea_array(std::span<const std::string>(reads)), text_array(attributes)}));
    WEFT_TRY(transaction.exec(
        "update cdb.node n set path = o.path, root = o.root, attributes = o.attributes, "
        "revision = case when n.root is distinct from o.root then $2 else n.revision end "
        "from cdb.object o where o.branch = $1 and o.name = any($3::text[]) and n.name = o.name and n.branch = $1",
        {commit.branch, number, text_array(names)}));
    if (!commit.create) {
      WEFT_TRY(transaction.exec(
          "insert into cdb.node as n (name, branch, path, root, revision, attributes) "
          "select o.name, o.branch, o.path, o.root, $2, o.attributes from cdb.object o join cdb.branch b on b.name = o.branch "
          "where o.branch = $1 and b.kind = 'domain' and o.name = any($3::text[]) on conflict (name) do update "
          "set branch = excluded.branch, path = excluded.path, root = excluded.root, revision = excluded.revision, "
          "attributes = excluded.attributes where n.root is null",
          {commit.branch, number, text_array(names)}));
    }
  }
  if (!commit.removed.empty()) {
    WEFT_TRY(transaction.exec(
        "delete from cdb.held h using cdb.node n where n.name = h.node and n.branch = $1 and n.name = any($2::text[])",
        {commit.branch, text_array(commit.removed)}));
    WEFT_TRY(transaction.exec(
        "update cdb.object set root = null, revision = $2, touched = $2 where branch = $1 and name = any($3::text[])",
        {commit.branch, number, text_array(commit.removed)}));
    WEFT_TRY(transaction.exec("update cdb.node set root = null, revision = $2 where branch = $1 and name = any($3::text[])",
                              {commit.branch, number, text_array(commit.removed)}));
  }
  WEFT_TRY(
      transaction.exec("insert into cdb.node_root (node, revision, root) select name, revision, root from cdb.node "
                       "where revision = $1 order by name",
                       {number}));
  return {};
}

// Before the nodes get their new roots: what they are given now is kept for those that have to wait. A node that waits already
// goes on with what it had then; this revision holds what the older one had for it.
base::Result<> start_rollout(Transaction& transaction, const RolloutPlan& plan, std::int64_t number) {
  base::profile::List names, waves;
  for (const auto& name : plan.names) names.emplace_back(name);
  for (const auto wave : plan.policy_waves) waves.emplace_back(wave);
  WEFT_TRY(
      transaction.exec("insert into cdb.rollout (revision, policy, document, state, waves, names, policy_waves) "
                       "values ($1, $2, $3::jsonb, 'running', $4, $5::jsonb, $6::jsonb)",
                       {number, plan.policy, plan.document, static_cast<std::int64_t>(plan.names.size()),
                        base::profile::to_json(names), base::profile::to_json(waves)}));
  Table rows;
  std::vector<std::string> nodes;
  for (const auto& [node, wave] : plan.nodes) {
    rows.push_back({number, node, wave});
    nodes.push_back(node);
  }
  WEFT_TRY(transaction.copy("cdb.rollout_node", {"revision", "node", "wave"}, rows));
  WEFT_TRY(transaction.exec(
      "update cdb.rollout_node set state = 'superseded', changed = clock_timestamp(), message = 'by revision ' || $1::bigint "
      "where state = 'waiting' and revision < $1 and node = any($2::text[])",
      {number, text_array(nodes)}));
  WEFT_TRY(transaction.exec(
      "insert into cdb.held as h (node, root, revision, rollout) select name, root, revision, $1::bigint from cdb.node "
      "where name = any($2::text[]) and root is not null order by name on conflict (node) do update set rollout = "
      "excluded.rollout",
      {number, text_array(nodes)}));
  return {};
}

// Nodes that have again what they are given wait for nothing: a revert ends the waiting.
base::Result<> let_go(Transaction& transaction, const Commit& commit) {
  std::vector<std::string> nodes;
  for (const auto& node : commit.nodes) {
    if (node.root_changed) nodes.push_back(node.name);
  }
  const auto freed = WEFT_TRY(transaction.exec(
      "delete from cdb.held h using cdb.node n where n.name = h.node and n.root = h.root and h.node = any($1::text[]) "
      "returning h.node, h.rollout",
      {text_array(nodes)}));
  for (std::size_t i = 0; i < freed.size(); ++i) {
    WEFT_TRY(transaction.exec(
        "update cdb.rollout_node set state = 'superseded', changed = clock_timestamp(), message = 'it has again what it had' "
        "where revision = $1 and node = $2 and state = 'waiting'",
        {freed.integer(i, 1), freed.text(i, 0)}));
  }
  return {};
}

}  // namespace

base::Result<std::int64_t> Store::commit(const Commit& commit) {
  if (commit.edits.empty()) return base::fail(base::Errc::internal, "a commit without edits");
  std::vector<std::optional<Digest>> after;
  for (const auto& edit : commit.edits) after.push_back(edit.content ? std::optional(digest(*edit.content)) : std::nullopt);
  std::int64_t changed = static_cast<std::int64_t>(commit.removed.size());
  for (const auto& node : commit.nodes) changed += node.root_changed;

  WEFT_TRY(base::fail_point("cdb.commit.before-store"));
  auto transaction = WEFT_TRY(pool_->begin());
  const auto number = WEFT_TRY(lock_and_check(transaction, commit));
  WEFT_TRY(insert_revision(transaction, {.number = number,
                                         .parent = commit.head,
                                         .branch = commit.branch,
                                         .message = commit.message,
                                         .author = commit.author,
                                         .tree = commit.tree,
                                         .reverts = commit.reverts,
                                         .merged = commit.merged,
                                         .merged_revision = commit.merged_revision,
                                         .compiled = commit.compiled,
                                         .changed = changed,
                                         .plan = commit.plan}));
  WEFT_TRY(transaction.exec("update cdb.counter set reads = $1",
                            {commit.known_reads + static_cast<std::int64_t>(commit.new_reads.size())}));
  WEFT_TRY(store_blobs(transaction, commit, after));
  WEFT_TRY(store_tree(transaction, commit, after, number));
  WEFT_TRY(store_reads(transaction, commit));
  WEFT_TRY(store_profiles(transaction, commit));
  if (commit.rollout) WEFT_TRY(start_rollout(transaction, *commit.rollout, number));
  WEFT_TRY(store_objects(transaction, commit, number));
  WEFT_TRY(let_go(transaction, commit));
  base::profile::Dict detail{{"branch", commit.branch},   {"revision", number},
                             {"message", commit.message}, {"edits", static_cast<std::int64_t>(commit.edits.size())},
                             {"nodes", changed},          {"tree", commit.tree.hex()}};
  if (commit.reverts) detail["reverts"] = *commit.reverts;
  if (commit.rollout) detail["rollout"] = commit.rollout->policy;
  if (commit.merged) detail["merged"] = fmt::format("{}@{}", *commit.merged, commit.merged_revision);
  WEFT_TRY(append_audit(transaction, commit.author,
                        commit.create    ? "branch.create"
                        : commit.merged  ? "branch.merge"
                        : commit.reverts ? "template.revert"
                                         : "template.commit",
                        fmt::format("{}@{}", commit.branch, number), std::move(detail)));
  WEFT_TRY(transaction.notify(wake_channel, std::to_string(number)));
  WEFT_TRY(base::fail_point("cdb.commit.stored"));
  WEFT_TRY(transaction.commit());
  WEFT_TRY(base::fail_point("cdb.commit.committed"));
  return number;
}

}  // namespace cdb::store
