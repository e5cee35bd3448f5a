// Values as rows: what is recorded of revisions, and what the views give.
#include "cdb/store/values.h"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <set>
#include <thread>

#include "base/compress/compress.h"
#include "base/diag/fail_point.h"
#include "base/profile/json.h"
#include "cdb/store/reads.h"
#include "cdb/values/collect.h"
#include "cdb/values/recorder.h"
#include "tests/unit/cdb/database.h"

using namespace cdb::store;
using base::Errc;
using base::profile::Value;
using cdb::values::Recorder;
using tests::cdb_database::fresh;

namespace {

using Profiles = std::map<std::string, std::optional<std::string>>;  // node → JSON, none: it leaves

struct Site {
  tests::cdb_database::Fresh db = fresh();
  Recorder recorder{db.store};
  std::int64_t head = 0;

  std::int64_t commit(const Profiles& profiles, std::optional<std::int64_t> reverts = {}) {
    Commit commit;
    commit.branch = "main";
    commit.head = head;
    commit.author = {"person", "alice"};
    commit.message = "change " + std::to_string(head + 1);
    commit.reverts = reverts;
    commit.edits = {{"site/a.pan", std::nullopt, std::to_string(head)}};
    commit.plan = "{}";
    for (const auto& [name, json] : profiles) {
      if (!json) {
        commit.removed.push_back(name);
        continue;
      }
      const auto tree = base::profile::parse_json(*json);
      REQUIRE(tree);
      const auto text = base::profile::to_json(*tree);
      commit.nodes.push_back({name, "profiles/" + name + ".pan", base::profile::merkle(*tree), true, base::compress::zstd(text),
                              static_cast<std::int64_t>(text.size()), encode_reads({}), "{}"});
    }
    const auto stored = db.store->commit(commit);
    if (!stored) FAIL(stored.error().text());
    return head = *stored;
  }

  void record() {
    const auto done = recorder.catch_up();
    if (!done) FAIL(done.error().text());
  }

  std::vector<std::string> rows(std::string_view sql) {
    auto transaction = db.pool->begin();
    REQUIRE(transaction);
    auto rows = transaction->exec(sql);
    if (!rows) FAIL(rows.error().text());
    std::vector<std::string> out;
    for (std::size_t i = 0; i < rows->size(); ++i) out.emplace_back(rows->text(i, 0));
    return out;
  }
  std::string all(std::string_view sql) {
    std::string out;
    for (const auto& row : rows(sql)) out += row + "\n";
    return out;
  }
};

constexpr std::string_view current =
    "select concat_ws(' ', node, path, type, value) from fabric.current_value order by node, path";

}  // namespace

TEST_SUITE_BEGIN("cdb.values");

TEST_CASE("current values follow the commits: added, changed, removed, moved and gone nodes") {
  Site site;
  site.record();
  CHECK(site.all(current).empty());
  site.commit({{"a", R"({"x":1,"y":{"z":"t","e":{}},"l":[true,null,1.5]})"}, {"b", R"({"x":1})"}});
  site.record();
  CHECK(site.all(current) ==
        "a /l/0 boolean true\na /l/1 null null\na /l/2 double 1.5\na /x long 1\na /y/e dict {}\na /y/z string t\nb /x long 1\n");
  // A leaf becomes a tree and a tree a leaf; a type changes and the text does not.
  site.commit({{"a", R"({"x":{"n":1},"y":"1","l":[]})"}, {"b", R"({"x":"1"})"}, {"c", R"({"x":1})"}});
  site.record();
  CHECK(site.all(current) == "a /l list []\na /x/n long 1\na /y string 1\nb /x string 1\nc /x long 1\n");
  site.commit({{"b", std::nullopt}});
  site.record();
  CHECK(site.all(current) == "a /l list []\na /x/n long 1\na /y string 1\nc /x long 1\n");
  site.commit({{"b", R"({"x":1})"}});
  site.record();
  CHECK(site.all("select node from fabric.current_value where path = '/x' and value = '1' order by node") == "b\nc\n");
  CHECK(site.all("select revision::text from fabric.value_history where node = 'b' order by revision, path") == "1\n2\n3\n4\n");
  CHECK(site.all("select concat(old, '>', new) from fabric.value_history where node = 'b' order by revision") ==
        ">1\n1>1\n1>\n>1\n");
}

