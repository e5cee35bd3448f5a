// Claims, their publication, and whole maintenance runs with a fake fabric and a fake storage driver on a real PostgreSQL.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <random>
#include <thread>

#include "leaf/sms/claims.h"
#include "leaf/sms/fragment.h"
#include "leaf/sms/publisher.h"
#include "leaf/sms/steps.h"
#include "leaf/storage/steps.h"
#include "leaf/workflow/budget.h"
#include "leaf/workflow/work_order.h"
#include "tests/unit/base/pg_fixture.h"
#include "tests/unit/leaf/fakes.h"

namespace wf = leaf::workflow;
namespace sms = leaf::sms;
namespace st = leaf::storage;
using base::Errc;
using base::Result;
using base::profile::Dict;
using base::profile::Value;
using tests::leaf::query;

namespace {

// Storage that says what the test wants.
class FakeDriver : public st::Driver {
 public:
  int polls_to_drain = 2, drains = 0, cancels = 0;
  bool safe = true, healthy = true;
  Result<st::Answer> estimate(const leaf::fabric::Node&) override { return st::Answer{true, "2 files", Dict{{"files", 2}}}; }
  Result<> drain_start(const st::DrainRequest&) override {
    ++drains;
    return {};
  }
  Result<st::DrainStatus> drain_status(const st::DrainRequest& request) override {
    WEFT_TRY(request.may_act());
    if (polls_to_drain-- > 0) return st::DrainStatus{false, "moving", Dict{{"moved", 1}, {"files", 2}}};
    return st::DrainStatus{true, "drained", Dict{{"moved", 2}, {"files", 2}}};
  }
  Result<> drain_cancel(const st::DrainRequest&) override {
    ++cancels;
    return {};
  }
  Result<st::Answer> ok_to_stop(const leaf::fabric::Node&) override { return st::Answer{safe, "stop?", {}}; }
  Result<st::Answer> safe_to_destroy(const leaf::fabric::Node&) override { return st::Answer{safe, "destroy?", {}}; }
  Result<st::Answer> verify(const leaf::fabric::Node&) override {
    return st::Answer{healthy, healthy ? "serves" : "a disk is not mounted", {}};
  }
  Result<std::string> return_start(const leaf::fabric::Node&) override { return std::string("may receive files"); }
};

struct World {
  std::shared_ptr<base::pg::Pool> pool = tests::new_database(8);
  std::shared_ptr<tests::leaf::FakeFabric> fabric = std::make_shared<tests::leaf::FakeFabric>();
  std::shared_ptr<FakeDriver> driver = std::make_shared<FakeDriver>();
  wf::PgRunStore store{pool};
  sms::Claims claims{pool};
  sms::Publisher publisher{pool, fabric};
  wf::WorkOrders orders{pool};
  std::unique_ptr<wf::Engine> engine;

