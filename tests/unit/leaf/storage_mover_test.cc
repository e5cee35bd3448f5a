// The mover against real disk servers (nginx, WebDAV, certificates): no file loses a copy, whatever dies; what the disks hold is
// read directly. The seed of the random files is printed with each failure.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <random>
#include <set>

#include "base/file/file.h"
#include "base/process/process.h"
#include "base/profile/json.h"
#include "base/profile/path.h"
#include "leaf/storage/dirpool.h"
#include "tests/unit/example_profile.h"
#include "tests/unit/leaf/dav_pool.h"
#include "tests/unit/leaf/fakes.h"

namespace st = leaf::storage;
namespace fs = std::filesystem;
using base::Errc;
using base::Result;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

namespace {

struct Scratch {
  fs::path path;
  Scratch() {
    char name[] = "/tmp/weft-dav-XXXXXX";
    REQUIRE(::mkdtemp(name));
    path = name;
    fs::permissions(path, fs::perms(0755));
  }
  ~Scratch() {
    std::error_code error;
    fs::remove_all(path, error);
  }
};

struct World {
  Scratch scratch;
  tests::leaf::DavPool servers;
  std::shared_ptr<tests::leaf::FakeFabric> fabric = std::make_shared<tests::leaf::FakeFabric>();
  std::shared_ptr<tests::leaf::FileIdentities> identities;
  st::Dirpool pool;
  std::map<std::string, std::string> truth;  // name -> content

  explicit World(int nodes = 4)
      : servers(scratch.path, names(nodes)),
        identities(std::make_shared<tests::leaf::FileIdentities>(scratch.path / "ids")),
        pool(fabric, identities, servers.tls(), {}) {
    fs::create_directories(scratch.path / "ids");
    fabric->list = servers.nodes;
  }
  static std::vector<std::string> names(int count) {
    std::vector<std::string> out;
    for (int i = 1; i <= count; ++i) out.push_back("d" + std::to_string(i));
    return out;
  }
  void fill(unsigned seed, int files) {
    std::mt19937 random(seed);
    for (int i = 0; i < files; ++i) {
      std::string content(random() % 3 == 0 ? random() % 4 : random() % 50000, '\0');
      for (char& c : content) c = static_cast<char>(random());
      std::string name = fmt::format("run{}.dat", i);
      auto put = pool.put("demo", name, content);
      if (!put) FAIL(put.error().text());
      truth[name] = content;
    }
  }
  st::DrainRequest request(std::string node, std::int64_t fence = 1) {
    st::DrainRequest out;
    out.node = std::move(node);
    out.idem_key = "wf1";
    out.fence = fence;
    out.may_act = [] { return Result<>(); };
    out.save = [](const Value&) { return Result<>(); };
    return out;
  }
  void maintenance(const std::string& node) { fabric->at(node).state = "maintenance"; }
  // Good copies of each file on nodes in production, by rack.
  std::size_t good(const std::string& name, bool serving_only) {
    auto copies = servers.copies();
    std::set<std::string> racks;
    for (const auto& [node, content] : copies[name]) {
      if (content == truth[name] && (!serving_only || fabric->at(node).state == "production"))
        racks.insert(fabric->at(node).rack);
    }
    return racks.size();
  }
  // Everything is where it should be: exactly two good copies in two racks in production, nothing else anywhere.
  void check_whole(const std::string& drained) {
    auto copies = servers.copies();
    CHECK(copies.size() == truth.size());
    for (const auto& [name, content] : truth) {
      CAPTURE(name);
      CHECK(copies[name].size() == 2);
      CHECK(copies[name].count(drained) == 0);
      CHECK(good(name, true) == 2);
    }
    CHECK(servers.temporaries().empty());
    auto checked = pool.check("demo");
    REQUIRE(checked);
    CHECK_MESSAGE(checked->get("problems")->list()->empty(), base::profile::to_json(*checked));
  }
  base::process::Outcome worker(const std::string& node, int fence, const std::string& fail) {
    List nodes;
    for (const auto& node_ : fabric->list) {
      nodes.emplace_back(
          Dict{{"name", node_.name}, {"ip", node_.ip}, {"rack", node_.rack}, {"state", node_.state}, {"storage", node_.storage}});
    }
    REQUIRE(base::file::write_atomic(scratch.path / "nodes.json", base::profile::to_json(nodes)));
    base::process::Command command;
    command.argv = {WEFT_MOVER_WORKER,
                    (scratch.path / "nodes.json").string(),
                    (scratch.path / "client/service").string(),
                    (scratch.path / "ids").string(),
                    node,
                    std::to_string(fence)};
    command.environment = {{"WEFT_FAIL", fail}, {"PATH", "/usr/bin:/bin"}};
    auto outcome = base::process::run(command);
    REQUIRE(outcome);
    return *outcome;
  }
};

}  // namespace