TEST_CASE("lists and dicts that become empty, and that were") {
  Site site;
  const char* const texts[] = {R"({"a":{"b":{},"l":[]},"z":1})",
                               R"({"a":{"b":{"c":1},"l":[0]},"z":1})",
                               R"({"a":{"b":{},"l":[]},"z":1})",
                               R"({"a":{},"z":1})",
                               R"({})",
                               R"({"a\"}{":{"x,y\\":{},"[":[[]]},"b":"}{"})",
                               R"({"a\"}{":{"x,y\\":{"k":-1.5},"[":[[1]]},"b":"}{"})",
                               R"({"a\"}{":{"x,y\\":{},"[":[[],[]]},"b":"}{"})",
                               R"([])",
                               R"([[],{}])",
                               R"([[]])",
                               R"({})"};
  for (const auto* text : texts) {
    CAPTURE(text);
    site.commit({{"n", text}});
    site.record();
    std::vector<Leaf> leaves;
    cdb::values::flatten({}, *base::profile::parse_json(text), leaves);
    std::set<std::string> expected;
    for (const auto& leaf : leaves) expected.insert(leaf.path + " " + std::string(leaf.type) + " " + leaf.text);
    const auto found = site.rows("select concat_ws(' ', path, type, value) from fabric.current_value");
    CHECK(std::set(found.begin(), found.end()) == expected);
    CHECK(found.size() == expected.size());
  }
}

TEST_CASE("several revisions are recorded one by one, whoever does it") {
  Site site;
  for (int i = 1; i <= 6; ++i) site.commit({{"a", R"({"x":)" + std::to_string(i) + "}"}, {"b", R"({"x":0})"}});
  Recorder second(site.db.store);
  std::thread other([&] { CHECK(second.catch_up()); });
  site.record();
  other.join();
  CHECK(site.db.store->values_revision().value() == 6);
  CHECK(site.all(current) == "a /x long 6\nb /x long 0\n");
  CHECK(site.all("select concat(revision, ' ', old, '>', new) from fabric.value_history where node = 'a' order by revision") ==
        "1 >1\n2 1>2\n3 2>3\n4 3>4\n5 4>5\n6 5>6\n");
  CHECK(site.all("select count(*)::text from fabric.value_history where node = 'b'") == "1\n");
  CHECK(site.recorder.catch_up().value() == 0);
}

TEST_CASE("what fails in the middle leaves the whole revision before it") {
  Site site;
  site.commit({{"a", R"({"x":1})"}});
  site.record();
  site.commit({{"a", R"({"x":2})"}, {"b", R"({"x":2})"}});
  base::set_fail_points("cdb.values.stored=error");
  CHECK(site.recorder.catch_up().error().code == Errc::unavailable);
  base::set_fail_points("");
  CHECK(site.all(current) == "a /x long 1\n");
  site.record();
  CHECK(site.all(current) == "a /x long 2\nb /x long 2\n");
}

TEST_CASE("equal changes are one row, and one node's change of a shared value costs little") {
  Site site;
  Profiles profiles;
  for (int i = 0; i < 300; ++i) {
    const auto name = "n" + std::to_string(1000 + i);
    profiles[name] = R"({"shared":"v","own":")" + name + R"("})";
  }
  site.commit(profiles);
  site.record();
  CHECK(site.rows("select nodes::text from cdb.value_change c join cdb.value_path p on p.id = c.path where p.path = '/shared'") ==
        std::vector<std::string>{"{[1,301)}"});
  CHECK(site.rows("select count(*)::text from cdb.value").front() == "301");
  CHECK(site.rows("select count(*)::text from fabric.current_value").front() == "600");
  profiles["n1007"] = R"({"shared":"w","own":"n1007"})";
  site.commit({{"n1007", profiles["n1007"]}});
  site.record();
  CHECK(site.rows("select nodes::text from cdb.value where value = 'v'").front() == "{[1,8),[9,301)}");
  CHECK(site.rows("select count(*)::text from cdb.value_change where revision = 2").front() == "1");
  CHECK(site.rows("select value from fabric.current_value where node = 'n1007' order by path") ==
        std::vector<std::string>{"n1007", "w"});
}

