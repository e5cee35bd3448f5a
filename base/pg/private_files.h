// Inside base/pg only: the files of a private cluster (initdb, settings, who may connect) and the processes that belong to it.
// Pure functions on the folder; used by private_cluster.cc from one thread at a time.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/diag/result.h"

namespace base::pg {

struct ClusterUser {
  std::string name;  // account that runs PostgreSQL
  uid_t uid = 0;
  gid_t gid = 0;
  bool drop = false;  // we are root: setpriv to that account
};

// postgres when we are root, ourselves otherwise. Errc::not_found without a passwd entry (initdb insists on one).
Result<ClusterUser> cluster_user();
// The newest /usr/lib/postgresql/*/bin that has initdb; for an existing cluster the one of its own major version.
Result<std::filesystem::path> binaries(const std::filesystem::path& data);
// argv that runs `program` as the cluster's user.
std::vector<std::string> as_user(const ClusterUser& user, std::vector<std::string> argv);
// initdb into a temporary folder, then rename: a kill leaves nothing half-made behind.
Result<> create_cluster(const std::filesystem::path& folder, const std::filesystem::path& bin, const ClusterUser& user);
// postgresql.conf, pg_hba.conf, pg_ident.conf, written at every start.
Result<> write_settings(const std::filesystem::path& folder, const ClusterUser& user);

// The postmaster named by postmaster.pid when it is alive and really works on `data`.
std::optional<pid_t> running_postmaster(const std::filesystem::path& data);
// All postgres processes that work on `data` (their working folder), the postmaster too.
std::vector<pid_t> cluster_processes(const std::filesystem::path& data);

}  // namespace base::pg