TEST_CASE("a drain leaves every file with its copies elsewhere and nothing on the node") {
  World world;
  world.fill(11, 24);
  world.check_whole("nobody");
  auto estimate = world.pool.estimate(world.fabric->at("d1"));
  REQUIRE(estimate);
  CHECK(estimate->yes);
  CHECK(world.pool.ok_to_stop(world.fabric->at("d1"))->yes);
  CHECK_FALSE(world.pool.safe_to_destroy(world.fabric->at("d1"))->yes);
  // In production it is not drained: files could arrive behind the mover's back.
  CHECK(world.pool.drain_status(world.request("d1")).error().code == Errc::unavailable);
  world.maintenance("d1");
  auto status = world.pool.drain_status(world.request("d1"));
  REQUIRE(status);
  CHECK(status->done);
  CHECK(status->progress.get_integer("remaining") == 0);
  world.check_whole("d1");
  CHECK(world.pool.safe_to_destroy(world.fabric->at("d1"))->yes);
  CHECK(world.pool.verify(world.fabric->at("d1"))->yes);
  for (const auto& [name, content] : world.truth) CHECK(*world.pool.get("demo", name) == content);
}

TEST_CASE("killed at any point, a drain loses no copy and another worker ends it with the right number") {
  for (const char* point : {"leaf.mover.copied", "leaf.mover.verified", "leaf.mover.before-delete"}) {
    const unsigned seed = std::random_device{}();
    CAPTURE(point);
    CAPTURE(seed);
    World world;
    world.fill(seed, 14);
    world.maintenance("d1");
    std::mt19937 random(seed);
    int kills = 0, fence = 1;
    for (; fence < 40; ++fence) {
      auto outcome = world.worker("d1", fence, fmt::format("{}=kill@{}", point, 1 + random() % 3));
      for (const auto& [name, content] : world.truth) {
        CAPTURE(name);
        CHECK(world.good(name, false) >= 2);
      }
      if (outcome.status == 0) break;
      CHECK_MESSAGE(outcome.status == 128 + 9, outcome.err);
      ++kills;
      if (kills == 6) break;
    }
    CHECK(kills > 0);
    auto last = world.worker("d1", fence + 1, "");
    CHECK_MESSAGE(last.status == 0, last.err);
    world.check_whole("d1");
  }
}

namespace {

// Damages what it uploads on the disk itself, between the upload and the reading back.
class Damaging : public st::Mover {
 public:
  Damaging(World& world, bool verify) : st::Mover(*world.identities, {}), world_(world), verify_(verify) {}
  int damaged = 0;

 protected:
  Result<> verify_upload(st::PoolServer& server, const std::string& part, const std::string& temporary,
                         const std::string& sha256) override {
    if (damaged < 2) {
      ++damaged;
      fs::path file = world_.servers.data(server.node().name, part) / "tmp" / temporary;
      REQUIRE(base::file::write_atomic(file, "damaged on its way"));
      fs::permissions(file, fs::perms(0644));
    }
    if (!verify_) return {};
    return st::Mover::verify_upload(server, part, temporary, sha256);
  }

 private:
  World& world_;
  bool verify_;
};

}  // namespace

TEST_CASE("an upload that was damaged on its way is found; a mover that does not look is found by the checker") {
  for (bool verify : {true, false}) {
    CAPTURE(verify);
    World world;
    world.fill(5, 8);
    world.maintenance("d1");
    Damaging mover(world, verify);
    for (int i = 0; i < 3; ++i) {
      auto inventory = st::Inventory::read(world.fabric->list, "demo", "d1", true, *world.identities, world.servers.tls());
      REQUIRE(inventory);
      auto status = mover.drain(*inventory, world.request("d1"));
      REQUIRE(status);
    }
    CHECK(mover.damaged == 2);
    auto checked = world.pool.check("demo");
    REQUIRE(checked);
    if (verify) {
      world.check_whole("d1");
    } else {
      CHECK(checked->get("problems")->list()->size() >= 2);
    }
  }
}

