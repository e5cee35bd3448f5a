// The threads that drive runs.
#include <fmt/format.h>

#include "leaf/workflow/engine.h"

namespace leaf::workflow {

Runner::Runner(Engine& engine, RunStore& store, std::string name, int threads)
    : engine_(engine), store_(store), name_(std::move(name)) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this, i] { work(i); });
}

void Runner::wake() {
  {
    std::lock_guard lock(mutex_);
    ++wakes_;
  }
  changed_.notify_all();
}

Runner::~Runner() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Runner::work(int number) {
  std::string owner = fmt::format("{}/{}", name_, number);
  int seen = 0;
  for (;;) {
    {
      std::lock_guard lock(mutex_);
      if (stop_) return;
      seen = wakes_;
    }
    // Polling is the truth, notifications only make it quicker.
    if (number == 0) (void)store_.fire_timers();
    auto worked = engine_.turn(owner);
    if (worked && *worked) continue;
    if (!worked && engine_.options().on_error) engine_.options().on_error(0, worked.error());
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::milliseconds(worked ? 500 : 2000), [&] { return stop_ || wakes_ != seen; });
  }
}

}  // namespace leaf::workflow
