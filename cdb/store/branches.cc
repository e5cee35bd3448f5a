// Branches: made, listed, deleted; which nodes follow them.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/compress/compress.h"
#include "base/diag/fail_point.h"
#include "base/text/text.h"
#include "cdb/store/sql.h"
#include "cdb/store/store.h"

namespace cdb::store {
namespace {

using base::Errc;
using base::fail;
using base::pg::Rows;
using base::pg::Transaction;

constexpr std::string_view columns =
    "select b.name, b.kind, b.head, b.owner_kind, b.owner, b.description, cdb.rfc3339(b.created), b.source, b.source_revision, "
    "b.created_in, (select count(*) from cdb.object o where o.branch = b.name and o.root is not null), "
    "(select count(*) from cdb.node n where n.branch = b.name and n.root is not null) from cdb.branch b where b.deleted is null ";

BranchInfo info_at(const Rows& rows, std::size_t i) {
  BranchInfo out;
  out.name = rows.text(i, 0);
  out.kind = rows.text(i, 1);
  out.head = rows.integer(i, 2);
  out.owner = {std::string(rows.text(i, 3)), std::string(rows.text(i, 4))};
  out.description = rows.text(i, 5);
  out.created = rows.text(i, 6);
  if (!rows.is_null(i, 7)) out.source = rows.text(i, 7);
  out.source_revision = rows.integer(i, 8);
  out.created_in = rows.integer(i, 9);
  out.objects = rows.integer(i, 10);
  out.followers = rows.integer(i, 11);
  return out;
}

bool valid_name(std::string_view name) {
  const auto good = [](char c, bool first) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (!first && (c == '.' || c == '_' || c == '-'));
  };
  if (name.empty() || name.size() > 64) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (!good(name[i], i == 0)) return false;
  }
  return name.find("..") == std::string_view::npos && !name.ends_with(".lock") && !name.ends_with('.');
}

std::string some(const std::vector<std::string>& names) {
  const std::span<const std::string> first(names.data(), std::min<std::size_t>(names.size(), 5));
  const auto more = names.size() - first.size();
  return base::text::join(first, ", ") + (more ? fmt::format(" and {} more", more) : "");
}

base::Result<std::vector<NodeMove>> find_moves(Transaction& transaction, std::span<const std::string> nodes,
                                               std::string_view target) {
  const auto exists = WEFT_TRY(transaction.exec("select from cdb.branch where name = $1 and deleted is null", {target}));
  if (exists.empty()) return fail(WEFT_TRY(unknown_branch(transaction, target)));
  const auto rows = WEFT_TRY(transaction.exec(
      "select n.name, n.branch, n.root, o.root from cdb.node n left join cdb.object o on o.branch = $2 and o.name = n.name "
      "where n.name = any($1::text[]) and n.root is not null order by n.name",
      {text_array(nodes), target}));
  std::vector<NodeMove> out;
  std::vector<std::string> absent;
  std::set<std::string> found;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    NodeMove move{std::string(rows.text(i, 0)), std::string(rows.text(i, 1)), digest_at(rows, i, 2), {}};
    found.insert(move.node);
    if (move.source == target) continue;
    if (rows.is_null(i, 3)) {
      absent.push_back(move.node);
      continue;
    }
    move.after = digest_at(rows, i, 3);
    out.push_back(std::move(move));
  }
  for (const auto& node : nodes) {
    if (!found.contains(node)) return fail(WEFT_TRY(unknown_node(transaction, node)));
  }
  if (!absent.empty()) {
    return fail(Errc::not_found, fmt::format("branch {} describes no {}", target, some(absent)),
                fmt::format("commit {} object template there first, or merge the branch that has {}",
                            absent.size() == 1 ? "its" : "their", absent.size() == 1 ? "it" : "them"));
  }
  return out;
}

}  // namespace

base::Result<std::int64_t> next_number(Transaction& transaction) {
  return WEFT_TRY(transaction.exec("select revision from cdb.counter for update")).integer(0, 0) + 1;
}

