#include "leaf/workflow/work_order.h"

#include <fmt/format.h>

#include "base/profile/json.h"

namespace leaf::workflow {

using base::Errc;
using base::fail;
using base::Result;
using base::pg::Rows;
using base::pg::Transaction;
using base::profile::Dict;
using base::profile::List;
using base::profile::to_json;
using base::profile::Value;

namespace {

constexpr std::string_view order_columns =
    "SELECT id, instance, step, kind, state, node, title, asset, checklist,"
    " to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
    " coalesce(to_char(closed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), ''), coalesce(closed_by, ''), "
    "coalesce(note, '')"
    " FROM leaf.work_order ";

Result<Value> order_of(const Rows& rows, std::size_t i) {
  Value order = Dict{{"id", rows.integer(i, 0)},
                     {"workflow", rows.integer(i, 1)},
                     {"step", rows.text(i, 2)},
                     {"kind", rows.text(i, 3)},
                     {"state", rows.text(i, 4)},
                     {"node", rows.text(i, 5)},
                     {"title", rows.text(i, 6)},
                     {"asset", WEFT_TRY(base::profile::parse_json(rows.text(i, 7)))},
                     {"checklist", WEFT_TRY(base::profile::parse_json(rows.text(i, 8)))},
                     {"created_at", rows.text(i, 9)}};
  if (!rows.text(i, 10).empty()) {
    order["closed_at"] = rows.text(i, 10);
    order["closed_by"] = rows.text(i, 11);
    order["note"] = rows.text(i, 12);
  }
  return order;
}

Result<> note_event(Transaction& tx, std::int64_t id, const Answer& answer, std::string_view kind) {
  Dict body{{"note", answer.note}, {"outcome", answer.outcome}};
  if (answer.serial) body.emplace("serial", *answer.serial);
  WEFT_TRY(
      tx.exec("INSERT INTO leaf.work_order_event (work_order, client_event, who, kind, body) VALUES ($1, $2, $3, $4, $5::jsonb)"
              " ON CONFLICT DO NOTHING",
              {id, answer.client_event, answer.who, kind, to_json(body)}));
  return {};
}

class WorkOrderStep : public StepKind {
 public:
  WorkOrderStep(std::shared_ptr<base::pg::Pool> pool, std::shared_ptr<fabric::Fabric> fabric)
      : pool_(std::move(pool)), fabric_(std::move(fabric)) {}

  // The asset as it is known when the order is opened; the order keeps this snapshot.
  Result<Value> before(StepContext& context) override {
    fabric::Node node = WEFT_TRY(fabric_->node(context.subject));
    return Value(Dict{{"node", node.name},
                      {"serial", node.serial},
                      {"model", node.model},
                      {"room", node.room},
                      {"rack", node.rack},
                      {"unit", node.unit},
                      {"power_feed", node.power_feed},
                      {"ip", node.ip}});
  }

  Result<> reserve(Transaction& tx, StepContext& context) override {
    Value checklist = List{};
    if (const Value* list = context.input.get("checklist"); list && list->is_list()) checklist = *list;
    WEFT_TRY(
        tx.exec("INSERT INTO leaf.work_order (instance, step, kind, node, title, asset, checklist)"
                " VALUES ($1, $2, 'work', $3, $4, $5::jsonb, $6::jsonb)",
                {context.instance, context.step, context.subject,
                 fmt::format("{}: {}", context.subject, context.vars.get_string("reason", "work on the machine")),
                 to_json(context.before), to_json(checklist)}));
    return {};
  }

  // The order came into being with the intent; there is nothing else to do.
  Result<Seen> observe(StepContext&) override { return Seen::done; }
  Result<> act(StepContext&) override { return {}; }

  Result<Verdict> verify(StepContext& context) override {
    Transaction tx = WEFT_TRY(pool_->begin());
    Rows rows =
        WEFT_TRY(tx.exec("SELECT id, state, coalesce(closed_by, ''), coalesce(note, '') FROM leaf.work_order"
                         " WHERE instance = $1 AND step = $2 AND kind = 'work' ORDER BY rev DESC LIMIT 1",
                         {context.instance, context.step}));
    if (rows.empty()) return fail(Errc::internal, fmt::format("the work order of workflow {} is gone", context.instance));
    Value result = Dict{{"work_order", rows.integer(0, 0)}};
    if (rows.text(0, 1) != "done") return Verdict::pending(fmt::format("waits for work order {}", rows.integer(0, 0)), result);
    result["by"] = rows.text(0, 2);
    result["note"] = rows.text(0, 3);
    return Verdict::finished(fmt::format("work order {} done by {}", rows.integer(0, 0), rows.text(0, 2)), result);
  }

  Result<> abandon(StepContext& context) override { return withdraw(context); }
  Result<> compensate(StepContext& context) override { return withdraw(context); }

 private:
  Result<> withdraw(StepContext& context) {
    return pool_->run([&](Transaction& tx) -> Result<> {
      WEFT_TRY(
          tx.exec("UPDATE leaf.work_order SET state = 'withdrawn', closed_at = now(), closed_by = 'leaf'"
                  " WHERE instance = $1 AND step = $2 AND state = 'open'",
                  {context.instance, context.step}));
      return {};
    });
  }

