#include <doctest/doctest.h>

#include <condition_variable>
#include <fstream>
#include <mutex>

#include "base/compress/compress.h"
#include "base/crypto/crypto.h"
#include "base/file/file.h"
#include "base/profile/json.h"
#include "cdb/publish/presence.h"
#include "cdb/publish/publisher.h"
#include "cdb/publish/wake.h"
#include "tests/unit/cdb/database.h"

using namespace cdb::publish;
using base::Errc;
using cdb::store::Digest;
namespace fs = std::filesystem;

namespace {

struct Site {
  tests::cdb_database::Fresh db = tests::cdb_database::fresh();
  std::string key = *base::crypto::ed25519_generate();
  fs::path root = tests::cdb_database::scratch_folder() / ("files-" + base::crypto::random_token(6));
  std::unique_ptr<Publisher> publisher = std::move(*Publisher::open(root, key, db.store));
  std::int64_t head = 0;

  static Digest root_of(int value) { return base::profile::merkle(base::profile::Dict{{"value", value}}); }
  static std::string data_of(int value) {
    return base::compress::zstd(base::profile::to_json(base::profile::Dict{{"value", value}}));
  }

  void commit(const std::string& node, int value) {
    cdb::store::Commit commit;
    commit.branch = "main";
    commit.head = head;
    commit.author = {"person", "alice"};
    commit.message = "why";
    commit.edits = {{"a.pan", std::nullopt, std::to_string(head)}};
    commit.plan = "{}";
    if (value < 0) {
      commit.removed = {node};
    } else {
      commit.nodes = {{node, "profiles/" + node + ".pan", root_of(value), true, data_of(value), 11, "", "{}"}};
    }
    const auto stored = db.store->commit(commit);
    if (!stored) FAIL(stored.error().text());
    head = *stored;
  }
};

// Collects answers of the hub; waits for the next one.
struct Answers {
  std::mutex mutex;
  std::condition_variable came;
  std::vector<WakeHub::Answer> list;
  WakeHub::Callback callback() {
    return [this](const WakeHub::Answer& answer) {
      const std::scoped_lock lock(mutex);
      list.push_back(answer);
      came.notify_all();
    };
  }
  WakeHub::Answer at(std::size_t i) {
    std::unique_lock lock(mutex);
    if (!came.wait_for(lock, std::chrono::seconds(60), [&] { return list.size() > i; })) FAIL("no answer came");
    return list[i];
  }
};

}  // namespace

TEST_CASE("Accept-Encoding: zstd before gzip, refusals heard") {
  for (const auto& [header, coding] :
       {std::pair{"", Coding::identity}, std::pair{"zstd, gzip", Coding::zstd}, std::pair{"gzip;q=1.0, zstd;q=0", Coding::gzip},
        std::pair{"gzip", Coding::gzip}, std::pair{"br", Coding::identity}, std::pair{"*", Coding::zstd},
        std::pair{"zstd;q=0.000", Coding::identity}, std::pair{" zstd ; q=0.5 ", Coding::zstd},
        std::pair{",;,", Coding::identity}}) {
    CAPTURE(std::string(header));
    CHECK(choose_coding(header) == coding);
  }
}

TEST_CASE("a manifest is good for one node, revision and root") {
  Site site;
  const auto text = site.publisher->manifest({"n1", Site::root_of(1), 7});
  REQUIRE(text);
  CHECK(text->starts_with("v=1;node=n1;revision=7;root=" + Site::root_of(1).hex() + ";sig="));
  const auto signature = base::crypto::unbase64(text->substr(text->find("sig=") + 4));
  REQUIRE(signature);
  const auto key = base::crypto::ed25519_public(site.key);
  const auto message = [](const char* node, int revision, int value) {
    return "weft-profile-1\n" + std::string(node) + "\n" + std::to_string(revision) + "\n" + Site::root_of(value).hex() + "\n";
  };
  CHECK(base::crypto::ed25519_verify(*key, message("n1", 7, 1), *signature));
  CHECK_FALSE(base::crypto::ed25519_verify(*key, message("n2", 7, 1), *signature));
  CHECK_FALSE(base::crypto::ed25519_verify(*key, message("n1", 8, 1), *signature));
  CHECK_FALSE(base::crypto::ed25519_verify(*key, message("n1", 7, 2), *signature));
  CHECK(site.publisher->manifest({"n1", std::nullopt, 7}).error().code == Errc::not_found);
  CHECK_FALSE(Publisher::open(site.root, "no key", site.db.store));
}

