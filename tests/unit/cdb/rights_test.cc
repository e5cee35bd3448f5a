#include <doctest/doctest.h>

#include "base/profile/json.h"
#include "cdb/rights/check.h"

using namespace cdb::rights;
using base::profile::Dict;
using base::profile::Value;

namespace {

const std::vector<std::string> attributes{"role", "cluster", "rack", "unit"};

constexpr const char* site = R"(
groups:
  storage: [alice, bob]
  network: [nina]
roles:
  viewer: {persons: ["*"]}
  editor: {groups: [storage, network], persons: [erin]}
  operator: {persons: [otto]}
  administrator: {persons: [root]}
rules:
  - name: storage components
    groups: [storage]
    set: ["/software/components/**", "/system/*"]
    nodes: {cluster: "disk*"}
  - name: services
    groups: [storage]
    set: ["/files/{/etc/*}/text"]
    nodes: all
  - name: not the kernel
    effect: deny
    roles: [editor]
    set: ["/system/kernel/**"]
    nodes: all
  - name: new disk servers
    groups: [storage]
    add_nodes: true
    nodes: {cluster: [diskA, diskB], rack: "R?"}
owners:
  - templates: ["site/net/**", "weft.yaml"]
    groups: [network]
approvals:
  - name: wide
    nodes: {cluster: "*"}
    more_than: {nodes: 2, racks: 1}
    needs: 2
    roles: [operator]
    groups: [storage]
)";

std::shared_ptr<const Policy> policy(std::string_view text = site) {
  auto parsed = parse_policy(text, attributes);
  if (!parsed) FAIL(parsed.error().text());
  return std::make_shared<const Policy>(std::move(*parsed));
}

std::vector<std::string> parts(std::string_view path) {
  return base::profile::Path::parse(path)->parts();
}

bool matches(std::string_view pattern, std::string_view path) {
  auto parsed = PathPattern::parse(pattern);
  if (!parsed) FAIL(parsed.error().text());
  return parsed->matches(parts(path));
}

Value node(const char* cluster, const char* rack = "R1") {
  return Dict{{"cluster", cluster}, {"rack", rack}, {"unit", 7}};
}

bool may(const Policy& policy, std::string person, const Value& before, const Value& after, std::string_view path) {
  const auto who = standing(&policy, {"person", std::move(person)});
  const NodeView then{"n1", before}, now{"n1", after};
  return NodeRights(who, &then, &now).may(Act::set, parts(path)).allowed;
}

// The refusals of one node's change from `before` to `after` (JSON), as "path before → after".
std::vector<std::string> refused(Check& check, const std::string& before, const std::string& after, const Value& attributes) {
  const auto then = *base::profile::parse_json(before), now = *base::profile::parse_json(after);
  check.changed({"n1", attributes}, {"n1", attributes}, base::profile::diff(then, now));
  std::vector<std::string> out;
  for (const auto& one : check.report().refusals) out.push_back(one.path + " " + one.before + " → " + one.after);
  return out;
}

}  // namespace

TEST_CASE("path patterns") {
  CHECK(matches("/system/*", "/system/kernel"));
  CHECK_FALSE(matches("/system/*", "/system/kernel/version"));
  CHECK_FALSE(matches("/system/*", "/system"));
  CHECK(matches("/system/**", "/system"));
  CHECK(matches("/system/**", "/system/a/b/c"));
  CHECK_FALSE(matches("/system/**", "/systemx/a"));
  CHECK(matches("/**", "/a/b"));
  CHECK(matches("/a/**/z", "/a/z"));
  CHECK(matches("/a/**/z", "/a/b/z/c/z"));
  CHECK_FALSE(matches("/a/**/z", "/a/b/z/c"));
  CHECK(matches("/a/b?/0", "/a/b1/0"));
  CHECK(matches("/files/{/etc/*}/text", "/files/_2fetc_2fmotd/text"));
  CHECK_FALSE(matches("/files/{/etc/*}/text", "/files/_2froot_2fx/text"));
  CHECK(matches("/files/{/etc/motd}", "/files/_2fetc_2fmotd"));
  CHECK_FALSE(matches("/files/_2fetc*", "/files/_2froot"));
  for (const auto* bad : {"", "/", "system", "/a//b", "/a/", "/a**", "/a/{x", "/a/{}"}) {
    CAPTURE(std::string(bad));
    CHECK_FALSE(PathPattern::parse(bad));
  }
  // The cost of many ** is bounded.
  const auto nasty = PathPattern::parse("/**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/b");
  REQUIRE(nasty);
  CHECK_FALSE(nasty->matches(std::vector<std::string>(2000, "a")));
  CHECK(FilePattern::parse("site/**")->matches("site/a/b.pan"));
  CHECK_FALSE(FilePattern::parse("site/*")->matches("site/a/b.pan"));
  CHECK_FALSE(FilePattern::parse("/site"));
}

