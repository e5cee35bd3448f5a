#include "monitor/alarm/store.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/diag/fail_point.h"
#include "base/metrics/metrics.h"
#include "monitor/alarm/event.h"
#include "schemas/migrations.h"

namespace monitor::alarm {
namespace {

using base::pg::Transaction;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

base::Result<> raise(Transaction& t, const std::string& node, const Event& e) {
  WEFT_TRY(t.exec(R"sql(
    insert into monitor.alarm (node, rule, subject, state, severity, text, procedure, owner, condition, value, why, raised)
    values ($1, $2, $3, 'raised', $4, $5, $6, $7, $8, $9, $10, $11::timestamptz)
    on conflict (node, rule, subject) where state = 'raised' do update
    set severity = excluded.severity, text = excluded.text, procedure = excluded.procedure, owner = excluded.owner,
        condition = excluded.condition, value = excluded.value, why = excluded.why, times = monitor.alarm.times + 1)sql",
                  {node, e.rule, e.subject, e.severity, e.text, e.procedure, e.owner, e.condition, e.value, e.why, e.time}));
  return {};
}

base::Result<> clear(Transaction& t, const std::string& node, const std::string& rule, const std::string& subject,
                     const std::string& why, const std::string& time) {
  // greatest(): a node's clock that was set back must not clear before the alarm was raised.
  WEFT_TRY(t.exec(R"sql(
    update monitor.alarm set state = 'cleared', cleared = greatest(raised, $5::timestamptz), why = $4
    where node = $1 and rule = $2 and subject = $3 and state = 'raised')sql",
                  {node, rule, subject, why, time}));
  return {};
}

// glob to LIKE; everything else is literal.
std::string like(std::string_view pattern) {
  if (pattern.empty()) return "%";
  std::string out;
  for (char c : pattern) {
    if (c == '%' || c == '_' || c == '\\') out += '\\';
    out += c == '*' ? '%' : c == '?' ? '_' : c;
  }
  return out;
}

// What one node may fill: a node whose rules went wrong, or that was taken over, must not fill the database of all.
base::Result<> keep_bounds(Transaction& t, const std::string& node, const std::string& epoch) {
  // The first ones stay: a flood does not push out what was told before it.
  auto dropped = WEFT_TRY(t.exec(
      "delete from monitor.alarm where id in (select id from monitor.alarm where node = $1 and state = 'raised' order by id "
      "offset $2)",
      {node, Store::most_open}));
  if (dropped.affected() > 0)
    base::metrics::count("weft_alarm_dropped_total", "Alarms not kept because their node has too many open ones.", {},
                         static_cast<double>(dropped.affected()));
  WEFT_TRY(
      t.exec("delete from monitor.alarm where node = $1 and state = 'cleared' and id <= (select id from monitor.alarm where node "
             "= $1 and "
             "state = 'cleared' order by id desc offset $2 limit 1)",
             {node, Store::most_cleared}));
  WEFT_TRY(
      t.exec("delete from monitor.run where node = $1 and id <= (select id from monitor.run where node = $1 order by id desc "
             "offset $2 limit 1)",
             {node, Store::most_runs}));
  WEFT_TRY(
      t.exec("delete from monitor.sender where node = $1 and epoch <> $2 and epoch not in (select epoch from monitor.sender "
             "where node = $1 order by updated desc limit $3)",
             {node, epoch, Store::most_epochs}));
  return {};
}

}  // namespace

base::Result<std::unique_ptr<Store>> Store::open(std::shared_ptr<base::pg::Pool> pool) {
  WEFT_TRY(base::pg::migrate(*pool, "monitor", schemas::monitor_migrations()));
  return std::unique_ptr<Store>(new Store(std::move(pool)));
}

base::Result<Store::Taken> Store::take(const std::string& node, const Value& body) {
  if (!body.is_dict()) return base::fail(base::Errc::invalid, "the body must be an object");
  Events events = WEFT_TRY(read_events(body));
  Taken taken;
  auto result = pool_->run([&](Transaction& t) -> base::Result<> {
    taken = {};
    // The row is locked until commit: two requests of one sender are taken one after the other.
    WEFT_TRY(
        t.exec("insert into monitor.sender (node, epoch, seq) values ($1, $2, 0) on conflict do nothing", {node, events.epoch}));
    auto rows =
        WEFT_TRY(t.exec("select seq from monitor.sender where node = $1 and epoch = $2 for update", {node, events.epoch}));
    taken.seq = rows.integer(0, 0);
    for (const Event& event : events.events) {
      if (event.seq <= taken.seq) continue;
      taken.seq = event.seq;
      ++taken.fresh;
      switch (event.kind) {
        case Event::Kind::raised: WEFT_TRY(raise(t, node, event)); break;
        case Event::Kind::cleared: WEFT_TRY(clear(t, node, event.rule, event.subject, event.why, event.time)); break;
        case Event::Kind::run:
          WEFT_TRY(t.exec(R"sql(insert into monitor.run (node, rule, unit, run, allowed, outcome, message, time)
                                values ($1, $2, $3, $4, $5, $6, $7, $8::timestamptz))sql",
                          {node, event.rule, event.unit, event.run, event.allowed, event.outcome, event.message, event.time}));
          break;
      }
    }
    WEFT_TRY(t.exec("update monitor.sender set seq = $3, updated = now() where node = $1 and epoch = $2",
                    {node, events.epoch, taken.seq}));
    if (taken.fresh > 0) WEFT_TRY(keep_bounds(t, node, events.epoch));
    return base::fail_point("monitor.alarm.taken");
  });
  if (!result) return base::fail(std::move(result).error());
  return taken;
}

