// The engine on a real PostgreSQL: crash at every point, lost leases, signals, timers, switch, cancel, audit.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <future>

#include "base/process/process.h"
#include "leaf/workflow/engine.h"
#include "leaf/workflow/work_order.h"
#include "tests/unit/base/pg_fixture.h"
#include "tests/unit/leaf/fakes.h"

namespace wf = leaf::workflow;
using base::Errc;
using base::profile::Dict;
using base::profile::Value;
using tests::leaf::drive;
using tests::leaf::effects;
using tests::leaf::query;
using tests::leaf::set_knob;

namespace {

constexpr std::string_view three = R"(
name: three
version: 1
summary: three steps
steps:
  - {name: one, kind: fake, why: first, compensate: true}
  - {name: two, kind: KIND, why: second, compensate: true, retry: {attempts: 3}, input: {INPUT}}
  - {name: three, kind: fake, why: third, point_of_no_return: PNR}
)";

std::string document(std::string kind = "fake", std::string input = "", std::string pnr = "false", int version = 1) {
  std::string text(three);
  auto put = [&](std::string_view from, const std::string& to) { text.replace(text.find(from), from.size(), to); };
  put("KIND", kind);
  put("INPUT", input);
  put("PNR", pnr);
  put("version: 1", "version: " + std::to_string(version));
  return text;
}

struct World {
  std::shared_ptr<base::pg::Pool> pool = tests::new_database(8);
  wf::PgRunStore store{pool};
  wf::Engine engine;
  explicit World(const std::string& text = document(), wf::EngineOptions options = {})
      : engine(store, (tests::leaf::prepare(*pool), tests::leaf::fake_registry(pool)), options) {
    install(text);
  }
  void install(const std::string& text) {
    auto parsed = wf::parse_definition(text, "test.yaml", engine.vocabulary());
    if (!parsed) FAIL(parsed.error().text());
    auto stored = store.install(*parsed);
    if (!stored) FAIL(stored.error().text());
  }
  std::int64_t start(std::string subject = "n1") {
    wf::StartRequest request;
    request.definition = "three";
    request.subject = subject;
    request.dedupe_key = "node:" + subject;
    request.created_by = "ann";
    auto started = store.start(request);
    if (!started) FAIL(started.error().text());
    return started->id;
  }
  wf::Instance run(std::int64_t id) {
    auto loaded = store.load(id);
    if (!loaded) FAIL(loaded.error().text());
    return *loaded;
  }
  int count(std::int64_t id, std::string step) { return effects(*pool, fmt::format("weft-{}/{}", id, step)); }
};

}  // namespace

TEST_CASE("a run goes through its steps once, and its events prove it") {
  World world;
  std::int64_t id = world.start();
  drive(*world.pool, world.engine);
  wf::Instance run = world.run(id);
  CHECK(run.state == "done");
  for (const char* step : {"one", "two", "three"}) {
    CHECK(world.count(id, step) == 1);
    CHECK(run.row(step)->state == "verified");
  }
  auto audited = world.store.audit(id);
  CHECK_MESSAGE(audited, (audited ? "" : audited.error().text()));
  CHECK(query(*world.pool, "SELECT 1 FROM leaf.task").empty());
}

TEST_CASE("killed at every point of every step, another worker ends the run with each effect made once") {
  for (const char* kind : {"fake", "fake-once"}) {
    for (const char* point : {"leaf.step.intent", "leaf.step.acted", "leaf.step.verified"}) {
      for (int passage = 1; passage <= 3; ++passage) {
        CAPTURE(kind);
        CAPTURE(point);
        CAPTURE(passage);
        World world(document(kind));
        std::int64_t id = world.start();
        base::process::Command command;
        command.argv = {WEFT_LEAF_WORKER, world.pool->url()};
        command.environment = {{"WEFT_FAIL", fmt::format("{}=kill@{}", point, passage)}, {"PATH", "/usr/bin:/bin"}};
        auto outcome = base::process::run(command);
        REQUIRE(outcome);
        REQUIRE(outcome->status == 128 + 9);
        CHECK_FALSE(world.run(id).finished());
        // The lease of the dead is over after its time; tests do not wait for it.
        query(*world.pool, "UPDATE leaf.task SET lease_until = now() - interval '1 s' WHERE lease_until IS NOT NULL");
        drive(*world.pool, world.engine);
        CHECK(world.run(id).state == "done");
        for (const char* step : {"one", "two", "three"}) CHECK(world.count(id, step) == 1);
        CHECK(world.store.audit(id));
      }
    }
  }
}

