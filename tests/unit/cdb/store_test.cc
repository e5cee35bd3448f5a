#include "cdb/store/store.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/compress/compress.h"
#include "base/profile/json.h"
#include "cdb/store/reads.h"
#include "tests/unit/cdb/database.h"

using namespace cdb::store;
using base::Errc;
using tests::cdb_database::fresh;

namespace {

struct Profile {
  Digest root;
  std::string data;
};

Profile profile_of(int value) {
  const base::profile::Value tree = base::profile::Dict{{"value", value}};
  return {base::profile::merkle(tree), base::compress::zstd(base::profile::to_json(tree))};
}

NodeUpdate node_of(const std::string& name, int value) {
  const auto profile = profile_of(value);
  return {name, "profiles/" + name + ".pan", profile.root, true, profile.data, 11, encode_reads({1}), R"({"role":"disk"})"};
}

// A commit of one file and some nodes on top of `head`.
Commit commit_of(std::int64_t head, std::int32_t known, const std::string& content, std::vector<NodeUpdate> nodes) {
  Commit commit;
  commit.branch = "main";
  commit.head = head;
  commit.known_reads = known;
  commit.author = {"person", "alice"};
  commit.message = "why";
  commit.edits = {{"site/a.pan", std::nullopt, content}};
  commit.nodes = std::move(nodes);
  commit.plan = "{}";
  commit.compiled = 1;
  return commit;
}

std::int64_t must(const base::Result<std::int64_t>& result) {
  if (!result) FAIL(result.error().text());
  return *result;
}

std::int64_t verified(const Store& store) {
  const auto check = store.verify_audit();
  if (!check) FAIL(check.error().text());
  if (check->broken) FAIL(check->what);
  return check->records;
}

Store& with_first(tests::cdb_database::Fresh& db) {
  auto commit = commit_of(0, 0, "one", {node_of("disk01", 1), node_of("disk02", 2)});
  commit.new_reads = {{0, 0, "site/a", ""}};
  CHECK(must(db.store->commit(commit)) == 1);
  return *db.store;
}

std::int64_t count(base::pg::Pool& pool, std::string_view sql) {
  auto transaction = pool.begin();
  REQUIRE(transaction);
  auto rows = transaction->exec(sql);
  REQUIRE(rows);
  return rows->integer(0, 0);
}

}  // namespace

TEST_CASE("a commit stores tree, profiles, nodes, reads and audit together") {
  auto db = fresh();
  auto& store = with_first(db);
  CHECK(must(store.head("main")) == 1);
  const auto files = store.files("main", 0, "", true);
  REQUIRE(files);
  REQUIRE(files->size() == 1);
  CHECK(files->front().content == "one");
  CHECK(files->front().hash == digest("one"));
  const auto desired = store.desired("disk01");
  REQUIRE(desired);
  CHECK(desired->root == profile_of(1).root);
  CHECK(desired->revision == 1);
  CHECK(base::compress::unzstd(*store.profile_data(*desired->root)) == R"({"value":1})");
  const auto state = store.load("main", 0, 0);
  REQUIRE(state);
  CHECK(state->head == 1);
  CHECK(state->objects.size() == 2);
  CHECK(state->reads == std::vector<ReadKey>{{0, 0, "site/a", ""}});
  CHECK(decode_reads(state->objects[0].reads) == std::vector<std::uint32_t>{1});
  CHECK(verified(store) == 1);
}

TEST_CASE("a commit on an old head, or with an old dictionary, is a conflict and stores nothing") {
  auto db = fresh();
  auto& store = with_first(db);
  for (const auto& [head, known] : {std::pair{0, 1}, std::pair{1, 0}, std::pair{7, 1}}) {
    const auto result = store.commit(commit_of(head, known, "two", {node_of("disk01", 9)}));
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Errc::conflict);
  }
  CHECK(must(store.head("main")) == 1);
  CHECK(store.desired("disk01")->root == profile_of(1).root);
  CHECK(count(*db.pool, "select count(*) from cdb.profile") == 2);
  CHECK(count(*db.pool, "select count(*) from cdb.blob") == 1);
  CHECK(count(*db.pool, "select revision from cdb.counter") == 1);
}

