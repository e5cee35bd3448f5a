#include "tests/unit/base/pg_fixture.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <memory>

namespace tests {
namespace {

struct Scratch {
  std::filesystem::path path;
  Scratch() {
    char name[] = "/tmp/weft-pg-XXXXXX";
    REQUIRE(::mkdtemp(name));
    path = name;
    REQUIRE(::chmod(name, 0711) == 0);
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

base::pg::PrivateCluster& cluster() {
  static const auto instance = [] {
    auto started = base::pg::PrivateCluster::start(scratch_folder() / "pg");
    if (!started) FAIL(started.error().text());
    return std::move(*started);
  }();
  return *instance;
}

std::shared_ptr<base::pg::Pool> new_database(int size) {
  static int number = 0;
  auto url = cluster().create_database("t" + std::to_string(++number));
  if (!url) FAIL(url.error().text());
  auto pool = base::pg::Pool::open(*url, size);
  REQUIRE(pool);
  return *pool;
}

}  // namespace tests