base::Result<> insert_revision(Transaction& transaction, const RevisionRow& row) {
  WEFT_TRY(
      transaction.exec("insert into cdb.revision (number, branch, parent, author_kind, author, message, tree, reverts, merged, "
                       "merged_revision, compiled, "
                       "changed, plan) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
                       {row.number, row.branch, row.parent, row.author.kind, row.author.name, row.message, bytes(row.tree),
                        row.reverts, row.merged, row.merged ? std::optional(row.merged_revision) : std::nullopt, row.compiled,
                        row.changed, base::pg::Bytes{base::compress::zstd(row.plan)}}));
  WEFT_TRY(transaction.exec("update cdb.branch set head = $2 where name = $1", {row.branch, row.number}));
  WEFT_TRY(transaction.exec("update cdb.counter set revision = $1", {row.number}));
  return {};
}

base::Result<> insert_branch(Transaction& transaction, const NewBranch& branch, const Actor& author, std::int64_t number) {
  if (!valid_name(branch.name)) {
    return fail(Errc::invalid, "a branch cannot have this name",
                "begin with a small letter or digit, go on with these and '.', '_', '-', 64 at most, no '..', not ending in '.' "
                "or '.lock'");
  }
  const auto taken = WEFT_TRY(transaction.exec("select cdb.rfc3339(deleted) from cdb.branch where name = $1", {branch.name}));
  if (!taken.empty()) {
    return taken.is_null(0, 0)
               ? fail(Errc::conflict, fmt::format("there is a branch '{}' already", branch.name), "weft branch list shows them")
               : fail(Errc::conflict,
                      fmt::format("there was a branch '{}', deleted at {}; its revisions keep the name", branch.name,
                                  taken.text(0, 0)),
                      "choose another name");
  }
  const auto count = WEFT_TRY(transaction.exec("select count(*) from cdb.branch where deleted is null"));
  if (count.integer(0, 0) >= Store::max_branches)
    return fail(Errc::exhausted, fmt::format("there are {} branches, the most there may be", count.integer(0, 0)),
                "delete what nobody needs: weft branch list");
  WEFT_TRY(transaction.exec(
      "insert into cdb.branch (name, kind, owner_kind, owner, description, source, source_revision, created_in) "
      "values ($1, $2, $3, $4, $5, $6, $7, $8)",
      {branch.name, branch.kind, author.kind, author.name, branch.description, branch.source, branch.source_revision, number}));
  return {};
}

base::Result<std::vector<BranchInfo>> Store::branches() const {
  auto transaction = WEFT_TRY(pool_->begin());
  static const auto sql = std::string(columns) + "order by b.name";
  const auto rows = WEFT_TRY(transaction.exec(sql));
  std::vector<BranchInfo> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(info_at(rows, i));
  return out;
}

base::Result<BranchInfo> Store::branch(std::string_view name) const {
  auto transaction = WEFT_TRY(pool_->begin());
  static const auto sql = std::string(columns) + "and b.name = $1";
  const auto rows = WEFT_TRY(transaction.exec(sql, {name}));
  if (rows.empty()) return fail(WEFT_TRY(unknown_branch(transaction, name)));
  return info_at(rows, 0);
}

base::Result<bool> Store::name_taken(std::string_view name) const {
  auto transaction = WEFT_TRY(pool_->begin());
  return !WEFT_TRY(transaction.exec("select from cdb.branch where name = $1", {name})).empty();
}

