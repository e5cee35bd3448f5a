#include <doctest/doctest.h>

#include <algorithm>

#include "base/compress/compress.h"
#include "base/profile/json.h"
#include "base/profile/path.h"
#include "cdb/build/builder.h"
#include "tests/unit/cdb/database.h"

using namespace cdb::build;
using base::Errc;
using cdb::store::NewBranch;
using tests::cdb_database::fresh;

namespace {

const cdb::store::Actor alice{"person", "alice"}, bob{"person", "bob"};

std::string common(std::string_view motd, std::string_view ntp) {
  return "unique template site/common;\n'/system/motd' = '" + std::string(motd) + "';\n\n\n\n\n'/system/ntp' = '" +
         std::string(ntp) + "';\n";
}

struct Site {
  tests::cdb_database::Fresh db = fresh();
  std::vector<cdb::store::Digest> published;
  std::unique_ptr<Builder> builder =
      std::make_unique<Builder>(db.store, [this](const std::vector<Fresh>& fresh) -> base::Result<> {
        for (const auto& one : fresh) published.push_back(one.root);
        return {};
      });

  Site() {
    edit("main", {{"weft.yaml", "include_path: [\".\"]\nobjects: [\"profiles/*.pan\"]\n"},
                  {"site/common.pan", common("hello", "ntp1")},
                  {"profiles/a1.pan", object("a1")},
                  {"profiles/a2.pan", object("a2")}});
  }
  static std::string object(const std::string& name) {
    return "object template " + name + ";\ninclude 'site/common';\ninclude if_exists('sms/' + OBJECT);\n";
  }
  template <class T>
  static T must(base::Result<T> result) {
    if (!result) FAIL(result.error().text());
    return std::move(*result);
  }
  Outcome edit(const std::string& branch, std::vector<Edit> edits, const cdb::store::Actor& who = alice) {
    Change change;
    change.branch = branch;
    change.message = "edit of " + branch;
    change.author = who;
    change.edits = std::move(edits);
    auto outcome = must(builder->change(change));
    CHECK(outcome.kind == Outcome::Kind::stored);
    return outcome;
  }
  Outcome create(const std::string& name, const std::string& kind, const std::string& from = "main", std::int64_t revision = 0) {
    return must(builder->create_branch({name, kind, "", from, revision}, alice));
  }
  Outcome merge(const std::string& source, const std::string& target, bool dry_run = false) {
    return must(builder->merge(source, target, "", dry_run, bob));
  }
  std::string desired(const std::string& node, std::string_view path) const {
    const auto row = db.store->desired(node);
    REQUIRE(row);
    const auto tree = *base::profile::parse_json(*base::compress::unzstd(*db.store->profile_data(*row->root)));
    const auto* value = base::profile::find(tree, path);
    return value && value->is_string() ? *value->string() : "?";
  }
  std::string content(const std::string& branch, const std::string& path) const {
    return *must(db.store->file(branch, 0, path)).content;
  }
};

}  // namespace

TEST_CASE("a sandbox compiles and plans, and no node notices") {
  Site site;
  site.published.clear();
  const auto made = site.create("alice", "sandbox");
  CHECK(made.kind == Outcome::Kind::stored);
  CHECK(made.revision == 2);  // one counter over all branches
  const auto outcome = site.edit("alice", {{"site/common.pan", common("sandbox", "ntp1")}});
  CHECK(outcome.revision == 3);
  CHECK(outcome.plan.get_integer("nodes") == 2);
  CHECK(outcome.plan.get_integer("followers", -1) == 0);
  CHECK(site.published.empty());
  CHECK(site.desired("a1", "/system/motd") == "hello");
  CHECK(site.db.store->desired("a1")->revision == 1);
  // A new object template of a sandbox is no node.
  site.edit("alice", {{"profiles/a3.pan", Site::object("a3")}});
  CHECK(site.db.store->desired("a3").error().code == Errc::not_found);
  CHECK(*site.db.store->head("main") == 1);
  const auto info = Site::must(site.db.store->branch("alice"));
  CHECK(info.sandbox());
  CHECK(info.objects == 3);
  CHECK(info.followers == 0);
  CHECK(info.source == "main");
  // A server that starts now sees the same.
  site.builder = std::make_unique<Builder>(site.db.store, [](const auto&) { return base::Result<>(); });
  CHECK(site.edit("alice", {{"site/common.pan", common("again", "ntp1")}}).plan.get_integer("compiled") == 3);
  CHECK_FALSE(site.db.store->verify_audit()->broken);
}