  std::shared_ptr<base::pg::Pool> pool_;
  std::shared_ptr<fabric::Fabric> fabric_;
};

}  // namespace

Result<> ask_decision(Transaction& tx, const Instance& run, std::string_view step, const base::Error& error) {
  WEFT_TRY(
      tx.exec("UPDATE leaf.work_order SET state = 'withdrawn', closed_at = now(), closed_by = 'leaf'"
              " WHERE instance = $1 AND step = $2 AND state = 'open'",
              {run.id, step}));
  Value checklist = List{Value("find out why and remove the cause"),
                         Value("close this order: the step is then looked at and, if need be, tried again"),
                         Value("or cancel the workflow, if it is not past its point of no return")};
  WEFT_TRY(tx.exec(
      "INSERT INTO leaf.work_order (instance, step, rev, kind, node, title, asset, checklist)"
      " VALUES ($1, $2, (SELECT coalesce(max(rev), 0) + 1 FROM leaf.work_order WHERE instance = $1 AND step = $2), 'decision', "
      "$3, $4, $5::jsonb, $6::jsonb)",
      {run.id, step, run.subject, fmt::format("{}: step {} of workflow {} failed: {}", run.subject, step, run.id, error.message),
       to_json(Dict{{"node", run.subject}, {"error", error.text()}}), to_json(checklist)}));
  return {};
}

Result<std::vector<Value>> WorkOrders::list(bool closed_too, int limit) {
  Transaction tx = WEFT_TRY(pool_->begin());
  static const std::string sql = std::string(order_columns) + "WHERE $1 OR state = 'open' ORDER BY id DESC LIMIT $2";
  Rows rows = WEFT_TRY(tx.exec(sql, {closed_too, limit}));
  std::vector<Value> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(WEFT_TRY(order_of(rows, i)));
  return out;
}

Result<Value> WorkOrders::get(std::int64_t id) {
  Transaction tx = WEFT_TRY(pool_->begin());
  static const std::string sql = std::string(order_columns) + "WHERE id = $1";
  Rows rows = WEFT_TRY(tx.exec(sql, {id}));
  if (rows.empty())
    return fail(Errc::not_found, fmt::format("there is no work order {}", id), "List the open ones with: weft work-order list");
  Value order = WEFT_TRY(order_of(rows, 0));
  Rows events =
      WEFT_TRY(tx.exec("SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), who, kind, body"
                       " FROM leaf.work_order_event WHERE work_order = $1 ORDER BY at",
                       {id}));
  List list;
  for (std::size_t i = 0; i < events.size(); ++i) {
    list.emplace_back(Dict{{"at", events.text(i, 0)},
                           {"who", events.text(i, 1)},
                           {"kind", events.text(i, 2)},
                           {"body", WEFT_TRY(base::profile::parse_json(events.text(i, 3)))}});
  }
  order["events"] = std::move(list);
  return order;
}

Result<Value> WorkOrders::done(std::int64_t id, const Answer& answer) {
  if (answer.client_event.empty() || answer.client_event.size() > 100) {
    return fail(Errc::invalid, "the answer has no client event id",
                "Send {\"client_event\": a random text}: it makes a repetition harmless");
  }
  if (answer.outcome != "retry" && answer.outcome != "acted") return fail(Errc::invalid, "outcome must be 'retry' or 'acted'");
  bool replayed = false;
  Result<> verdict;
  WEFT_TRY(pool_->run([&](Transaction& tx) -> Result<> {
    verdict = {};
    replayed = false;
    Rows rows =
        WEFT_TRY(tx.exec("SELECT state, kind, instance, step, asset->>'serial', coalesce(closed_by, '') FROM leaf.work_order"
                         " WHERE id = $1 FOR UPDATE",
                         {id}));
    if (rows.empty()) {
      verdict =
          fail(Errc::not_found, fmt::format("there is no work order {}", id), "List the open ones with: weft work-order list");
      return {};
    }
    Rows seen =
        WEFT_TRY(tx.exec("SELECT work_order, kind FROM leaf.work_order_event WHERE client_event = $1", {answer.client_event}));
    if (!seen.empty()) {
      replayed = seen.integer(0, 0) == id && seen.text(0, 1) == "done";
      if (!replayed)
        verdict = fail(Errc::conflict, "this client event id was used for something else", "Send the answer with a new id");
      return {};
    }
    if (rows.text(0, 0) != "open") {
      verdict = fail(Errc::conflict, rows.text(0, 0) == "done"
                                         ? fmt::format("work order {} was already closed by {}", id, rows.text(0, 5))
                                         : fmt::format("work order {} was withdrawn: do not work on the machine", id));
      return {};
    }
    if (answer.serial && *answer.serial != rows.text(0, 4)) {
      WEFT_TRY(note_event(tx, id, answer, "wrong-serial"));
      verdict = fail(
          Errc::conflict,
          fmt::format("wrong machine: its serial number is {}, work order {} is for {}", *answer.serial, id, rows.text(0, 4)),
          "Stop and find the machine with the serial number of the order");
      return {};
    }
    WEFT_TRY(note_event(tx, id, answer, "done"));
    WEFT_TRY(tx.exec("UPDATE leaf.work_order SET state = 'done', closed_at = now(), closed_by = $2, note = $3 WHERE id = $1",
                     {id, answer.who, answer.note}));
    std::string name = rows.text(0, 1) == "decision" ? "decision:" + std::string(rows.text(0, 3)) : "work-order";
    WEFT_TRY(send_signal(tx, rows.integer(0, 2), name, std::to_string(id),
                         Dict{{"who", answer.who}, {"outcome", answer.outcome}, {"note", answer.note}}));
    return {};
  }));
  WEFT_TRY(std::move(verdict));
  Value order = WEFT_TRY(get(id));
  order["replayed"] = replayed;
  return order;
}

std::shared_ptr<StepKind> make_work_order_step(std::shared_ptr<base::pg::Pool> pool, std::shared_ptr<fabric::Fabric> fabric) {
  return std::make_shared<WorkOrderStep>(std::move(pool), std::move(fabric));
}

}  // namespace leaf::workflow
