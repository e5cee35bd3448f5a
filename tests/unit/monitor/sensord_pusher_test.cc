#include "monitor/sensord/pusher.h"

#include <doctest/doctest.h>

#include <fstream>
#include <thread>

#include "base/http/server.h"
#include "base/profile/json.h"
#include "monitor/sensord/daemon.h"
#include "monitor/wire/remote_write.h"
#include "tests/unit/monitor/support.h"

using namespace monitor;
using base::http::Request;
using base::http::Response;
using base::profile::Dict;
using tests::monitor_support::error_of;
using tests::monitor_support::Scratch;

namespace {

// A server that answers as told and remembers what it got.
struct Store {
  std::mutex mutex;
  std::vector<std::string> bodies, alarms;
  std::vector<int> status;  // for the next requests; afterwards 204
  std::string refused;      // header Weft-Refused with the bad ones
  std::string content_type = "text/plain";
  int alarm_status = 200;
  std::unique_ptr<base::http::Server> server;

  Store() {
    auto made = base::http::Server::create({});
    REQUIRE(made);
    server = std::move(*made);
    server->route("POST", "/api/v1/write", [this](const Request& request) -> base::Result<Response> {
      std::lock_guard lock(mutex);
      Response out;
      out.status = 204;
      if (!status.empty()) {
        out.status = status.front();
        status.erase(status.begin());
      }
      if (out.status / 100 == 2) bodies.push_back(request.body);
      out.body = out.status == 204 ? "" : "no, thanks";
      out.content_type = content_type;
      if (!refused.empty() && out.status >= 400) out.headers.emplace("Weft-Refused", refused);
      return out;
    });
    server->route("POST", "/v1/alarm", [this](const Request& request) -> base::Result<Response> {
      std::lock_guard lock(mutex);
      if (alarm_status / 100 == 2) alarms.push_back(request.body);
      return Response::text("", alarm_status);
    });
    REQUIRE(server->start());
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server->port()); }
  sensord::PushTarget target() const { return {url() + "/api/v1/write", url(), {}}; }
  std::size_t received() {
    std::lock_guard lock(mutex);
    return bodies.size();
  }
};

template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 3000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

std::unique_ptr<sensord::Spool> spool_in(const Scratch& scratch) {
  auto spool = sensord::Spool::open(scratch.path / "spool");
  REQUIRE(spool);
  return std::move(*spool);
}

}  // namespace

TEST_CASE("pusher: sends in order, keeps what fails, sends it again") {
  Store store;
  store.status = {503, 500, 429};
  Scratch scratch;
  auto spool = spool_in(scratch);
  for (const char* body : {"one", "two", "three"}) REQUIRE(spool->append(body, 2));
  sensord::Pusher pusher(*spool, store.target());
  REQUIRE(eventually([&] { return store.received() == 3; }));
  CHECK(store.bodies == std::vector<std::string>{"one", "two", "three"});
  REQUIRE(eventually([&] { return spool->figures().batches == 0; }));
  auto figures = pusher.figures();
  CHECK(figures.sent_samples == 6);
  CHECK(figures.errors == 3);
  auto notices = pusher.notices();
  REQUIRE(notices.size() == 2);
  CHECK(notices[0].find("samples cannot be sent, they are kept on disk: status 503: no, thanks") != std::string::npos);
  CHECK(notices[1].find("sent again after 3") != std::string::npos);
}

TEST_CASE("pusher: what the server will never take is dropped, counted and told") {
  Store store;
  store.status = {400, 413};
  Scratch scratch;
  auto spool = spool_in(scratch);
  for (const char* body : {"bad", "big", "good"}) REQUIRE(spool->append(body, 5));
  sensord::Pusher pusher(*spool, store.target());
  REQUIRE(eventually([&] { return store.received() == 1; }));
  CHECK(store.bodies[0] == "good");
  CHECK(pusher.figures().refused_samples == 10);
  CHECK(pusher.notices()[0].find("refused a batch of 5 samples for good: status 400: no, thanks") != std::string::npos);
}

TEST_CASE("pusher: a 403 keeps the samples unless the gateway says they are at fault") {
  Store store;
  store.status = {403};
  Scratch scratch;
  auto spool = spool_in(scratch);
  REQUIRE(spool->append("one", 1));
  {
    sensord::Pusher pusher(*spool, store.target());
    REQUIRE(eventually([&] { return pusher.figures().errors == 1 || store.received() == 1; }));
    REQUIRE(eventually([&] { return store.received() == 1; }));  // it was repeated
    CHECK(pusher.figures().refused_samples == 0);
  }
  store.status = {403};
  store.refused = "instance";
  REQUIRE(spool->append("two", 1));
  sensord::Pusher pusher(*spool, store.target());
  REQUIRE(eventually([&] { return pusher.figures().refused_samples == 1; }));
  CHECK(store.received() == 1);
}

