#include "programs/weftd/daemon.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <map>
#include <span>

#include "base/bus/bus.h"
#include "base/crypto/crypto.h"
#include "base/diag/fail_point.h"
#include "base/file/file.h"
#include "base/http/front.h"
#include "base/log/log.h"
#include "base/pg/private_cluster.h"
#include "base/text/text.h"
#include "programs/weftd/credentials.h"
#include "programs/weftd/role.h"
#include "schemas/migrations.h"

namespace programs::weftd {
namespace {

namespace fs = std::filesystem;
namespace log = base::log;
using base::Errc;
using base::fail;
using base::Result;
using base::http::Identity;
using base::http::Request;
using base::http::Response;

struct RoleKind {
  std::string name;
  std::span<const base::pg::Migration> (*migrations)();
  Result<std::unique_ptr<Role>> (*start)(Context&);
};

const std::vector<RoleKind>& role_kinds() {
  static const std::vector<RoleKind> kinds{
      {"cdb", schemas::cdb_migrations, start_cdb},
      {"monitor", schemas::monitor_migrations, start_monitor},
      {"leaf", schemas::leaf_migrations, start_leaf},
  };
  return kinds;
}

// Everything that lives as long as the daemon, in order of destruction from the bottom up.
struct Daemon {
  const Settings& settings;
  base::file::Fd lock;
  Credentials credentials;
  std::unique_ptr<base::pg::PrivateCluster> cluster;
  std::shared_ptr<base::pg::Pool> pool;
  std::unique_ptr<base::http::Server> server;
  Context context;
  std::unique_ptr<base::http::Front> front;
  std::vector<std::unique_ptr<Role>> roles;
  std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();

  explicit Daemon(const Settings& s) : settings(s) {}

