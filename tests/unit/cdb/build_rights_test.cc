// What a malicious editor tries, against the whole way from an edit to the store.
#include <doctest/doctest.h>

#include <algorithm>

#include "base/compress/compress.h"
#include "base/profile/json.h"
#include "base/profile/path.h"
#include "cdb/build/attributes.h"
#include "cdb/build/builder.h"
#include "tests/unit/cdb/database.h"

using namespace cdb::build;
using base::Errc;
using Kind = Outcome::Kind;

namespace {

constexpr const char* policy = R"(
groups:
  storage: [mallory, alice]
roles:
  viewer: {persons: ["*"]}
  editor: {groups: [storage], persons: [erin]}
  administrator: {persons: [root]}
rules:
  - name: storage
    groups: [storage]
    set: ["/software/components/**", "/system/motd", "/system/cluster/name"]
    nodes: {cluster: "disk*"}
  - name: machines
    persons: [erin]
    add_nodes: true
    remove_nodes: true
    nodes: all
owners:
  - templates: ["site/kernel.pan"]
    persons: [erin]
)";

struct Fabric {
  tests::cdb_database::Fresh db = tests::cdb_database::fresh();
  Builder builder{db.store, [](const std::vector<Fresh>&) -> base::Result<> { return {}; }};

  Fabric() {
    const auto node = [](const char* name, const char* cluster) {
      return Edit{std::string("profiles/") + name + ".pan",
                  std::string("object template ") + name + ";\nvariable CLUSTER = '" + cluster +
                      "';\ninclude 'site/base';\ninclude if_exists('sms/' + OBJECT);\n"};
    };
    const auto outcome = send(
        "root", {{"weft.yaml", "include_path: [\".\"]\nobjects: [\"profiles/*.pan\"]\n"},
                 {"site/base.pan",
                  "unique template site/base;\n'/system/cluster/name' = CLUSTER;\ninclude 'site/early';\ninclude 'site/kernel';\n"
                  "include 'site/function';\n'/system/address' = address();\n'/software/components/ntp/server' = 'a';\n"
                  "'/system/of_disk' = if (OBJECT == 'batch1') value('disk1:/software/components/ntp/server') else 'none';\n"},
                 {"site/early.pan", "unique template site/early;\nvariable KERNEL ?= '6.1';\n'/system/motd' = 'hello';\n"},
                 {"site/kernel.pan", "unique template site/kernel;\nvariable KERNEL ?= '6.1';\n'/system/kernel' ?= KERNEL;\n"},
                 {"site/function.pan", "declaration template site/function;\nfunction address = '10.0.0.1';\n"},
                 node("disk1", "diskA"),
                 node("disk2", "diskA"),
                 node("batch1", "batch")});
    REQUIRE(outcome.kind == Kind::stored);
    set_policy(policy);
  }

  void set_policy(std::string_view text) {
    const auto base = db.store->policy_number();
    REQUIRE(base);
    const auto number = db.store->add_policy({"person", "admin"}, *base, text, "test");
    REQUIRE(number);
  }
  Outcome send(const std::string& who, std::vector<Edit> edits, bool dry_run = false, const char* kind = "person") {
    Change change;
    change.message = "test";
    change.author = {kind, who};
    change.edits = std::move(edits);
    change.dry_run = dry_run;
    auto outcome = builder.change(change);
    if (!outcome) FAIL(outcome.error().text());
    for (const auto& finding : outcome->findings) MESSAGE(finding.diagnostic.file << ": " << finding.diagnostic.message);
    return std::move(*outcome);
  }
  // The change is denied, nothing is stored, and one refusal is this one for exactly these nodes.
  void denied(const std::string& who, std::vector<Edit> edits, std::string_view act, std::string_view path,
              std::vector<std::string> nodes) {
    const auto head = *db.store->head("main");
    const auto outcome = send(who, std::move(edits));
    CHECK(outcome.kind == Kind::denied);
    check(outcome, act, path, nodes);
    CHECK(*db.store->head("main") == head);
  }
  static void check(const Outcome& outcome, std::string_view act, std::string_view path, const std::vector<std::string>& nodes) {
    const auto& all = outcome.rights.refusals;
    const auto place = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.act == act && one.path == path; });
    std::string found;
    for (const auto& one : all)
      found += one.act + " " + one.path + " " + one.before + " → " + one.after + ": " + one.reason + "\n";
    CAPTURE(found);
    REQUIRE(place != all.end());
    CHECK(place->nodes == nodes);
  }
};

