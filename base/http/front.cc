#include "base/http/front.h"

#include <fmt/format.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/diag/fail_point.h"
#include "base/file/file.h"
#include "base/http/front_config.h"
#include "base/process/process.h"

namespace base::http {
namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
namespace {

// Processes of an earlier nginx of this folder: working_directory is set to it, so that also workers whose master was killed are
// found; they would go on holding the port.
std::vector<pid_t> leftovers(const fs::path& folder) {
  std::vector<pid_t> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const auto name = entry.path().filename().string();
    pid_t pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ptr != name.data() + name.size() || pid <= 1) continue;
    const auto cwd = fs::read_symlink(entry.path() / "cwd", error);
    if (error || cwd != folder) continue;
    const auto exe = fs::read_symlink(entry.path() / "exe", error);
    if (!error && exe.filename().string().starts_with("nginx")) out.push_back(pid);
  }
  return out;
}

std::string last_lines(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (text.size() > 600) text = "..." + text.substr(text.size() - 600);
  return text;
}

}  // namespace

struct Front::Impl {
  FrontOptions options;
  FrontSystem system;
  fs::path config;
  std::atomic<int> pid{0};
  std::optional<process::Child> child;  // the supervisor's once it runs
  std::mutex reloading;
  std::mutex mutex;
  std::condition_variable changed;
  bool stopping = false;
  std::jthread supervisor;

  std::vector<std::string> argv(bool test) const {
    std::vector<std::string> out{"nginx", "-p",           options.folder.string(), "-e", (options.folder / "error.log").string(),
                                 "-c",    config.string()};
    if (test) out.insert(out.end(), {"-t", "-q"});
    return out;
  }