TEST_CASE("profile files: written before, made again when lost or empty, swept when nobody needs them") {
  Site site;
  const auto data = Site::data_of(1);
  REQUIRE(site.publisher->prepare({{Site::root_of(1), data}}));
  const auto zst = site.root / "profile" / (Site::root_of(1).hex() + ".json.zst");
  CHECK(base::compress::unzstd(*base::file::read(zst)) == R"({"value":1})");
  CHECK(base::compress::gunzip(*base::file::read(site.root / "profile" / (Site::root_of(1).hex() + ".json.gz"))) ==
        R"({"value":1})");
  site.commit("n1", 1);
  fs::remove(zst);
  CHECK(site.publisher->file(Site::root_of(1), Coding::zstd) == "profile/" + Site::root_of(1).hex() + ".json.zst");
  CHECK(fs::exists(zst));
  std::ofstream(zst, std::ios::trunc).flush();  // a power cut may leave an empty file
  REQUIRE(site.publisher->file(Site::root_of(1), Coding::zstd));
  CHECK(fs::file_size(zst) > 0);
  CHECK(site.publisher->file(Site::root_of(9), Coding::gzip).error().code == Errc::corrupt);

  const auto unused = Site::data_of(2);
  REQUIRE(site.publisher->prepare({{Site::root_of(2), unused}}));
  CHECK(*site.publisher->sweep(std::chrono::hours(1)) == 0);  // young: its commit may be under way
  for (const auto& file : fs::directory_iterator(site.root / "profile"))
    fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(3));
  CHECK(*site.publisher->sweep(std::chrono::hours(1)) == 2);
  CHECK(fs::exists(zst));
}

TEST_CASE("wake: news, no news, unknown nodes, removal") {
  Site site;
  site.commit("n1", 1);
  site.commit("n2", 1);
  auto hub = WakeHub::start(site.db.store, site.db.url);
  REQUIRE(hub);
  using Kind = WakeHub::Answer::Kind;
  Answers behind, waiting, timeout, gone, removed;
  (*hub)->wait("n1", Site::root_of(7), std::chrono::seconds(50), behind.callback());
  CHECK(behind.at(0).kind == Kind::changed);
  CHECK(behind.at(0).desired.revision == 1);
  (*hub)->wait("n1", Site::root_of(1), std::chrono::seconds(50), waiting.callback());
  (*hub)->wait("n2", Site::root_of(1), std::chrono::milliseconds(1), timeout.callback());
  CHECK(timeout.at(0).kind == Kind::no_news);
  (*hub)->wait("nobody", std::nullopt, std::chrono::seconds(50), gone.callback());
  CHECK(gone.at(0).kind == Kind::gone);
  site.commit("n1", 5);  // heard of by NOTIFY alone
  CHECK(waiting.at(0).kind == Kind::changed);
  CHECK(waiting.at(0).desired.root == Site::root_of(5));
  (*hub)->wait("n2", Site::root_of(1), std::chrono::seconds(50), removed.callback());
  site.commit("n2", -1);
  CHECK(removed.at(0).kind == Kind::gone);
  CHECK((*hub)->waiters() == 0);
}

TEST_CASE("wake: a node cannot pile up waiters, and the end answers everybody") {
  Site site;
  site.commit("n1", 1);
  Answers answers;
  {
    auto hub = WakeHub::start(site.db.store, site.db.url);
    REQUIRE(hub);
    Answers first;
    (*hub)->wait("n1", std::nullopt, std::chrono::seconds(50), first.callback());
    first.at(0);  // loaded by now
    for (std::size_t i = 0; i < WakeHub::max_waiters_per_node + 3; ++i) {
      (*hub)->wait("n1", Site::root_of(1), std::chrono::seconds(50), answers.callback());
    }
    CHECK((*hub)->waiters() == WakeHub::max_waiters_per_node);
    CHECK(answers.list.size() == 3);
  }
  CHECK(answers.list.size() == WakeHub::max_waiters_per_node + 3);
  for (const auto& answer : answers.list) CHECK(answer.kind == WakeHub::Answer::Kind::no_news);
}

TEST_CASE("presence is written in batches and kept when the database is away") {
  Site site;
  site.commit("n1", 1);
  Presence presence(site.db.store);
  REQUIRE(presence.write());
  presence.note("n1");
  CHECK(site.db.store->node("n1")->last_seen.empty());
  const auto run = [&](std::string_view sql) {
    auto transaction = site.db.pool->begin();
    REQUIRE(transaction->exec(sql));
    REQUIRE(transaction->commit());
  };
  run("alter table cdb.node_seen rename to away");
  CHECK_FALSE(presence.write());
  run("alter table cdb.away rename to node_seen");
  REQUIRE(presence.write());
  CHECK_FALSE(site.db.store->node("n1")->last_seen.empty());
}
