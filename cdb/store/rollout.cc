// Roll-outs: policies, the stop switch, and steps, each of which is one transaction that holds the roll-out's row.
#include <fmt/format.h>

#include "base/diag/fail_point.h"
#include "base/profile/json.h"
#include "base/text/text.h"
#include "cdb/store/sql.h"
#include "cdb/store/store.h"

namespace cdb::store {
namespace {

using base::Errc;
using base::fail;
using base::pg::Rows;
using base::pg::Transaction;
using base::profile::Dict;
using Time = RolloutNode::Time;

constexpr std::array<std::string_view, 6> state_names{"running", "paused", "halted", "reverting", "done", "reverted"};
constexpr std::array<std::string_view, 6> node_state_names{"waiting", "released", "applied", "failed", "skipped", "superseded"};

constexpr std::string_view rollout_columns =
    "select o.revision, r.branch, r.author, r.message, o.policy, o.document::text, o.state, o.wave, o.waves, o.names::text, "
    "o.policy_waves::text, (extract(epoch from o.released) * 1000)::bigint, o.reason, cdb.rfc3339(o.updated), "
    "cdb.rfc3339(r.time), "
    "(select coalesce(json_object_agg(c.state, c.n), '{}')::text from "
    "(select n.state, count(*) n from cdb.rollout_node n where n.revision = o.revision group by n.state) c) "
    "from cdb.rollout o join cdb.revision r on r.number = o.revision ";

std::optional<Time> time_at(const Rows& rows, std::size_t i, std::size_t column) {
  if (rows.is_null(i, column)) return std::nullopt;
  return Time(std::chrono::milliseconds(rows.integer(i, column)));
}

base::Result<Rollout> rollout_at(const Rows& rows, std::size_t i) {
  Rollout out;
  out.revision = rows.integer(i, 0);
  out.branch = rows.text(i, 1);
  out.author = rows.text(i, 2);
  out.message = rows.text(i, 3);
  out.policy = rows.text(i, 4);
  out.document = rows.text(i, 5);
  const auto state = rollout_state(rows.text(i, 6));
  if (!state) return fail(Errc::corrupt, fmt::format("roll-out {} has the unknown state '{}'", out.revision, rows.text(i, 6)));
  out.state = *state;
  out.wave = static_cast<int>(rows.integer(i, 7));
  out.waves = static_cast<int>(rows.integer(i, 8));
  const auto names = WEFT_TRY(base::profile::parse_json(rows.text(i, 9)));
  const auto policy_waves = WEFT_TRY(base::profile::parse_json(rows.text(i, 10)));
  if (!names.is_list() || !policy_waves.is_list() || names.list()->size() != static_cast<std::size_t>(out.waves) ||
      policy_waves.list()->size() != names.list()->size())
    return fail(Errc::corrupt, fmt::format("roll-out {} does not name its waves", out.revision));
  for (const auto& name : *names.list()) out.names.push_back(name.is_string() ? *name.string() : "");
  for (const auto& wave : *policy_waves.list()) out.policy_waves.push_back(wave.is_integer() ? *wave.integer() : 0);
  out.released = time_at(rows, i, 11);
  out.reason = rows.text(i, 12);
  out.updated = rows.text(i, 13);
  out.started = rows.text(i, 14);
  const auto counts = WEFT_TRY(base::profile::parse_json(rows.text(i, 15)));
  if (counts.is_dict()) {
    for (const auto& [name, count] : *counts.dict()) out.counts[name] = count.is_integer() ? *count.integer() : 0;
  }
  return out;
}

// The first component that failed, with what it said.
std::string failure_in(std::string_view report) {
  const auto value = base::profile::parse_json(report);
  const auto* components = value ? value->get("components") : nullptr;
  if (!components || !components->is_list()) return {};
  for (const auto& component : *components->list()) {
    if (component.get_string("outcome") != "failed") continue;
    const auto message = component.get_string("message");
    return fmt::format("{}: {}", component.get_string("name"), message.substr(0, message.find('\n')));
  }
  return {};
}

base::Result<std::vector<RolloutNode>> nodes_of(Transaction& transaction, std::int64_t revision) {
  const auto rows = WEFT_TRY(transaction.exec(
      "select o.node, o.wave, o.state, o.message, (extract(epoch from o.released) * 1000)::bigint, "
      "(extract(epoch from o.changed) * 1000)::bigint, s.applied_revision, s.outcome, (s.report ->> 'revision')::bigint, "
      "(extract(epoch from s.received) * 1000)::bigint, (extract(epoch from greatest(s.received, e.time)) * 1000)::bigint, "
      "case when s.outcome in ('failed', 'partial') then s.report::text end, n.attributes ->> 'state', o.accepted "
      "from cdb.rollout_node o join cdb.node n on n.name = o.node left join cdb.node_status s on s.node = o.node "
      "left join cdb.node_seen e on e.node = o.node where o.revision = $1 order by o.wave, o.node",
      {revision}));
  std::vector<RolloutNode> out;
  out.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    RolloutNode node;
    node.name = rows.text(i, 0);
    node.wave = static_cast<int>(rows.integer(i, 1));
    for (std::size_t s = 0; s < node_state_names.size(); ++s) {
      if (node_state_names[s] == rows.text(i, 2)) node.state = static_cast<RolloutNode::State>(s);
    }
    node.message = rows.text(i, 3);
    node.released = time_at(rows, i, 4);
    node.changed = time_at(rows, i, 5);
    node.applied_revision = rows.integer(i, 6);
    node.outcome = rows.text(i, 7);
    node.report_revision = rows.integer(i, 8);
    node.reported = time_at(rows, i, 9);
    node.seen = time_at(rows, i, 10);
    if (!rows.is_null(i, 11)) node.failure = failure_in(rows.text(i, 11));
    node.attribute_state = rows.text(i, 12);
    node.accepted = rows.boolean(i, 13);
    out.push_back(std::move(node));
  }
  return out;
}

base::Result<base::Error> unknown_policy(Transaction& transaction, std::string_view name) {
  const auto rows = WEFT_TRY(transaction.exec("select name from cdb.rollout_policy order by name"));
  std::vector<std::string> names;
  for (std::size_t i = 0; i < rows.size(); ++i) names.emplace_back(rows.text(i, 0));
  return base::Error{
      Errc::not_found,
      fmt::format("no roll-out policy '{}'{}", name, base::text::did_you_mean_suffix(name, names)),
      names.empty() ? "weft rollout policy set NAME FILE makes one" : "there are: " + base::text::join(names, ", "),
      {}};
}

// The nodes that wait in waves up to `wave` are given what their branch says from now on.
base::Result<std::size_t> release(Transaction& transaction, std::int64_t revision, int wave) {
  // The counter's row first, as commits do: numbers grow in commit order.
  const auto number = WEFT_TRY(transaction.exec("update cdb.counter set release = release + 1 returning release")).integer(0, 0);
  const auto nodes = WEFT_TRY(transaction.exec(
      "update cdb.rollout_node set state = 'released', released = clock_timestamp(), changed = clock_timestamp() "
      "where revision = $1 and wave <= $2 and state = 'waiting' returning node",
      {revision, wave}));
  std::vector<std::vector<base::pg::Param>> rows;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    rows.push_back({number, nodes.text(i, 0)});
    names.emplace_back(nodes.text(i, 0));
  }
  WEFT_TRY(transaction.exec("delete from cdb.held where rollout = $1 and node = any($2::text[])", {revision, text_array(names)}));
  if (!rows.empty()) WEFT_TRY(transaction.copy("cdb.release", {"number", "node"}, rows));
  // Whoever slept for a day reads everything anew anyway.
  WEFT_TRY(transaction.exec("delete from cdb.release where time < clock_timestamp() - interval '7 days'"));
  WEFT_TRY(transaction.exec("update cdb.rollout set wave = greatest(wave, $2), released = clock_timestamp() where revision = $1",
                            {revision, wave}));
  WEFT_TRY(transaction.notify(Store::wake_channel, "release"));
  return rows.size();
}

}  // namespace

