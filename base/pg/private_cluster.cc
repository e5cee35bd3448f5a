#include "base/pg/private_cluster.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "base/diag/fail_point.h"
#include "base/file/file.h"
#include "base/pg/connection.h"
#include "base/pg/private_files.h"
#include "base/process/process.h"

namespace base::pg {
namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
namespace {

// A process by descriptor: no mix-up with a later process of the same number, and it can be waited for though it is no child of
// ours (after our own kill -9 the postmaster belongs to init).
class Handle {
 public:
  explicit Handle(pid_t pid) : fd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
  bool alive() const {
    if (!fd_) return false;
    pollfd fd{fd_.get(), POLLIN, 0};
    return ::poll(&fd, 1, 0) == 0;
  }
  int get() const { return fd_.get(); }
  void signal(int number) const {
    if (fd_) ::syscall(SYS_pidfd_send_signal, fd_.get(), number, nullptr, 0);
  }
  bool wait(milliseconds limit) const {
    if (!fd_) return true;
    pollfd fd{fd_.get(), POLLIN, 0};
    return ::poll(&fd, 1, static_cast<int>(limit.count())) != 0;
  }

 private:
  file::Fd fd_;
};

std::string tail(const fs::path& path) {
  auto text = file::read(path);
  if (!text) return {};
  while (!text->empty() && text->back() == '\n') text->pop_back();
  auto at = text->size();
  for (int lines = 0; at != std::string::npos && at > 0 && lines < 4; ++lines) at = text->rfind('\n', at - 1);
  return at == std::string::npos ? *text : text->substr(at + 1);
}

}  // namespace

struct PrivateCluster::Impl {
  fs::path folder, data, bin;
  ClusterUser user;
  std::atomic<int> pid{0};
  std::optional<process::Child> child;  // empty while we watch an adopted postmaster
  file::Fd wake;
  std::jthread supervisor;

  fs::path log() const { return folder / "log"; }
  std::string url(std::string_view database) const {
    std::string socket;
    for (const char c : (folder / "run").string()) {
      if (c == '\'' || c == '\\') socket += '\\';
      socket += c;
    }
    return fmt::format("host='{}' port=5432 user=weft dbname={} application_name=weft", socket, database);
  }

  Result<> prepare() {
    user = WEFT_TRY(cluster_user());
    if (user.drop) WEFT_TRY(file::may_reach(folder, user.name));
    WEFT_TRY(file::make_folders(folder, 0700));
    WEFT_TRY(file::make_folders(folder / "run", 0700));
    for (const auto& path : {folder, folder / "run"}) {
      std::error_code error;
      fs::permissions(path, fs::perms::owner_all, error);
      if (!error && user.drop && ::chown(path.c_str(), user.uid, user.gid) != 0) error = {errno, std::generic_category()};
      if (error)
        return fail(Errc::unavailable, fmt::format("{}: cannot hand it to {}: {}", path.string(), user.name, error.message()));
    }
    // The data folder's true name: /proc/PID/cwd shows it, and that is how we recognise our processes.
    std::error_code error;
    folder = fs::canonical(folder, error);
    data = folder / "data";
    if ((folder / "run/.s.PGSQL.5432").string().size() >= sizeof(sockaddr_un::sun_path)) {
      return fail(Errc::invalid, fmt::format("{}: the path is too long for a Unix socket below it", folder.string()),
                  "Choose a --state folder with a shorter path.");
    }
    bin = WEFT_TRY(binaries(data));
    if (!fs::exists(data / "PG_VERSION", error)) WEFT_TRY(create_cluster(folder, bin, user));
    return write_settings(folder, user);
  }

  // Processes of a cluster whose postmaster is gone (kill -9): a backend in a long query would keep its shared memory and block
  // the next start. PostgreSQL recovers from its log, so killing them loses nothing that was committed.
  void end_orphans() const {
    for (const auto orphan : cluster_processes(data)) Handle(orphan).signal(SIGQUIT);
    for (int round = 0; round < 40; ++round) {
      const auto left = cluster_processes(data);
      if (left.empty()) break;
      if (round == 20) {
        for (const auto orphan : left) Handle(orphan).signal(SIGKILL);
      }
      std::this_thread::sleep_for(milliseconds(50));
    }
    std::error_code error;
    fs::remove(data / "postmaster.pid", error);  // its number may belong to somebody else by now
  }