  World() {
    tests::leaf::prepare(*pool);
    for (int i = 1; i <= 6; ++i) fabric->add(fmt::format("n{}", i), fmt::format("r{}", (i + 1) / 2));
    fabric->at("n1").storage = Dict{{"driver", "fake"}, {"pool", "p"}};
    wf::Registry registry;
    registry.kinds["budget.reserve"] = wf::make_budget_reserve_step(pool, fabric, {});
    registry.kinds["budget.release"] = wf::make_budget_release_step(pool);
    registry.kinds["work-order"] = wf::make_work_order_step(pool, fabric);
    st::add_steps(registry, pool, fabric, {{"fake", driver}});
    sms::add_steps(registry, pool, fabric, {{"fake", driver}}, std::chrono::seconds(600));
    sms::add_guards(registry, pool);
    engine = std::make_unique<wf::Engine>(store, std::move(registry), wf::EngineOptions{});
    for (const auto& shipped : wf::shipped_definitions()) {
      auto parsed = wf::parse_definition(shipped.text, shipped.name, engine->vocabulary());
      if (!parsed) FAIL(parsed.error().text());
      REQUIRE(store.install(*parsed));
    }
  }
  std::int64_t set(std::string node, std::string reason, std::string owner = "ann", std::string state = "maintenance",
                   std::string drain = "full") {
    sms::ClaimRequest request;
    request.nodes = {node};
    request.state = state;
    request.reason = reason;
    request.owner = owner;
    request.drain = drain;
    auto made = claims.set(request);
    if (!made) FAIL(made.error().text());
    return made->front().get_integer("workflow");
  }
  std::int64_t clear(std::string node, std::string reason, std::string owner = "ann", std::string state = "maintenance") {
    auto cleared = claims.clear({node}, state, reason, owner, owner);
    if (!cleared) FAIL(cleared.error().text());
    return cleared->count;
  }
  // Everything that the role's threads would do, until nothing more happens.
  void settle(int rounds = 12) {
    for (int i = 0; i < rounds; ++i) {
      REQUIRE(claims.reconcile());
      query(*pool, "UPDATE leaf.outbox SET next_at = now() - interval '1 s'");
      while (publisher.turn().value_or(false)) {
      }
      tests::leaf::make_due(*pool);
      for (int turn = 0; turn < 20; ++turn) {
        auto worked = engine->turn("test");
        REQUIRE(worked);
        if (!*worked) break;
      }
    }
  }
  wf::Instance run(std::int64_t id) {
    auto loaded = store.load(id);
    if (!loaded) FAIL(loaded.error().text());
    return *loaded;
  }
  std::string state(const std::string& node) { return fabric->at(node).state; }
  Value open_order(std::string kind) {
    auto list = orders.list(false, 100);
    REQUIRE(list);
    for (const Value& order : *list) {
      if (order.get_string("kind") == kind) return order;
    }
    FAIL("no open order of kind " << kind);
    return {};
  }
  void done(const Value& order, std::string event = "e") {
    REQUIRE(
        orders.done(order.get_integer("id"), {.who = "tom", .client_event = event + std::to_string(order.get_integer("id"))}));
  }
};

}  // namespace

TEST_CASE("a maintenance from the claim to the return") {
  World world;
  std::int64_t id = world.set("n1", "disk 3 clicks");
  world.settle();
  CHECK(world.state("n1") == "maintenance");
  CHECK(world.fabric->files.at("sms/n1.pan").find("\"reason\", \"disk 3 clicks\"") != std::string::npos);
  CHECK(world.run(id).step == "work");
  CHECK(world.driver->drains == 1);
  Value order = world.open_order("work");
  CHECK(order.get("asset")->get_string("serial") == "SN-n1");
  CHECK(order.get("asset")->get_string("rack") == "r1");
  CHECK(query(*world.pool, "SELECT 1 FROM leaf.budget_use").size() == 2);
  // Past the point of no return.
  CHECK(world.engine->cancel(id, "ann", "").error().code == Errc::conflict);
  // The wrong machine: nothing happens but a note.
  CHECK(world.orders.done(order.get_integer("id"), {.who = "tom", .client_event = "w1", .serial = "SN-n2"}).error().code ==
        Errc::conflict);
  CHECK(world.open_order("work").get_integer("id") == order.get_integer("id"));
  wf::Answer answer{.who = "tom", .client_event = "w2", .serial = "SN-n1"};
  auto first = world.orders.done(order.get_integer("id"), answer), again = world.orders.done(order.get_integer("id"), answer);
  REQUIRE(first);
  REQUIRE(again);
  CHECK_FALSE(first->get_boolean("replayed"));
  CHECK(again->get_boolean("replayed"));
  CHECK(world.orders.done(order.get_integer("id"), {.who = "bob", .client_event = "w3"}).error().code == Errc::conflict);
  world.settle();
  CHECK(world.run(id).state == "done");
  CHECK(world.state("n1") == "production");
  CHECK(world.fabric->files.empty());
  CHECK(query(*world.pool, "SELECT 1 FROM leaf.budget_use").empty());
  CHECK(query(*world.pool, "SELECT 1 FROM leaf.claim WHERE released_at IS NULL").empty());
  CHECK(world.store.audit(id));
}

TEST_CASE("overlapping claims: the node returns only when the last one is gone") {
  World world;
  std::int64_t id = world.set("n1", "disk");
  CHECK(world.set("n1", "kernel", "bob") == id);  // joins
  CHECK(world.set("n1", "disk") == id);           // the same claim again
  CHECK(query(*world.pool, "SELECT 1 FROM leaf.claim").size() == 2);
  world.settle();
  world.done(world.open_order("work"));
  world.settle();
  CHECK(world.state("n1") == "maintenance");
  CHECK(world.run(id).message.find("kernel") != std::string::npos);
  CHECK(world.fabric->files.at("sms/n1.pan").find("kernel") != std::string::npos);
  CHECK(world.clear("n1", "kernel", "ann") == 0);  // not her claim: nothing to clear, and no error
  world.settle();
  CHECK(world.state("n1") == "maintenance");
  CHECK(world.clear("n1", "kernel", "bob") == 1);
  CHECK(world.clear("n1", "kernel", "bob") == 0);
  world.settle();
  CHECK(world.state("n1") == "production");
  CHECK(world.run(id).state == "done");
}

