#include <map>

#include <fmt/format.h>

#include "base/profile/json.h"
#include "cdb/store/sql.h"
#include "cdb/store/store.h"

namespace cdb::store {
namespace {

constexpr std::string_view node_begin =
    "select n.name, n.branch, n.path, n.root, n.revision, cdb.rfc3339(r.time), n.attributes::text, s.applied_root, "
    "s.applied_revision, cdb.rfc3339(s.applied_time), s.outcome, cdb.rfc3339(s.received), ";
constexpr std::string_view whole_report = "s.report::text, ";
constexpr std::string_view short_report =
    "case when s.outcome is distinct from 'ok' then s.report::text else jsonb_build_object('agent_version', s.report -> "
    "'agent_version', 'reboot_needed', "
    "s.report -> 'reboot_needed')::text end, ";
constexpr std::string_view node_end =
    "(select h.revision from cdb.node_root h where h.node = n.name and h.revision <= $1 order by h.revision desc limit 1), "
    "cdb.rfc3339(greatest(s.received, (select e.time from cdb.node_seen e where e.node = n.name))), n.held_by "
    "from cdb.given n join cdb.revision r on r.number = n.revision left join cdb.node_status s on s.node = n.name "
    "where true ";

base::Result<NodeRow> node_at(const base::pg::Rows& rows, std::size_t i) {
  NodeRow node;
  node.name = rows.text(i, 0);
  node.branch = rows.text(i, 1);
  node.path = rows.text(i, 2);
  node.root = digest_at(rows, i, 3);
  node.revision = rows.integer(i, 4);
  node.changed = rows.text(i, 5);
  node.attributes = WEFT_TRY(base::profile::parse_json(rows.text(i, 6)));
  node.applied_root = optional_digest_at(rows, i, 7);
  node.applied_revision = rows.integer(i, 8);
  node.applied_time = rows.text(i, 9);
  node.outcome = rows.text(i, 10);
  node.received = rows.text(i, 11);
  if (!rows.is_null(i, 12)) node.report = WEFT_TRY(base::profile::parse_json(rows.text(i, 12)));
  if (!rows.is_null(i, 13)) node.at_revision = rows.integer(i, 13);
  node.last_seen = rows.text(i, 14);
  if (!rows.is_null(i, 15)) node.held_by = rows.integer(i, 15);
  return node;
}

Desired desired_row(const base::pg::Rows& rows, std::size_t i) {
  return {std::string(rows.text(i, 0)), optional_digest_at(rows, i, 1), rows.integer(i, 2)};
}

}  // namespace

base::Result<std::string> Store::profile_data(const Digest& root) const {
  auto all = WEFT_TRY(profiles(std::span(&root, 1)));
  return std::move(all.front());
}

base::Result<std::vector<std::string>> Store::profiles(std::span<const Digest> roots) const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows =
      WEFT_TRY(transaction.exec("select root, data from cdb.profile where root = any($1::bytea[])", {bytea_array(roots)}));
  std::map<Digest, std::string> found;
  for (std::size_t i = 0; i < rows.size(); ++i) found.emplace(digest_at(rows, i, 0), rows.bytes(i, 1));
  std::vector<std::string> out;
  out.reserve(roots.size());
  for (const auto& root : roots) {
    const auto place = found.find(root);
    if (place == found.end()) return base::fail(base::Errc::corrupt, "profile " + root.hex() + " is missing in the database");
    out.push_back(place->second);
  }
  return out;
}

base::Result<Desired> Store::desired(std::string_view node) const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows = WEFT_TRY(transaction.exec("select name, root, revision from cdb.given where name = $1", {node}));
  if (rows.empty()) return base::fail(WEFT_TRY(unknown_node(transaction, node)));
  return desired_row(rows, 0);
}

base::Result<Desired> Store::desired_at(std::string_view node, std::int64_t revision) const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows = WEFT_TRY(transaction.exec(
      "select node, root, revision from cdb.node_root where node = $1 and revision <= $2 order by revision desc limit 1",
      {node, revision}));
  if (!rows.empty() && !rows.is_null(0, 1)) return desired_row(rows, 0);
  const auto now = WEFT_TRY(transaction.exec("select from cdb.node where name = $1 and root is not null", {node}));
  if (now.empty()) return base::fail(WEFT_TRY(unknown_node(transaction, node)));
  return base::fail(base::Errc::not_found, fmt::format("node {} did not exist at revision {}", node, revision),
                    fmt::format("weft node show {} lists the revisions that changed it", node));
}

