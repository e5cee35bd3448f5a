// Roll-outs in a real database: what nodes are given, each step once, whoever takes it.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "base/compress/compress.h"
#include "base/profile/json.h"
#include "cdb/rollout/engine.h"
#include "cdb/store/reads.h"
#include "tests/unit/cdb/database.h"

using namespace cdb::store;
using base::Errc;
using cdb::rollout::Engine;
using tests::cdb_database::fresh;

namespace {

constexpr auto document = R"({"waves":[{"name":"canary","nodes":1}],"silent":"wait"})";

Digest root_of(int value) {
  return base::profile::merkle(base::profile::Value(base::profile::Dict{{"value", value}}));
}

NodeUpdate node_of(const std::string& name, int value) {
  const base::profile::Value tree = base::profile::Dict{{"value", value}};
  return {name,
          "profiles/" + name + ".pan",
          root_of(value),
          true,
          base::compress::zstd(base::profile::to_json(tree)),
          11,
          encode_reads({}),
          R"({"role":"disk"})"};
}

// Every node gets `value`; `waves`: node and wave, none at once.
std::int64_t commit(Store& store, std::int64_t head, int value, std::vector<std::pair<std::string, int>> waves,
                    std::optional<std::int64_t> reverts = std::nullopt) {
  Commit commit;
  commit.branch = "main";
  commit.head = head;
  commit.author = {"person", "alice"};
  commit.message = "value " + std::to_string(value);
  commit.edits = {{"site/a.pan", std::nullopt, commit.message + (reverts ? " again" : "")}};
  commit.nodes = {node_of("n0", value), node_of("n1", value), node_of("n2", value)};
  commit.plan = "{}";
  commit.reverts = reverts;
  if (!waves.empty()) {
    commit.rollout = RolloutPlan{"careful", document, {"canary", "rest"}, {0, 1}, std::move(waves)};
  }
  const auto done = store.commit(commit);
  if (!done) FAIL(done.error().text());
  return *done;
}

const std::vector<std::pair<std::string, int>> canary_n0{{"n0", 1}, {"n1", 2}, {"n2", 2}};

void report(Store& store, const std::string& node, std::int64_t revision, int value, const std::string& outcome) {
  const Report body{root_of(value), revision, outcome,
                    *base::profile::parse_json(R"({"revision":)" + std::to_string(revision) +
                                               R"(,"components":[{"name":"ntpd","outcome":"failed","message":"no\nclue"}]})")};
  const auto done = store.add_report(node, body);
  if (!done) FAIL(done.error().text());
}

Desired desired(const Store& store, const std::string& node) {
  const auto out = store.desired(node);
  if (!out) FAIL(out.error().text());
  return *out;
}

std::string state(const Store& store, std::int64_t revision) {
  const auto rollout = store.rollout(revision);
  return rollout ? std::string(name_of(rollout->state)) : rollout.error().message;
}

struct World {
  tests::cdb_database::Fresh db = fresh();
  Store& store = *db.store;
  std::vector<std::int64_t> reverted;
  Engine engine{db.store, hooks()};

  Engine::Hooks hooks() {
    Engine::Hooks out;
    out.revert = [this](std::int64_t revision, const std::string&, const Actor&) -> base::Result<std::int64_t> {
      reverted.push_back(revision);
      return commit(store, *store.head("main"), 1, {}, revision);
    };
    return out;
  }
  World() { CHECK(commit(store, 0, 1, {}) == 1); }
  void look(int times = 1) {
    for (int i = 0; i < times; ++i) {
      const auto done = engine.look();
      if (!done) FAIL(done.error().text());
    }
  }
};

}  // namespace

TEST_CASE("nodes keep what they have until their wave comes") {
  World world;
  auto news = *world.store.desired_since(0, 0);
  CHECK(commit(world.store, 1, 2, canary_n0) == 2);
  for (const auto* node : {"n0", "n1", "n2"}) {
    CHECK(desired(world.store, node).root == root_of(1));
    CHECK(desired(world.store, node).revision == 1);
  }
  CHECK(world.store.node("n1")->held_by == 2);
  CHECK(world.store.wanted_roots()->size() == 2);
  // The commit is news, but nobody is given anything else.
  auto after = *world.store.desired_since(news.revision, news.release);
  CHECK(after.nodes.size() == 3);
  for (const auto& one : after.nodes) CHECK(one.root == root_of(1));

  world.look();
  CHECK(desired(world.store, "n0").root == root_of(2));
  CHECK(desired(world.store, "n0").revision == 2);
  CHECK(desired(world.store, "n1").root == root_of(1));
  auto released = *world.store.desired_since(after.revision, after.release);
  CHECK(released.nodes.size() == 1);
  CHECK(released.nodes.front().node == "n0");
  CHECK(released.nodes.front().root == root_of(2));
  CHECK(world.store.desired_since(released.revision, released.release)->nodes.empty());

  report(world.store, "n0", 2, 2, "ok");
  world.look();
  CHECK(desired(world.store, "n2").root == root_of(2));
  CHECK_FALSE(world.store.node("n1")->held_by.has_value());
  report(world.store, "n1", 2, 2, "ok");
  report(world.store, "n2", 2, 2, "ok");
  world.look(2);
  CHECK(state(world.store, 2) == "done");
  CHECK(world.store.verify_audit()->records > 0);
  CHECK_FALSE(world.store.verify_audit()->broken);
}