std::string_view name_of(RolloutState state) {
  return state_names[static_cast<std::size_t>(state)];
}

std::optional<RolloutState> rollout_state(std::string_view name) {
  for (std::size_t i = 0; i < state_names.size(); ++i) {
    if (state_names[i] == name) return static_cast<RolloutState>(i);
  }
  return std::nullopt;
}

std::string_view name_of(RolloutNode::State state) {
  return node_state_names[static_cast<std::size_t>(state)];
}

base::Result<std::vector<RolloutPolicy>> Store::rollout_policies() const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows = WEFT_TRY(
      transaction.exec("select name, document::text, author, cdb.rfc3339(changed) from cdb.rollout_policy order by name"));
  std::vector<RolloutPolicy> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    out.push_back(
        {std::string(rows.text(i, 0)), std::string(rows.text(i, 1)), std::string(rows.text(i, 2)), std::string(rows.text(i, 3))});
  }
  return out;
}

base::Result<RolloutPolicy> Store::rollout_policy(std::string_view name) const {
  for (auto& policy : WEFT_TRY(rollout_policies())) {
    if (policy.name == name) return std::move(policy);
  }
  auto transaction = WEFT_TRY(pool_->begin());
  return fail(WEFT_TRY(unknown_policy(transaction, name)));
}