Edit early(const std::string& more) {
  return {"site/early.pan", "unique template site/early;\n'/system/motd' = 'hello';\n" + more};
}

}  // namespace

TEST_CASE("an editor changes what his rules allow, on the nodes they select, and nothing else") {
  Fabric f;
  const auto base = [](const char* server) {
    return Edit{"profiles/disk1.pan", std::string("object template disk1;\nvariable CLUSTER = 'diskA';\ninclude 'site/base';\n"
                                                  "'/software/components/ntp/servers' = list('") +
                                          server + "');\n"};
  };
  CHECK(f.send("mallory", {base("b")}).kind == Kind::stored);
  CHECK(f.send("mallory", {{"site/unused.pan", "unique template site/unused;\n'/system/kernel' = 'x';\n"}}).kind == Kind::stored);
  // The same template for all nodes: batch1 is none of his.
  f.denied("mallory", {early("'/software/components/x/y' = 1;\n")}, "set", "/software/components/x/y", {"batch1"});
  f.denied("nobody", {base("c")}, "set", "/software/components/ntp/servers/0", {"disk1"});
  CHECK(f.send("root", {early("'/software/components/x/y' = 1;\n")}).kind == Kind::stored);
}

TEST_CASE("a plan tells what a commit would be refused for") {
  Fabric f;
  const auto plan = f.send("mallory", {early("'/software/components/x/y' = 1;\n")}, true);
  CHECK(plan.kind == Kind::planned);
  Fabric::check(plan, "set", "/software/components/x/y", {"batch1"});
  CHECK(plan.rights.refusals[0].reason == "no rule allows it to person mallory");
  CHECK(f.send("root", {early("'/software/components/x/y' = 1;\n")}, true).rights.allowed());
}

TEST_CASE("attack: include order, variables and functions of shared templates") {
  Fabric f;
  // Sets the value before the template that owns it, which only fills it in.
  f.denied("mallory", {early("'/system/kernel' = '5.0';\n")}, "set", "/system/kernel", {"batch1", "disk1", "disk2"});
  // Sets the variable before the template that defaults it.
  f.denied("mallory", {early("variable KERNEL = '5.0';\n")}, "set", "/system/kernel", {"batch1", "disk1", "disk2"});
  f.denied("mallory",
           {{"site/function.pan",
             "declaration template site/function;\nfunction address = if (OBJECT == 'disk2') '6.6.6.6' else '10.0.0.1';\n"}},
           "set", "/system/address", {"disk2"});
  // A new file that is found first.
  f.denied("mallory",
           {{"sms/disk2.pan", "unique template sms/disk2;\n'/system/kernel' = '5.0';\n'/software/components/ok' = 1;\n"}}, "set",
           "/system/kernel", {"disk2"});
  // Through the path of a whole subtree.
  f.denied("mallory", {early("'/' = dict('system', dict('motd', 'hello', 'root', 'mine'));\n")}, "set", "/system/root",
           {"batch1", "disk1", "disk2"});
  f.denied("mallory", {early("'/system' = { SELF['motd'] = 'x'; SELF['root'] = 'mine'; SELF; };\n")}, "set", "/system/root",
           {"batch1", "disk1", "disk2"});
}

TEST_CASE("attack: a value that other nodes read") {
  Fabric f;
  f.denied("mallory",
           {{"profiles/disk1.pan",
             "object template disk1;\nvariable CLUSTER = 'diskA';\ninclude 'site/base';\n"
             "include if_exists('sms/' + OBJECT);\n'/software/components/ntp/server' = 'evil';\n"}},
           "set", "/system/of_disk", {"batch1"});
}

