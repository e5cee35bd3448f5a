// filecopy, symlink, dirperm: what they plan, what they refuse, what happens when things leave the profile.
#include "planning.h"

using namespace agent_test;
using Verbs = std::vector<std::string>;

namespace {
const char* motd =
    R"({"filecopy": {"services": {"_2fetc_2fmotd": {"config": "hello\n", "perms": "0640", "owner": "root", "group": "www-data"}}}})";
}

TEST_CASE("filecopy writes a file, then has nothing to do") {
  World world;
  auto plan = world.apply(motd);
  CHECK(verbs(plan) == Verbs{"write /etc/motd"});
  CHECK(world.machine.contents["/etc/motd"] == "hello\n");
  CHECK(world.machine.images["/etc/motd"].mode == 0640);
  CHECK(world.machine.images["/etc/motd"].group == "www-data");
  CHECK(world.plan(motd).actions.empty());
}

TEST_CASE("filecopy keeps mode and owner of an existing file when the profile says nothing") {
  World world;
  world.machine.file("/etc/motd", "old", 0600, "alice");
  world.apply(R"({"filecopy": {"services": {"_2fetc_2fmotd": {"config": "new", "backup": false}}}})");
  CHECK(world.machine.images["/etc/motd"].mode == 0600);
  CHECK(world.machine.images["/etc/motd"].owner == "alice");
}

TEST_CASE("filecopy makes missing folders and takes them away again with the file") {
  World world;
  auto plan = world.apply(R"({"filecopy": {"services": {"_2fsrv_2fa_2fb": {"config": "x"}}}})");
  CHECK(verbs(plan) == Verbs{"make-folder /srv", "make-folder /srv/a", "write /srv/a/b"});
  CHECK(world.plan(R"({"filecopy": {"services": {"_2fsrv_2fa_2fb": {"config": "x"}}}})").actions.empty());
  plan = world.apply(R"({"filecopy": {"services": {}}})");
  CHECK(verbs(plan) == Verbs{"remove /srv/a/b", "remove /srv/a", "remove /srv"});
  CHECK(world.tracked.empty());
}

TEST_CASE("a folder that somebody filled stays when it leaves the profile") {
  World world;
  world.apply(R"({"filecopy": {"services": {"_2fsrv_2fb": {"config": "x"}}}})");
  world.machine.file("/srv/mine", "precious");
  auto plan = world.apply(R"({"filecopy": {"services": {}}})");
  CHECK(verbs(plan) == Verbs{"remove /srv/b"});
  CHECK(has(row(plan, "filecopy").notes.at(0), "not empty"));
}

TEST_CASE("a replaced file gets its before-image back, backup included") {
  World world;
  world.machine.file("/etc/motd", "distribution", 0644);
  auto plan = world.apply(motd);
  CHECK(verbs(plan) == Verbs{"write /etc/motd.old", "write /etc/motd"});
  CHECK(world.machine.contents["/etc/motd.old"] == "distribution");
  CHECK(world.plan(motd).actions.empty());
  plan = world.apply(R"({"filecopy": {}})");
  CHECK(world.machine.contents["/etc/motd"] == "distribution");
  CHECK(world.machine.images["/etc/motd"].mode == 0644);
  CHECK(!world.machine.images.contains("/etc/motd.old"));
}

TEST_CASE("a component that left the profile as a whole gives everything back") {
  World world;
  world.apply(motd);
  auto plan = world.apply(R"({"symlink": {}})");
  CHECK(verbs(plan) == Verbs{"remove /etc/motd"});
  CHECK(has(row(plan, "filecopy").notes.at(0), "left the profile"));
}

TEST_CASE("an inactive component keeps what it holds") {
  World world;
  world.apply(motd);
  auto plan = world.plan(R"({"filecopy": {"active": false}})");
  CHECK(plan.actions.empty());
  CHECK(row(plan, "filecopy").status == plan::Status::held);
  CHECK(world.plan(R"({"filecopy": {"dispatch": false}})").actions.empty());
}

TEST_CASE("filecopy restarts what reads the file, and only when it changed") {
  World world;
  const char* profile = R"({"filecopy": {"services": {"_2fetc_2fx": {"config": "1", "restart": "systemctl restart web"}}}})";
  auto plan = world.apply(profile);
  CHECK(verbs(plan) == Verbs{"write /etc/x", "restart web.service"});
  CHECK(plan.actions[1].triggers == std::vector<int>{0});
  CHECK(world.plan(profile).actions.empty());
  SUBCASE("and again when the file goes") {
    CHECK(verbs(world.plan(R"({"filecopy": {}})")) == Verbs{"remove /etc/x", "restart web.service"});
  }
  SUBCASE("not without a service manager, and it says so") {
    world.machine.no_services = "no service manager: test";
    world.machine.images.erase("/etc/x");
    plan = world.plan(profile);
    CHECK(verbs(plan) == Verbs{"write /etc/x"});
    CHECK(has(row(plan, "filecopy").notes.at(0), "restart web.service not done"));
  }
}