TEST_CASE("what cannot be stored whole is not stored at all") {
  auto db = fresh();
  auto& store = with_first(db);
  auto commit = commit_of(1, 1, "two", {node_of("disk01", 9), node_of("not a node name!", 9)});
  CHECK_FALSE(store.commit(commit));
  commit = commit_of(1, 1, "two", {node_of("disk01", 9)});
  commit.nodes[0].data.clear();  // a desired profile that nobody has
  CHECK_FALSE(store.commit(commit));
  commit = commit_of(1, 1, "two", {});
  commit.branch = "nobranch";
  CHECK(store.commit(commit).error().code == Errc::not_found);
  commit = commit_of(1, 1, "two", {});
  commit.edits.clear();
  CHECK_FALSE(store.commit(commit));
  CHECK(must(store.head("main")) == 1);
  CHECK(store.desired("disk01")->root == profile_of(1).root);
  CHECK(store.file("main", 0, "site/a.pan")->content == "one");
  CHECK(verified(store) == 1);
}

TEST_CASE("a branch may describe a node that follows another one; only a move changes what is desired") {
  auto db = fresh();
  auto& store = with_first(db);
  auto transaction = db.pool->begin();
  REQUIRE(transaction->exec("insert into cdb.branch (name) values ('test')"));
  REQUIRE(transaction->commit());
  auto commit = commit_of(0, 1, "other", {node_of("disk01", 5), node_of("disk09", 9)});
  commit.branch = "test";
  CHECK(must(store.commit(commit)) == 2);
  CHECK(store.desired("disk01")->root == profile_of(1).root);
  CHECK(store.node("disk01")->branch == "main");
  CHECK(store.node("disk09")->branch == "test");  // nobody else described it
  CHECK(store.load("test", 0, 0)->objects.size() == 2);
  // Once it left its branch, another one may have it; revisions grow over branches, so the node accepts the newer manifest.
  commit = commit_of(1, 1, "two", {});
  commit.removed = {"disk01"};
  CHECK(must(store.commit(commit)) == 3);
  CHECK(store.desired("disk01").error().code == Errc::not_found);
  commit = commit_of(2, 1, "again", {node_of("disk01", 6)});
  commit.branch = "test";
  CHECK(must(store.commit(commit)) == 4);
  CHECK(store.desired("disk01")->revision == 4);
}

TEST_CASE("old revisions, differences and moved paths") {
  auto db = fresh();
  auto& store = with_first(db);
  auto commit = commit_of(1, 1, "two", {node_of("disk01", 9)});
  commit.edits = {{"site/a.pan", digest("one"), "two"}, {"site/b.pan", std::nullopt, "b"}};
  CHECK(must(store.commit(commit)) == 2);
  commit = commit_of(2, 1, "", {});
  commit.edits = {{"site/a.pan", digest("two"), std::nullopt}};
  CHECK(must(store.commit(commit)) == 3);

  CHECK(store.file("main", 1, "site/a.pan")->content == "one");
  CHECK(store.file("main", 2, "site/a.pan")->content == "two");
  CHECK(store.file("main", 3, "site/a.pan").error().code == Errc::not_found);
  CHECK(store.files("main", 2, "site", false)->size() == 2);
  CHECK(store.files("main", 2, "sit", false)->empty());
  CHECK(store.files("main", 9, "", false).error().code == Errc::not_found);
  CHECK(store.file("main", 0, "site/c.pan").error().message.find("did you mean") != std::string::npos);
  CHECK(store.head("mian").error().message.find("main") != std::string::npos);

  const std::vector<std::string> paths{"site/a.pan", "site/b.pan", "site/c.pan"};
  CHECK(store.moved_since("main", 3, paths)->empty());
  CHECK(store.moved_since("main", 2, paths)->size() == 1);
  const auto moved = store.moved_since("main", 1, paths);
  REQUIRE(moved->size() == 2);
  CHECK(moved->front().before == digest("one"));
  CHECK_FALSE(moved->front().after);
  CHECK(moved->front().revision == 3);

  const auto since = store.load("main", 1, 1);
  CHECK(since->head == 3);
  CHECK(since->removed == std::vector<std::string>{"site/a.pan"});
  CHECK(since->files.size() == 1);
  CHECK(since->objects.size() == 1);
  CHECK(since->reads.empty());

  CHECK(store.desired_at("disk01", 1)->root == profile_of(1).root);
  CHECK(store.desired_at("disk02", 3)->root == profile_of(2).root);
  CHECK(store.desired_at("disk01", 0).error().code == Errc::not_found);
  CHECK(store.desired_with("disk01", profile_of(2).root).error().code == Errc::not_found);  // another node's profile
  CHECK(store.desired_since(1, 0)->nodes.size() == 1);
  CHECK(store.revisions({.node = "disk01"})->size() == 2);
  CHECK(store.revisions({.path = "site/b.pan"})->size() == 1);
  CHECK(store.revision(99).error().code == Errc::not_found);
}

