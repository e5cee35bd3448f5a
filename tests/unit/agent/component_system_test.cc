// systemd, spma, storage.
#include "agent/component/sources.h"
#include "agent/component/unit_file.h"
#include "planning.h"
#include "tests/unit/example_profile.h"

using namespace agent_test;
using Verbs = std::vector<std::string>;

namespace {
std::string unit(const std::string& fields, const std::string& name = "web") {
  return R"({"systemd": {"unit": {")" + name + R"(": {)" + fields + "}}}}";
}
}  // namespace

TEST_CASE("systemd: states of units") {
  World world;
  world.machine.units["web.service"] = {"loaded", "inactive", "disabled", false};
  auto plan = world.apply(unit(""));
  CHECK(verbs(plan) == Verbs{"enable web.service", "start web.service"});
  CHECK(world.plan(unit("")).actions.empty());
  CHECK(verbs(world.plan(unit(R"("startstop": false, "state": "disabled")"))) == Verbs{"disable web.service"});
  CHECK(verbs(world.plan(unit(R"("state": "disabled")"))) == Verbs{"disable web.service", "stop web.service"});
  CHECK(verbs(world.plan(unit(R"("state": "masked")"))) == Verbs{"mask web.service", "stop web.service"});
  plan = world.apply(R"({"systemd": {}})");
  CHECK(verbs(plan) == Verbs{"stop web.service", "disable web.service"});
}

TEST_CASE("systemd: units that need no enabling are left alone") {
  for (const char* state : {"static", "alias", "generated", "indirect"}) {
    World world;
    world.machine.units["web.service"] = {"loaded", "active", state, false};
    CHECK(world.plan(unit("")).actions.empty());
  }
}

TEST_CASE("systemd: masked units are unmasked first") {
  World world;
  world.machine.units["web.service"] = {"masked", "inactive", "masked", false};
  CHECK(verbs(world.plan(unit(""))) == Verbs{"unmask web.service", "enable web.service", "start web.service"});
  CHECK(verbs(world.plan(unit(R"("state": "disabled")"))) == Verbs{"unmask web.service"});
}

TEST_CASE("systemd: a new unit file is read before the unit starts, a changed one restarts it") {
  World world;
  auto profile =
      unit(R"("file": {"replace": true, "config": {"service": {"ExecStart": ["/bin/x"]}, "unit": {"Description": "x"}}})");
  auto plan = world.apply(profile);
  CHECK(verbs(plan) == Verbs{"make-folder /etc/systemd", "make-folder /etc/systemd/system",
                             "write /etc/systemd/system/web.service", "reload-units systemd", "enable web.service",
                             "start web.service"});
  CHECK(has(world.machine.contents["/etc/systemd/system/web.service"], "[Unit]\nDescription=x\n\n[Service]\nExecStart=/bin/x\n"));
  world.machine.units["web.service"].load_state = "loaded";
  CHECK(world.plan(profile).actions.empty());
  plan = world.plan(unit(R"("file": {"replace": true, "config": {"service": {"ExecStart": ["/bin/y"]}}})"));
  CHECK(verbs(plan) == Verbs{"write /etc/systemd/system/web.service", "reload-units systemd", "restart web.service"});
  plan = world.plan(R"({"systemd": {}})");
  CHECK(verbs(plan) == Verbs{"stop web.service", "disable web.service", "remove /etc/systemd/system/web.service",
                             "remove /etc/systemd/system", "remove /etc/systemd", "reload-units systemd"});
}

TEST_CASE("systemd: drop-ins") {
  World world;
  world.machine.units["web.service"] = {"loaded", "active", "enabled", false};
  auto plan = world.apply(unit(R"("file": {"config": {"service": {"Restart": "always"}}})"));
  CHECK(verbs(plan).back() == "restart web.service");
  CHECK(world.machine.images.contains("/etc/systemd/system/web.service.d/weft.conf"));
  CHECK(verbs(world.plan(unit(""))) == Verbs{"remove /etc/systemd/system/web.service.d/weft.conf",
                                             "remove /etc/systemd/system/web.service.d", "remove /etc/systemd/system",
                                             "remove /etc/systemd", "reload-units systemd"});
}