TEST_CASE("restart lines: service verbs, plain commands, no shell") {
  auto restart = [](const std::string& line) {
    World world;
    auto profile = profile_of(R"({"filecopy": {"services": {"_2fetc_2fx": {"config": "1"}}}})");
    REQUIRE(base::profile::set(profile, *base::profile::Path::parse("/software/components/filecopy/services/_2fetc_2fx/restart"),
                               line));
    auto plan = world.try_plan(&profile);
    REQUIRE(plan.has_value());
    return plan->actions.size() == 2 ? describe(plan->actions[1]) : problems(*plan, "filecopy");
  };
  CHECK(has(restart("service nginx reload"), "reload nginx.service"));
  CHECK(has(restart("/sbin/service nginx condrestart"), "restart nginx.service"));
  CHECK(has(restart("/etc/init.d/nginx restart"), "restart nginx.service"));
  CHECK(has(restart("/usr/sbin/update-x --all"), "command /usr/sbin/update-x --all"));
  CHECK(has(restart("update-x"), "absolute path"));
  CHECK(has(restart("/bin/a; rm -rf /"), "needs a shell"));
  CHECK(has(restart("/bin/a $(id)"), "needs a shell"));
  CHECK(has(restart("/bin/a > /etc/passwd"), "needs a shell"));
  CHECK(has(restart("   "), "empty"));
  CHECK(has(restart("systemctl restart ../x"), "no name of a systemd unit"));
}

TEST_CASE("filecopy refuses one file and still does the others") {
  for (const char* bad :
       {R"({"config": 5})", R"({})", R"({"config": "a", "source": "/etc/b"})", R"("text")", R"({"source": "/etc/none"})",
        R"({"config": "a", "perms": "0999"})", R"({"config": "a", "perms": "77777"})", R"({"config": "a", "perms": true})",
        R"({"config": "a", "owner": "nobody-such"})", R"({"config": "a", "owner": 0})", R"({"config": "a", "backup": 3})",
        R"({"source": "/etc/../root/x"})"}) {
    CAPTURE(bad);
    World world;
    auto plan =
        world.plan(R"({"filecopy": {"services": {"_2fetc_2fgood": {"config": "x"}, "_2fetc_2fbad": )" + std::string(bad) + "}}}");
    CHECK(verbs(plan) == Verbs{"write /etc/good"});
    CHECK(has(problems(plan, "filecopy"), "/etc/bad: "));
  }
}

TEST_CASE("a refused file keeps what an earlier profile put there") {
  World world;
  world.apply(motd);
  auto plan = world.plan(R"({"filecopy": {"services": {"_2fetc_2fmotd": {"config": "x", "owner": "nobody-such"}}}})");
  CHECK(plan.actions.empty());
  CHECK(has(problems(plan, "filecopy"), "nobody-such"));
}

TEST_CASE("paths that a profile may not name") {
  for (const char* path : {"etc/x", "/", "/etc/../x", "/etc/./x", "/etc//x", "/etc/", "", "/proc/sys/kernel/panic", "/sys/x",
                           "/var/lib/weft-agent/state.json"}) {
    CAPTURE(path);
    CHECK(!plan::check_path(path).has_value());
    World world;
    auto plan = world.plan(R"({"filecopy": {"services": {")" + base::profile::escape(path) + R"(": {"config": "x"}}}})");
    CHECK(plan.actions.empty());
    CHECK(!problems(plan, "filecopy").empty());
  }
  CHECK(!plan::check_path("/" + std::string(256, 'a')).has_value());
  CHECK(!plan::check_path(std::string("/a\0b", 4)).has_value());
  CHECK(plan::check_path("/etc/..data").has_value());
  CHECK(plan::check_path("/var/lib/weft-agents").has_value());
}

TEST_CASE("a file cannot replace a folder, nor lie in a file") {
  World world;
  world.machine.folder("/etc/x");
  world.machine.file("/etc/y", "");
  CHECK(has(problems(world.plan(R"({"filecopy": {"services": {"_2fetc_2fx": {"config": "1"}}}})"), "filecopy"), "is a folder"));
  CHECK(has(problems(world.plan(R"({"filecopy": {"services": {"_2fetc_2fy_2fz": {"config": "1"}}}})"), "filecopy"),
            "not a folder"));
}

