// A token bucket per key and one for all keys, with bounded memory. Used by Enrolment. Any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <unordered_map>

namespace cdb::enrol {

class Limiter {
 public:
  using Clock = std::chrono::steady_clock;
  struct Rate {
    double burst;
    double per_second;
  };
  Limiter(Rate each, Rate all, std::size_t max_keys = 10000)
      : each_(each), all_(all), max_keys_(max_keys), total_{all.burst, {}} {}
  // One attempt for `key`; false: too many.
  bool allow(const std::string& key, Clock::time_point now = Clock::now());

 private:
  struct Bucket {
    double level;
    Clock::time_point time;
  };
  static bool take(Bucket& bucket, const Rate& rate, Clock::time_point now);

  Rate each_, all_;
  std::size_t max_keys_;
  std::mutex mutex_;
  Bucket total_;
  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace cdb::enrol
