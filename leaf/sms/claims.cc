#include "leaf/sms/claims.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text/text.h"
#include "leaf/workflow/store.h"

namespace leaf::sms {

using base::Errc;
using base::fail;
using base::Result;
using base::pg::Rows;
using base::pg::Transaction;
using base::profile::Dict;
using base::profile::Value;

const std::vector<std::string>& states() {
  static const std::vector<std::string> list{"production", "standby", "draining", "quarantine", "maintenance", "retiring"};
  return list;
}

int severity(std::string_view state) {
  const auto& list = states();
  auto at = std::find(list.begin(), list.end(), state);
  return at == list.end() ? -1 : static_cast<int>(at - list.begin());
}

Value Claim::to_value() const {
  Value out =
      Dict{{"id", id},       {"node", node},   {"state", state}, {"reason", reason},   {"category", category}, {"owner", owner},
           {"drain", drain}, {"since", since}, {"due", due},     {"granted", granted}, {"cleared", cleared}};
  if (!ticket.empty()) out["ticket"] = ticket;
  if (!expires.empty()) out["expires"] = expires;
  if (cleared) out["cleared_by"] = cleared_by;
  if (instance) out["workflow"] = *instance;
  return out;
}

namespace {

constexpr std::string_view claim_columns =
    "SELECT id, node, state, reason, category, owner, coalesce(ticket, ''), drain,"
    " to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
    " coalesce(to_char(expires AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), ''), coalesce(cleared_by, ''), due,"
    " cleared_at IS NOT NULL, instance, granted FROM leaf.claim ";

std::vector<Claim> claims_of(const Rows& rows) {
  std::vector<Claim> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Claim claim;
    claim.id = rows.integer(i, 0);
    std::string* texts[] = {&claim.node,   &claim.state, &claim.reason, &claim.category, &claim.owner,
                            &claim.ticket, &claim.drain, &claim.since,  &claim.expires,  &claim.cleared_by};
    for (std::size_t column = 0; column < 10; ++column) *texts[column] = rows.text(i, column + 1);
    claim.due = rows.boolean(i, 11);
    claim.cleared = rows.boolean(i, 12);
    if (!rows.is_null(i, 13)) claim.instance = rows.integer(i, 13);
    claim.granted = rows.boolean(i, 14);
    out.push_back(std::move(claim));
  }
  return out;
}

// Reasons go into templates, profiles and terminals: one line of printable text.
Result<> printable(std::string_view what, std::string_view text, std::size_t limit) {
  if (text.empty()) return fail(Errc::invalid, fmt::format("the {} is empty", what), "Say why: people at the rack will read it");
  if (text.size() > limit) return fail(Errc::invalid, fmt::format("the {} is longer than {} bytes", what, limit));
  bool control = std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (control || !base::text::valid_utf8(text))
    return fail(Errc::invalid, fmt::format("the {} must be one line of UTF-8 text", what));
  return {};
}

// States that need people at the machine: they start the workflow "maintenance".
bool needs_work(std::string_view state) {
  return state == "maintenance" || state == "retiring";
}

Result<workflow::Started> start_for(Transaction& tx, const Claim& claim, std::string_view definition) {
  workflow::StartRequest request;
  request.definition = definition;
  request.subject = claim.node;
  request.dedupe_key = "node:" + claim.node;
  request.created_by = claim.owner;
  request.vars = Dict{{"node", claim.node},         {"claim", claim.id},    {"state", claim.state}, {"reason", claim.reason},
                      {"category", claim.category}, {"owner", claim.owner}, {"drain", claim.drain}, {"ticket", claim.ticket}};
  return workflow::start_run(tx, request);
}

Result<> wake_run(Transaction& tx, std::string_view node) {
  WEFT_TRY(
      tx.exec("UPDATE leaf.task SET run_at = least(run_at, clock_timestamp()), woken = true"
              " WHERE instance IN (SELECT id FROM leaf.instance WHERE dedupe_key = 'node:' || $1::text AND finished_at IS NULL)",
              {node}));
  return tx.notify("leaf_task", "");
}

}  // namespace

Result<> lock_node(Transaction& tx, std::string_view node) {
  WEFT_TRY(tx.exec("SELECT pg_advisory_xact_lock(hashtextextended('leaf.node:' || $1::text, 0))", {node}));
  return {};
}

