// When nodes were last heard of. note() costs a map entry; role cdb writes the batch every few seconds, so a crash loses seconds
// of hints and nothing else. Any thread.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/diag/result.h"
#include "cdb/store/store.h"

namespace cdb::publish {

class Presence {
 public:
  explicit Presence(std::shared_ptr<store::Store> store) : store_(std::move(store)) {}
  // `node` is proven by its certificate, so strangers cannot grow the map.
  void note(const std::string& node);
  // On failure the batch is kept for the next time.
  base::Result<> write();

 private:
  using Batch = std::map<std::string, std::chrono::system_clock::time_point>;
  std::shared_ptr<store::Store> store_;
  std::mutex mutex_;
  Batch batch_;
};

}  // namespace cdb::publish