  Result<> prepare() {
    struct rlimit limit {};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) system.descriptor_limit = static_cast<long>(limit.rlim_max);
    const passwd* worker = nullptr;
    if (::geteuid() == 0) {
      worker = ::getpwnam("www-data");
      if (!worker) worker = ::getpwnam("nobody");
      if (!worker)
        return fail(Errc::not_found, "there is no account www-data or nobody to run nginx's workers as", "Install nginx-light.");
      system.worker_user = worker->pw_name;
      const group* main = ::getgrgid(worker->pw_gid);
      system.worker_group = main ? main->gr_name : worker->pw_name;
    }
    WEFT_TRY(file::make_folders(options.folder, 0711));  // workers pass through to tmp/; the files in it are root's alone
    WEFT_TRY(file::make_folders(options.folder / "tmp", 0700));
    WEFT_TRY(file::make_folders(options.file_root, 0750));
    options.folder = fs::canonical(options.folder);
    options.file_root = fs::canonical(options.file_root);
    if (worker) {
      // The master reads keys as root; workers own their temporary files and may read what they send, nobody else may.
      if (::chown((options.folder / "tmp").c_str(), worker->pw_uid, worker->pw_gid) != 0 ||
          ::chown(options.file_root.c_str(), static_cast<uid_t>(-1), worker->pw_gid) != 0) {
        return fail(Errc::unavailable,
                    fmt::format("cannot hand folders below {} to {}", options.folder.string(), system.worker_user));
      }
      WEFT_TRY(file::may_reach(options.file_root, system.worker_user));
      WEFT_TRY(file::may_reach(options.folder / "tmp", system.worker_user));
    }
    std::error_code error;
    if (fs::file_size(options.folder / "error.log", error) > (16u << 20) && !error) {
      fs::rename(options.folder / "error.log", options.folder / "error.log.1", error);
    }
    if (options.unix_socket.string().size() >= sizeof(sockaddr_un::sun_path)) {
      return fail(Errc::invalid, fmt::format("{}: the path is too long for a Unix socket", options.unix_socket.string()),
                  "Choose a --state folder with a shorter path.");
    }
    config = options.folder / "nginx.conf";
    return write_config();
  }

  Result<> write_config() const {
    file::WriteOptions private_file;
    private_file.mode = 0600;  // holds the hop secret
    auto now = options;
    std::error_code error;
    if (!fs::exists(now.crl, error)) now.crl.clear();  // the first revocation makes it
    return file::write_atomic(config, WEFT_TRY(front_config(now, system)), private_file);
  }

  // nginx says in words what is wrong: bad certificate, port taken.
  Result<> check() const {
    process::Command command;
    command.argv = argv(true);
    command.folder = options.folder;
    const auto outcome = WEFT_TRY(process::run(command));
    if (outcome.status == 0) return {};
    return fail(explain(last_lines(outcome.err)));
  }

  Error explain(const std::string& said) const {
    for (const auto& address : options.listen) {
      if (said.find("bind() to " + address + " failed") == std::string::npos) continue;
      if (said.find("in use") != std::string::npos) {
        return {Errc::conflict,
                fmt::format("{} is taken by another program", address),
                "Stop it (ss -ltnp shows it), or choose another --listen.",
                {}};
      }
      return {Errc::invalid, fmt::format("cannot listen on {}: {}", address, said), "Choose another --listen.", {}};
    }
    return {
        Errc::invalid, fmt::format("nginx refuses its configuration: {}", said), fmt::format("Read {}.", config.string()), {}};
  }

  void end_leftovers() const {
    for (int round = 0; round < 60; ++round) {
      const auto left = leftovers(options.folder);
      if (left.empty()) break;
      if (round == 0 || round == 30) {
        for (const auto one : left) ::kill(one, round == 0 ? SIGTERM : SIGKILL);
      }
      std::this_thread::sleep_for(milliseconds(50));
    }
    std::error_code error;
    if (!options.unix_socket.empty()) fs::remove(options.unix_socket, error);
  }

  Result<> launch() {
    WEFT_TRY(fail_point("front.start"));
    end_leftovers();
    WEFT_TRY(check());
    process::Command command;
    command.argv = argv(false);
    command.folder = options.folder;
    // It must not outlive us: it would forward requests, bodies and the hop secret to a loopback port that anybody may bind then.
    // SIGTERM, because a master that is killed leaves its workers behind.
    command.death_signal = SIGTERM;
    child = WEFT_TRY(process::Child::start(command, options.folder / "error.log", true));
    pid = child->pid();
    return {};
  }

  // The pid file is written after the sockets are open.
  Result<> wait_ready() {
    const auto wanted = std::to_string(child->pid()) + "\n";
    for (const auto deadline = steady_clock::now() + seconds(10); steady_clock::now() < deadline;) {
      if (const auto ended = child->poll()) {
        const auto log = file::read(options.folder / "error.log");
        auto error = explain(log ? last_lines(*log) : "");
        return fail(std::move(error).during(fmt::format("starting nginx, which ended with status {}", *ended)));
      }
      const auto written = file::read(options.folder / "nginx.pid");
      if (written && *written == wanted) return {};
      std::this_thread::sleep_for(milliseconds(10));
    }
    return fail(Errc::timeout, "nginx did not open its addresses within 10 s",
                fmt::format("Read {}.", (options.folder / "error.log").string()));
  }

  bool pause(milliseconds length) {  // true: we are stopping
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, length, [this] { return stopping; });
  }

  void quit() {
    if (!child || child->poll()) return;
    ::kill(child->pid(), SIGQUIT);  // the master alone: it lets its workers finish (worker_shutdown_timeout)
    for (int i = 0; i < 160 && !child->poll(); ++i) std::this_thread::sleep_for(milliseconds(50));
  }

  // Ends after its nginx: with the thread that started a child goes the child (die_with_parent).
  void supervise() {
    auto back_off = milliseconds(100);
    auto since = steady_clock::now();
    while (!pause(milliseconds(100))) {
      if (child && !child->poll()) continue;
      if (steady_clock::now() - since > seconds(60)) back_off = milliseconds(100);
      child.reset();
      if (pause(back_off)) break;
      back_off = std::min(back_off * 2, milliseconds(10'000));
      since = steady_clock::now();
      (void)launch();  // when it fails there is no child, and the next round tries again after a longer pause
    }
    quit();
  }

  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    changed.notify_all();
    if (supervisor.joinable()) supervisor.join();
    quit();  // when it was never supervised
    if (!options.folder.empty() && pid != 0) end_leftovers();
    if (child) (void)child->poll();
  }
};

Front::Front(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Front::~Front() = default;
int Front::pid() const {
  return impl_->pid;
}

Result<std::unique_ptr<Front>> Front::start(FrontOptions options) {
  auto impl = std::make_unique<Impl>();
  impl->options = std::move(options);
  WEFT_TRY(impl->prepare());
  WEFT_TRY(impl->launch());
  WEFT_TRY(impl->wait_ready());
  auto* self = impl.get();
  impl->supervisor = std::jthread([self] { self->supervise(); });
  return std::make_unique<Front>(std::move(impl));
}

Result<> Front::reload() {
  const std::lock_guard lock(impl_->reloading);
  WEFT_TRY(impl_->write_config());
  WEFT_TRY(impl_->check());
  if (::kill(impl_->pid, SIGHUP) != 0) {
    return fail(Errc::unavailable, "nginx is just being restarted; it will read the new files then", "Nothing needs to be done.");
  }
  return {};
}

}  // namespace base::http