base::Result<std::int64_t> Store::create_branch(const NewBranch& branch, const Actor& author) {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto number = WEFT_TRY(next_number(transaction));
  const auto source =
      WEFT_TRY(transaction.exec("select head from cdb.branch where name = $1 and deleted is null for update", {branch.source}));
  if (source.empty()) return fail(WEFT_TRY(unknown_branch(transaction, branch.source)));
  if (source.integer(0, 0) != branch.source_revision)
    return fail(Errc::conflict, fmt::format("branch {} moved to revision {}", branch.source, source.integer(0, 0)));
  WEFT_TRY(insert_branch(transaction, branch, author, number));
  const auto tree = WEFT_TRY(transaction.exec("select tree from cdb.revision where number = $1", {branch.source_revision}));
  if (tree.empty())
    return fail(Errc::invalid, fmt::format("branch {} is empty", branch.source), "commit templates first: weft template import");
  WEFT_TRY(insert_revision(transaction,
                           {.number = number,
                            .parent = 0,
                            .branch = branch.name,
                            .message = fmt::format("Branch {} from {}@{}", branch.name, branch.source, branch.source_revision),
                            .author = author,
                            .tree = digest_at(tree, 0, 0),
                            .reverts = {},
                            .merged = {},
                            .merged_revision = 0,
                            .compiled = 0,
                            .changed = 0,
                            .plan = "{}"}));
  WEFT_TRY(
      transaction.exec("insert into cdb.edit (branch, path, revision, before, after) "
                       "select $1, path, $2, null, blob from cdb.tree where branch = $3",
                       {branch.name, number, branch.source}));
  WEFT_TRY(transaction.exec(
      "insert into cdb.tree (branch, path, blob, revision) select $1, path, blob, revision from cdb.tree where branch = $2",
      {branch.name, branch.source}));
  WEFT_TRY(transaction.exec(
      "insert into cdb.object (branch, name, path, root, revision, touched, reads, attributes) "
      "select $1, name, path, root, $2, $2, reads, attributes from cdb.object where branch = $3 and root is not null",
      {branch.name, number, branch.source}));
  WEFT_TRY(append_audit(
      transaction, author, "branch.create", fmt::format("{}@{}", branch.name, number),
      base::profile::Dict{{"kind", branch.kind}, {"from", fmt::format("{}@{}", branch.source, branch.source_revision)}}));
  WEFT_TRY(transaction.commit());
  return number;
}

base::Result<> Store::delete_branch(std::string_view name, const Actor& author) {
  auto transaction = WEFT_TRY(pool_->begin());
  WEFT_TRY(next_number(transaction));
  const auto rows =
      WEFT_TRY(transaction.exec("select head from cdb.branch where name = $1 and deleted is null for update", {name}));
  if (rows.empty()) return fail(WEFT_TRY(unknown_branch(transaction, name)));
  if (name == "main") return fail(Errc::conflict, "branch main cannot be deleted", "it is where new nodes and claims go");
  const auto followers =
      WEFT_TRY(transaction.exec("select name from cdb.node where branch = $1 and root is not null order by name", {name}));
  if (!followers.empty()) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < followers.size(); ++i) names.emplace_back(followers.text(i, 0));
    return fail(
        Errc::conflict,
        fmt::format("{} node{} branch {}: {}", names.size(), names.size() == 1 ? " follows" : "s follow", name, some(names)),
        "move them first: weft node move NODE... --branch DOMAIN");
  }
  WEFT_TRY(transaction.exec("delete from cdb.tree where branch = $1", {name}));
  WEFT_TRY(transaction.exec("delete from cdb.object where branch = $1", {name}));
  WEFT_TRY(transaction.exec("update cdb.branch set deleted = clock_timestamp() where name = $1", {name}));
  WEFT_TRY(
      append_audit(transaction, author, "branch.delete", fmt::format("{}@{}", name, rows.integer(0, 0)), base::profile::Dict{}));
  return transaction.commit();
}

base::Result<Descent> Store::descent() const {
  auto transaction = WEFT_TRY(pool_->begin(base::pg::Isolation::repeatable_read));
  Descent out;
  const auto rows = WEFT_TRY(
      transaction.exec("select name, source, created_in, source_revision, deleted is null from cdb.branch order by name"));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows.boolean(i, 4)) out.alive.emplace_back(rows.text(i, 0));
    if (!rows.is_null(i, 1))
      out.forks.push_back({std::string(rows.text(i, 0)), std::string(rows.text(i, 1)), rows.integer(i, 2), rows.integer(i, 3)});
  }
  const auto merges = WEFT_TRY(transaction.exec(
      "select branch, merged, number, merged_revision from cdb.revision where merged is not null order by number"));
  for (std::size_t i = 0; i < merges.size(); ++i)
    out.merges.push_back(
        {std::string(merges.text(i, 0)), std::string(merges.text(i, 1)), merges.integer(i, 2), merges.integer(i, 3)});
  return out;
}

base::Result<std::map<std::string, std::string>> Store::followed(std::span<const std::string> nodes) const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows = WEFT_TRY(transaction.exec(
      "select name, branch from cdb.node where name = any($1::text[]) and root is not null", {text_array(nodes)}));
  std::map<std::string, std::string> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.emplace(rows.text(i, 0), rows.text(i, 1));
  return out;
}

