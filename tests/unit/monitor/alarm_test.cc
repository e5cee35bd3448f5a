#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cmath>
#include <cstdlib>

#include "base/pg/private_cluster.h"
#include "base/profile/json.h"
#include "monitor/alarm/store.h"
#include "monitor/http/api.h"
#include "tests/unit/monitor/support.h"

using namespace monitor;
using base::http::Identity;
using base::http::Request;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;
using tests::monitor_support::error_of;
using tests::monitor_support::Scratch;

namespace {

std::shared_ptr<base::pg::Pool> fresh_pool() {
  static Scratch scratch;
  static const auto cluster = [] {
    chmod(scratch.path.c_str(), 0711);  // the database's account passes through
    auto started = base::pg::PrivateCluster::start(scratch.path / "pg");
    if (!started) FAIL(started.error().text());
    return std::move(*started);
  }();
  static int number = 0;
  auto url = cluster->create_database("monitor" + std::to_string(++number));
  if (!url) FAIL(url.error().text());
  auto pool = base::pg::Pool::open(*url, 4);
  REQUIRE(pool);
  return *pool;
}

std::unique_ptr<alarm::Store> fresh_store() {
  auto store = alarm::Store::open(fresh_pool());
  if (!store) FAIL(store.error().text());
  return std::move(*store);
}

Dict raised(int seq, const std::string& subject = "", const std::string& severity = "warning") {
  return {{"kind", "alarm"},          {"state", "raised"},  {"seq", seq},           {"time", "2026-11-23T01:02:03.456Z"},
          {"rule", "disk_full"},      {"subject", subject}, {"severity", severity}, {"text", "Disk is full"},
          {"procedure", "https://p"}, {"owner", "storage"}, {"condition", "a > 1"}, {"value", "0.97"},
          {"why", "it holds"}};
}
Dict cleared(int seq, const std::string& subject = "") {
  return {{"kind", "alarm"},     {"state", "cleared"}, {"seq", seq},          {"time", "2026-11-23T02:02:03.456Z"},
          {"rule", "disk_full"}, {"subject", subject}, {"why", "it does not"}};
}
Dict run(int seq, const std::string& outcome = "ok") {
  return {{"kind", "run"},
          {"seq", seq},
          {"time", "2026-11-23T01:02:04.000Z"},
          {"rule", "sshd"},
          {"unit", "sshd.service"},
          {"run", 1},
          {"of", 3},
          {"outcome", outcome},
          {"message", "restarted"}};
}
Value events(List list, const std::string& epoch = "e1") {
  return Dict{{"epoch", epoch}, {"events", std::move(list)}};
}

List open_alarms(alarm::Store& store, bool all = false) {
  alarm::Store::Query query;
  query.all = all;
  auto out = store.alarms(query);
  REQUIRE_MESSAGE(out, error_of(out));
  return *out;
}

}  // namespace

TEST_CASE("alarm: raised, told again, cleared, raised anew") {
  auto store = fresh_store();
  auto taken = store->take("n1", events({raised(1, "{a=\"1\"}"), raised(2, "{a=\"2\"}"), run(3)}));
  REQUIRE_MESSAGE(taken, error_of(taken));
  CHECK(taken->seq == 3);
  CHECK(taken->fresh == 3);
  CHECK(open_alarms(*store).size() == 2);
  REQUIRE(store->take("n1", events({raised(4, "{a=\"1\"}", "critical"), cleared(5, "{a=\"2\"}")})));
  auto open = open_alarms(*store);
  REQUIRE(open.size() == 1);
  CHECK(open[0].get_integer("times") == 2);
  CHECK(open[0].get_string("severity") == "critical");
  CHECK(open[0].get_string("raised") == "2026-11-23T01:02:03.456Z");
  CHECK(open[0].get_string("owner") == "storage");
  auto all = open_alarms(*store, true);
  REQUIRE(all.size() == 2);
  REQUIRE(store->take("n1", events({raised(6, "{a=\"2\"}"), cleared(7, "{never=\"raised\"}")})));
  CHECK(open_alarms(*store).size() == 2);
  CHECK(open_alarms(*store, true).size() == 3);
  auto runs = store->runs({});
  REQUIRE(runs);
  REQUIRE(runs->size() == 1);
  CHECK((*runs)[0].get_string("unit") == "sshd.service");
  CHECK((*runs)[0].get_integer("of") == 3);
}

