// One disk server of a dirpool, spoken to over WebDAV and mTLS (README.md has the server's side). Used by the inventory and the
// mover. A PoolServer belongs to one thread at a time. Whatever the server does not say plainly is an Error.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "base/http/client.h"
#include "leaf/fabric/fabric.h"

namespace leaf::storage {

// /software/components/storage of a node.
struct PoolConfig {
  std::string pool;
  int replicas = 2;
  int port = 9443;
  std::string failure_domain = "rack";              // rack, power_feed or node
  std::map<std::string, std::int64_t> filesystems;  // name -> bytes it may hold
  static base::Result<PoolConfig> of(const fabric::Node& node);
  // The failure domain of a node; Errc::invalid when its place is not known.
  static base::Result<std::string> domain(const PoolConfig& config, const fabric::Node& node);
};

// "[A-Za-z0-9][A-Za-z0-9._-]{0,199}", and not the name that marks an initialised folder.
base::Result<> valid_name(std::string_view name);
inline constexpr std::string_view keep_name = "weft-keep";
inline constexpr std::size_t object_limit = 256u << 20;

struct Entry {
  std::string name;
  std::int64_t size = 0;
  std::string mtime;  // as the server says it
};

class PoolServer {
 public:
  // `tls` holds CA, certificate and key of service/weftd; its base_url is not used.
  PoolServer(fabric::Node node, PoolConfig config, base::http::ClientOptions tls);
  const fabric::Node& node() const { return node_; }
  const PoolConfig& config() const { return config_; }

  base::Result<std::optional<std::string>> identity(std::string_view fs);  // absent: no identity file
  // Entries of obj, sum or tmp without the keep mark. Errc::not_found: the folder does not exist; Errc::corrupt: not a listing.
  base::Result<std::vector<Entry>> list(std::string_view fs, std::string_view folder);
  base::Result<std::string> get(std::string_view fs, std::string_view folder, std::string_view name);
  base::Result<> put_temporary(std::string_view fs, std::string_view temporary, std::string_view content);
  // From tmp into place; Errc::conflict when the place is taken.
  base::Result<> move(std::string_view fs, std::string_view temporary, std::string_view folder, std::string_view name);
  base::Result<> remove(std::string_view fs, std::string_view folder, std::string_view name);  // absent is success
  // Writes identity and folders of an empty directory; returns the identity. Repeatable.
  base::Result<std::string> initialise(std::string_view fs, std::string_view identity_text);

 private:
  base::Result<base::http::ClientResponse> send(base::http::ClientRequest request);
  fabric::Node node_;
  PoolConfig config_;
  base::http::Client client_;
};

// "<sha256>  <name>\n", the form of sha256sum.
std::string sum_text(std::string_view sha256, std::string_view name);
base::Result<std::string> parse_sum(std::string_view text, std::string_view name);

}  // namespace leaf::storage