TEST_CASE("copies that are damaged do not count, and the last good one is never deleted") {
  World world;
  world.fill(7, 12);
  std::string one, both;
  for (const auto& [name, copies] : world.servers.copies()) {
    if (!copies.count("d1") || world.truth[name].size() < 4) continue;
    if (one.empty())
      one = name;
    else if (both.empty())
      both = name;
  }
  REQUIRE_FALSE(both.empty());
  auto damage = [&](const std::string& name, bool on_d1) {
    for (const auto& node : world.servers.nodes) {
      for (const char* part : {"01", "02"}) {
        fs::path file = world.servers.data(node.name, part) / "obj" / name;
        if (!fs::exists(file) || (node.name == "d1" && !on_d1)) continue;
        REQUIRE(base::file::write_atomic(file, "x" + world.truth[name].substr(1)));
        fs::permissions(file, fs::perms(0644));
      }
    }
  };
  damage(one, false);
  damage(both, true);
  world.maintenance("d1");
  auto status = world.pool.drain_status(world.request("d1"));
  REQUIRE(status);
  CHECK_FALSE(status->done);
  CHECK(status->message.find("no good copy is left") != std::string::npos);
  CHECK(world.good(one, true) == 2);
  CHECK(world.servers.copies()[both].count("d1") == 1);
  CHECK_FALSE(world.pool.safe_to_destroy(world.fabric->at("d1"))->yes);
  auto checked = base::profile::to_json(*world.pool.check("demo"));
  CHECK(checked.find("corrupt on") != std::string::npos);
}

TEST_CASE("a member that does not answer is never taken for an empty one") {
  World world;
  world.fill(3, 10);
  world.maintenance("d1");
  world.servers.stop("d1");
  CHECK_FALSE(world.pool.drain_status(world.request("d1")));
  CHECK_FALSE(world.pool.safe_to_destroy(world.fabric->at("d1")));
  world.servers.start("d1");
  world.servers.stop("d2");
  CHECK_FALSE(world.pool.drain_status(world.request("d1")));
  CHECK_FALSE(world.pool.ok_to_stop(world.fabric->at("d1")));
  CHECK(world.pool.check("demo")->get_boolean("complete", true) == false);
  // Said to be out of service, its copies just do not count.
  world.fabric->at("d2").state = "quarantine";
  auto status = world.pool.drain_status(world.request("d1"));
  REQUIRE(status);
  CHECK(status->done);
  for (const auto& [name, content] : world.truth) CHECK(world.good(name, true) == 2);
}

TEST_CASE("a directory that is missing, swapped or foreign stops the drain") {
  World world;
  world.fill(9, 10);
  world.maintenance("d1");
  fs::path data = world.servers.data("d1", "01");
  REQUIRE(fs::exists(data / "identity"));
  auto refused = [&](std::string_view part) {
    auto status = world.pool.drain_status(world.request("d1"));
    REQUIRE_FALSE(status);
    CHECK_MESSAGE(status.error().text().find(part) != std::string::npos, status.error().text());
    CHECK_FALSE(world.pool.safe_to_destroy(world.fabric->at("d1")));
  };
  SUBCASE("disk not mounted") {
    fs::rename(data / "identity", world.scratch.path / "gone");
    fs::rename(data / "obj", world.scratch.path / "obj");
    refused("lost its identity");
  }
  SUBCASE("disk of another machine") {
    fs::copy_file(world.servers.data("d2", "01") / "identity", data / "identity", fs::copy_options::overwrite_existing);
    refused("says that it is");
  }
  SUBCASE("another disk of the same name") {
    REQUIRE(base::file::write_atomic(data / "identity", R"({"node":"d1","fs":"01","id":"other"})"));
    refused("another identity");
  }
  SUBCASE("objects removed behind its back") {
    fs::rename(data / "obj", world.scratch.path / "obj");
    refused("is gone");
  }
  SUBCASE("a folder among the objects") {
    fs::create_directory(data / "obj" / "lost+found");
    refused("no file");
  }
}

