// Carries roll-outs on: looks at the open ones every few seconds and when it is hinted, releases waves, halts or reverts. Made
// once by role cdb; a thread of its own. Any number of servers may run one over one database: every step is one transaction that
// holds the roll-out's row. Failures are logged by the `log` function and tried again; nothing is kept in memory between looks.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/diag/result.h"
#include "cdb/rollout/decide.h"
#include "cdb/store/store.h"

namespace cdb::rollout {

class Engine {
 public:
  struct Hooks {
    // The exact inverse of a revision, committed at once; the new revision. Errc::conflict: templates moved since.
    std::function<base::Result<std::int64_t>(std::int64_t revision, const std::string& message, const store::Actor& actor)>
        revert;
    // Alarms that began after `since` on these nodes, by node. Not set: none are known.
    std::function<base::Result<std::map<std::string, std::string>>(std::span<const std::string> nodes, Time since)> alarms;
    std::function<void(const std::string& message)> log;
    std::function<Time()> now = [] { return std::chrono::system_clock::now(); };
  };

  Engine(std::shared_ptr<store::Store> store, Hooks hooks) : store_(std::move(store)), hooks_(std::move(hooks)) {}
  ~Engine();
  Engine(const Engine&) = delete;

  void start(std::chrono::milliseconds every = std::chrono::seconds(2));
  // A node reported, somebody pressed a button: look soon.
  void hint();
  // One look at all open roll-outs, as the thread does it. For tests, and callable any time.
  base::Result<> look();

  static const store::Actor& actor();  // who acts in the audit

 private:
  void run(std::chrono::milliseconds every);
  base::Result<> look_at(const store::Rollout& rollout, bool stopped);
  base::Result<> revert(const store::Rollout& rollout);
  base::Result<> add_alarms(const store::Rollout& rollout, std::vector<store::RolloutNode>& nodes) const;

  std::shared_ptr<store::Store> store_;
  Hooks hooks_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false, hinted_ = false;
  std::thread thread_;
};

}  // namespace cdb::rollout
