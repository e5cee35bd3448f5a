#include "monitor/rule/engine.h"

#include <doctest/doctest.h>
#include <cstdlib>
#include <fstream>

#include "base/file/file.h"
#include "base/profile/json.h"
#include "tests/unit/monitor/support.h"

using namespace monitor;
using base::profile::Dict;
using base::profile::Value;
using rule::Engine;
using tests::monitor_support::error_of;
using tests::monitor_support::killed_at;
using tests::monitor_support::Scratch;

namespace {

constexpr std::int64_t start = 1700000000000;

rule::Latest unit_is(double failed, double other = 0) {
  rule::Latest latest;
  latest.update("systemd", {{{"failed", {{"name", "a.service"}}}, metric::Kind::gauge, failed, start},
                            {{"failed", {{"name", "b.service"}}}, metric::Kind::gauge, other, start}});
  return latest;
}

rule::Rule make_rule(Dict extra = {}, const std::string& name = "unit") {
  Dict value{{"condition", "failed == 1"}, {"text", "A unit has failed"}};
  for (auto& [key, item] : extra) value[key] = item;
  auto out = rule::read_rule(name, value);
  REQUIRE_MESSAGE(out, error_of(out));
  return std::move(*out);
}

rule::Rule restarting(int max_runs = 2, int window = 3600) {
  return make_rule(
      {{"severity", "critical"},
       {"actuator",
        Dict{{"kind", "restart-unit"}, {"unit", "a.service"}, {"max_runs", max_runs}, {"window", window}, {"wait", 20}}}});
}

Engine open(const std::filesystem::path& file) {
  auto engine = Engine::open(file);
  REQUIRE_MESSAGE(engine, error_of(engine));
  return std::move(*engine);
}

void give(Engine& engine, rule::Rule one, std::int64_t now = start) {
  std::vector<rule::Rule> rules;
  rules.push_back(std::move(one));
  REQUIRE(engine.set_rules(std::move(rules), now));
}

std::size_t starts(Engine& engine, const rule::Latest& latest, std::int64_t now) {
  auto out = engine.evaluate(latest, now);
  REQUIRE_MESSAGE(out, error_of(out));
  return out->size();
}

// "raised{name="a.service"}" ... of all pending events.
std::vector<std::string> told(const Engine& engine) {
  std::vector<std::string> out;
  for (const auto& event : engine.pending(1000)) {
    if (event.body.get_string("kind") == "run")
      out.push_back("run " + std::string(event.body.get_string("outcome")));
    else
      out.push_back(std::string(event.body.get_string("state")) + std::string(event.body.get_string("subject")));
  }
  return out;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("rule: fields are read, defaults stand") {
  auto rule = make_rule();
  CHECK(rule.severity == "warning");
  CHECK(rule.period == std::chrono::seconds(10));
  CHECK_FALSE(rule.actuator);
  auto full = restarting();
  REQUIRE(full.actuator);
  CHECK(full.actuator->unit == "a.service");
  CHECK(full.actuator->timeout == std::chrono::seconds(60));
}

TEST_CASE("rule: what is wrong is named") {
  auto refused = [](Dict value, const std::string& name = "r") { return error_of(rule::read_rule(name, value)); };
  Dict good{{"condition", "a > 1"}, {"text", "t"}};
  auto with = [&](const char* key, Value value) {
    Dict out = good;
    out[key] = std::move(value);
    return out;
  };
  CHECK(refused({}).find("condition is missing") != std::string::npos);
  CHECK(refused({{"condition", "a > 1"}}).find("text is missing") != std::string::npos);
  CHECK(refused({{"condition", "a >"}, {"text", "t"}}).find("condition of rule r") != std::string::npos);
  CHECK(refused(with("severity", "fatal")).find("info, warning or critical") != std::string::npos);
  CHECK(refused(with("severety", "info")).find("did you mean severity") != std::string::npos);
  CHECK(refused(with("period", 0)).find("period must be 1 to 3600") != std::string::npos);
  CHECK(refused(with("period", "10")).find("period must be a long, is a string") != std::string::npos);
  CHECK(refused(with("actuator", "x")).find("actuator must be a dict") != std::string::npos);
  CHECK(refused(good, "../etc").find("rule name") != std::string::npos);
  CHECK(refused(good, "").find("rule name") != std::string::npos);
  CHECK(error_of(rule::read_rule("r", "text")).find("must be a dict") != std::string::npos);
  auto actuator = [&](Dict value) { return refused(with("actuator", value)); };
  CHECK(actuator({{"unit", "a.service"}}).find("kind is missing") != std::string::npos);
  CHECK(actuator({{"kind", "run-shell"}, {"unit", "a.service"}}).find("must be restart-unit") != std::string::npos);
  CHECK(actuator({{"kind", "restart-unit"}}).find("unit is missing") != std::string::npos);
  for (const char* unit : {"a b.service", "--force.service", "*.service", "sshd", "../a.service", "a/b.service", ".service"}) {
    CAPTURE(unit);
    CHECK(actuator({{"kind", "restart-unit"}, {"unit", unit}}).find("one unit's full name") != std::string::npos);
  }
  CHECK(actuator({{"kind", "restart-unit"}, {"unit", "a.service"}, {"max_runs", 0}}).find("max_runs must be 1 to 100") !=
        std::string::npos);
  CHECK(actuator({{"kind", "restart-unit"}, {"unit", "a.service"}, {"maxruns", 1}}).find("did you mean max_runs") !=
        std::string::npos);
}

TEST_CASE("engine: an alarm per row, told once, cleared when it ends") {
  Scratch scratch;
  auto engine = open(scratch.path / "rules.json");
  give(engine, make_rule());
  CHECK(starts(engine, unit_is(0), start) == 0);
  CHECK(told(engine).empty());
  starts(engine, unit_is(1, 1), start + 10000);
  starts(engine, unit_is(1, 1), start + 20000);
  CHECK(told(engine) == Texts{"raised{name=\"a.service\"}", "raised{name=\"b.service\"}"});
  starts(engine, unit_is(1, 0), start + 30000);
  CHECK(told(engine).back() == "cleared{name=\"b.service\"}");
  CHECK(engine.summaries()[0].raised == 1);
  starts(engine, unit_is(1, 1), start + 40000);
  CHECK(told(engine).size() == 4);
}

TEST_CASE("engine: evaluation keeps the rule's period, also over a clock that jumps back") {
  Scratch scratch;
  auto engine = open(scratch.path / "rules.json");
  give(engine, make_rule());
  starts(engine, unit_is(0), start);
  starts(engine, unit_is(1), start + 5000);
  CHECK(told(engine).empty());
  CHECK(engine.next_due_ms() == start + 10000);
  starts(engine, unit_is(1), start - 86400000);
  CHECK(told(engine).size() == 1);
}

TEST_CASE("engine: clear_after") {
  Scratch scratch;
  auto engine = open(scratch.path / "rules.json");
  give(engine, make_rule({{"clear_after", 60}}));
  starts(engine, unit_is(1), start);
  starts(engine, unit_is(0), start + 10000);
  starts(engine, unit_is(1), start + 20000);
  starts(engine, unit_is(0), start + 30000);
  starts(engine, unit_is(0), start + 89000);
  CHECK(told(engine).size() == 1);
  starts(engine, unit_is(0), start + 99000);
  CHECK(told(engine) == Texts{"raised{name=\"a.service\"}", "cleared{name=\"a.service\"}"});
}

TEST_CASE("engine: actuator runs max_runs times, waits in between, then escalates and stops") {
  Scratch scratch;
  auto engine = open(scratch.path / "rules.json");
  give(engine, restarting(2));
  auto failed = unit_is(1);
  CHECK(starts(engine, failed, start) == 1);
  CHECK(starts(engine, failed, start + 10000) == 0);  // still running
  REQUIRE(engine.finished("unit", {"ok", ""}, start + 15000));
  CHECK(starts(engine, failed, start + 30000) == 0);  // wait
  CHECK(starts(engine, failed, start + 40000) == 1);
  REQUIRE(engine.finished("unit", {"failed", "job failed"}, start + 41000));
  CHECK(told(engine) == Texts{"run ok", "run failed"});
  CHECK(starts(engine, failed, start + 70000) == 0);
  CHECK(told(engine).back() == "raised{name=\"a.service\"}");
  auto event = engine.pending(10).back().body;
  CHECK(event.get_string("why") == "the condition still holds after 2 of 2 allowed restarts of a.service within 3600 s");
  CHECK(event.get_string("severity") == "critical");
  // The window passes while the alarm stands: nothing runs until a person or time has cleared it.
  CHECK(starts(engine, failed, start + 4000000) == 0);
  CHECK(starts(engine, unit_is(0), start + 4010000) == 0);
  CHECK(told(engine).back() == "cleared{name=\"a.service\"}");
  CHECK(starts(engine, failed, start + 4020000) == 1);
  CHECK(engine.summaries()[0].runs == 3);
}

TEST_CASE("engine: a recovery leaves no alarm, but the window still counts the runs") {
  Scratch scratch;
  auto engine = open(scratch.path / "rules.json");
  give(engine, restarting(2, 600));
  CHECK(starts(engine, unit_is(1), start) == 1);
  REQUIRE(engine.finished("unit", {"ok", ""}, start + 1000));
  CHECK(starts(engine, unit_is(0), start + 30000) == 0);
  CHECK(starts(engine, unit_is(1), start + 60000) == 1);
  REQUIRE(engine.finished("unit", {"ok", ""}, start + 61000));
  CHECK(starts(engine, unit_is(0), start + 90000) == 0);
  CHECK(told(engine) == Texts{"run ok", "run ok"});
  CHECK(starts(engine, unit_is(1), start + 120000) == 0);
  CHECK(told(engine).back() == "raised{name=\"a.service\"}");
  CHECK(starts(engine, unit_is(0), start + 130000) == 0);
  CHECK(starts(engine, unit_is(1), start + 700000) == 1);  // both runs have left the window
}

TEST_CASE("engine: everything survives a restart") {
  Scratch scratch;
  auto file = scratch.path / "rules.json";
  std::string epoch;
  {
    auto engine = open(file);
    epoch = engine.epoch();
    give(engine, restarting(1));
    CHECK(starts(engine, unit_is(1), start) == 1);
    REQUIRE(engine.finished("unit", {"ok", ""}, start + 1000));
    CHECK(starts(engine, unit_is(1), start + 30000) == 0);
    REQUIRE(engine.acknowledge(1));
  }
  auto engine = open(file);
  CHECK(engine.epoch() == epoch);
  give(engine, restarting(1), start + 40000);
  CHECK(told(engine) == Texts{"raised{name=\"a.service\"}"});  // the acknowledged run is gone, the alarm is not
  CHECK(starts(engine, unit_is(1), start + 40000) == 0);
  CHECK(told(engine).size() == 1);
  REQUIRE(engine.acknowledge(engine.pending(1)[0].seq));
  CHECK(starts(engine, unit_is(0), start + 50000) == 0);
  CHECK(told(engine) == Texts{"cleared{name=\"a.service\"}"});
  CHECK(engine.pending(1)[0].seq == 3);
}

TEST_CASE("engine: a run that was cut off by our death counts and is told as unknown") {
  Scratch scratch;
  auto file = scratch.path / "rules.json";
  {
    auto engine = open(file);
    give(engine, restarting(1));
    CHECK(starts(engine, unit_is(1), start) == 1);
  }
  auto engine = open(file);
  give(engine, restarting(1), start + 1000);
  CHECK(told(engine) == Texts{"run unknown"});
  CHECK(starts(engine, unit_is(1), start + 10000) == 0);  // wait counts from the start of that run
  CHECK(starts(engine, unit_is(1), start + 30000) == 0);
  CHECK(told(engine).back() == "raised{name=\"a.service\"}");
}

TEST_CASE("child: engine starts an actuator" * doctest::skip()) {
  std::filesystem::path folder = std::getenv("WEFT_CHILD");
  auto engine = open(folder / "rules.json");
  give(engine, restarting(1));
  auto count = starts(engine, unit_is(1), start);
  std::ofstream(folder / "started") << count;
}

TEST_CASE("engine: kill -9 around the save never lets more runs start than are recorded") {
  for (std::string_view point : {"monitor.rule.save=kill@2", "monitor.rule.saved=kill@2"}) {
    CAPTURE(point);
    Scratch scratch;
    REQUIRE(killed_at(point.data(), "child: engine starts an actuator", scratch.path));
    CHECK_FALSE(std::filesystem::exists(scratch.path / "started"));
    auto engine = open(scratch.path / "rules.json");
    give(engine, restarting(1), start + 60000);
    bool recorded = point.starts_with("monitor.rule.saved");
    CHECK(starts(engine, unit_is(1), start + 60000) == (recorded ? 0 : 1));
  }
}

TEST_CASE("engine: when the state cannot be saved nothing starts, and nothing is lost") {
  Scratch scratch;
  auto engine = open(scratch.path / "sub.json");
  give(engine, restarting(1));
  auto file = scratch.path / "sub.json";
  std::filesystem::remove(file);
  std::filesystem::create_directories(file / "in-the-way");
  CHECK_FALSE(engine.evaluate(unit_is(1), start));
  std::filesystem::remove_all(file);
  CHECK(starts(engine, unit_is(1), start + 10000) == 1);
}

TEST_CASE("engine: rules that go clear their alarms; a changed text keeps how long a condition has been true") {
  Scratch scratch;
  auto engine = open(scratch.path / "rules.json");
  give(engine, make_rule());
  starts(engine, unit_is(1), start);
  give(engine, make_rule({{"condition", "failed == 1 for 60s"}}, "other"), start + 1000);
  CHECK(told(engine).back() == "cleared{name=\"a.service\"}");
  starts(engine, unit_is(1), start + 1000);
  give(engine, make_rule({{"condition", "failed == 1 for 60s"}, {"text", "other words"}}, "other"), start + 30000);
  starts(engine, unit_is(1), start + 61000);
  CHECK(told(engine).back() == "raised{name=\"a.service\"}");
  CHECK(engine.pending(100).back().body.get_string("text") == "other words");
  give(engine, make_rule({{"active", false}}, "other"), start + 70000);
  CHECK(told(engine).back() == "cleared{name=\"a.service\"}");
  CHECK_FALSE(engine.next_due_ms());
}

TEST_CASE("engine: damaged state files are set aside with a new epoch") {
  for (const char* content :
       {"", "{", "[]", "{\"version\":2}", "{\"version\":1,\"epoch\":\"x\",\"seq\":1,\"states\":{\"r\":{}},\"outbox\":[]}",
        "{\"version\":1,\"epoch\":\"x\",\"seq\":1,\"states\":{},\"outbox\":[{}]}"}) {
    CAPTURE(content);
    Scratch scratch;
    auto file = scratch.path / "rules.json";
    std::ofstream(file) << content;
    auto engine = open(file);
    CHECK_FALSE(engine.damaged().empty());
    CHECK(std::filesystem::exists(file.string() + ".damaged"));
    CHECK(open(file).epoch() == engine.epoch());
  }
}

TEST_CASE("engine: the outbox is bounded, what falls out is counted") {
  Scratch scratch;
  auto engine = open(scratch.path / "rules.json");
  give(engine, make_rule());
  for (int i = 0; i < 510; ++i) {
    starts(engine, unit_is(1), start + i * 20000);
    starts(engine, unit_is(0), start + i * 20000 + 10000);
  }
  CHECK(engine.pending(5000).size() == 1000);
  CHECK(engine.dropped_events() == 20);
  CHECK(engine.pending(1)[0].seq == 21);
}

TEST_CASE("engine: one rule that selects too much does not stop the others") {
  Scratch scratch;
  auto engine = open(scratch.path / "rules.json");
  std::vector<rule::Rule> rules;
  rules.push_back(make_rule({{"condition", "x > 0 and y > 0"}}, "wide"));
  rules.push_back(make_rule());
  REQUIRE(engine.set_rules(std::move(rules), start));
  auto latest = unit_is(1);
  std::vector<metric::Sample> many;
  for (int i = 0; i < 2000; ++i) {
    many.push_back({{"x", {{"a", std::to_string(i)}}}, metric::Kind::gauge, 1, start});
    many.push_back({{"y", {{"b", std::to_string(i)}}}, metric::Kind::gauge, 1, start});
  }
  latest.update("many", many);
  starts(engine, latest, start);
  CHECK(told(engine).size() == 1);
  REQUIRE(engine.errors().contains("wide"));
  CHECK(engine.errors().at("wide").find("combines") != std::string::npos);
}
