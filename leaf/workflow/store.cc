#include "leaf/workflow/store.h"

#include <fmt/format.h>

#include "base/profile/json.h"

namespace leaf::workflow {

using base::Errc;
using base::fail;
using base::Result;
using base::pg::Rows;
using base::pg::Transaction;
using base::profile::Dict;
using base::profile::to_json;
using base::profile::Value;

namespace {

constexpr std::string_view channel = "leaf_task";

base::Error lost(std::int64_t id) {
  return {Errc::conflict, fmt::format("the lease on workflow {} is lost: another worker has it", id), "", {}};
}

// Locks the task row; no row means that the lease is another's, past, or the run is over.
Result<> hold(Transaction& tx, const Lease& lease) {
  Rows rows =
      WEFT_TRY(tx.exec("SELECT 1 FROM leaf.task WHERE instance = $1 AND fence = $2 AND lease_owner = $3 AND lease_until > "
                       "clock_timestamp() FOR UPDATE",
                       {lease.instance, lease.fence, lease.owner}));
  if (rows.empty()) return fail(lost(lease.instance));
  return {};
}

bool finishing(std::string_view state) {
  return state == "done" || state == "failed" || state == "cancelled";
}

Result<> write_step(Transaction& tx, const Lease& lease, const StepChange& change) {
  std::optional<std::string> input, before, result;
  if (change.input) input = to_json(*change.input);
  if (change.before) before = to_json(*change.before);
  if (change.result) result = to_json(*change.result);
  bool ended =
      change.state == "verified" || change.state == "skipped" || change.state == "failed" || change.state == "compensated";
  WEFT_TRY(tx.exec(
      "INSERT INTO leaf.step AS s (instance, step, position, state, idem_key, attempts, fence, input, before_image, result, "
      "message, ended_at)"
      " VALUES ($1::bigint, $2::text, $3, $4, 'weft-' || $1::bigint::text || '/' || $2::text, $5::int, $6, coalesce($7::jsonb, "
      "'{}'), coalesce($8::jsonb, '{}'),"
      " coalesce($9::jsonb, '{}'), $10, CASE WHEN $11 THEN clock_timestamp() END)"
      " ON CONFLICT (instance, step) DO UPDATE SET state = excluded.state, fence = excluded.fence, message = excluded.message,"
      " attempts = CASE WHEN $12 THEN 0 ELSE s.attempts END + $5::int, input = coalesce($7::jsonb, s.input),"
      " before_image = coalesce($8::jsonb, s.before_image), result = coalesce($9::jsonb, s.result),"
      " ended_at = CASE WHEN $11 THEN clock_timestamp() END",
      {lease.instance, change.step, change.position, change.state, change.new_attempt ? 1 : 0, lease.fence, input, before, result,
       change.message, ended, change.reset_attempts}));
  return {};
}

}  // namespace

Result<> PgRunStore::install(const Definition& definition) {
  Result<> verdict;
  WEFT_TRY(pool_->run([&](Transaction& tx) -> Result<> {
    WEFT_TRY(tx.exec("INSERT INTO leaf.definition (name, version, sha256, source) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                     {definition.name, definition.version, definition.sha256, definition.source}));
    Rows rows = WEFT_TRY(
        tx.exec("SELECT sha256 FROM leaf.definition WHERE name = $1 AND version = $2", {definition.name, definition.version}));
    verdict = {};
    if (rows.text(0, 0) != definition.sha256) {
      verdict = fail(Errc::conflict,
                     fmt::format("workflow {} version {} is installed with another content", definition.name, definition.version),
                     "Give the changed document the next version number");
    }
    return {};
  }));
  return verdict;
}

Result<std::string> PgRunStore::definition_source(std::string_view name, int version, std::string_view sha256) {
  Transaction tx = WEFT_TRY(pool_->begin());
  Rows rows = WEFT_TRY(
      tx.exec("SELECT source FROM leaf.definition WHERE name = $1 AND version = $2 AND sha256 = $3", {name, version, sha256}));
  if (rows.empty())
    return fail(Errc::not_found,
                fmt::format("workflow definition {} version {} with hash {} is not installed", name, version, sha256));
  return std::string(rows.text(0, 0));
}

Result<Started> start_run(Transaction& tx, const StartRequest& request) {
  std::optional<std::string> key;
  if (!request.dedupe_key.empty()) key = request.dedupe_key;
  Rows definition = WEFT_TRY(tx.exec(
      "SELECT version, sha256, source FROM leaf.definition WHERE name = $1 ORDER BY version DESC LIMIT 1", {request.definition}));
  if (definition.empty()) return fail(Errc::not_found, fmt::format("there is no workflow definition '{}'", request.definition));
  Rows made = WEFT_TRY(
      tx.exec("INSERT INTO leaf.instance (definition, version, sha256, dedupe_key, subject, state, step, vars, created_by)"
              " VALUES ($1, $2, $3, $4, $5, 'running', '', $6::jsonb, $7)"
              " ON CONFLICT (dedupe_key) WHERE finished_at IS NULL DO NOTHING RETURNING id",
              {request.definition, definition.integer(0, 0), definition.text(0, 1), key, request.subject, to_json(request.vars),
               request.created_by}));
  if (made.empty()) {
    Rows there = WEFT_TRY(tx.exec("SELECT id FROM leaf.instance WHERE dedupe_key = $1 AND finished_at IS NULL", {key}));
    if (there.empty()) return fail(Errc::conflict, "the run that was joined has just ended", "Try again");
    return Started{there.integer(0, 0), true};
  }
  std::int64_t id = made.integer(0, 0);
  WEFT_TRY(tx.exec("INSERT INTO leaf.task (instance) VALUES ($1)", {id}));
  WEFT_TRY(append_event(tx, id, 0, request.created_by, "started",
                        Dict{{"definition", request.definition},
                             {"version", definition.integer(0, 0)},
                             {"sha256", definition.text(0, 1)},
                             {"subject", request.subject},
                             {"vars", request.vars},
                             {"run_state", "running"},
                             {"run_step", ""}}));
  WEFT_TRY(tx.notify(channel, ""));
  return Started{id, false};
}

Result<Started> PgRunStore::start(const StartRequest& request) {
  Started started;
  WEFT_TRY(pool_->run([&](Transaction& tx) -> Result<> {
    started = WEFT_TRY(start_run(tx, request));
    return {};
  }));
  return started;
}

Result<std::optional<Lease>> PgRunStore::claim(std::string_view owner, std::chrono::seconds lease) {
  std::optional<Lease> out;
  WEFT_TRY(pool_->run([&](Transaction& tx) -> Result<> {
    Rows rows = WEFT_TRY(
        tx.exec("UPDATE leaf.task SET lease_owner = $1, lease_until = clock_timestamp() + make_interval(secs => $2), fence = "
                "nextval('leaf.fence'),"
                " woken = false WHERE instance = (SELECT instance FROM leaf.task WHERE run_at <= clock_timestamp()"
                " AND (lease_until IS NULL OR lease_until <= clock_timestamp()) ORDER BY run_at LIMIT 1 FOR UPDATE SKIP LOCKED)"
                " RETURNING instance, fence",
                {owner, static_cast<double>(lease.count())}));
    out.reset();
    if (!rows.empty()) out = Lease{rows.integer(0, 0), rows.integer(0, 1), std::string(owner)};
    return {};
  }));
  return out;
}

Result<> PgRunStore::extend(const Lease& lease, std::chrono::seconds by) {
  Result<> held;
  WEFT_TRY(pool_->run([&](Transaction& tx) -> Result<> {
    Rows rows = WEFT_TRY(tx.exec(
        "UPDATE leaf.task SET lease_until = clock_timestamp() + make_interval(secs => $4) WHERE instance = $1 AND fence = $2"
        " AND lease_owner = $3 AND lease_until > clock_timestamp()",
        {lease.instance, lease.fence, lease.owner, static_cast<double>(by.count())}));
    held = {};
    if (rows.affected() == 0) held = fail(lost(lease.instance));
    return {};
  }));
  return held;
}

Result<> PgRunStore::release_leases(std::string_view owner_prefix) {
  return pool_->run([&](Transaction& tx) -> Result<> {
    WEFT_TRY(
        tx.exec("UPDATE leaf.task SET lease_until = clock_timestamp() WHERE lease_until > clock_timestamp() AND "
                "starts_with(lease_owner, $1)",
                {owner_prefix}));
    return {};
  });
}

Result<> PgRunStore::park(const Lease& lease, std::chrono::milliseconds wait, std::string_view message,
                          const std::optional<Value>& result) {
  Transaction tx = WEFT_TRY(pool_->begin());
  WEFT_TRY(hold(tx, lease));
  WEFT_TRY(tx.exec("UPDATE leaf.instance SET message = $2 WHERE id = $1 AND message <> $2", {lease.instance, message}));
  if (result) {
    WEFT_TRY(
        tx.exec("UPDATE leaf.step SET result = $2::jsonb, message = $3 WHERE instance = $1 AND step = (SELECT step FROM "
                "leaf.instance WHERE id = $1)",
                {lease.instance, to_json(*result), message}));
  }
  WEFT_TRY(tx.exec(
      "UPDATE leaf.task SET lease_owner = NULL, lease_until = NULL, woken = false,"
      " run_at = clock_timestamp() + CASE WHEN woken THEN interval '0' ELSE make_interval(secs => $2) END WHERE instance = $1",
      {lease.instance, static_cast<double>(wait.count()) / 1000.0}));
  return tx.commit();
}

Result<> PgRunStore::apply(const Lease& lease, const Instance& seen, const Transition& change) {
  Transaction tx = WEFT_TRY(pool_->begin());
  WEFT_TRY(hold(tx, lease));
  if (change.hook) WEFT_TRY(change.hook(tx));
  if (change.step) WEFT_TRY(write_step(tx, lease, *change.step));
  bool ends = change.state && finishing(*change.state);
  Rows moved =
      WEFT_TRY(tx.exec("UPDATE leaf.instance SET rev = rev + 1, step = coalesce($3, step), state = coalesce($4, state), message "
                       "= coalesce($5, message),"
                       " finished_at = CASE WHEN $6 THEN clock_timestamp() END WHERE id = $1 AND rev = $2 AND finished_at IS "
                       "NULL RETURNING state, step",
                       {lease.instance, seen.rev, change.next_step, change.state, change.message, ends}));
  if (moved.empty()) return fail(lost(lease.instance));
  if (change.deadline) {
    WEFT_TRY(
        tx.exec("INSERT INTO leaf.timer (instance, name, fire_at) VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))"
                " ON CONFLICT (instance, name) DO UPDATE SET fire_at = excluded.fire_at, fired = false",
                {lease.instance, "deadline:" + std::string(moved.text(0, 1)), static_cast<double>(change.deadline->count())}));
  }
  if (change.consume) {
    WEFT_TRY(tx.exec("UPDATE leaf.signal SET consumed_rev = $3 WHERE instance = $1 AND name = $2 AND consumed_rev IS NULL",
                     {lease.instance, *change.consume, seen.rev + 1}));
  }
  Value body = change.body;
  body["run_state"] = moved.text(0, 0);
  body["run_step"] = moved.text(0, 1);
  body["fence"] = lease.fence;
  WEFT_TRY(append_event(tx, lease.instance, seen.rev + 1, lease.owner, change.kind, body));
  if (ends) {
    WEFT_TRY(tx.exec("DELETE FROM leaf.budget_use WHERE instance = $1", {lease.instance}));
    WEFT_TRY(tx.exec("DELETE FROM leaf.lock WHERE instance = $1", {lease.instance}));
    WEFT_TRY(tx.exec("DELETE FROM leaf.timer WHERE instance = $1", {lease.instance}));
    WEFT_TRY(
        tx.exec("UPDATE leaf.work_order SET state = 'withdrawn', closed_at = now(), closed_by = 'leaf' WHERE instance = $1 AND "
                "state = 'open'",
                {lease.instance}));
    WEFT_TRY(tx.exec("DELETE FROM leaf.task WHERE instance = $1", {lease.instance}));
  }
  return tx.commit();
}

Result<> PgRunStore::may_act(const Lease& lease, bool cancel_matters) {
  Transaction tx = WEFT_TRY(pool_->begin());
  Rows rows = WEFT_TRY(tx.exec(
      "SELECT c.stopped, c.who, c.why, i.cancel_by FROM leaf.control c, leaf.task t JOIN leaf.instance i ON i.id = t.instance"
      " WHERE c.one AND t.instance = $1 AND t.fence = $2 AND t.lease_owner = $3 AND t.lease_until > clock_timestamp()",
      {lease.instance, lease.fence, lease.owner}));
  if (rows.empty()) return fail(lost(lease.instance));
  if (rows.boolean(0, 0)) {
    return fail(Errc::denied, fmt::format("all workflows are stopped by {}: {}", rows.text(0, 1), rows.text(0, 2)),
                "Let them go on with: weft workflow start");
  }
  if (cancel_matters && !rows.is_null(0, 3)) return fail(Errc::denied, fmt::format("cancelled by {}", rows.text(0, 3)));
  return {};
}

Result<> PgRunStore::progress(const Lease& lease, std::string_view step, const Value& result) {
  Transaction tx = WEFT_TRY(pool_->begin());
  WEFT_TRY(hold(tx, lease));
  WEFT_TRY(tx.exec("UPDATE leaf.step SET result = $3::jsonb WHERE instance = $1 AND step = $2",
                   {lease.instance, step, to_json(result)}));
  return tx.commit();
}

Result<bool> send_signal(Transaction& tx, std::int64_t id, std::string_view name, std::string_view dedupe, const Value& body) {
  Rows rows = WEFT_TRY(
      tx.exec("INSERT INTO leaf.signal (instance, name, dedupe, body) VALUES ($1, $2, $3, $4::jsonb) ON CONFLICT DO NOTHING",
              {id, name, dedupe, to_json(body)}));
  // Waking also marks a run that is held: its worker's park() then makes it due at once instead of overwriting run_at.
  WEFT_TRY(tx.exec("UPDATE leaf.task SET run_at = least(run_at, clock_timestamp()), woken = true WHERE instance = $1", {id}));
  WEFT_TRY(tx.notify(channel, ""));
  return rows.affected() == 1;
}

Result<bool> PgRunStore::signal(std::int64_t id, std::string_view name, std::string_view dedupe, const Value& body) {
  bool fresh = false;
  WEFT_TRY(pool_->run([&](Transaction& tx) -> Result<> {
    fresh = WEFT_TRY(send_signal(tx, id, name, dedupe, body));
    return {};
  }));
  return fresh;
}

Result<> PgRunStore::cancel(std::int64_t id, std::string_view who, std::string_view why) {
  return pool_->run([&](Transaction& tx) -> Result<> {
    Rows rows =
        WEFT_TRY(tx.exec("UPDATE leaf.instance SET cancel_by = coalesce(cancel_by, $2), cancel_why = coalesce(cancel_why, $3)"
                         " WHERE id = $1 AND finished_at IS NULL RETURNING id",
                         {id, who, why}));
    if (rows.empty()) return fail(Errc::conflict, fmt::format("workflow {} is over or never was: nothing to cancel", id));
    WEFT_TRY(tx.exec("UPDATE leaf.task SET run_at = least(run_at, clock_timestamp()), woken = true WHERE instance = $1", {id}));
    return tx.notify(channel, "");
  });
}

Result<int> PgRunStore::fire_timers() {
  int fired = 0;
  WEFT_TRY(pool_->run([&](Transaction& tx) -> Result<> {
    Rows rows = WEFT_TRY(
        tx.exec("WITH due AS (SELECT instance, name FROM leaf.timer WHERE NOT fired AND fire_at <= clock_timestamp() FOR UPDATE "
                "SKIP LOCKED),"
                " mark AS (UPDATE leaf.timer t SET fired = true FROM due WHERE t.instance = due.instance AND t.name = due.name)"
                " UPDATE leaf.task SET run_at = least(run_at, clock_timestamp()), woken = true WHERE instance IN (SELECT "
                "instance FROM due)"));
    fired = static_cast<int>(rows.affected());
    return {};
  }));
  return fired;
}

Result<> PgRunStore::set_stop(bool stopped, std::string_view who, std::string_view why) {
  return pool_->run([&](Transaction& tx) -> Result<> {
    Rows rows =
        WEFT_TRY(tx.exec("UPDATE leaf.control SET stopped = $1, who = $2, why = $3, at = now() WHERE one", {stopped, who, why}));
    if (rows.affected() != 1) return fail(Errc::corrupt, "the stop switch has no row", "Restore leaf.control");
    if (!stopped) WEFT_TRY(tx.exec("UPDATE leaf.task SET run_at = least(run_at, clock_timestamp()), woken = true"));
    return tx.notify(channel, "");
  });
}

}  // namespace leaf::workflow
