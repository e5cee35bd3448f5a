#include "base/process/process.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "base/file/file.h"
#include "tests/unit/base/temporary_folder.h"

using namespace base::process;
using namespace std::chrono_literals;

namespace {

Outcome shell(const std::string& script, Command command = {}) {
  command.argv = {"sh", "-c", script};
  auto outcome = run(command);
  REQUIRE(outcome);
  return *outcome;
}

// Waits for a condition another process brings about; the bound only ends a broken test.
bool comes_true(const std::function<bool()>& condition) {
  for (int i = 0; i < 1000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

bool alive(pid_t pid) {
  // A zombie whose new parent has not yet looked counts as gone.
  const auto status = base::file::read("/proc/" + std::to_string(pid) + "/stat");
  return status && status->find(") Z ") == std::string::npos && status->find(") X ") == std::string::npos;
}

}  // namespace

TEST_CASE("process: output, status and input") {
  const auto outcome = shell("cat; echo wrong >&2; exit 3", {.input = "hello"});
  CHECK(outcome.out == "hello");
  CHECK(outcome.err == "wrong\n");
  CHECK(outcome.status == 3);
  CHECK_FALSE(outcome.timed_out);
  CHECK(shell("cat").out.empty());
  CHECK(shell("kill -TERM $$").status == 128 + SIGTERM);
}

TEST_CASE("process: large input and output at once do not block") {
  const std::string input(3 << 20, 'x');
  const auto outcome = shell("cat; head -c 3000000 /dev/zero >&2", {.input = input, .output_limit = 4u << 20});
  CHECK(outcome.out == input);
  CHECK(outcome.err.size() == 3000000);
}

TEST_CASE("process: input that nobody reads does no harm") {
  CHECK(shell("exit 0", {.input = std::string(1 << 20, 'x')}).status == 0);
}

TEST_CASE("process: what cannot be started says why") {
  const auto code = [](Command command) {
    const auto outcome = run(command);
    return outcome ? std::string("started") : std::string(base::errc_name(outcome.error().code));
  };
  CHECK(code({.argv = {"no-such-program-here"}}) == "not-found");
  CHECK(code({.argv = {"/no/such/program"}}) == "not-found");
  CHECK(code({.argv = {"/etc/passwd"}}) == "not-found");
  CHECK(code({.argv = {"/"}}) == "not-found");
  CHECK(code({.argv = {"true"}, .folder = "/no/such/folder"}) == "not-found");
  CHECK(code({.argv = {"true"}, .user = "no-such-user-here"}) == "not-found");
  CHECK(code({.argv = {}}) == "invalid");
  CHECK(code({.argv = {""}}) == "invalid");
  CHECK(code({.argv = {"echo", std::string("a\0b", 3)}}) == "invalid");
  CHECK(code({.argv = {"true"}, .environment = std::map<std::string, std::string>{{"A=B", "c"}}}) == "invalid");
  CHECK(code({.argv = {"true"}, .environment = std::map<std::string, std::string>{{"PATH", "/nowhere"}}}) == "not-found");
}

TEST_CASE("process: the environment is clean or exactly what was asked") {
  setenv("WEFT_TEST_SECRET", "leaks", 1);
  const auto clean = run({.argv = {"env"}});
  REQUIRE(clean);
  CHECK(clean->out == "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nLANG=C.UTF-8\n");
  const auto exact = run({.argv = {"/usr/bin/env"}, .environment = std::map<std::string, std::string>{{"A", "1 2"}}});
  REQUIRE(exact);
  CHECK(exact->out == "A=1 2\n");
}

TEST_CASE("process: no descriptor and no ignored signal leaks into the child") {
  const int leak = ::open("/dev/null", O_RDONLY);  // deliberately without O_CLOEXEC
  const auto before = signal(SIGPIPE, SIG_IGN);
  CHECK(shell("ls /proc/self/fd | tr '\\n' ' '").out == "0 1 2 3 ");  // 3: ls reads the folder
  const auto ignored = shell("grep SigIgn /proc/self/status").out;
  CHECK(ignored == "SigIgn:\t0000000000000000\n");
  signal(SIGPIPE, before);
  ::close(leak);
}

TEST_CASE("process: output beyond the limit is dropped and noted") {
  const auto outcome = shell("head -c 5000 /dev/zero | tr '\\0' x", {.output_limit = 100});
  CHECK(outcome.out == std::string(100, 'x') + "\n[4900 more bytes of output dropped]\n");
  CHECK(outcome.status == 0);
}

TEST_CASE("process: a time-out ends the whole group") {
  const auto outcome = shell("sleep 1000 & echo $!; wait", {.timeout = 200ms});
  CHECK(outcome.timed_out);
  CHECK(outcome.status == 128 + SIGTERM);
  const pid_t grandchild = std::stoi(outcome.out);
  CHECK(comes_true([&] { return !alive(grandchild); }));
}

TEST_CASE("process: a child that ignores SIGTERM is killed") {
  const auto outcome = shell("trap '' TERM; while :; do sleep 0.1; done", {.timeout = 100ms});
  CHECK(outcome.timed_out);
  CHECK(outcome.status == 128 + SIGKILL);
}

TEST_CASE("process: a daemon that keeps the pipes open does not hold up its starter") {
  const auto outcome = shell("sleep 1000 & echo $!", {.timeout = 100s});
  CHECK(outcome.status == 0);
  CHECK_FALSE(outcome.timed_out);
  const pid_t daemon = std::stoi(outcome.out);
  CHECK(alive(daemon));
  kill(daemon, SIGKILL);
}

TEST_CASE("process: works in the folder it was told") {
  CHECK(shell("pwd", {.folder = "/usr"}).out == "/usr\n");
}

TEST_CASE("process: another user, when we may") {
  if (geteuid() != 0) return;
  CHECK(shell("id -un; id -Gn", {.user = "nobody"}).out == "nobody\nnogroup\n");
  // The kernel forgets the parent-death signal when the user changes; it is set after.
  const TemporaryFolder folder;
  auto child = Child::start({.argv = {"sleep", "1000"}, .user = "nobody"}, folder.path / "log", true);
  REQUIRE(child);
  CHECK(child->stop(SIGTERM, 5s) == 128 + SIGTERM);
}

TEST_CASE("child: runs, logs by appending, and reports its end once and for all") {
  const TemporaryFolder folder;
  REQUIRE(base::file::write_atomic(folder.path / "log", "before\n"));
  auto child = Child::start({.argv = {"sh", "-c", "echo out; echo err >&2; exit 7"}}, folder.path / "log", false);
  REQUIRE(child);
  CHECK(comes_true([&] { return child->poll().has_value(); }));
  CHECK(child->poll() == 7);
  CHECK(child->poll() == 7);
  CHECK(child->stop(SIGTERM, 1s) == 7);
  CHECK(*base::file::read(folder.path / "log") == "before\nout\nerr\n");
}

TEST_CASE("child: stop ends stragglers of its group too") {
  const TemporaryFolder folder;
  auto child =
      Child::start({.argv = {"sh", "-c", "(trap '' TERM; exec sleep 1000) & echo $!; wait"}}, folder.path / "log", false);
  REQUIRE(child);
  std::string log;
  REQUIRE(comes_true([&] { return (log = base::file::read(folder.path / "log").value_or("")).ends_with('\n'); }));
  CHECK(child->stop(SIGTERM, 5s) == 128 + SIGTERM);
  CHECK(comes_true([&] { return !alive(std::stoi(log)); }));
}

TEST_CASE("child: one that does not heed is killed after the grace") {
  const TemporaryFolder folder;
  auto child =
      Child::start({.argv = {"sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"}}, folder.path / "log", false);
  REQUIRE(child);
  REQUIRE(comes_true([&] { return base::file::read(folder.path / "log").value_or("") == "ready\n"; }));
  CHECK_FALSE(child->poll());
  CHECK(child->stop(SIGTERM, 100ms) == 128 + SIGKILL);
}

TEST_CASE("child: dies with its parent") {
  const TemporaryFolder folder;
  const pid_t parent = fork();
  if (parent == 0) {
    auto child = Child::start({.argv = {"sleep", "1000"}}, folder.path / "log", true);
    if (child) (void)base::file::write_atomic(folder.path / "pid", std::to_string(child->pid()));
    raise(SIGKILL);
  }
  waitpid(parent, nullptr, 0);
  const auto pid = base::file::read(folder.path / "pid");
  REQUIRE(pid);
  CHECK(comes_true([&] { return !alive(std::stoi(*pid)); }));
}

TEST_CASE("child: a log file that cannot be opened starts nothing") {
  CHECK_FALSE(Child::start({.argv = {"true"}}, "/no/such/folder/log", false));
}
