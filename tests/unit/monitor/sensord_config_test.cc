#include "monitor/sensord/config.h"

#include <doctest/doctest.h>

#include <fstream>

#include "base/profile/json.h"
#include "monitor/sensord/pusher.h"
#include "monitor/sensord/schedule.h"
#include "tests/unit/monitor/support.h"

using namespace monitor;
using tests::monitor_support::error_of;
using tests::monitor_support::Scratch;

namespace {

sensord::Config read(const char* json) {
  auto value = base::profile::parse_json(json);
  REQUIRE_MESSAGE(value, error_of(value));
  return sensord::read_config(&*value, {});
}

const sensord::SensorConfig* find(const sensord::Config& config, std::string_view name) {
  for (const auto& sensor : config.sensors)
    if (sensor.spec->name == name) return &sensor;
  return nullptr;
}

}  // namespace

TEST_CASE("config: nothing said means every sensor with its defaults") {
  auto config = sensord::read_config(nullptr, {});
  CHECK(config.active);
  CHECK(config.errors.empty());
  CHECK(config.sensors.size() == sensor::catalogue().size());
  CHECK(find(config, "filesystem")->period == std::chrono::seconds(30));
  CHECK(config.rules.empty());
}

TEST_CASE("config: what is said is used") {
  auto config =
      read(R"({"push":{"url":"https://store/api/v1/write","period":15,"labels":{"room":"513"}},"spool":{"bytes":2097152},
    "sensors":{"cpu":{"period":5},"disk":{"options":{"exclude":["sr*"]}},"network":{"active":false}},
    "rules":{"busy":{"condition":"node_load1 > 9 for 5m","text":"Busy"}}})");
  CHECK(config.errors.empty());
  CHECK(config.push_url == "https://store/api/v1/write");
  CHECK(config.push_period == std::chrono::seconds(15));
  CHECK(config.labels == metric::Labels{{"room", "513"}});
  CHECK(config.spool_bytes == 2097152);
  CHECK(find(config, "cpu")->period == std::chrono::seconds(5));
  CHECK(find(config, "disk")->options.get("exclude"));
  CHECK_FALSE(find(config, "network"));
  REQUIRE(config.rules.size() == 1);
}

TEST_CASE("config: each mistake is named and costs its own part only") {
  struct Case {
    const char *json, *message;
  };
  const Case cases[] = {
      {R"({"sensors":{"cpuu":{}}})", "/system/monitoring/sensors/cpuu: there is no such sensor (did you mean cpu?)"},
      {R"({"sensors":{"cpu":{"perod":5}}})", "/sensors/cpu/perod: unknown field (did you mean period?)"},
      {R"({"sensors":{"cpu":{"period":0}}})", "/sensors/cpu/period: must be 1 to 86400, is 0"},
      {R"({"sensors":{"cpu":{"period":"5"}}})", "must be a long, is a string"},
      {R"({"sensors":{"cpu":{"options":{"x":1}}}})", "unknown option x"},
      {R"({"sensors":{"cpu":7}})", "/sensors/cpu: must be a dict"},
      {R"({"sensors":[]})", "/sensors: must be a dict"},
      {R"({"push":{"url":"http://store/write"}})", "/push/url: must begin with https://"},
      {R"({"push":{"period":4000}})", "/push/period: must be 1 to 3600"},
      {R"({"push":{"labels":{"instance":"x"}}})", "/push/labels/instance: is not a label that may be set"},
      {R"({"push":{"labels":{"a-b":"x"}}})", "/push/labels/a-b"},
      {R"({"push":{"labels":{"a":""}}})", "must be a string of 1 to 1024"},
      {R"({"pusch":{}})", "/pusch: unknown field (did you mean push?)"},
      {R"({"spool":{"bytes":5}})", "/spool/bytes"},
      {R"({"active":"yes"})", "/active: must be a boolean"},
      {R"({"rules":[]})", "/rules: must be a dict"},
      {R"({"rules":{"r":{"condition":"a >","text":"t"}}})", "condition of rule r"}};
  for (const auto& c : cases) {
    CAPTURE(c.json);
    auto config = read(c.json);
    REQUIRE(config.errors.size() == 1);
    CHECK_MESSAGE(config.errors[0].find(c.message) != std::string::npos, config.errors[0]);
    CHECK(find(config, "load"));
    bool about_cpu = std::string_view(c.json).find("\"cpu\"") != std::string_view::npos;
    CHECK((find(config, "cpu") != nullptr) == !about_cpu);
  }
  CHECK(read("[]").errors.size() == 1);
  auto two = read(R"({"rules":{"bad":{},"good":{"condition":"a > 1","text":"t"}},"sensors":{"x":{}}})");
  CHECK(two.errors.size() == 2);
  CHECK(two.rules.size() == 1);
}

TEST_CASE("config: profile files") {
  Scratch scratch;
  auto absent = sensord::read_profile(scratch.path / "current.json");
  REQUIRE(absent);
  CHECK_FALSE(absent->present);
  std::ofstream(scratch.path / "current.json") << R"({"system":{"monitoring":{"active":false}}})";
  auto tree = sensord::read_profile(scratch.path / "current.json");
  REQUIRE(tree);
  CHECK(tree->present);
  CHECK_FALSE(sensord::read_config(&tree->monitoring, {}).active);
  std::ofstream(scratch.path / "current.json") << R"({"system":{"mon)";
  CHECK(error_of(sensord::read_profile(scratch.path / "current.json")).find("current.json") != std::string::npos);
}

TEST_CASE("schedule: ticks lie on one grid, phases are fixed by the name") {
  CHECK(sensord::next_tick_ms(100000, 10000, 0) == 110000);
  CHECK(sensord::next_tick_ms(100001, 10000, 0) == 110000);
  CHECK(sensord::next_tick_ms(99999, 10000, 0) == 100000);
  CHECK(sensord::next_tick_ms(100000, 10000, 4000) == 104000);
  CHECK(sensord::next_tick_ms(104000, 10000, 4000) == 114000);
  CHECK(sensord::next_tick_ms(-5, 10000, 0) == 0);
  CHECK(sensord::phase_ms("disk01", 10000) == sensord::phase_ms("disk01", 10000));
  bool differ = false;
  for (int i = 0; i < 50; ++i) {
    auto phase = sensord::phase_ms("disk" + std::to_string(i), 10000);
    CHECK(phase >= 0);
    CHECK(phase < 10000);
    differ = differ || phase != sensord::phase_ms("disk01", 10000);
  }
  CHECK(differ);
}

TEST_CASE("pusher: urls") {
  CHECK(sensord::split_url("https://h:1/a/b") == std::pair<std::string, std::string>{"https://h:1", "/a/b"});
  CHECK(sensord::split_url("https://h:1") == std::pair<std::string, std::string>{"https://h:1", "/"});
}
