// Policies, waves and decisions: pure, so every case is tried without time or database.
#include <doctest/doctest.h>

#include "base/profile/json.h"
#include "cdb/rollout/decide.h"
#include "cdb/rollout/waves.h"

using namespace cdb::rollout;
using namespace std::chrono_literals;
using cdb::store::RolloutNode;
using cdb::store::RolloutState;
using NodeState = RolloutNode::State;

namespace {

base::Result<Policy> parse(std::string_view json) {
  return parse_policy(*base::profile::parse_json(json));
}

Policy policy(std::string_view json) {
  auto parsed = parse(json);
  if (!parsed) FAIL(parsed.error().text());
  return *parsed;
}

std::string refusal(std::string_view json) {
  auto parsed = parse(json);
  return parsed ? "accepted" : parsed.error().message;
}

std::vector<Candidate> fabric(int count) {
  std::vector<Candidate> out;
  for (int i = 0; i < count; ++i) {
    out.push_back({"disk" + std::to_string(i),
                   base::profile::Dict{{"role", i % 4 ? "disk" : "head"}, {"rack", "R" + std::to_string(i % 3)}, {"unit", i}}});
  }
  return out;
}

const Time start = Time(std::chrono::hours(24 * 20000));  // 2024-10-04, a Friday

// A roll-out of two waves, `canary` of one node and `rest` of three.
struct World {
  Policy policy = ::policy(R"({"waves":[{"name":"canary","nodes":1,"soak":"10m"}]})");
  cdb::store::Rollout rollout;
  std::vector<RolloutNode> nodes;
  Time now = start;

  World() {
    rollout.revision = 7;
    rollout.names = {"canary", "rest"};
    rollout.policy_waves = {0, 1};
    rollout.waves = 2;
    for (int i = 0; i < 4; ++i) {
      RolloutNode node;
      node.name = "n" + std::to_string(i);
      node.wave = i == 0 ? 1 : 2;
      node.seen = start;
      node.applied_revision = 6;
      nodes.push_back(node);
    }
  }
  // What the engine does with a decision.
  Decision look() {
    auto decision = decide(policy, rollout, nodes, now);
    for (const auto& change : decision.nodes) {
      for (auto& node : nodes) {
        if (node.name != change.node) continue;
        node.state = change.state;
        node.message = change.message;
        node.changed = now;
      }
    }
    if (decision.release > 0) {
      rollout.wave = decision.release;
      rollout.released = now;
      for (auto& node : nodes) {
        if (node.wave > decision.release || node.state != NodeState::waiting) continue;
        node.state = NodeState::released;
        node.released = node.changed = now;
      }
    }
    rollout.state = decision.state;
    return decision;
  }
  void report(int i, std::string outcome, std::string failure = "") {
    auto& node = nodes[static_cast<std::size_t>(i)];
    node.outcome = outcome;
    node.report_revision = 7;
    node.reported = node.seen = now;
    node.failure = std::move(failure);
    if (outcome == "ok") node.applied_revision = 7;
  }
  void pass(std::chrono::seconds time) {
    now += time;
    for (auto& node : nodes) node.seen = now;
  }
};

}  // namespace

TEST_CASE("a policy as documented") {
  const auto p = policy(R"({"waves":[{"name":"canary","nodes":1,"select":{"role":"disk"},"gate":"manual","soak":"10m"},
    {"name":"tenth","nodes":"10%"},{"name":"racks","by":"rack"}],"max_failed":"5%","apply_within":"1h","on_regression":"revert",
    "silent_after":"5m","silent":"fail","skip_states":["maintenance"],"alarms":false,"window":["Mon-Fri 09:00-16:00"]})");
  CHECK(p.waves.size() == 3);
  CHECK(p.waves[0].manual);
  CHECK(p.waves[0].soak == 10min);
  CHECK(p.waves[1].nodes->percent);
  CHECK(p.waves[2].by == "rack");
  CHECK(p.max_failed.of(41) == 3);
  CHECK(p.revert);
  CHECK(p.silent == Policy::Silent::fail);
  CHECK_FALSE(p.alarms);
}