  Result<> start();
  Result<> start_database();
  Result<> start_roles();
  void add_routes();
  Result<Response> status(const Request& request) const;
  void renew();
  void stop();
};

Result<> Daemon::start_database() {
  std::string url = settings.database;
  if (url.empty()) {
    log::info("starting the private database", {{"folder", (settings.state / "pg").string()}});
    cluster = WEFT_TRY(base::pg::PrivateCluster::start(settings.state / "pg"));
    url = cluster->url();
  }
  pool = WEFT_TRY(base::pg::Pool::open(url, 16));
  for (const auto& kind : role_kinds()) {
    if (std::ranges::find(settings.roles, kind.name) != settings.roles.end())
      WEFT_TRY(base::pg::migrate(*pool, kind.name, kind.migrations()));
  }
  return {};
}

Result<Response> Daemon::status(const Request& request) const {
  if (request.identity.kind != Identity::Kind::person && request.identity.kind != Identity::Kind::service) {
    return fail(Errc::denied, "the server's status is for people and services", "Use a person's certificate.");
  }
  base::profile::Value out;
  out["version"] = WEFT_VERSION;
  out["pid"] = static_cast<int>(::getpid());
  out["uptime_seconds"] = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - since).count();
  for (const auto& role : settings.roles) out["roles"].push_back(role);
  out["public_url"] = settings.public_url;
  out["database"] = cluster ? "private" : "external";
  if (cluster) out["postgres_pid"] = cluster->pid();
  if (front) out["nginx_pid"] = front->pid();
  return Response::json(out);
}

void Daemon::add_routes() {
  server->route("GET", "/healthz", [](const Request&) -> Result<Response> { return Response::text("ok\n"); });
  server->route("GET", "/readyz", [this](const Request&) -> Result<Response> {
    auto transaction = WEFT_TRY(pool->begin());
    WEFT_TRY(transaction.exec("SELECT 1"));
    return Response::text("ready\n");
  });
  server->route("GET", "/v1/ca", [this](const Request&) -> Result<Response> {
    return Response::text(WEFT_TRY(base::file::read(credentials.ca_certificate)));
  });
  server->route("GET", "/v1/status", [this](const Request& request) { return status(request); });
}

Result<> Daemon::start_roles() {
  for (const auto& name : settings.roles) {
    const auto kind = std::ranges::find(role_kinds(), name, &RoleKind::name);
    if (kind == role_kinds().end()) {
      return fail(Errc::not_found, fmt::format("this weftd was built without the role {}", name), "Leave it out of --roles.");
    }
    log::info("starting role", {{"role", name}});
    auto started = kind->start(context);
    if (!started) return fail(std::move(started).error().during(fmt::format("starting role {}", name)));
    roles.push_back(std::move(*started));
  }
  return {};
}

Result<> Daemon::start() {
  // Passable but not readable: postgres and nginx's workers reach their own folders below it, strangers see nothing.
  WEFT_TRY(base::file::make_folders(settings.state, 0711));
  auto locked = base::file::lock(settings.state / "weftd.lock");
  if (!locked)
    return fail(std::move(locked).error().during(
        fmt::format("taking the state folder {}: another weftd may use it", settings.state.string())));
  lock = std::move(*locked);
  credentials = WEFT_TRY(ensure_credentials(settings));
  WEFT_TRY(base::fail_point("weftd.credentials"));
  WEFT_TRY(start_database());
  WEFT_TRY(base::fail_point("weftd.database"));

  base::http::ServerOptions options;
  options.hop_secret = base::crypto::random_token(32);
  options.on_defect = [](const base::Error& error, const Request& request) {
    log::error("a request failed inside: " + error.text(), {{"method", request.method}, {"path", request.path}});
  };
  const auto hop_secret = options.hop_secret;
  server = WEFT_TRY(base::http::Server::create(std::move(options)));
  add_routes();

  context.state = settings.state;
  context.file_root = settings.state / "files";
  context.public_url = settings.public_url;
  context.pool = pool;
  context.server = server.get();
  context.settings = settings.all;
  context.ca_certificate = credentials.ca_certificate;
  context.ca_key = credentials.ca_key;
  context.signing_key = credentials.signing_key;
  context.service.base_url = settings.public_url;
  context.service.ca = credentials.ca_certificate;
  context.service.certificate = credentials.service;
  context.service.key = credentials.service;
  context.service.unix_socket = credentials.front_socket;  // reachable whatever the public name resolves to from here
  context.front_reload = [this] {
    if (auto done = front ? front->reload() : Result<>(); !done) log::error("cannot reload the front: " + done.error().text());
  };
  WEFT_TRY(base::file::make_folders(context.file_root, 0750));
  WEFT_TRY(start_roles());
  WEFT_TRY(server->start());

  base::http::FrontOptions facing;
  facing.folder = settings.state / "front";
  facing.listen = settings.listen;
  facing.unix_socket = credentials.front_socket;
  facing.certificate = facing.key = credentials.server;
  facing.client_ca = credentials.ca_certificate;
  facing.crl = settings.state / "ca" / "ca.crl";
  facing.file_root = context.file_root;
  facing.upstream_port = server->port();
  facing.hop_secret = hop_secret;
  front = WEFT_TRY(base::http::Front::start(std::move(facing)));
  return base::fail_point("weftd.front");
}

void Daemon::renew() {
  auto renewed = ensure_credentials(settings);
  if (!renewed) return log::error("cannot renew certificates: " + renewed.error().text());
  if (!renewed->server_renewed) return;
  log::notice("renewed the server certificate");
  context.front_reload();
}

void Daemon::stop() {
  base::bus::notify("STOPPING=1");
  if (server) server->stop();  // answers long polls and lets handlers finish; the front turns newcomers away meanwhile
  front.reset();
  while (!roles.empty()) roles.pop_back();
  server.reset();
  context.pool.reset();
  pool.reset();
  cluster.reset();
}

}  // namespace

Result<> run_daemon(const Settings& settings) {
  // All threads inherit the mask, so signals arrive here only.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::umask(022);
  // Every waiting node holds a connection; the usual soft limit of 1024 is for programs that use select().
  struct rlimit files {};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }

  Daemon daemon(settings);
  if (auto started = daemon.start(); !started) {
    daemon.stop();
    return started;
  }
  base::bus::notify("READY=1");
  log::notice("ready", {{"url", settings.public_url},
                        {"listen", base::text::join(settings.listen, ",")},
                        {"roles", base::text::join(settings.roles, ",")},
                        {"administrator", (settings.state / "admin/client.yaml").string()}});
  for (;;) {
    const timespec hour{3600, 0};
    const int number = ::sigtimedwait(&signals, nullptr, &hour);
    if (number == SIGTERM || number == SIGINT) break;
    daemon.renew();
    if (number == SIGHUP) daemon.context.front_reload();
  }
  log::notice("stopping");
  daemon.stop();
  return {};
}

}  // namespace programs::weftd
