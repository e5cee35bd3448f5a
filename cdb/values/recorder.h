// Keeps the tables of values up with the revisions. Made once by role cdb; catch_up() is for any thread, one works at a time and
// the others wait. Several servers on one database take turns by a row lock; whoever comes second finds it done.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>

#include "base/diag/result.h"
#include "cdb/store/store.h"

namespace cdb::values {

class Recorder {
 public:
  explicit Recorder(std::shared_ptr<store::Store> store) : store_(std::move(store)) {}

  // Records all revisions up to now; two queries when there is nothing to do. Returns the revisions recorded by this call.
  // Errc::unavailable when somebody else still works after `patience`: the message says how far values are.
  base::Result<int> catch_up(std::chrono::milliseconds patience = std::chrono::seconds(20));
  // The server ends: catch_up() returns after the revision at hand.
  void stop() { stop_ = true; }

 private:
  std::shared_ptr<store::Store> store_;
  std::timed_mutex mutex_;
  std::atomic<bool> stop_{false};
};

}  // namespace cdb::values
