// Takes the files of one node to others without ever having fewer good copies than the pool wants. Used by dirpool (drain, put).
// Belongs to one thread. All its knowledge is what it reads from the servers, so it may die at any instant and a new one goes on.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "leaf/storage/driver.h"
#include "leaf/storage/inventory.h"

namespace leaf::storage {

struct MoverOptions {
  std::chrono::milliseconds slice{15000};       // how long drain() works before it reports
  std::int64_t bytes_per_second = 200ll << 20;  // over the slice; 0: no limit
  std::chrono::seconds stale_upload{3600};      // temporary files older than this belong to nobody
};

class Mover {
 public:
  Mover(Identities& identities, MoverOptions options) : identities_(identities), options_(options) {}
  virtual ~Mover() = default;
  // Works on the node's files for one slice. `inventory` is fresh. done only when every directory of the node is listed empty.
  base::Result<DrainStatus> drain(Inventory& inventory, const DrainRequest& request);
  // One verified copy of `content` on a target chosen so that no copy in `taken` shares its failure domain. Returns where it is.
  base::Result<Replica> place(Inventory& inventory, const std::string& name, const std::string& content,
                              const std::string& sha256, const std::set<std::string>& taken, std::string_view avoid_domain,
                              const DrainRequest& request);
  // Removes our own temporary files of earlier workers, and any that are stale.
  base::Result<> clean(Inventory& inventory, const DrainRequest& request);

 protected:
  // Reads an upload back. Virtual so that a test can show what happens without it.
  virtual base::Result<> verify_upload(PoolServer& server, const std::string& fs, const std::string& temporary,
                                       const std::string& sha256);

 private:
  struct Target {
    std::size_t member;
    std::string fs;
  };
  base::Result<Target> choose(const Inventory& inventory, const std::string& name, std::int64_t size,
                              const std::set<std::string>& taken, std::string_view avoid_domain, std::string_view avoid_node,
                              const std::set<std::string>& failed) const;
  base::Result<Replica> upload(Inventory& inventory, const Target& target, const std::string& name, const std::string& content,
                               const std::string& sha256, const DrainRequest& request);
  // Gets `name` off the node; the source copy goes last.
  base::Result<> move_file(Inventory& inventory, std::size_t source, const std::string& name, const DrainRequest& request);
  base::Result<std::string> true_sum(Inventory& inventory, const std::string& name, const std::vector<Replica>& replicas);
  base::Result<> pace(std::int64_t bytes, const DrainRequest& request);

  Identities& identities_;
  MoverOptions options_;
  std::int64_t paced_bytes_ = 0;
  std::chrono::steady_clock::time_point started_{};
};

}  // namespace leaf::storage
