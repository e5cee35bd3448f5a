// statvfs() that cannot hang the caller: a dead NFS server blocks the call in the kernel for ever, and no signal ends it.
// Internal to this room; used by the sampling thread. A call that overruns keeps its own detached thread; that path is not asked
// again until the thread comes back, and at most `stuck_limit` threads may be lost that way.
#pragma once

#include <sys/statvfs.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace monitor::sensor {

class Prober {
 public:
  using Call = std::function<std::optional<struct statvfs>(const std::string& path)>;
  static std::optional<struct statvfs> system_call(const std::string& path);

  explicit Prober(Call call = system_call, int stuck_limit = 8);
  ~Prober();

  enum class State { ok, failed, stuck };
  struct Answer {
    State state = State::failed;
    struct statvfs data {};
  };
  // Waits until `deadline` at most.
  Answer ask(const std::string& path, std::chrono::steady_clock::time_point deadline);
  int stuck() const;

 private:
  struct Shared;
  struct Worker;
  void start_worker();
  std::shared_ptr<Shared> shared_;
  std::shared_ptr<Worker> worker_;
  Call call_;
  int stuck_limit_;
};

}  // namespace monitor::sensor