TEST_CASE("a policy with mistakes is refused with the place and a suggestion") {
  const std::pair<const char*, const char*> cases[] = {
      {"", "must be a mapping"},
      {"rules: []", "'roles' is missing"},
      {"rolls: {}", "did you mean roles"},
      {"roles: {editr: {persons: [a]}}", "did you mean editor"},
      {"roles: {administrator: {persons: ['*']}}", "not everybody"},
      {"groups: {storage: [a]}\nroles: {editor: {groups: [storag]}}", "no group 'storag' (did you mean storage?)"},
      {"roles: {editor: [alice]}", "roles: editor: must be a mapping"},
      {"roles: {editor: {persons: ['al*']}}", "is no person"},
      {"roles: {}\nrules: [{persons: [a], set: ['/a'], nodes: all}]", "rule 1: 'name' is missing"},
      {"roles: {}\nrules: [{name: x, set: ['/a'], nodes: all}]", "rule 1 'x': is for nobody"},
      {"roles: {}\nrules: [{name: x, persons: [a], nodes: all}]", "says nothing"},
      {"roles: {}\nrules: [{name: x, persons: [a], set: ['/a']}]", "'nodes' is missing"},
      {"roles: {}\nrules: [{name: x, persons: [a], set: ['/a'], nodes: {}}]", "selects nothing"},
      {"roles: {}\nrules: [{name: x, persons: [a], set: ['/a'], nodes: {cluster: []}}]", "must be a pattern"},
      {"roles: {}\nrules: [{name: x, persons: [a], set: ['/a'], nodes: {clustr: a}}]", "did you mean cluster"},
      {"roles: {}\nrules: [{name: x, persons: [a], set: ['a'], nodes: all}]", "no path pattern"},
      {"roles: {}\nrules: [{name: x, persons: [a], set: ['/a'], nodes: all, effect: forbid}]", "allow or deny"},
      {"roles: {}\nrules: [{name: x, roles: [editors], set: ['/a'], nodes: all}]", "did you mean editor"},
      {"roles: {}\nrules: [{name: x, persons: [a], set: ['/a'], nodes: all}, {name: x, persons: [b], set: ['/a'], nodes: all}]",
       "another 'x'"},
      {"roles: {}\nowners: [{templates: [], persons: [a]}]", "'templates' is empty"},
      {"roles: {}\nowners: [{templates: ['a/**']}]", "nobody is the owner"},
      {"roles: {}\napprovals: [{name: x, nodes: all, needs: 0, persons: [a]}]", "1 to 20"},
      {"roles: {}\napprovals: [{name: x, nodes: all}]", "nobody can approve"},
      {"roles: {}\napprovals: [{name: x, nodes: all, persons: [a], more_than: {rack: 1}}]", "did you mean racks"},
      {"roles: [", "the policy:"},
  };
  for (const auto& [text, expected] : cases) {
    CAPTURE(std::string(text));
    const auto parsed = parse_policy(text, attributes);
    REQUIRE_FALSE(parsed);
    CAPTURE(parsed.error().text());
    CHECK(parsed.error().text().find(expected) != std::string::npos);
  }
}