base::Result<> Store::set_rollout_policy(const Actor& actor, std::string_view name, const std::optional<std::string>& document) {
  auto transaction = WEFT_TRY(pool_->begin());
  if (document) {
    WEFT_TRY(transaction.exec(
        "insert into cdb.rollout_policy (name, document, author) values ($1, $2::jsonb, $3) on conflict (name) do update set "
        "document = excluded.document, author = excluded.author, changed = clock_timestamp()",
        {name, *document, actor.name}));
  } else {
    const auto users = WEFT_TRY(transaction.exec("select name from cdb.branch where rollout = $1 order by name", {name}));
    if (!users.empty())
      return fail(Errc::conflict, fmt::format("branch {} uses the roll-out policy '{}'", users.text(0, 0), name),
                  fmt::format("weft rollout policy default {} none", users.text(0, 0)));
    const auto gone = WEFT_TRY(transaction.exec("delete from cdb.rollout_policy where name = $1", {name}));
    if (gone.affected() == 0) return fail(WEFT_TRY(unknown_policy(transaction, name)));
  }
  Dict detail;
  if (document) detail["document"] = WEFT_TRY(base::profile::parse_json(*document));
  WEFT_TRY(append_audit(transaction, actor, document ? "rollout.policy" : "rollout.policy-removed", name, std::move(detail)));
  return transaction.commit();
}

base::Result<std::string> Store::rollout_default(std::string_view branch) const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows = WEFT_TRY(transaction.exec("select rollout from cdb.branch where name = $1", {branch}));
  if (rows.empty()) return fail(Errc::not_found, fmt::format("no branch '{}'", branch));
  return std::string(rows.text(0, 0));
}

base::Result<> Store::set_rollout_default(const Actor& actor, std::string_view branch, std::string_view policy) {
  auto transaction = WEFT_TRY(pool_->begin());
  if (!policy.empty() && WEFT_TRY(transaction.exec("select from cdb.rollout_policy where name = $1", {policy})).empty())
    return fail(WEFT_TRY(unknown_policy(transaction, policy)));
  const auto done =
      WEFT_TRY(transaction.exec("update cdb.branch set rollout = nullif($2, '') where name = $1", {branch, policy}));
  if (done.affected() == 0) return fail(Errc::not_found, fmt::format("no branch '{}'", branch));
  WEFT_TRY(append_audit(transaction, actor, "rollout.default", branch, Dict{{"policy", std::string(policy)}}));
  return transaction.commit();
}

base::Result<RolloutSwitch> Store::rollout_switch() const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows = WEFT_TRY(transaction.exec("select stopped, author, reason, cdb.rfc3339(changed) from cdb.rollout_switch"));
  if (rows.empty()) return fail(Errc::corrupt, "the roll-out switch is missing in the database");
  return RolloutSwitch{rows.boolean(0, 0), std::string(rows.text(0, 1)), std::string(rows.text(0, 2)),
                       std::string(rows.text(0, 3))};
}