Result<> touch_outbox(Transaction& tx, std::string_view node) {
  WEFT_TRY(
      tx.exec("INSERT INTO leaf.outbox AS o (target, idem_key) VALUES ($1::text, 'sms/' || $1::text || '/1')"
              " ON CONFLICT (target) DO UPDATE SET generation = o.generation + 1, next_at = now(), tries = 0,"
              " idem_key = 'sms/' || $1::text || '/' || (o.generation + 1)::text",
              {node}));
  return tx.notify("leaf_outbox", "");
}

Result<std::vector<Claim>> held_claims(Transaction& tx, std::string_view node) {
  static const std::string sql = std::string(claim_columns) + "WHERE node = $1 AND released_at IS NULL ORDER BY id";
  return claims_of(WEFT_TRY(tx.exec(sql, {node})));
}

Result<std::int64_t> clear_claim(Transaction& tx, std::int64_t id, std::string_view who) {
  // What never had an effect needs no verified return.
  Rows rows =
      WEFT_TRY(tx.exec("UPDATE leaf.claim SET cleared_at = now(), cleared_by = $2, released_at = CASE WHEN granted AND due THEN "
                       "NULL ELSE now() END"
                       " WHERE id = $1 AND cleared_at IS NULL RETURNING node",
                       {id, who}));
  if (rows.empty()) return 0;
  WEFT_TRY(touch_outbox(tx, rows.text(0, 0)));
  WEFT_TRY(wake_run(tx, rows.text(0, 0)));
  return 1;
}

Result<> quarantine(Transaction& tx, std::string_view node, std::int64_t instance, std::string_view reason) {
  WEFT_TRY(lock_node(tx, node));
  WEFT_TRY(
      tx.exec("INSERT INTO leaf.claim (node, state, reason, category, owner, drain, instance)"
              " VALUES ($1, 'quarantine', $2, 'return', 'leaf', 'none', $3)"
              " ON CONFLICT (node, state, reason, owner) WHERE cleared_at IS NULL DO NOTHING",
              {node, reason, instance}));
  return touch_outbox(tx, node);
}

Result<std::vector<Value>> Claims::set(const ClaimRequest& request) {
  if (request.nodes.empty()) return fail(Errc::invalid, "no node was named", "Name nodes; nothing never means all");
  if (severity(request.state) < 1) {
    std::vector<std::string> names(states().begin() + 1, states().end());
    return fail(
        Errc::invalid,
        fmt::format("no state '{}' can be claimed{}", request.state, base::text::did_you_mean_suffix(request.state, names)),
        "States: " + base::text::join(names, ", "));
  }
  WEFT_TRY(printable("reason", request.reason, 200));
  WEFT_TRY(printable("category", request.category, 40));
  WEFT_TRY(printable("owner", request.owner, 100));
  if (request.ticket) WEFT_TRY(printable("ticket", *request.ticket, 100));
  if (request.drain != "full" && request.drain != "none") return fail(Errc::invalid, "drain must be 'full' or 'none'");
  if (request.duration && (request.duration->count() <= 0 || *request.duration > std::chrono::hours(24 * 366))) {
    return fail(Errc::invalid, "the duration must be between one second and a year");
  }
  if (request.duration && request.starts_after && *request.duration <= *request.starts_after) {
    return fail(Errc::invalid, "the claim would end before it starts");
  }
  std::vector<std::string> nodes = request.nodes;
  std::sort(nodes.begin(), nodes.end());
  if (std::adjacent_find(nodes.begin(), nodes.end()) != nodes.end()) return fail(Errc::invalid, "a node was named twice");

  std::optional<double> duration, after;
  if (request.duration) duration = static_cast<double>(request.duration->count());
  if (request.starts_after && request.starts_after->count() > 0) after = static_cast<double>(request.starts_after->count());
  std::vector<Value> out;
  WEFT_TRY(pool_->run([&](Transaction& tx) -> Result<> {
    out.clear();
    for (const std::string& node : nodes) {
      WEFT_TRY(lock_node(tx, node));
      // A repetition renews expiry and ticket when it names them, and is otherwise the same claim.
      Rows rows = WEFT_TRY(tx.exec(
          "INSERT INTO leaf.claim AS c (node, state, reason, category, owner, ticket, drain, expires, not_before, due, granted)"
          " VALUES ($1::text, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8::double precision),"
          " now() + make_interval(secs => $9::double precision), $9::double precision IS NULL, NOT $10::boolean OR EXISTS "
          "(SELECT 1"
          " FROM leaf.claim h WHERE h.node = $1::text AND h.released_at IS NULL AND h.granted AND h.due"
          " AND h.state IN ('maintenance', 'retiring')))"
          " ON CONFLICT (node, state, reason, owner) WHERE cleared_at IS NULL DO UPDATE SET"
          " expires = coalesce(excluded.expires, c.expires), ticket = coalesce(excluded.ticket, c.ticket)"
          " RETURNING id, due, xmax <> 0",
          {node, request.state, request.reason, request.category, request.owner, request.ticket, request.drain, duration, after,
           needs_work(request.state)}));
      Value item = Dict{{"claim", rows.integer(0, 0)}, {"node", node}, {"existed", rows.boolean(0, 2)}};
      WEFT_TRY(touch_outbox(tx, node));
      if (rows.boolean(0, 1) && needs_work(request.state)) {
        Claim claim{.id = rows.integer(0, 0),
                    .node = node,
                    .state = request.state,
                    .reason = request.reason,
                    .category = request.category,
                    .owner = request.owner,
                    .ticket = request.ticket.value_or(""),
                    .drain = request.drain};
        workflow::Started started = WEFT_TRY(start_for(tx, claim, "maintenance"));
        WEFT_TRY(tx.exec("UPDATE leaf.claim SET instance = $2 WHERE id = $1", {claim.id, started.id}));
        if (started.joined) WEFT_TRY(wake_run(tx, node));
        item["workflow"] = started.id;
        item["joined"] = started.joined;
      }
      out.push_back(std::move(item));
    }
    return {};
  }));
  return out;
}