TEST_CASE("what is wrong in a policy is named") {
  CHECK(refusal("[]") == "the policy must have members, as in {name: canary}");
  CHECK(refusal("{}") == "the policy has no waves");
  CHECK(refusal(R"({"waves":[]})") == "the policy has no waves");
  CHECK(refusal(R"({"wave":[]})") == "the policy has no member 'wave' (did you mean waves?)");
  CHECK(refusal(R"({"waves":[{"name":"all"}]})") == "wave 1 takes all nodes: there is nothing to wait for");
  CHECK(refusal(R"({"waves":[{"nodes":0}]})") == "wave 1: 'nodes' must be a number of nodes or a share like \"10%\"");
  CHECK(refusal(R"({"waves":[{"nodes":"0%"}]})") == "wave 1: 'nodes' must be a number of nodes or a share like \"10%\"");
  CHECK(refusal(R"({"waves":[{"nodes":"101%"}]})") == "wave 1: 'nodes' must be a number of nodes or a share like \"10%\"");
  CHECK(refusal(R"({"waves":[{"nodes":"1x%"}]})") == "wave 1: 'nodes' must be a number of nodes or a share like \"10%\"");
  CHECK(refusal(R"({"waves":[{"nodes":1.5}]})") == "wave 1: 'nodes' must be a number of nodes or a share like \"10%\"");
  CHECK(refusal(R"({"waves":[{"nodes":1,"by":"rack"}]})") == "wave 1 has both 'nodes' and 'by'");
  CHECK(refusal(R"({"waves":[{"nodes":1,"gate":"manuel"}]})") == "wave 1: 'gate' cannot be 'manuel' (did you mean manual?)");
  CHECK(refusal(R"({"waves":[{"nodes":1,"soak":"soon"}]})") ==
        "wave 1: 'soak' must be a time like 10m, 2h or 3d, 30 days at most");
  CHECK(refusal(R"({"waves":[{"nodes":1,"soak":"31d"}]})") ==
        "wave 1: 'soak' must be a time like 10m, 2h or 3d, 30 days at most");
  CHECK(refusal(R"({"waves":[{"nodes":1,"select":{}}]})") ==
        "wave 1: 'select' must be attributes with their patterns, as in {role: disk}");
  CHECK(refusal(R"({"waves":[{"name":"a","nodes":1},{"name":"a","nodes":2}]})") == "two waves are called 'a'");
  CHECK(refusal(R"({"waves":[{"nodes":1}],"max_failed":-1})") ==
        "'max_failed' must be a number of nodes or a share like \"10%\"");
  CHECK(refusal(R"({"waves":[{"nodes":1}],"on_regression":"undo"})") == "the policy: 'on_regression' cannot be 'undo'");
  CHECK(refusal(R"({"waves":[{"nodes":1}],"window":["Mo 09:00-10:00"]})") == "window 'Mo 09:00-10:00': 'Mo' is no day");
  CHECK(refusal(R"({"waves":[{"nodes":1}],"window":["09:00-25:00"]})") == "window '09:00-25:00': '25:00' is no time of the day");
  CHECK(refusal(R"({"waves":[{"nodes":1}],"window":["always"]})") == "window 'always' is none");
}

TEST_CASE("windows are UTC and may pass midnight") {
  const auto windows = policy(R"({"waves":[{"nodes":1}],"window":["Mon-Fri 09:00-16:00","Fri-Sat 22:00-02:00"]})").windows;
  CHECK_FALSE(within(windows, start + 8h + 59min));
  CHECK(within(windows, start + 9h));
  CHECK_FALSE(within(windows, start + 16h));
  CHECK(within(windows, start + 23h));
  CHECK(within(windows, start + 25h));             // Saturday, Friday's night
  CHECK_FALSE(within(windows, start + 24h + 9h));  // Saturday morning
  CHECK(within(windows, start + 24h + 25h));       // Sunday, Saturday's night
  CHECK_FALSE(within(windows, start + 48h + 25h));
  CHECK(within({}, start));
}

