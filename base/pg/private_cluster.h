// A private PostgreSQL cluster under a state folder: initdb once, Unix socket only, run by an unprivileged user (setpriv when we
// are root), restarted when it dies. Used by weftd and by tests. One owner, its own supervising thread.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/diag/result.h"

namespace base::pg {

class PrivateCluster {
 public:
  // Creates the cluster in `folder` if absent, starts it (or adopts the one that still runs after our own kill -9), waits until
  // it answers, creates database `weft`. Blocks up to 30 s.
  static Result<std::unique_ptr<PrivateCluster>> start(const std::filesystem::path& folder);
  std::string url() const;  // for Pool::open
  int pid() const;          // postmaster, changes when it is restarted
  // Another, empty database beside `weft`; returns its url. For tests: one each.
  Result<std::string> create_database(std::string_view name);
  ~PrivateCluster();  // fast shutdown

  struct Impl;
  explicit PrivateCluster(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace base::pg
