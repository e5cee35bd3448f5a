// Real disk servers for tests: one nginx for each node on 127.77.x.x with the configuration of leaf/storage/README.md and
// certificates of a CA of its own. Started and stopped by pid. The README's text is what is tested.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/crypto/crypto.h"
#include "base/http/client.h"
#include "base/process/process.h"
#include "leaf/fabric/fabric.h"
#include "leaf/storage/inventory.h"

namespace tests::leaf {

class DavPool {
 public:
  // `names` become nodes in racks r1, r2, ...; all in production. `folder` must be reachable for www-data.
  DavPool(std::filesystem::path folder, const std::vector<std::string>& names);
  ~DavPool();
  std::vector<::leaf::fabric::Node> nodes;
  ::leaf::fabric::Node& at(const std::string& name);
  base::http::ClientOptions tls(const std::string& kind = "service") const;  // certificate of that kind
  std::filesystem::path data(const std::string& node, const std::string& fs) const;
  void stop(const std::string& node);
  void start(const std::string& node);
  // What the disks hold, read directly, not through any code under test: object name -> contents of its copies, by node.
  std::map<std::string, std::map<std::string, std::string>> copies() const;
  std::vector<std::string> temporaries() const;

 private:
  void write_identity(const std::filesystem::path& folder, const std::string& kind, const std::string& name,
                      const std::string& ip);
  std::filesystem::path folder_;
  base::crypto::Authority authority_;
  std::map<std::string, base::process::Child> servers_;
};

// Directory identities in memory, or in a file so that several processes share them.
class FileIdentities : public ::leaf::storage::Identities {
 public:
  explicit FileIdentities(std::filesystem::path folder) : folder_(std::move(folder)) {}
  base::Result<std::optional<std::string>> known(std::string_view node, std::string_view fs) override;
  base::Result<> record(std::string_view node, std::string_view fs, std::string_view identity) override;

 private:
  std::filesystem::path folder_;
};

}  // namespace tests::leaf
