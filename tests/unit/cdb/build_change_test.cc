#include <doctest/doctest.h>

#include "base/compress/compress.h"
#include "base/profile/json.h"
#include "base/profile/path.h"
#include "cdb/build/builder.h"
#include "tests/unit/cdb/database.h"

using namespace cdb::build;
using base::Errc;
using tests::cdb_database::fresh;

namespace {

struct Site {
  tests::cdb_database::Fresh db = fresh();
  std::vector<cdb::store::Digest> published;
  std::unique_ptr<Builder> builder = make();
  std::int64_t head = 0;

  std::unique_ptr<Builder> make() {
    return std::make_unique<Builder>(db.store, [this](const std::vector<Fresh>& fresh) -> base::Result<> {
      for (const auto& one : fresh) published.push_back(one.root);
      return {};
    });
  }

  Change change(std::vector<Edit> edits) const {
    Change out;
    out.message = "test";
    out.author = {"person", "alice"};
    out.edits = std::move(edits);
    return out;
  }
  Outcome send(const Change& change) {
    auto outcome = builder->change(change);
    if (!outcome) FAIL(outcome.error().text());
    return std::move(*outcome);
  }
  Outcome edit(std::vector<Edit> edits) { return send(change(std::move(edits))); }
  Outcome import() {
    auto outcome =
        edit({{"weft.yaml", "include_path: [\".\"]\nobjects: [\"profiles/*.pan\"]\n"},
              {"site/common.pan", "unique template site/common;\n'/system/motd' = 'hello';\n"},
              {"site/disk.pan", "unique template site/disk;\n'/system/role' = 'disk';\n"},
              {"profiles/a1.pan",
               "object template a1;\ninclude 'site/common';\ninclude 'site/disk';\ninclude if_exists('sms/' + OBJECT);\n"},
              {"profiles/a2.pan",
               "object template a2;\ninclude 'site/common';\ninclude 'site/disk';\ninclude if_exists('sms/' + OBJECT);\n"},
              {"profiles/b1.pan", "object template b1;\ninclude 'site/common';\n'/system/of_a1' = value('a1:/system/role');\n"}});
    if (outcome.kind != Outcome::Kind::stored) {
      for (const auto& finding : outcome.findings) MESSAGE(finding.diagnostic.file << ": " << finding.diagnostic.message);
      FAIL("the import was not stored");
    }
    return outcome;
  }
  base::profile::Value profile(const std::string& node) const {
    const auto desired = db.store->desired(node);
    REQUIRE(desired);
    return *base::profile::parse_json(*base::compress::unzstd(*db.store->profile_data(*desired->root)));
  }
  std::int64_t revision_of(const std::string& node) const { return db.store->desired(node)->revision; }
};

std::string at(const base::profile::Value& profile, std::string_view path) {
  const auto* value = base::profile::find(profile, path);
  return value && value->is_string() ? *value->string() : "?";
}

std::int64_t number(const Outcome& outcome, std::string_view name) {
  return outcome.plan.get_integer(name, -1);
}

}  // namespace

TEST_CASE("an import compiles all objects and makes them desired") {
  Site site;
  const auto outcome = site.import();
  CHECK(outcome.revision == 1);
  CHECK(number(outcome, "compiled") == 3);
  CHECK(outcome.plan.get("added")->list()->size() == 3);
  CHECK(site.published.size() == 3);
  CHECK(at(site.profile("a1"), "/system/motd") == "hello");
  CHECK(at(site.profile("b1"), "/system/of_a1") == "disk");
  CHECK(site.db.store->node("a1")->attributes.get_string("role") == "disk");
}

TEST_CASE("a change compiles what it touches and nothing else") {
  Site site;
  site.import();
  auto outcome =
      site.edit({{"profiles/a2.pan", "object template a2;\ninclude 'site/common';\ninclude 'site/disk';\n'/system/x' = 1;\n"}});
  CHECK(outcome.kind == Outcome::Kind::stored);
  CHECK(number(outcome, "compiled") == 1);
  CHECK(number(outcome, "nodes") == 1);
  CHECK(site.revision_of("a1") == 1);
  CHECK(site.revision_of("a2") == 2);

  // A comment in a shared template: compiled, stored, no node changes.
  outcome = site.edit({{"site/common.pan", "unique template site/common;\n# why\n'/system/motd' = 'hello';\n"}});
  CHECK(outcome.kind == Outcome::Kind::stored);
  CHECK(number(outcome, "compiled") == 3);
  CHECK(number(outcome, "nodes") == 0);
  CHECK(site.revision_of("a2") == 2);

  // A file nobody reads.
  outcome = site.edit({{"site/unused.pan", "unique template site/unused;\n"}});
  CHECK(number(outcome, "compiled") == 0);
}

