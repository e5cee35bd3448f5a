#include "leaf/workflow/heartbeat.h"

namespace leaf::workflow {

Heartbeat::Heartbeat(RunStore& store, Lease lease, std::chrono::seconds by, std::chrono::milliseconds every)
    : store_(store), lease_(std::move(lease)) {
  thread_ = std::thread([this, by, every] {
    auto alive_until = std::chrono::steady_clock::now() + by;
    std::unique_lock lock(mutex_);
    while (!ended_.wait_for(lock, every, [this] { return end_; })) {
      lock.unlock();
      auto asked = std::chrono::steady_clock::now();
      auto extended = store_.extend(lease_, by);
      if (extended) {
        alive_until = asked + by;
      } else if (extended.error().code == base::Errc::conflict || std::chrono::steady_clock::now() >= alive_until) {
        // A database that does not answer keeps nobody else from the run once the lease is over.
        lost_ = true;
        return;
      }
      lock.lock();
    }
  });
}

Heartbeat::~Heartbeat() {
  {
    std::lock_guard lock(mutex_);
    end_ = true;
  }
  ended_.notify_all();
  thread_.join();
}

}  // namespace leaf::workflow
