#include "monitor/gateway/gateway.h"

#include <doctest/doctest.h>

#include <future>
#include <set>
#include <thread>

#include "base/http/server.h"
#include "base/profile/json.h"
#include "tests/unit/monitor/support.h"

using namespace monitor;
using base::http::Identity;
using base::http::Request;
using base::http::Response;
using tests::monitor_support::error_of;

namespace {

constexpr std::int64_t start = 1700000000000;

// A store with the manners of Prometheus 2.42 without out-of-order window: a request is taken whole or, when one sample is older
// than what the series has, not at all.
struct Store {
  std::mutex mutex;
  std::map<std::string, std::pair<std::int64_t, double>> newest;
  std::size_t samples = 0, requests = 0;
  int down = 0;  // status for the next requests; 0: works
  std::unique_ptr<base::http::Server> server;

  Store() {
    auto made = base::http::Server::create({});
    REQUIRE(made);
    server = std::move(*made);
    server->route("POST", "/api/v1/write", [this](const Request& r) { return write(r); });
    REQUIRE(server->start());
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server->port()) + "/api/v1/write"; }

  base::Result<Response> write(const Request& request) {
    std::lock_guard lock(mutex);
    ++requests;
    if (down) return Response::text("not now", down);
    auto body = wire::decode(request.body);
    if (!body) return Response::text(body.error().text(), 400);
    auto next = newest;
    for (const auto& series : body->series()) {
      std::string key;
      for (const auto& label : series.labels) key += std::string(label.name) + "=" + std::string(label.value) + ",";
      for (const auto& point : series.points) {
        auto it = next.find(key);
        if (it != next.end() && (point.timestamp_ms < it->second.first ||
                                 (point.timestamp_ms == it->second.first && point.value != it->second.second)))
          return Response::text("out of order sample", 400);
        next[key] = {point.timestamp_ms, point.value};
      }
    }
    newest = std::move(next);
    samples += body->samples();
    Response out;
    out.status = 204;
    return out;
  }
};

struct S {
  std::string name, instance;
  std::vector<wire::Point> points;
};

std::string body_of(const std::vector<S>& series) {
  std::vector<wire::Row> rows;
  for (const auto& s : series) {
    wire::Row row{{{"__name__", s.name}}, s.points};
    if (!s.instance.empty()) row.labels.push_back({"instance", s.instance});
    rows.push_back(std::move(row));
  }
  return wire::encode(rows);
}

Request request_of(std::string body, const std::string& node = "n1", Identity::Kind kind = Identity::Kind::node) {
  Request out;
  out.method = "POST";
  out.path = "/api/v1/write";
  out.body = std::move(body);
  out.headers = {{"content-encoding", "snappy"}, {"content-type", "application/x-protobuf"}};
  out.identity = {kind, node};
  return out;
}

Response send(gateway::Gateway& gateway, const Request& request) {
  std::promise<Response> promise;
  gateway.receive(request, [&](Response response) { promise.set_value(std::move(response)); });
  return promise.get_future().get();
}

gateway::GatewayOptions with(const Store& store) {
  gateway::GatewayOptions out;
  out.store = store.url();
  return out;
}

std::vector<S> one(const std::string& instance, double value = 1, std::int64_t time = start) {
  return {{"node_load1", instance, {{value, time}}}};
}

std::vector<gateway::LastValues::Row> rows(gateway::Gateway& gateway) {
  auto now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  return gateway.last_values().rows("", "", 100000, now);
}

}  // namespace

TEST_CASE("gateway: samples of the node itself are stored, then answered; last values are held") {
  Store store;
  gateway::Gateway gateway(with(store));
  CHECK(send(gateway, request_of(body_of(one("n1")))).status == 204);
  CHECK(store.samples == 1);
  CHECK(store.newest.contains("__name__=node_load1,instance=n1,"));
  REQUIRE(rows(gateway).size() == 1);
  CHECK(rows(gateway)[0].node == "n1");
}

TEST_CASE("gateway: the label instance is added when it is absent") {
  Store store;
  gateway::Gateway gateway(with(store));
  std::vector<S> mixed{{"a", "", {{1, start}}}, {"b", "n1", {{2, start}}}};
  CHECK(send(gateway, request_of(body_of(mixed))).status == 204);
  CHECK(store.newest.contains("__name__=a,instance=n1,"));
  CHECK(store.newest.contains("__name__=b,instance=n1,"));
}

TEST_CASE("gateway: a node may not write for another, and nothing of such a request is taken") {
  Store store;
  gateway::Gateway gateway(with(store));
  std::vector<S> mixed{{"a", "n1", {{1, start}}}, {"b", "n2", {{2, start}}}};
  auto response = send(gateway, request_of(body_of(mixed)));
  CHECK(response.status == 403);
  CHECK(response.headers.find("Weft-Refused")->second == "instance");
  CHECK(response.body.find("node n1 may not write series of instance n2") != std::string::npos);
  CHECK(store.samples == 0);
  CHECK(rows(gateway).empty());
  for (const char* near : {"n1 ", "N1", "n1.", "n11"}) CHECK(send(gateway, request_of(body_of(one(near)))).status == 403);
}

