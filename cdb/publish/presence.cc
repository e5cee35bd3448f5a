#include "cdb/publish/presence.h"

#include <utility>

namespace cdb::publish {

void Presence::note(const std::string& node) {
  const auto now = std::chrono::system_clock::now();
  const std::scoped_lock lock(mutex_);
  batch_[node] = now;
}

base::Result<> Presence::write() {
  Batch batch;
  {
    const std::scoped_lock lock(mutex_);
    batch.swap(batch_);
  }
  auto written = store_->add_seen(batch);
  if (!written) {
    const std::scoped_lock lock(mutex_);
    batch_.merge(batch);  // newer entries stay
  }
  return written;
}

}  // namespace cdb::publish