TEST_CASE("a worker that lost its lease makes no further effect and writes nothing") {
  wf::EngineOptions options;
  options.lease = std::chrono::seconds(60);
  World world(document(), options);
  std::int64_t id = world.start();
  auto registry = tests::leaf::fake_registry(world.pool);
  auto slow = std::make_shared<tests::leaf::FakeStep>(world.pool, true);
  std::promise<void> at_act, go;
  std::atomic<bool> first{true};
  slow->before_act = [&] {
    if (!first.exchange(false)) return;
    at_act.set_value();
    go.get_future().wait();
  };
  registry.kinds["fake"] = slow;
  wf::Engine stale(world.store, registry, options);
  auto turned = std::async(std::launch::async, [&] { return stale.turn("stale"); });
  at_act.get_future().wait();
  query(*world.pool, "UPDATE leaf.task SET lease_until = now() - interval '1 s'");
  drive(*world.pool, world.engine);
  CHECK(world.run(id).state == "done");
  auto rev = world.run(id).rev;
  go.set_value();
  CHECK(turned.get());
  CHECK(world.run(id).rev == rev);
  CHECK(world.count(id, "one") == 1);
  CHECK(world.store.audit(id));
}

TEST_CASE("a run is claimed by one worker only") {
  World world;
  world.start();
  auto one = world.store.claim("a", std::chrono::seconds(60));
  auto two = world.store.claim("b", std::chrono::seconds(60));
  REQUIRE(one);
  REQUIRE(two);
  CHECK(*one);
  CHECK_FALSE(*two);
  wf::Lease forged = **one;
  forged.fence += 1;
  CHECK(world.store.extend(forged, std::chrono::seconds(60)).error().code == Errc::conflict);
  CHECK(world.store.may_act(forged, true).error().code == Errc::conflict);
  CHECK(world.store.park(forged, std::chrono::seconds(0), "", {}).error().code == Errc::conflict);
  CHECK(world.store.extend(**one, std::chrono::seconds(60)));
}

TEST_CASE("an act that nobody can see is never repeated by itself when it is not idempotent") {
  World world(document("fake-once", "blind: true"));
  std::int64_t id = world.start();
  base::process::Command command;
  command.argv = {WEFT_LEAF_WORKER, world.pool->url()};
  command.environment = {{"WEFT_FAIL", "leaf.step.acted=kill@2"}, {"PATH", "/usr/bin:/bin"}};
  REQUIRE(base::process::run(command)->status == 128 + 9);
  query(*world.pool, "UPDATE leaf.task SET lease_until = now() - interval '1 s' WHERE lease_until IS NOT NULL");
  drive(*world.pool, world.engine, 5);
  wf::Instance run = world.run(id);
  CHECK(run.state == "blocked");
  CHECK(run.row("two")->state == "unknown");
  wf::WorkOrders orders(world.pool);
  auto open = orders.list(false, 10);
  REQUIRE(open);
  REQUIRE(open->size() == 1);
  CHECK(open->front().get_string("kind") == "decision");
  wf::Answer answer{.who = "ann", .client_event = "e1", .outcome = "acted"};
  REQUIRE(orders.done(open->front().get_integer("id"), answer));
  drive(*world.pool, world.engine);
  CHECK(world.run(id).state == "done");
  CHECK(world.count(id, "two") == 1);
}

TEST_CASE("transient failures are retried up to the limit, then a person decides; other failures at once") {
  World world;
  set_knob(*world.pool, "fail:two", true);
  std::int64_t id = world.start();
  drive(*world.pool, world.engine, 10);
  CHECK(world.run(id).state == "blocked");
  CHECK(world.run(id).row("two")->attempts == 3);
  set_knob(*world.pool, "fail:two", false);
  wf::WorkOrders orders(world.pool);
  auto open = orders.list(false, 10);
  REQUIRE(open->size() == 1);
  REQUIRE(orders.done(open->front().get_integer("id"), {.who = "ann", .client_event = "e2"}));
  drive(*world.pool, world.engine);
  CHECK(world.run(id).state == "done");

  World hard(document("fake", "fail: invalid"));
  set_knob(*hard.pool, "fail:two", true);
  id = hard.start();
  drive(*hard.pool, hard.engine, 10);
  CHECK(hard.run(id).state == "blocked");
  CHECK(hard.run(id).row("two")->attempts == 1);
}