TEST_CASE("warnings tell what has no effect") {
  CHECK(warnings(*policy()).empty());
  const auto odd =
      warnings(*policy("groups: {idle: [], other: [a]}\nroles: {viewer: {groups: [other]}}\n"
                       "rules: [{name: x, persons: [zoe], set: ['/a'], nodes: all}]"));
  REQUIRE(odd.size() == 3);
  CHECK(odd[0].find("no members") != std::string::npos);
  CHECK(odd[1].find("used nowhere") != std::string::npos);
  CHECK(odd[2].find("zoe, who is no editor") != std::string::npos);
}

TEST_CASE("roles: deny by default, the first administrator stays") {
  const auto p = policy();
  CHECK(standing(p.get(), {"person", "alice"}).has(Role::editor));
  CHECK_FALSE(standing(p.get(), {"person", "alice"}).has(Role::administrator));
  CHECK(standing(p.get(), {"person", "stranger"}).has(Role::viewer));
  CHECK_FALSE(standing(p.get(), {"person", "stranger"}).has(Role::editor));
  CHECK(standing(p.get(), {"person", "otto"}).has(Role::operations));
  CHECK_FALSE(standing(p.get(), {"person", "otto"}).has(Role::editor));
  CHECK(standing(p.get(), {"person", "root"}).unlimited);
  CHECK(standing(policy("roles: {}").get(), {"person", "admin"}).unlimited);
  CHECK(standing(policy("roles: {}").get(), {"person", "alice"}).roles.empty());
  CHECK(standing(nullptr, {"person", "alice"}).unlimited);
  CHECK_FALSE(standing(nullptr, {"node", "n1"}).unlimited);
  // Names of nodes and services are not names of persons.
  CHECK_FALSE(standing(p.get(), {"node", "root"}).unlimited);
  CHECK_FALSE(standing(p.get(), {"node", "admin"}).unlimited);
  CHECK_FALSE(standing(p.get(), {"service", "admin"}).has(Role::administrator));
  CHECK(standing(p.get(), {"service", "leaf"}).unlimited);
  const auto bound = policy("roles: {}\nrules: [{name: claims, services: [leaf], set: ['/system/state'], nodes: all}]");
  CHECK_FALSE(standing(bound.get(), {"service", "leaf"}).unlimited);
  CHECK(standing(bound.get(), {"service", "weftd"}).unlimited);
  const auto leaf = standing(bound.get(), {"service", "leaf"});
  const auto here = node("diskA");
  const NodeView view{"n", here};
  CHECK(NodeRights(leaf, &view, &view).may(Act::set, {"system", "state"}).allowed);
  CHECK_FALSE(NodeRights(leaf, &view, &view).may(Act::set, {"system", "kernel"}).allowed);
}

TEST_CASE("value rules: the node as it was and as it will be must both be selected; deny wins") {
  const auto p = policy();
  const auto disk = node("diskA"), batch = node("batch");
  CHECK(may(*p, "alice", disk, disk, "/software/components/ntp/servers/0"));
  CHECK_FALSE(may(*p, "alice", batch, batch, "/software/components/ntp"));
  CHECK_FALSE(may(*p, "alice", disk, batch, "/software/components/ntp"));
  CHECK_FALSE(may(*p, "alice", batch, disk, "/software/components/ntp"));
  CHECK_FALSE(may(*p, "alice", disk, disk, "/system/kernel"));
  CHECK(may(*p, "alice", disk, disk, "/system/motd"));
  CHECK_FALSE(may(*p, "nina", disk, disk, "/system/motd"));
  CHECK_FALSE(may(*p, "erin", disk, disk, "/system/motd"));
  CHECK(may(*p, "root", disk, disk, "/system/kernel"));
  CHECK(may(*p, "alice", batch, batch, "/files/_2fetc_2fmotd/text"));
  // A node without the attribute is selected by no pattern.
  CHECK_FALSE(may(*p, "alice", Dict{}, Dict{}, "/system/motd"));
}