TEST_CASE("two components cannot hold one path") {
  World world;
  auto plan = world.plan(
      R"({"filecopy": {"services": {"_2fetc_2fx": {"config": "1"}}}, "symlink": {"links": [{"name": "/etc/x", "target": "/y", "replace": {"file": "yes"}}]}})");
  CHECK(verbs(plan) == Verbs{"write /etc/x"});
  CHECK(has(problems(plan, "symlink"), "managed twice, by filecopy and by symlink"));
}

TEST_CASE("a path may move from one component to another") {
  World world;
  world.machine.file("/etc/x", "first");
  world.apply(R"({"filecopy": {"services": {"_2fetc_2fx": {"config": "1", "backup": false}}}})");
  auto plan = world.apply(R"({"symlink": {"links": [{"name": "/etc/x", "target": "/y", "replace": {"file": "yes"}}]}})");
  CHECK(verbs(plan) == Verbs{"link /etc/x"});
  world.apply(R"({"dirperm": {}})");
  CHECK(world.machine.contents["/etc/x"] == "first");
}

TEST_CASE("what leaves makes room for what comes") {
  World world;
  world.apply(R"({"filecopy": {"services": {"_2fsrv": {"config": "1"}}}})");
  auto plan = world.apply(R"({"filecopy": {"services": {"_2fsrv_2fdeep": {"config": "1"}}}})");
  CHECK(verbs(plan) == Verbs{"remove /srv", "make-folder /srv", "write /srv/deep"});
}

TEST_CASE("contents of secret files are not shown") {
  World world;
  auto plan = world.plan(
      R"({"filecopy": {"services": {"_2fetc_2fkey": {"config": "hunter2", "perms": "0600"}, "_2fetc_2fkey2": {"config": "hunter3", "sensitive": true},
                             "_2fetc_2fopen": {"config": "public"}}}})");
  auto text = plan::render(plan, world.machine);
  CHECK(!has(text, "hunter"));
  CHECK(has(text, "+public"));
  CHECK(!has(base::profile::to_json(plan::to_value(plan)), "hunter"));
}

TEST_CASE("symlink: made, changed, removed") {
  World world;
  const char* profile = R"({"symlink": {"links": [{"name": "/etc/a", "target": "/opt/a"}]}})";
  CHECK(verbs(world.apply(profile)) == Verbs{"link /etc/a"});
  CHECK(world.plan(profile).actions.empty());
  CHECK(verbs(world.apply(R"({"symlink": {"links": [{"name": "/etc/a", "target": "b"}]}})")) == Verbs{"link /etc/a"});
  CHECK(verbs(world.apply(R"({"symlink": {"links": [{"name": "/etc/a", "delete": true}]}})")) == Verbs{"remove /etc/a"});
}

TEST_CASE("symlink replaces only what it may") {
  auto links = [](const std::string& rest) {
    return R"({"symlink": {"links": [{"name": "/etc/a", "target": "/b")" + rest + "}]}}";
  };
  World world;
  SUBCASE("a file is not replaced by default") {
    world.machine.file("/etc/a", "x");
    CHECK(world.plan(links("")).actions.empty());
    CHECK(world.plan(links(R"(, "replace": {"file": "yes"})")).actions.size() == 1);
    CHECK(world.plan(links(R"(, "replace": {"all": "yes"})")).actions.size() == 1);
    CHECK(world.plan(links(R"(, "replace": {"all": "yes", "file": "no"})")).actions.empty());
    CHECK(world.plan(links(R"(, "replace": {"all": "yes", "none": "yes"})")).actions.empty());
    CHECK(world.plan(links(R"(, "replace": {"file": 7})")).actions.empty());
  }
  SUBCASE("a link is, unless the profile says no") {
    world.machine.link("/etc/a", "/c");
    CHECK(world.plan(links("")).actions.size() == 1);
    CHECK(world.plan(links(R"(, "replace": {"link": "no"})")).actions.empty());
  }
  SUBCASE("a folder with content never is") {
    world.machine.folder("/etc/a");
    world.machine.file("/etc/a/x", "");
    CHECK(world.plan(links(R"(, "replace": {"all": "yes"})")).actions.empty());
    CHECK(has(problems(world.plan(links("")), "symlink"), "with content"));
  }
  SUBCASE("delete removes links only") {
    world.machine.file("/etc/a", "x");
    CHECK(has(problems(world.plan(links(R"(, "delete": true)")), "symlink"), "not a link"));
  }
  SUBCASE("exists asks for the target") {
    CHECK(has(problems(world.plan(links(R"(, "exists": true)")), "symlink"), "does not exist"));
    world.machine.folder("/b");
    CHECK(world.plan(links(R"(, "exists": true)")).actions.size() == 1);
  }
}

