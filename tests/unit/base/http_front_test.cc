#include <doctest/doctest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/crypto/crypto.h"
#include "base/file/file.h"
#include "base/http/client.h"
#include "base/http/front.h"
#include "base/http/server.h"
#include "base/profile/json.h"
#include "tests/unit/base/http_raw.h"

using base::Errc;
using base::Result;
using base::crypto::Authority;
using base::http::Client;
using base::http::ClientOptions;
using base::http::ClientRequest;
using base::http::ClientResponse;
using base::http::Front;
using base::http::FrontOptions;
using base::http::Request;
using base::http::Response;
using base::http::Server;
using base::http::ServerOptions;
namespace fs = std::filesystem;

namespace {

template <class T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().text());
  return std::move(*result);
}

// A port that was free a moment ago.
std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  ::close(fd);
  return ntohs(address.sin_port);
}

// Server, front and a small certificate authority in a scratch folder.
struct Stack {
  fs::path folder;
  Authority authority = must(Authority::create("test CA"));
  Authority foreign = must(Authority::create("other CA"));
  std::unique_ptr<Server> server;
  std::unique_ptr<Front> front;
  FrontOptions options;
  std::uint16_t port = free_port();

  void put(const fs::path& path, const std::string& text) const {
    must(base::file::write_atomic(path, text).map([] { return 0; }));
  }

  void issue(const Authority& by, const std::string& file, const std::string& kind, const std::string& name,
             const std::vector<std::string>& names = {}) const {
    const auto request = must(base::crypto::make_request({kind, name}));
    put(folder / (file + ".crt"), must(by.sign(request.csr_pem, {kind, name}, std::chrono::hours(24), names)));
    put(folder / (file + ".key"), request.key_pem);
  }

  Stack() {
    char name[] = "/tmp/weft-front-XXXXXX";
    REQUIRE(::mkdtemp(name));
    folder = name;
    REQUIRE(::chmod(name, 0711) == 0);
    put(folder / "ca.crt", authority.certificate_pem);
    put(folder / "foreign-ca.crt", foreign.certificate_pem);
    issue(authority, "server", "server", "weftd", {"127.0.0.1", "localhost"});
    issue(authority, "node", "node", "disk01");
    issue(authority, "admin", "person", "admin");
    issue(foreign, "foreign", "person", "admin");

    ServerOptions server_options;
    server_options.hop_secret = "hop";
    server_options.max_body = 1u << 20;
    server = must(Server::create(server_options));
    server->route("GET", "/who", [](const Request& r) -> Result<Response> {
      return Response::text(std::to_string(static_cast<int>(r.identity.kind)) + r.identity.name);
    });
    server->route("POST", "/size", [](const Request& r) -> Result<Response> {
      const auto coding = r.headers.find("content-encoding");
      return Response::text(std::to_string(r.body.size()) + (coding == r.headers.end() ? "" : coding->second));
    });
    server->route("GET", "/path/*rest", [](const Request& r) -> Result<Response> { return Response::text(r.params.at("rest")); });
    server->route("GET", "/file", [](const Request& r) -> Result<Response> {
      auto response = Response::file(r.query.at("name"), "application/json");
      response.headers.emplace("ETag", "\"root-hash\"");
      response.headers.emplace("Weft-Manifest", "v=1;node=disk01");
      if (r.query.contains("zstd")) response.headers.emplace("Content-Encoding", "dcz");
      return response;
    });
    must(server->start().map([] { return 0; }));

    options.folder = folder / "front";
    options.listen = {"127.0.0.1:" + std::to_string(port)};
    options.unix_socket = folder / "front.sock";
    options.certificate = folder / "server.crt";
    options.key = folder / "server.key";
    options.client_ca = folder / "ca.crt";
    options.file_root = folder / "files";
    options.upstream_port = server->port();
    options.hop_secret = "hop";
    options.max_body = 1u << 20;
    front = must(Front::start(options));
  }
  ~Stack() {
    front.reset();
    server.reset();
    std::error_code error;
    fs::remove_all(folder, error);
  }

  ClientOptions client(const std::string& certificate = "") const {
    ClientOptions out;
    out.base_url = "https://127.0.0.1:" + std::to_string(port);
    out.ca = folder / "ca.crt";
    if (!certificate.empty()) {
      out.certificate = folder / (certificate + ".crt");
      out.key = folder / (certificate + ".key");
    }
    return out;
  }
  static ClientResponse get(const ClientOptions& options, std::string path, std::map<std::string, std::string> headers = {},
                            std::string method = "GET", std::string body = "") {
    ClientRequest request;
    request.path = std::move(path);
    request.headers = std::move(headers);
    request.method = std::move(method);
    request.body = std::move(body);
    return must(Client(options).send(request));
  }
};

}  // namespace