TEST_CASE("an explanation names every rule that was looked at") {
  const auto p = policy();
  const auto disk = node("diskA");
  const auto yes = explain(p.get(), {"person", "alice"}, Act::set, {"n1", disk}, parts("/system/motd"));
  CHECK(yes.verdict.allowed);
  CHECK(yes.reason == "rule 'storage components' allows it");
  REQUIRE(yes.steps.size() == 4);
  CHECK(yes.steps[0].value);
  CHECK_FALSE(yes.steps[1].value);
  CHECK(yes.steps[2].person);
  const auto denied = explain(p.get(), {"person", "alice"}, Act::set, {"n1", disk}, parts("/system/kernel/version"));
  CHECK(denied.reason == "rule 'not the kernel' denies it");
  const auto none = explain(p.get(), {"person", "nina"}, Act::set, {"n1", disk}, parts("/system/motd"));
  CHECK(none.reason == "no rule allows it to person nina");
  REQUIRE(none.could.size() == 1);
  CHECK(none.could[0] == "group storage (rule 'storage components')");
  CHECK(explain(p.get(), {"person", "otto"}, Act::set, {"n1", disk}, parts("/system/motd")).reason.find("role editor") !=
        std::string::npos);
  CHECK(explain(nullptr, {"person", "x"}, Act::set, {"n1", disk}, parts("/a")).reason.find("no policy") == 0);
  CHECK(explain(p.get(), {"person", "alice"}, Act::add_node, {"n1", disk}, {}).verdict.allowed);
  CHECK_FALSE(explain(p.get(), {"person", "alice"}, Act::remove_node, {"n1", disk}, {}).verdict.allowed);
}

TEST_CASE("a check sees every value below a subtree that comes, goes or changes its type") {
  const auto p = policy();
  const auto disk = node("diskA");
  const auto check = [&](const char* before, const char* after) {
    Check one(p, {"person", "alice"}, {});
    return refused(one, before, after, disk);
  };
  using Lines = std::vector<std::string>;
  CHECK(check(R"({"system":{"motd":"a"}})", R"({"system":{"motd":"b"}})") == Lines{});
  CHECK(check(R"({})", R"({"system":{"motd":"a","kernel":{"version":6}}})") == Lines{"/system/kernel/version  → 6"});
  CHECK(check(R"({"system":{"motd":"a","kernel":{"version":6}}})", R"({})") == Lines{"/system/kernel/version 6 → "});
  CHECK(check(R"({"hardware":{"ram":[1,2]}})", R"({"hardware":{"ram":"lots"}})") ==
        Lines{"/hardware/ram  → \"lots\"", "/hardware/ram/0 1 → ", "/hardware/ram/1 2 → "});
  CHECK(check(R"({})", R"({"hardware":{}})") == Lines{"/hardware  → {}"});
  CHECK(check(R"({"system":{"motd":"a"},"x":1})", R"({"system":{"motd":"b"},"x":1.0})") == Lines{"/x 1 → 1.0"});
}

TEST_CASE("refusals are grouped, and bounded where a change is wide") {
  const auto p = policy();
  const auto batch = node("batch");
  Check check(p, {"person", "alice"}, {});
  for (int n = 0; n < 50; ++n) {
    const auto then = *base::profile::parse_json(R"({"a":1})"), now = *base::profile::parse_json(R"({"a":2})");
    const auto name = "n" + std::to_string(n);
    check.changed({name, batch}, {name, batch}, base::profile::diff(then, now));
  }
  auto report = check.report();
  REQUIRE(report.refusals.size() == 1);
  CHECK(report.refusals[0].node_count == 50);
  CHECK(report.refusals[0].nodes.size() == Check::max_nodes);
  CHECK_FALSE(report.allowed());
  Dict many;
  for (int i = 0; i < 500; ++i) many["k" + std::to_string(i)] = std::string(1000, 'x');
  const Value now = std::move(many), then = Dict{};
  check.changed({"m", batch}, {"m", batch}, base::profile::diff(then, now));
  report = check.report();
  CHECK(report.refusals.size() == Check::max_refusals);
  CHECK(report.more_refusals == 301);
  CHECK(report.refusals[5].after.size() < 200);
}

