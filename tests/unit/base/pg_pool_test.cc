#include <doctest/doctest.h>
#include <signal.h>

#include <atomic>
#include <cmath>
#include <thread>

#include "base/pg/pg.h"
#include "tests/unit/base/pg_fixture.h"

using base::Errc;
using base::Result;
using base::pg::Bytes;
using base::pg::Isolation;
using base::pg::Pool;
using base::pg::Transaction;

namespace {

// A table t(id, v) in a database of its own.
std::shared_ptr<Pool> with_table(int size = 4) {
  auto pool = tests::new_database(size);
  auto made = pool->run(
      [](Transaction& t) { return t.script("CREATE TABLE t (id int PRIMARY KEY, v text NOT NULL CHECK (v <> 'bad'))"); });
  REQUIRE_MESSAGE(made, made.error().text());
  return pool;
}

std::int64_t count(Pool& pool) {
  auto transaction = pool.begin();
  REQUIRE(transaction);
  auto rows = transaction->exec("SELECT count(*) FROM t");
  if (!rows) FAIL(rows.error().text());
  return rows->integer(0, 0);
}

}  // namespace

TEST_CASE("values go in and come out as they were") {
  auto pool = tests::new_database();
  auto t = pool->begin();
  REQUIRE(t);
  std::string all(256, '\0');
  for (int i = 0; i < 256; ++i) all[static_cast<std::size_t>(i)] = static_cast<char>(i);
  const std::optional<std::string> nothing;
  auto rows = t->exec("SELECT $1::text, $2::bigint, $3::float8, $4::bool, $5::bytea, $6::text, $7::bytea",
                      {"It's \\ \"ä\"\n\t", std::int64_t{-9223372036854775807LL - 1}, 0.1, true, Bytes{all}, nothing, Bytes{""}});
  REQUIRE_MESSAGE(rows, rows.error().text());
  CHECK(rows->text(0, 0) == "It's \\ \"ä\"\n\t");
  CHECK(rows->integer(0, 1) == -9223372036854775807LL - 1);
  CHECK(rows->real(0, 2) == 0.1);
  CHECK(rows->boolean(0, 3));
  CHECK(rows->bytes(0, 4) == all);
  CHECK(rows->is_null(0, 5));
  CHECK(rows->text(0, 5).empty());
  CHECK_FALSE(rows->is_null(0, 6));
  CHECK(rows->bytes(0, 6).empty());
  CHECK_THROWS(rows->text(0, 7));
  CHECK_THROWS(rows->text(1, 0));
  auto odd = t->exec("SELECT 'NaN'::float8, '-Infinity'::float8, NULL::bigint");
  REQUIRE(odd);
  CHECK(std::isnan(odd->real(0, 0)));
  CHECK(std::isinf(odd->real(0, 1)));
  CHECK(odd->integer(0, 2) == 0);
}

TEST_CASE("rows outlive the transaction, the pool is returned to") {
  auto pool = with_table(1);
  std::optional<base::pg::Rows> kept;
  for (int i = 0; i < 3; ++i) {
    auto t = pool->begin();
    REQUIRE(t);
    auto rows = t->exec("INSERT INTO t VALUES ($1, $2) RETURNING v", {i, "x"});
    REQUIRE(rows);
    CHECK(rows->affected() == 1);
    kept = *rows;
    REQUIRE(t->commit());
    CHECK_FALSE(t->exec("SELECT 1"));
  }
  CHECK(kept->text(0, 0) == "x");
  CHECK(count(*pool) == 3);
}

TEST_CASE("a NUL byte in a text parameter is refused, not cut off") {
  auto pool = with_table();
  auto t = pool->begin();
  REQUIRE(t);
  auto rows = t->exec("INSERT INTO t VALUES (1, $1)", {std::string("a\0b", 3)});
  REQUIRE_FALSE(rows);
  CHECK(rows.error().code == Errc::invalid);
  CHECK_FALSE(t->commit());
  CHECK(count(*pool) == 0);
}

