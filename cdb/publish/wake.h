// Nodes that wait until their desired root is another one (long poll). Made once by role cdb. wait() is for any thread and
// returns at once; answers are given from the hub's thread or from within wait(). A lost database connection delays answers,
// loses none: after it is back the hub reads what it missed.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/diag/result.h"
#include "base/pg/pg.h"
#include "cdb/store/store.h"

namespace cdb::publish {

class WakeHub {
 public:
  static constexpr std::size_t max_waiters_per_node = 4;  // the oldest is answered with "no news" when one more comes

  struct Answer {
    enum class Kind { changed, no_news, gone } kind = Kind::no_news;  // gone: the node is not in the configuration
    store::Desired desired;                                           // for changed
  };
  using Callback = std::function<void(const Answer&)>;

  static base::Result<std::unique_ptr<WakeHub>> start(std::shared_ptr<store::Store> store, std::string database_url);
  ~WakeHub();  // answers everybody with no_news
  WakeHub(const WakeHub&) = delete;

  void wait(const std::string& node, const std::optional<store::Digest>& have, std::chrono::milliseconds timeout,
            Callback callback);
  // What the node is given, when nothing newer is known to be on the way; none: ask the store. After a commit on this server and
  // hint() it is never older than that commit.
  std::optional<store::Desired> desired(const std::string& node) const;
  // Something may have changed: look.
  void hint();
  std::size_t waiters() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Waiter {
    std::string node;
    std::optional<store::Digest> have;
    Callback callback;
    Clock::time_point deadline;
  };
  using Ready = std::vector<std::pair<Callback, Answer>>;

  explicit WakeHub(std::shared_ptr<store::Store> store) : store_(std::move(store)) {}
  void run();
  void read_news(std::unique_lock<std::mutex>& lock);
  void collect(const std::string& node, Ready& ready);
  void expire(Ready& ready);
  void take(std::uint64_t id, Answer answer, Ready& ready);
  std::optional<Answer> answer_now(const std::string& node, const std::optional<store::Digest>& have) const;

  std::shared_ptr<store::Store> store_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false, dirty_ = true, loaded_ = false, reading_ = false;
  Clock::time_point retry_at_{};
  std::int64_t seen_ = 0, released_ = 0;  // news of revisions and of roll-outs
  std::unordered_map<std::string, store::Desired> desired_;
  std::uint64_t next_id_ = 0;
  std::map<std::uint64_t, Waiter> waiters_;  // by age
  std::unordered_map<std::string, std::vector<std::uint64_t>> by_node_;
  std::multimap<Clock::time_point, std::uint64_t> deadlines_;
  std::thread thread_;
  std::unique_ptr<base::pg::Listener> listener_;
};

}  // namespace cdb::publish