TEST_CASE("signals: a repetition is dropped, an early one is kept") {
  World world;
  std::int64_t id = world.start();
  auto first = world.store.signal(id, "decision:two", "7", Dict{{"who", "ann"}, {"outcome", "retry"}});
  auto again = world.store.signal(id, "decision:two", "7", Dict{{"who", "ann"}, {"outcome", "acted"}});
  CHECK(*first);
  CHECK_FALSE(*again);
  set_knob(*world.pool, "fail:two", true);
  drive(*world.pool, world.engine, 4);
  CHECK(world.run(id).signals.size() <= 1);
  drive(*world.pool, world.engine, 10);
  // The early answer was used up by the first block; the second block waits for a new one.
  CHECK(world.run(id).signals.empty());
  CHECK(world.run(id).state == "blocked");
}

TEST_CASE("a signal that comes while the run is held makes it due at once") {
  World world;
  std::int64_t id = world.start();
  auto lease = world.store.claim("a", std::chrono::seconds(60));
  REQUIRE(world.store.signal(id, "x", "1", Dict{}));
  REQUIRE(world.store.park(**lease, std::chrono::hours(1), "sleeps", {}));
  CHECK(*world.store.claim("b", std::chrono::seconds(60)));
}

TEST_CASE("timers: a late one fires once and the step gives up") {
  World world;
  set_knob(*world.pool, "wait:two", true);
  std::int64_t id = world.start();
  drive(*world.pool, world.engine, 3);
  CHECK(world.run(id).step == "two");
  query(*world.pool, "UPDATE leaf.timer SET fire_at = now() - interval '3 days' WHERE name = 'deadline:two'");
  CHECK(world.store.fire_timers());
  CHECK(*world.store.fire_timers() == 0);
  drive(*world.pool, world.engine, 3);
  CHECK(world.run(id).state == "blocked");
  CHECK(world.run(id).message.find("did not come to its end in time") != std::string::npos);
}

TEST_CASE("the stop switch: no act begins while it is on, or while it cannot be read") {
  World world;
  REQUIRE(world.store.set_stop(true, "ann", "smoke in room 2"));
  std::int64_t id = world.start();
  drive(*world.pool, world.engine, 5);
  CHECK(world.count(id, "one") == 0);
  CHECK(world.run(id).message.find("smoke in room 2") != std::string::npos);
  REQUIRE(world.store.set_stop(false, "ann", ""));
  query(*world.pool, "DELETE FROM leaf.control");
  drive(*world.pool, world.engine, 5);
  CHECK(world.count(id, "one") == 0);
  CHECK(world.store.stop_switch().error().code == Errc::corrupt);
  query(*world.pool, "INSERT INTO leaf.control DEFAULT VALUES");
  drive(*world.pool, world.engine);
  CHECK(world.run(id).state == "done");
}

TEST_CASE("cancel undoes finished steps in reverse order, and is refused past the point of no return") {
  World world;
  set_knob(*world.pool, "wait:two", true);
  std::int64_t id = world.start();
  drive(*world.pool, world.engine, 3);
  REQUIRE(world.engine.cancel(id, "ann", "changed my mind"));
  drive(*world.pool, world.engine);
  wf::Instance run = world.run(id);
  CHECK(run.state == "cancelled");
  CHECK(run.row("one")->state == "compensated");
  CHECK(run.row("two")->state == "compensated");
  auto order = query(*world.pool, "SELECT key FROM effect WHERE key LIKE 'undo:%' ORDER BY seq");
  REQUIRE(order.size() == 2);
  CHECK(order.text(0, 0).ends_with("/two"));
  CHECK(order.text(1, 0).ends_with("/one"));
  CHECK(world.engine.cancel(id, "ann", "").error().code == Errc::conflict);
  CHECK(world.store.audit(id));

  World late(document("fake", "", "true"));
  set_knob(*late.pool, "wait:three", true);
  id = late.start();
  drive(*late.pool, late.engine, 4);
  CHECK(late.engine.cancel(id, "ann", "").error().code == Errc::conflict);
  // Even a request that slipped in beside the check undoes nothing.
  REQUIRE(late.store.cancel(id, "ann", ""));
  set_knob(*late.pool, "wait:three", false);
  drive(*late.pool, late.engine);
  CHECK(late.run(id).state == "done");
}

TEST_CASE("one active run for each key; a run stays on the definition it began with") {
  World world;
  set_knob(*world.pool, "wait:two", true);
  std::int64_t id = world.start();
  CHECK(world.start() == id);
  drive(*world.pool, world.engine, 3);
  std::string changed = document("fake", "", "false", 1);
  changed.replace(changed.find("third"), 5, "other");
  auto other = wf::parse_definition(changed, "x", world.engine.vocabulary());
  CHECK(world.store.install(*other).error().code == Errc::conflict);
  world.install("name: three\nversion: 2\nsummary: shorter\nsteps:\n  - {name: only, kind: fake, why: x}\n");
  set_knob(*world.pool, "wait:two", false);
  drive(*world.pool, world.engine);
  CHECK(world.run(id).version == 1);
  CHECK(world.count(id, "three") == 1);
  std::int64_t next = world.start();
  CHECK(next != id);
  drive(*world.pool, world.engine);
  CHECK(world.run(next).version == 2);
}

