// Keeps one lease alive from a thread of its own while a turn works, and remembers when it was lost. Used by the engine only; one
// object for each turn. Loss is final: the turn must make no further effect.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "leaf/workflow/store.h"

namespace leaf::workflow {

class Heartbeat {
 public:
  Heartbeat(RunStore& store, Lease lease, std::chrono::seconds by, std::chrono::milliseconds every);
  ~Heartbeat();
  bool lost() const { return lost_.load(); }

 private:
  RunStore& store_;
  Lease lease_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool end_ = false;
  std::atomic<bool> lost_{false};
  std::thread thread_;
};

}  // namespace leaf::workflow
