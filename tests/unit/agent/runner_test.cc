// Runs without kills: failures, debts, holds, dry runs, damaged state.
#include "agent/run/history.h"
#include "node.h"

using namespace agent_test;

namespace {
const char* web = R"({"filecopy": {"services": {"_2fetc_2fweb_2econf": {"config": "1", "restart": "systemctl restart web"}}}})";
}

TEST_CASE("a failed restart is owed until it is done, without a new profile") {
  Node node;
  std::ofstream(node.units / "broken") << "";
  node.publish(web);
  auto report = node.apply();
  CHECK(report.outcome == "failed");
  CHECK(has(outcome(report, "filecopy").message, "does not start"));
  CHECK(node.runner().state()->owed.size() == 1);
  CHECK(node.runner().state()->applied.root.empty());
  CHECK(node.apply().outcome == "failed");
  fs::remove(node.units / "broken");
  report = node.apply();
  CHECK(report.outcome == "ok");
  CHECK(report.actions == 1);
  CHECK(node.last_service_event() == "restart web.service 1");
  CHECK(node.runner().state()->owed.empty());
  CHECK(node.apply().actions == 0);
}

TEST_CASE("a debt survives the component that caused it") {
  Node node;
  std::ofstream(node.units / "broken") << "";
  node.publish(web);
  node.apply();
  fs::remove(node.units / "broken");
  node.publish(R"({"symlink": {}})");
  auto report = node.apply();
  CHECK(report.outcome == "ok");
  CHECK(!fs::exists(node.root / "etc/web.conf"));
  CHECK(node.runner().state()->owed.empty());
}

TEST_CASE("a failing component takes its dependents with it and nobody else") {
  Node node;
  node.publish(
      R"({"filecopy": {"services": {"_2fetc_2fbad": {"config": "x", "owner": "nobody-such"}, "_2fetc_2fgood": {"config": "x"}}},
                   "symlink": {"dependencies": {"pre": ["filecopy"]}, "links": [{"name": "/etc/link", "target": "x"}]},
                   "metaconfig": {"dependencies": {"pre": ["symlink"]}, "services": {"_2fetc_2fm": {"module": "json", "contents": {}}}},
                   "dirperm": {"paths": [{"path": "/srv", "perm": "0755", "owner": "root", "type": "d"}]}})");
  auto report = node.apply();
  CHECK(report.outcome == "partial");
  CHECK(outcome(report, "filecopy").outcome == journal::Outcome::failed);
  CHECK(outcome(report, "symlink").outcome == journal::Outcome::dependency_failed);
  CHECK(has(outcome(report, "symlink").message, "'filecopy' failed"));
  CHECK(outcome(report, "metaconfig").outcome == journal::Outcome::dependency_failed);
  CHECK(outcome(report, "dirperm").outcome == journal::Outcome::changed);
  CHECK(fs::exists(node.root / "etc/good"));
  CHECK(!fs::exists(node.root / "etc/link"));
  CHECK(node.runner().state()->applied.root.empty());
}

TEST_CASE("the plan that is shown is the plan that is done") {
  Node node;
  put(node.root / "etc/web.conf", "old");
  node.publish(
      R"({"filecopy": {"services": {"_2fetc_2fweb_2econf": {"config": "1", "restart": "systemctl restart web"}, "_2fetc_2fa_2fb": {"config": "2"}}},
                   "symlink": {"links": [{"name": "/etc/link", "target": "x"}]}})");
  auto runner = node.runner();
  auto machine = runner.machine();
  auto before = node.picture();
  auto preview = runner.preview(**machine);
  REQUIRE(preview.has_value());
  CHECK(node.picture() == before);
  CHECK(!fs::exists(node.settings().state_file()));
  node.apply();
  auto done = json(read(node.settings().state / "journal/last.json"));
  CHECK(done == plan::to_value(preview->plan));
}

TEST_CASE("/etc/noquattor holds everything and says why") {
  Node node;
  put(node.root / "etc/noquattor", "disk swap, ask Eva\nmore");
  node.publish(web);
  auto report = node.apply();
  CHECK(report.outcome == "noaction");
  CHECK(has(report.held, "disk swap, ask Eva"));
  CHECK(!has(report.held, "more"));
  CHECK(outcome(report, "filecopy").outcome == journal::Outcome::held);
  CHECK(!fs::exists(node.root / "etc/web.conf"));
  fs::remove(node.root / "etc/noquattor");
  CHECK(node.apply().outcome == "ok");
}

TEST_CASE("packages under a root folder are held, not skipped in silence") {
  Node node;
  node.publish(R"({"spma": {}, "filecopy": {}})");
  auto report = node.apply();
  CHECK(outcome(report, "spma").outcome == journal::Outcome::held);
  CHECK(has(outcome(report, "spma").message, "no package manager"));
  CHECK(report.outcome == "ok");
}

TEST_CASE("a profile without components fails the run and changes nothing") {
  Node node;
  node.publish(web);
  node.apply();
  auto before = node.picture();
  node.publish(json(R"({"system": {"state": "production"}})"));
  auto report = node.runner().apply();
  REQUIRE(!report.has_value());
  CHECK(has(report.error().message, "no components"));
  CHECK(node.picture() == before);
}

