#include "base/http/server.h"

#include <dirent.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <pistache/endpoint.h>
#include <pistache/peer.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <shared_mutex>
#include <sstream>

#include "base/crypto/crypto.h"
#include "base/http/router.h"
#include "base/http/wire.h"
#include "base/http/workers.h"
#include "base/metrics/metrics.h"

// What Debian's Pistache does wrong and what we do instead (the numbers are those of the project's measurements): responses are
// written as our own bytes through Peer::send, which cures the wrong Connection header and never-closed sockets (4), the dropped
// raw headers (5) and the Content-Length of HEAD and 304 (7); queries are decoded here (6); its time limits stay above the
// longest answer (10); listen() is called again with a real backlog (11); nothing may be thrown into it (12); stop() drains first
// (14).
namespace base::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
namespace phttp = Pistache::Http;

constexpr std::size_t queue_limit = 20'000;               // a fleet that comes back after a restart asks all at once
constexpr std::size_t body_limit = std::size_t{1} << 30;  // bytes of all requests that wait or run

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// Only the listening socket itself takes a new backlog, and Pistache keeps it private: find it among our descriptors.
void widen_backlog(std::uint16_t port) {
  DIR* folder = ::opendir("/proc/self/fd");
  if (!folder) return;
  while (const dirent* entry = ::readdir(folder)) {
    const int fd = std::atoi(entry->d_name);
    int listening = 0;
    socklen_t length = sizeof listening;
    if (fd <= 2 || ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0 || !listening) continue;
    sockaddr_in address{};
    length = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0 || address.sin_family != AF_INET) continue;
    if (ntohs(address.sin_port) == port) ::listen(fd, 4096);
  }
  ::closedir(folder);
}

}  // namespace

// What reactors, workers and pending answers share; outlives the Server while a Pending does.
struct Core {
  ServerOptions options;
  Router router;
  std::unique_ptr<Workers> workers;
  std::atomic<bool> draining{false};
  std::atomic<int> writes{0};
  std::atomic<std::size_t> bodies{0};

  std::shared_mutex life;  // held while a peer is used: peers point into the endpoint
  bool alive = false;

  std::mutex mutex;
  std::vector<std::weak_ptr<Pending::Impl>> waiting;

  void send(const std::weak_ptr<Pistache::Tcp::Peer>& to, std::string text, bool close);
  void accept(const phttp::Request& raw, const std::shared_ptr<Pistache::Tcp::Peer>& peer, const std::shared_ptr<Core>& self);
  Result<Request> translate(const phttp::Request& raw, std::vector<std::string>& parts) const;
  void run(const Route& route, const Request& request, const Pending& pending) const;
  Response defect(Error error, const Request& request) const;
  void expire(steady_clock::time_point now);
};

struct Pending::Impl {
  std::shared_ptr<Core> core;
  std::weak_ptr<Pistache::Tcp::Peer> peer;
  std::string method, route;
  bool close = false;
  steady_clock::time_point since = steady_clock::now();
  steady_clock::time_point deadline = steady_clock::time_point::max();
  std::atomic<bool> done{false};

  void answer(const Response& response) {
    if (done.exchange(true)) return;
    const bool last = close || core->draining;
    core->send(peer, serialize(response, method == "HEAD", last), last);
    metrics::count("weft_http_requests_total", "Requests answered, by route and status.",
                   {{"method", method}, {"route", route}, {"status", std::to_string(response.status)}});
    if (deadline != steady_clock::time_point::max()) return;  // a long poll's wait is no latency
    const std::chrono::duration<double> took = steady_clock::now() - since;
    metrics::observe_seconds("weft_http_request_seconds", "Time from the request's arrival to its answer.", {{"route", route}},
                             took.count());
  }

  ~Impl() { answer(problem({Errc::unavailable, "the request was dropped by the server", "Try again.", {}})); }
};

void Pending::complete(Response response) const {
  impl_->answer(response);
}

void Core::send(const std::weak_ptr<Pistache::Tcp::Peer>& to, std::string text, bool close) {
  const std::shared_lock lock(life);
  if (!alive) return;
  const auto peer = to.lock();
  if (!peer) return;  // the client left
  try {
    peer->setIdle(true);
    ++writes;
    const auto size = text.size();
    peer->send(Pistache::RawBuffer(std::move(text), size))
        .then(
            [this, close, to](ssize_t) {
              --writes;
              // Pistache would leave it open until a time-out. This runs on the reactor that owns the peer.
              if (const auto still = close ? to.lock() : nullptr) ::shutdown(still->fd(), SHUT_RDWR);
            },
            [this](std::exception_ptr) { --writes; });
  } catch (...) {
    --writes;
  }
}

