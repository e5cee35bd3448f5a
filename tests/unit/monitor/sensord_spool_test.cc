#include "monitor/sensord/spool.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <fstream>

#include "base/file/file.h"
#include "tests/unit/monitor/support.h"

using monitor::sensord::Spool;
using tests::monitor_support::error_of;
using tests::monitor_support::killed_at;
using tests::monitor_support::Scratch;

namespace {

std::unique_ptr<Spool> open(const std::filesystem::path& folder, monitor::sensord::SpoolOptions options = {}) {
  auto spool = Spool::open(folder, options);
  REQUIRE_MESSAGE(spool, error_of(spool));
  return std::move(*spool);
}

// All bodies from the oldest on; takes them out.
std::vector<std::string> drain(Spool& spool) {
  std::vector<std::string> out;
  while (true) {
    auto batch = spool.front();
    REQUIRE_MESSAGE(batch, error_of(batch));
    if (!*batch) return out;
    out.push_back((*batch)->body);
    REQUIRE(spool.pop(**batch));
  }
}

std::size_t files(const std::filesystem::path& folder) {
  std::size_t n = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) n += entry.path().extension() == ".seg";
  return n;
}

std::filesystem::path only_segment(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".seg") return entry.path();
  return {};
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("spool: first in, first out; nothing stays behind") {
  Scratch scratch;
  auto spool = open(scratch.path);
  CHECK_FALSE(*spool->front());
  for (const char* body : {"one", "two", ""}) REQUIRE(spool->append(body, 5));
  CHECK(spool->figures().batches == 3);
  CHECK(drain(*spool) == Texts{"one", "two", ""});
  CHECK(spool->figures().bytes == 0);
  CHECK(files(scratch.path) == 0);
  REQUIRE(spool->append("three", 1));
  CHECK(drain(*spool) == Texts{"three"});
}

TEST_CASE("spool: front is not pop, and a batch is popped once") {
  Scratch scratch;
  auto spool = open(scratch.path);
  REQUIRE(spool->append("one", 7));
  REQUIRE(spool->append("two", 8));
  auto batch = *spool->front();
  CHECK((*spool->front())->body == "one");
  CHECK(batch->samples == 7);
  REQUIRE(spool->pop(*batch));
  REQUIRE(spool->pop(*batch));
  CHECK((*spool->front())->body == "two");
}

TEST_CASE("spool: survives being reopened, in the middle of a file and over many") {
  Scratch scratch;
  Texts sent, all;
  {
    auto spool = open(scratch.path, {.segment = 300});
    for (int i = 0; i < 40; ++i) {
      all.push_back("batch number " + std::to_string(i));
      REQUIRE(spool->append(all.back(), 1));
    }
    CHECK(files(scratch.path) > 5);
    for (int i = 0; i < 9; ++i) {
      auto batch = *spool->front();
      sent.push_back(batch->body);
      REQUIRE(spool->pop(*batch));
    }
  }
  auto spool = open(scratch.path, {.segment = 300});
  CHECK(spool->figures().batches == 31);
  REQUIRE(spool->append("new", 1));
  for (auto& body : drain(*spool)) sent.push_back(body);
  all.push_back("new");
  CHECK(sent == all);
  CHECK(spool->figures().damaged == 0);
}

TEST_CASE("spool: a lost or wrong cursor sends again, never loses") {
  for (const char* cursor : {"", "rubbish", "1 999999999", "1 x", "18446744073709551615"}) {
    CAPTURE(cursor);
    Scratch scratch;
    {
      auto spool = open(scratch.path);
      for (const char* body : {"one", "two", "three"}) REQUIRE(spool->append(body, 1));
      REQUIRE(spool->pop(**spool->front()));
    }
    std::ofstream(scratch.path / "cursor", std::ios::trunc) << cursor;
    auto bodies = drain(*open(scratch.path));
    // A cursor beyond the end can only come from a damaged file: everything in it counts as sent up to there.
    if (std::string_view(cursor) != "1 999999999") CHECK(bodies == Texts{"one", "two", "three"});
  }
}

TEST_CASE("spool: a tail torn at any byte costs its own record only") {
  Scratch original;
  {
    auto spool = open(original.path);
    REQUIRE(spool->append("first batch", 1));
    REQUIRE(spool->append("second batch, torn", 1));
  }
  auto content = *base::file::read(only_segment(original.path));
  std::size_t first = (content.size() - std::string("second batch, torn").size() - 44);
  for (std::size_t cut = first; cut < content.size(); ++cut) {
    CAPTURE(cut);
    Scratch scratch;
    std::ofstream(scratch.path / "0000000000000001.seg", std::ios::binary) << content.substr(0, cut);
    auto spool = open(scratch.path);
    CHECK(spool->figures().damaged == (cut == first ? 0 : 1));
    REQUIRE(spool->append("after", 1));
    CHECK(drain(*spool) == Texts{"first batch", "after"});
  }
}