TEST_CASE("a claim that is cleared early withdraws the work, and the node returns verified") {
  World world;
  std::int64_t id = world.set("n1", "disk");
  world.settle();
  Value order = world.open_order("work");
  world.fabric->at("n1").last_outcome = "failed";
  CHECK(world.clear("n1", "disk") == 1);
  world.settle();
  CHECK(world.state("n1") == "maintenance");
  CHECK(world.orders.done(order.get_integer("id"), {.who = "tom", .client_event = "late"}).error().code == Errc::conflict);
  CHECK(world.run(id).step == "verify");
  world.fabric->at("n1").last_outcome = "ok";
  world.settle();
  CHECK(world.state("n1") == "production");
  CHECK(world.run(id).row("work")->state == "skipped");
}

TEST_CASE("expiry starts the return and never frees a node that is not healthy") {
  World world;
  sms::ClaimRequest request;
  request.nodes = {"n2"};
  request.state = "quarantine";
  request.reason = "burn-in";
  request.owner = "ann";
  request.duration = std::chrono::hours(1);
  REQUIRE(world.claims.set(request));
  world.settle();
  CHECK(world.state("n2") == "quarantine");
  world.fabric->at("n2").seen_ago = std::chrono::hours(5);
  query(*world.pool, "UPDATE leaf.claim SET expires = now() - interval '1 s'");
  world.settle();
  CHECK(world.state("n2") == "quarantine");
  auto runs = world.store.list(false, "", 10);
  REQUIRE(runs->size() == 1);
  std::int64_t id = runs->front().id;
  CHECK(runs->front().definition == "return");
  // Time is up: it stays out of service by a claim of our own, and a person is asked.
  query(*world.pool, "UPDATE leaf.timer SET fire_at = now() - interval '1 s'");
  REQUIRE(world.store.fire_timers());
  world.settle();
  CHECK(world.run(id).state == "blocked");
  CHECK(world.state("n2") == "quarantine");
  CHECK(query(*world.pool, "SELECT 1 FROM leaf.claim WHERE owner = 'leaf' AND cleared_at IS NULL").size() == 1);
  world.fabric->at("n2").seen_ago = std::chrono::seconds(1);
  world.done(world.open_order("decision"));
  world.settle();
  CHECK(world.run(id).state == "done");
  CHECK(world.state("n2") == "production");
}

TEST_CASE("expiry while people work at the machine does not take the work from them") {
  World world;
  std::int64_t id = world.set("n1", "disk");
  world.settle();
  query(*world.pool, "UPDATE leaf.claim SET expires = now() - interval '1 s'");
  world.settle();
  CHECK(world.run(id).step == "work");
  CHECK(world.state("n1") == "maintenance");
  world.done(world.open_order("work"));
  world.settle();
  CHECK(world.state("n1") == "production");
}

TEST_CASE("cancel before the point of no return: drain undone, claim cleared, return verified") {
  World world;
  world.driver->polls_to_drain = 1000000;
  std::int64_t id = world.set("n1", "disk");
  world.settle(3);
  CHECK(world.run(id).step == "drain");
  REQUIRE(world.engine->cancel(id, "ann", "wrong node"));
  world.settle();
  CHECK(world.run(id).state == "cancelled");
  CHECK(world.driver->cancels >= 1);
  CHECK(world.state("n1") == "production");
  auto all = world.store.list(true, "n1", 10);
  REQUIRE(all->size() == 2);
  CHECK(all->front().definition == "return");
  CHECK(all->front().state == "done");
}

TEST_CASE("a maintenance claim that comes during a return gets a run of its own") {
  World world;
  world.set("n1", "wait", "ann", "draining");
  world.settle();
  CHECK(world.state("n1") == "draining");
  world.driver->healthy = false;
  CHECK(world.clear("n1", "wait", "ann", "draining") == 1);
  world.settle();
  world.set("n1", "disk");
  world.settle();
  world.driver->healthy = true;
  world.settle();
  CHECK(world.state("n1") == "maintenance");
  world.done(world.open_order("work"));
  world.settle();
  CHECK(world.state("n1") == "production");
}

