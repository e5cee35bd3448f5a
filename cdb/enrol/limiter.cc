#include "cdb/enrol/limiter.h"

#include <algorithm>

namespace cdb::enrol {

bool Limiter::take(Bucket& bucket, const Rate& rate, Clock::time_point now) {
  if (bucket.time != Clock::time_point{}) {
    const double passed = std::max(0.0, std::chrono::duration<double>(now - bucket.time).count());
    bucket.level = std::min(rate.burst, bucket.level + passed * rate.per_second);
  }
  bucket.time = now;
  if (bucket.level < 1) return false;
  bucket.level -= 1;
  return true;
}

bool Limiter::allow(const std::string& key, Clock::time_point now) {
  const std::scoped_lock lock(mutex_);
  if (buckets_.size() >= max_keys_ && !buckets_.contains(key)) {
    // Forget whoever has been quiet long enough to have a full bucket; when that frees nothing, the common bucket alone decides.
    const auto refill = std::chrono::duration<double>(each_.burst / each_.per_second);
    std::erase_if(buckets_, [&](const auto& entry) { return now - entry.second.time > refill; });
    if (buckets_.size() >= max_keys_) return take(total_, all_, now);
  }
  auto& mine = buckets_.try_emplace(key, Bucket{each_.burst, {}}).first->second;
  return take(mine, each_, now) && take(total_, all_, now);
}

}  // namespace cdb::enrol