TEST_CASE("symlink refuses commands in targets and malformed links") {
  World world;
  CHECK(has(problems(world.plan(R"({"symlink": {"links": [{"name": "/etc/a", "target": "@@uname -r@@"}]}})"), "symlink"),
            "output of a command"));
  CHECK(
      has(problems(world.plan(R"({"symlink": {"links": [{"target": "/b"}]}})"), "symlink"), "links/0: field 'name' is missing"));
  CHECK(has(problems(world.plan(R"({"symlink": {"links": [{"name": "/etc/a"}]}})"), "symlink"), "'target' is missing"));
  CHECK(has(problems(world.plan(R"({"symlink": {"links": ["/etc/a"]}})"), "symlink"), "missing"));
  CHECK(has(problems(world.plan(R"({"symlink": {"links": {"a": 1}}})"), "symlink"), "expected a list"));
}

TEST_CASE("dirperm: folders, files, modes and owners") {
  World world;
  world.machine.file("/etc/shadowy", "x", 0644);
  const char* profile = R"({"dirperm": {"paths": [{"path": "/srv/data", "perm": "2775", "owner": "alice:www-data", "type": "d"},
                                                  {"path": "/etc/shadowy", "perm": "0600", "owner": "root", "type": "f"},
                                                  {"path": "/etc/new", "perm": "0600", "owner": "alice", "type": "f"}]}})";
  auto plan = world.apply(profile);
  CHECK(verbs(plan) == Verbs{"make-folder /srv", "make-folder /srv/data", "set-attributes /etc/shadowy", "write /etc/new"});
  CHECK(world.machine.images["/srv/data"].mode == 02775);
  CHECK(world.machine.images["/srv/data"].group == "www-data");
  CHECK(world.machine.contents["/etc/shadowy"] == "x");
  CHECK(world.plan(profile).actions.empty());
  world.apply(R"({"dirperm": {}})");
  CHECK(world.machine.images["/etc/shadowy"].mode == 0644);
  CHECK(!world.machine.images.contains("/srv"));
}

TEST_CASE("dirperm fills a new folder from its skeleton, once") {
  World world;
  world.machine.folder("/etc/skel");
  world.machine.file("/etc/skel/.rc", "rc");
  world.machine.folder("/etc/skel/d");
  world.machine.link("/etc/skel/d/l", "x");
  const char* profile =
      R"({"dirperm": {"paths": [{"path": "/home", "perm": "0700", "owner": "alice", "type": "d", "initdir": ["/etc/skel"]}]}})";
  auto plan = world.apply(profile);
  CHECK(verbs(plan) == Verbs{"make-folder /home", "write /home/.rc", "make-folder /home/d", "link /home/d/l"});
  CHECK(world.machine.images["/home/.rc"].owner == "alice");
  world.machine.images.erase("/home/.rc");
  CHECK(world.plan(profile).actions.empty());
}

TEST_CASE("dirperm refuses what it cannot mean") {
  for (const char* bad :
       {R"({"perm": "0755", "owner": "root", "type": "d"})", R"({"path": "/etc/x", "owner": "root", "type": "d"})",
        R"({"path": "/etc/x", "perm": "0755", "type": "d"})", R"({"path": "/etc/x", "perm": "0755", "owner": "root"})",
        R"({"path": "/etc/x", "perm": "0755", "owner": "root", "type": "x"})",
        R"({"path": "/etc/x", "perm": "rwx", "owner": "root", "type": "d"})",
        R"({"path": "/etc/x", "perm": "0755", "owner": ":root", "type": "d"})",
        R"({"path": "../x", "perm": "0755", "owner": "root", "type": "d"})",
        R"({"path": "/etc/file", "perm": "0755", "owner": "root", "type": "d"})",
        R"({"path": "/etc", "perm": "0755", "owner": "root", "type": "f"})"}) {
    CAPTURE(bad);
    World world;
    world.machine.file("/etc/file", "");
    auto plan = world.plan(R"({"dirperm": {"paths": [)" + std::string(bad) + "]}}");
    CHECK(plan.actions.empty());
    CHECK(!problems(plan, "dirperm").empty());
  }
}

TEST_CASE("dirperm with checkmount waits for the file system") {
  World world;
  world.machine.file("/etc/fstab", "# comment\n/dev/sdb1\t/data  ext4 defaults 0 0\n");
  const char* profile =
      R"({"dirperm": {"paths": [{"path": "/data/a", "perm": "0755", "owner": "root", "type": "d", "checkmount": true}]}})";
  CHECK(has(problems(world.plan(profile), "dirperm"), "not mounted"));
  world.machine.mounted["/data"] = {"/dev/sdb1", "/data", "ext4"};
  CHECK(problems(world.plan(profile), "dirperm").empty());
}
