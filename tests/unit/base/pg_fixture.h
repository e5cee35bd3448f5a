// A private PostgreSQL cluster for the tests of one executable: made once below /tmp, removed at exit. Single-threaded use.
#pragma once

#include <filesystem>
#include <string>

#include "base/pg/pg.h"
#include "base/pg/private_cluster.h"

namespace tests {

// Folder below /tmp (traversable for the account postgres), removed when the program ends.
const std::filesystem::path& scratch_folder();
base::pg::PrivateCluster& cluster();
// A pool on a new, empty database.
std::shared_ptr<base::pg::Pool> new_database(int size = 4);

}  // namespace tests