TEST_CASE("waves: every node is in one, the same every time, a share is spread") {
  const auto nodes = fabric(100);
  const auto p = policy(R"({"waves":[{"name":"canary","nodes":2,"select":{"role":"head"}},{"name":"tenth","nodes":"10%"},
    {"name":"racks","by":"rack"}]})");
  const auto plan = plan_waves(p, nodes);
  CHECK(plan.names == std::vector<std::string>{"canary", "tenth", "racks rack=R0", "racks rack=R1", "racks rack=R2"});
  CHECK(plan.policy_waves == std::vector<std::int64_t>{0, 1, 2, 2, 2});
  CHECK(plan.nodes.size() == 100);
  std::map<int, int> sizes;
  for (const auto& [name, wave] : plan.nodes) ++sizes[wave];
  CHECK(sizes[1] == 2);
  CHECK(sizes[2] == 10);
  auto shuffled = nodes;
  std::reverse(shuffled.begin(), shuffled.end());
  CHECK(plan_waves(p, shuffled).nodes == plan.nodes);
  // Canaries are of the role asked for.
  for (const auto& [name, wave] : plan.nodes) {
    if (wave == 1) CHECK(std::stoi(name.substr(4)) % 4 == 0);
  }
}

TEST_CASE("waves without nodes are left out, what is over is the rest") {
  const auto nodes = fabric(3);
  CHECK(plan_waves(policy(R"({"waves":[{"name":"none","select":{"role":"tape"}},{"name":"one","nodes":"1%"}]})"), nodes).names ==
        std::vector<std::string>{"one", "rest"});
  CHECK(plan_waves(policy(R"({"waves":[{"name":"many","nodes":50}]})"), nodes).names == std::vector<std::string>{"many"});
  CHECK(plan_waves(
            policy(R"({"waves":[{"name":"unit","select":{"unit":"2"}},{"name":"by name","select":{"name":"disk?"},"nodes":1}]})"),
            nodes)
            .names == std::vector<std::string>{"unit", "by name", "rest"});
}

TEST_CASE("canary, soak, rest, done") {
  World world;
  CHECK(world.look().release == 1);
  CHECK(world.look().reason == "waits for n0");
  world.pass(60s);
  world.report(0, "ok");
  CHECK(world.look().reason == "watches until 2024-10-04T00:11:00.000Z");
  CHECK(world.nodes[0].state == NodeState::applied);
  world.pass(599s);
  CHECK(world.look().release == 0);
  world.pass(1s);
  CHECK(world.look().release == 2);
  for (int i = 1; i < 4; ++i) world.report(i, "ok");
  CHECK(world.look().state == RolloutState::done);
}

TEST_CASE("a canary that fails halts it, or takes the revision back") {
  for (const bool revert : {false, true}) {
    World world;
    world.policy.revert = revert;
    world.look();
    world.pass(5s);
    world.report(0, "failed", "ntpd: cannot start");
    const auto decision = world.look();
    CHECK(decision.state == (revert ? RolloutState::reverting : RolloutState::halted));
    CHECK(decision.reason == "wave 1 (canary): 1 of 1 nodes failed, 0 allowed; n0: ntpd: cannot start");
    CHECK(decision.release == 0);
    CHECK(world.nodes[1].state == NodeState::waiting);
  }
}

TEST_CASE("a canary that fails while it is watched halts it too") {
  World world;
  world.look();
  world.report(0, "ok");
  world.look();
  world.pass(30s);
  world.report(0, "partial", "sysctl: no such key");
  CHECK(world.look().state == RolloutState::halted);
}