base::Result<Desired> Store::desired_with(std::string_view node, const Digest& root) const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows = WEFT_TRY(transaction.exec(
      "select node, root, revision from cdb.node_root where node = $1 and root = $2 order by revision desc limit 1",
      {node, bytes(root)}));
  if (rows.empty()) {
    return base::fail(base::Errc::not_found, fmt::format("profile {} was never meant for node {}", root.hex(), node),
                      "leave out root to get the desired profile");
  }
  return desired_row(rows, 0);
}

base::Result<std::vector<std::string>> Store::nodes_at(std::int64_t revision) const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows =
      WEFT_TRY(transaction.exec("select node from (select distinct on (node) node, root from cdb.node_root where revision <= $1 "
                                "order by node, revision desc) t "
                                "where root is not null order by node",
                                {revision}));
  std::vector<std::string> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.emplace_back(rows.text(i, 0));
  return out;
}

base::Result<Store::News> Store::desired_since(std::int64_t revision, std::int64_t release) const {
  auto transaction = WEFT_TRY(pool_->begin(base::pg::Isolation::repeatable_read));
  News out;
  const auto counter = WEFT_TRY(transaction.exec("select revision, release from cdb.counter"));
  out.revision = counter.integer(0, 0);
  out.release = counter.integer(0, 1);
  const auto rows =
      revision == 0
          ? WEFT_TRY(transaction.exec("select name, root, revision from cdb.given"))
          : WEFT_TRY(transaction.exec("select m.node, g.root, coalesce(g.revision, n.revision) from "
                                      "(select node from cdb.node_root where revision > $1 union "
                                      "select node from cdb.release where number > $2) m join cdb.node n on n.name = m.node "
                                      "left join cdb.given g on g.name = m.node",
                                      {revision, release}));
  out.nodes.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) out.nodes.push_back(desired_row(rows, i));
  return out;
}

base::Result<std::vector<Digest>> Store::wanted_roots() const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows =
      WEFT_TRY(transaction.exec("select root from cdb.node where root is not null union select root from cdb.held"));
  std::vector<Digest> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(digest_at(rows, i, 0));
  return out;
}

base::Result<std::vector<NodeRow>> Store::nodes(const NodeFilter& filter) const {
  auto transaction = WEFT_TRY(pool_->begin(base::pg::Isolation::repeatable_read));
  const auto attributes =
      filter.attributes.empty() ? std::optional<std::string>{} : std::optional(base::profile::to_json(filter.attributes));
  const auto pattern = filter.name ? std::optional(like(*filter.name)) : std::nullopt;
  static constexpr std::string_view condition =
      "and ($2::text is null or n.branch = $2) and ($3::text is null or n.name like $3) "
      "and ($4::jsonb is null or n.attributes @> $4::jsonb) "
      "and ($5::text is null or s.outcome = $5 or ($5 = 'none' and s.outcome is null)) "
      "and ($6::boolean is null or (s.applied_root is not distinct from n.root) = $6) "
      "and ($7::bigint is null or exists (select from cdb.node_root c where c.node = n.name and c.revision = $7)) "
      "and n.name > $8 and ($10::text[] is null or n.name = any($10)) order by n.name limit $9";
  static const auto full = fmt::format("{}{}{}{}", node_begin, whole_report, node_end, condition);
  static const auto brief = fmt::format("{}{}{}{}", node_begin, short_report, node_end, condition);
  const auto names = filter.names ? std::optional(text_array(*filter.names)) : std::nullopt;
  const auto rows = WEFT_TRY(
      transaction.exec(filter.reports ? full : brief, {filter.at, filter.branch, pattern, attributes, filter.outcome,
                                                       filter.in_sync, filter.changed_in, filter.after, filter.limit, names}));
  std::vector<NodeRow> out;
  out.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(WEFT_TRY(node_at(rows, i)));
  return out;
}

base::Result<NodeRow> Store::node(std::string_view name) const {
  auto transaction = WEFT_TRY(pool_->begin(base::pg::Isolation::repeatable_read));
  static const auto sql = fmt::format("{}{}{}and n.name = $2", node_begin, whole_report, node_end);
  const auto rows = WEFT_TRY(transaction.exec(sql, {std::int64_t{0}, name}));
  if (rows.empty()) return base::fail(WEFT_TRY(unknown_node(transaction, name)));
  return node_at(rows, 0);
}

base::Result<std::vector<Desired>> Store::history(std::string_view node, int limit) const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows = WEFT_TRY(transaction.exec(
      "select node, root, revision from cdb.node_root where node = $1 order by revision desc limit $2", {node, limit}));
  std::vector<Desired> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(desired_row(rows, i));
  return out;
}

}  // namespace cdb::store
