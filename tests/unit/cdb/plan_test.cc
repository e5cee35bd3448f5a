#include <doctest/doctest.h>

#include "base/profile/json.h"
#include "cdb/build/blame.h"
#include "cdb/build/builder.h"
#include "cdb/build/effect.h"
#include "cdb/build/inverse.h"
#include "tests/unit/cdb/database.h"

using namespace cdb::build;
using base::Errc;
using base::profile::Path;
using base::profile::Value;
using tests::cdb_database::fresh;

namespace {

Value json(std::string_view text) {
  auto value = base::profile::parse_json(text);
  if (!value) FAIL(value.error().text());
  return *value;
}

Effects effects_of(std::vector<std::string> paths, std::string_view after, std::string_view before = "{}") {
  std::vector<Path> changed;
  for (const auto& path : paths) changed.push_back(*Path::parse(path));
  return effects(changed, json(before), json(after));
}

struct Site {
  tests::cdb_database::Fresh db = fresh();
  std::unique_ptr<Builder> builder =
      std::make_unique<Builder>(db.store, [](const std::vector<Fresh>&) -> base::Result<> { return {}; });

  Outcome edit(std::vector<Edit> edits, const std::string& who = "alice", const std::string& branch = "main",
               bool dry_run = false) {
    Change change;
    change.branch = branch;
    change.message = "edit";
    change.author = {"person", who};
    change.edits = std::move(edits);
    change.dry_run = dry_run;
    auto outcome = builder->change(change);
    if (!outcome) FAIL(outcome.error().text());
    return std::move(*outcome);
  }
  Site() {
    edit({{"weft.yaml", "include_path: [\".\"]\nobjects: [\"profiles/*.pan\"]\n"},
          {"site/settings.pan", "unique template site/settings;\n\nvariable MOTD = 'hello';\nvariable OTHER = 1;\n"},
          {"site/common.pan",
           "unique template site/common;\ninclude 'site/settings';\n'/system/motd' = MOTD;\n'/system/old' = 'x';\n"},
          {"profiles/a1.pan", object("a1", "disk", "R1")},
          {"profiles/a2.pan", object("a2", "disk", "R2")},
          {"profiles/b1.pan", object("b1", "batch", "R2")}});
  }
  static std::string object(const std::string& name, const std::string& role, const std::string& rack) {
    return "object template " + name + ";\ninclude 'site/common';\n'/system/role' = '" + role +
           "';\n'/hardware/sysloc/rack' = '" + rack + "';\n'/system/cluster/name' = 'c';\n";
  }
};

const Value& change_of(const Outcome& outcome, std::size_t group, std::string_view path) {
  const auto& changes = *(*outcome.plan.get("groups")->list())[group].get("changes")->list();
  for (const auto& change : changes) {
    if (change.get_string("path") == path) return change;
  }
  FAIL("no change of " << path);
  return changes.front();
}

std::string at(const Value& change, std::string_view what) {
  const auto* place = change.get(what);
  return place ? std::string(place->get_string("file")) + ":" + std::to_string(place->get_integer("line")) : "-";
}

std::string reach(const Outcome& outcome, std::string_view attribute) {
  std::string out;
  for (const auto& one : *outcome.plan.get("reach")->get(attribute)->list())
    out += std::string(one.get_string("name")) + " " + std::to_string(one.get_integer("changed")) + "/" +
           std::to_string(one.get_integer("of")) + ";";
  return out;
}

}  // namespace

TEST_CASE("a plan names the edited line and the statement that set the value") {
  Site site;
  auto outcome =
      site.edit({{"site/settings.pan", "unique template site/settings;\n\nvariable MOTD = 'bye';\nvariable OTHER = 1;\n"}},
                "alice", "main", true);
  CHECK(outcome.kind == Outcome::Kind::planned);
  const auto& motd = change_of(outcome, 0, "/system/motd");
  CHECK(at(motd, "cause") == "site/settings.pan:3");
  CHECK(motd.get("cause")->get_string("text") == "variable MOTD = 'bye';");
  CHECK(at(motd, "set_by") == "site/common.pan:3");

  // A value that goes: the line of the tree as it was.
  outcome = site.edit({{"site/common.pan", "unique template site/common;\ninclude 'site/settings';\n'/system/motd' = MOTD;\n"}},
                      "alice", "main", true);
  CHECK(at(change_of(outcome, 0, "/system/old"), "cause") == "site/common.pan:4");
  // A statement in the object itself.
  outcome = site.edit({{"profiles/a1.pan", Site::object("a1", "tape", "R1")}});
  CHECK(at(change_of(outcome, 0, "/system/role"), "cause") == "profiles/a1.pan:3");
  // Stored with the revision.
  const auto stored = json(*site.db.store->plan(2));
  CHECK(stored.get("groups")->list()->front().get("changes")->list()->front().get("cause")->get_string("file") ==
        "profiles/a1.pan");
}

TEST_CASE("a plan says how far it reaches") {
  Site site;
  const auto outcome = site.edit({{"profiles/a1.pan", Site::object("a1", "disk", "R1") + "'/x' = 1;\n"},
                                  {"profiles/b1.pan", Site::object("b1", "batch", "R2") + "'/x' = 1;\n"}});
  CHECK(outcome.plan.get_integer("nodes") == 2);
  CHECK(reach(outcome, "role") == "batch 1/1;disk 1/2;");
  CHECK(reach(outcome, "rack") == "R1 1/1;R2 1/2;");
  CHECK(reach(outcome, "cluster") == "c 2/3;");
  const auto removed = site.edit({{"profiles/a2.pan", std::nullopt}});
  CHECK(reach(removed, "role") == "disk 1/2;");
}