TEST_CASE("a canary that fails stops it; resume accepts what failed") {
  World world;
  commit(world.store, 1, 2, canary_n0);
  world.look();
  report(world.store, "n0", 2, 2, "failed");
  world.look(3);
  CHECK(state(world.store, 2) == "halted");
  CHECK(world.store.rollout(2)->reason == "wave 1 (canary): 1 of 1 nodes failed, 0 allowed; n0: ntpd: no");
  CHECK(desired(world.store, "n1").root == root_of(1));
  // As POST /v1/rollout/2 {action: resume} does it.
  CHECK(world.store
            .step_rollout(
                {"person", "alice"}, 2,
                [](const Rollout&, std::vector<RolloutNode> nodes) -> base::Result<std::optional<Store::RolloutStep>> {
                  CHECK(nodes.front().state == RolloutNode::State::failed);
                  return Store::RolloutStep{{{"n0", RolloutNode::State::skipped, "", true}}, 0, RolloutState::running, ""};
                })
            .has_value());
  world.look();
  CHECK(desired(world.store, "n1").root == root_of(2));
}

TEST_CASE("a revert gives every node back what it had and ends the waiting") {
  World world;
  commit(world.store, 1, 2, canary_n0);
  world.look();
  report(world.store, "n0", 2, 2, "failed");
  CHECK(world.store
            .step_rollout({"person", "alice"}, 2,
                          [](const Rollout&, std::vector<RolloutNode>) -> base::Result<std::optional<Store::RolloutStep>> {
                            return Store::RolloutStep{{}, 0, RolloutState::reverting, "by alice"};
                          })
            .has_value());
  world.look(3);
  CHECK(world.reverted == std::vector<std::int64_t>{2});
  CHECK(state(world.store, 2) == "reverted");
  CHECK(world.store.rollout(2)->reason == "by alice; reverted by revision 3");
  for (const auto* node : {"n0", "n1", "n2"}) {
    CHECK(desired(world.store, node).root == root_of(1));
    CHECK(desired(world.store, node).revision == 3);  // numbers never go back
    CHECK_FALSE(world.store.node(node)->held_by.has_value());
  }
}

TEST_CASE("a revert that was stored before a kill is found, not made again") {
  World world;
  commit(world.store, 1, 2, canary_n0);
  CHECK(world.store
            .step_rollout({"person", "alice"}, 2,
                          [](const Rollout&, std::vector<RolloutNode>) -> base::Result<std::optional<Store::RolloutStep>> {
                            return Store::RolloutStep{{}, 0, RolloutState::reverting, "by alice"};
                          })
            .has_value());
  commit(world.store, 2, 1, {}, 2);
  world.look();
  CHECK(world.reverted.empty());
  CHECK(state(world.store, 2) == "reverted");
}

TEST_CASE("a later commit takes over nodes that wait") {
  World world;
  commit(world.store, 1, 2, canary_n0);
  world.look();  // n0 has 2
  SUBCASE("by another roll-out: they wait for that one") {
    commit(world.store, 2, 3, canary_n0);
    CHECK(world.store.node("n1")->held_by == 3);
    CHECK(desired(world.store, "n0").root == root_of(2));
    CHECK(desired(world.store, "n1").root == root_of(1));
    report(world.store, "n0", 2, 2, "ok");
    world.look();  // 2 is over: its nodes are another's; 3 begins
    CHECK(state(world.store, 2) == "done");
    CHECK(desired(world.store, "n0").root == root_of(3));
    CHECK(desired(world.store, "n1").root == root_of(1));
  }
  SUBCASE("at once: they go on waiting, and get the newest then") {
    commit(world.store, 2, 3, {});
    CHECK(desired(world.store, "n0").root == root_of(3));
    CHECK(desired(world.store, "n1").root == root_of(1));
    report(world.store, "n0", 3, 3, "ok");
    world.look();
    CHECK(desired(world.store, "n1").root == root_of(3));
    CHECK(desired(world.store, "n1").revision == 3);
  }
  SUBCASE("with what they have: nothing to wait for") {
    commit(world.store, 2, 1, {});
    CHECK(desired(world.store, "n1").root == root_of(1));
    CHECK(desired(world.store, "n1").revision == 3);
    report(world.store, "n0", 3, 1, "ok");
    world.look(2);
    CHECK(state(world.store, 2) == "done");
  }
}

