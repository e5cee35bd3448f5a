// parallel_for: the same work over many items on all CPUs. Used by Builder. The calling thread takes part and returns when all is
// done.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace cdb::build {

// `work(i)` must not throw and must touch only item i.
template <class Work>
void parallel_for(std::size_t count, const Work& work) {
  std::atomic<std::size_t> next{0};
  const auto run = [&] {
    for (auto i = next++; i < count; i = next++) work(i);
  };
  // Starting a thread costs more than a few profiles.
  const auto helpers = count < 4 ? 0 : std::min<std::size_t>(std::max(1u, std::thread::hardware_concurrency()) - 1, count / 2);
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < helpers; ++i) threads.emplace_back(run);
  run();
}

}  // namespace cdb::build
