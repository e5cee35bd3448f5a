// The SQL migrations of each area, embedded at build time from schemas/sql/<area>/NNNN_name.sql (schemas/meson.build lists them).
// Used by the areas with base::pg::migrate(pool, "<area>", schemas::<area>_migrations()). Constant data, any thread.
#pragma once

#include <span>

#include "base/pg/pg.h"

namespace schemas {

std::span<const base::pg::Migration> cdb_migrations();
std::span<const base::pg::Migration> monitor_migrations();
std::span<const base::pg::Migration> leaf_migrations();

}  // namespace schemas
