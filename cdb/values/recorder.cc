#include "cdb/values/recorder.h"

#include <fmt/format.h>

#include "cdb/values/collect.h"

namespace cdb::values {

base::Result<int> Recorder::catch_up(std::chrono::milliseconds patience) {
  const std::unique_lock lock(mutex_, patience);
  if (!lock) {
    return base::fail(
        base::Errc::unavailable,
        fmt::format("values are being recorded; they are complete up to revision {}", WEFT_TRY(store_->values_revision())),
        "ask again in a moment; after an import of a whole fabric this takes a while");
  }
  int done = 0;
  while (!stop_) {
    const auto step = WEFT_TRY(store_->next_values());
    if (!step) return done;
    auto changes = collect(step->moves, [&](std::span<const store::Digest> roots) { return store_->profiles(roots); });
    if (!changes)
      return base::fail(std::move(changes.error()).during(fmt::format("recording values of revision {}", step->revision)));
    done += WEFT_TRY(store_->add_values(*step, *changes));
  }
  return done;
}

}  // namespace cdb::values
