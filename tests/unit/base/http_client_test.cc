#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "base/http/client.h"
#include "base/http/server.h"

using base::Errc;
using base::http::Client;
using base::http::ClientOptions;
using base::http::ClientRequest;
using base::http::Pending;
using base::http::Request;
using base::http::Response;
using base::http::Server;

namespace {

Errc failure(ClientOptions options, const ClientRequest& request) {
  auto result = Client(std::move(options)).send(request);
  REQUIRE_FALSE(result);
  CHECK_FALSE(result.error().message.empty());
  return result.error().code;
}

}  // namespace

TEST_CASE("what goes wrong before an answer is told apart") {
  ClientRequest request;
  request.path = "/x";
  ClientOptions nobody;
  nobody.base_url = "http://127.0.0.1:1";
  CHECK(failure(nobody, request) == Errc::unavailable);
  ClientOptions no_host;
  no_host.base_url = "http://no-such-host.invalid";
  CHECK(failure(no_host, request) == Errc::unavailable);
  ClientOptions bad;
  bad.base_url = "ftp://127.0.0.1";
  CHECK(failure(bad, request) == Errc::invalid);
  ClientOptions no_ca;
  no_ca.base_url = "https://127.0.0.1:1";
  CHECK(failure(no_ca, request) == Errc::invalid);
  ClientOptions half = nobody;
  half.certificate = "/x";
  CHECK(failure(half, request) == Errc::invalid);
  ClientOptions socket = nobody;
  socket.unix_socket = "/nonexistent/socket";
  CHECK(failure(socket, request) == Errc::unavailable);
  for (const char* path : {"", "x", "/a b", "/a\r\nX: y"}) {
    CAPTURE(path);
    request.path = path;
    CHECK(failure(nobody, request) == Errc::invalid);
  }
  request.path = "/";
  request.headers = {{"X", "a\r\nY: b"}};
  CHECK(failure(nobody, request) == Errc::invalid);
}

TEST_CASE("time-outs and abandoned long polls") {
  auto created = Server::create({});
  REQUIRE(created);
  std::vector<Pending> held;
  (*created)->route_async("GET", "/wake", [&](const Request&, Pending pending) { held.push_back(pending); });
  (*created)->route("GET", "/fine", [](const Request&) -> base::Result<Response> { return Response::text("fine"); });
  REQUIRE((*created)->start());
  ClientOptions options;
  options.base_url = "http://127.0.0.1:" + std::to_string((*created)->port()) + "/";
  Client client(options);
  ClientRequest request;
  request.path = "/wake";
  request.timeout = std::chrono::milliseconds(300);
  auto late = client.send(request);
  REQUIRE_FALSE(late);
  CHECK(late.error().code == Errc::timeout);

  std::atomic<bool> cancel = false;
  request.timeout = std::chrono::minutes(5);
  request.cancel = &cancel;
  std::jthread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    cancel = true;
  });
  auto abandoned = client.send(request);
  REQUIRE_FALSE(abandoned);
  CHECK(abandoned.error().message.find("abandoned") != std::string::npos);

  // The client is as good as new afterwards.
  ClientRequest next;
  next.path = "/fine";
  auto fine = client.send(next);
  REQUIRE(fine);
  CHECK(fine->body == "fine");
}