TEST_CASE("without enough failure domains nothing is deleted and the reason is named") {
  World world(2);
  world.fill(2, 5);
  CHECK_FALSE(world.pool.estimate(world.fabric->at("d1"))->yes);
  world.maintenance("d1");
  auto status = world.pool.drain_status(world.request("d1"));
  REQUIRE(status);
  CHECK_FALSE(status->done);
  CHECK(status->message.find("failure domain") != std::string::npos);
  for (const auto& [name, content] : world.truth) CHECK(world.good(name, false) == 2);
}

TEST_CASE("stopped in between, the mover makes no further effect") {
  World world;
  world.fill(4, 10);
  world.maintenance("d1");
  auto before = world.servers.copies();
  st::DrainRequest request = world.request("d1");
  request.may_act = []() -> Result<> { return base::fail(Errc::denied, "all workflows are stopped"); };
  auto status = world.pool.drain_status(request);
  REQUIRE_FALSE(status);
  CHECK(status.error().code == Errc::denied);
  CHECK(world.servers.copies() == before);
  int left = 6;
  request.may_act = [&]() -> Result<> {
    if (left-- > 0) return {};
    return base::fail(Errc::denied, "all workflows are stopped");
  };
  CHECK_FALSE(world.pool.drain_status(request));
  for (const auto& [name, content] : world.truth) CHECK(world.good(name, false) >= 2);
  CHECK(world.pool.drain_status(world.request("d1", 2))->done);
  world.check_whole("d1");
}

TEST_CASE("left-over uploads are removed, those of others are not") {
  World world;
  world.fill(8, 4);
  st::PoolServer server(world.fabric->at("d2"), *st::PoolConfig::of(world.fabric->at("d2")), world.servers.tls());
  REQUIRE(server.put_temporary("01", "wf1.1-0123", "half"));
  REQUIRE(server.put_temporary("01", "wf12.1-0123", "another drain's"));
  world.maintenance("d1");
  REQUIRE(world.pool.drain_status(world.request("d1", 2)));
  auto left = world.servers.temporaries();
  REQUIRE(left.size() == 1);
  CHECK(left.front() == "d2/wf12.1-0123");
  REQUIRE(server.put_temporary("01", "wf1.2-0123", "half"));
  REQUIRE(world.pool.drain_cancel(world.request("d1", 2)));
  CHECK(world.servers.temporaries().size() == 1);
}

TEST_CASE("files: written once, names that could leave their folder are refused, a damaged copy is passed over") {
  World world;
  REQUIRE(world.pool.put("demo", "a", "one"));
  auto again = world.pool.put("demo", "a", "one");
  REQUIRE(again);
  CHECK(again->get("copies")->list()->size() == 2);
  CHECK(world.pool.put("demo", "a", "two").error().code == Errc::conflict);
  for (std::string name : {std::string(), std::string("../a"), std::string("a/b"), std::string(".a"), std::string("weft-keep"),
                           std::string(201, 'a'), std::string("a b"), std::string("a\n"), std::string("\xc3\xa4")}) {
    CAPTURE(name);
    CHECK(world.pool.put("demo", name, "x").error().code == Errc::invalid);
  }
  CHECK(world.pool.get("demo", "b").error().code == Errc::not_found);
  CHECK(world.pool.put("other", "b", "x").error().code == Errc::not_found);
  bool first = true;
  for (const auto& node : world.servers.nodes) {
    for (const char* part : {"01", "02"}) {
      fs::path file = world.servers.data(node.name, part) / "obj" / "a";
      if (!fs::exists(file) || !first) continue;
      REQUIRE(base::file::write_atomic(file, "bad"));
      fs::permissions(file, fs::perms(0644));
      first = false;
    }
  }
  CHECK(*world.pool.get("demo", "a") == "one");
}