TEST_CASE("history, edits and audit are append-only; a changed audit row breaks the chain") {
  auto db = fresh();
  auto& store = with_first(db);
  REQUIRE(store.commit(commit_of(1, 1, "two", {})));
  for (const auto* sql : {"delete from cdb.audit", "update cdb.audit set record = '{}'", "truncate cdb.audit",
                          "delete from cdb.edit", "update cdb.revision set author = 'eve'"}) {
    auto transaction = db.pool->begin();
    CHECK_FALSE(transaction->exec(sql));
  }
  CHECK(verified(store) == 2);
  auto transaction = db.pool->begin();
  REQUIRE(transaction->exec("alter table cdb.audit disable trigger audit_append_only"));
  REQUIRE(transaction->exec("update cdb.audit set record = replace(record, 'alice', 'eve') where id = 1"));
  REQUIRE(transaction->commit());
  auto check = store.verify_audit().value();
  CHECK(check.broken == 1);
  CHECK(check.records == 0);
  CHECK(check.what == "the content of record 1 does not have its hash");
  CHECK(check.meaning == "this record was changed after it was written");
}

TEST_CASE("what was done to the audit is told apart, and no commit repairs it") {
  struct Case {
    const char *sql, *what;
    std::int64_t broken;
  };
  for (const auto& one : {
           Case{"delete from cdb.audit where id = 2", "record 2 is missing, the next one is 3", 2},
           Case{"delete from cdb.audit where id = 1", "record 1 is missing, the next one is 2", 1},
           Case{"delete from cdb.audit where id = 3", "the audit ends at record 2, its head says 3", 3},
           Case{"update cdb.audit set previous = decode(repeat('11', 32), 'hex') where id = 2",
                "record 2 does not follow from record 1", 2},
           Case{"update cdb.audit set hash = decode(repeat('11', 32), 'hex') where id = 3",
                "the content of record 3 does not have its hash", 3},
           Case{"update cdb.audit_head set id = 2", "the audit ends at record 3, its head says 2", 3},
           Case{"insert into cdb.audit select 4, record, hash, sha256(hash || convert_to(record, 'UTF8')) from cdb.audit where "
                "id = 3",
                "the audit ends at record 4, its head says 3", 4},
       }) {
    CAPTURE(one.sql);
    auto db = fresh();
    auto& store = with_first(db);
    REQUIRE(store.commit(commit_of(1, 1, "two", {})));
    REQUIRE(store.commit(commit_of(2, 1, "three", {})));
    CHECK(verified(store) == 3);
    auto transaction = db.pool->begin();
    REQUIRE(transaction->exec("alter table cdb.audit disable trigger audit_append_only"));
    REQUIRE(transaction->exec(one.sql));
    REQUIRE(transaction->commit());
    const auto check = store.verify_audit().value();
    REQUIRE(check.broken);
    CHECK(*check.broken == one.broken);
    CHECK(check.what == one.what);
    CHECK_FALSE(check.meaning.empty());
  }
}

TEST_CASE("a chain written anew is found by a hash that was kept elsewhere") {
  auto db = fresh();
  auto& store = with_first(db);
  REQUIRE(store.commit(commit_of(1, 1, "two", {})));
  const auto check = store.verify_audit().value();
  CHECK_FALSE(store.verify_audit(AuditMark{2, check.head})->broken);
  CHECK(store.verify_audit(AuditMark{1, check.head})->what == "record 1 has another hash than the one you know");
  CHECK(store.verify_audit(AuditMark{3, check.head})->what == "you know record 3, the audit ends at 2");
}

