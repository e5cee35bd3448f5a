// HTTP server for the application side: routes to handlers, identity from the front, problem+json errors. Wraps Pistache on
// loopback; only base/http includes it. Handlers run on a pool of worker threads of ours, never on Pistache's reactors, so they
// may block on SQL. Handlers return a Response or an Error; exceptions become a 500 without leaking text. HEAD is answered by GET
// routes. start() makes the process ignore SIGPIPE.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/diag/result.h"
#include "base/profile/value.h"

namespace base::http {

// Who asks, proven by the TLS front (subject of the client certificate) and the per-boot hop secret.
struct Identity {
  enum class Kind { none, node, person, service };
  Kind kind = Kind::none;
  std::string name;  // CN: node name, person's account, service name
};

struct Request {
  std::string method;
  std::string path;                            // decoded, no query
  std::map<std::string, std::string> params;   // from the route pattern, decoded
  std::map<std::string, std::string> query;    // decoded; of repeated keys the first
  std::map<std::string, std::string> headers;  // lower-case names; of repeated ones the first
  std::string body;
  Identity identity;
};

struct Response {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::multimap<std::string, std::string> headers;

  static Response json(const profile::Value& value, int status = 200);
  static Response text(std::string body, int status = 200);
  // The front sends this file (below its file root) instead of a body: X-Accel-Redirect. Of our headers, Content-Type, ETag,
  // Content-Encoding, Vary, Cache-Control and Weft-Manifest survive. Name files by their content, they may be sent at any time.
  static Response file(std::string path_below_root, std::string content_type);
};

// RFC 9457 body for an Error: {type, title, status, detail, hint, chain}; extra members may be added to `extra`.
Response problem(const Error& error, const profile::Dict& extra = {});

// A pending answer: complete() exactly once, from any thread; a dropped one answers 503. For long polls.
class Pending {
 public:
  void complete(Response response) const;
  struct Impl;
  explicit Pending(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<Impl> impl_;
};

using Handler = std::function<Result<Response>(const Request&)>;
using AsyncHandler = std::function<void(const Request&, Pending)>;  // runs on a worker; must not block long

struct ServerOptions {
  std::uint16_t port = 0;  // 0: any free port; loopback always
  int workers = 8;
  std::size_t max_body = 64u << 20;
  std::chrono::seconds long_poll_limit{60};  // the longest a Pending may wait
  std::string hop_secret;                    // required header Weft-Hop; empty: requests are trusted as `trusted` (tests)
  Identity trusted;
  // For the program's log: a handler threw or returned Errc::internal; the client is told no details. Any worker thread.
  std::function<void(const Error& error, const Request& request)> on_defect = nullptr;
};

class Server {
 public:
  static Result<std::unique_ptr<Server>> create(ServerOptions options);
  // Pattern parts ":name" match one segment, a final "*name" the rest. Routes are added before start().
  void route(std::string method, std::string pattern, Handler handler);
  void route_async(std::string method, std::string pattern, AsyncHandler handler);
  Result<> start();
  std::uint16_t port() const;
  void stop();  // lets running handlers finish up to 5 s
  ~Server();

  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace base::http
