#include <fmt/format.h>

#include "base/diag/fail_point.h"
#include "base/pg/pg.h"

namespace base::pg {
namespace {

// Serialises all migrations of one database, whichever weftd runs them. An arbitrary constant of ours.
constexpr std::int64_t lock_key = 0x77656674'6d696772;  // "weftmigr"

Result<> prepare_table(Transaction& transaction) {
  WEFT_TRY(transaction.exec("SELECT pg_advisory_xact_lock($1)", {lock_key}));
  WEFT_TRY(transaction.script(
      "CREATE TABLE IF NOT EXISTS weft_migration (area text NOT NULL, number integer NOT NULL, name text NOT NULL, "
      "applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (area, number))"));
  return {};
}

// What is recorded must be a prefix of the list; returns how long that prefix is.
Result<std::size_t> applied(Transaction& transaction, std::string_view area, std::span<const Migration> migrations) {
  const auto rows = WEFT_TRY(transaction.exec("SELECT number, name FROM weft_migration WHERE area = $1 ORDER BY number", {area}));
  const auto newest = rows.empty() ? 0 : rows.integer(rows.size() - 1, 0);
  if (newest > static_cast<std::int64_t>(migrations.size())) {
    return fail(Errc::conflict,
                fmt::format("the database's schema of area {} is at {}, this program knows only up to {}", area, newest,
                            migrations.size()),
                "Start a Weft at least as new as the one that upgraded the database.");
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows.integer(i, 0) != migrations[i].number || rows.text(i, 1) != migrations[i].name) {
      return fail(Errc::conflict,
                  fmt::format("migration {} of area {} is \"{}\" in the database but {} \"{}\" in this program",
                              rows.integer(i, 0), area, rows.text(i, 1), migrations[i].number, migrations[i].name),
                  "This database was made by another line of Weft: use that one, or another database.");
    }
  }
  return rows.size();
}

}  // namespace

Result<> migrate(Pool& pool, std::string_view area, std::span<const Migration> migrations) {
  for (std::size_t i = 0; i < migrations.size(); ++i) {
    if (migrations[i].number != static_cast<int>(i) + 1) {
      return fail(Errc::internal, fmt::format("migrations of area {} are not numbered 1, 2, 3, ...", area));
    }
  }
  std::string which;
  for (bool more = true; more;) {
    auto result = pool.run([&](Transaction& transaction) -> Result<> {
      WEFT_TRY(prepare_table(transaction));
      const auto done = WEFT_TRY(applied(transaction, area, migrations));  // under the lock: another weftd may have gone ahead
      more = done + 1 < migrations.size();
      if (done == migrations.size()) return {};
      const auto& next = migrations[done];
      which = fmt::format(" to {:04}_{}", next.number, next.name);
      WEFT_TRY(transaction.script(next.sql));
      WEFT_TRY(transaction.exec("INSERT INTO weft_migration (area, number, name) VALUES ($1, $2, $3)",
                                {area, next.number, next.name}));
      return fail_point("pg.migrate.before-commit");
    });
    if (!result) return fail(std::move(result).error().during(fmt::format("migrating the database, area {}{}", area, which)));
  }
  return {};
}

}  // namespace base::pg