TEST_CASE("the audit is read by actor, action and time; its export is the chain itself") {
  auto db = fresh();
  auto& store = with_first(db);
  auto commit = commit_of(1, 1, "two", {});
  commit.author.name = "bob' or true --";
  REQUIRE(store.commit(commit));
  AuditFilter filter;
  CHECK(store.audit(filter)->size() == 2);
  filter.actor = "alice";
  REQUIRE(store.audit(filter)->size() == 1);
  CHECK(store.audit(filter)->front().id == 1);
  filter.actor = "bob' or true --";
  CHECK(store.audit(filter)->size() == 1);
  filter.actor = "' or true --";
  CHECK(store.audit(filter)->empty());
  filter.actor.reset();
  for (const auto& [action, found] : {std::pair{"template.*", 2}, std::pair{"template.commit", 2}, std::pair{"token*", 0},
                                      std::pair{"%", 0}, std::pair{"template_commit", 0}}) {
    filter.action = action;
    CAPTURE(action);
    CHECK(store.audit(filter)->size() == static_cast<std::size_t>(found));
  }
  filter.action.reset();
  filter.since = "2999-01-01T00:00:00Z";
  CHECK(store.audit(filter)->empty());
  const auto links = store.audit_links(0, 10).value();
  REQUIRE(links.size() == 2);
  CHECK(links[1].previous == links[0].hash);
  CHECK(links[1].hash == digest(std::string(reinterpret_cast<const char*>(links[0].hash.bytes.data()), 32) + links[1].record));
  CHECK(store.audit_links(1, 10)->size() == 1);
  CHECK(store.audit_links(2, 10)->empty());
}

TEST_CASE("reports: a failed run keeps the applied root; foreign and unknown roots are refused; history is limited") {
  auto db = fresh();
  auto& store = with_first(db);
  const auto report = [](int value, std::int64_t revision, const char* outcome) {
    return Report{profile_of(value).root, revision, outcome, base::profile::Dict{{"outcome", outcome}}};
  };
  CHECK(store.add_report("disk01", report(2, 1, "ok")).error().code == Errc::invalid);  // disk02's
  CHECK(store.add_report("disk01", report(1, 2, "ok")).error().code == Errc::invalid);  // never of that revision
  CHECK(store.add_report("nobody", report(1, 1, "ok")).error().code == Errc::invalid);
  REQUIRE(store.add_report("disk01", report(1, 1, "failed")));
  CHECK_FALSE(store.node("disk01")->applied_root);
  REQUIRE(store.add_report("disk01", report(1, 1, "ok")));
  CHECK(store.node("disk01")->applied_root == profile_of(1).root);
  REQUIRE(store.commit(commit_of(1, 1, "two", {node_of("disk01", 9)})));
  REQUIRE(store.add_report("disk01", report(9, 2, "failed")));
  CHECK(store.node("disk01")->applied_root == profile_of(1).root);
  CHECK(store.node("disk01")->applied_revision == 1);
  CHECK(store.node("disk01")->outcome == "failed");
  for (int i = 0; i < Store::report_history + 5; ++i) REQUIRE(store.add_report("disk01", report(9, 2, "partial")));
  CHECK(store.reports("disk01", 1000)->size() == Store::report_history);
  REQUIRE(store.add_report("disk01", report(9, 2, "noaction")));
  CHECK(store.node("disk01")->applied_root == profile_of(1).root);  // only "ok" moves it

  CHECK(store.node("disk02")->last_seen.empty());
  REQUIRE(store.add_seen({{"disk02", std::chrono::system_clock::now()}, {"nobody", std::chrono::system_clock::now()}}));
  const auto seen = store.node("disk02")->last_seen;
  CHECK_FALSE(seen.empty());
  REQUIRE(store.add_seen({{"disk02", std::chrono::system_clock::time_point{}}}));  // never goes back
  CHECK(store.node("disk02")->last_seen == seen);
  CHECK(store.node("disk01")->last_seen == store.node("disk01")->received);
  CHECK(store.nodes({.in_sync = false})->size() == 2);
  CHECK(store.nodes({.outcome = "none"})->front().name == "disk02");
  CHECK(store.nodes({.attributes = {{"role", "disk"}}})->size() == 2);
  CHECK(store.nodes({.attributes = {{"role", "batch"}}})->empty());
  CHECK(store.nodes({.name = "disk*2"})->size() == 1);
  CHECK(store.nodes({.name = "disk_1"})->empty());  // no SQL pattern
  CHECK(store.nodes({.changed_in = 2})->size() == 1);
  CHECK(store.nodes({.after = "disk01", .limit = 1})->front().name == "disk02");
  CHECK(store.nodes({.at = 1})->front().at_revision == 1);
  CHECK(store.node("disk1").error().message.find("did you mean disk01") != std::string::npos);
}