TEST_CASE("branches that cannot be made or deleted") {
  Site site;
  for (const auto* name : {"", "Alice", "a b", "../x", "-a", "a..b", "x.lock", "a/b", "refs/heads/x", ".git", "a."}) {
    CAPTURE(name);
    CHECK(site.builder->create_branch({name, "sandbox", "", "main", 0}, alice).error().code == Errc::invalid);
  }
  CHECK(site.builder->create_branch({"main", "domain", "", "main", 0}, alice).error().code == Errc::conflict);
  CHECK(site.builder->create_branch({"x", "sandbox", "", "mian", 0}, alice).error().message.find("did you mean main") !=
        std::string::npos);
  CHECK(site.builder->create_branch({"x", "sandbox", "", "main", 7}, alice).error().code == Errc::invalid);
  CHECK(site.db.store->delete_branch("main", alice).error().code == Errc::conflict);
  CHECK(site.db.store->delete_branch("x", alice).error().code == Errc::not_found);
  site.create("old", "sandbox");
  REQUIRE(site.db.store->delete_branch("old", alice));
  CHECK(site.db.store->head("old").error().message.find("was deleted") != std::string::npos);
  CHECK(site.builder->create_branch({"old", "sandbox", "", "main", 0}, alice).error().message.find("keep the name") !=
        std::string::npos);
  CHECK(Site::must(site.db.store->branches()).size() == 1);
}

TEST_CASE("a branch of an old revision compiles it again and takes over no node") {
  Site site;
  site.edit("main", {{"site/common.pan", common("later", "ntp1")}, {"profiles/a2.pan", std::nullopt}});
  const auto made = site.create("stable", "domain", "main", 1);
  CHECK(made.kind == Outcome::Kind::stored);
  CHECK(site.content("stable", "site/common.pan") == common("hello", "ntp1"));
  CHECK(Site::must(site.db.store->branch("stable")).objects == 2);
  CHECK(site.db.store->desired("a2").error().code == Errc::not_found);  // it left main and is not brought back by a copy
  CHECK(site.desired("a1", "/system/motd") == "later");
}

TEST_CASE("a merge takes lines of both sides, and again only what is new") {
  Site site;
  site.create("alice", "sandbox");
  site.edit("alice", {{"site/common.pan", common("from alice", "ntp1")}, {"site/new.pan", "template site/new;\n"}});
  site.edit("main", {{"site/common.pan", common("hello", "ntp2")}}, bob);
  const auto plan = site.merge("alice", "main", true);
  CHECK(plan.kind == Outcome::Kind::planned);
  CHECK(*site.db.store->head("main") == 4);
  const auto merged = site.merge("alice", "main");
  CHECK(merged.kind == Outcome::Kind::stored);
  CHECK(merged.merged == std::vector<std::string>{"site/common.pan"});
  CHECK(site.content("main", "site/common.pan") == common("from alice", "ntp2"));
  CHECK(site.desired("a1", "/system/motd") == "from alice");
  const auto revision = Site::must(site.db.store->revision(merged.revision));
  CHECK(revision.merged == "alice");
  CHECK(revision.merged_revision == 3);
  CHECK(site.merge("alice", "main").kind == Outcome::Kind::unchanged);
  // The next merge starts from the last one: alice's line changes again without a conflict with her own earlier change.
  site.edit("alice", {{"site/common.pan", common("alice again", "ntp1")}, {"site/new.pan", std::nullopt}});
  CHECK(site.merge("alice", "main").kind == Outcome::Kind::stored);
  CHECK(site.content("main", "site/common.pan") == common("alice again", "ntp2"));
  CHECK(site.db.store->file("main", 0, "site/new.pan").error().code == Errc::not_found);
  // And the other way round.
  CHECK(site.merge("main", "alice").kind == Outcome::Kind::stored);
  CHECK(site.content("alice", "site/common.pan") == common("alice again", "ntp2"));
  CHECK(site.merge("main", "alice").kind == Outcome::Kind::unchanged);
}