base::Result<std::vector<NodeMove>> Store::moves(std::span<const std::string> nodes, std::string_view target) const {
  auto transaction = WEFT_TRY(pool_->begin(base::pg::Isolation::repeatable_read));
  return find_moves(transaction, nodes, target);
}

base::Result<std::int64_t> Store::move_nodes(std::string_view target, std::int64_t head, const std::vector<NodeMove>& moves,
                                             std::string_view message, std::string_view plan, const Actor& author,
                                             std::int64_t policy) {
  WEFT_TRY(base::fail_point("cdb.move.before-store"));
  auto transaction = WEFT_TRY(pool_->begin());
  const auto number = WEFT_TRY(next_number(transaction));
  WEFT_TRY(check_policy(transaction, policy));
  std::vector<std::string> names;
  for (const auto& move : moves) names.push_back(move.node);
  const auto now = WEFT_TRY(find_moves(transaction, names, target));
  const auto same = [](const NodeMove& a, const NodeMove& b) {
    return a.node == b.node && a.source == b.source && a.before == b.before && a.after == b.after;
  };
  const auto state = WEFT_TRY(transaction.exec(
      "select b.head, r.tree from cdb.branch b join cdb.revision r on r.number = b.head where b.name = $1 for update of b",
      {target}));
  if (moves.empty() || now.size() != moves.size() || !std::equal(now.begin(), now.end(), moves.begin(), same) || state.empty() ||
      state.integer(0, 0) != head)
    return fail(Errc::conflict, "a node, or what is desired of it, is another one than in the plan");
  std::int64_t changed = 0;
  std::vector<std::vector<base::pg::Param>> rows;
  for (const auto& move : moves) {
    changed += move.before != move.after;
    rows.push_back({number, move.node, move.source});
  }
  WEFT_TRY(insert_revision(transaction, {.number = number,
                                         .parent = head,
                                         .branch = target,
                                         .message = message,
                                         .author = author,
                                         .tree = digest_at(state, 0, 1),
                                         .reverts = {},
                                         .merged = {},
                                         .merged_revision = 0,
                                         .compiled = 0,
                                         .changed = changed,
                                         .plan = plan}));
  WEFT_TRY(transaction.copy("cdb.node_move", {"revision", "node", "source"}, rows));
  WEFT_TRY(
      transaction.exec("update cdb.node n set branch = o.branch, path = o.path, root = o.root, attributes = o.attributes, "
                       "revision = case when n.root is distinct from o.root then $2 else n.revision end "
                       "from cdb.object o where o.branch = $1 and n.name = o.name and n.name = any($3::text[])",
                       {target, number, text_array(names)}));
  WEFT_TRY(
      transaction.exec("insert into cdb.node_root (node, revision, root) select name, revision, root from cdb.node where "
                       "revision = $1 order by name",
                       {number}));
  WEFT_TRY(append_audit(
      transaction, author, "node.move", fmt::format("{}@{}", target, number),
      base::profile::Dict{{"message", message}, {"nodes", static_cast<std::int64_t>(moves.size())}, {"changed", changed}}));
  WEFT_TRY(transaction.notify(wake_channel, std::to_string(number)));
  WEFT_TRY(base::fail_point("cdb.move.stored"));
  WEFT_TRY(transaction.commit());
  return number;
}

base::Result<std::vector<NodeMove>> Store::moved_in(std::int64_t revision) const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows =
      WEFT_TRY(transaction.exec("select node, source from cdb.node_move where revision = $1 order by node", {revision}));
  std::vector<NodeMove> out;
  for (std::size_t i = 0; i < rows.size(); ++i)
    out.push_back({std::string(rows.text(i, 0)), std::string(rows.text(i, 1)), {}, {}});
  return out;
}

base::Result<std::int64_t> Store::drop_unused_profiles() {
  auto transaction = WEFT_TRY(pool_->begin());
  WEFT_TRY(next_number(transaction));  // no commit may be about to refer to one of them
  const auto done =
      WEFT_TRY(transaction.exec("delete from cdb.profile p where not exists (select from cdb.node_root r where r.root = p.root) "
                                "and not exists (select from cdb.object o where o.root = p.root) and not exists (select from "
                                "cdb.node n where n.root = p.root)"));
  WEFT_TRY(transaction.commit());
  return static_cast<std::int64_t>(done.affected());
}

}  // namespace cdb::store