TEST_CASE("nothing is done while it is not safe, not applied, or the budget is used up") {
  World world;
  world.driver->safe = false;
  world.fabric->agents_apply = false;
  std::int64_t id = world.set("n1", "disk");
  world.settle();
  CHECK(world.run(id).step == "claim");
  CHECK(world.driver->drains == 0);
  world.fabric->at("n1").applied_root = world.fabric->at("n1").desired_root;
  world.settle();
  CHECK(world.run(id).step == "safe");
  CHECK(world.orders.list(false, 10)->empty());
  // n2 is in the same rack, n3 in another; n5 and n6 would be the third.
  std::int64_t same_rack = world.set("n2", "x");
  std::int64_t other = world.set("n3", "x");
  std::int64_t third = world.set("n5", "x");
  world.fabric->agents_apply = true;
  world.settle();
  CAPTURE(world.run(id).message);
  CAPTURE(world.run(same_rack).message);
  CAPTURE(world.run(other).message);
  CAPTURE(world.run(third).message);
  CHECK(world.run(same_rack).step == "budget");
  CHECK(world.run(same_rack).message.find("rack:demo/r1") != std::string::npos);
  CHECK(world.run(other).step == "work");
  CHECK(world.run(third).step == "budget");
  CHECK(world.run(third).message.find("cluster:demo") != std::string::npos);
  CHECK(world.state("n2") == "production");
}

TEST_CASE("budgets count members that are out for other reasons, and unknown ones") {
  World world;
  auto plan_for = [&](const char* node, wf::BudgetLimits limits = {}) {
    return wf::plan_budget(world.fabric->list, world.fabric->at(node), limits);
  };
  wf::StartRequest start;
  start.definition = "maintenance";
  start.subject = "n1";
  start.created_by = "ann";
  std::int64_t id = world.store.start(start)->id;
  auto reserve = [&](const wf::BudgetPlan& plan) {
    auto tx = world.pool->begin();
    return wf::reserve_budget(*tx, id, "n1", plan);
  };
  CHECK(reserve(*plan_for("n1")).has_value() == true);
  // Once there and now silent: out. Never heard of: not installed, neither out nor a member.
  world.fabric->at("n2").seen_ago.reset();
  CHECK(reserve(*plan_for("n1")).error().code == Errc::exhausted);
  world.fabric->at("n2").seen_ago = std::chrono::seconds(1);
  world.fabric->at("n2").state = "quarantine";
  CHECK(reserve(*plan_for("n1")).error().code == Errc::exhausted);
  world.fabric->at("n2").state = "production";
  world.fabric->at("n2").last_outcome = "failed";
  CHECK(reserve(*plan_for("n1")).error().code == Errc::exhausted);
  world.fabric->at("n2").last_outcome = "ok";
  int members = plan_for("n1")->members;
  leaf::fabric::Node& described = world.fabric->add("n7", "r1");
  described.seen_ago.reset();
  described.applied_root.clear();
  CHECK(plan_for("n1")->members == members);
  CHECK(reserve(*plan_for("n1")).has_value());
  wf::BudgetLimits strict;
  strict.min_healthy_percent = 100;
  CHECK(reserve(*plan_for("n1", strict)).error().code == Errc::exhausted);
  wf::BudgetLimits none;
  none.max_concurrent = 0;
  CHECK(reserve(*plan_for("n1", none)).error().code == Errc::exhausted);
  leaf::fabric::Node stranger = world.fabric->at("n1");
  stranger.name = "n9";
  CHECK(wf::plan_budget(world.fabric->list, stranger, {}).error().code == Errc::unavailable);
  stranger.cluster.clear();
  CHECK(wf::plan_budget(world.fabric->list, stranger, {}).error().code == Errc::invalid);
  CHECK(wf::BudgetLimits::from(nullptr, {}).has_value());
  Value bad = Dict{{"max_concurrent", -1}};
  CHECK(wf::BudgetLimits::from(&bad, {}).error().code == Errc::invalid);
}