TEST_CASE("pusher: a front's 400 in HTML is about the certificate, not about the samples") {
  Store store;
  store.status = {400};
  store.content_type = "text/html";
  Scratch scratch;
  auto spool = spool_in(scratch);
  REQUIRE(spool->append("one", 1));
  sensord::Pusher pusher(*spool, store.target());
  REQUIRE(eventually([&] { return store.received() == 1; }));
  CHECK(pusher.figures().refused_samples == 0);
}

TEST_CASE("pusher: events are told once, and samples go on while alarms cannot be told") {
  Store store;
  store.alarm_status = 503;
  Scratch scratch;
  auto spool = spool_in(scratch);
  sensord::Pusher pusher(*spool, store.target());
  rule::Event event;
  event.seq = 7;
  event.body = Dict{{"kind", "alarm"}, {"seq", 7}};
  pusher.set_events("epoch", {event});
  REQUIRE(eventually([&] { return pusher.figures().errors == 1; }));
  REQUIRE(spool->append("one", 1));
  pusher.wake();
  REQUIRE(eventually([&] { return store.received() == 1; }));
  CHECK(pusher.acknowledged() == 0);
  {
    std::lock_guard lock(store.mutex);
    store.alarm_status = 200;
  }
  REQUIRE(eventually([&] { return pusher.acknowledged() == 7; }));
  REQUIRE(store.alarms.size() == 1);
  CHECK(store.alarms[0] == R"({"epoch":"epoch","events":[{"kind":"alarm","seq":7}]})");
}

TEST_CASE("pusher: stops at once although nobody answers") {
  Scratch scratch;
  auto spool = spool_in(scratch);
  REQUIRE(spool->append("one", 1));
  sensord::Pusher pusher(*spool, {"http://127.0.0.1:1/api/v1/write", "http://127.0.0.1:1", {}});
  REQUIRE(eventually([&] { return pusher.figures().errors > 0; }));
}

TEST_CASE("daemon: samples, spools, pushes under node_exporter's names and obeys a new profile") {
  Store store;
  Scratch scratch;
  auto profile = scratch.path / "current.json";
  auto write_profile = [&](const std::string& text) {
    std::ofstream(scratch.path / "new") << "{\"system\":{\"monitoring\":" << text << "}}";
    std::filesystem::rename(scratch.path / "new", profile);
  };
  write_profile(R"({"push":{"period":1,"labels":{"room":"513"}},"sensors":{"load":{"period":1},"systemd":{"active":false}},
    "rules":{"any":{"condition":"node_load1 >= 0","text":"Always","period":1}}})");
  sensord::DaemonOptions options;
  options.node = "disk01";
  options.server = store.url();
  options.profile = profile;
  options.state = scratch.path / "state";
  options.environment.root = tests::monitor_support::tree("storage");
  options.environment.proc = options.environment.root / "proc";
  options.environment.sys = options.environment.root / "sys";
  std::vector<std::string> complaints;
  options.report = [&](bool, const std::string& text) { complaints.push_back(text); };
  auto daemon = sensord::Daemon::open(options);
  REQUIRE_MESSAGE(daemon, error_of(daemon));
  std::thread thread([&] { CHECK((*daemon)->run()); });

  auto seen = [&](std::string_view name) {
    std::lock_guard lock(store.mutex);
    for (const auto& body : store.bodies) {
      auto request = wire::decode(body);
      if (!request) return false;
      for (const auto& series : request->series())
        if (series.label("__name__") == name && series.label("instance") == "disk01" && series.label("job") == "weft" &&
            series.label("room") == "513")
          return true;
    }
    return false;
  };
  CHECK(eventually([&] { return seen("node_load1"); }));
  CHECK(eventually([&] { return seen("node_filesystem_size_bytes"); }));
  CHECK(eventually([&] { return seen("weft_sensord_spool_bytes"); }));
  CHECK(eventually([&] {
    std::lock_guard lock(store.mutex);
    return !store.alarms.empty() && store.alarms[0].find("\"rule\":\"any\"") != std::string::npos;
  }));
  CHECK_FALSE(seen("node_vmstat_new"));

  // A broken profile changes nothing, a good one is taken over while running.
  std::ofstream(profile) << "{";
  (*daemon)->reload();
  write_profile(
      R"({"push":{"period":1,"labels":{"room":"513"}},"sensors":{"load":{"active":false},"cpu":{"period":1},"systemd":{"active":false}}})");
  CHECK(eventually([&] {
    std::lock_guard lock(store.mutex);
    return std::any_of(store.alarms.begin(), store.alarms.end(),
                       [](const auto& a) { return a.find("no longer in the profile") != std::string::npos; });
  }));
  (*daemon)->stop();
  thread.join();
}
