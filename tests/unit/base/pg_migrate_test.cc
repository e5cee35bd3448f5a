#include <doctest/doctest.h>

#include <thread>

#include "base/pg/pg.h"
#include "tests/unit/base/pg_fixture.h"

using base::Errc;
using base::pg::migrate;
using base::pg::Migration;
using base::pg::Transaction;

namespace {

constexpr Migration first{1, "first", "CREATE TABLE a (n int); INSERT INTO a VALUES (1)"};
constexpr Migration second{2, "second", "ALTER TABLE a ADD COLUMN m int"};

std::string recorded(base::pg::Pool& pool) {
  auto t = pool.begin();
  REQUIRE(t);
  auto rows = t->exec("SELECT coalesce(string_agg(area || number || name, ',' ORDER BY area, number), '') FROM weft_migration");
  REQUIRE(rows);
  return std::string(rows->text(0, 0));
}

}  // namespace

TEST_CASE("migrations run once, in order, per area") {
  auto pool = tests::new_database();
  const Migration one[] = {first};
  const Migration two[] = {first, second};
  REQUIRE(migrate(*pool, "cdb", {}));
  CHECK(recorded(*pool).empty());
  REQUIRE(migrate(*pool, "cdb", one));
  REQUIRE(migrate(*pool, "cdb", two));
  REQUIRE(migrate(*pool, "cdb", two));
  CHECK(recorded(*pool) == "cdb1first,cdb2second");
  const Migration other[] = {{1, "start", "CREATE TABLE b (n int)"}};
  REQUIRE(migrate(*pool, "leaf", other));
  CHECK(recorded(*pool) == "cdb1first,cdb2second,leaf1start");
}

TEST_CASE("numbers may have gaps, and a smaller one may come later") {
  auto pool = tests::new_database();
  const Migration gap[] = {first, {30, "thirty", "CREATE TABLE c (n int)"}};
  REQUIRE(migrate(*pool, "cdb", gap));
  const Migration filled[] = {first, {10, "ten", "CREATE TABLE d (n int)"}, {30, "thirty", "CREATE TABLE c (n int)"}};
  REQUIRE(migrate(*pool, "cdb", filled));
  REQUIRE(migrate(*pool, "cdb", filled));
  CHECK(recorded(*pool) == "cdb1first,cdb10ten,cdb30thirty");
  CHECK(migrate(*pool, "cdb", gap).error().code == Errc::conflict);
}

TEST_CASE("a newer, another or a misnumbered line is refused") {
  auto pool = tests::new_database();
  const Migration two[] = {first, second};
  REQUIRE(migrate(*pool, "cdb", two));
  const Migration one[] = {first};
  auto older = migrate(*pool, "cdb", one);
  REQUIRE_FALSE(older);
  CHECK(older.error().code == Errc::conflict);
  CHECK(older.error().message.find("is at 2") != std::string::npos);
  CHECK(older.error().message.find("up to 1") != std::string::npos);
  const Migration renamed[] = {first, {2, "zweite", ""}};
  CHECK(migrate(*pool, "cdb", renamed).error().code == Errc::conflict);
  const Migration without[] = {first, {3, "third", ""}};
  CHECK(migrate(*pool, "cdb", without).error().message.find("absent") != std::string::npos);
  const Migration twice[] = {first, {1, "again", ""}};
  CHECK(migrate(*pool, "leaf", twice).error().code == Errc::internal);
  const Migration zero[] = {{0, "zero", ""}};
  CHECK(migrate(*pool, "leaf", zero).error().code == Errc::internal);
  CHECK(recorded(*pool) == "cdb1first,cdb2second");
}

TEST_CASE("a failing migration leaves nothing of itself behind and keeps the earlier ones") {
  auto pool = tests::new_database();
  const Migration broken[] = {first, {2, "broken", "CREATE TABLE half (n int); SELECT 1/0; CREATE TABLE other (n int)"}};
  auto result = migrate(*pool, "cdb", broken);
  REQUIRE_FALSE(result);
  CHECK(result.error().text().find("0002_broken") != std::string::npos);
  CHECK(recorded(*pool) == "cdb1first");
  auto t = pool->begin();
  CHECK(t->exec("SELECT to_regclass('half') IS NULL")->boolean(0, 0));
  const Migration mended[] = {first, second};
  CHECK(migrate(*pool, "cdb", mended));
}

TEST_CASE("several programs migrate at once, each migration runs once") {
  auto pool = tests::new_database(6);
  const Migration two[] = {first, second};
  std::atomic<int> good = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 5; ++i) {
      threads.emplace_back([&] {
        if (migrate(*pool, "cdb", two)) ++good;
      });
    }
  }
  CHECK(good == 5);
  auto t = pool->begin();
  CHECK(t->exec("SELECT count(*) FROM a")->integer(0, 0) == 1);
}