TEST_CASE("values of the past, and paths by pattern") {
  Site site;
  site.commit({{"a", R"({"net":{"eth0":{"ip":"1"},"eth1":{"ip":"2"}},"x":1})"}});
  site.commit({{"a", R"({"net":{"eth0":{"ip":"3"}},"x":1})"}, {"b", R"({"x":2})"}});
  site.commit({{"a", std::nullopt}});
  site.record();
  const auto& store = *site.db.store;
  const auto shown = [&](const std::vector<std::string>& patterns, std::int64_t revision) {
    const auto paths = store.value_paths(patterns);
    if (!paths) return paths.error().message;
    std::string out;
    const auto values = store.values(*paths, revision).value();
    for (const auto& value : values) out += value.node + value.path + "=" + base::profile::to_json(value.value) + " ";
    return out;
  };
  CHECK(shown({"/net/*/ip"}, 1) == R"(a/net/eth0/ip="1" a/net/eth1/ip="2" )");
  CHECK(shown({"/net/*/ip"}, 2) == R"(a/net/eth0/ip="3" )");
  CHECK(shown({"/net/*/ip"}, 3).empty());
  CHECK(shown({"/x"}, 0) == "b/x=2 ");
  CHECK(shown({"/x", "/x"}, 2) == "a/x=1 b/x=2 ");
  CHECK(shown({"/*/eth0/?p"}, 1) == R"(a/net/eth0/ip="1" )");
  CHECK(shown({"/net/*"}, 1) == "/net/* is no value but holds values: /net/eth0/ip, /net/eth1/ip");
  CHECK(shown({"/net"}, 1) == "/net is no value but holds values: /net/eth0/ip, /net/eth1/ip");
  CHECK(shown({"/net/eth0/pi"}, 1) == "no profile has or had a value at /net/eth0/pi (did you mean /net/eth0/ip?)");
  CHECK(shown({"/x", "/nothing/here"}, 1) == "no profile has or had a value at /nothing/here");
  // Neither patterns nor quotes of SQL get anywhere.
  for (const auto* text : {"/%", "/_", "/x' or '1'='1", "/x'; drop table cdb.value; --", "/\\"})
    CHECK(shown({text}, 1).starts_with("no profile has or had a value at "));
  CHECK(store.nodes_at(1).value() == std::vector<std::string>{"a"});
  CHECK(store.nodes_at(2).value() == std::vector<std::string>{"a", "b"});
  CHECK(store.nodes_at(3).value() == std::vector<std::string>{"b"});
}

TEST_CASE("the history of a value says who, when, why and whether it was taken back") {
  Site site;
  site.commit({{"a", R"({"k":{"v":"5","w":1}})"}});
  site.commit({{"a", R"({"k":{"v":"6","w":1}})"}});
  site.commit({{"a", R"({"k":{"v":"5","w":1}})"}}, 2);
  site.commit({{"a", R"({"k":{"w":1}})"}});
  site.record();
  const auto& store = *site.db.store;
  const auto moves = store.value_history("a", "/k/v", 10).value();
  REQUIRE(moves.size() == 4);
  CHECK(moves[0].revision == 4);
  CHECK_FALSE(moves[0].after);
  CHECK(moves[1].reverts == 2);
  CHECK(moves[2].reverted_by == 3);
  CHECK(moves[2].before == Value("5"));
  CHECK(moves[2].after == Value("6"));
  CHECK(moves[2].author == "alice");
  CHECK(moves[2].message == "change 2");
  CHECK_FALSE(moves[3].before);
  CHECK(store.value_history("a", "/k", 10)->size() == 5);
  CHECK(store.value_history("a", "/k", 2)->size() == 2);
  CHECK(store.value_history("a", "/k/", 10)->empty());
  CHECK(store.value_history("b", "/k/v", 10)->empty());
  CHECK(store.value_history("a' or true --", "/k/v", 10)->empty());
  CHECK(store.revision_as_of("2000-01-01T00:00:00Z").error().code == Errc::not_found);
  CHECK(store.revision_as_of("2999-01-01T00:00:00Z").value() == 4);
}

