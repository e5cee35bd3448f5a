#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/compress/compress.h"
#include "base/http/client.h"
#include "base/http/server.h"
#include "base/profile/json.h"
#include "tests/unit/base/http_raw.h"

using base::Errc;
using base::fail;
using base::Result;
using base::http::Client;
using base::http::ClientOptions;
using base::http::ClientRequest;
using base::http::ClientResponse;
using base::http::expect_ok;
using base::http::Identity;
using base::http::Pending;
using base::http::Request;
using base::http::Response;
using base::http::Server;
using base::http::ServerOptions;

namespace {

Response echo(const Request& request) {
  base::profile::Dict query, params;
  for (const auto& [key, value] : request.query) query[key] = value;
  for (const auto& [key, value] : request.params) params[key] = value;
  base::profile::Dict out{{"method", request.method},
                          {"path", request.path},
                          {"query", query},
                          {"params", params},
                          {"body", request.body},
                          {"name", request.identity.name},
                          {"kind", static_cast<int>(request.identity.kind)}};
  return Response::json(base::profile::Value(out));
}

struct Fixture {
  std::unique_ptr<Server> server;
  std::mutex mutex;
  std::vector<Pending> held;
  std::vector<std::string> defects;

  explicit Fixture(ServerOptions options = {}) {
    options.on_defect = [this](const base::Error& error, const Request&) {
      const std::lock_guard lock(mutex);
      defects.push_back(error.message);
    };
    auto created = Server::create(std::move(options));
    REQUIRE(created);
    server = std::move(*created);
    server->route("GET", "/echo/:name", [](const Request& r) -> Result<Response> { return echo(r); });
    server->route("GET", "/echo/fixed", [](const Request&) -> Result<Response> { return Response::text("fixed"); });
    server->route("GET", "/tree/*path", [](const Request& r) -> Result<Response> { return echo(r); });
    server->route("POST", "/echo/:name", [](const Request& r) -> Result<Response> { return echo(r); });
    server->route("GET", "/headers", [](const Request& r) -> Result<Response> {
      base::profile::Dict out;
      for (const auto& [key, value] : r.headers) out[key] = value;
      return Response::json(base::profile::Value(out));
    });
    server->route("GET", "/etag", [](const Request& r) -> Result<Response> {
      Response response = Response::text("hello");
      response.headers.emplace("ETag", "\"abc\"");
      response.headers.emplace("Weft-Manifest", "v=1;x");
      response.headers.emplace("Evil", "a\r\nSet-Cookie: stolen");
      response.headers.emplace("Content-Length", "99999");
      if (r.headers.contains("if-none-match")) response.status = 304;
      return response;
    });
    server->route("GET", "/zstd", [](const Request& r) -> Result<Response> {
      Response response = Response::text(base::compress::zstd("compressed text"));
      response.headers.emplace("Content-Encoding", r.query.contains("dcz") ? "dcz" : "zstd");
      return response;
    });
    server->route("GET", "/big", [](const Request&) -> Result<Response> { return Response::text(std::string(5u << 20, 'x')); });
    server->route("GET", "/missing", [](const Request&) -> Result<Response> {
      return fail(base::Error{Errc::corrupt, "profile disk01 is damaged", "Compile it again.", {"reading it", "answering"}});
    });
    server->route("GET", "/bug", [](const Request&) -> Result<Response> { return fail(Errc::internal, "SELECT secret"); });
    server->route("GET", "/throw", [](const Request&) -> Result<Response> { throw std::runtime_error("secret text"); });
    server->route("GET", "/throw-int", [](const Request&) -> Result<Response> { throw 42; });
    server->route("GET", "/slow", [](const Request&) -> Result<Response> {
      std::this_thread::sleep_for(std::chrono::milliseconds(700));
      return Response::text("slow");
    });
    server->route_async("GET", "/wake", [this](const Request&, Pending pending) {
      const std::lock_guard lock(mutex);
      held.push_back(pending);
    });
    server->route_async("GET", "/drop", [](const Request&, const Pending&) {});
    auto started = server->start();
    REQUIRE_MESSAGE(started, started.error().text());
  }