TEST_CASE("a look-up that failed is a read: the file that appears is found, and its removal too") {
  Site site;
  site.import();
  auto outcome = site.edit({{"sms/a2.pan", "unique template sms/a2;\n'/system/state' = 'maintenance';\n"}});
  CHECK(number(outcome, "compiled") == 1);
  CHECK(at(site.profile("a2"), "/system/state") == "maintenance");
  CHECK(site.db.store->node("a2")->attributes.get_string("state") == "maintenance");
  outcome = site.edit({{"sms/a2.pan", std::nullopt}});
  CHECK(number(outcome, "compiled") == 1);
  CHECK(at(site.profile("a2"), "/system/state") == "?");
  CHECK(site.db.store->desired("a2")->root == site.db.store->desired_at("a2", 1)->root);
  CHECK(site.revision_of("a2") == 3);  // grows although the root is the old one: nodes refuse older manifests
}

TEST_CASE("values of other profiles are followed, and only when the value changed") {
  Site site;
  site.import();
  // Changes a1, but not the value that b1 reads: b1 is not compiled.
  auto outcome = site.edit({{"sms/a1.pan", "unique template sms/a1;\n'/system/state' = 'standby';\n"}});
  CHECK(number(outcome, "compiled") == 1);
  outcome = site.edit({{"profiles/a1.pan", "object template a1;\n'/system/role' = 'disk';\n'/system/y' = 2;\n"}});
  CHECK(number(outcome, "nodes") == 1);
  outcome = site.edit({{"profiles/a1.pan", "object template a1;\n'/system/role' = 'tape';\n"}});
  CHECK(number(outcome, "compiled") == 2);
  CHECK(at(site.profile("b1"), "/system/of_a1") == "tape");
  outcome = site.edit({{"profiles/a1.pan", std::nullopt}});  // b1 cannot do without
  CHECK(outcome.kind == Outcome::Kind::refused);
  CHECK(at(site.profile("b1"), "/system/of_a1") == "tape");
}

TEST_CASE("values of an object that is no node are followed by its templates") {
  Site site;
  site.import();
  const std::string node = "object template c1;\n'/system/of' = value('defaults:/a') + value('more:/b', '');\n";
  CHECK(site.edit({{"defaults.pan", "object template defaults;\ninclude 'site/default';\n"},
                   {"site/default.pan", "template site/default;\n'/a' = value('a1:/system/role') + value('base:/a');\n"},
                   {"base.pan", "object template base;\n'/a' = '-1';\n"},
                   {"profiles/c1.pan", node}})
            .kind == Outcome::Kind::stored);
  CHECK(at(site.profile("c1"), "/system/of") == "disk-1");
  // Two objects away, and a node's value on the way.
  CHECK(number(site.edit({{"base.pan", "object template base;\n'/a' = '-2';\n"}}), "compiled") == 1);
  CHECK(at(site.profile("c1"), "/system/of") == "disk-2");
  site.edit({{"profiles/a1.pan", "object template a1;\n'/system/role' = 'tape';\n"}});
  CHECK(at(site.profile("c1"), "/system/of") == "tape-2");
  CHECK(number(site.edit({{"more.pan", "object template more;\n'/b' = '!';\n"}}), "compiled") == 1);
  CHECK(at(site.profile("c1"), "/system/of") == "tape-2!");
  CHECK(site.edit({{"base.pan", std::nullopt}}).kind == Outcome::Kind::refused);
}

TEST_CASE("a profile nested deeper than nodes accept is refused with its file") {
  Site site;
  site.import();
  const auto outcome =
      site.edit({{"profiles/a2.pan",
                  "object template a2;\n'/x' = { x = list(); n = 0; while (n < 130) { x = list(x); n = n + 1; }; x; };\n"}});
  CHECK(outcome.kind == Outcome::Kind::refused);
  REQUIRE_FALSE(outcome.findings.empty());
  CHECK(outcome.findings.front().diagnostic.file == "profiles/a2.pan");
  CHECK(outcome.findings.front().diagnostic.message.find("132 levels") != std::string::npos);
}