TEST_CASE("strange values: NUL, long texts and paths, quotes, keys like patterns") {
  Site site;
  const std::string key(3000, 'k'), text(100000, 't');
  site.commit({{"a", R"({"n":"x\u0000y","q":"a\"b\\c{},'d'","%":{"_":1},")" + key + R"(":")" + text + R"("})"}});
  site.record();
  CHECK(site.all("select value from fabric.current_value where path = '/n'") == "x\u2400y\n");
  CHECK(site.all("select value from fabric.current_value where path = '/q'") == "a\"b\\c{},'d'\n");
  CHECK(site.all("select length(value)::text from fabric.current_value where length(path) = 3001") == "100000\n");
  CHECK(site.db.store->value_history("a", "/%", 10)->size() == 1);
  CHECK(site.db.store->value_history("a", "/_", 10)->empty());
}

TEST_CASE("packages and nodes as views; their reader reads nothing else") {
  Site site;
  site.commit(
      {{"a", R"({"software":{"packages":{"gcc_2d12":{"_31_2e2_2d3":{"arch":{"x86_64":"os"}}},"vim":{},"curl":{"_":{}}}}})"}});
  site.record();
  CHECK(site.all("select concat_ws(' ', node, name, version, arch) from fabric.package order by name") ==
        "a curl\na gcc-12 1.2-3 x86_64\na vim\n");
  for (const auto& [escaped, plain] : {std::pair{"_2fetc", "/etc"}, std::pair{"_", ""}, std::pair{"a_b", "a_b"},
                                       std::pair{"_c3_a4", "\u00e4"}, std::pair{"_ff", "_ff"}, std::pair{"_2", "_2"},
                                       std::pair{"_00", "_00"}, std::pair{"_5f2f", "_2f"}, std::pair{"\u00e4_2d", "\u00e4-"}}) {
    auto transaction = site.db.pool->begin();
    CHECK(transaction->exec("select fabric.unescape($1)", {escaped})->text(0, 0) == plain);
  }
  CHECK(site.all("select concat_ws(' ', node, branch, desired_revision, outcome, in_sync) from fabric.node") ==
        "a main 1 none f\n");
  for (const auto* sql :
       {"select * from cdb.node", "select * from cdb.token", "select * from cdb.value", "delete from fabric.node",
        "select * from cdb.certificate", "create table fabric.x (a int)", "select pg_read_file('/etc/passwd')"}) {
    CAPTURE(sql);
    auto transaction = site.db.pool->begin();
    REQUIRE(transaction->exec("set local role weft_reader"));
    REQUIRE(transaction->exec("select count(*) from fabric.current_value"));
    REQUIRE(transaction->exec("select count(*) from fabric.value_history"));
    REQUIRE(transaction->exec("select count(*) from fabric.package"));
    REQUIRE(transaction->exec("select count(*) from fabric.node"));
    CHECK_FALSE(transaction->exec(sql));
  }
}

TEST_CASE("random commits: current values and history equal the profiles") {
  std::mt19937 random(20261125);
  Site site;
  std::map<std::string, std::string> now;
  std::vector<std::map<std::string, std::string>> then{{}};
  for (int revision = 1; revision <= 25; ++revision) {
    Profiles change;
    for (int i = 0; i < 12; ++i) {
      if (random() % 3 == 0) continue;
      const auto name = "n" + std::to_string(i);
      if (random() % 8 == 0 && now.contains(name)) {
        change[name] = std::nullopt;
        now.erase(name);
        continue;
      }
      std::string json = "{\"k\":" + std::to_string(random() % 2);
      if (random() % 2) json += random() % 3 == 0 ? ",\"l\":[]" : ",\"l\":[" + std::to_string(random() % 2) + ",[]]";
      if (random() % 2) json += ",\"m\":" + std::string(random() % 3 == 0 ? "{}" : random() % 2 ? "{\"a\":{},\"b\":1}" : "\"t\"");
      json += "}";
      if (now.contains(name) && now[name] == json) continue;
      now[name] = json;
      change[name] = json;
    }
    site.commit(change);
    if (random() % 3 == 0) site.record();
    then.push_back(now);
  }
  site.record();
  for (std::size_t revision = 1; revision < then.size(); ++revision) {
    std::map<std::string, std::string> expected;
    std::set<std::string> paths;
    for (const auto& [node, json] : then[revision]) {
      std::vector<Leaf> leaves;
      cdb::values::flatten({}, *base::profile::parse_json(json), leaves);
      for (const auto& leaf : leaves) {
        expected[node + leaf.path] = leaf.text;
        paths.insert(leaf.path);
      }
    }
    const std::vector<std::string> every{"/k", "/l", "/l/0", "/l/1", "/m", "/m/a", "/m/b"};
    for (const auto at : {static_cast<std::int64_t>(revision), revision + 1 == then.size() ? std::int64_t{0} : -1}) {
      if (at < 0) continue;
      std::map<std::string, std::string> found;
      const auto values = site.db.store->values(every, at).value();
      for (const auto& value : values) found[value.node + value.path] = base::profile::to_json(value.value);
      for (auto& [where, text] : expected) {
        if (text == "t") text = "\"t\"";
      }
      CAPTURE(revision);
      CHECK(found == expected);
    }
  }
}

TEST_SUITE_END();
