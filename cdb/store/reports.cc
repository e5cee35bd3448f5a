#include <fmt/format.h>

#include "base/profile/json.h"
#include "base/text/text.h"
#include "cdb/store/sql.h"
#include "cdb/store/store.h"

namespace cdb::store {

base::Result<> Store::add_report(std::string_view node, const Report& report) {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto known = WEFT_TRY(transaction.exec("select from cdb.node_root where node = $1 and revision = $2 and root = $3",
                                               {node, report.revision, bytes(report.root)}));
  if (known.empty()) {
    return base::fail(base::Errc::invalid,
                      fmt::format("node {} reports profile {} of revision {}, which was never desired of it", node,
                                  report.root.hex(), report.revision),
                      "report root and revision as they stand in the manifest");
  }
  const auto body = base::profile::to_json(report.body);
  const bool applied = report.outcome == "ok";
  // Arrival order counts: a node sends one report after the other, its clock may be wrong, and an undo goes back to an older
  // revision.
  WEFT_TRY(transaction.exec(
      "insert into cdb.node_status as s (node, applied_root, applied_revision, applied_time, outcome, received, report) "
      "values ($1, case when $2 then $3::bytea end, case when $2 then $4::bigint end, case when $2 then clock_timestamp() end, "
      "$5, "
      "clock_timestamp(), $6::jsonb) on conflict (node) do update set "
      "applied_root = coalesce(excluded.applied_root, s.applied_root), "
      "applied_revision = coalesce(excluded.applied_revision, s.applied_revision), "
      "applied_time = coalesce(excluded.applied_time, s.applied_time), "
      "outcome = excluded.outcome, received = excluded.received, report = excluded.report",
      {node, applied, bytes(report.root), report.revision, report.outcome, body}));
  WEFT_TRY(transaction.exec("insert into cdb.report (node, report) values ($1, $2::jsonb)", {node, body}));
  WEFT_TRY(
      transaction.exec("delete from cdb.report where node = $1 and id <= (select id from cdb.report where node = $1 "
                       "order by id desc offset $2 limit 1)",
                       {node, report_history}));
  return transaction.commit();
}

base::Result<> Store::add_seen(const std::map<std::string, std::chrono::system_clock::time_point>& nodes) {
  if (nodes.empty()) return {};
  std::vector<std::string> names, times;
  for (const auto& [node, time] : nodes) {
    names.push_back(node);
    times.push_back(base::text::rfc3339(time));
  }
  auto transaction = WEFT_TRY(pool_->begin());
  // In order of names, so that two servers never wait for each other in a circle.
  WEFT_TRY(transaction.exec(
      "insert into cdb.node_seen as s (node, time) select n.name, t.time from unnest($1::text[], $2::timestamptz[]) as "
      "t (node, time) join cdb.node n on n.name = t.node order by n.name "
      "on conflict (node) do update set time = greatest(s.time, excluded.time)",
      {text_array(names), text_array(times)}));
  return transaction.commit();
}

base::Result<std::vector<base::profile::Value>> Store::reports(std::string_view node, int limit) const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows = WEFT_TRY(transaction.exec(
      "select report::text, cdb.rfc3339(received) from cdb.report where node = $1 order by id desc limit $2", {node, limit}));
  std::vector<base::profile::Value> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto report = WEFT_TRY(base::profile::parse_json(rows.text(i, 0)));
    report["received"] = rows.text(i, 1);
    out.push_back(std::move(report));
  }
  return out;
}

}  // namespace cdb::store