TEST_CASE("what machines do follows from the profile") {
  auto e = effects_of(
      {"/software/components/filecopy/services/_2fetc_2fa/config"},
      R"({"software":{"components":{"filecopy":{"services":{"_2fetc_2fa":{"config":"x","restart":"/bin/systemctl restart nginx"}}}}}})");
  CHECK(e.components == std::set<std::string>{"filecopy"});
  CHECK(e.units == std::map<std::string, std::string>{{"nginx.service", "restart"}});
  CHECK(e.reboot.empty());
  e = effects_of({"/software/components/filecopy/services/_2fetc_2fa/config"},
                 R"({"software":{"components":{"filecopy":{"services":{"_2fetc_2fa":{"restart":"/usr/sbin/update-grub"}}}}}})");
  CHECK(e.units.empty());
  CHECK(e.commands == std::set<std::string>{"/usr/sbin/update-grub"});
  e = effects_of(
      {"/software/components/metaconfig/services/_2fetc_2fb/contents/port"},
      R"({"software":{"components":{"metaconfig":{"services":{"_2fetc_2fb":{"daemons":{"sshd":"reload","x.timer":"condrestart"}}}}}}})");
  CHECK(e.units == std::map<std::string, std::string>{{"sshd.service", "reload"}, {"x.timer", "restart"}});
  e = effects_of(
      {"/software/components/systemd/unit/cron/file/config/service/Nice", "/software/components/systemd/unit/ntp/state"},
      R"({"software":{"components":{"systemd":{"unit":{"cron":{"state":"enabled","file":{}},"ntp":{"state":"disabled"}}}}}})");
  CHECK(e.units == std::map<std::string, std::string>{{"cron.service", "restart"}, {"ntp.service", "stop"}});
  e = effects_of({"/software/components/dhcp/lease"},
                 R"({"software":{"components":{"dhcp":{"daemons":["dhcpd"],"service":"dhcp-relay"}}}})");
  CHECK(e.units == std::map<std::string, std::string>{{"dhcp-relay.service", "restart"}, {"dhcpd.service", "restart"}});
  CHECK(effects_of({"/system/kernel/version"}, "{}").reboot == std::set<std::string>{"/system/kernel/version"});
  CHECK(effects_of({"/software/components/grub/kernels/0"}, "{}").reboot.size() == 1);
  e = effects_of({"/software/packages/linux_2dimage_2d6_2e1", "/software/packages/kernelshark"}, "{}");
  CHECK(e.components == std::set<std::string>{"spma"});
  CHECK(e.reboot.size() == 1);  // kernelshark is no kernel
  // What leaves has its old fields.
  e = effects_of({"/software/components/metaconfig"}, "{}",
                 R"({"software":{"components":{"metaconfig":{"services":{"f":{"daemons":{"sshd":"restart"}}}}}}})");
  CHECK(e.components == std::set<std::string>{"metaconfig"});
  CHECK(effects_of({"/system/motd", "/software"}, "{}").components.empty());
}

TEST_CASE("blame: revision of each line, across a fork and a merge") {
  Site site;
  const std::string begin = "unique template site/b;\n'/x/a' = 1;\n'/x/b' = 1;\n";
  site.edit({{"site/b.pan", begin}});                                                                       // 2
  site.edit({{"site/b.pan", "# why\n" + begin}}, "bob");                                                    // 3
  REQUIRE(site.builder->create_branch({"s", "sandbox", "", "main", 0}, {"person", "carol"}));               // 4
  site.edit({{"site/b.pan", "# why\nunique template site/b;\n'/x/a' = 2;\n'/x/b' = 1;\n"}}, "carol", "s");  // 5
  auto found = blame(*site.db.store, "s", 0, "site/b.pan");
  REQUIRE(found);
  REQUIRE(found->lines.size() == 4);
  CHECK(found->lines[0].revision == 3);
  CHECK(found->lines[1].revision == 2);
  CHECK(found->lines[2].revision == 5);
  CHECK(found->lines[3].revision == 2);
  CHECK(found->revisions.at(3).author.name == "bob");
  REQUIRE(site.builder->merge("s", "main", "", false, {"person", "dave"}));  // 6
  found = blame(*site.db.store, "main", 0, "site/b.pan");
  REQUIRE(found);
  CHECK(found->lines[2].revision == 5);  // carol wrote it, dave only merged
  CHECK(blame(*site.db.store, "main", 2, "site/b.pan")->lines.size() == 3);
  site.edit({{"site/b.pan", std::nullopt}});
  CHECK(blame(*site.db.store, "main", 0, "site/b.pan").error().code == Errc::not_found);
  site.edit({{"site/b.pan", begin}}, "erin");
  CHECK(blame(*site.db.store, "main", 0, "site/b.pan")->lines[0].revision == 8);
}

TEST_CASE("a revert flags values that moved since") {
  Site site;
  const auto settings = [](const std::string& motd, const std::string& more) {
    return "unique template site/settings;\n\nvariable MOTD = '" + motd + "';\nvariable OTHER = 1;\n" + more;
  };
  site.edit({{"site/settings.pan", settings("two", "")}});
  site.edit({{"profiles/a1.pan", Site::object("a1", "disk", "R1") + "'/system/motd' = 'its own';\n"}});
  const auto reverted = site.builder->revert(2, "", true, {"person", "alice"});
  REQUIRE(reverted);
  const auto& flagged = *reverted->plan.get("not_inverse")->list();
  REQUIRE(flagged.size() == 1);
  CHECK(flagged[0].get_string("path") == "/system/motd");
  CHECK(flagged[0].get_string("what") == "kept");
  CHECK(flagged[0].get_integer("nodes") == 1);
  const auto exact = site.builder->revert(3, "", true, {"person", "alice"});
  REQUIRE(exact);
  CHECK(exact->plan.get("not_inverse")->list()->empty());
}