base::Result<List> Store::alarms(const Query& query) {
  List out;
  auto t = WEFT_TRY(pool_->begin());
  auto rows = WEFT_TRY(t.exec(R"sql(
    select id, node, rule, subject, state, severity, text, procedure, owner, condition, value, why, monitor.rfc3339(raised),
           monitor.rfc3339(cleared), times
    from monitor.alarm
    where node like $1 and rule like $2 and (state = 'raised' or $3::boolean) and ($4::bigint = 0 or id < $4::bigint)
    order by id desc limit $5::bigint)sql",
                              {like(query.node), like(query.rule), query.all, query.before, query.limit}));
  static constexpr std::string_view names[] = {"node",  "rule",      "subject", "state", "severity", "text",   "procedure",
                                               "owner", "condition", "value",   "why",   "raised",   "cleared"};
  for (std::size_t row = 0; row < rows.size(); ++row) {
    Dict one{{"id", rows.integer(row, 0)}, {"times", rows.integer(row, 14)}};
    for (std::size_t i = 0; i < std::size(names); ++i)
      if (!rows.is_null(row, i + 1)) one[std::string(names[i])] = rows.text(row, i + 1);
    out.emplace_back(std::move(one));
  }
  return out;
}

base::Result<List> Store::runs(const Query& query) {
  List out;
  auto t = WEFT_TRY(pool_->begin());
  auto rows = WEFT_TRY(t.exec(R"sql(
    select id, node, rule, unit, outcome, message, monitor.rfc3339(time), run, allowed
    from monitor.run
    where node like $1 and rule like $2 and ($3::bigint = 0 or id < $3::bigint)
    order by id desc limit $4::bigint)sql",
                              {like(query.node), like(query.rule), query.before, query.limit}));
  static constexpr std::string_view names[] = {"node", "rule", "unit", "outcome", "message", "time"};
  for (std::size_t row = 0; row < rows.size(); ++row) {
    Dict one{{"id", rows.integer(row, 0)}, {"run", rows.integer(row, 7)}, {"of", rows.integer(row, 8)}};
    for (std::size_t i = 0; i < std::size(names); ++i) one[std::string(names[i])] = rows.text(row, i + 1);
    out.emplace_back(std::move(one));
  }
  return out;
}

base::Result<int> Store::check_contacts(const std::vector<std::pair<std::string, std::int64_t>>& heard_ms,
                                        std::chrono::seconds silent_after) {
  int raised = 0;
  auto result = pool_->run([&](Transaction& t) -> base::Result<> {
    raised = 0;
    // In the order of names, so that two gateways that note the same nodes wait for each other and never deadlock.
    auto sorted = heard_ms;
    std::sort(sorted.begin(), sorted.end());
    for (const auto& [node, ms] : sorted)
      WEFT_TRY(t.exec(R"sql(
        insert into monitor.contact (node, heard) values ($1, to_timestamp($2::double precision / 1000))
        on conflict (node) do update set heard = greatest(monitor.contact.heard, excluded.heard))sql",
                      {node, ms}));
    std::int64_t seconds = silent_after.count();
    auto rows = WEFT_TRY(t.exec(R"sql(
      insert into monitor.alarm (node, rule, subject, state, severity, text, procedure, owner, condition, value, why, raised)
      select node, 'no_contact', '', 'raised', 'critical', 'The node sends no samples', '', '', '', '',
             'last heard at ' || monitor.rfc3339(heard), now()
      from monitor.contact where heard < now() - $1::bigint * interval '1 second'
      on conflict (node, rule, subject) where state = 'raised' do nothing)sql",
                                {seconds}));
    raised = static_cast<int>(rows.affected());
    WEFT_TRY(t.exec(R"sql(
      update monitor.alarm a set state = 'cleared', cleared = greatest(a.raised, now()), why = 'the node sends samples again'
      from monitor.contact c
      where a.rule = 'no_contact' and a.state = 'raised' and c.node = a.node and c.heard >= now() - $1::bigint * interval '1 second')sql",
                    {seconds}));
    return {};
  });
  if (!result) return base::fail(std::move(result).error());
  return raised;
}

base::Result<> Store::prune(std::chrono::hours age) {
  return pool_->run([&](Transaction& t) -> base::Result<> {
    std::int64_t hours = age.count();
    WEFT_TRY(t.exec("delete from monitor.alarm where state = 'cleared' and cleared < now() - $1::bigint * interval '1 hour'",
                    {hours}));
    WEFT_TRY(t.exec("delete from monitor.run where received < now() - $1::bigint * interval '1 hour'", {hours}));
    WEFT_TRY(t.exec("delete from monitor.sender where updated < now() - $1::bigint * interval '1 hour'", {hours}));
    return {};
  });
}

}  // namespace monitor::alarm
