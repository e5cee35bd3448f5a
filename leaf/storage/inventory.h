// What lies where in a pool, read whole at one time. Used by the mover, the checker and put/get. Belongs to one thread. read()
// fails when a member that should serve does not answer: its copies are unknown, and unknown is neither present nor absent.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/diag/result.h"
#include "base/http/client.h"
#include "leaf/fabric/fabric.h"
#include "leaf/storage/pool.h"

namespace leaf::storage {

// Which identity each data directory had when first seen; the database in weftd, memory in tests.
class Identities {
 public:
  virtual ~Identities() = default;
  virtual base::Result<std::optional<std::string>> known(std::string_view node, std::string_view fs) = 0;
  virtual base::Result<> record(std::string_view node, std::string_view fs, std::string_view identity) = 0;
};

struct Member {
  std::unique_ptr<PoolServer> server;
  std::string domain;
  bool serving = false;   // state production: its copies count, it may receive more
  bool installed = true;  // false: never heard of and nothing on record, so it holds nothing and may get nothing
  bool reachable = false;
  std::string trouble;                       // why it is not reachable
  std::map<std::string, std::int64_t> used;  // bytes by file system
  std::vector<std::string> fresh;            // file systems that were never initialised
};

// A copy of a file; whole when both the object and its checksum file are there.
struct Replica {
  std::size_t member = 0;
  std::string fs;
  std::int64_t size = 0;
  bool object = false, sum = false;
};

class Inventory {
 public:
  // Members are the nodes whose storage names driver dirpool and this pool. `needed` must be reachable whatever its state.
  static base::Result<Inventory> read(const std::vector<fabric::Node>& nodes, std::string_view pool, std::string_view needed,
                                      bool strict, Identities& identities, const base::http::ClientOptions& tls);
  std::vector<Member> members;
  std::map<std::string, std::vector<Replica>> files;  // by name

  // Index of a member by node name, or -1.
  int find(std::string_view node) const;
  // The checksum that a copy claims; Errc::not_found when it has none.
  base::Result<std::string> sum(const Replica& replica, const std::string& name);
  // Reads the copy and compares: its SHA-256 must be `sha256`. Errc::corrupt otherwise.
  base::Result<std::string> read_verified(const Replica& replica, const std::string& name, std::string_view sha256);

 private:
  std::map<std::pair<std::size_t, std::string>, std::string> sums_;
};

}  // namespace leaf::storage
