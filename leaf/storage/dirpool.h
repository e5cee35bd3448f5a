// The storage driver for pools of plain directories, and the operations of `weft storage`. Shared by all threads: each call reads
// the fabric and the pool anew and keeps nothing.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "base/http/client.h"
#include "base/pg/pg.h"
#include "leaf/fabric/fabric.h"
#include "leaf/storage/driver.h"
#include "leaf/storage/inventory.h"
#include "leaf/storage/mover.h"

namespace leaf::storage {

class PgIdentities : public Identities {
 public:
  explicit PgIdentities(std::shared_ptr<base::pg::Pool> pool) : pool_(std::move(pool)) {}
  base::Result<std::optional<std::string>> known(std::string_view node, std::string_view fs) override;
  base::Result<> record(std::string_view node, std::string_view fs, std::string_view identity) override;
  base::Result<> forget(std::string_view node, std::string_view fs);  // a disk was replaced on purpose

 private:
  std::shared_ptr<base::pg::Pool> pool_;
};

class Dirpool : public Driver {
 public:
  Dirpool(std::shared_ptr<fabric::Fabric> fabric, std::shared_ptr<Identities> identities, base::http::ClientOptions tls,
          MoverOptions options)
      : fabric_(std::move(fabric)), identities_(std::move(identities)), tls_(std::move(tls)), options_(options) {}

  base::Result<Answer> estimate(const fabric::Node& node) override;
  base::Result<> drain_start(const DrainRequest& request) override;
  base::Result<DrainStatus> drain_status(const DrainRequest& request) override;
  base::Result<> drain_cancel(const DrainRequest& request) override;
  base::Result<Answer> ok_to_stop(const fabric::Node& node) override;
  base::Result<Answer> safe_to_destroy(const fabric::Node& node) override;
  base::Result<Answer> verify(const fabric::Node& node) override;
  base::Result<std::string> return_start(const fabric::Node& node) override;

  // Pools that the fabric's nodes name.
  base::Result<std::vector<std::string>> pools();
  // Writes a new file with all its copies, or completes one with the same content; Errc::conflict when another file has the name.
  base::Result<base::profile::Value> put(std::string_view pool, const std::string& name, const std::string& content);
  base::Result<std::string> get(std::string_view pool, const std::string& name);
  base::Result<base::profile::Value> list(std::string_view pool);
  // Reads every copy of every file: {files, copies, problems: [{name, problem, copies}], unreachable, complete}.
  base::Result<base::profile::Value> check(std::string_view pool);

 private:
  base::Result<Inventory> inventory(std::string_view pool, std::string_view needed, bool strict);
  std::shared_ptr<fabric::Fabric> fabric_;
  std::shared_ptr<Identities> identities_;
  base::http::ClientOptions tls_;
  MoverOptions options_;
};

}  // namespace leaf::storage