TEST_CASE("the servers: services write, nodes read, persons and strangers nothing, and no folder can be deleted") {
  World world;
  world.fill(1, 3);
  auto status = [&](std::string kind, std::string method, std::string path, std::map<std::string, std::string> headers = {}) {
    base::http::ClientOptions options = world.servers.tls(kind);
    options.base_url = fmt::format("https://{}:19443", world.fabric->at("d1").ip);
    base::http::Client client(options);
    auto response = client.send({.method = method, .path = path, .body = method == "PUT" ? "x" : "", .headers = headers});
    return response ? response->status : -1;
  };
  CHECK(status("service", "GET", "/pool/01/obj/") == 200);
  CHECK(status("node", "GET", "/pool/01/obj/") == 200);
  CHECK(status("person", "GET", "/pool/01/obj/") == 403);
  CHECK(status("node", "PUT", "/pool/01/tmp/x") == 403);
  CHECK(status("node", "DELETE", "/pool/01/obj/run0.dat") == 403);
  CHECK(status("service", "PUT", "/pool/01/tmp/x") == 201);
  CHECK(status("service", "PUT", "/pool/01/obj/x") == 403);
  CHECK(status("service", "DELETE", "/pool/01/obj/") == 403);
  CHECK(status("service", "DELETE", "/pool/01/obj") == 403);
  CHECK(status("service", "DELETE", "/pool/01/") == 403);
  CHECK(status("service", "DELETE", "/pool/01/identity") == 403);
  CHECK(status("service", "MKCOL", "/pool/01/new/") == 403);
  CHECK(status("service", "MOVE", "/pool/01/obj/run0.dat", {{"Destination", "/pool/01/tmp/y"}}) == 403);
  CHECK(status("service", "MOVE", "/pool/01/tmp/x", {{"Destination", "/pool/02/obj/y"}}) == 403);
  CHECK(status("service", "MOVE", "/pool/01/tmp/x", {{"Destination", "/pool/01/../x"}}) == 403);
  CHECK(status("service", "MOVE", "/pool/01/tmp/x", {{"Destination", "/pool/01/obj/y"}}) == 204);
  CHECK(status("service", "GET", "/etc/passwd") == 403);
}

TEST_CASE("the compiled example is read as its schema means it") {
  leaf::fabric::Node node;
  const auto profile = tests::example_profile("disk01.example.org");
  node.name = "disk01.example.org";
  node.ip = *base::profile::find(profile, "/system/network/primary_ip")->string();
  node.rack = *base::profile::find(profile, "/hardware/sysloc/rack")->string();
  node.storage = *base::profile::find(profile, "/software/components/storage");
  const auto config = st::PoolConfig::of(node);
  REQUIRE_MESSAGE(config, (config ? "" : config.error().text()));
  CHECK(config->pool == node.storage.get_string("pool"));
  CHECK(config->replicas == node.storage.get_integer("replicas"));
  CHECK(config->port == node.storage.get_integer("port"));
  const auto& described = *node.storage.get("filesystems")->dict();
  REQUIRE(config->filesystems.size() == described.size());
  for (const auto& [key, item] : described) {
    const auto path = base::profile::unescape(key);
    CAPTURE(path);
    REQUIRE(path.starts_with('/'));
    const auto found = config->filesystems.find(path.substr(path.rfind('/') + 1));
    REQUIRE(found != config->filesystems.end());
    if (item.get("quota")) CHECK(found->second == item.get_integer("quota"));
  }
  CHECK(*st::PoolConfig::domain(*config, node) == node.rack);
}

TEST_CASE("the description of a node's storage is checked before it is used") {
  leaf::fabric::Node node;
  node.name = "d";
  node.ip = "127.0.0.1";
  auto with = [&](Value storage) {
    node.storage = std::move(storage);
    return st::PoolConfig::of(node);
  };
  Value good = Dict{{"driver", "dirpool"}, {"pool", "p"}, {"filesystems", Dict{{"_2fdata_2f01", Dict{}}}}};
  CHECK(with(good)->filesystems.count("01") == 1);
  for (auto [key, value] :
       std::vector<std::pair<std::string, Value>>{{"pool", ""},
                                                  {"replicas", 0},
                                                  {"port", 70000},
                                                  {"failure_domain", "room"},
                                                  {"filesystems", Dict{}},
                                                  {"filesystems", Dict{{"_2fdata_2fA", Dict{}}}},
                                                  {"filesystems", Dict{{"01", Dict{}}}},
                                                  {"filesystems", Dict{{"_2fa_2f01", Dict{}}, {"_2fb_2f01", Dict{}}}},
                                                  {"filesystems", Dict{{"_2fdata_2f01", Dict{{"pool", "q"}}}}}}) {
    CAPTURE(key);
    Value bad = good;
    bad[key] = value;
    CHECK(with(bad).error().code == Errc::invalid);
  }
  CHECK(st::PoolConfig::domain(*with(good), node).error().code == Errc::invalid);
  st::Drivers none;
  node.storage = Dict{{"driver", "eos"}};
  CHECK(st::driver_of(none, node).error().code == Errc::invalid);
  node.storage = nullptr;
  CHECK(*st::driver_of(none, node) == nullptr);
}
