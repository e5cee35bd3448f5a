#include <algorithm>
#include <vector>

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

// Those of the list that the database does not have yet, by number. Numbers may have gaps, and a smaller one may come later than
// a greater one (several people write migrations side by side); what the database has must all be in the list.
Result<std::vector<const Migration*>> missing(Transaction& transaction, std::string_view area,
                                              std::span<const Migration> migrations) {
  const auto rows = WEFT_TRY(transaction.exec("SELECT number, name FROM weft_migration WHERE area = $1 ORDER BY number", {area}));
  const auto newest = rows.empty() ? 0 : rows.integer(rows.size() - 1, 0);
  const auto known = migrations.empty() ? 0 : migrations.back().number;
  if (newest > known) {
    return fail(Errc::conflict,
                fmt::format("the database's schema of area {} is at {}, this program knows only up to {}", area, newest, known),
                "Start a Weft at least as new as the one that upgraded the database.");
  }
  std::vector<const Migration*> out;
  std::size_t row = 0;
  for (const auto& migration : migrations) {
    if (row == rows.size() || rows.integer(row, 0) > migration.number) {
      out.push_back(&migration);
      continue;
    }
    if (rows.integer(row, 0) != migration.number || rows.text(row, 1) != migration.name) break;
    ++row;
  }
  if (row == rows.size()) return out;
  const auto number = rows.integer(row, 0);
  const auto same = std::find_if(migrations.begin(), migrations.end(), [&](const Migration& m) { return m.number == number; });
  return fail(
      Errc::conflict,
      fmt::format("migration {} of area {} is \"{}\" in the database but {} in this program", number, area, rows.text(row, 1),
                  same == migrations.end() ? std::string("absent") : fmt::format("\"{}\"", same->name)),
      "This database was made by another line of Weft: use that one, or another database.");
}

}  // namespace

Result<> migrate(Pool& pool, std::string_view area, std::span<const Migration> migrations) {
  for (std::size_t i = 0; i < migrations.size(); ++i) {
    if (migrations[i].number <= (i == 0 ? 0 : migrations[i - 1].number)) {
      return fail(Errc::internal, fmt::format("the numbers of migrations of area {} do not grow", area));
    }
  }
  std::string which;
  for (bool more = true; more;) {
    auto result = pool.run([&](Transaction& transaction) -> Result<> {
      WEFT_TRY(prepare_table(transaction));
      const auto open = WEFT_TRY(missing(transaction, area, migrations));  // under the lock: another weftd may have gone ahead
      more = open.size() > 1;
      if (open.empty()) return {};
      const auto& next = *open.front();
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