TEST_CASE("drift is repaired") {
  Node node;
  node.publish(web);
  node.apply();
  put(node.root / "etc/web.conf", "edited by hand");
  auto report = node.apply();
  CHECK(report.actions == 3);  // backup, file, restart
  CHECK(read(node.root / "etc/web.conf") == "1");
}

TEST_CASE("an error of the journal stops before anything is done, the next run goes on") {
  Node node;
  node.publish(web);
  base::set_fail_points("agent.journal.written=error");
  CHECK(!node.runner().apply().has_value());
  base::set_fail_points("");
  CHECK(!fs::exists(node.root / "etc/web.conf"));
  CHECK(node.apply().outcome == "ok");
}

TEST_CASE("an action that fails is reported and tried again") {
  Node node;
  node.publish(web);
  base::set_fail_points("agent.action.before=error");
  auto report = node.apply();
  base::set_fail_points("");
  CHECK(report.outcome == "failed");
  CHECK(node.apply().outcome == "ok");
  CHECK(node.last_service_event() == "restart web.service 1");
}

TEST_CASE("damaged state is an error, not a fresh start") {
  Node node;
  node.publish(web);
  node.apply();
  for (const char* text : {"", "{", "[1", R"({"tracked": [{"key": ""}]})", R"({"owed": [{"verb": "explode"}]})"}) {
    CAPTURE(text);
    put(node.settings().state_file(), text);
    auto report = node.runner().apply();
    REQUIRE(!report.has_value());
    CHECK(report.error().code == base::Errc::corrupt);
  }
}

TEST_CASE("damaged journals and caches are errors") {
  Node node;
  node.publish(web);
  SUBCASE("plan") {
    fs::create_directories(node.settings().state / "journal");
    put(node.settings().state / "journal/plan.json", "{\"version\": 7}");
    CHECK(!node.runner().apply().has_value());
  }
  SUBCASE("profile content") {
    put(node.settings().state / "profile/current.json", R"({"software": {"components": {"filecopy": {}}}})");
    auto report = node.runner().apply();
    REQUIRE(!report.has_value());
    CHECK(report.error().code == base::Errc::corrupt);
  }
  SUBCASE("none yet") {
    auto report = Node().runner().apply();
    REQUIRE(!report.has_value());
    CHECK(report.error().code == base::Errc::not_found);
  }
}

TEST_CASE("a torn or foreign progress file does not confuse") {
  TemporaryFolder folder;
  auto journal = journal::Journal::open(folder.path);
  REQUIRE(journal.has_value());
  plan::Plan plan;
  plan.actions.resize(2);
  REQUIRE(journal->begin(plan).has_value());
  put(folder.path / "progress", "intent 0\ndone 0\nintent 1\nintent 99\nnonsense\ndone x\ndone 1");
  auto unfinished = journal->unfinished();
  REQUIRE(unfinished.has_value());
  REQUIRE(unfinished->has_value());
  CHECK((*unfinished)->marks == std::vector<journal::Mark>{journal::Mark::done, journal::Mark::intent});
}

TEST_CASE("history, queued report and metrics") {
  Node node;
  node.publish(web);
  auto report = node.apply();
  auto runs = run::read_history(node.settings().state);
  REQUIRE(runs.has_value());
  REQUIRE(runs->size() == 1);
  CHECK(runs->at(0).get_string("outcome") == "ok");
  node.apply();
  CHECK(run::read_history(node.settings().state)->size() == 1);
  REQUIRE(run::queue_report(node.settings().state, report).has_value());
  CHECK(json(read(node.settings().state / "report.json")).get_string("agent_version") == WEFT_VERSION);
  REQUIRE(run::write_metrics(node.settings(), *node.runner().state(), &report, true).has_value());
  auto text = read(node.settings().metrics);
  CHECK(has(text, "weft_agent_component_ok{component=\"filecopy\"} 1"));
  CHECK(has(text, "weft_agent_applied_info{"));
  CHECK(has(text, report.root));
}

TEST_CASE("before-images that nobody needs any more are dropped") {
  Node node;
  put(node.root / "etc/web.conf", "distribution");
  node.publish(web);
  node.apply();
  auto count = [&] { return std::distance(fs::directory_iterator(node.settings().state / "objects"), fs::directory_iterator()); };
  CHECK(count() == 1);
  node.publish(R"({"symlink": {}})");
  node.apply();
  CHECK(read(node.root / "etc/web.conf") == "distribution");
  CHECK(count() == 0);
}

TEST_CASE("only one run at a time") {
  Node node;
  node.publish(web);
  auto child = fork();
  if (child == 0) {
    auto held = base::file::lock(node.settings().state / "lock");
    put(node.folder.path / "locked", "");
    usleep(300000);
    put(node.folder.path / "unlocked", "");
    _exit(held ? 0 : 1);
  }
  while (!fs::exists(node.folder.path / "locked")) usleep(1000);
  CHECK(node.apply().outcome == "ok");
  CHECK(fs::exists(node.folder.path / "unlocked"));
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WEXITSTATUS(status) == 0);
}