TEST_CASE("attack: the node is moved into or out of the rule by the same change") {
  Fabric f;
  const auto move = [](const char* name, const char* cluster, const char* more) {
    return Edit{std::string("profiles/") + name + ".pan", std::string("object template ") + name + ";\nvariable CLUSTER = '" +
                                                              cluster + "';\ninclude 'site/base';\n" + more};
  };
  f.denied("mallory", {move("batch1", "diskA", "")}, "set", "/system/cluster/name", {"batch1"});
  f.denied("mallory", {move("disk1", "batch", "'/system/motd' = 'x';\n")}, "set", "/system/motd", {"disk1"});
  CHECK(f.send("mallory", {move("disk1", "diskB", "'/system/motd' = 'x';\n")}).kind == Kind::stored);
}

TEST_CASE("attack: weft.yaml and templates that belong to others") {
  Fabric f;
  f.denied("mallory", {{"weft.yaml", "include_path: [\".\"]\nobjects: [\"profiles/d*.pan\"]\n"}}, "edit_template", "weft.yaml",
           {});
  f.denied("mallory", {{"weft.yaml", "include_path: [\".\"]\nobjects: [\"profiles/d*.pan\"]\n"}}, "remove_node", "", {"batch1"});
  f.denied("mallory",
           {{"weft.yaml", "include_path: [evil, \".\"]\nobjects: [\"profiles/*.pan\"]\n"},
            {"evil/site/kernel.pan", "unique template site/kernel;\n'/system/kernel' = '5.0';\n"}},
           "set", "/system/kernel", {"batch1", "disk1", "disk2"});
  f.denied("mallory", {{"site/kernel.pan", "unique template site/kernel;\n# mine\n'/system/kernel' ?= '6.1';\n"}},
           "edit_template", "site/kernel.pan", {});
  f.denied("mallory", {{"site/kernel.pan", std::nullopt}, {"site/base.pan", "unique template site/base;\n"}}, "edit_template",
           "site/kernel.pan", {});
}

TEST_CASE("attack: nodes that come, go, and come back") {
  Fabric f;
  const Edit fresh{"profiles/disk9.pan", "object template disk9;\nvariable CLUSTER = 'diskA';\ninclude 'site/base';\n"};
  f.denied("mallory", {fresh}, "add_node", "", {"disk9"});
  f.denied("mallory", {{"profiles/disk2.pan", std::nullopt}}, "remove_node", "", {"disk2"});
  CHECK(f.send("erin", {fresh}).kind == Kind::stored);
  CHECK(f.send("erin", {{"profiles/disk9.pan", std::nullopt}}).kind == Kind::stored);
}

TEST_CASE("attack: who may add and remove nodes takes one away and puts another in its place") {
  Fabric f;
  CHECK(f.send("erin", {{"profiles/disk2.pan", std::nullopt}}).kind == Kind::stored);
  const std::string again =
      "object template disk2;\nvariable CLUSTER = 'diskA';\ninclude 'site/base';\ninclude if_exists('sms/' + OBJECT);\n";
  f.denied("erin", {{"profiles/disk2.pan", again + "'/system/root' = 'mine';\n"}}, "set", "/system/root", {"disk2"});
  CHECK(f.send("erin", {{"profiles/disk2.pan", again}}).kind == Kind::stored);
}

TEST_CASE("attack: more differences than a plan shows") {
  Fabric f;
  std::string text =
      "object template disk1;\nvariable CLUSTER = 'diskA';\ninclude 'site/base';\ninclude if_exists('sms/' + OBJECT);\n";
  for (int i = 0; i < 400; ++i) text += "'/software/components/a/k" + std::to_string(1000 + i) + "' = 1;\n";
  f.denied("mallory", {{"profiles/disk1.pan", text + "'/zzz/last' = 1;\n"}}, "set", "/zzz/last", {"disk1"});
  CHECK(f.send("mallory", {{"profiles/disk1.pan", text}}).kind == Kind::stored);
}