TEST_CASE("what fails is named by its code and rolls everything back") {
  auto pool = with_table();
  REQUIRE(pool->run([](Transaction& t) -> Result<> {
    WEFT_TRY(t.exec("INSERT INTO t VALUES (1, 'one')"));
    return {};
  }));
  struct Case {
    const char* sql;
    Errc code;
  };
  const Case cases[] = {
      {"INSERT INTO t VALUES (1, 'again')", Errc::conflict},
      {"INSERT INTO t VALUES (2, NULL)", Errc::invalid},
      {"INSERT INTO t VALUES (2, 'bad')", Errc::invalid},
      {"SELECT 'x'::int", Errc::invalid},
      {"SELECT nothing FROM t", Errc::internal},
      {"SELECT 1/0", Errc::invalid},
      {"SELEKT", Errc::internal},
      {"SELECT pg_sleep(0) FROM nowhere", Errc::internal},
      {"DO $$BEGIN RAISE EXCEPTION 'no'; END$$", Errc::invalid},
  };
  for (const auto& one : cases) {
    CAPTURE(one.sql);
    auto result = pool->run([&](Transaction& t) -> Result<> {
      WEFT_TRY(t.exec("INSERT INTO t VALUES (7, 'seven')"));
      auto failed = t.exec(one.sql);
      CHECK_FALSE(failed);
      // Everything after it reports the first cause, and commit does not pretend.
      auto after = t.exec("SELECT 1");
      REQUIRE_FALSE(after);
      CHECK(after.error().message == failed.error().message);
      return t.commit();
    });
    REQUIRE_FALSE(result);
    CHECK(result.error().code == one.code);
    CHECK(result.error().message.find("ERROR") == std::string::npos);
    CHECK(count(*pool) == 1);
  }
}

TEST_CASE("row values do not leak into messages") {
  auto pool = with_table();
  auto result = pool->run([](Transaction& t) -> Result<> {
    WEFT_TRY(t.exec("INSERT INTO t VALUES (NULL, 'secret-token')"));
    return {};
  });
  REQUIRE_FALSE(result);
  CHECK(result.error().text().find("Failing row") == std::string::npos);
  CHECK(result.error().message.find("secret-token") == std::string::npos);
}

TEST_CASE("a savepoint brings a transaction back to life") {
  auto pool = with_table();
  auto t = pool->begin();
  REQUIRE(t);
  REQUIRE(t->exec("SAVEPOINT a"));
  CHECK_FALSE(t->exec("SELECT 1/0"));
  REQUIRE(t->exec("ROLLBACK TO SAVEPOINT a"));
  REQUIRE(t->exec("INSERT INTO t VALUES (1, 'x')"));
  REQUIRE(t->commit());
  CHECK(count(*pool) == 1);
}

TEST_CASE("copy loads awkward text, bytes and nulls; a bad row loads nothing") {
  auto pool = tests::new_database();
  REQUIRE(pool->run([](Transaction& t) { return t.script("CREATE TABLE c (n int PRIMARY KEY, \"odd name\" text, b bytea)"); }));
  const std::string awkward = "tab\tnewline\nreturn\rback\\slash \\N \\. ä";
  REQUIRE(pool->run([&](Transaction& t) -> Result<> {
    WEFT_TRY(t.copy("c", {"n", "odd name", "b"},
                    {{1, awkward, Bytes{std::string("\0\xff\\", 3)}}, {2, nullptr, nullptr}, {3, "\\.", Bytes{""}}}));
    auto rows = WEFT_TRY(t.exec("SELECT \"odd name\", b FROM c ORDER BY n"));
    CHECK(rows.size() == 3);
    CHECK(rows.text(0, 0) == awkward);
    CHECK(rows.bytes(0, 1) == std::string("\0\xff\\", 3));
    CHECK(rows.is_null(1, 0));
    CHECK(rows.is_null(1, 1));
    CHECK(rows.text(2, 0) == "\\.");
    return {};
  }));
  auto twice = pool->run([](Transaction& t) { return t.copy("c", {"n"}, {{10}, {11}, {1}}); });
  REQUIRE_FALSE(twice);
  CHECK(twice.error().code == Errc::conflict);
  auto ragged = pool->run([](Transaction& t) { return t.copy("c", {"n", "b"}, {{10}}); });
  CHECK_FALSE(ragged);
  auto t = pool->begin();
  REQUIRE(t);
  CHECK(t->exec("SELECT count(*) FROM c")->integer(0, 0) == 3);
}