TEST_CASE("a broken change is refused whole, with place, and leaves no trace in the next one") {
  Site site;
  site.import();
  const auto before = site.db.store->desired("a1")->root;
  for (const std::string broken :
       {"unique template site/common;\n'/system/motd' = ;\n", "unique template site/common;\n'/system/motd' = error('no');\n",
        "unique template site/common;\ninclude 'site/dsk';\n",
        "unique template site/common;\nbind '/system/motd' = long;\n'/system/motd' = 'x';\n"}) {
    CAPTURE(broken);
    const auto outcome =
        site.edit({{"site/common.pan", broken}, {"site/disk.pan", "unique template site/disk;\n'/system/role' = 'changed';\n"}});
    CHECK(outcome.kind == Outcome::Kind::refused);
    CHECK(outcome.failed_profiles > 0);
    REQUIRE_FALSE(outcome.findings.empty());
    CHECK(outcome.findings.front().diagnostic.file == "site/common.pan");
    CHECK(outcome.findings.front().diagnostic.line > 0);
    CHECK_FALSE(outcome.findings.front().diagnostic.excerpt.empty());
    CHECK(outcome.findings.front().object_count == 3);
    CHECK(*site.db.store->head("main") == 1);
    CHECK(site.db.store->desired("a1")->root == before);
  }
  CHECK(site.published.size() == 3);
  const auto missing = site.edit({{"site/common.pan", "unique template site/common;\ninclude 'site/dsk';\n"}});
  CHECK(missing.findings.front().diagnostic.hint == "did you mean site/disk?");
  // b1 fails only because it reads a1: one cause, one finding.
  const auto knock_on = site.edit({{"profiles/a1.pan", "object template a1;\n'/x' = error('no');\n"}});
  REQUIRE(knock_on.findings.size() == 1);
  CHECK(knock_on.findings.front().objects == std::vector<std::string>{"a1", "b1"});
  const auto outcome = site.edit({{"site/disk.pan", "unique template site/disk;\n'/system/role' = 'd2';\n"}});
  CHECK(outcome.kind == Outcome::Kind::stored);
  CHECK(at(site.profile("a1"), "/system/motd") == "hello");
}

TEST_CASE("a dry run shows the plan and stores nothing") {
  Site site;
  site.import();
  auto change = site.change(
      {{"site/disk.pan", "unique template site/disk;\n'/system/role' = 'd2';\n'/software/components/x/active' = true;\n"}});
  change.dry_run = true;
  const auto outcome = site.send(change);
  CHECK(outcome.kind == Outcome::Kind::planned);
  CHECK(number(outcome, "nodes") == 3);
  const auto& groups = *outcome.plan.get("groups")->list();
  REQUIRE(groups.size() == 2);  // a1 and a2 alike; b1 by its read of a1
  CHECK(groups[0].get("nodes")->list()->size() == 2);
  const auto& changes = *groups[0].get("changes")->list();
  CHECK(changes.size() == 2);
  CHECK(changes[1].get_string("path") == "/system/role");
  CHECK(changes[1].get_string("before") == "\"disk\"");
  CHECK(changes[1].get_string("after") == "\"d2\"");
  CHECK(*outcome.plan.get("components")->list() == base::profile::List{"x"});
  CHECK(*site.db.store->head("main") == 1);
  CHECK(site.published.size() == 3);
  CHECK(site.edit({{"site/unused.pan", "unique template site/unused;\n"}}).kind == Outcome::Kind::stored);
  CHECK(at(site.profile("a1"), "/system/role") == "disk");
}

TEST_CASE("what is asked wrongly is an error, never half a change and never an empty fleet") {
  Site site;
  const auto error = [&](const Change& change) {
    const auto outcome = site.builder->change(change);
    REQUIRE_FALSE(outcome);
    return outcome.error();
  };
  CHECK(error(site.change({{"a.pan", "template a;\n"}})).message.find("weft.yaml") != std::string::npos);
  CHECK(error(site.change({{"weft.yaml", "include_path: [\".\"]\nobjects: [\"profiles/*.pan\"]\n"}}))
            .message.find("names no object") != std::string::npos);
  CHECK(error(site.change({{"weft.yaml", "include_path: [\".\"]\nobjets: [\"x\"]\n"}})).message.find("did you mean objects") !=
        std::string::npos);
  CHECK(error(site.change({{"weft.yaml", "include_path: [\n"}})).code == Errc::invalid);
  CHECK(error(site.change({{"weft.yaml", "include_path: [\"../etc\"]\nobjects: [\"x\"]\n"}})).code == Errc::invalid);
  CHECK(error(site.change({})).message.find("no edits") != std::string::npos);
  site.import();
  CHECK(error(site.change({{"../x.pan", "template x;\n"}})).code == Errc::invalid);
  CHECK(error(site.change({{"x.pan", "a"}, {"x.pan", "b"}})).message.find("twice") != std::string::npos);
  CHECK(error(site.change({{"weft.yaml", std::nullopt}})).message.find("weft.yaml") != std::string::npos);
  CHECK(error(site.change(
                  {{"profiles/a1.pan", std::nullopt}, {"profiles/a2.pan", std::nullopt}, {"profiles/b1.pan", std::nullopt}}))
            .message.find("names no object") != std::string::npos);
  auto change = site.change({{"x.pan", "template x;\n"}});
  change.branch = "mainn";
  CHECK(error(change).code == Errc::not_found);
  change.branch = "main";
  change.base = 17;
  CHECK(error(change).code == Errc::invalid);
  CHECK(*site.db.store->head("main") == 1);
}