TEST_CASE("attack: revert of what somebody with more rights did, and of his own with others' values in it") {
  Fabric f;
  const auto root = f.send("root", {early("'/system/kernel' = '6.6';\n")});
  REQUIRE(root.kind == Kind::stored);
  const auto reverted = f.builder.revert(root.revision, "", false, {"person", "mallory"});
  REQUIRE(reverted);
  CHECK(reverted->kind == Kind::denied);
  Fabric::check(*reverted, "set", "/system/kernel", {"batch1", "disk1", "disk2"});
  CHECK(f.builder.revert(root.revision, "", false, {"person", "root"})->kind == Kind::stored);
}

TEST_CASE("attack: a sandbox is free, but nothing comes out of it: not by merge, cherry-pick or nodes that move to it") {
  Fabric f;
  cdb::store::NewBranch sandbox;
  sandbox.name = "mallory";
  sandbox.kind = "sandbox";
  sandbox.source = "main";
  REQUIRE(f.builder.create_branch(sandbox, {"person", "mallory"}));
  Change change;
  change.branch = "mallory";
  change.message = "mine";
  change.author = {"person", "mallory"};
  change.edits = {early("'/system/kernel' = '5.0';\n")};
  const auto mine = f.builder.change(change);
  REQUIRE(mine);
  CHECK(mine->kind == Kind::stored);
  const auto merged = f.builder.merge("mallory", "main", "", false, {"person", "mallory"});
  REQUIRE(merged);
  CHECK(merged->kind == Kind::denied);
  Fabric::check(*merged, "set", "/system/kernel", {"batch1", "disk1", "disk2"});
  const auto picked = f.builder.cherry_pick(mine->revision, "main", "", false, {"person", "mallory"});
  REQUIRE(picked);
  CHECK(picked->kind == Kind::denied);
  for (const bool dry_run : {true, false}) {
    const auto moved = f.builder.move({"disk2"}, "mallory", std::nullopt, "mine", dry_run, {"person", "mallory"});
    REQUIRE(moved);
    CHECK(moved->kind == (dry_run ? Kind::planned : Kind::denied));
    Fabric::check(*moved, "set", "/system/kernel", {"disk2"});
    Fabric::check(*moved, "remove_node", "", {"disk2"});
  }
  // erin may add and remove nodes, but not set this.
  CHECK(f.builder.move({"disk2"}, "mallory", std::nullopt, "x", false, {"person", "erin"})->kind == Kind::denied);
  CHECK(f.db.store->followed(std::vector<std::string>{"disk2"})->at("disk2") == "main");
  // A node that follows the branch is bound by the rules there.
  REQUIRE(f.builder.move({"disk2"}, "mallory", std::nullopt, "x", false, {"person", "root"})->kind == Kind::stored);
  change.edits = {early("'/system/kernel' = '4.0';\n")};
  const auto bound = f.builder.change(change);
  REQUIRE(bound);
  CHECK(bound->kind == Kind::denied);
  Fabric::check(*bound, "set", "/system/kernel", {"disk2"});
}

TEST_CASE("services are free until a rule names them: then code that a claim would set off is refused") {
  Fabric f;
  const Edit claim{"sms/disk1.pan", "unique template sms/disk1;\n'/system/state' = 'maintenance';\n"};
  const Edit gone{"sms/disk1.pan", std::nullopt};
  CHECK(f.send("leaf", {claim}, false, "service").kind == Kind::stored);
  CHECK(f.send("leaf", {gone}, false, "service").kind == Kind::stored);
  auto text = std::string(policy);
  text.insert(text.find("owners:"), "  - {name: claims, services: [leaf], set: [\"/system/state\"], nodes: all}\n");
  f.set_policy(text);
  CHECK(f.send("leaf", {claim}, false, "service").kind == Kind::stored);
  REQUIRE(f.send("root", {{"site/late.pan", "unique template site/late;\n'/system/late' = exists('/system/state');\n"},
                          {"profiles/disk2.pan",
                           "object template disk2;\nvariable CLUSTER = 'diskA';\ninclude 'site/base';\n"
                           "include if_exists('sms/' + OBJECT);\ninclude 'site/late';\n"}})
              .kind == Kind::stored);
  const auto set_off =
      f.send("leaf", {{"sms/disk2.pan", "unique template sms/disk2;\n'/system/state' = 'maintenance';\n"}}, false, "service");
  CHECK(set_off.kind == Kind::denied);
  Fabric::check(set_off, "set", "/system/late", {"disk2"});
}

