#include "cdb/fabric/status.h"

#include <doctest/doctest.h>

#include "base/profile/json.h"
#include "base/text/text.h"

using namespace cdb::fabric;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

namespace {

const Time now = std::chrono::system_clock::from_time_t(1764072000);  // 2025-11-25T12:00:00Z
std::string ago(std::int64_t seconds) {
  return base::text::rfc3339(now - std::chrono::seconds(seconds));
}

cdb::store::Digest root(int number) {
  cdb::store::Digest out;
  out.bytes[0] = static_cast<unsigned char>(number);
  return out;
}

// In sync with revision 5 since an hour, seen a minute ago.
cdb::store::NodeRow good(std::string name) {
  cdb::store::NodeRow row;
  row.name = std::move(name);
  row.root = root(5);
  row.revision = 5;
  row.changed = ago(3600);
  row.applied_root = root(5);
  row.applied_revision = 5;
  row.outcome = "ok";
  row.received = ago(3500);
  row.last_seen = ago(60);
  return row;
}

cdb::store::NodeRow behind(std::string name, std::int64_t age) {
  auto row = good(std::move(name));
  row.applied_root = root(4);
  row.applied_revision = 4;
  row.changed = ago(age);
  return row;
}

cdb::store::NodeRow failed(std::string name, const std::string& message) {
  auto row = behind(std::move(name), 100);
  row.outcome = "partial";
  row.report =
      Dict{{"components", List{Dict{{"name", "spma"}, {"outcome", "failed"}, {"message", message}},
                               Dict{{"name", "files"}, {"outcome", "changed"}, {"message", "x"}},
                               Dict{{"name", "services"}, {"outcome", "dependency-failed"}, {"message", "needs spma"}}}}};
  return row;
}

}  // namespace

TEST_SUITE_BEGIN("cdb.fabric");

TEST_CASE("every node stands in one place") {
  auto fresh = good("new");
  fresh.applied_root.reset();
  fresh.received = fresh.last_seen = fresh.outcome = "";
  auto silent = good("silent");
  silent.last_seen = ago(601);
  auto silent_failed = failed("silent-failed", "no");
  silent_failed.last_seen = ago(7200);
  auto applied_but_failed = failed("half", "no");
  applied_but_failed.applied_root = applied_but_failed.root;
  applied_but_failed.applied_revision = 5;
  auto reboot = good("reboot");
  reboot.report = Dict{{"reboot_needed", true}};
  reboot.held_by = 7;
  const std::vector rows{fresh,  silent,       silent_failed,          applied_but_failed,
                         reboot, good("good"), behind("behind", 1800), behind("late", 1801)};
  auto summary = summarise(rows, {}, now);
  CHECK(summary.total == 8);
  CHECK(summary.nodes[Standing::never_reported] == std::vector<std::string>{"new"});
  CHECK(summary.nodes[Standing::silent] == std::vector<std::string>{"silent", "silent-failed"});
  CHECK(summary.nodes[Standing::failed] == std::vector<std::string>{"half"});
  CHECK(summary.nodes[Standing::behind] == std::vector<std::string>{"behind", "late"});
  CHECK(summary.nodes[Standing::in_sync] == std::vector<std::string>{"reboot", "good"});
  CHECK(summary.late == std::vector<std::string>{"late"});
  CHECK(summary.held == std::vector<std::string>{"reboot"});
  CHECK(summary.reboot_needed == std::vector<std::string>{"reboot"});
  CHECK_FALSE(summary.healthy);
  REQUIRE(summary.oldest);
  CHECK(summary.oldest->node == "late");
  CHECK(summary.oldest->age.count() == 1801);
  CHECK(summary.oldest->revision == 5);
  CHECK(summary.revisions[5].nodes == 4);
  CHECK(summary.revisions[5].in_sync == 4);
  CHECK(summary.revisions[4].nodes == 3);
  CHECK(summary.revisions[4].in_sync == 0);
  CHECK(summary.revisions[0].nodes == 1);
}

TEST_CASE("what is trouble and what is not") {
  auto fresh = good("new");
  fresh.applied_root.reset();
  fresh.received = fresh.last_seen = fresh.outcome = "";
  CHECK(summarise({}, {}, now).healthy);
  CHECK(summarise(std::vector{good("a"), fresh, behind("b", 100)}, {}, now).healthy);
  CHECK_FALSE(summarise(std::vector{good("a"), behind("b", 2000)}, {}, now).healthy);
  CHECK(summarise(std::vector{good("a"), behind("b", 2000)},
                  {.silent = std::chrono::seconds(600), .lag = std::chrono::seconds(3600)}, now)
            .healthy);
  CHECK_FALSE(summarise(std::vector{failed("a", "x")}, {}, now).healthy);
  auto silent = good("s");
  silent.last_seen = ago(601);
  CHECK_FALSE(summarise(std::vector{silent}, {}, now).healthy);
  silent.last_seen = "rubbish";
  CHECK_FALSE(summarise(std::vector{silent}, {}, now).healthy);
  // Clocks that disagree give no negative ages.
  CHECK(summarise(std::vector{behind("b", -50)}, {}, now).oldest->age.count() == 0);
}

TEST_CASE("equal errors of several nodes are one") {
  const std::vector rows{failed("disk01.example.org", "disk01.example.org: cannot reach mirror"),
                         failed("disk02.example.org", "disk02: cannot reach mirror"),
                         failed("disk03.example.org", "disk03.example.org: cannot reach mirror"),
                         failed("disk04.example.org", "disk full")};
  const auto summary = summarise(rows, {}, now);
  REQUIRE(summary.failures.size() == 3);
  CHECK(summary.failures[0].component == "services");
  CHECK(summary.failures[0].nodes.size() == 4);
  CHECK(summary.failures[1].message == "NODE: cannot reach mirror");
  CHECK(summary.failures[1].nodes == std::vector<std::string>{"disk01.example.org", "disk02.example.org", "disk03.example.org"});
  CHECK(summary.failures[2].message == "disk full");
  auto bare = failed("x", "");
  bare.report = Value();
  bare.outcome = "failed";
  REQUIRE(summarise(std::vector{bare}, {}, now).failures.size() == 1);
  CHECK(summarise(std::vector{bare}, {}, now).failures.front().component.empty());
}

TEST_CASE("a name is replaced as a word only, and messages are bounded") {
  CHECK(without_name("disk1 disk10 xdisk1 disk1-b disk1.", "disk1.example.org") == "NODE disk10 xdisk1 disk1-b NODE.");
  CHECK(without_name("at disk1.example.org/x", "disk1.example.org") == "at NODE/x");
  CHECK(without_name("", "disk1") == "");
  const auto cut = without_name(std::string(499, 'a') + "\u00e4\u00e4", "b");
  CHECK(cut == std::string(499, 'a') + "...");
}

TEST_CASE("many kinds of errors are counted") {
  std::vector<cdb::store::NodeRow> rows;
  for (int i = 0; i < 150; ++i) rows.push_back(failed("n" + std::to_string(i), "error " + std::to_string(i)));
  const auto summary = summarise(rows, {}, now);
  CHECK(summary.failures.size() == 100);
  CHECK(summary.more_failures == 51);
  CHECK(summary.failures.front().nodes.size() == 150);
  const auto json = summary.json();
  CHECK(json.get("counts")->get_integer("failed") == 150);
  CHECK(json.get_integer("more_failing") == 51);
  CHECK(json.get("failing")->list()->size() == 100);
  CHECK_FALSE(json.get("nodes")->get("in_sync"));
}

TEST_SUITE_END();