TEST_CASE("object files: misspelt headers, wrong names and doubles are findings") {
  Site site;
  site.import();
  for (const auto& [path, content] :
       {std::pair{"profiles/a1.pan", "objct template a1;\n"}, std::pair{"profiles/a1.pan", "object template a7;\n"},
        std::pair{"profiles/common.pan", "unique template profiles/common;\n"}}) {
    CAPTURE(content);
    const auto outcome = site.edit({{path, content}});
    CHECK(outcome.kind == Outcome::Kind::refused);
    CHECK(outcome.findings.front().diagnostic.file == path);
    CHECK_FALSE(outcome.findings.front().diagnostic.hint.empty());
  }
  const auto outcome = site.edit({{"weft.yaml", "include_path: [\".\"]\nobjects: [\"profiles/**/*.pan\"]\n"},
                                  {"profiles/x/a1.pan", "object template a1;\n"}});
  CHECK(outcome.kind == Outcome::Kind::refused);
  CHECK(*site.db.store->head("main") == 1);
}

TEST_CASE("objects come, move and leave") {
  Site site;
  site.import();
  auto outcome = site.edit({{"profiles/c1.pan", "object template c1;\n'/x' = 1;\n"}});
  CHECK(number(outcome, "compiled") == 1);
  CHECK(outcome.plan.get("added")->list()->front().get_string("node") == "c1");
  outcome = site.edit({{"weft.yaml", "include_path: [\".\"]\nobjects: [\"profiles/*.pan\", \"more/*.pan\"]\n"},
                       {"profiles/c1.pan", std::nullopt},
                       {"more/c1.pan", "object template c1;\n'/x' = 1;\n"}});
  CHECK(outcome.kind == Outcome::Kind::stored);
  CHECK(number(outcome, "nodes") == 0);  // moved, not changed
  CHECK(site.db.store->node("c1")->path == "more/c1.pan");
  CHECK(site.revision_of("c1") == 2);
  outcome = site.edit({{"more/c1.pan", std::nullopt}});
  CHECK(*outcome.plan.get("removed")->list() == base::profile::List{"c1"});
  CHECK(site.db.store->desired("c1").error().code == Errc::not_found);
  outcome = site.edit({{"profiles/c1.pan", "object template c1;\n'/x' = 1;\n"}});
  CHECK(outcome.kind == Outcome::Kind::stored);
  CHECK(site.revision_of("c1") == 5);
}

TEST_CASE("no effect, conflicts and reverts") {
  Site site;
  site.import();
  const std::string old = "unique template site/disk;\n'/system/role' = 'disk';\n";
  CHECK(site.edit({{"site/disk.pan", old}, {"nothing.pan", std::nullopt}}).kind == Outcome::Kind::unchanged);
  CHECK(site.edit({{"site/disk.pan", "unique template site/disk;\n'/system/role' = 'd2';\n"}, {"new.pan", "template new;\n"}})
            .revision == 2);

  auto late = site.change({{"site/disk.pan", "unique template site/disk;\n'/system/role' = 'mine';\n"}});
  late.base = 1;
  auto outcome = site.send(late);
  CHECK(outcome.kind == Outcome::Kind::conflict);
  REQUIRE(outcome.conflicts.size() == 1);
  CHECK(outcome.conflicts[0].path == "site/disk.pan");
  CHECK(outcome.conflicts[0].revision == 2);
  auto elsewhere = site.change({{"site/common.pan", "unique template site/common;\n'/system/motd' = 'bye';\n"}});
  elsewhere.base = 1;
  CHECK(site.send(elsewhere).revision == 3);  // moved since, but not this path

  const auto reverted = site.builder->revert(2, "", false, {"person", "bob"});
  REQUIRE(reverted);
  CHECK(reverted->kind == Outcome::Kind::stored);
  CHECK(at(site.profile("a1"), "/system/role") == "disk");
  CHECK(at(site.profile("a1"), "/system/motd") == "bye");
  CHECK(site.db.store->file("main", 0, "new.pan").error().code == Errc::not_found);
  CHECK(site.db.store->revision(4)->reverts == 2);
  CHECK(site.db.store->revision(4)->message == "Revert revision 2: test");
  CHECK(site.builder->revert(2, "", false, {"person", "bob"})->kind == Outcome::Kind::unchanged);
  site.edit({{"site/common.pan", "unique template site/common;\n'/system/motd' = 'later';\n"}});
  CHECK(site.builder->revert(3, "", false, {"person", "bob"})->kind == Outcome::Kind::conflict);
  CHECK(site.builder->revert(99, "", false, {"person", "bob"}).error().code == Errc::not_found);
}

