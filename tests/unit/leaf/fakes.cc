#include "tests/unit/leaf/fakes.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/crypto/crypto.h"
#include "base/profile/path.h"
#include "schemas/migrations.h"

namespace tests::leaf {

using base::Errc;
using base::fail;
using base::Result;
using base::pg::Rows;
using base::pg::Transaction;
using ::leaf::fabric::Node;
using ::leaf::workflow::Seen;
using ::leaf::workflow::StepContext;
using ::leaf::workflow::Verdict;

namespace {

Result<Rows> ask(base::pg::Pool& pool, std::string_view sql, const std::vector<base::pg::Param>& params) {
  Transaction tx = WEFT_TRY(pool.begin());
  Rows rows = WEFT_TRY(tx.exec(sql, params));
  WEFT_TRY(tx.commit());
  return rows;
}

Result<bool> knob(base::pg::Pool& pool, const std::string& name) {
  return !WEFT_TRY(ask(pool, "SELECT 1 FROM knob WHERE name = $1", {name})).empty();
}

}  // namespace

Rows query(base::pg::Pool& pool, std::string_view sql, const std::vector<base::pg::Param>& params) {
  auto rows = ask(pool, sql, params);
  if (!rows) throw std::runtime_error(rows.error().text());
  return *rows;
}

void prepare(base::pg::Pool& pool) {
  auto migrated = base::pg::migrate(pool, "leaf", schemas::leaf_migrations());
  if (!migrated) throw std::runtime_error(migrated.error().text());
  query(pool,
        "CREATE TABLE IF NOT EXISTS effect (key text PRIMARY KEY, n int NOT NULL, seq bigint GENERATED ALWAYS AS IDENTITY)");
  query(pool, "CREATE TABLE IF NOT EXISTS knob (name text PRIMARY KEY)");
}

int effects(base::pg::Pool& pool, const std::string& key) {
  Rows rows = query(pool, "SELECT n FROM effect WHERE key = $1", {key});
  return rows.empty() ? 0 : static_cast<int>(rows.integer(0, 0));
}

void set_knob(base::pg::Pool& pool, const std::string& name, bool on) {
  if (on)
    query(pool, "INSERT INTO knob VALUES ($1) ON CONFLICT DO NOTHING", {name});
  else
    query(pool, "DELETE FROM knob WHERE name = $1", {name});
}

Result<Seen> FakeStep::observe(StepContext& context) {
  if (context.input.get_boolean("blind")) return Seen::unknown;
  Rows rows = WEFT_TRY(ask(*pool_, "SELECT 1 FROM effect WHERE key = $1", {context.idem_key}));
  return rows.empty() ? Seen::not_done : Seen::done;
}

Result<> FakeStep::act(StepContext& context) {
  if (before_act) before_act();
  WEFT_TRY(context.may_act());
  if (WEFT_TRY(knob(*pool_, "fail:" + context.step))) {
    std::string how(context.input.get_string("fail", "unavailable"));
    return fail(how == "invalid" ? Errc::invalid : Errc::unavailable, "the fake was told to fail");
  }
  WEFT_TRY(ask(*pool_, "INSERT INTO effect AS e (key, n) VALUES ($1, 1) ON CONFLICT (key) DO UPDATE SET n = e.n + 1",
               {context.idem_key}));
  return {};
}

Result<Verdict> FakeStep::verify(StepContext& context) {
  if (WEFT_TRY(knob(*pool_, "wait:" + context.step))) return Verdict::pending("waits for the test");
  return Verdict::finished("seen");
}

Result<> FakeStep::compensate(StepContext& context) {
  WEFT_TRY(ask(*pool_, "INSERT INTO effect AS e (key, n) VALUES ($1, 1) ON CONFLICT (key) DO UPDATE SET n = e.n + 1",
               {"undo:" + context.idem_key}));
  return {};
}

::leaf::workflow::Registry fake_registry(std::shared_ptr<base::pg::Pool> pool) {
  ::leaf::workflow::Registry registry;
  registry.kinds["fake"] = std::make_shared<FakeStep>(pool, true);
  registry.kinds["fake-once"] = std::make_shared<FakeStep>(pool, false);
  registry.guards["wanted"] = [pool](const StepContext& context) -> Result<bool> {
    return !WEFT_TRY(knob(*pool, "unwanted:" + context.subject));
  };
  return registry;
}

void make_due(base::pg::Pool& pool) {
  query(pool, "UPDATE leaf.task SET run_at = now() - interval '1 s' WHERE lease_until IS NULL");
}

void drive(base::pg::Pool& pool, ::leaf::workflow::Engine& engine, int turns) {
  for (int i = 0; i < turns; ++i) {
    make_due(pool);
    auto worked = engine.turn("test");
    if (!worked) throw std::runtime_error(worked.error().text());
    if (!*worked) return;
  }
}

Result<std::vector<Node>> FakeFabric::nodes() {
  std::lock_guard lock(mutex);
  if (down) return fail(Errc::unavailable, "the configuration database does not answer");
  return list;
}

Result<Node> FakeFabric::node(std::string_view name) {
  std::lock_guard lock(mutex);
  if (down) return fail(Errc::unavailable, "the configuration database does not answer");
  for (const Node& node : list) {
    if (node.name == name) return node;
  }
  return fail(Errc::not_found, fmt::format("no node {}", name));
}

Result<base::profile::Value> FakeFabric::profile(std::string_view) {
  base::profile::Value tree = base::profile::Dict{};
  if (!cluster_budget.is_null())
    WEFT_TRY(base::profile::set(tree, WEFT_TRY(base::profile::Path::parse("/system/cluster/maintenance")), cluster_budget));
  return tree;
}

Result<::leaf::fabric::TemplateFile> FakeFabric::read_template(std::string_view path) {
  std::lock_guard lock(mutex);
  if (down) return fail(Errc::unavailable, "the configuration database does not answer");
  ::leaf::fabric::TemplateFile file;
  file.revision = revision;
  if (auto found = files.find(std::string(path)); found != files.end()) file.content = found->second;
  return file;
}

Result<std::int64_t> FakeFabric::change(std::string_view path, const std::optional<std::string>& content, std::int64_t base,
                                        std::string_view) {
  std::lock_guard lock(mutex);
  if (down) return fail(Errc::unavailable, "the configuration database does not answer");
  if (conflicts_to_come > 0) {
    --conflicts_to_come;
    ++revision;
    return fail(Errc::conflict, "the path moved");
  }
  if (base != revision) return fail(Errc::conflict, "the path moved");
  ++changes;
  ++revision;
  if (content)
    files[std::string(path)] = *content;
  else
    files.erase(std::string(path));
  // What the compiler and the agents would do with it.
  for (Node& node : list) {
    if (path != "sms/" + node.name + ".pan") continue;
    node.state = "production";
    if (content) {
      auto at = content->find("\"/system/state\" = \"");
      if (at != std::string::npos) node.state = content->substr(at + 19, content->find('"', at + 19) - at - 19);
    }
    node.desired_root = base::crypto::sha256_hex(node.name + content.value_or(""));
    if (agents_apply) node.applied_root = node.desired_root;
  }
  if (ambiguous_once) {
    ambiguous_once = false;
    return fail(Errc::timeout, "no answer in time");
  }
  return revision;
}

Node& FakeFabric::add(std::string name, std::string rack) {
  std::lock_guard lock(mutex);
  Node node;
  node.name = std::move(name);
  node.rack = std::move(rack);
  node.cluster = "demo";
  node.state = "production";
  node.last_outcome = "ok";
  node.desired_root = node.applied_root = base::crypto::sha256_hex(node.name);
  node.seen_ago = std::chrono::seconds(1);
  node.serial = "SN-" + node.name;
  node.unit = "7";
  list.push_back(std::move(node));
  return list.back();
}

Node& FakeFabric::at(std::string_view name) {
  for (Node& node : list) {
    if (node.name == name) return node;
  }
  throw std::runtime_error("no such fake node");
}

}  // namespace tests::leaf