TEST_CASE("alarm: repetitions are taken once, a new epoch counts anew, nodes are apart") {
  auto store = fresh_store();
  REQUIRE(store->take("n1", events({run(1), run(2)})));
  auto again = store->take("n1", events({run(1), run(2), run(3)}));
  REQUIRE(again);
  CHECK(again->fresh == 1);
  CHECK(store->take("n1", events({run(1)}))->seq == 3);
  CHECK(store->take("n1", events({run(1)}, "e2"))->fresh == 1);
  CHECK(store->take("n2", events({run(1)}))->fresh == 1);
  CHECK(store->runs({})->size() == 5);
  alarm::Store::Query query;
  query.node = "n2";
  CHECK(store->runs(query)->size() == 1);
  REQUIRE(store->take("n1", events({raised(9)})));
  REQUIRE(store->take("n2", events({cleared(9)})));
  CHECK(open_alarms(*store).size() == 1);
}

TEST_CASE("alarm: what is wrong with an event is named, and nothing of the request is taken") {
  auto store = fresh_store();
  auto without = [](Dict dict, const char* key) {
    dict.erase(key);
    return dict;
  };
  auto with = [](Dict dict, const char* key, Value value) {
    dict[key] = std::move(value);
    return dict;
  };
  struct Case {
    Value body;
    const char* message;
  };
  const Case cases[] = {{Value(), "must be an object"},
                        {Dict{}, "'epoch' must be"},
                        {events({}, ""), "'epoch' must be"},
                        {events({}), "'events' must be a list that is not empty"},
                        {events({"x"}), "event 1: must be an object"},
                        {events({run(1), without(run(2), "kind")}), "event 2: 'kind' must be a string"},
                        {events({with(run(1), "kind", "dance")}), "'kind' cannot be dance"},
                        {events({without(run(1), "seq")}), "'seq' is missing"},
                        {events({with(run(1), "seq", "7")}), "'seq' must be a whole number"},
                        {events({run(2), run(2)}), "event 2: 'seq' does not rise"},
                        {events({with(run(1), "time", "yesterday")}), "'time' must be like"},
                        {events({with(run(1), "time", "2026-02-30T00:00:00.000Z")}), "'time' must be like"},
                        {events({with(run(1), "outcome", "great")}), "'outcome' cannot be great"},
                        {events({with(run(1), "run", -1)}), "'run' must be a whole number"},
                        {events({with(run(1), "extra", 1)}), "unknown member 'extra'"},
                        {events({with(raised(1), "severity", "fatal")}), "'severity' cannot be fatal"},
                        {events({with(raised(1), "text", "")}), "'text' must not be empty"},
                        {events({with(raised(1), "text", std::string("a\0b", 3))}), "nor hold NUL"},
                        {events({with(raised(1), "state", "maybe")}), "'state' cannot be maybe"},
                        {events({without(raised(1), "rule")}), "'rule' must be a string"}};
  for (const auto& c : cases) {
    CAPTURE(c.message);
    auto taken = store->take("n1", c.body);
    REQUIRE_FALSE(taken);
    CHECK_MESSAGE(taken.error().message.find(c.message) != std::string::npos, taken.error().message);
    CHECK(taken.error().code == base::Errc::invalid);
  }
  CHECK(store->runs({})->empty());
  List many;
  for (int i = 1; i <= 501; ++i) many.emplace_back(run(i));
  CHECK(error_of(store->take("n1", events(many))).find("501 events") != std::string::npos);
}

TEST_CASE("alarm: leap days are days, long texts are cut at a character") {
  auto store = fresh_store();
  auto leap = raised(1);
  leap["time"] = "2028-02-29T23:59:59.999Z";
  leap["text"] = std::string(1023, 'x') + "\xc3\xa4";
  REQUIRE(store->take("n1", events({leap})));
  CHECK(open_alarms(*store)[0].get_string("text") == std::string(1023, 'x'));
}