TEST_CASE("a failed publication stores nothing, and the resident branch forgets the change") {
  Site site;
  site.import();
  bool full = true;
  site.builder = std::make_unique<Builder>(site.db.store, [&](const std::vector<Fresh>&) -> base::Result<> {
    if (full) return base::fail(Errc::exhausted, "disk full");
    return {};
  });
  const auto change = site.change({{"site/disk.pan", "unique template site/disk;\n'/system/role' = 'd2';\n"}});
  CHECK(site.builder->change(change).error().code == Errc::exhausted);
  CHECK(*site.db.store->head("main") == 1);
  full = false;
  CHECK(site.send(change).kind == Outcome::Kind::stored);
}

TEST_CASE("two servers: each sees what the other committed, and a restarted one knows all reads") {
  Site site;
  site.import();
  auto other = site.make();
  for (int i = 0; i < 3; ++i) {
    auto& server = i % 2 ? *site.builder : *other;
    const auto outcome = server.change(
        site.change({{"site/disk.pan", "unique template site/disk;\n'/system/role' = 'r" + std::to_string(i) + "';\n"}}));
    REQUIRE(outcome);
    CHECK(number(*outcome, "compiled") == 3);
    CHECK(at(site.profile("b1"), "/system/of_a1") == "r" + std::to_string(i));
  }
  // New look-ups of one server are numbered once: the other takes them over and goes on.
  REQUIRE(other->change(site.change({{"profiles/a2.pan", "object template a2;\ninclude 'site/new1';\n"},
                                     {"site/new1.pan", "template site/new1;\n'/x' = 1;\n"}})));
  REQUIRE(site.builder->change(site.change({{"profiles/b1.pan", "object template b1;\ninclude 'site/new2';\n"},
                                            {"site/new2.pan", "template site/new2;\n'/x' = 1;\n"}})));
  auto restarted = site.make();
  REQUIRE(restarted->warm("main"));
  const auto outcome = restarted->change(site.change({{"site/new1.pan", "template site/new1;\n'/x' = 2;\n"}}));
  REQUIRE(outcome);
  CHECK(number(*outcome, "compiled") == 1);
  CHECK(number(*outcome, "nodes") == 1);
}

TEST_CASE("where a node's values come from, on the branch as it is now") {
  Site site;
  site.import();
  const std::vector<std::string> role{"/system/role"}, wrong{"/system/rol"};
  auto first = site.builder->explain("main", "a1", role);
  REQUIRE(first);
  REQUIRE(first->elements.size() == 1);
  CHECK(first->elements[0].origin()->place.file == "site/disk.pan");
  CHECK(first->elements[0].origin()->place.line == 2);
  CHECK(first->elements[0].origin()->chain.front().place.file == "profiles/a1.pan");

  // A server that did not see the commit answers with it all the same.
  auto other = site.make();
  REQUIRE(other->warm("main"));
  site.edit({{"site/disk.pan", "unique template site/disk;\n\n\n'/system/role' = 'tape';\n"}});
  const auto after = other->explain("main", "a1", role);
  REQUIRE(after);
  CHECK(after->elements[0].origin()->place.line == 4);
  CHECK(after->elements[0].text == "\"tape\"");

  const auto unknown = site.builder->explain("main", "a1", wrong);
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == Errc::not_found);
  CHECK(unknown.error().hint == "did you mean /system/role?");
  CHECK(site.builder->explain("main", "nobody", role).error().code == Errc::not_found);
  CHECK(site.builder->explain("nowhere", "a1", role).error().code == Errc::not_found);
  CHECK(site.builder->explain("main", "a1", {}).error().code == Errc::invalid);
  // Asking leaves the branch as it was.
  CHECK(number(site.edit({{"site/disk.pan", "unique template site/disk;\n'/system/role' = 'disk';\n"}}), "compiled") == 3);
}