TEST_CASE("the front proves who asks, and nobody can say it for himself") {
  Stack s;
  CHECK(s.get(s.client(), "/who").body == "0");
  CHECK(s.get(s.client("node"), "/who").body == "1disk01");
  CHECK(s.get(s.client("admin"), "/who").body == "2admin");
  const std::map<std::string, std::string> forged{{"Weft-Client-Verify", "SUCCESS"},
                                                  {"Weft-Client-Subject", "CN=admin,OU=person,O=weft"},
                                                  {"Weft-Hop", "hop"},
                                                  {"weft_client_subject", "CN=admin,OU=person,O=weft"}};
  CHECK(s.get(s.client(), "/who", forged).body == "0");
  CHECK(s.get(s.client("node"), "/who", forged).body == "1disk01");
  // Straight to the server's port, past the front.
  ClientOptions direct;
  direct.base_url = "http://127.0.0.1:" + std::to_string(s.server->port());
  auto headers = forged;
  headers["Weft-Hop"] = "guess";
  CHECK(s.get(direct, "/who", headers).status == 403);
  // A certificate of another CA is refused, not treated as anonymous.
  const auto foreign = s.get(s.client("foreign"), "/who");
  CHECK(foreign.status == 403);
  CHECK(foreign.body.find("urn:weft:error:denied") != std::string::npos);
  // The server's own certificate is no client.
  CHECK(s.get(s.client("server"), "/who").status == 403);

  auto wrong_ca = s.client("admin");
  wrong_ca.ca = s.folder / "foreign-ca.crt";
  auto refused = Client(wrong_ca).send({});
  REQUIRE_FALSE(refused);
  ClientRequest request;
  request.path = "/who";
  refused = Client(wrong_ca).send(request);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::denied);
  auto other_name = s.client("admin");
  other_name.base_url = "https://127.0.0.2:" + std::to_string(s.port);
  CHECK_FALSE(Client(other_name).send(request));
  auto no_key = s.client("admin");
  no_key.key = s.folder / "node.key";
  auto mismatch = Client(no_key).send(request);
  REQUIRE_FALSE(mismatch);
  CHECK(mismatch.error().code == Errc::denied);
  auto socket = s.client("admin");
  socket.unix_socket = s.folder / "front.sock";
  CHECK(s.get(socket, "/who").body == "2admin");
}