TEST_CASE("the audit finds a changed event, a removed one and a changed run") {
  for (const char* damage : {"UPDATE leaf.event SET body = '{}' WHERE rev = 2", "DELETE FROM leaf.event WHERE rev = 2",
                             "UPDATE leaf.instance SET state = 'failed'"}) {
    CAPTURE(damage);
    World world;
    std::int64_t id = world.start();
    drive(*world.pool, world.engine);
    REQUIRE(world.store.audit(id));
    CHECK_FALSE(world.pool->run([](base::pg::Transaction& tx) -> base::Result<> {
      WEFT_TRY(tx.exec("DELETE FROM leaf.event"));
      return {};
    }));
    query(*world.pool, "ALTER TABLE leaf.event DISABLE TRIGGER ALL");
    query(*world.pool, damage);
    CHECK(world.store.audit(id).error().code == Errc::corrupt);
  }
}

TEST_CASE("guards: a step that is not wanted is left out, one under way is abandoned") {
  World world(
      "name: three\nversion: 1\nsummary: s\nsteps:\n  - {name: one, kind: fake, why: x, guard: wanted}\n  - {name: two, kind: "
      "fake, why: y}\n");
  set_knob(*world.pool, "wait:one", true);
  std::int64_t id = world.start("n2");
  drive(*world.pool, world.engine, 3);
  CHECK(world.run(id).step == "one");
  set_knob(*world.pool, "unwanted:n2", true);
  drive(*world.pool, world.engine);
  CHECK(world.run(id).state == "done");
  CHECK(world.run(id).row("one")->state == "skipped");
  CHECK(world.count(id, "two") == 1);
}

TEST_CASE("definitions that cannot be right are refused with the place and the reason") {
  wf::Vocabulary words{{"fake"}, {"wanted"}};
  auto refused = [&](std::string text, std::string_view part) {
    CAPTURE(text);
    auto parsed = wf::parse_definition(text, "d.yaml", words);
    REQUIRE_FALSE(parsed);
    CHECK_MESSAGE(parsed.error().text().find(part) != std::string::npos, parsed.error().text());
  };
  std::string head = "name: d\nversion: 1\nsummary: s\nsteps:\n";
  refused("name: d\n", "version");
  refused("name: d\nversion: 0\nsummary: s\nsteps: []\n", "version");
  refused("name: d\nversion: 1\nsummary: s\nsteps: []\n", "at least one step");
  refused("name: D D\nversion: 1\nsummary: s\nsteps: [1]\n", "name");
  refused(head + "  - {name: a, kind: fakee, why: w}\n", "did you mean fake");
  refused(head + "  - {name: a, kind: fake}\n", "why");
  refused(head + "  - {name: a, kind: fake, why: w, gaurd: wanted}\n", "did you mean guard");
  refused(head + "  - {name: a, kind: fake, why: w, guard: wantd}\n", "did you mean wanted");
  refused(head + "  - {name: a, kind: fake, why: w}\n  - {name: a, kind: fake, why: w}\n", "second step");
  refused(head + "  - {name: a, kind: fake, why: w, timeout: soon}\n", "timeout");
  refused(head + "  - {name: a, kind: fake, why: w, timeout: 0s}\n", "timeout");
  refused(head + "  - {name: a, kind: fake, why: w, retry: {attempts: 0}}\n", "attempts");
  refused(head + "  - {name: a, kind: fake, why: w, on_failure: pray}\n", "way to fail");
  refused(head + "  - {name: a, kind: fake, why: w, point_of_no_return: true, on_failure: compensate}\n", "point of no return");
  refused(head + "  - {name: a, kind: fake, why: w, compensate: maybe}\n", "true or false");
  refused("name: [", "d.yaml");
  CHECK(wf::shipped_definitions().size() == 2);
}

TEST_CASE("back-off grows, stays below its cap and is spread") {
  wf::Retry retry{.attempts = 9, .first = std::chrono::seconds(2), .cap = std::chrono::seconds(60)};
  CHECK(retry.delay(1, 0.999).count() <= 2000);
  CHECK(retry.delay(1, 0).count() == 1000);
  CHECK(retry.delay(4, 0).count() == 8000);
  CHECK(retry.delay(50, 0.999).count() <= 60000);
  CHECK(retry.delay(50, 0).count() == 30000);
}