TEST_CASE("child: alarm events are taken" * doctest::skip()) {
  auto pool = base::pg::Pool::open(std::getenv("WEFT_CHILD_DB"), 2);
  auto store = alarm::Store::open(*pool);
  (void)(*store)->take("n1", events({raised(1), run(2)}));
}

TEST_CASE("alarm: kill -9 before the commit takes nothing, and the repetition takes everything") {
  auto pool = fresh_pool();
  auto store = alarm::Store::open(pool);
  REQUIRE(store);
  Scratch scratch;
  setenv("WEFT_CHILD_DB", pool->url().c_str(), 1);
  CHECK(tests::monitor_support::killed_at("monitor.alarm.taken=kill", "child: alarm events are taken", scratch.path));
  CHECK(open_alarms(**store).empty());
  CHECK((*store)->take("n1", events({raised(1), run(2)}))->fresh == 2);
}

TEST_CASE("alarm: patterns and pages") {
  auto store = fresh_store();
  for (int i = 1; i <= 5; ++i) REQUIRE(store->take("disk0" + std::to_string(i), events({raised(1)})));
  REQUIRE(store->take("web%_1", events({raised(1)})));
  alarm::Store::Query query;
  query.node = "disk*";
  query.limit = 2;
  auto first = store->alarms(query);
  REQUIRE(first->size() == 2);
  CHECK((*first)[0].get_string("node") == "disk05");
  query.before = (*first)[1].get_integer("id");
  CHECK((*store->alarms(query))[0].get_string("node") == "disk03");
  query = {};
  query.node = "web%_?";
  CHECK(store->alarms(query)->size() == 1);
  query.node = "disk0%";
  CHECK(store->alarms(query)->empty());
  query.node = "'; drop table monitor.alarm; --";
  CHECK(store->alarms(query)->empty());
}

TEST_CASE("alarm: a node that falls silent gets no_contact, once, until it is heard again") {
  auto store = fresh_store();
  auto now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  using std::chrono::seconds;
  CHECK(*store->check_contacts({{"old", now - 1000000}, {"new", now}}, seconds(300)) == 1);
  CHECK(*store->check_contacts({}, seconds(300)) == 0);
  CHECK(*store->check_contacts({{"old", now - 2000000}}, seconds(300)) == 0);  // an older report of another gateway
  auto open = open_alarms(*store);
  REQUIRE(open.size() == 1);
  CHECK(open[0].get_string("node") == "old");
  CHECK(open[0].get_string("rule") == "no_contact");
  CHECK(*store->check_contacts({{"old", now}}, seconds(300)) == 0);
  CHECK(open_alarms(*store).empty());
  CHECK(open_alarms(*store, true).size() == 1);
}

TEST_CASE("alarm: old history goes, open alarms stay") {
  auto store = fresh_store();
  REQUIRE(store->take("n1", events({raised(1, "a"), raised(2, "b"), cleared(3, "b"), run(4)})));
  REQUIRE(store->prune(std::chrono::hours(0)));
  CHECK(open_alarms(*store, true).size() <= 2);  // cleared in the future of 2026 may not be over yet
  CHECK(open_alarms(*store).size() == 1);
  CHECK(store->runs({})->empty());
}

TEST_CASE("alarm: one node cannot fill the database: open alarms, runs and epochs are limited, other nodes keep theirs") {
  auto store = fresh_store();
  REQUIRE(store->take("n2", events({raised(1, "other"), run(2)})));
  REQUIRE(store->take("n1", events({raised(1, "first")})));
  int seq = 1;
  for (int batch = 0; batch < 5; ++batch) {
    List flood;
    for (int i = 0; i < 250; ++i) {
      ++seq;
      flood.emplace_back(raised(seq, "subject " + std::to_string(seq)));
    }
    for (int i = 0; i < 250; ++i) flood.emplace_back(run(++seq));
    const auto taken = store->take("n1", events(std::move(flood)));
    REQUIRE_MESSAGE(taken, error_of(taken));
    CHECK(taken->seq == seq);  // refusing would block what comes behind it
  }
  alarm::Store::Query query;
  query.limit = 10000;
  query.node = "n1";
  const auto alarms = store->alarms(query);
  REQUIRE(alarms);
  CHECK(alarms->size() == alarm::Store::most_open);
  CHECK(alarms->back().get_string("subject") == "first");
  CHECK(store->runs(query)->size() == alarm::Store::most_runs);
  for (int i = 0; i < 40; ++i) REQUIRE(store->take("n1", events({run(1)}, "epoch" + std::to_string(i))));
  query.node = "n2";
  CHECK(store->alarms(query)->size() == 1);
  CHECK(store->runs(query)->size() == 1);
  CHECK_FALSE(store->take("n1", events({run(1)}, std::string("e\0", 2))));
}