TEST_CASE("the stop switch, a removed node, unknown ones") {
  World world;
  commit(world.store, 1, 2, canary_n0);
  CHECK(world.store.set_rollout_switch({"person", "alice"}, true, "power cut").has_value());
  world.look(2);
  CHECK(world.store.rollout(2)->wave == 0);
  CHECK(world.store.rollout_switch()->reason == "power cut");
  CHECK(world.store.set_rollout_switch({"person", "alice"}, false, "").has_value());
  world.look();
  CHECK(world.store.rollout(2)->wave == 1);
  Commit remove;
  remove.branch = "main";
  remove.head = 2;
  remove.author = {"person", "alice"};
  remove.message = "n1 leaves";
  remove.edits = {{"profiles/n1.pan", std::nullopt, std::nullopt}};
  remove.removed = {"n1"};
  remove.plan = "{}";
  CHECK(world.store.commit(remove).has_value());
  CHECK(world.store.desired("n1").error().code == Errc::not_found);
  CHECK(world.store.rollout(9).error().code == Errc::not_found);
  CHECK(world.store.step_rollout({"person", "alice"}, 9, {}).error().code == Errc::not_found);
}

TEST_CASE("policies: stored, default, in use, unknown") {
  World world;
  const Actor alice{"person", "alice"};
  CHECK(world.store.set_rollout_default(alice, "main", "careful").error().message == "no roll-out policy 'careful'");
  CHECK(world.store.set_rollout_policy(alice, "careful", document).has_value());
  CHECK(world.store.set_rollout_default(alice, "mian", "careful").error().code == Errc::not_found);
  CHECK(world.store.set_rollout_default(alice, "main", "carefull").error().message ==
        "no roll-out policy 'carefull' (did you mean careful?)");
  CHECK(world.store.set_rollout_default(alice, "main", "careful").has_value());
  CHECK(*world.store.rollout_default("main") == "careful");
  CHECK(world.store.set_rollout_policy(alice, "careful", std::nullopt).error().message ==
        "branch main uses the roll-out policy 'careful'");
  CHECK(world.store.set_rollout_default(alice, "main", "").has_value());
  CHECK(world.store.set_rollout_policy(alice, "careful", std::nullopt).has_value());
  CHECK(world.store.set_rollout_policy(alice, "careful", std::nullopt).error().code == Errc::not_found);
  CHECK(world.store.set_rollout_policy(alice, "Bad Name", document).error().code != Errc::internal);
}

TEST_CASE("many engines over one database: every step is taken once") {
  World world;
  commit(world.store, 1, 2, canary_n0);
  std::vector<std::unique_ptr<Engine>> engines;
  for (int i = 0; i < 4; ++i) engines.push_back(std::make_unique<Engine>(world.db.store, Engine::Hooks{}));
  const auto all = [&] {
    std::vector<std::thread> threads;
    for (auto& engine : engines) threads.emplace_back([&] { CHECK(engine->look().has_value()); });
    for (auto& thread : threads) thread.join();
  };
  all();
  report(world.store, "n0", 2, 2, "ok");
  all();
  report(world.store, "n1", 2, 2, "ok");
  report(world.store, "n2", 2, 2, "ok");
  all();
  int releases = 0, ends = 0;
  const auto entries = *world.store.audit({.limit = 100});
  for (const auto& entry : entries) {
    releases += entry.record.get_string("action") == "rollout.release";
    ends += entry.record.get_string("action") == "rollout.state";
  }
  CHECK(releases == 2);
  CHECK(ends == 1);
  CHECK(state(world.store, 2) == "done");
}

TEST_CASE("child: look and be killed" * doctest::skip()) {
  const auto* url = std::getenv("WEFT_ROLLOUT_TEST_URL");
  REQUIRE(url != nullptr);
  auto store = *Store::open(*base::pg::Pool::open(url));
  CHECK(Engine(store, Engine::Hooks{}).look().has_value());
}

TEST_CASE("kill -9 in the middle of a step: the old state or the new one, and the next look goes on") {
  World world;
  commit(world.store, 1, 2, canary_n0);
  for (const auto* place : {"cdb.rollout.step", "cdb.rollout.stepped"}) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::setenv("WEFT_FAIL", (std::string(place) + "=kill").c_str(), 1);
      ::setenv("WEFT_ROLLOUT_TEST_URL", world.db.url.c_str(), 1);
      ::execl("/proc/self/exe", "rollout-test", "--test-case=child: look and be killed", "--no-skip", nullptr);
      ::_exit(99);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status));
    const bool stored = std::string_view(place) == "cdb.rollout.stepped";
    CHECK(world.store.rollout(2)->wave == (stored ? 1 : 0));
    CHECK(desired(world.store, "n0").root == root_of(stored ? 2 : 1));
  }
  report(world.store, "n0", 2, 2, "ok");
  world.look();
  CHECK(desired(world.store, "n1").root == root_of(2));
}