TEST_CASE("a node that fails and gets well counts as applied; failures before its release do not count") {
  World world;
  world.policy.max_failed = {1, false};
  world.report(0, "failed");
  world.nodes[0].report_revision = 6;
  world.pass(10s);
  world.look();
  CHECK(world.look().reason == "waits for n0");
  world.report(0, "failed");
  CHECK(world.look().state == RolloutState::running);
  CHECK(world.nodes[0].state == NodeState::failed);
  world.report(0, "ok");
  world.look();
  CHECK(world.nodes[0].state == NodeState::applied);
}

TEST_CASE("an old report of the same revision is not about this release") {
  World world;
  world.report(0, "failed");  // it had the revision once, before it was held
  world.pass(10s);
  world.look();
  CHECK(world.look().reason == "waits for n0");
}

TEST_CASE("nodes that are silent, in repair or late") {
  World world;
  world.look();
  SUBCASE("silent: skipped") {
    world.now += 16min;
    CHECK(world.look().nodes[0].message == "not heard of since 2024-10-04T00:00:00.000Z");
    CHECK(world.nodes[0].state == NodeState::skipped);
    // It comes back and applies.
    world.report(0, "ok");
    world.look();
    CHECK(world.nodes[0].state == NodeState::applied);
  }
  SUBCASE("silent: waited for, however long") {
    world.policy.silent = Policy::Silent::wait;
    world.now += 24h;
    CHECK(world.look().reason == "waits for n0");
  }
  SUBCASE("silent: a failure") {
    world.policy.silent = Policy::Silent::fail;
    world.now += 16min;
    CHECK(world.look().state == RolloutState::halted);
  }
  SUBCASE("never heard of") {
    world.nodes[0].seen.reset();
    world.look();
    CHECK(world.nodes[0].message == "never heard of");
  }
  SUBCASE("in repair") {
    world.policy.skip_states = {"maintenance"};
    world.nodes[0].attribute_state = "maintenance";
    world.look();
    CHECK(world.nodes[0].message == "its state is maintenance");
  }
  SUBCASE("late") {
    world.pass(31min);
    CHECK(world.look().reason == "wave 1 (canary): 1 of 1 nodes failed, 0 allowed; n0: not applied within 30 min");
  }
}

TEST_CASE("alarms are regressions when the policy says so") {
  World world;
  world.look();
  world.report(0, "ok");
  world.nodes[0].alarm = "disk_full, /var is full";
  SUBCASE("yes") {
    CHECK(world.look().reason == "wave 1 (canary): 1 of 1 nodes failed, 0 allowed; n0: alarm: disk_full, /var is full");
  }
  SUBCASE("no") {
    world.policy.alarms = false;
    CHECK(world.look().state == RolloutState::running);
  }
}

TEST_CASE("gates, windows, superseded nodes, accepted failures") {
  World world;
  SUBCASE("a manual gate") {
    world.policy.waves[0].manual = true;
    CHECK(world.look().reason == "wave 1 (canary) waits to be released: weft rollout release 7");
    CHECK(world.rollout.wave == 0);
  }
  SUBCASE("a window") {
    world.policy.windows = {{0, 4, 9 * 60, 16 * 60}};
    CHECK(world.look().reason == "wave 1 (canary) waits for the window");
    world.pass(9h);
    CHECK(world.look().release == 1);
  }
  SUBCASE("a later revision took all nodes") {
    for (auto& node : world.nodes) node.state = NodeState::superseded;
    CHECK(world.look().state == RolloutState::done);
  }
  SUBCASE("a later revision took the first wave") {
    world.nodes[0].state = NodeState::superseded;
    CHECK(world.look().release == 2);
  }
  SUBCASE("somebody said to go on") {
    world.look();
    world.report(0, "failed", "x: y");
    world.look();
    world.rollout.state = RolloutState::running;
    world.nodes[0].state = NodeState::skipped;
    world.nodes[0].accepted = true;
    CHECK(world.look().state == RolloutState::running);
    world.pass(11min);
    CHECK(world.look().release == 2);
  }
}
