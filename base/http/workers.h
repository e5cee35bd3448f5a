// Inside base/http only: the threads that run handlers, with a bounded queue in front. Owned by a Server; submit() from any
// thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace base::http {

class Workers {
 public:
  Workers(int threads, std::size_t queue_limit);
  ~Workers();  // finishes what is queued
  // False when the queue is full or we are stopping: the caller answers 503.
  bool submit(std::function<void()> job);
  // Refuses new jobs; true when all accepted ones are done before `limit`.
  bool drain(std::chrono::milliseconds limit);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable ready_, idle_;
  std::deque<std::function<void()>> queue_;
  std::size_t queue_limit_;
  int running_ = 0;
  bool stopping_ = false;
  bool draining_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace base::http
