// Reading side of PgRunStore: runs, events, audit, switch.
#include <fmt/format.h>

#include "base/crypto/crypto.h"
#include "base/profile/json.h"
#include "leaf/workflow/store.h"

namespace leaf::workflow {

using base::Errc;
using base::fail;
using base::Result;
using base::pg::Rows;
using base::pg::Transaction;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

namespace {

constexpr std::string_view instance_columns =
    "SELECT id, rev, definition, version, sha256, coalesce(dedupe_key, ''), subject, state, step, message, created_by,"
    " to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'),"
    " coalesce(to_char(finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), ''), vars, cancel_by,"
    " coalesce(cancel_why, '') FROM leaf.instance ";

Result<Instance> instance_of(const Rows& rows, std::size_t i) {
  Instance run;
  run.id = rows.integer(i, 0);
  run.rev = rows.integer(i, 1);
  run.definition = rows.text(i, 2);
  run.version = static_cast<int>(rows.integer(i, 3));
  run.sha256 = rows.text(i, 4);
  run.dedupe_key = rows.text(i, 5);
  run.subject = rows.text(i, 6);
  run.state = rows.text(i, 7);
  run.step = rows.text(i, 8);
  run.message = rows.text(i, 9);
  run.created_by = rows.text(i, 10);
  run.created_at = rows.text(i, 11);
  run.finished_at = rows.text(i, 12);
  run.vars = WEFT_TRY(base::profile::parse_json(rows.text(i, 13)));
  if (!rows.is_null(i, 14)) run.cancel_by = std::string(rows.text(i, 14));
  run.cancel_why = rows.text(i, 15);
  return run;
}

}  // namespace

const StepRow* Instance::row(std::string_view name) const {
  for (const StepRow& row : steps) {
    if (row.step == name) return &row;
  }
  return nullptr;
}

Value Instance::to_value() const {
  Value out = Dict{{"id", id},
                   {"definition", definition},
                   {"version", version},
                   {"sha256", sha256},
                   {"subject", subject},
                   {"state", state},
                   {"step", step},
                   {"message", message},
                   {"vars", vars},
                   {"created_by", created_by},
                   {"created_at", created_at},
                   {"rev", rev}};
  if (finished()) out["finished_at"] = finished_at;
  if (cancel_by) out["cancel"] = Dict{{"by", *cancel_by}, {"why", cancel_why}};
  if (!steps.empty()) {
    List list;
    for (const StepRow& row : steps) {
      Value item =
          Dict{{"step", row.step},   {"state", row.state},           {"attempts", row.attempts}, {"message", row.message},
               {"fence", row.fence}, {"started_at", row.started_at}, {"result", row.result},     {"before", row.before}};
      if (!row.ended_at.empty()) item["ended_at"] = row.ended_at;
      list.push_back(std::move(item));
    }
    out["steps"] = std::move(list);
  }
  return out;
}

Result<Instance> PgRunStore::load(std::int64_t id) {
  // One snapshot, so that run, steps and signals belong together.
  Transaction tx = WEFT_TRY(pool_->begin(base::pg::Isolation::repeatable_read));
  static const std::string one = std::string(instance_columns) + "WHERE id = $1";
  Rows head = WEFT_TRY(tx.exec(one, {id}));
  if (head.empty())
    return fail(Errc::not_found, fmt::format("there is no workflow {}", id), "List them with: weft workflow list --all");
  Instance run = WEFT_TRY(instance_of(head, 0));
  Rows steps =
      WEFT_TRY(tx.exec("SELECT step, state, idem_key, message, position, attempts, fence, input, before_image, result,"
                       " to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'),"
                       " coalesce(to_char(ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), '')"
                       " FROM leaf.step WHERE instance = $1 ORDER BY position",
                       {id}));
  for (std::size_t i = 0; i < steps.size(); ++i) {
    StepRow row;
    row.step = steps.text(i, 0);
    row.state = steps.text(i, 1);
    row.idem_key = steps.text(i, 2);
    row.message = steps.text(i, 3);
    row.position = static_cast<int>(steps.integer(i, 4));
    row.attempts = static_cast<int>(steps.integer(i, 5));
    row.fence = steps.integer(i, 6);
    row.input = WEFT_TRY(base::profile::parse_json(steps.text(i, 7)));
    row.before = WEFT_TRY(base::profile::parse_json(steps.text(i, 8)));
    row.result = WEFT_TRY(base::profile::parse_json(steps.text(i, 9)));
    row.started_at = steps.text(i, 10);
    row.ended_at = steps.text(i, 11);
    run.steps.push_back(std::move(row));
  }
  Rows timers = WEFT_TRY(tx.exec("SELECT name FROM leaf.timer WHERE instance = $1 AND fired", {id}));
  for (std::size_t i = 0; i < timers.size(); ++i) run.fired_timers.emplace_back(timers.text(i, 0));
  Rows signals = WEFT_TRY(tx.exec(
      "SELECT name, dedupe, body FROM leaf.signal WHERE instance = $1 AND consumed_rev IS NULL ORDER BY at, dedupe", {id}));
  for (std::size_t i = 0; i < signals.size(); ++i) {
    run.signals.push_back({std::string(signals.text(i, 0)), std::string(signals.text(i, 1)),
                           WEFT_TRY(base::profile::parse_json(signals.text(i, 2)))});
  }
  return run;
}

Result<std::vector<Instance>> PgRunStore::list(bool finished_too, std::string_view subject, int limit) {
  Transaction tx = WEFT_TRY(pool_->begin());
  static const std::string sql =
      std::string(instance_columns) +
      "WHERE ($1 OR finished_at IS NULL) AND ($2::text = '' OR subject = $2::text) ORDER BY id DESC LIMIT $3";
  Rows rows = WEFT_TRY(tx.exec(sql, {finished_too, subject, limit}));
  std::vector<Instance> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(WEFT_TRY(instance_of(rows, i)));
  return out;
}

Result<std::vector<Event>> PgRunStore::events(std::int64_t id) {
  Transaction tx = WEFT_TRY(pool_->begin());
  Rows rows = WEFT_TRY(tx.exec("SELECT rev, at, actor, kind, hash, body FROM leaf.event WHERE instance = $1 ORDER BY rev", {id}));
  std::vector<Event> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    out.push_back({rows.integer(i, 0), std::string(rows.text(i, 1)), std::string(rows.text(i, 2)), std::string(rows.text(i, 3)),
                   std::string(rows.text(i, 4)), WEFT_TRY(base::profile::parse_json(rows.text(i, 5)))});
  }
  return out;
}