TEST_CASE("a conflict says what was there, what each side made of it, who and when; nothing is stored") {
  Site site;
  site.create("alice", "sandbox");
  site.edit("alice", {{"site/common.pan", common("of alice", "ntp1")}, {"profiles/a2.pan", std::nullopt}});
  site.edit("main", {{"site/common.pan", common("of bob", "ntp1")}, {"profiles/a2.pan", Site::object("a2") + "# kept\n"}}, bob);
  const auto outcome = site.merge("main", "alice");
  CHECK(outcome.kind == Outcome::Kind::conflict);
  REQUIRE(outcome.conflicts.size() == 2);
  const auto& gone = outcome.conflicts[0];
  CHECK(gone.path == "profiles/a2.pan");
  CHECK(gone.kind == "removed-here");
  const auto& both = outcome.conflicts[1];
  CHECK(both.path == "site/common.pan");
  CHECK(both.kind == "content");
  CHECK(both.base == "main@1");
  CHECK(both.mine == "alice@3");
  CHECK(both.theirs == "main@4");
  CHECK(both.author == "bob");
  CHECK(both.revision == 4);
  REQUIRE(both.regions.size() == 1);
  CHECK(both.regions[0].line == 2);
  CHECK(both.regions[0].base == "'/system/motd' = 'hello';\n");
  CHECK(both.regions[0].mine == "'/system/motd' = 'of alice';\n");
  CHECK(both.regions[0].theirs == "'/system/motd' = 'of bob';\n");
  CHECK(*site.db.store->head("alice") == 3);
  // Siblings merge from where both began.
  site.create("carol", "sandbox", "main", 1);
  CHECK(site.merge("carol", "alice").kind == Outcome::Kind::unchanged);
  CHECK(site.builder->merge("alice", "alice", "", false, bob).error().code == Errc::invalid);
  CHECK(site.builder->merge("alice", "nobody", "", false, bob).error().code == Errc::not_found);
}

TEST_CASE("a change on an old base reports its conflict the same way") {
  Site site;
  site.edit("main", {{"site/common.pan", common("of bob", "ntp1")}}, bob);
  Change change;
  change.base = 1;
  change.message = "mine";
  change.author = alice;
  change.edits = {{"site/common.pan", common("mine", "ntp1")}};
  auto outcome = Site::must(site.builder->change(change));
  REQUIRE(outcome.kind == Outcome::Kind::conflict);
  CHECK(outcome.conflicts[0].kind == "content");
  CHECK(outcome.conflicts[0].author == "bob");
  CHECK(outcome.conflicts[0].regions.size() == 1);
  change.edits = {{"site/common.pan", common("hello", "ntp9")}};
  outcome = Site::must(site.builder->change(change));
  REQUIRE(outcome.kind == Outcome::Kind::conflict);  // the server never merges a commit: its author looks at the result first
  CHECK(outcome.conflicts[0].kind == "other-lines");
  CHECK(outcome.conflicts[0].merged == common("of bob", "ntp9"));
}

TEST_CASE("cherry-pick and revert go around other lines and stop at the same ones") {
  Site site;
  site.create("stable", "domain");
  site.edit("main", {{"site/common.pan", common("one", "ntp1")}}, bob);  // 3
  site.edit("main", {{"site/common.pan", common("one", "ntp2")}}, bob);  // 4
  const auto picked = Site::must(site.builder->cherry_pick(4, "stable", "", false, alice));
  CHECK(picked.kind == Outcome::Kind::stored);
  CHECK(site.content("stable", "site/common.pan") == common("hello", "ntp2"));
  CHECK(picked.merged == std::vector<std::string>{"site/common.pan"});
  CHECK(Site::must(site.builder->cherry_pick(4, "stable", "", false, alice)).kind == Outcome::Kind::unchanged);
  CHECK(site.builder->cherry_pick(2, "main", "", false, alice).error().code == Errc::invalid);
  CHECK(site.builder->cherry_pick(77, "main", "", false, alice).error().code == Errc::not_found);

  const auto reverted = Site::must(site.builder->revert(3, "", false, alice));
  CHECK(reverted.kind == Outcome::Kind::stored);
  CHECK(reverted.merged == std::vector<std::string>{"site/common.pan"});
  CHECK(site.content("main", "site/common.pan") == common("hello", "ntp2"));
  site.edit("main", {{"site/common.pan", common("hello", "ntp3")}}, bob);
  const auto refused = Site::must(site.builder->revert(4, "", false, alice));
  REQUIRE(refused.kind == Outcome::Kind::conflict);
  CHECK(refused.conflicts[0].regions[0].mine == "'/system/ntp' = 'ntp3';\n");
  CHECK(refused.conflicts[0].regions[0].theirs == "'/system/ntp' = 'ntp1';\n");
}