TEST_CASE("gateway: people and strangers may not write; a service must name the instance") {
  Store store;
  gateway::Gateway gateway(with(store));
  for (auto kind : {Identity::Kind::none, Identity::Kind::person}) {
    auto response = send(gateway, request_of(body_of(one("n1")), "n1", kind));
    CHECK(response.status == 403);
    CHECK_FALSE(response.headers.contains("Weft-Refused"));
  }
  CHECK(send(gateway, request_of(body_of(one("")), "pdu", Identity::Kind::service)).status == 403);
  std::vector<S> two{{"power", "rack1", {{1, start}}}, {"power", "rack2", {{2, start}}}};
  CHECK(send(gateway, request_of(body_of(two), "pdu", Identity::Kind::service)).status == 204);
  CHECK(gateway.last_values().nodes() == 2);
}

TEST_CASE("gateway: bad bodies are refused for good, with the reason") {
  Store store;
  gateway::Gateway gateway(with(store));
  auto rubbish = send(gateway, request_of("rubbish"));
  CHECK(rubbish.status == 400);
  CHECK(rubbish.headers.find("Weft-Refused")->second == "format");
  auto bomb = send(gateway, request_of(std::string("\xff\xff\xff\xff\x0f\x00\x00", 7)));
  CHECK(bomb.status == 413);
  auto gzip = request_of(body_of(one("n1")));
  gzip.headers["content-encoding"] = "gzip";
  CHECK(send(gateway, gzip).status == 400);
  auto second = request_of(body_of(one("n1")));
  second.headers["content-type"] = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
  CHECK(send(gateway, second).status == 415);
  CHECK(store.requests == 0);
}

TEST_CASE("gateway: a store that is away, or wrongly addressed, makes nodes come back, not drop") {
  Store store;
  gateway::Gateway gateway(with(store));
  for (int status : {500, 503, 429, 404, 401}) {
    CAPTURE(status);
    store.down = status;
    auto response = send(gateway, request_of(body_of(one("n1", status, start + status))));
    CHECK(response.status == 503);
    CHECK(response.headers.contains("Retry-After"));
    CHECK_FALSE(response.headers.contains("Weft-Refused"));
    CHECK(response.body.find(std::to_string(status)) != std::string::npos);
  }
  gateway::GatewayOptions nowhere;
  nowhere.store = "http://127.0.0.1:1";
  gateway::Gateway gone(nowhere);
  CHECK(send(gone, request_of(body_of(one("n1")))).status == 503);
  CHECK(rows(gone).size() == 1);  // the live view works without the store
}

TEST_CASE("gateway: without a store only last values") {
  gateway::Gateway gateway({});
  CHECK(send(gateway, request_of(body_of(one("n1", 5)))).status == 204);
  CHECK(rows(gateway)[0].value.value == 5);
}

TEST_CASE("gateway: a repeated batch and one bad sample cost nothing else") {
  Store store;
  gateway::Gateway gateway(with(store));
  std::vector<S> first{{"a", "n1", {{1, start}, {2, start + 10}, {3, start + 20}}},
                       {"b", "n1", {{1, start}, {2, start + 10}, {3, start + 20}}}};
  CHECK(send(gateway, request_of(body_of(first))).status == 204);
  CHECK(store.samples == 6);
  // The answer was lost, the node sends again with a new tick: two old ticks are refused one by one, the new one is stored.
  auto again = first;
  for (auto& s : again) s.points.push_back({4, start + 30});
  auto response = send(gateway, request_of(body_of(again)));
  CHECK(response.status == 400);
  CHECK(response.headers.find("Weft-Refused")->second == "store");
  CHECK(response.body.find("4 of 8 samples were refused: the store answered 400: out of order sample") != std::string::npos);
  CHECK(store.newest["__name__=a,instance=n1,"] == std::pair<std::int64_t, double>{start + 30, 4});
  CHECK(store.newest["__name__=b,instance=n1,"] == std::pair<std::int64_t, double>{start + 30, 4});
  // One series of many has been written by someone else already.
  std::vector<S> many;
  for (int i = 0; i < 20; ++i) many.push_back({"m" + std::to_string(i), "n1", {{1, start}}});
  store.newest["__name__=m7,instance=n1,"] = {start + 1000, 0};
  response = send(gateway, request_of(body_of(many)));
  CHECK(response.body.find("1 of 20 samples were refused") != std::string::npos);
  CHECK(store.newest.contains("__name__=m19,instance=n1,"));
}

TEST_CASE("gateway: taking a refused body apart is bounded") {
  Store store;
  auto options = with(store);
  options.forwarder.split_requests = 8;
  gateway::Gateway gateway(options);
  std::vector<S> many;
  for (int i = 0; i < 500; ++i) {
    many.push_back({"m" + std::to_string(i), "n1", {{1, start}}});
    store.newest["__name__=m" + std::to_string(i) + ",instance=n1,"] = {start + 1000, 0};
  }
  auto response = send(gateway, request_of(body_of(many)));
  CHECK(response.body.find("500 of 500 samples were refused") != std::string::npos);
  CHECK(store.requests <= 9);
}

