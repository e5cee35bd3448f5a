#include "base/process/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include "base/file/file.h"
#include "base/process/spawn.h"

namespace base::process {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kill_after{2000};  // between SIGTERM and SIGKILL
constexpr milliseconds linger{500};       // for output still in the pipes when a grandchild keeps them open
constexpr milliseconds look_again{20};    // where the kernel offers no pidfd
constexpr std::size_t read_size = 64u << 10;

tl::unexpected<Error> no_descriptor() {
  return fail(Errc::exhausted, fmt::format("cannot open a descriptor for a child process: {}", std::strerror(errno)));
}

class Stream {
 public:
  Stream(std::string& text, std::size_t limit) : text_(text), limit_(limit) {}

  Result<int> open() {  // the child's end
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return no_descriptor();
    fd_ = file::Fd(ends[0]);
    child_end_ = file::Fd(ends[1]);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return ends[1];
  }
  void close_child_end() { child_end_ = {}; }
  int fd() const { return fd_.get(); }

  // Reads what is there; false when the stream has ended.
  bool read_some() {
    char buffer[read_size];
    const auto got = ::read(fd_.get(), buffer, sizeof buffer);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (got <= 0) {
      fd_ = {};
      return false;
    }
    const auto size = static_cast<std::size_t>(got);
    const auto kept = std::min(size, limit_ - std::min(limit_, text_.size()));
    text_.append(buffer, kept);
    dropped_ += size - kept;
    return true;
  }
  void finish() {
    if (dropped_) text_ += fmt::format("\n[{} more bytes of output dropped]\n", dropped_);
  }

 private:
  std::string& text_;
  std::size_t limit_;
  std::size_t dropped_ = 0;
  file::Fd fd_, child_end_;
};

}  // namespace

Result<Outcome> run(const Command& command) {
  Outcome outcome;
  Stream out(outcome.out, command.output_limit), err(outcome.err, command.output_limit);
  file::Fd input(open_input(command.input));
  if (!input) return no_descriptor();
  Spawn plan;
  plan.in = input.get();
  plan.out = WEFT_TRY(out.open());
  plan.err = WEFT_TRY(err.open());
  const pid_t pid = WEFT_TRY(spawn(command, plan));
  out.close_child_end();
  err.close_child_end();
  input = {};
  const file::Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));

  auto deadline = Clock::now() + command.timeout;
  bool ended = false, killed = false;
  while (!ended || out.fd() >= 0 || err.fd() >= 0) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (left <= milliseconds(0)) {
      if (ended) break;  // a grandchild keeps the pipes; it may be a daemon that was meant to stay
      if (!outcome.timed_out) {
        outcome.timed_out = true;
        ::kill(-pid, SIGTERM);
        deadline = Clock::now() + kill_after;
      } else if (!killed) {
        killed = true;
        ::kill(-pid, SIGKILL);
        deadline = Clock::now() + kill_after;
      } else {
        deadline = Clock::now() + kill_after;  // an uninterruptible child: nothing is left but to wait for it
      }
      continue;
    }
    std::array<pollfd, 3> fds{{{out.fd(), POLLIN, 0}, {err.fd(), POLLIN, 0}, {ended ? -1 : pidfd.get(), POLLIN, 0}}};
    const auto wait = pidfd || ended ? std::min(left, milliseconds(3600000)) : std::min(left, look_again);
    ::poll(fds.data(), fds.size(), static_cast<int>(wait.count()));
    if (fds[0].revents) out.read_some();
    if (fds[1].revents) err.read_some();
    if (!ended && (fds[2].revents || !pidfd) && has_ended(pid)) {
      ended = true;
      if (outcome.timed_out) ::kill(-pid, SIGKILL);  // its children too; the zombie still holds the group's number for us
      deadline = Clock::now() + linger;
    }
  }
  outcome.status = reap(pid, true).value_or(255);
  out.finish();
  err.finish();
  return outcome;
}

Result<Child> Child::start(const Command& command, const std::filesystem::path& log_file, bool die_with_parent) {
  const file::Fd input(open_input(command.input));
  if (!input) return no_descriptor();
  file::Fd output;
  if (!log_file.empty()) {
    output = file::Fd(::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
    if (!output)
      return fail(Errc::unavailable, fmt::format("cannot open log file {}: {}", log_file.string(), std::strerror(errno)));
  }
  const int where = output ? output.get() : STDERR_FILENO;
  return Child(WEFT_TRY(spawn(command, {input.get(), where, where, die_with_parent})));
}

Child::Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)), status_(std::exchange(other.status_, std::nullopt)) {}

Child& Child::operator=(Child&& other) noexcept {
  pid_ = std::exchange(other.pid_, -1);
  status_ = std::exchange(other.status_, std::nullopt);
  return *this;
}

Child::~Child() = default;

std::optional<int> Child::poll() {
  if (!status_ && pid_ > 0) status_ = reap(pid_, false);
  return status_;
}

int Child::stop(int signal, milliseconds grace) {
  if (pid_ <= 0) return 0;
  if (status_) return *status_;
  ::kill(-pid_, signal);
  const auto deadline = Clock::now() + grace;
  const file::Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  while (!has_ended(pid_)) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (left <= milliseconds(0)) break;
    pollfd fd{pidfd.get(), POLLIN, 0};
    ::poll(&fd, 1, static_cast<int>(std::min(left, pidfd ? milliseconds(3600000) : look_again).count()));
  }
  // Also when it ended in time: members of its group that outlive it would hold ports and locks. Not yet reaped, so the group's
  // number is still ours.
  ::kill(-pid_, SIGKILL);
  status_ = reap(pid_, true);
  return *status_;
}

}  // namespace base::process
