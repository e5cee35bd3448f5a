// A private PostgreSQL cluster for the CDB's tests: made once per program below /tmp, removed at exit; each call gives a fresh
// database. Single-threaded use.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "cdb/store/store.h"

namespace tests::cdb_database {

const std::filesystem::path& scratch_folder();
struct Fresh {
  std::shared_ptr<base::pg::Pool> pool;
  std::shared_ptr<cdb::store::Store> store;
  std::string url;
};
Fresh fresh();

}  // namespace tests::cdb_database