  ClientOptions options() const {
    ClientOptions out;
    out.base_url = "http://127.0.0.1:" + std::to_string(server->port());
    return out;
  }
  ClientResponse get(std::string path, std::map<std::string, std::string> headers = {}, std::string method = "GET",
                     std::string body = "") {
    Client client(options());
    ClientRequest request;
    request.path = std::move(path);
    request.headers = std::move(headers);
    request.method = std::move(method);
    request.body = std::move(body);
    auto response = client.send(request);
    if (!response) FAIL(response.error().text());
    return *response;
  }
  base::profile::Value json(std::string path) {
    auto response = get(std::move(path));
    auto value = base::profile::parse_json(response.body);
    REQUIRE(value);
    return *value;
  }
  bool wait_held(std::size_t count) {
    for (int i = 0; i < 500; ++i) {
      {
        const std::lock_guard lock(mutex);
        if (held.size() >= count) return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
};

}  // namespace

TEST_CASE("paths and queries are decoded once, routes pick the more particular pattern") {
  Fixture f;
  const auto value = f.json("/echo/a%2Fb%20c%2B+?x=1%262&y=a+b&z=%C3%A4&x=second");
  CHECK(value.get_string("path") == "/echo/a/b c++");
  CHECK(value.get("params")->get_string("name") == "a/b c++");
  CHECK(value.get("query")->get_string("x") == "1&2");
  CHECK(value.get("query")->get_string("y") == "a b");
  CHECK(value.get("query")->get_string("z") == "ä");
  CHECK(f.get("/echo/fixed").body == "fixed");
  CHECK(f.json("/tree/a/b%2Fc/d.pan").get("params")->get_string("path") == "a/b/c/d.pan");
  CHECK(f.json("/echo/%252e").get("params")->get_string("name") == "%2e");
}

TEST_CASE("bad addresses are refused") {
  Fixture f;
  for (const char* path :
       {"/echo/%", "/echo/%4", "/echo/%zz", "/echo/%00", "/tree/a/%2e%2e/b", "/tree/../x", "/tree/./x", "/echo/x?a=%"}) {
    CAPTURE(path);
    tests::Raw raw(f.server->port());
    REQUIRE(raw.write(std::string("GET ") + path + " HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(raw.read("\r\n\r\n").starts_with("HTTP/1.1 400"));
  }
  for (const char* path : {"/", "/nothing", "/echo", "/echo/", "/echo/a/b", "/tree/", "/tree", "//echo/a"}) {
    CAPTURE(path);
    CHECK(f.get(path).status == 404);
  }
  const auto wrong_method = f.get("/echo/a", {}, "DELETE");
  CHECK(wrong_method.status == 405);
  CHECK(wrong_method.headers.at("allow") == "GET, POST");
}

TEST_CASE("headers arrive, ours leave, none can be forged") {
  Fixture f;
  const auto response = f.get("/etag");
  CHECK(response.headers.at("etag") == "\"abc\"");
  CHECK(response.headers.at("weft-manifest") == "v=1;x");
  CHECK_FALSE(response.headers.contains("evil"));
  CHECK_FALSE(response.headers.contains("set-cookie"));
  CHECK(response.headers.at("content-length") == "5");
  CHECK(response.headers.at("connection") == "keep-alive");
  auto sent = f.get(
      "/headers",
      {{"X-Thing", "v"}, {"Authorization", "Bearer t"}, {"Weft-Content-Encoding", "snappy"}, {"Accept-Encoding", "dcz, zstd"}});
  const auto value = base::profile::parse_json(sent.body);
  REQUIRE(value);
  CHECK(value->get_string("x-thing") == "v");
  CHECK(value->get_string("authorization") == "Bearer t");
  CHECK(value->get_string("content-encoding") == "snappy");
  CHECK(value->get_string("accept-encoding") == "dcz, zstd");
}

TEST_CASE("HEAD and 304 carry no body and no wrong length") {
  Fixture f;
  const auto head = f.get("/etag", {}, "HEAD");
  CHECK(head.status == 200);
  CHECK(head.headers.at("content-length") == "5");
  CHECK(head.body.empty());
  tests::Raw raw(f.server->port());
  REQUIRE(raw.write("GET /etag HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"abc\"\r\n\r\n"));
  const auto text = raw.read("\r\n\r\n");
  CHECK(text.starts_with("HTTP/1.1 304"));
  CHECK(text.find("ETag: \"abc\"") != std::string::npos);
  CHECK(text.find("Content-Length") == std::string::npos);
  // The same connection goes on.
  REQUIRE(raw.write("GET /echo/fixed HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  CHECK(raw.read("fixed").ends_with("fixed"));
  CHECK(raw.closes());
  tests::Raw old(f.server->port());
  REQUIRE(old.write("GET /echo/fixed HTTP/1.0\r\n\r\n"));
  CHECK(old.read("fixed").ends_with("fixed"));
  CHECK(old.closes());
}

TEST_CASE("errors become problem+json and errors again at the client; defects leak nothing") {
  Fixture f;
  Client client(f.options());
  ClientRequest request;
  request.path = "/missing";
  auto failed = expect_ok(client.send(request));
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == Errc::corrupt);
  CHECK(failed.error().message == "profile disk01 is damaged");
  CHECK(failed.error().hint == "Compile it again.");
  CHECK(failed.error().chain == std::vector<std::string>{"reading it", "answering"});
  for (const char* path : {"/bug", "/throw", "/throw-int"}) {
    CAPTURE(path);
    const auto response = f.get(path);
    CHECK(response.status == 500);
    CHECK(response.headers.at("content-type") == "application/problem+json");
    CHECK(response.body.find("secret") == std::string::npos);
  }
  const std::lock_guard lock(f.mutex);
  CHECK(f.defects.size() == 3);
  CHECK(std::ranges::find(f.defects, "exception: secret text") != f.defects.end());
}

TEST_CASE("expect_ok copes with answers that are not ours") {
  ClientResponse gateway{502, {{"content-type", "text/html"}}, "<html>"};
  CHECK(expect_ok(gateway).error().code == Errc::unavailable);
  CHECK(expect_ok(gateway).error().message.find("502") != std::string::npos);
  ClientResponse broken{404, {{"content-type", "application/problem+json"}}, "{\"detail\": 5"};
  CHECK(expect_ok(broken).error().code == Errc::not_found);
  ClientResponse odd{
      409, {{"content-type", "application/problem+json"}}, "{\"type\": \"urn:weft:error:nonsense\", \"detail\": \"d\"}"};
  CHECK(expect_ok(odd).error().code == Errc::conflict);
  CHECK(expect_ok(odd).error().message == "d");
  CHECK(expect_ok(ClientResponse{304, {}, ""}));
}

TEST_CASE("the hop secret is demanded, identities come from the front's headers alone") {
  ServerOptions options;
  options.hop_secret = "hop-secret";
  options.trusted = {Identity::Kind::person, "root"};
  Fixture f(std::move(options));
  CHECK(f.get("/echo/a").status == 403);
  CHECK(f.get("/echo/a", {{"Weft-Hop", "hop-secreT"}}).status == 403);
  CHECK(f.get("/echo/a", {{"Weft-Hop", ""}}).status == 403);
  const auto as = [&](const std::string& verify, const std::string& subject) {
    return f.get("/echo/a", {{"Weft-Hop", "hop-secret"}, {"Weft-Client-Verify", verify}, {"Weft-Client-Subject", subject}});
  };
  const auto who = [&](const ClientResponse& response) {
    auto value = base::profile::parse_json(response.body);
    REQUIRE(value);
    return std::to_string(value->get_integer("kind")) + std::string(value->get_string("name"));
  };
  CHECK(who(as("NONE", "")) == "0");
  CHECK(who(as("NONE", "CN=admin,OU=person,O=weft")) == "0");
  CHECK(who(as("SUCCESS", "CN=disk01.rack,OU=node,O=weft")) == "1disk01.rack");
  CHECK(who(as("SUCCESS", "CN=admin,OU=person,O=weft")) == "2admin");
  CHECK(who(as("SUCCESS", "CN=weftd,OU=service,O=weft")) == "3weftd");
  for (const char* subject :
       {"", "CN=admin,OU=person", "CN=admin,OU=person,O=other", "OU=person,CN=admin,O=weft", "CN=a\\,OU=person,OU=node,O=weft",
        "CN=,OU=node,O=weft", "CN=x,OU=server,O=weft", "CN=x,OU=ca,O=weft", "CN=a+OU=person,OU=node,O=weft",
        "CN=x,OU=person,O=weft,O=weft", "CN=x,OU=person,O=weft,CN=y", "O=weft,OU=person,CN=x"}) {
    CAPTURE(subject);
    CHECK(as("SUCCESS", subject).status == 403);
  }
  CHECK(as("FAILED:certificate has expired", "CN=admin,OU=person,O=weft").status == 403);
  const auto headers = f.get("/headers", {{"Weft-Hop", "hop-secret"}});
  CHECK(headers.body.find("hop-secret") == std::string::npos);
}

TEST_CASE("long polls do not hold workers; a dropped or late one answers 503; stop answers all") {
  ServerOptions options;
  options.workers = 1;
  options.long_poll_limit = std::chrono::seconds(1);
  Fixture f(std::move(options));
  std::vector<std::jthread> clients;
  std::atomic<int> good = 0, late = 0;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      const auto status = f.get("/wake").status;
      ++(status == 204 ? good : late);
    });
  }
  REQUIRE(f.wait_held(8));
  CHECK(f.get("/echo/fixed").body == "fixed");
  {
    const std::lock_guard lock(f.mutex);
    for (std::size_t i = 0; i < 4; ++i) {
      Response response;
      response.status = 204;
      f.held[i].complete(response);
      f.held[i].complete(Response::text("twice"));
    }
  }
  clients.clear();
  CHECK(good == 4);
  CHECK(late == 4);
  CHECK(f.get("/drop").status == 503);

  int at_stop = 0;
  std::jthread waiting([&] { at_stop = f.get("/wake").status; });
  REQUIRE(f.wait_held(9));
  f.server->stop();
  waiting.join();
  CHECK(at_stop == 503);
  f.held[8].complete(Response::text("after the end"));
  CHECK_FALSE(tests::Raw(f.server->port()).connected());
}

TEST_CASE("stop lets a running handler answer") {
  Fixture f;
  std::string body;
  std::jthread client([&] { body = f.get("/slow").body; });
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  f.server->stop();
  client.join();
  CHECK(body == "slow");
}

TEST_CASE("bodies: sizes, limits, codings") {
  ServerOptions options;
  options.max_body = 1u << 20;
  Fixture f(std::move(options));
  const std::string megabyte(1u << 20, 'b');
  auto value = base::profile::parse_json(f.get("/echo/a", {}, "POST", megabyte).body);
  REQUIRE(value);
  CHECK(value->get_string("body") == megabyte);
  CHECK(f.get("/echo/a", {}, "POST", megabyte + "x").status >= 400);
  CHECK(f.get("/big").body.size() == 5u << 20);
  CHECK(f.get("/zstd").body == "compressed text");
  const auto dcz = f.get("/zstd?dcz=1");
  CHECK(dcz.headers.at("content-encoding") == "dcz");
  CHECK(dcz.body != "compressed text");
  auto small = f.options();
  small.max_body = 1000;
  ClientRequest request;
  request.path = "/big";
  auto result = Client(small).send(request);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == Errc::exhausted);
}

TEST_CASE("malformed requests and leaving clients do not end the server") {
  Fixture f;
  for (const std::string text :
       {"\r\n\r\n", "GET\r\n\r\n", "GARBAGE / HTTP/1.1\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
        "GET /echo/a HTTP/1.1\r\nHost: x:99999999\r\n\r\n", "POST /echo/a HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        "GET /echo/a HTTP/1.1\r\nAccept: ;;;/\r\n\r\n",
        "POST /echo/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "\x16\x03\x01\x02"}) {
    tests::Raw raw(f.server->port());
    raw.write(text);
    raw.read("\r\n\r\n", 100);
  }
  for (int i = 0; i < 20; ++i) {
    tests::Raw raw(f.server->port());
    raw.write("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  for (int i = 0; i < 20; ++i) {
    tests::Raw raw(f.server->port());
    raw.write("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    raw.read("200 OK");
  }
  CHECK(f.get("/echo/fixed").body == "fixed");
}