TEST_CASE("systemd: a service that runs once is started once") {
  World world;
  world.machine.units["web.service"] = {"loaded", "inactive", "enabled", true};
  CHECK(verbs(world.apply(unit(""))) == Verbs{"start web.service"});
  world.machine.units["web.service"].active_state = "inactive";
  CHECK(world.plan(unit("")).actions.empty());
  CHECK(verbs(world.plan(unit(R"("file": {"config": {"service": {"Nice": 5}}})"))).back() == "restart web.service");
  world.machine.units["web.service"].active_state = "failed";
  CHECK(verbs(world.plan(unit(""))) == Verbs{"start web.service"});
}

TEST_CASE("a restart of a unit that a later component brings waits for it") {
  World world;
  const char* profile = R"({"filecopy": {"services": {"_2fetc_2fx": {"config": "1", "restart": "systemctl restart web"}}},
    "systemd": {"unit": {"web": {"startstop": %s, "file": {"replace": true, "config": {"service": {"ExecStart": ["/bin/x"]}}}}}}})";
  auto with = [&](std::string start) { return std::string(profile).replace(std::string(profile).find("%s"), 2, start); };
  auto plan = world.plan(with("false"));
  CHECK(verbs(plan).back() == "restart web.service");
  CHECK(plan.actions.back().component == "filecopy");
  CHECK(plan.actions.back().triggers == std::vector<int>{0});
  plan = world.plan(with("true"));
  CHECK(verbs(plan).back() == "start web.service");
}

TEST_CASE("systemd: other types, escaped names, only") {
  World world;
  world.machine.units["cleanup.timer"] = {"loaded", "inactive", "disabled", false};
  CHECK(verbs(world.plan(unit(R"("type": "timer")", "cleanup"))) == Verbs{"enable cleanup.timer", "start cleanup.timer"});
  CHECK(verbs(world.plan(unit("", base::profile::escape("cleanup.timer")))) ==
        Verbs{"enable cleanup.timer", "start cleanup.timer"});
  CHECK(verbs(world.plan(unit(R"("type": "timer", "file": {"only": true, "config": {"timer": {"OnBootSec": "1"}}})", "cleanup")))
            .back() == "reload-units systemd");
}

TEST_CASE("systemd refuses one unit and still does the others") {
  for (const char* bad :
       {R"("state": "on")", R"("state": 1)", R"("type": "sysv")", R"("type": "device")", R"("startstop": "perhaps")",
        R"("file": {})", R"("file": 5)", R"("file": {"config": {}})", R"("file": {"config": {"service": 5}})",
        R"("file": {"config": {"service": {"Exec Start": "x"}}})",
        R"("file": {"config": {"service": {"ExecStart": "a\nUser=root"}}})", R"("file": {"config": {"a]b": {}}})",
        R"("file": {"config": {"service": {"X": "1"}}, "custom": {"CPUAffinity": [["node:0"]]}})",
        R"("file": {"config": {"service": {"E": [[1]]}}})",
        R"("file": {"replace": true, "config": {"service": {"X": "1"}}}, "targets": ["../../x"])"}) {
    CAPTURE(bad);
    World world;
    world.machine.units["ok.service"] = {"loaded", "inactive", "enabled", false};
    world.machine.units["web.service"] = {"loaded", "inactive", "disabled", false};
    auto plan = world.plan(R"({"systemd": {"unit": {"ok": {}, "web": {)" + std::string(bad) + "}}}}");
    CHECK(verbs(plan) == Verbs{"start ok.service"});
    CHECK(has(problems(plan, "systemd"), "web."));
  }
  World world;
  CHECK(has(problems(world.plan(unit("")), "systemd"), "does not exist"));
  CHECK(problems(world.plan(unit(R"("state": "disabled")")), "systemd").empty());
  CHECK(has(problems(world.plan(unit("", "_2e_2e_2fevil")), "systemd"), "no name of a systemd unit"));
  CHECK(has(problems(world.plan(R"({"systemd": {"unconfigured": "disabled"}})"), "systemd"), "does not name"));
}

TEST_CASE("systemd without a service manager is held") {
  World world;
  world.machine.no_services = "no service manager: test";
  auto plan = world.plan(unit(""));
  CHECK(row(plan, "systemd").status == plan::Status::held);
}