base::Result<> Store::set_rollout_switch(const Actor& actor, bool stopped, std::string_view reason) {
  auto transaction = WEFT_TRY(pool_->begin());
  WEFT_TRY(transaction.exec("update cdb.rollout_switch set stopped = $1, author = $2, reason = $3, changed = clock_timestamp()",
                            {stopped, actor.name, reason}));
  WEFT_TRY(
      append_audit(transaction, actor, stopped ? "rollout.stop" : "rollout.start", "all", Dict{{"reason", std::string(reason)}}));
  return transaction.commit();
}

base::Result<std::vector<Rollout>> Store::rollouts(bool open_only, std::int64_t before, int limit) const {
  auto transaction = WEFT_TRY(pool_->begin());
  static const auto sql =
      std::string(rollout_columns) +
      "where (not $1::boolean or o.state not in ('done', 'reverted')) and ($2::bigint = 0 or o.revision < $2) "
      "order by o.revision desc limit $3";
  const auto rows = WEFT_TRY(transaction.exec(sql, {open_only, before, limit}));
  std::vector<Rollout> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(WEFT_TRY(rollout_at(rows, i)));
  return out;
}

base::Result<Rollout> Store::rollout(std::int64_t revision) const {
  auto transaction = WEFT_TRY(pool_->begin());
  static const auto sql = std::string(rollout_columns) + "where o.revision = $1";
  const auto rows = WEFT_TRY(transaction.exec(sql, {revision}));
  if (rows.empty())
    return fail(Errc::not_found, fmt::format("revision {} has no roll-out", revision), "weft rollout list shows them");
  return rollout_at(rows, 0);
}

base::Result<std::vector<RolloutNode>> Store::rollout_nodes(std::int64_t revision) const {
  auto transaction = WEFT_TRY(pool_->begin());
  return nodes_of(transaction, revision);
}

base::Result<std::optional<std::int64_t>> Store::reverted_by(std::int64_t number) const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows = WEFT_TRY(transaction.exec("select min(number) from cdb.revision where reverts = $1", {number}));
  return rows.is_null(0, 0) ? std::nullopt : std::optional(rows.integer(0, 0));
}

base::Result<> Store::step_rollout(const Actor& actor, std::int64_t revision, const Look& look) {
  auto transaction = WEFT_TRY(pool_->begin());
  // The counter before the roll-out's row, in the order of commits, which hold the counter while they supersede nodes.
  WEFT_TRY(transaction.exec("select from cdb.counter for update"));
  static const auto sql = std::string(rollout_columns) + "where o.revision = $1 for update of o";
  const auto rows = WEFT_TRY(transaction.exec(sql, {revision}));
  if (rows.empty())
    return fail(Errc::not_found, fmt::format("revision {} has no roll-out", revision), "weft rollout list shows them");
  const auto rollout = WEFT_TRY(rollout_at(rows, 0));
  const auto step = WEFT_TRY(look(rollout, WEFT_TRY(nodes_of(transaction, revision))));
  if (!step) return {};
  for (const auto& node : step->nodes) {
    WEFT_TRY(
        transaction.exec("update cdb.rollout_node set state = $3, message = $4, accepted = accepted or $5, "
                         "changed = clock_timestamp() where revision = $1 and node = $2",
                         {revision, node.node, name_of(node.state), node.message.substr(0, 1000), node.accepted}));
  }
  std::size_t released = 0;
  if (step->release > 0) released = WEFT_TRY(release(transaction, revision, step->release));
  WEFT_TRY(transaction.exec("update cdb.rollout set state = $2, reason = $3, updated = clock_timestamp() where revision = $1",
                            {revision, name_of(step->state), step->reason.substr(0, 2000)}));
  if (step->release > 0 || step->state != rollout.state) {
    Dict detail{{"state", std::string(name_of(step->state))}, {"reason", step->reason}};
    if (step->release > 0) {
      detail["wave"] = step->release;
      detail["nodes"] = static_cast<std::int64_t>(released);
    }
    WEFT_TRY(append_audit(transaction, actor, step->release > 0 ? "rollout.release" : "rollout.state",
                          fmt::format("{}@{}", rollout.branch, revision), std::move(detail)));
  }
  WEFT_TRY(base::fail_point("cdb.rollout.step"));
  WEFT_TRY(transaction.commit());
  return base::fail_point("cdb.rollout.stepped");
}

}  // namespace cdb::store