TEST_CASE("gateway: bodies that wait together travel together, and each gets its own answer") {
  Store store;
  auto options = with(store);
  options.forwarder.senders = 1;
  gateway::Gateway gateway(options);
  store.newest["__name__=node_load1,instance=n7,"] = {start + 1000, 0};
  std::vector<std::promise<Response>> answers(40);
  for (int i = 0; i < 40; ++i)
    gateway.receive(request_of(body_of(one("n" + std::to_string(i))), "n" + std::to_string(i)),
                    [&answers, i](Response r) { answers[static_cast<std::size_t>(i)].set_value(std::move(r)); });
  for (int i = 0; i < 40; ++i) {
    CAPTURE(i);
    CHECK(answers[static_cast<std::size_t>(i)].get_future().get().status == (i == 7 ? 400 : 204));
  }
  CHECK(store.samples == 39);
}

TEST_CASE("gateway: a full queue answers at once, a stopping gateway answers what waits") {
  Store store;
  auto options = with(store);
  options.forwarder.queue = 1;
  options.forwarder.senders = 0;
  std::vector<int> status;
  {
    gateway::Gateway gateway(options);
    gateway.receive(request_of(body_of(one("n1"))), [&](Response r) { status.push_back(r.status); });
    CHECK(status.empty());
    gateway.receive(request_of(body_of(one("n1"))), [&](Response r) { status.push_back(r.status); });
    CHECK(status == std::vector<int>{503});
  }
  CHECK(status == std::vector<int>{503, 503});
}

TEST_CASE("gateway: a node's series are limited, and the refused request leaves nothing") {
  gateway::GatewayOptions options;
  options.last_values.series_per_node = 10;
  options.last_values.nodes = 2;
  gateway::Gateway gateway(options);
  std::vector<S> ten, eleven;
  for (int i = 0; i < 11; ++i) {
    if (i < 10) ten.push_back({"m" + std::to_string(i), "n1", {{1, start}}});
    eleven.push_back({"x" + std::to_string(i), "n1", {{1, start}}});
  }
  CHECK(send(gateway, request_of(body_of(ten))).status == 204);
  auto response = send(gateway, request_of(body_of(eleven)));
  CHECK(response.status == 413);
  CHECK(response.headers.find("Weft-Refused")->second == "limit");
  CHECK(rows(gateway).size() == 10);
  CHECK(gateway.last_values().names() == 10);  // not even the labels of what was refused
  CHECK(send(gateway, request_of(body_of(ten))).status == 204);
  CHECK(send(gateway, request_of(body_of(one("n2")), "n2")).status == 204);
  CHECK(send(gateway, request_of(body_of(one("n3")), "n3")).status == 413);
}

TEST_CASE("last values: older samples change nothing, stale markers remove, silence forgets") {
  gateway::LastValues values;
  auto give = [&](double value, std::int64_t time, std::int64_t now) {
    auto request = wire::decode(body_of({{"a", "n1", {{value, time}}}}));
    REQUIRE(request);
    REQUIRE(values.update("n1", request->series(), now));
  };
  give(1, start, start);
  give(2, start - 1000, start + 1);
  CHECK(values.rows("", "", 10, start)[0].value.value == 1);
  give(3, start + 30000, start + 30000);
  CHECK(values.rows("", "", 10, start)[0].value.interval_ms == 30000);
  CHECK(values.rows("", "", 10, start + 30000 + 300000).size() == 1);
  CHECK(values.rows("", "", 10, start + 30000 + 300001).empty());
  give(metric::stale_marker(), start + 60000, start + 60000);
  CHECK(values.series() == 0);
  give(5, start + 90000, start + 90000);
  values.sweep(start + 91000);
  CHECK(values.nodes() == 1);
  values.sweep(start + 90000000);
  CHECK(values.nodes() == 0);
  CHECK(values.series() == 0);
}

TEST_CASE("last values: patterns, order, limit") {
  gateway::LastValues values;
  for (const char* node : {"disk02", "disk01", "web01"}) {
    auto request = wire::decode(body_of({{"b", node, {{1, start}}}, {"a", node, {{1, start}}}}));
    REQUIRE(values.update(node, request->series(), start));
  }
  auto all = values.rows("disk*", "", 10, start);
  REQUIRE(all.size() == 4);
  CHECK(all[0].series->name == "a");
  CHECK(all[0].node == "disk01");
  CHECK(all[1].node == "disk02");
  CHECK(all[0].series == all[1].series);  // kept once
  CHECK(values.rows("", "b", 10, start).size() == 3);
  CHECK(values.rows("", "", 2, start).size() == 3);
  CHECK(values.rows("nobody", "", 10, start).empty());
}