namespace {

base::profile::Value packages(const std::string& packages, const std::string& spma = "", const std::string& repositories = "[]") {
  return json(R"({"software": {"components": {"spma": {)" + spma + R"(}}, "packages": )" + packages + R"(, "repositories": )" +
              repositories + "}}");
}

std::string outcome_of(const base::profile::Value& profile) {
  World world;
  auto plan = world.try_plan(&profile);
  REQUIRE(plan.has_value());
  return problems(*plan, "spma");
}

}  // namespace

TEST_CASE("spma: what is there already asks no solver") {
  World world;
  world.machine.installed = {{"curl", "7.88-1", "amd64"}, {"tzdata", "2024a", "all"}};
  world.machine.resolution = base::fail(base::Errc::internal, "asked");
  auto profile = packages(R"({"curl": {}, "tzdata": {"2024a": {"arch": {"noarch": ""}}}})");
  auto plan = world.try_plan(&profile);
  REQUIRE(plan.has_value());
  CHECK(plan->actions.empty());
  CHECK(problems(*plan, "spma").empty());
}

TEST_CASE("spma: names, versions and architectures reach the solver; its plan is one action") {
  World world;
  world.machine.resolution = plan::PackagePlan{{{"curl", "7.88-1", "amd64"}}, {{"old", "1", "all"}}, {}, false};
  auto profile = packages(R"({"curl": {"_37_2e88_2d1": {"arch": {"x86_64": "main"}}}, "g_2b_2b": {}})");
  auto plan = world.try_plan(&profile);
  REQUIRE(plan.has_value());
  CHECK(verbs(*plan) == Verbs{"packages packages"});
  CHECK(describe(plan->actions[0]) == "packages +curl=7.88-1 -old=1");
  CHECK(world.machine.asked.want == std::vector<plan::Package>{{"curl", "7.88-1", "amd64"}, {"g++", "", ""}});
  CHECK(!world.machine.asked.only_wanted);
  world.apply(*plan);
  SUBCASE("what we installed goes when the profile drops it") {
    world.machine.resolution = plan::PackagePlan{{}, {{"curl", "7.88-1", "amd64"}}, {}, false};
    world.machine.installed = {{"curl", "7.88-1", "amd64"}, {"g++", "12", "amd64"}};
    auto less = packages(R"({"g_2b_2b": {}})");
    plan = world.try_plan(&less);
    REQUIRE(plan.has_value());
    CHECK(world.machine.asked.remove == std::vector<std::string>{"curl"});
    CHECK(describe(plan->actions.at(0)) == "packages -curl=7.88-1, it left the profile");
  }
}

TEST_CASE("spma: what was there before Weft stays when the profile drops it") {
  World world;
  world.machine.installed = {{"curl", "1", "amd64"}};
  auto profile = packages(R"({"curl": {}})");
  world.apply(*world.try_plan(&profile));
  auto less = packages(R"({})");
  CHECK(world.try_plan(&less)->actions.empty());
}

TEST_CASE("spma: solver errors fail the component, with everything else done") {
  World world;
  world.machine.resolution = base::fail(base::Errc::unavailable, "repository http://x is away");
  auto profile = json(
      R"({"software": {"components": {"spma": {}, "filecopy": {"services": {"_2fetc_2fx": {"config": "1"}}}}, "packages": {"curl": {}}}})");
  auto plan = world.try_plan(&profile);
  REQUIRE(plan.has_value());
  CHECK(verbs(*plan) == Verbs{"write /etc/x"});
  CHECK(has(problems(*plan, "spma"), "http://x is away"));
}

TEST_CASE("spma refuses what it cannot mean") {
  CHECK(has(outcome_of(packages(R"({"a_2a": {}})")), "no package name"));
  CHECK(has(outcome_of(packages(R"({"_2d_2dpurge": {}})")), "no package name"));
  CHECK(has(outcome_of(packages(R"({"a": {"1": {}, "2": {}}})")), "two versions"));
  CHECK(has(outcome_of(packages(R"({"a": {"1_20_2dy": {}}})")), "no version"));
  CHECK(has(outcome_of(packages(R"({"a": {"1": {"arch": {"a b": ""}}}})")), "no architecture"));
  CHECK(has(outcome_of(packages(R"({"a": 5})")), "no dict"));
  CHECK(has(outcome_of(packages("[]")), "no dict"));
  CHECK(has(outcome_of(packages("{}", R"("userpkgs": "no")")), "remove everything"));
  CHECK(has(outcome_of(packages("{}", R"("packager": "dnf")")), "not supported"));
  CHECK(has(outcome_of(packages("{}", "", R"({"a": 1})")), "no list"));
}