TEST_CASE("serialization failures are repeated until the sum is right") {
  auto pool = with_table(4);
  REQUIRE(pool->run([](Transaction& t) { return t.script("INSERT INTO t VALUES (1, '0')"); }));
  std::atomic<int> done = 0, bodies = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < 20; ++k) {
          auto result = pool->run(
              [&](Transaction& t) -> Result<> {
                ++bodies;
                const auto rows = WEFT_TRY(t.exec("SELECT v::int FROM t WHERE id = 1"));
                WEFT_TRY(t.exec("UPDATE t SET v = $1 WHERE id = 1", {std::to_string(rows.integer(0, 0) + 1)}));
                return {};
              },
              Isolation::serializable);
          if (result) ++done;
        }
      });
    }
  }
  auto t = pool->begin();
  REQUIRE(t);
  CHECK(t->exec("SELECT v::int FROM t WHERE id = 1")->integer(0, 0) == done);
  CHECK(done >= 40);
}

TEST_CASE("a unique violation is a conflict that is not repeated") {
  auto pool = with_table();
  int bodies = 0;
  auto result = pool->run([&](Transaction& t) -> Result<> {
    ++bodies;
    WEFT_TRY(t.exec("INSERT INTO t VALUES (1, 'x'), (1, 'y')"));
    return {};
  });
  REQUIRE_FALSE(result);
  CHECK(result.error().code == Errc::conflict);
  CHECK(bodies == 1);
}

TEST_CASE("a pool that is used up says so") {
  auto opened = Pool::open(tests::cluster().url(), 1, std::chrono::milliseconds(50));
  REQUIRE(opened);
  auto first = (*opened)->begin();
  REQUIRE(first);
  auto second = (*opened)->begin();
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Errc::unavailable);
  { auto dropped = std::move(*first); }
  CHECK((*opened)->begin());
}

TEST_CASE("wrong addresses are refused with a hint") {
  CHECK_FALSE(Pool::open(""));
  auto nobody = Pool::open("host=/nonexistent dbname=x");
  REQUIRE(nobody);
  auto t = (*nobody)->begin();
  REQUIRE_FALSE(t);
  CHECK(t.error().code == Errc::unavailable);
  CHECK_FALSE(t.error().hint.empty());
  auto missing = Pool::open("postgresql://127.0.0.1:1/x");
  CHECK((*missing)->begin().error().code == Errc::unavailable);
  auto syntax = Pool::open("this is no url");
  CHECK((*syntax)->begin().error().code == Errc::invalid);
  auto url = tests::cluster().url();
  url.replace(url.find("dbname=weft"), 11, "dbname=nowhere");
  CHECK((*Pool::open(url))->begin().error().code == Errc::not_found);
}

TEST_CASE("a session killed while idle is replaced; killed in a transaction it is unavailable and nothing is committed") {
  auto pool = with_table(2);
  auto killer = Pool::open(tests::cluster().url(), 1);
  const auto kill_all = [&] {
    return (*killer)->run([](Transaction& t) -> Result<> {
      WEFT_TRY(
          t.exec("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                 "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"));
      return {};
    });
  };
  CHECK(count(*pool) == 0);
  REQUIRE(kill_all());
  CHECK(count(*pool) == 0);

  auto t = pool->begin();
  REQUIRE(t);
  REQUIRE(t->exec("INSERT INTO t VALUES (1, 'lost')"));
  REQUIRE(kill_all());
  auto next = t->exec("INSERT INTO t VALUES (2, 'lost')");
  REQUIRE_FALSE(next);
  CHECK(next.error().code == Errc::unavailable);
  CHECK_FALSE(t->exec("INSERT INTO t VALUES (3, 'must not land outside a transaction')"));
  auto committed = t->commit();
  REQUIRE_FALSE(committed);
  CHECK(committed.error().code == Errc::unavailable);
  CHECK(count(*pool) == 0);

  auto cut = pool->begin();
  REQUIRE(cut);
  REQUIRE(cut->exec("INSERT INTO t VALUES (4, 'cut at commit')"));
  REQUIRE(kill_all());
  auto unknown = cut->commit();
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == Errc::timeout);
  CHECK_FALSE(unknown.error().hint.empty());
}