TEST_CASE("spool: any flipped bit is noticed") {
  Scratch original;
  {
    auto spool = open(original.path);
    REQUIRE(spool->append("first batch", 1));
  }
  auto content = *base::file::read(only_segment(original.path));
  for (std::size_t at = 0; at < content.size(); ++at) {
    CAPTURE(at);
    Scratch scratch;
    std::string damaged = content;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    std::ofstream(scratch.path / "0000000000000001.seg", std::ios::binary) << damaged;
    auto spool = open(scratch.path);
    CHECK(spool->figures().damaged == 1);
    CHECK(drain(*spool).empty());
    CHECK(files(scratch.path) == 0);
  }
}

TEST_CASE("spool: damage under a running spool skips that file and goes on") {
  Scratch scratch;
  auto spool = open(scratch.path, {.segment = 60});
  for (const char* body : {"a long enough first batch", "a long enough second batch", "third"}) REQUIRE(spool->append(body, 10));
  std::ofstream(scratch.path / "0000000000000001.seg", std::ios::binary) << "zeros";
  CHECK(drain(*spool) == Texts{"a long enough second batch", "third"});
  CHECK(spool->figures().damaged == 1);
  CHECK(spool->figures().dropped_disk == 10);
}

TEST_CASE("spool: bounded, the oldest go first and are counted") {
  Scratch scratch;
  auto spool = open(scratch.path, {.limit = 1000, .segment = 200});
  for (int i = 0; i < 30; ++i) REQUIRE(spool->append(std::string(50, static_cast<char>('a' + i % 26)), 2));
  auto figures = spool->figures();
  CHECK(figures.bytes <= 1000);
  CHECK(figures.dropped_full == 2 * (30 - figures.batches));
  auto left = drain(*spool);
  CHECK(left.size() == figures.batches);
  CHECK(left.back() == std::string(50, 'd'));
  for (int i = 0; i < 8; ++i) REQUIRE(spool->append(std::string(50, 'x'), 2));
  spool->set_limit(300);
  CHECK(spool->figures().bytes <= 300);
  auto too_big = spool->append(std::string(500, 'y'), 3);
  CHECK(error_of(too_big).find("does not fit") != std::string::npos);
}

TEST_CASE("spool: the front that is being sent may be dropped meanwhile") {
  Scratch scratch;
  auto spool = open(scratch.path, {.limit = 400, .segment = 100});
  REQUIRE(spool->append(std::string(90, 'a'), 1));
  auto sending = *spool->front();
  for (int i = 0; i < 4; ++i) REQUIRE(spool->append(std::string(90, 'b'), 1));
  REQUIRE(spool->pop(*sending));
  for (const auto& body : drain(*spool)) CHECK(body == std::string(90, 'b'));
}

TEST_CASE("spool: writes that the disk refuses are counted and leave no half record") {
  Scratch scratch;
  auto spool = open(scratch.path);
  REQUIRE(spool->append("before", 1));
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  rlimit small{100, old.rlim_max};
  auto ignored = signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  CHECK_FALSE(spool->append(std::string(500, 'x'), 9));
  setrlimit(RLIMIT_FSIZE, &old);
  signal(SIGXFSZ, ignored);
  CHECK(spool->figures().dropped_disk == 9);
  REQUIRE(spool->append("after", 1));
  CHECK(drain(*spool) == Texts{"before", "after"});
  CHECK(spool->figures().damaged == 0);
}

TEST_CASE("child: spool appends and sends" * doctest::skip()) {
  std::filesystem::path folder = std::getenv("WEFT_CHILD");
  auto spool = open(folder);
  REQUIRE(spool->append("one", 1));
  REQUIRE(spool->append("two", 1));
  (void)spool->pop(**spool->front());
}

TEST_CASE("spool: kill -9 behind append keeps the batch, kill -9 behind the answer sends it again") {
  Scratch appended;
  REQUIRE(killed_at("monitor.spool.appended=kill@2", "child: spool appends and sends", appended.path));
  CHECK(drain(*open(appended.path)) == Texts{"one", "two"});
  Scratch sent;
  REQUIRE(killed_at("monitor.spool.sent=kill", "child: spool appends and sends", sent.path));
  CHECK(drain(*open(sent.path)) == Texts{"one", "two"});
}

TEST_CASE("spool: a folder that cannot be used is an error at once") {
  Scratch scratch;
  std::ofstream(scratch.path / "file") << "x";
  CHECK_FALSE(Spool::open(scratch.path / "file" / "spool"));
}
