#include <doctest/doctest.h>

#include <algorithm>

#include "base/profile/json.h"
#include "cdb/build/findings.h"
#include "cdb/build/plan.h"
#include "cdb/build/read_index.h"
#include "cdb/build/site.h"

using namespace cdb::build;
using cdb::pan::Read;

TEST_CASE("weft.yaml: patterns count by segment") {
  const auto site = parse_site("include_path: [\".\", cfg/]\nobjects: [\"profiles/*.pan\", \"clusters/**/o-?.pan\"]\n");
  REQUIRE(site);
  CHECK(site->include_path == std::vector<std::string>{"", "cfg"});
  CHECK(site->is_object("profiles/a.pan"));
  CHECK(site->is_object("clusters/o-1.pan"));
  CHECK(site->is_object("clusters/x/y/o-1.pan"));
  for (const auto* no : {"profiles/x/a.pan", "profiles/a.tpl", "xprofiles/a.pan", "clusters/o-12.pan", "clusters/x"})
    CHECK_FALSE(site->is_object(no));
  for (const auto* bad :
       {"", "[]", "include_path: [a]", "objects: [a]", "include_path: []\nobjects: [a]", "include_path: [1]\nobjects: [a]",
        "include_path: [a]\nobjects: [/a]", "include_path: [/etc]\nobjects: [a]", "include_path: [a]\nobjects: [../a]",
        "include_path: [a]\nobjects: [a]\nextra: 1", "include_path: a\nobjects: [a]"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_site(bad));
  }
}

TEST_CASE("the read index follows what objects read") {
  ReadIndex index;
  Numbering numbering(index);
  const std::vector<Read> a{{Read::Kind::template_file, "site/common", 0, ""}, {Read::Kind::template_file, "sms/a", -1, ""}};
  const std::vector<Read> b{{Read::Kind::template_file, "site/common", 0, ""}, {Read::Kind::other_object, "a", 0, "/x"}};
  const auto ids_a = numbering.number(a), ids_b = numbering.number(b);
  CHECK(ids_a.size() == 2);
  CHECK(numbering.fresh().size() == 3);
  CHECK(index.size() == 0);  // nothing enters before the commit
  for (const auto& key : numbering.fresh()) index.append(key);
  index.set("a", ids_a);
  index.set("b", ids_b);
  const std::vector<std::string> path{"", "cfg"};
  const auto touched = [&](std::string_view file) {
    std::vector<std::string> out;
    index.touched(file, path, out);
    return std::set<std::string>(out.begin(), out.end());
  };
  CHECK(touched("site/common.pan") == std::set<std::string>{"a", "b"});
  CHECK(touched("cfg/sms/a.pan") == std::set<std::string>{"a"});  // looked for, absent so far
  CHECK(touched("cfg/site/common.pan").empty());                  // found earlier in the include path
  CHECK(touched("other/common.pan").empty());
  CHECK(index.readers_of("a").at("/x") == std::vector<std::string>{"b"});
  CHECK(index.readers_of("b").empty());
  index.set("b", {ids_b[0]});
  index.remove("a");
  CHECK(touched("site/common.pan") == std::set<std::string>{"b"});
  CHECK(touched("sms/a.pan").empty());
  CHECK(Numbering(index).number(a) == ids_a);
}

TEST_CASE("nodes that look up the same share one set, and leave it one by one") {
  ReadIndex index;
  const auto read = [](std::string name, int root = 0) { return Read{Read::Kind::template_file, std::move(name), root, ""}; };
  const auto set = [&](const std::string& object, const std::vector<Read>& reads) {
    Numbering numbering(index);
    const auto ids = numbering.number(reads);
    for (const auto& key : numbering.fresh()) index.append(key);
    index.set(object, ids);
    return ids;
  };
  const std::vector<std::string> path{"lib", "std"};
  const auto touched = [&](std::string_view file) {
    std::vector<std::string> out;
    index.touched(file, path, out);
    std::sort(out.begin(), out.end());
    return out;
  };
  using Names = std::vector<std::string>;
  for (const std::string node : {"n1", "n10", "n2"})
    set(node, {read("role/disk", 1), read("site/common"), read(node), read("sms/" + node, -1)});
  CHECK(index.sets() == 1);
  CHECK(touched("lib/site/common.pan") == Names{"n1", "n10", "n2"});
  CHECK(touched("lib/role/disk.pan") == Names{"n1", "n10", "n2"});  // shadows
  CHECK(touched("std/role/disk.tpl") == Names{"n1", "n10", "n2"});
  CHECK(touched("std/site/common.pan").empty());
  CHECK(touched("std/sms/n1.pan") == Names{"n1"});
  CHECK(touched("lib/n10.pan") == Names{"n10"});
  CHECK(touched("lib/role/n10.pan").empty());
  CHECK(touched("role/disk.pan").empty());
  CHECK(touched("lib/role/disk").empty());
  CHECK(touched("").empty());

  // n2 becomes a worker; what it looked up before does not find it any more.
  const auto ids = set("n2", {read("role/worker", 1), read("site/common"), read("n2")});
  CHECK(index.sets() == 2);
  CHECK(index.reads_of("n2") == ids);
  CHECK(touched("std/role/disk.pan") == Names{"n1", "n10"});
  CHECK(touched("lib/sms/n2.pan").empty());
  CHECK(touched("lib/site/common.pan") == Names{"n1", "n10", "n2"});
  index.remove("n1");
  index.remove("n10");
  index.remove("nobody");
  CHECK(index.sets() == 1);
  CHECK(touched("std/role/disk.pan").empty());
  CHECK(index.reads_of("n1").empty());
  set("n3", {read("role/disk", 1), {Read::Kind::other_object, "n2", 0, "/x"}, {Read::Kind::other_object, "n20", 0, "/y"}});
  CHECK(touched("std/role/disk.pan") == Names{"n3"});
  CHECK(index.readers_of("n2") == std::map<std::string, Names>{{"/x", {"n3"}}});
  index.remove("n3");
  CHECK(index.readers_of("n2").empty());
}

