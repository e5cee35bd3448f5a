#include "base/file/file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/diag/fail_point.h"
#include "tests/unit/base/temporary_folder.h"

using namespace base::file;

namespace {

template <class T>
std::string code(const base::Result<T>& result) {
  return result ? "done" : std::string(base::errc_name(result.error().code));
}

std::size_t entries(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
}

mode_t mode_of(const std::filesystem::path& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

// Runs f in a child with these fail points; its exit status or 128 + signal.
template <class F>
int with_fail_point(const char* specification, F&& f) {
  const pid_t child = fork();
  if (child == 0) {
    base::set_fail_points(specification);
    _exit(f());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("file: read") {
  const TemporaryFolder folder;
  const std::string content = std::string("a\0b\n", 4) + std::string(100000, 'x');
  REQUIRE(write_atomic(folder.path / "f", content));
  CHECK(*read(folder.path / "f") == content);
  CHECK(code(read(folder.path / "f", content.size())) == "done");
  CHECK(code(read(folder.path / "f", content.size() - 1)) == "exhausted");
  CHECK(code(read(folder.path / "none")) == "not-found");
  CHECK(code(read(folder.path / "f" / "g")) == "not-found");
  CHECK(code(read(folder.path)) == "invalid");
  CHECK(read(folder.path / "none").error().message.find((folder.path / "none").string()) != std::string::npos);
  REQUIRE(write_atomic(folder.path / "empty", ""));
  CHECK(read(folder.path / "empty")->empty());
}

TEST_CASE("file: read of files that do not know their size") {
  CHECK(read("/proc/self/status")->starts_with("Name:"));
  CHECK(code(read("/dev/zero", 1 << 20)) == "exhausted");
}

TEST_CASE("file: write replaces content, sets the mode whatever the umask, leaves nothing beside") {
  const TemporaryFolder folder;
  const auto before = umask(077);
  REQUIRE(write_atomic(folder.path / "f", "one", {.mode = 0664}));
  CHECK(mode_of(folder.path / "f") == 0664);
  REQUIRE(write_atomic(folder.path / "f", "two", {.mode = 0600}));
  umask(before);
  CHECK(mode_of(folder.path / "f") == 0600);
  CHECK(*read(folder.path / "f") == "two");
  CHECK(entries(folder.path) == 1);
}

TEST_CASE("file: write replaces a symbolic link, not what it points to") {
  const TemporaryFolder folder;
  REQUIRE(write_atomic(folder.path / "target", "kept"));
  std::filesystem::create_symlink("target", folder.path / "link");
  REQUIRE(write_atomic(folder.path / "link", "new"));
  CHECK(*read(folder.path / "target") == "kept");
  CHECK_FALSE(std::filesystem::is_symlink(folder.path / "link"));
}

TEST_CASE("file: failed writes leave the old content and no temporary file") {
  const TemporaryFolder folder;
  CHECK(code(write_atomic(folder.path / "no" / "f", "x")) == "not-found");
  CHECK(code(write_atomic("", "x")) == "invalid");
  CHECK(code(write_atomic(folder.path / "", "x")) == "invalid");
  std::filesystem::create_directory(folder.path / "d");
  CHECK(code(write_atomic(folder.path / "d", "x")) == "invalid");
  CHECK(entries(folder.path) == 1);
  CHECK(code(write_atomic(folder.path / std::string(300, 'n'), "x")) == "invalid");
  CHECK(entries(folder.path) == 1);
}

TEST_CASE("file: an unreachable owner fails before anybody sees the file") {
  if (geteuid() == 0) return;  // root may give files to anybody
  const TemporaryFolder folder;
  CHECK(code(write_atomic(folder.path / "f", "x", {.owner = 0})) == "denied");
  CHECK(entries(folder.path) == 0);
}

TEST_CASE("file: owner and group") {
  if (geteuid() != 0) return;
  const TemporaryFolder folder;
  REQUIRE(write_atomic(folder.path / "f", "x", {.mode = 0640, .owner = 65534, .group = 65534}));
  struct stat status {};
  REQUIRE(stat((folder.path / "f").c_str(), &status) == 0);
  CHECK(status.st_uid == 65534);
  CHECK(status.st_gid == 65534);
  CHECK((status.st_mode & 07777) == 0640);
}

TEST_CASE("file: a full disk is 'exhausted' and changes nothing") {
  const TemporaryFolder folder;
  // A tiny tmpfs gives the real ENOSPC; mounting it needs root.
  if (mount("weft-test", folder.path.c_str(), "tmpfs", 0, "size=64k") == 0) {
    REQUIRE(write_atomic(folder.path / "f", "old"));
    CHECK(code(write_atomic(folder.path / "f", std::string(1 << 20, 'x'))) == "exhausted");
    CHECK(write_atomic(folder.path / "f", std::string(1 << 20, 'x')).error().hint.starts_with("free space"));
    CHECK(*read(folder.path / "f") == "old");
    CHECK(entries(folder.path) == 1);
    umount2(folder.path.c_str(), MNT_DETACH);
  }
}

TEST_CASE("file: killed at any place, a reader sees old or new") {
  for (const auto* place : {"file.write=kill", "file.rename=kill", "file.renamed=kill"}) {
    const TemporaryFolder folder;
    REQUIRE(write_atomic(folder.path / "f", "old"));
    CHECK(with_fail_point(place, [&] { return write_atomic(folder.path / "f", "new") ? 0 : 1; }) == 128 + SIGKILL);
    CHECK(*read(folder.path / "f") == (std::string_view(place).starts_with("file.renamed") ? "new" : "old"));
    // What the killed writer left behind does not hinder the next.
    CHECK(write_atomic(folder.path / "f", "next"));
    CHECK(*read(folder.path / "f") == "next");
  }
}

TEST_CASE("file: failed at any place before the rename, nothing remains") {
  for (const auto* place : {"file.write=error", "file.rename=error"}) {
    const TemporaryFolder folder;
    REQUIRE(write_atomic(folder.path / "f", "old"));
    CHECK(with_fail_point(place, [&] { return write_atomic(folder.path / "f", "new") ? 0 : 1; }) == 1);
    CHECK(*read(folder.path / "f") == "old");
    CHECK(entries(folder.path) == 1);
  }
}

TEST_CASE("file: folders") {
  const TemporaryFolder folder;
  const auto before = umask(077);
  REQUIRE(make_folders(folder.path / "a" / "b" / "c", 0750));
  umask(before);
  CHECK(mode_of(folder.path / "a") == 0750);
  CHECK(mode_of(folder.path / "a" / "b" / "c") == 0750);
  std::filesystem::permissions(folder.path / "a", std::filesystem::perms::owner_all);
  CHECK(make_folders(folder.path / "a" / "b" / "c" / "", 0755));
  CHECK(mode_of(folder.path / "a") == 0700);  // one that exists stays as it is
  REQUIRE(write_atomic(folder.path / "f", ""));
  CHECK(code(make_folders(folder.path / "f")) == "conflict");
  CHECK(code(make_folders(folder.path / "f" / "g")) == "conflict");
  CHECK(code(make_folders("")) == "invalid");
  CHECK(make_folders("/"));
}

TEST_CASE("file: a lock is exclusive, names its holder and goes with its descriptor") {
  const TemporaryFolder folder;
  {
    const auto first = lock(folder.path / "lock");
    REQUIRE(first);
    const auto second = lock(folder.path / "lock");
    CHECK(code(second) == "conflict");
    CHECK(second.error().message.ends_with("is locked by process " + std::to_string(getpid())));
  }
  CHECK(lock(folder.path / "lock"));
  CHECK(code(lock(folder.path / "none" / "lock")) == "not-found");
  std::filesystem::create_symlink("lock", folder.path / "link");
  CHECK_FALSE(lock(folder.path / "link"));
}

TEST_CASE("file: a lock dies with a killed holder") {
  const TemporaryFolder folder;
  const pid_t child = fork();
  if (child == 0) {
    const auto held = lock(folder.path / "lock");
    raise(SIGKILL);
  }
  waitpid(child, nullptr, 0);
  CHECK(lock(folder.path / "lock"));
}

TEST_CASE("fd: closes once, moves") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  Fd other(ends[1]);
  {
    Fd first(ends[0]);
    Fd second(std::move(first));
    CHECK_FALSE(first);
    CHECK(second.get() == ends[0]);
    second = std::move(other);
    CHECK(second.get() == ends[1]);
    CHECK(fcntl(ends[0], F_GETFD) == -1);
    Fd& self = second;
    second = std::move(self);
    CHECK(second.get() == ends[1]);
  }
  CHECK(fcntl(ends[1], F_GETFD) == -1);
  CHECK_FALSE(Fd());
}