TEST_CASE("nodes move between branches, all or none, and back") {
  Site site;
  site.create("stable", "domain");
  site.edit("main", {{"site/common.pan", common("main", "ntp1")}, {"profiles/a3.pan", Site::object("a3")}});
  site.published.clear();
  const auto move = [&](std::vector<std::string> nodes, const std::string& target, bool dry_run = false) {
    return site.builder->move(nodes, target, std::nullopt, "why", dry_run, bob);
  };
  const auto plan = Site::must(move({"a1"}, "stable", true));
  CHECK(plan.plan.get_integer("nodes") == 1);
  CHECK(site.desired("a1", "/system/motd") == "main");
  const auto done = Site::must(move({"a1"}, "stable"));
  CHECK(done.revision == 4);
  CHECK(site.published.size() == 1);
  CHECK(site.desired("a1", "/system/motd") == "hello");
  CHECK(site.desired("a2", "/system/motd") == "main");
  CHECK(site.db.store->desired("a1")->revision == 4);  // a manifest only ever grows
  CHECK(site.db.store->node("a1")->branch == "stable");
  CHECK(site.db.store->desired_since(3, 0)->nodes.size() == 1);
  CHECK(Site::must(move({"a1"}, "stable")).kind == Outcome::Kind::unchanged);
  // Commits of the branch that it left no longer reach it; those of its own do.
  site.edit("main", {{"site/common.pan", common("main 2", "ntp1")}});
  CHECK(site.desired("a1", "/system/motd") == "hello");
  site.edit("stable", {{"site/common.pan", common("stable 2", "ntp1")}});
  CHECK(site.desired("a1", "/system/motd") == "stable 2");
  CHECK(site.desired("a2", "/system/motd") == "main 2");

  CHECK(move({"a2", "a3"}, "stable").error().message.find("describes no a3") != std::string::npos);
  CHECK(site.db.store->node("a2")->branch == "main");
  CHECK(move({"nobody"}, "stable").error().code == Errc::not_found);
  CHECK(move({"a1"}, "nowhere").error().code == Errc::not_found);
  CHECK(move({}, "stable").error().code == Errc::invalid);
  CHECK(site.builder->move({"a1"}, "main", 1, "", false, bob).error().code == Errc::conflict);  // planned on another head
  CHECK(site.db.store->delete_branch("stable", alice).error().message.find("a1") != std::string::npos);
  CHECK(site.builder->revert(4, "", false, bob).error().hint == "move them back: weft node move a1 --branch main");
  Site::must(move({"a1"}, "main"));
  CHECK(site.desired("a1", "/system/motd") == "main 2");
  CHECK(site.db.store->delete_branch("stable", alice));
  CHECK(site.db.store->drop_unused_profiles());
  CHECK(site.desired("a1", "/system/motd") == "main 2");
  CHECK_FALSE(site.db.store->verify_audit()->broken);
}

TEST_CASE("claims do not get lost by a move") {
  Site site;
  site.create("stable", "domain");
  site.edit("main", {{"sms/a1.pan", "template sms/a1;\n'/system/state' = 'maintenance';\n"}});
  const auto refused = site.builder->move({"a1"}, "stable", std::nullopt, "", false, bob);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::conflict);
  CHECK(refused.error().message.find("sms/a1.pan on branch main is missing on stable") != std::string::npos);
  CHECK(site.builder->move({"a2"}, "stable", std::nullopt, "", false, bob));
}

TEST_CASE("a sandbox reaches a node that was put on it by name") {
  Site site;
  site.create("alice", "sandbox");
  Site::must(site.builder->move({"a2"}, "alice", std::nullopt, "try", false, alice));
  site.published.clear();
  const auto outcome = site.edit("alice", {{"site/common.pan", common("trial", "ntp1")}});
  CHECK(outcome.plan.get_integer("followers") == 1);
  CHECK(site.published.size() == 1);
  CHECK(site.desired("a2", "/system/motd") == "trial");
  CHECK(site.desired("a1", "/system/motd") == "hello");
}

TEST_CASE("only so many branches stay in memory, and a forgotten one works on") {
  Site site;
  for (const auto* name : {"s1", "s2", "s3", "s4", "s5", "s6"}) {
    site.create(name, "sandbox");
    site.edit(name, {{"site/common.pan", common(name, "ntp1")}});
  }
  for (const auto* name : {"s1", "s6", "s2"}) {
    const auto outcome = site.edit(name, {{"site/common.pan", common(std::string(name) + "!", "ntp1")}});
    CHECK(outcome.plan.get_integer("nodes") == 2);
  }
}