Result<Cleared> Claims::clear(const std::vector<std::string>& nodes, std::string_view state, std::string_view reason,
                              std::string_view owner, std::string_view who) {
  if (nodes.empty()) return fail(Errc::invalid, "no node was named", "Name nodes; nothing never means all");
  std::vector<std::string> sorted = nodes;
  std::sort(sorted.begin(), sorted.end());
  Cleared cleared;
  WEFT_TRY(pool_->run([&](Transaction& tx) -> Result<> {
    cleared = {};
    for (const std::string& node : sorted) {
      WEFT_TRY(lock_node(tx, node));
      Rows rows = WEFT_TRY(tx.exec(
          "SELECT id FROM leaf.claim WHERE node = $1 AND state = $2 AND reason = $3 AND owner = $4 AND cleared_at IS NULL",
          {node, state, reason, owner}));
      for (std::size_t i = 0; i < rows.size(); ++i) cleared.count += WEFT_TRY(clear_claim(tx, rows.integer(i, 0), who));
    }
    return {};
  }));
  WEFT_TRY(reconcile());
  return cleared;
}

Result<Cleared> Claims::clear(std::int64_t id, std::string_view who) {
  Cleared cleared;
  Result<> verdict;
  WEFT_TRY(pool_->run([&](Transaction& tx) -> Result<> {
    verdict = {};
    Rows rows = WEFT_TRY(tx.exec("SELECT node FROM leaf.claim WHERE id = $1", {id}));
    if (rows.empty()) {
      verdict = fail(Errc::not_found, fmt::format("there is no claim {}", id), "List them with: weft sms show");
      return {};
    }
    WEFT_TRY(lock_node(tx, rows.text(0, 0)));
    cleared.count = WEFT_TRY(clear_claim(tx, id, who));
    return {};
  }));
  WEFT_TRY(std::move(verdict));
  WEFT_TRY(reconcile());
  return cleared;
}

Result<std::vector<Claim>> Claims::list(std::string_view node, bool history) {
  Transaction tx = WEFT_TRY(pool_->begin());
  static const std::string sql =
      std::string(claim_columns) +
      "WHERE ($1::text = '' OR node = $1::text) AND ($2 OR released_at IS NULL) ORDER BY node, id LIMIT 10000";
  return claims_of(WEFT_TRY(tx.exec(sql, {node, history})));
}

