// The policy that is in force (cdb/rights), parsed once per number. Owned by Builder, used by its changes and by cdb/http. Any
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "base/diag/result.h"
#include "cdb/rights/policy.h"
#include "cdb/store/store.h"

namespace cdb::build {

class Policies {
 public:
  struct Current {
    std::int64_t number = 0;                       // 0: none was ever set
    std::shared_ptr<const rights::Policy> policy;  // null pointer then
  };
  explicit Policies(std::shared_ptr<store::Store> store) : store_(std::move(store)) {}

  // One query for the number. Errc::corrupt: what is stored is no policy for this program; nobody's rights are known then.
  base::Result<Current> current();

 private:
  std::shared_ptr<store::Store> store_;
  std::mutex mutex_;
  Current cached_;
};

}  // namespace cdb::build