TEST_CASE("32 at once never get more of a budget than there is") {
  World world;
  std::vector<std::int64_t> ids;
  for (int i = 0; i < 32; ++i) {
    world.fabric->add(fmt::format("m{:02}", i), fmt::format("x{}", i % 8));
    wf::StartRequest request;
    request.definition = "maintenance";
    request.subject = fmt::format("m{:02}", i);
    request.created_by = "ann";
    ids.push_back(world.store.start(request)->id);
  }
  wf::BudgetLimits limits;
  limits.max_concurrent = 5;
  std::atomic<int> won{0}, over{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 32; ++i) {
    threads.emplace_back([&, i] {
      std::mt19937 random(static_cast<unsigned>(i));
      for (int round = 0; round < 6; ++round) {
        auto plan = wf::plan_budget(world.fabric->list, world.fabric->at(fmt::format("m{:02}", i)), limits);
        auto taken = world.pool->run([&](base::pg::Transaction& tx) {
          return wf::reserve_budget(tx, ids[static_cast<std::size_t>(i)], fmt::format("m{:02}", i), *plan);
        });
        if (!taken) continue;
        ++won;
        auto rows = query(
            *world.pool,
            "SELECT count(*), max(b.cap), b.scope FROM leaf.budget_use u JOIN leaf.budget b USING (scope) GROUP BY b.scope");
        for (std::size_t row = 0; row < rows.size(); ++row) over += rows.integer(row, 0) > rows.integer(row, 1);
        (void)world.pool->run([&](base::pg::Transaction& tx) -> Result<> {
          WEFT_TRY(tx.exec("DELETE FROM leaf.budget_use WHERE instance = $1", {ids[static_cast<std::size_t>(i)]}));
          return {};
        });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(won > 0);
  CHECK(over == 0);
  // The database itself refuses what a faulty caller would overbook.
  query(*world.pool, "INSERT INTO leaf.budget VALUES ('t', 1)");
  query(*world.pool, "INSERT INTO leaf.budget_use (scope, instance, node) VALUES ('t', $1, 'a')", {ids[0]});
  CHECK_THROWS(query(*world.pool, "INSERT INTO leaf.budget_use (scope, instance, node) VALUES ('t', $1, 'b')", {ids[1]}));
}

TEST_CASE("the profile follows the claims through conflicts, lost answers and outages") {
  World world;
  world.set("n3", "one", "ann", "standby");
  world.fabric->down = true;
  query(*world.pool, "UPDATE leaf.outbox SET next_at = now()");
  CHECK_FALSE(world.publisher.turn());
  CHECK(query(*world.pool, "SELECT 1 FROM leaf.outbox WHERE error <> '' AND done < generation AND next_at > now()").size() == 1);
  world.fabric->down = false;
  world.fabric->conflicts_to_come = 2;
  world.settle(1);
  CHECK(world.state("n3") == "standby");
  // The change is made but its answer is lost: it is found, not repeated.
  world.fabric->ambiguous_once = true;
  world.set("n3", "two", "ann", "standby");
  query(*world.pool, "UPDATE leaf.outbox SET next_at = now()");
  int before = world.fabric->changes;
  CHECK_FALSE(world.publisher.turn());
  world.settle(1);
  CHECK(world.fabric->changes == before + 1);
  CHECK(query(*world.pool, "SELECT 1 FROM leaf.outbox WHERE done < generation").empty());
  // Touched without a difference: nothing is written.
  world.set("n3", "two", "ann", "standby");
  world.settle(1);
  CHECK(world.fabric->changes == before + 1);
}

TEST_CASE("random claims and clears: the profile never says less than the claims, and all ends in production") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  World world;
  std::vector<std::string> states{"standby", "draining", "quarantine"}, reasons{"a", "b"}, owners{"ann", "bob"};
  for (int i = 0; i < 60; ++i) {
    std::string state = states[random() % 3], reason = reasons[random() % 2], owner = owners[random() % 2];
    if (random() % 2)
      world.set("n4", reason, owner, state);
    else
      world.clear("n4", reason, owner, state);
    if (random() % 3 == 0) world.settle(2);
    auto held = world.claims.list("n4", false);
    int worst = 0;
    for (const auto& claim : *held) {
      if (!claim.cleared) worst = std::max(worst, sms::severity(claim.state));
    }
    world.settle(1);
    CHECK(sms::severity(world.state("n4")) >= worst);
  }
  for (const auto& state : states) {
    for (const auto& reason : reasons) {
      for (const auto& owner : owners) world.clear("n4", reason, owner, state);
    }
  }
  world.settle();
  CHECK(world.state("n4") == "production");
  CHECK(world.fabric->files.empty());
}

TEST_CASE("claims that cannot be right are refused whole") {
  World world;
  sms::ClaimRequest good;
  good.nodes = {"n1", "n2"};
  good.state = "standby";
  good.reason = "r";
  good.owner = "ann";
  auto refused = [&](auto change) {
    sms::ClaimRequest bad = good;
    change(bad);
    CHECK(world.claims.set(bad).error().code == Errc::invalid);
  };
  refused([](auto& r) { r.nodes.clear(); });
  refused([](auto& r) { r.nodes = {"n1", "n1"}; });
  refused([](auto& r) { r.state = "production"; });
  refused([](auto& r) { r.state = "maintenence"; });
  refused([](auto& r) { r.reason = ""; });
  refused([](auto& r) { r.reason = "two\nlines"; });
  refused([](auto& r) { r.reason = std::string(201, 'x'); });
  refused([](auto& r) { r.reason = "\xff"; });
  refused([](auto& r) { r.owner = ""; });
  refused([](auto& r) { r.drain = "half"; });
  refused([](auto& r) { r.duration = std::chrono::seconds(0); });
  refused([](auto& r) { r.duration = std::chrono::hours(24 * 400); });
  refused([](auto& r) {
    r.duration = std::chrono::hours(1);
    r.starts_after = std::chrono::hours(2);
  });
  CHECK(query(*world.pool, "SELECT 1 FROM leaf.claim").empty());
  CHECK(world.claims.clear(std::vector<std::string>{}, "standby", "r", "ann", "ann").error().code == Errc::invalid);
  CHECK(world.claims.clear(12345, "ann").error().code == Errc::not_found);
  auto set = world.claims.set(good);
  REQUIRE(set);
  CHECK(set->size() == 2);
  CHECK(sms::states().size() == 6);
  CHECK(sms::severity("nonsense") == -1);
}

TEST_CASE("a claim for later has no effect before its time") {
  World world;
  sms::ClaimRequest request;
  request.nodes = {"n1"};
  request.state = "maintenance";
  request.reason = "power stop";
  request.owner = "ann";
  request.starts_after = std::chrono::hours(3);
  auto made = world.claims.set(request);
  CHECK(made->front().get("workflow") == nullptr);
  world.settle(2);
  CHECK(world.state("n1") == "production");
  query(*world.pool, "UPDATE leaf.claim SET not_before = now() - interval '1 s'");
  world.settle();
  CHECK(world.state("n1") == "maintenance");
  CHECK(world.open_order("work").get_string("node") == "n1");
}

TEST_CASE("selections: nothing is never all, a pattern without a node is an error") {
  World world;
  auto pick = [&](std::vector<std::string> patterns) { return leaf::fabric::select(world.fabric->list, patterns); };
  CHECK(pick({"n1", "n1", "n2"})->size() == 2);
  CHECK(pick({"n?"})->size() == 6);
  CHECK(pick({}).error().code == Errc::invalid);
  CHECK(pick({"x*"}).error().code == Errc::invalid);
  CHECK(pick({"n1", "x"}).error().code == Errc::invalid);
  CHECK(leaf::fabric::select({}, {"*"}).error().code == Errc::invalid);
  world.fabric->add("disk01.example.org", "r9");
  CHECK(pick({"disk01"})->front() == "disk01.example.org");
  world.fabric->add("disk01.example.com", "r9");
  CHECK(pick({"disk01"}).error().code == Errc::invalid);
}

TEST_CASE("the fragment is Pan, whatever people write as reasons") {
  sms::Claim claim;
  claim.state = "maintenance";
  claim.reason = "say \"hi\" \\ to 'bob' ${x} ü";
  claim.category = "other";
  claim.owner = "ann";
  claim.since = "2026-11-23T02:00:00Z";
  auto text = sms::fragment("n1", {claim});
  REQUIRE(text);
  CHECK(text->find(R"("reason", "say \"hi\" \\ to 'bob' ${x} ü")") != std::string::npos);
  CHECK(text->find("template sms/n1;") != std::string::npos);
  CHECK_FALSE(sms::fragment("n1", {}));
  claim.due = false;
  CHECK_FALSE(sms::fragment("n1", {claim}));
  CHECK(sms::effective_state({claim}) == "production");
}