TEST_CASE("enrolment tokens: once, for one node, until they expire; the same request again gives the same certificate") {
  using std::chrono::seconds;
  auto db = fresh();
  auto& store = with_first(db);
  int issued = 0;
  const auto issue = [&]() -> base::Result<Store::Certificate> {
    ++issued;
    return Store::Certificate{"PEM" + std::to_string(issued), "f" + std::to_string(issued), std::chrono::system_clock::now()};
  };
  const Actor alice{"person", "alice"};
  CHECK(store.add_token(alice, "disk1", digest("s"), seconds(60)).error().code == Errc::not_found);
  REQUIRE(store.add_token(alice, "disk01", digest("s1"), seconds(60)));
  CHECK(store.redeem("disk02", digest("s1"), digest("r"), issue).error().code == Errc::denied);
  CHECK(store.redeem("disk01", digest("guess"), digest("r"), issue).error().code == Errc::denied);
  const auto failing = [&]() -> base::Result<Store::Certificate> { return base::fail(Errc::invalid, "bad request"); };
  CHECK(store.redeem("disk01", digest("s1"), digest("r"), failing).error().code == Errc::invalid);
  CHECK(issued == 0);
  const auto first = store.redeem("disk01", digest("s1"), digest("r"), issue);
  REQUIRE(first);
  CHECK(store.redeem("disk01", digest("s1"), digest("r"), issue)->pem == first->pem);
  CHECK(store.redeem("disk01", digest("s1"), digest("other"), issue).error().code == Errc::denied);
  CHECK(issued == 1);
  REQUIRE(store.add_token(alice, "disk01", digest("s2"), seconds(-1)));
  CHECK(store.redeem("disk01", digest("s2"), digest("r"), issue).error().code == Errc::denied);
  REQUIRE(store.add_token(alice, "disk01", digest("s3"), seconds(60)));
  REQUIRE(store.add_token(alice, "disk01", digest("s4"), seconds(60)));
  CHECK(store.redeem("disk01", digest("s3"), digest("r"), issue).error().code == Errc::denied);  // voided by s4
  REQUIRE(store.redeem("disk01", digest("s4"), digest("r2"), issue));
  CHECK(store.certificate("disk01").value()->pem == "PEM2");
  CHECK_FALSE(store.certificate("disk02").value());
  verified(store);
}

TEST_CASE("kill -9 around the commit leaves the old state or the new one, never a part") {
  for (const auto& [point, revision] :
       {std::pair{"cdb.commit.before-store", 1}, std::pair{"cdb.commit.stored", 1}, std::pair{"cdb.commit.committed", 2}}) {
    CAPTURE(point);
    auto db = fresh();
    with_first(db);
    const auto child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::setenv("WEFT_FAIL", (std::string(point) + "=kill").c_str(), 1);
      ::setenv("WEFT_STORE_TEST_URL", db.url.c_str(), 1);
      ::execl("/proc/self/exe", "store-test", "--test-case=child: commit and be killed", "--no-skip", nullptr);
      ::_exit(99);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    CHECK(must(db.store->head("main")) == revision);
    const bool stored = revision == 2;
    CHECK(db.store->desired("disk01")->root == profile_of(stored ? 9 : 1).root);
    CHECK(db.store->file("main", 0, "site/a.pan")->content == (stored ? "two" : "one"));
    CHECK(verified(*db.store) == revision);
    CHECK(count(*db.pool, "select count(*) from cdb.profile") == revision + 1);
    // Work goes on from there.
    CHECK(must(db.store->commit(commit_of(revision, 1, "three", {node_of("disk02", 7)}))) == revision + 1);
  }
}

TEST_CASE("child: commit and be killed" * doctest::skip()) {
  const char* url = ::getenv("WEFT_STORE_TEST_URL");
  REQUIRE(url);
  auto pool = base::pg::Pool::open(url, 2);
  REQUIRE(pool);
  auto store = Store::open(*pool);
  REQUIRE(store);
  (void)(*store)->commit(commit_of(1, 1, "two", {node_of("disk01", 9)}));
}