TEST_CASE("a plan groups equal differences and shortens values") {
  const auto tree = [](const std::string& text) { return *base::profile::parse_json(text); };
  const auto difference = [](const base::profile::Value& before, const base::profile::Value& after) {
    return cdb::build::difference(base::profile::diff(before, after));
  };
  Plan plan;
  plan.changed("n2", difference(tree(R"({"a":1,"software":{"components":{"spma":{"x":1}}}})"),
                                tree(R"({"a":2,"software":{"components":{"spma":{"x":2}}}})")));
  plan.changed("n1", difference(tree(R"({"a":1,"software":{"components":{"spma":{"x":1}}},"own":"n1"})"),
                                tree(R"({"a":2,"software":{"components":{"spma":{"x":2}}},"own":"n1"})")));
  plan.changed("n3", difference(tree(R"({"a":1})"), tree(R"({"a":1.0})")));  // a type is a difference
  plan.changed("n4", difference(tree(R"({"a":1})"), tree(R"({"a":1,"software":{"components":{"ccm":{},"motd":{}}}})")));
  plan.added("n5", 7);
  plan.removed("n6");
  const auto json = plan.json();
  CHECK(plan.nodes() == 6);
  CHECK(base::profile::to_json(*json.get("components")) == R"(["ccm","motd","spma"])");
  const auto& groups = *json.get("groups")->list();
  REQUIRE(groups.size() == 3);
  CHECK(base::profile::to_json(*groups[0].get("nodes")) == R"(["n1","n2"])");
  CHECK(groups[0].get("changes")->list()->size() == 2);
  const auto long_value = difference(base::profile::Dict{{"t", "x"}},
                                     base::profile::Dict{{"t", std::string(Plan::max_value - 2, 'x') + "\xc3\xa9\xc3\xa9"}});
  CHECK(long_value.lines[0].after.size() <= Plan::max_value + 6);
  // Long texts are cut around what differs; of several lines the differing ones are shown.
  const auto tail = difference(base::profile::Dict{{"t", std::string(500, 'x') + "old"}},
                               base::profile::Dict{{"t", std::string(500, 'x') + "new"}});
  CHECK(tail.lines[0].before.ends_with("old\""));
  CHECK(tail.lines[0].after.ends_with("new\""));
  CHECK(tail.lines[0].before.starts_with("…"));
  const auto lines = difference(base::profile::Dict{{"t", "a\nb\nc\n"}}, base::profile::Dict{{"t", "a\nB\nc\n"}});
  CHECK(lines.lines[0].diff == "-b\n+B\n");
  const auto elsewhere = difference(base::profile::Dict{{"t", "x\nb\nz\n"}}, base::profile::Dict{{"t", "x\nB\nz\n"}});
  CHECK(elsewhere.identity == lines.identity);  // the same edit in a text that differs otherwise
  CHECK(difference(base::profile::Dict{{"t", "a\nb\n"}}, base::profile::Dict{{"t", "a\nc\n"}}).identity != lines.identity);
  CHECK(base::profile::parse_json(base::profile::to_json(base::profile::Value(long_value.lines[0].after))));  // still UTF-8
}

TEST_CASE("one cause is one finding, however many profiles it breaks") {
  Findings findings;
  cdb::pan::Diagnostic d;
  d.message = "undefined variable";
  d.file = "site/common.pan";
  d.line = 3;
  for (int i = 0; i < 24; ++i) {
    d.object = "disk" + std::to_string(i);
    findings.add(d);
  }
  d.line = 4;
  d.severity = cdb::pan::Diagnostic::Severity::warning;
  findings.add(d);
  const auto list = findings.list();
  REQUIRE(list.size() == 2);
  CHECK(list[0].object_count == 24);
  CHECK(list[0].objects.size() == Findings::max_objects);
  CHECK(findings.failed());
  for (int i = 0; i < 1000; ++i) {
    d.line = 100 + i;
    findings.add(d);
  }
  CHECK(findings.list().size() == Findings::max_findings);
  CHECK(findings.dropped() == 802);
}
