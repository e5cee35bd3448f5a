// Kill -9 before, between and after every action; then the next run must bring the node to its profile with nothing lost.
#include "node.h"

using namespace agent_test;

namespace {

const char* profile_a = R"({
  "filecopy": {"services": {"_2fetc_2fweb_2econf": {"config": "A", "perms": "0640", "restart": "systemctl restart web"},
                            "_2fetc_2fonly_2da": {"config": "only in A", "perms": "0600"}}},
  "dirperm": {"paths": [{"path": "/srv/data", "perm": "0750", "owner": "root", "type": "d"}]},
  "symlink": {"links": [{"name": "/etc/link", "target": "a"}]}})";

const char* profile_b = R"({
  "filecopy": {"services": {"_2fetc_2fweb_2econf": {"config": "B", "perms": "0644", "restart": "systemctl restart web"},
                            "_2fetc_2fdeep_2fer_2fb": {"config": "only in B"}}},
  "dirperm": {"paths": [{"path": "/srv/data", "perm": "0700", "owner": "root", "type": "d"}, {"path": "/srv/more", "perm": "0755", "owner": "root", "type": "d"}]},
  "symlink": {"links": [{"name": "/etc/link", "target": "b"}]},
  "systemd": {"unit": {"web": {"state": "enabled"}}}})";

struct Fixture : Node {
  std::map<std::string, std::string> before, as_a, as_b;
  Fixture() {
    put(root / "etc/web.conf", "distribution", 0604);
    std::ofstream(units / "web.service") << "disabled active";
    before = picture();
    Node other;
    put(other.root / "etc/web.conf", "distribution", 0604);
    std::ofstream(other.units / "web.service") << "disabled active";
    other.publish(profile_b);
    other.apply();
    as_b = other.picture();
    // A's backup of the distribution's file is B's too.
    publish(profile_a);
    CHECK(apply().outcome == "ok");
    as_a = picture();
    as_b["/etc/web.conf.old"] = "any";
    as_a["/etc/web.conf.old"] = "any";
  }
  std::map<std::string, std::string> now() const {
    auto out = picture();
    if (out.contains("/etc/web.conf.old")) out["/etc/web.conf.old"] = "any";
    return out;
  }
};

constexpr const char* points[] = {"agent.action.before", "agent.action.after"};

}  // namespace

TEST_CASE("kill -9 at every action of A -> B, then run again: B, restarts done") {
  for (const auto* point : points)
    for (int n = 1;; ++n) {
      CAPTURE(point);
      CAPTURE(n);
      Fixture node;
      node.publish(profile_b);
      if (!node.apply_killed(std::string(point) + "=kill@" + std::to_string(n))) {
        CHECK(n > 8);
        break;
      }
      auto report = node.apply();
      CHECK(report.outcome == "ok");
      CHECK(node.now() == node.as_b);
      CHECK(node.last_service_event() == "restart web.service B");
      CHECK(node.runner().state()->owed.empty());
      CHECK(!fs::exists(node.settings().state / "journal/plan.json"));
      CHECK(node.apply().actions == 0);
    }
}

TEST_CASE("kill -9 at every action of A -> B, then the profile is A again: A, restarts done") {
  for (const auto* point : points)
    for (int n = 1;; ++n) {
      CAPTURE(point);
      CAPTURE(n);
      Fixture node;
      node.publish(profile_b);
      if (!node.apply_killed(std::string(point) + "=kill@" + std::to_string(n))) break;
      node.publish(profile_a);
      auto report = node.apply();
      CHECK(report.outcome == "ok");
      CHECK(node.now() == node.as_a);
      CHECK(node.last_service_event() == "restart web.service A");
      CHECK(node.runner().state()->owed.empty());
      CHECK(node.apply().actions == 0);
      CHECK(node.runner().undo(true).has_value());
      CHECK(node.picture() == node.before);
    }
}

