#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <mutex>
#include <thread>

#include "base/pg/pg.h"
#include "base/pg/private_cluster.h"
#include "tests/unit/base/pg_fixture.h"

using base::Errc;
using base::Result;
using base::pg::Listener;
using base::pg::Pool;
using base::pg::PrivateCluster;
using base::pg::Transaction;

namespace {

template <class F>
bool eventually(F condition) {
  for (int i = 0; i < 600; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

struct Heard {
  std::mutex mutex;
  std::vector<std::string> lines;
  bool has(const std::string& line) {
    const std::lock_guard lock(mutex);
    return std::ranges::count(lines, line) > 0;
  }
  std::ptrdiff_t count(const std::string& line) {
    const std::lock_guard lock(mutex);
    return std::ranges::count(lines, line);
  }
  Listener::Callback callback() {
    return [this](std::string_view channel, std::string_view payload) {
      const std::lock_guard lock(mutex);
      lines.push_back(std::string(channel) + "=" + std::string(payload));
      if (payload == "throw") throw 42;
    };
  }
};

Result<> say(Pool& pool, std::string_view channel, std::string_view payload) {
  return pool.run([&](Transaction& t) { return t.notify(channel, payload); });
}

}  // namespace

TEST_CASE("the cluster restarts after kill -9 of the postmaster; listeners and pools come back") {
  auto& cluster = tests::cluster();
  auto pool = *Pool::open(cluster.url());
  REQUIRE(pool->run([](Transaction& t) { return t.script("CREATE TABLE survives (n int); INSERT INTO survives VALUES (42)"); }));
  Heard heard;
  auto listener = Listener::start(cluster.url(), {"wake", "Odd-Channel"}, heard.callback());
  REQUIRE(listener);
  CHECK(eventually([&] { return heard.has("="); }));
  REQUIRE(say(*pool, "wake", "throw"));
  REQUIRE(say(*pool, "Odd-Channel", "two"));
  CHECK(eventually([&] { return heard.has("Odd-Channel=two"); }));
  CHECK(heard.has("wake=throw"));

  // A session in a long statement does not notice its postmaster's death; it must not block the restart.
  std::jthread busy([url = cluster.url()] {
    auto own = *Pool::open(url, 1);
    (void)own->run([](Transaction& t) -> Result<> {
      WEFT_TRY(t.exec("SELECT count(*) FROM generate_series(1, 2000000000)"));
      return {};
    });
  });
  CHECK(eventually([&] {
    auto t = pool->begin();
    return t && t->exec("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%2000000000%' AND pid <> pg_backend_pid()")
                        ->integer(0, 0) > 0;
  }));
  const int before = cluster.pid();
  REQUIRE(::kill(before, SIGKILL) == 0);
  CHECK(eventually([&] { return cluster.pid() != before; }));  // until then orphaned sessions may still answer
  CHECK(eventually([&] {
    auto t = pool->begin();
    if (!t) return false;
    auto rows = t->exec("SELECT n FROM survives");
    return rows && rows->integer(0, 0) == 42;
  }));
  CHECK(eventually([&] { return heard.count("=") >= 2; }));
  CHECK(eventually([&] { return say(*pool, "wake", "after") && heard.has("wake=after"); }));
}

TEST_CASE("a listener started before its server is reachable keeps trying and stops at once") {
  Heard heard;
  auto listener = Listener::start("host=/nonexistent dbname=x", {"c"}, heard.callback());
  REQUIRE(listener);
  CHECK(heard.lines.empty());
  listener->reset();
  CHECK_FALSE(Listener::start(tests::cluster().url(), {}, heard.callback()));
  CHECK_FALSE(Listener::start(tests::cluster().url(), {""}, heard.callback()));
}

TEST_CASE("a postmaster left by a killed program is adopted, a stale pid file is removed") {
  const auto folder = tests::scratch_folder() / "adopt";
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  const auto child = ::fork();
  if (child == 0) {
    auto started = PrivateCluster::start(folder);
    const int pid = started ? (*started)->pid() : -1;
    (void)!::write(pipe[1], &pid, sizeof pid);
    ::kill(::getpid(), SIGKILL);
  }
  int left = 0;
  REQUIRE(::read(pipe[0], &left, sizeof left) == sizeof left);
  ::waitpid(child, nullptr, 0);
  REQUIRE(left > 1);
  {
    auto adopted = PrivateCluster::start(folder);
    REQUIRE_MESSAGE(adopted, adopted.error().text());
    CHECK((*adopted)->pid() == left);
    CHECK((*Pool::open((*adopted)->url()))->begin());
  }
  std::error_code gone;  // our fast shutdown ended it; where nobody reaps orphans a zombie remains, which has no program
  (void)std::filesystem::read_symlink("/proc/" + std::to_string(left) + "/exe", gone);
  CHECK(gone);
  // A number that belongs to somebody else by now (init) must neither be adopted nor block the start.
  std::ofstream(folder / "data/postmaster.pid") << "1\n" << (folder / "data").string() << "\n";
  auto again = PrivateCluster::start(folder);
  REQUIRE_MESSAGE(again, again.error().text());
  CHECK((*again)->pid() > 1);
}

TEST_CASE("an initdb cut short is thrown away") {
  const auto folder = tests::scratch_folder() / "cut";
  std::filesystem::create_directories(folder / "data.new.4711/base");
  std::ofstream(folder / "data.new.4711/PG_VERSION") << "15\n";
  ::chmod(folder.c_str(), 0700);
  auto started = PrivateCluster::start(folder);
  REQUIRE_MESSAGE(started, started.error().text());
  CHECK_FALSE(std::filesystem::exists(folder / "data.new.4711"));
}

TEST_CASE("folders that cannot work are refused with the reason") {
  const auto deep = tests::scratch_folder() / std::string(90, 'x');
  auto too_long = PrivateCluster::start(deep);
  REQUIRE_FALSE(too_long);
  CHECK(too_long.error().code == Errc::invalid);
  if (::geteuid() == 0) {
    const auto closed = tests::scratch_folder() / "closed";
    std::filesystem::create_directories(closed);
    REQUIRE(::chmod(closed.c_str(), 0700) == 0);
    auto result = PrivateCluster::start(closed / "pg");
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Errc::denied);
    CHECK(result.error().message.find(closed.string()) != std::string::npos);
    CHECK(result.error().hint.find("chmod") != std::string::npos);
  }
  const auto future = tests::scratch_folder() / "future";
  std::filesystem::create_directories(future / "data");
  std::ofstream(future / "data/PG_VERSION") << "99\n";
  auto newer = PrivateCluster::start(future);
  REQUIRE_FALSE(newer);
  CHECK(newer.error().message.find("PostgreSQL 99") != std::string::npos);
}

TEST_CASE("nobody but the owner and root reaches the socket, and nothing listens on the network") {
  auto& cluster = tests::cluster();
  struct stat st {};
  REQUIRE(::stat((tests::scratch_folder() / "pg").c_str(), &st) == 0);
  CHECK((st.st_mode & 0077U) == 0U);
  auto t = (*Pool::open(cluster.url()))->begin();
  REQUIRE(t);
  CHECK(t->exec("SHOW listen_addresses")->text(0, 0).empty());
  CHECK(t->exec("SHOW fsync")->text(0, 0) == "on");
  CHECK(t->exec("SHOW data_checksums")->text(0, 0) == "on");
}