Result<Request> Core::translate(const phttp::Request& raw, std::vector<std::string>& parts) const {
  Request request;
  request.method = phttp::methodString(raw.method());
  for (const auto& [name, header] : raw.headers().rawList()) request.headers.emplace(lower(name), header.value());
  for (const auto& header : raw.headers().list()) {  // those that Pistache parsed; it keeps no text of them
    std::ostringstream text;
    header->write(text);
    request.headers.emplace(lower(header->name()), text.str());
  }
  // Pistache knows gzip, deflate and compress only; the front passes what the client really said (snappy, zstd) beside it.
  if (const auto coding = request.headers.find("weft-content-encoding"); coding != request.headers.end()) {
    request.headers["content-encoding"] = coding->second;
    request.headers.erase("weft-content-encoding");
  }

  if (options.hop_secret.empty()) {
    request.identity = options.trusted;
  } else {
    const auto hop = request.headers.find("weft-hop");
    if (hop == request.headers.end() || !crypto::equal_constant_time(hop->second, options.hop_secret)) {
      return fail(Errc::denied, "this port serves the front only", "Use the address that weftd prints as its URL.");
    }
    request.headers.erase(hop);
    const auto header = [&](const char* name) -> std::string {
      const auto found = request.headers.find(name);
      return found == request.headers.end() ? "" : found->second;
    };
    request.identity = WEFT_TRY(identity_of(header("weft-client-verify"), header("weft-client-subject")));
  }

  std::string_view rest = raw.resource();
  if (!rest.starts_with('/')) return fail(Errc::invalid, fmt::format("the address \"{}\" does not begin with /", rest));
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const auto segment = rest.substr(0, rest.find('/'));
    auto decoded = WEFT_TRY(percent_decode(segment, false));
    if (decoded == "." || decoded == "..") return fail(Errc::invalid, "the address contains a . or .. segment");
    request.path += "/" + decoded;
    parts.push_back(std::move(decoded));
    rest.remove_prefix(segment.size());
  }
  for (auto at = raw.query().parameters_begin(); at != raw.query().parameters_end(); ++at) {
    request.query.emplace(WEFT_TRY(percent_decode(at->first, true)), WEFT_TRY(percent_decode(at->second, true)));
  }
  if (raw.body().size() > options.max_body) {
    return fail(Errc::exhausted,
                fmt::format("the request's body has {} bytes, the limit is {}", raw.body().size(), options.max_body));
  }
  request.body = raw.body();
  return request;
}

Response Core::defect(Error error, const Request& request) const {
  if (error.code != Errc::internal) return problem(error);
  if (options.on_defect) options.on_defect(error, request);
  return problem(
      {Errc::internal, "an internal error; the server's log has the details", "Report it to the maintainers of Weft.", {}});
}

void Core::run(const Route& route, const Request& request, const Pending& pending) const {
  try {
    if (route.async) return route.async(request, pending);
    auto result = route.handler(request);
    pending.complete(result ? std::move(*result) : defect(std::move(result).error(), request));
  } catch (const std::exception& e) {
    pending.complete(defect({Errc::internal, fmt::format("exception: {}", e.what()), {}, {}}, request));
  } catch (...) {
    pending.complete(defect({Errc::internal, "exception of an unknown type", {}, {}}, request));
  }
}

void Core::accept(const phttp::Request& raw, const std::shared_ptr<Pistache::Tcp::Peer>& peer,
                  const std::shared_ptr<Core>& self) {
  auto impl = std::make_shared<Pending::Impl>();
  impl->core = self;
  impl->peer = peer;
  impl->method = phttp::methodString(raw.method());
  const auto connection = raw.headers().tryGet<phttp::Header::Connection>();
  impl->close =
      (connection && connection->control() == phttp::ConnectionControl::Close) || raw.version() == phttp::Version::Http10;
  const Pending pending(impl);

  std::vector<std::string> parts;
  auto request = translate(raw, parts);
  if (!request) return pending.complete(problem(request.error()));
  auto match = router.find(request->method, parts);
  if (!match.route) {
    auto answer = problem({Errc::not_found,
                           fmt::format("there is nothing at {}", request->path),
                           "See the list of interfaces in ARCHITECTURE.md.",
                           {}});
    if (!match.allow.empty()) {
      answer = problem({Errc::invalid,
                        fmt::format("{} is not possible at {}", request->method, request->path),
                        "Use " + match.allow + ".",
                        {}});
      answer.status = 405;
      answer.headers.emplace("Allow", match.allow);
    }
    return pending.complete(std::move(answer));
  }
  impl->route = match.route->pattern;
  request->params = std::move(match.params);
  if (match.route->async) {
    impl->deadline = steady_clock::now() + options.long_poll_limit;
    const std::lock_guard lock(mutex);
    waiting.push_back(impl);
  }
  // std::function wants copies: the request travels behind a pointer. The job holds the only other reference to the answer, so a
  // job that is thrown away answers 503 by itself.
  const auto size = request->body.size();
  bodies += size;
  const std::shared_ptr<Request> shared(new Request(std::move(*request)), [this, size](const Request* done) {
    bodies -= size;
    delete done;
  });
  const auto* route = match.route;
  const bool full = draining || bodies > body_limit;
  if (full || !workers->submit([this, route, shared, pending] { run(*route, *shared, pending); })) {
    pending.complete(problem({Errc::unavailable, "the server is overloaded or stopping", "Try again in a second.", {}}));
  }
}

