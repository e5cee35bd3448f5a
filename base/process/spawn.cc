#include "base/process/spawn.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/file/file.h"

namespace base::process {
namespace {

constexpr std::string_view clean_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct User {
  uid_t uid;
  gid_t gid;
  std::vector<gid_t> groups;
};

// Everything the child needs, allocated before fork: after it only async-signal-safe calls are allowed.
struct Prepared {
  std::string program;
  std::vector<std::string> environment;
  std::vector<char*> argv, envp;
  std::optional<User> user;
};

Result<User> look_up(const std::string& name) {
  std::vector<char> buffer(16384);
  struct passwd entry {};
  struct passwd* found = nullptr;
  const int error = getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (error) return fail(Errc::unavailable, fmt::format("cannot look up user '{}': {}", name, std::strerror(error)));
  if (!found) return fail(Errc::not_found, fmt::format("there is no user '{}'", name));
  User user{entry.pw_uid, entry.pw_gid, std::vector<gid_t>(64)};
  int count = static_cast<int>(user.groups.size());
  while (getgrouplist(name.c_str(), user.gid, user.groups.data(), &count) < 0)
    user.groups.resize(static_cast<std::size_t>(count));
  user.groups.resize(static_cast<std::size_t>(count));
  return user;
}

Result<std::string> find_program(const std::string& name, std::string_view path) {
  if (name.find('/') != std::string::npos) return name;
  const std::string searched(path);
  while (!path.empty()) {
    const auto end = path.find(':');
    const auto folder = path.substr(0, end);
    path = end == std::string_view::npos ? std::string_view{} : path.substr(end + 1);
    // An empty part means "the current folder" to a shell; that is how wrong programs get started.
    if (folder.empty()) continue;
    auto candidate = fmt::format("{}/{}", folder, name);
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return fail(Errc::not_found, fmt::format("cannot start {}: not found in {}", name, searched),
              "install the package that provides it");
}

Result<Prepared> prepare(const Command& command) {
  Prepared made;
  if (command.argv.empty() || command.argv.front().empty()) return fail(Errc::invalid, "cannot start a program without a name");
  for (const auto& argument : command.argv)
    if (argument.find('\0') != std::string::npos)
      return fail(Errc::invalid, fmt::format("cannot start {}: an argument contains a NUL byte", command.argv.front()));
  std::string_view path = clean_path;
  if (command.environment) {
    for (const auto& [name, value] : *command.environment) {
      if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != std::string::npos ||
          value.find('\0') != std::string::npos)
        return fail(Errc::invalid, fmt::format("cannot start {}: bad environment variable '{}'", command.argv.front(), name));
      made.environment.push_back(name + "=" + value);
      if (name == "PATH") path = value;
    }
  } else {
    made.environment = {fmt::format("PATH={}", clean_path), "LANG=C.UTF-8"};
  }
  made.program = WEFT_TRY(find_program(command.argv.front(), path));
  for (const auto& argument : command.argv) made.argv.push_back(const_cast<char*>(argument.c_str()));
  made.argv.push_back(nullptr);
  for (const auto& variable : made.environment) made.envp.push_back(const_cast<char*>(variable.c_str()));
  made.envp.push_back(nullptr);
  if (!command.user.empty()) made.user = WEFT_TRY(look_up(command.user));
  return made;
}

enum Stage : int { at_group, at_user, at_descriptors, at_folder, at_exec };

[[noreturn]] void child(const Prepared& made, const char* folder, const Spawn& plan, int death_signal, pid_t parent, int report) {
  const auto give_up = [&](Stage stage) {
    const int message[2] = {stage, errno};
    const auto ignored = ::write(report, message, sizeof message);
    static_cast<void>(ignored);
    ::_exit(127);
  };
  if (::setpgid(0, 0) != 0) give_up(at_group);
  if (made.user) {
    if (::setgroups(made.user->groups.size(), made.user->groups.data()) != 0 || ::setgid(made.user->gid) != 0 ||
        ::setuid(made.user->uid) != 0)
      give_up(at_user);
  }
  // After the change of user, which clears it. The parent may have died before the call: then nobody would signal us.
  if (plan.die_with_parent) {
    ::prctl(PR_SET_PDEATHSIG, death_signal);
    if (::getppid() != parent) ::_exit(127);
  }
  // Descriptors first move out of the way of 0-2, then into place; dup2 clears close-on-exec.
  int high[3] = {::fcntl(plan.in, F_DUPFD_CLOEXEC, 10), ::fcntl(plan.out, F_DUPFD_CLOEXEC, 10),
                 ::fcntl(plan.err, F_DUPFD_CLOEXEC, 10)};
  for (int i = 0; i < 3; ++i)
    if (high[i] < 0 || ::dup2(high[i], i) < 0) give_up(at_descriptors);
  // Whatever a library opened without O_CLOEXEC must not leak into the child.
  ::close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
  if (folder && ::chdir(folder) != 0) give_up(at_folder);
  // Ignored signals and masks survive exec; a child that ignores SIGPIPE or blocks SIGTERM surprises its author.
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(made.program.c_str(), made.argv.data(), made.envp.data());
  give_up(at_exec);
  ::_exit(127);
}

}  // namespace

Result<pid_t> spawn(const Command& command, const Spawn& plan) {
  const Prepared made = WEFT_TRY(prepare(command));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(Errc::exhausted, fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  file::Fd from_child(ends[0]), to_parent(ends[1]);
  // The report pipe must not sit where the child's 0-2 go, should our own be closed.
  if (to_parent.get() < 3) to_parent = file::Fd(::fcntl(to_parent.get(), F_DUPFD_CLOEXEC, 10));
  const char* folder = command.folder.empty() ? nullptr : command.folder.c_str();
  const pid_t parent = ::getpid();
  // Signals wait while forking: a handler of ours must not run in the child.
  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  const int error = errno;
  if (pid == 0) child(made, folder, plan, command.death_signal, parent, to_parent.get());
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return fail(Errc::exhausted, fmt::format("cannot start {}: {}", made.program, std::strerror(error)));

  to_parent = {};
  int message[2] = {};
  ssize_t got = 0;
  while ((got = ::read(from_child.get(), message, sizeof message)) < 0 && errno == EINTR) {
  }
  if (got == 0) return pid;  // exec closed the pipe
  reap(pid, true);
  const char* cause = std::strerror(message[1]);
  switch (message[0]) {
    case at_user: return fail(Errc::denied, fmt::format("cannot start {} as user {}: {}", made.program, command.user, cause));
    case at_folder:
      return fail(Errc::not_found, fmt::format("cannot start {} in {}: {}", made.program, command.folder.string(), cause));
    case at_exec: return fail(Errc::not_found, fmt::format("cannot start {}: {}", made.program, cause));
    default: return fail(Errc::internal, fmt::format("cannot set up the process of {}: {}", made.program, cause));
  }
}

int open_input(const std::string& input) {
  if (input.empty()) return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  // A file in memory instead of a pipe: no SIGPIPE, no deadlock with a child that writes before it reads.
  file::Fd fd(::memfd_create("input", MFD_CLOEXEC));
  std::string_view rest = input;
  while (fd && !rest.empty()) {
    const auto written = ::write(fd.get(), rest.data(), rest.size());
    if (written < 0 && errno != EINTR) return -1;
    if (written > 0) rest.remove_prefix(static_cast<std::size_t>(written));
  }
  if (fd && ::lseek(fd.get(), 0, SEEK_SET) != 0) return -1;
  return fd.release();
}

std::optional<int> reap(pid_t pid, bool block) {
  int status = 0;
  for (;;) {
    const pid_t got = ::waitpid(pid, &status, block ? 0 : WNOHANG);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) return std::nullopt;
    // ECHILD: somebody else reaped it (SIGCHLD ignored). The status is lost; 255 is at least not success.
    if (got < 0) return 255;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
}

bool has_ended(pid_t pid) {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0) return errno == ECHILD;
  return info.si_pid == pid;
}

}  // namespace base::process