Result<int> Claims::reconcile() {
  int done = 0;
  // Nodes whose claims have come into their time or run out of it.
  WEFT_TRY(pool_->run([&](Transaction& tx) -> Result<> {
    Rows come = WEFT_TRY(
        tx.exec("UPDATE leaf.claim SET due = true WHERE NOT due AND not_before <= now() AND cleared_at IS NULL RETURNING node"));
    for (std::size_t i = 0; i < come.size(); ++i) WEFT_TRY(touch_outbox(tx, come.text(i, 0)));
    Rows gone = WEFT_TRY(tx.exec(
        "SELECT id FROM leaf.claim WHERE cleared_at IS NULL AND expires <= now() ORDER BY node, id FOR UPDATE SKIP LOCKED"));
    for (std::size_t i = 0; i < gone.size(); ++i) WEFT_TRY(clear_claim(tx, gone.integer(i, 0), "expiry"));
    done = static_cast<int>(come.size() + gone.size());
    return {};
  }));
  // Nodes that hold claims and have no run: each in a transaction of its own, decided under the node's lock.
  std::vector<std::string> nodes;
  {
    Transaction tx = WEFT_TRY(pool_->begin());
    Rows rows =
        WEFT_TRY(tx.exec("SELECT DISTINCT node FROM leaf.claim c WHERE released_at IS NULL AND due AND (cleared_at IS NOT NULL"
                         " OR state IN ('maintenance', 'retiring')) AND NOT EXISTS (SELECT 1 FROM leaf.instance i"
                         " WHERE i.dedupe_key = 'node:' || c.node AND i.finished_at IS NULL) ORDER BY node LIMIT 1000"));
    for (std::size_t i = 0; i < rows.size(); ++i) nodes.emplace_back(rows.text(i, 0));
  }
  for (const std::string& node : nodes) {
    WEFT_TRY(pool_->run([&](Transaction& tx) -> Result<> {
      WEFT_TRY(lock_node(tx, node));
      std::vector<Claim> claims = WEFT_TRY(held_claims(tx, node));
      const Claim* work = nullptr;
      const Claim* outlasting = nullptr;
      const Claim* cleared = nullptr;
      for (const Claim& claim : claims) {
        if (claim.cleared) {
          cleared = &claim;
        } else if (claim.due) {
          outlasting = &claim;
          if (needs_work(claim.state) && !work) work = &claim;
        }
      }
      if (work) {
        workflow::Started started = WEFT_TRY(start_for(tx, *work, "maintenance"));
        WEFT_TRY(tx.exec("UPDATE leaf.claim SET instance = $2 WHERE id = $1", {work->id, started.id}));
        ++done;
      } else if (cleared && outlasting) {
        // The node stays out of service anyway: nothing returns, so there is nothing to verify.
        WEFT_TRY(tx.exec(
            "UPDATE leaf.claim SET released_at = now() WHERE node = $1 AND cleared_at IS NOT NULL AND released_at IS NULL",
            {node}));
        WEFT_TRY(touch_outbox(tx, node));
        ++done;
      } else if (cleared) {
        WEFT_TRY(start_for(tx, *cleared, "return"));
        ++done;
      }
      return {};
    }));
  }
  return done;
}

void add_guards(workflow::Registry& registry, std::shared_ptr<base::pg::Pool> pool) {
  auto working = [pool](const workflow::StepContext& context) -> Result<bool> {
    Transaction tx = WEFT_TRY(pool->begin());
    return !WEFT_TRY(tx.exec("SELECT 1 FROM leaf.claim WHERE node = $1 AND cleared_at IS NULL AND due AND state IN "
                             "('maintenance', 'retiring')",
                             {context.subject}))
                .empty();
  };
  registry.guards["claims.any"] = working;
  registry.guards["claims.held"] = [pool](const workflow::StepContext& context) -> Result<bool> {
    Transaction tx = WEFT_TRY(pool->begin());
    return !WEFT_TRY(held_claims(tx, context.subject)).empty();
  };
  registry.guards["claims.no-work"] = [working](const workflow::StepContext& context) -> Result<bool> {
    return !WEFT_TRY(working(context));
  };
  // Work that has begun is not taken from people's hands because a time ran out, only because somebody said so.
  registry.guards["claims.unless-cleared"] = [working, pool](const workflow::StepContext& context) -> Result<bool> {
    if (WEFT_TRY(working(context))) return true;
    if (context.attempts == 0) return false;
    Transaction tx = WEFT_TRY(pool->begin());
    return !WEFT_TRY(
                tx.exec("SELECT 1 FROM leaf.claim WHERE id = $1 AND cleared_by = 'expiry'", {context.vars.get_integer("claim")}))
                .empty();
  };
}

}  // namespace leaf::sms
