#include "tests/unit/cdb/database.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/pg/private_cluster.h"

namespace tests::cdb_database {
namespace {

struct Scratch {
  std::filesystem::path path;
  Scratch() {
    char name[] = "/tmp/weft-cdb-XXXXXX";
    REQUIRE(::mkdtemp(name));
    path = name;
    REQUIRE(::chmod(name, 0711) == 0);  // the account postgres passes through
  }
  ~Scratch() {
    std::error_code error;
    std::filesystem::remove_all(path, error);
  }
};

}  // namespace

const std::filesystem::path& scratch_folder() {
  static const Scratch scratch;
  return scratch.path;
}

Fresh fresh() {
  static const auto cluster = [] {
    auto started = base::pg::PrivateCluster::start(scratch_folder() / "pg");
    if (!started) FAIL(started.error().text());
    return std::move(*started);
  }();
  static int number = 0;
  auto url = cluster->create_database("t" + std::to_string(++number));
  if (!url) FAIL(url.error().text());
  auto pool = base::pg::Pool::open(*url, 4);
  REQUIRE(pool);
  auto store = cdb::store::Store::open(*pool);
  if (!store) FAIL(store.error().text());
  return {*pool, *store, *url};
}

}  // namespace tests::cdb_database