TEST_CASE("a policy that changes while a commit is under way counts for it") {
  Fabric f;
  // The builder's copy is behind: the store refuses the old number, the next attempt reads the new policy.
  CHECK(f.send("mallory", {{"site/unused.pan", "unique template site/unused;\n"}}).kind == Kind::stored);
  cdb::store::Commit commit;
  commit.branch = "main";
  commit.head = *f.db.store->head("main");
  commit.policy = 0;
  commit.author = {"person", "mallory"};
  commit.message = "late";
  commit.edits.push_back({"site/x.pan", std::nullopt, "unique template site/x;\n"});
  commit.plan = "{}";
  const auto state = f.db.store->load("main", 0, 0);
  REQUIRE(state);
  commit.known_reads = static_cast<std::int32_t>(state->reads.size());
  const auto refused = f.db.store->commit(commit);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::conflict);
  CHECK(refused.error().message.find("policy moved from 0 to 1") != std::string::npos);
}

TEST_CASE("policies are kept, numbered and audited; two at once do not overwrite each other") {
  Fabric f;
  CHECK(*f.db.store->policy_number() == 1);
  CHECK(f.db.store->policy(0)->text == policy);
  CHECK(f.db.store->add_policy({"person", "root"}, 0, "roles: {}", "late").error().code == Errc::conflict);
  CHECK(*f.db.store->add_policy({"person", "root"}, 1, "roles: {}", "narrow") == 2);
  CHECK(f.db.store->policies(0, 10)->size() == 2);
  CHECK(f.db.store->policy(1)->text == policy);
  CHECK(f.db.store->policy(7).error().code == Errc::not_found);
  const auto audit = f.db.store->audit({.limit = 1});
  REQUIRE(audit);
  CHECK(audit->at(0).record.get_string("action") == "rights.set");
  CHECK_FALSE(f.db.store->verify_audit()->broken);
  auto transaction = f.db.pool->begin();
  CHECK_FALSE(transaction->exec("update cdb.policy set text = 'roles: {}'"));
  // Nobody is editor any more.
  f.denied("mallory", {early("'/software/components/x/y' = 1;\n")}, "set", "/software/components/x/y",
           {"batch1", "disk1", "disk2"});
  // What no program understands gives nobody rights.
  CHECK(*f.db.store->add_policy({"person", "root"}, 2, "from: the future", "x") == 3);
  Change change;
  change.message = "test";
  change.author = {"person", "root"};
  change.edits = {early("")};
  CHECK(f.builder.change(change).error().code == Errc::corrupt);
}

TEST_CASE("attributes before a change follow from those after it and the differences") {
  const auto before = *base::profile::parse_json(
      R"({"system":{"role":"disk","cluster":{"name":"A"},"state":"x"},"hardware":{"sysloc":{"rack":"R1","unit":3}}})");
  for (const auto* text : {R"({})", R"({"system":{"cluster":{"name":"B"}},"hardware":{"sysloc":{"unit":4}}})",
                           R"({"system":{"role":{"a":1},"cluster":"none"}})", R"({"system":[1],"hardware":"x"})"}) {
    CAPTURE(std::string(text));
    const auto after = *base::profile::parse_json(text);
    CHECK(attributes_before(node_attributes(after), base::profile::diff(before, after)) == node_attributes(before));
    CHECK(attributes_before(node_attributes(before), base::profile::diff(after, before)) == node_attributes(after));
  }
}