TEST_CASE("killed twice at every pair of actions") {
  for (int first : {1, 3, 6})
    for (int second : {1, 2, 5}) {
      CAPTURE(first);
      CAPTURE(second);
      Fixture node;
      node.publish(profile_b);
      node.apply_killed("agent.action.after=kill@" + std::to_string(first));
      node.apply_killed("agent.action.before=kill@" + std::to_string(second));
      CHECK(node.apply().outcome == "ok");
      CHECK(node.now() == node.as_b);
      CHECK(node.last_service_event() == "restart web.service B");
    }
}

TEST_CASE("killed after the plan is on disk and before the first act") {
  Fixture node;
  node.publish(profile_b);
  CHECK(node.apply_killed("agent.journal.written=kill"));
  CHECK(node.now() == node.as_a);
  CHECK(node.apply().outcome == "ok");
  CHECK(node.now() == node.as_b);
}

TEST_CASE("killed while the cache is stored: a whole profile is current, old or new") {
  Fixture node;
  auto profile = profile_of(profile_b);
  auto hash = base::profile::merkle(profile).hex();
  auto child = fork();
  if (child == 0) {
    base::set_fail_points("agent.cache.stored=kill");
    node.publish(profile);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status));
  auto current = node.runner().cache().load("current");
  REQUIRE(current.has_value());
  CHECK(current->manifest.root == hash);
  CHECK(node.runner().cache().previous().has_value());
}

TEST_CASE("undo: from nothing to A and back is byte-exact, mode included") {
  Fixture node;
  auto report = node.runner().undo(true);
  REQUIRE(report.has_value());
  CHECK(report->outcome == "ok");
  CHECK(node.picture() == node.before);
  CHECK(node.runner().state()->tracked.empty());
  CHECK(node.last_service_event() == "restart web.service distribution");
  SUBCASE("the node stays there") {
    CHECK(node.apply().actions == 0);
    CHECK(node.picture() == node.before);
  }
  SUBCASE("until it is told to go on") {
    REQUIRE(node.runner().resume().has_value());
    CHECK(node.apply().outcome == "ok");
    CHECK(node.now() == node.as_a);
  }
  SUBCASE("or the server wants something else") {
    node.publish(profile_b);
    CHECK(node.apply().outcome == "ok");
    CHECK(node.now() == node.as_b);
  }
}

TEST_CASE("undo goes back to the profile applied before, and is refused when there is none") {
  Fixture node;
  CHECK(!node.runner().undo(false).has_value());
  node.publish(profile_b);
  CHECK(node.apply().outcome == "ok");
  REQUIRE(node.runner().undo(false).has_value());
  CHECK(node.now() == node.as_a);
  CHECK(!node.runner().undo(false).has_value());
  CHECK(!Node().runner().undo(false).has_value());
  CHECK(!Node().runner().resume().has_value());
}

TEST_CASE("undo of a profile that failed half-way goes to the last whole one") {
  Fixture node;
  node.publish(
      R"({"filecopy": {"services": {"_2fetc_2fweb_2econf": {"config": "C"}, "_2fetc_2fbad": {"config": "x", "owner": "nobody-such"}}}})");
  CHECK(node.apply().outcome == "partial");
  CHECK(read(node.root / "etc/web.conf") == "C");
  REQUIRE(node.runner().undo(false).has_value());
  CHECK(node.now() == node.as_a);
}

TEST_CASE("killed in the middle of an undo: the next run goes on with it") {
  for (int n = 1;; ++n) {
    CAPTURE(n);
    Fixture node;
    node.publish(profile_b);
    node.apply();
    auto child = fork();
    if (child == 0) {
      base::set_fail_points("agent.action.after=kill@" + std::to_string(n));
      (void)node.runner().undo(false);
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    bool killed = WIFSIGNALED(status);
    CHECK(node.apply().outcome == "ok");
    CHECK(node.now() == node.as_a);
    if (!killed) break;
  }
}