TEST_CASE("addresses, bodies and codings pass the front unharmed, limits hold") {
  Stack s;
  CHECK(s.get(s.client(), "/path/a%2Fb%25/c%20d").body == "a/b%/c d");
  const std::string body(900'000, 'x');
  CHECK(s.get(s.client("node"), "/size", {{"Content-Encoding", "snappy"}, {"Accept", ";;//"}, {"Date", "nonsense"}}, "POST", body)
            .body == "900000snappy");
  const auto large = s.get(s.client(), "/size", {}, "POST", std::string(1'200'000, 'x'));
  CHECK(large.status == 413);
  CHECK(large.headers.at("content-type") == "application/problem+json");
  CHECK(s.get(s.client(), "/who", {{"X-Large", std::string(70'000, 'h')}}).status == 400);
  CHECK(s.get(s.client(), "/.weft-files/secret").status == 404);
  CHECK(s.get(s.client(), "/nothing").status == 404);
}

TEST_CASE("files are sent by the front with the application's headers") {
  Stack s;
  s.put(s.folder / "files/profile-1.json", "{\"a\":1}");
  s.put(s.folder / "secret", "outside");
  const auto file = s.get(s.client(), "/file?name=profile-1.json");
  CHECK(file.status == 200);
  CHECK(file.body == "{\"a\":1}");
  CHECK(file.headers.at("etag") == "\"root-hash\"");
  CHECK(file.headers.at("weft-manifest") == "v=1;node=disk01");
  CHECK(file.headers.at("content-type") == "application/json");
  CHECK_FALSE(file.headers.contains("x-accel-redirect"));
  CHECK(s.get(s.client(), "/file?name=profile-1.json&zstd=1").headers.at("content-encoding") == "dcz");
  // The application decides about 304, not nginx by the file's time.
  CHECK(s.get(s.client(), "/file?name=profile-1.json", {{"If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT"}}).status == 200);
  const auto head = s.get(s.client(), "/file?name=profile-1.json", {}, "HEAD");
  CHECK(head.headers.at("content-length") == "7");
  CHECK(head.body.empty());
  CHECK(s.get(s.client(), "/file?name=absent").status == 404);
  CHECK(s.get(s.client(), "/file?name=..%2Fsecret").body.find("outside") == std::string::npos);
}

TEST_CASE("silent and slow clients do not keep others waiting") {
  Stack s;
  std::vector<std::unique_ptr<tests::Raw>> silent;
  for (int i = 0; i < 200; ++i) {
    silent.push_back(std::make_unique<tests::Raw>(s.port));
    REQUIRE(silent.back()->connected());
    if (i % 2) silent.back()->write(std::string("\x16\x03\x01", 3));
  }
  for (int i = 0; i < 20; ++i) CHECK(s.get(s.client("node"), "/who").body == "1disk01");
}

TEST_CASE("nginx killed while requests run is replaced; its workers do not linger") {
  Stack s;
  std::atomic<bool> stop = false;
  std::atomic<int> good = 0, wrong = 0;
  std::vector<std::jthread> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back([&] {
      Client client(s.client("node"));
      ClientRequest request;
      request.path = "/who";
      while (!stop) {
        auto response = client.send(request);
        if (response && response->body == "1disk01") ++good;
        if (response && response->status == 200 && response->body != "1disk01") ++wrong;
      }
    });
  }
  for (int round = 0; round < 2; ++round) {
    const int before = s.front->pid();
    REQUIRE(::kill(before, SIGKILL) == 0);
    for (int i = 0; i < 200 && s.front->pid() == before; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    CHECK(s.front->pid() != before);
    const int seen = good;
    for (int i = 0; i < 200 && good < seen + 10; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    CHECK(good >= seen + 10);
  }
  stop = true;
  clients.clear();
  CHECK(wrong == 0);
}

TEST_CASE("a front ends with the program that is killed, the next one starts, a reload takes a new certificate") {
  Stack s;
  s.front.reset();
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  const auto child = ::fork();
  if (child == 0) {  // a program that is killed while its front runs
    auto front = Front::start(s.options);
    const int pid = front ? (*front)->pid() : -1;
    (void)!::write(pipe[1], &pid, sizeof pid);
    ::kill(::getpid(), SIGKILL);
  }
  int old = 0;
  REQUIRE(::read(pipe[0], &old, sizeof old) == sizeof old);
  ::waitpid(child, nullptr, 0);
  REQUIRE(old > 1);
  // It does not go on sending requests, and the hop secret, to a port that anybody may bind now. A zombie has no command line.
  const auto gone = [&] { return base::file::read("/proc/" + std::to_string(old) + "/cmdline").value_or("").empty(); };
  for (int i = 0; i < 500 && !gone(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(gone());
  auto second = must(Front::start(s.options));
  CHECK(second->pid() != old);
  CHECK(s.get(s.client("admin"), "/who").body == "2admin");

  s.issue(s.authority, "server", "server", "weftd", {"localhost"});
  REQUIRE(second->reload());
  auto by_name = s.client("admin");
  by_name.base_url = "https://localhost:" + std::to_string(s.port);
  CHECK(s.get(by_name, "/who").body == "2admin");
  s.put(s.folder / "server.crt", "no certificate");
  auto broken = second->reload();
  REQUIRE_FALSE(broken);
  CHECK(broken.error().message.find("server.crt") != std::string::npos);
  CHECK(s.get(by_name, "/who").body == "2admin");
  second.reset();
  s.put(s.folder / "server.crt", must(base::file::read(s.folder / "admin.crt")));
}

TEST_CASE("what cannot work is refused in words") {
  Stack s;
  auto options = s.options;
  options.folder = s.folder / "front2";
  options.unix_socket.clear();
  auto taken = Front::start(options);
  REQUIRE_FALSE(taken);
  CHECK(taken.error().code == Errc::conflict);
  CHECK(taken.error().message.find(options.listen[0]) != std::string::npos);
  const auto refused = [&](auto change) {
    auto changed = options;
    changed.listen = {"127.0.0.1:" + std::to_string(free_port())};
    change(changed);
    auto result = Front::start(changed);
    return !result && !result.error().message.empty();
  };
  CHECK(refused([](FrontOptions& o) { o.listen = {}; }));
  CHECK(refused([](FrontOptions& o) { o.listen = {"127.0.0.1"}; }));
  CHECK(refused([](FrontOptions& o) { o.listen = {"127.0.0.1:1 default_server; evil"}; }));
  CHECK(refused([](FrontOptions& o) { o.listen = {"192.0.2.1:443"}; }));
  CHECK(refused([](FrontOptions& o) { o.listen = {"127.0.0.1:99999"}; }));
  CHECK(refused([](FrontOptions& o) { o.certificate = "/nonexistent/$host.crt"; }));
  CHECK(refused([](FrontOptions& o) { o.key = "/nonexistent/key"; }));
  CHECK(refused([&](FrontOptions& o) { o.key = s.folder / "node.key"; }));
  CHECK(refused([](FrontOptions& o) { o.hop_secret = "a\"b"; }));
}