TEST_CASE("http: who may do what") {
  auto store = fresh_store();
  gateway::Gateway gateway({});
  http::Api api(gateway, *store);
  auto ask = [&](auto member, Identity::Kind kind, std::string body = {}, std::map<std::string, std::string> query = {}) {
    Request request;
    request.identity = {kind, "n1"};
    request.body = std::move(body);
    request.query = std::move(query);
    auto answer = (api.*member)(request);
    return answer ? answer->status : answer.error().code == base::Errc::denied ? 403 : 400;
  };
  std::string one = base::profile::to_json(events({raised(1)}));
  CHECK(ask(&http::Api::alarm_post, Identity::Kind::node, one) == 200);
  for (auto kind : {Identity::Kind::none, Identity::Kind::person, Identity::Kind::service})
    CHECK(ask(&http::Api::alarm_post, kind, one) == 403);
  for (auto member : {&http::Api::metrics, &http::Api::metric_list, &http::Api::alarm_list}) {
    CHECK(ask(member, Identity::Kind::none) == 403);
    CHECK(ask(member, Identity::Kind::node) == 403);
    CHECK(ask(member, Identity::Kind::person) == 200);
    CHECK(ask(member, Identity::Kind::service) == 200);
    CHECK(ask(member, Identity::Kind::person, "", {{"nodee", "x"}}) == 400);
  }
  CHECK(ask(&http::Api::alarm_list, Identity::Kind::person, "", {{"state", "open"}}) == 400);
  CHECK(ask(&http::Api::alarm_list, Identity::Kind::person, "", {{"limit", "0"}}) == 400);
  CHECK(ask(&http::Api::alarm_list, Identity::Kind::person, "", {{"limit", "1x"}}) == 400);
  for (const char* bad : {"", "{", "[]", "{\"epoch\":\"e\",\"events\":[{}]}"})
    CHECK(ask(&http::Api::alarm_post, Identity::Kind::node, bad) == 400);
}

TEST_CASE("http: last values as text and JSON, with declared types and odd numbers") {
  auto store = fresh_store();
  gateway::Gateway gateway({});
  http::Api api(gateway, *store);
  std::vector<wire::Row> rows{{{{"__name__", "node_load1"}}, {{0.5, 1700000000000}}},
                              {{{"__name__", "node_forks_total"}}, {{7, 1700000000000}}},
                              {{{"__name__", "site_own"}, {"x", "a\"b"}}, {{-HUGE_VAL, 1700000000000}}}};
  Request write;
  write.identity = {Identity::Kind::node, "n1"};
  write.body = wire::encode(rows);
  gateway.receive(write, [](base::http::Response r) { CHECK(r.status == 204); });
  Request read;
  read.identity = {Identity::Kind::person, "ada"};
  auto text = api.metrics(read);
  REQUIRE(text);
  CHECK(text->body.find(
            "# HELP node_load1 1m load average.\n# TYPE node_load1 gauge\nnode_load1{instance=\"n1\"} 0.5 1700000000000\n") !=
        std::string::npos);
  CHECK(text->body.find("# TYPE node_forks_total counter") != std::string::npos);
  CHECK(text->body.find("site_own{instance=\"n1\",x=\"a\\\"b\"} -Inf") != std::string::npos);
  CHECK(text->body.find("weft_gateway_series") != std::string::npos);
  read.query = {{"node", "n?"}, {"name", "s*"}};
  auto json = api.metric_list(read);
  REQUIRE(json);
  CHECK(json->body ==
        R"({"metrics":[{"labels":{"x":"a\"b"},"name":"site_own","node":"n1","timestamp_ms":1700000000000,"value":"-Inf"}]})");
  read.query = {{"node", "n2"}};
  CHECK(api.metric_list(read)->body == R"({"metrics":[]})");
}