TEST_CASE("spma: run = no plans and tells, userrepos = no removes other sources") {
  World world;
  world.machine.resolution = plan::PackagePlan{{{"curl", "1", "amd64"}}, {}, {}, false};
  auto profile = packages(R"({"curl": {}})", R"("run": "no")");
  auto plan = world.try_plan(&profile);
  CHECK(plan->actions.empty());
  CHECK(has(row(*plan, "spma").notes.at(0), "run is 'no'"));
  world.machine.folder("/etc/apt");
  world.machine.folder("/etc/apt/sources.list.d");
  world.machine.file("/etc/apt/sources.list", "deb x");
  world.machine.file("/etc/apt/sources.list.d/own.list", "deb y");
  world.machine.installed = {{"curl", "1", "amd64"}};
  profile = packages(R"({"curl": {}})", R"("userrepos": false)",
                     R"([{"name": "main", "protocols": [{"name": "http", "url": "http://x/debian bookworm main"}]}])");
  plan = world.try_plan(&profile);
  CHECK(verbs(*plan) == Verbs{"write /etc/apt/sources.list.d/weft-main.list", "remove /etc/apt/sources.list.d/own.list",
                              "remove /etc/apt/sources.list"});
  world.apply(*plan);
  CHECK(world.try_plan(&profile)->actions.empty());
  profile = packages(R"({"curl": {}})");
  world.apply(*world.try_plan(&profile));
  CHECK(world.machine.contents["/etc/apt/sources.list"] == "deb x");
  CHECK(!world.machine.images.contains("/etc/apt/sources.list.d/weft-main.list"));
}

TEST_CASE("repositories become source lines") {
  auto line = [](const std::string& fields) {
    auto made = component::sources_of(json(R"({"software": {"repositories": [{"name": "r", )" + fields + "}]}}"));
    if (!made) return made.error().message;
    return made->empty() ? std::string("none") : made->at("weft-r.list").substr(made->at("weft-r.list").find('\n') + 1);
  };
  auto url = [&](const std::string& text) { return line(R"("protocols": [{"name": "http", "url": ")" + text + R"("}])"); };
  CHECK(url("http://x/debian bookworm main contrib") == "deb http://x/debian bookworm main contrib\n");
  CHECK(url("http://x/debian#bookworm/main,contrib") == "deb http://x/debian bookworm main contrib\n");
  CHECK(url("file:/srv/repo") == "deb file:/srv/repo ./\n");
  CHECK(line(R"("gpgcheck": false, "gpgkey": ["file:///etc/k.gpg"], "protocols": [{"url": "http://x"}])") ==
        "deb [trusted=yes signed-by=/etc/k.gpg] http://x ./\n");
  CHECK(line(R"("enabled": false)") == "none");
  CHECK(has(line(R"("protocols": [])"), "missing or empty"));
  CHECK(has(url("http://x bookworm"), "no component"));
  CHECK(has(url("http://x#bookworm"), "no component"));
  CHECK(has(url("copy:/x"), "no scheme"));
  CHECK(has(url("http://x/ a\\nb c"), "characters"));
  CHECK(has(line(R"("gpgkey": ["http://x/key"], "protocols": [{"url": "http://x"}])"), "no file on this node"));
  CHECK(!component::sources_of(json(R"({"software": {"repositories": [{"name": "../x", "protocols": [{"url": "http://x"}]}]}})"))
             .has_value());
}

namespace {
base::profile::Value storage(const std::string& fields, const std::string& state = "production") {
  return json(R"({"system": {"state": ")" + state + R"("}, "software": {"components": {"storage": {"role": "dirpool", )" +
              fields + "}}}}");
}
const char* one_fs =
    R"("pool": "p1", "geotag": "a::r1", "proxy_groups": ["g"], "filesystems": {"_2fdata_2f01": {"owner": "www-data:www-data", "mode": "0750"}})";
}  // namespace

TEST_CASE("storage: directories and labels") {
  World world;
  auto profile = storage(one_fs);
  auto plan = world.try_plan(&profile);
  REQUIRE(plan.has_value());
  CHECK(verbs(*plan) ==
        Verbs{"make-folder /data", "make-folder /data/01", "make-folder /etc/weft", "write /etc/weft/storage.json"});
  world.apply(*plan);
  auto labels = json(world.machine.contents["/etc/weft/storage.json"]);
  CHECK(labels.get_string("pool") == "p1");
  CHECK(!labels.get_boolean("read_only", true));
  CHECK(world.try_plan(&profile)->actions.empty());
  auto maintenance = storage(one_fs, "maintenance");
  world.apply(*world.try_plan(&maintenance));
  CHECK(json(world.machine.contents["/etc/weft/storage.json"]).get_boolean("read_only"));
}

TEST_CASE("storage: devices are mounted, foreign mounts are not taken away") {
  World world;
  auto profile = storage(R"("filesystems": {"_2fdata_2f01": {"device": "/dev/sdb1", "type": "xfs"}})");
  auto plan = world.try_plan(&profile);
  CHECK(verbs(*plan) == Verbs{"make-folder /data", "make-folder /data/01", "mount /data/01", "make-folder /etc/weft",
                              "write /etc/weft/storage.json"});
  world.apply(*plan);
  CHECK(world.try_plan(&profile)->actions.empty());
  world.machine.mounted["/data/01"].device = "/dev/sdz1";
  CHECK(has(problems(*world.try_plan(&profile), "storage"), "/dev/sdz1 is mounted there"));
  World rooted;
  rooted.machine.no_mounts = "no mounts: test";
  plan = rooted.try_plan(&profile);
  CHECK(has(row(*plan, "storage").notes.at(0), "not mounted"));
}

TEST_CASE("storage: the compiled example is read as its schema means it") {
  World world;
  world.machine.units["weft-dirpool.service"] = world.machine.units["dirpool.service"] = {"loaded", "inactive", "enabled", false};
  const auto example = tests::example_profile("disk01.example.org");
  auto component = *base::profile::find(example, "/software/components/storage");
  component["dependencies"] = base::profile::Dict{};  // the packages are not this test's matter
  auto profile = profile_of("{\"storage\": " + base::profile::to_json(component) + "}");
  const auto plan = world.try_plan(&profile);
  REQUIRE(plan.has_value());
  const auto done = verbs(*plan);
  CAPTURE(problems(*plan, "storage"));
  for (const auto& [key, filesystem] : *component.get("filesystems")->dict()) {
    const auto path = base::profile::unescape(key);
    CAPTURE(path);
    CHECK(std::count(done.begin(), done.end(), "make-folder " + path) + std::count(done.begin(), done.end(), "mount " + path) >
          0);
  }
  CHECK(std::count(done.begin(), done.end(), "write /etc/weft/storage.json") == 1);
}

TEST_CASE("storage: the serving unit") {
  World world;
  auto profile = storage(std::string(one_fs) + R"(, "service": "dirpool")");
  CHECK(has(problems(*world.try_plan(&profile), "storage"), "does not exist"));
  world.machine.units["dirpool.service"] = {"loaded", "inactive", "enabled", false};
  CHECK(verbs(*world.try_plan(&profile)).back() == "start dirpool.service");
}

TEST_CASE("storage refuses what it cannot mean") {
  for (const char* bad :
       {R"("x": 1)", R"("filesystems": {})", R"("filesystems": [])", R"("filesystems": {"_2fdata_2fa": 5})",
        R"("filesystems": {"01": {}})", R"("filesystems": {"_2fdata_2f_2e_2e_2fetc": {}})",
        R"("filesystems": {"_2fdata_2fa": {"device": "sdb"}})", R"("filesystems": {"_2fdata_2fa": {"mode": "9"}})",
        R"("filesystems": {"_2fdata_2fa": {"owner": "nobody-such"}})",
        R"("filesystems": {"_2fdata_2fa": {}}, "proxy_groups": "g")",
        R"("filesystems": {"_2fdata_2fa": {}}, "service": "a/b")"}) {
    CAPTURE(bad);
    World world;
    auto profile = storage(bad);
    auto plan = world.try_plan(&profile);
    REQUIRE(plan.has_value());
    CHECK(!problems(*plan, "storage").empty());
  }
}