TEST_CASE("nodes and files are rights of their own") {
  const auto p = policy();
  const auto disk = node("diskA"), far = node("diskA", "R10"), other = node("diskC");
  Check check(p, {"person", "alice"}, {});
  check.added({"n1", disk});
  CHECK(check.report().allowed());
  check.added({"n2", far});
  check.added({"n3", other});
  check.removed({"n1", disk});
  check.edited("site/disk/a.pan");
  check.edited("site/net/a.pan");
  check.edited("weft.yaml");
  const auto report = check.report();
  REQUIRE(report.refusals.size() == 4);
  CHECK(report.refusals[0].act == "add_node");
  CHECK(report.refusals[0].nodes == std::vector<std::string>{"n2", "n3"});
  CHECK(report.refusals[1].path == "site/net/a.pan");
  CHECK(report.refusals[1].could == std::vector<std::string>{"group network"});
  CHECK(report.refusals[2].path == "weft.yaml");
  CHECK(report.refusals[3].act == "remove_node");
  Check owner(p, {"person", "nina"}, {});
  owner.edited("site/net/a.pan");
  owner.edited("weft.yaml");
  CHECK(owner.report().allowed());
  // Without a word about it, weft.yaml is for administrators.
  Check plain(policy("roles: {editor: {persons: [alice]}}"), {"person", "alice"}, {});
  plain.edited("site/a.pan");
  CHECK(plain.report().allowed());
  plain.edited("weft.yaml");
  CHECK_FALSE(plain.report().allowed());
}

TEST_CASE("approvals count by blast radius; nobody approves himself; whoever approves lends his rights") {
  const auto p = policy();
  const auto disk = node("diskA"), rack2 = node("diskA", "R2"), none = Value(Dict{});
  const auto then = *base::profile::parse_json(R"({"system":{"motd":"a"}})"),
             now = *base::profile::parse_json(R"({"system":{"motd":"b"}})");
  const auto changes = base::profile::diff(then, now);
  const auto report = [&](std::vector<std::string> approvers, const Value& second, int count, std::string author = "alice") {
    Check check(p, {"person", author}, approvers);
    for (int i = 0; i < count; ++i) {
      const auto name = "n" + std::to_string(i);
      const auto& where = i == 1 ? second : disk;
      check.changed({name, where}, {name, where}, changes);
    }
    return check.report();
  };
  CHECK(report({}, disk, 2).approvals.empty());
  CHECK(report({}, rack2, 2).approvals.size() == 1);
  CHECK(report({}, disk, 3).approvals.size() == 1);
  CHECK_FALSE(report({}, disk, 3).approved());
  CHECK_FALSE(report({"alice", "bob"}, disk, 3).approved());
  CHECK_FALSE(report({"bob", "nina"}, disk, 3).approved());
  CHECK(report({"bob", "otto"}, disk, 3).approved());
  const auto two = report({"bob", "otto"}, disk, 3).approvals.at(0);
  CHECK(two.nodes == 3);
  CHECK(two.racks == 1);
  CHECK(two.approved_by == std::vector<std::string>{"bob", "otto"});
  // An administrator needs the approvals of others as well; a service does not.
  CHECK_FALSE(report({}, disk, 3, "root").approved());
  CHECK(report({}, disk, 3, "root").allowed());
  Check service(p, {"service", "leaf"}, {});
  CHECK(service.idle());
  // nina may not set this; bob may, and he approved.
  CHECK_FALSE(report({}, disk, 1, "nina").allowed());
  CHECK_FALSE(report({"otto"}, disk, 1, "nina").allowed());
  CHECK(report({"bob"}, disk, 1, "nina").allowed());
}
