// Makes the configuration database say what the claims say: one file sms/<node>.pan for each node that holds claims, none for the
// others. Driven by the outbox rows that claim changes leave; used by the role's publishing thread and by tests; any thread, any
// number.
#pragma once

#include <memory>
#include <string>

#include "base/diag/result.h"
#include "base/pg/pg.h"
#include "leaf/fabric/fabric.h"

namespace leaf::sms {

class Publisher {
 public:
  Publisher(std::shared_ptr<base::pg::Pool> pool, std::shared_ptr<fabric::Fabric> fabric)
      : pool_(std::move(pool)), fabric_(std::move(fabric)) {}
  // Brings one node up to date; false when none was due. An error of the configuration database is kept in the row and tried
  // again later, with growing pauses; the Error returned is for the log.
  base::Result<bool> turn();

 private:
  base::Result<std::int64_t> make_true(const std::string& node);
  std::shared_ptr<base::pg::Pool> pool_;
  std::shared_ptr<fabric::Fabric> fabric_;
};

}  // namespace leaf::sms