void Core::expire(steady_clock::time_point now) {
  std::vector<std::shared_ptr<Pending::Impl>> late;
  {
    const std::lock_guard lock(mutex);
    std::erase_if(waiting, [&](const std::weak_ptr<Pending::Impl>& weak) {
      auto impl = weak.lock();
      if (!impl || impl->done) return true;
      if (impl->deadline > now) return false;
      late.push_back(std::move(impl));
      return true;
    });
  }
  for (const auto& impl : late)
    impl->answer(problem({Errc::unavailable, "no answer within the server's limit", "Try again.", {}}));
}

namespace {

class PistacheHandler : public phttp::Handler {
 public:
  HTTP_PROTOTYPE(PistacheHandler)
  explicit PistacheHandler(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  void onRequest(const phttp::Request& request, phttp::ResponseWriter response) override {
    try {
      if (const auto peer = response.getPeer()) core_->accept(request, peer, core_);
    } catch (...) {
      response.send(phttp::Code::Internal_Server_Error);  // out of memory: a non-standard exception would end the process
    }
  }
  void onTimeout(const phttp::Request&, phttp::ResponseWriter) override {}

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace

struct Server::Impl {
  std::shared_ptr<Core> core = std::make_shared<Core>();
  std::unique_ptr<phttp::Endpoint> endpoint;
  std::uint16_t port = 0;
  std::jthread sweeper;
  bool stopped = false;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() {
  stop();
}
std::uint16_t Server::port() const {
  return impl_->port;
}

Result<std::unique_ptr<Server>> Server::create(ServerOptions options) {
  if (options.workers < 1) return fail(Errc::invalid, "a server needs at least one worker");
  auto impl = std::make_unique<Impl>();
  impl->core->options = std::move(options);
  return std::make_unique<Server>(std::move(impl));
}

void Server::route(std::string method, std::string pattern, Handler handler) {
  impl_->core->router.add({std::move(method), std::move(pattern), {}, std::move(handler), nullptr});
}
void Server::route_async(std::string method, std::string pattern, AsyncHandler handler) {
  impl_->core->router.add({std::move(method), std::move(pattern), {}, nullptr, std::move(handler)});
}

Result<> Server::start() {
  auto& core = *impl_->core;
  if (impl_->endpoint) return fail(Errc::internal, "the server is already started");
  ::signal(SIGPIPE, SIG_IGN);
  const auto patience = std::max<seconds>(core.options.long_poll_limit + seconds(60), seconds(330));
  try {
    impl_->endpoint =
        std::make_unique<phttp::Endpoint>(Pistache::Address(Pistache::Ipv4(127, 0, 0, 1), Pistache::Port(core.options.port)));
    auto flags = Pistache::Flags<Pistache::Tcp::Options>(Pistache::Tcp::Options::ReuseAddr) | Pistache::Tcp::Options::NoDelay |
                 Pistache::Tcp::Options::CloseOnExec;
    impl_->endpoint->init(phttp::Endpoint::options()
                              .threads(2)
                              .flags(flags)
                              .maxRequestSize(core.options.max_body + (64u << 10))
                              .headerTimeout(patience)
                              .bodyTimeout(patience)
                              .keepaliveTimeout(patience + seconds(60)));
    impl_->endpoint->setHandler(phttp::make_handler<PistacheHandler>(impl_->core));
    core.workers = std::make_unique<Workers>(core.options.workers, queue_limit);
    core.alive = true;
    impl_->endpoint->serveThreaded();
    impl_->port = static_cast<std::uint16_t>(impl_->endpoint->getPort());
  } catch (const std::exception& e) {
    core.alive = false;
    impl_->endpoint.reset();
    return fail(Errc::unavailable, fmt::format("cannot listen on 127.0.0.1:{}: {}", core.options.port, e.what()),
                "Choose another port, or 0 for a free one.");
  }
  widen_backlog(impl_->port);
  impl_->sweeper = std::jthread([core = impl_->core](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      core->expire(steady_clock::now());
      std::this_thread::sleep_for(milliseconds(200));
    }
  });
  return {};
}

void Server::stop() {
  if (impl_->stopped || !impl_->endpoint) return;
  impl_->stopped = true;
  auto& core = *impl_->core;
  core.draining = true;
  core.expire(steady_clock::time_point::max());  // long polls: the client asks again, elsewhere or later
  core.workers->drain(seconds(5));
  core.expire(steady_clock::time_point::max());
  for (int i = 0; i < 100 && core.writes > 0; ++i) std::this_thread::sleep_for(milliseconds(10));
  impl_->sweeper = {};
  {
    const std::unique_lock lock(core.life);
    core.alive = false;
  }
  impl_->endpoint->shutdown();
  impl_->endpoint.reset();
  core.workers.reset();  // waits for a handler that is still busy; its answer goes nowhere
}

}  // namespace base::http