namespace {

std::string event_hash(std::string_view prev, std::int64_t id, std::int64_t rev, std::string_view at, std::string_view actor,
                       std::string_view kind, std::string_view body) {
  // Lengths first, so that no two events share a text.
  return base::crypto::sha256_hex(fmt::format("weft-event-1\n{}\n{}\n{}\n{}\n{} {}\n{} {}\n{}", prev, id, rev, at, actor.size(),
                                              actor, kind.size(), kind, body));
}

}  // namespace

Result<> append_event(Transaction& tx, std::int64_t id, std::int64_t rev, std::string_view actor, std::string_view kind,
                      const Value& body) {
  Rows last =
      WEFT_TRY(tx.exec("SELECT (SELECT hash FROM leaf.event WHERE instance = $1 ORDER BY rev DESC LIMIT 1),"
                       " to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
                       {id}));
  std::string prev(last.text(0, 0)), at(last.text(0, 1)), text = base::profile::to_json(body);
  WEFT_TRY(tx.exec(
      "INSERT INTO leaf.event (instance, rev, at, actor, kind, body, prev_hash, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
      {id, rev, at, actor, kind, text, prev, event_hash(prev, id, rev, at, actor, kind, text)}));
  return {};
}

Result<> PgRunStore::audit(std::int64_t id) {
  Transaction tx = WEFT_TRY(pool_->begin(base::pg::Isolation::repeatable_read));
  Rows run = WEFT_TRY(tx.exec("SELECT rev, state, step FROM leaf.instance WHERE id = $1", {id}));
  if (run.empty()) return fail(Errc::not_found, fmt::format("there is no workflow {}", id));
  Rows rows = WEFT_TRY(
      tx.exec("SELECT rev, at, actor, kind, body, prev_hash, hash FROM leaf.event WHERE instance = $1 ORDER BY rev", {id}));
  std::string prev, state, step;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::int64_t rev = rows.integer(i, 0);
    if (rev != static_cast<std::int64_t>(i) || rows.text(i, 5) != prev ||
        rows.text(i, 6) != event_hash(prev, id, rev, rows.text(i, 1), rows.text(i, 2), rows.text(i, 3), rows.text(i, 4))) {
      return fail(Errc::corrupt, fmt::format("workflow {}: event {} does not follow from the one before", id, i));
    }
    prev = rows.text(i, 6);
    Value body = WEFT_TRY(base::profile::parse_json(rows.text(i, 4)));
    state = body.get_string("run_state", state);
    step = body.get_string("run_step", step);
  }
  if (rows.empty() || run.integer(0, 0) != static_cast<std::int64_t>(rows.size()) - 1 || run.text(0, 1) != state ||
      run.text(0, 2) != step) {
    return fail(Errc::corrupt, fmt::format("workflow {}: its row does not follow from its {} events", id, rows.size()));
  }
  return {};
}

Result<StopSwitch> PgRunStore::stop_switch() {
  Transaction tx = WEFT_TRY(pool_->begin());
  Rows rows = WEFT_TRY(tx.exec(
      "SELECT stopped, who, why, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM leaf.control WHERE one"));
  if (rows.size() != 1)
    return fail(Errc::corrupt, "the stop switch has no row: nothing acts until it has", "Restore leaf.control");
  return StopSwitch{rows.boolean(0, 0), std::string(rows.text(0, 1)), std::string(rows.text(0, 2)), std::string(rows.text(0, 3))};
}

}  // namespace leaf::workflow