  Result<> launch() {
    WEFT_TRY(fail_point("pg.private.launch"));
    end_orphans();
    std::error_code error;
    if (fs::file_size(log(), error) > (16u << 20) && !error) fs::rename(log(), folder / "log.1", error);
    process::Command command;
    command.argv = as_user(user, {(bin / "postgres").string(), "-D", data.string()});
    command.folder = "/";
    // It outlives our own kill -9: the next start adopts it, and nothing has to be recovered.
    child = WEFT_TRY(process::Child::start(command, log(), false));
    pid = child->pid();
    return {};
  }

  bool ended() {
    if (child) return child->poll().has_value();
    return !Handle(pid).alive();
  }

  Result<> wait_ready() {
    const auto deadline = steady_clock::now() + seconds(30);
    Error last{Errc::timeout, "no answer", {}, {}};
    while (steady_clock::now() < deadline) {
      if (ended()) {
        if (child) {
          return fail(Errc::unavailable,
                      fmt::format("the private database below {} did not start: {}", folder.string(), tail(log())),
                      fmt::format("Read {}.", log().string()));
        }
        WEFT_TRY(launch());  // what we adopted was on its way out
      }
      auto connection = Connection::connect(url("postgres"));
      if (connection) {
        const auto found = WEFT_TRY((*connection)->exec("SELECT 1 FROM pg_database WHERE datname = 'weft'", {}));
        if (found.empty()) WEFT_TRY((*connection)->script("CREATE DATABASE weft"));
        return {};
      }
      last = std::move(connection).error();
      std::this_thread::sleep_for(milliseconds(50));
    }
    return fail(std::move(last).during(fmt::format("waiting 30 s for the private database below {}", folder.string())));
  }

  void supervise(const std::stop_token& stop) {
    auto back_off = milliseconds(100);
    while (!stop.stop_requested()) {
      const Handle process(pid);
      const auto since = steady_clock::now();
      pollfd fds[2] = {{wake.get(), POLLIN, 0}, {process.get(), POLLIN, 0}};
      if (process.alive()) ::poll(fds, 2, -1);
      if (stop.stop_requested()) return;
      if (process.alive() || !ended()) continue;
      if (steady_clock::now() - since > seconds(60)) back_off = milliseconds(100);
      pollfd pause{wake.get(), POLLIN, 0};
      if (::poll(&pause, 1, static_cast<int>(back_off.count())) > 0) return;
      back_off = std::min(back_off * 2, milliseconds(10'000));
      (void)launch();  // when it fails, the next round finds no process and tries again after a longer pause
    }
  }

  ~Impl() {
    if (supervisor.joinable()) {
      supervisor.request_stop();
      const std::uint64_t one = 1;
      (void)!::write(wake.get(), &one, sizeof one);
      supervisor.join();
    }
    if (pid == 0) return;
    const Handle postmaster(pid);
    postmaster.signal(SIGINT);  // fast shutdown: sessions are cut, the checkpoint is written
    if (!postmaster.wait(seconds(30))) {
      postmaster.signal(SIGQUIT);
      if (!postmaster.wait(seconds(5))) end_orphans();
    }
    if (child) (void)child->poll();
  }
};

PrivateCluster::PrivateCluster(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PrivateCluster::~PrivateCluster() = default;
std::string PrivateCluster::url() const {
  return impl_->url("weft");
}
Result<std::string> PrivateCluster::create_database(std::string_view name) {
  auto connection = WEFT_TRY(Connection::connect(impl_->url("postgres")));
  WEFT_TRY(connection->script(fmt::format("CREATE DATABASE {}", connection->raw().quote_name(std::string(name)))));
  return impl_->url(name);
}
int PrivateCluster::pid() const {
  return impl_->pid;
}

Result<std::unique_ptr<PrivateCluster>> PrivateCluster::start(const fs::path& folder) {
  auto impl = std::make_unique<Impl>();
  impl->folder = fs::absolute(folder).lexically_normal();
  impl->wake = file::Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!impl->wake) return fail(Errc::exhausted, "cannot create an eventfd for the private database's supervisor");
  WEFT_TRY(impl->prepare());
  if (const auto running = running_postmaster(impl->data)) {
    impl->pid = *running;
    Handle(*running).signal(SIGHUP);  // it may run with older settings
  } else {
    WEFT_TRY(impl->launch());
  }
  WEFT_TRY(impl->wait_ready());
  auto* self = impl.get();
  impl->supervisor = std::jthread([self](const std::stop_token& stop) { self->supervise(stop); });
  return std::make_unique<PrivateCluster>(std::move(impl));
}

}  // namespace base::pg
