#include "cdb/publish/wake.h"

#include <algorithm>

namespace cdb::publish {

base::Result<std::unique_ptr<WakeHub>> WakeHub::start(std::shared_ptr<store::Store> store, std::string database_url) {
  std::unique_ptr<WakeHub> hub(new WakeHub(std::move(store)));
  hub->thread_ = std::thread([raw = hub.get()] { raw->run(); });
  hub->listener_ = WEFT_TRY(base::pg::Listener::start(std::move(database_url), {std::string(store::Store::wake_channel)},
                                                      [raw = hub.get()](std::string_view, std::string_view) { raw->hint(); }));
  return hub;
}

WakeHub::~WakeHub() {
  listener_.reset();
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  for (auto& [id, waiter] : waiters_) waiter.callback({});
}

std::optional<store::Desired> WakeHub::desired(const std::string& node) const {
  const std::scoped_lock lock(mutex_);
  if (!loaded_ || dirty_ || reading_) return std::nullopt;
  const auto place = desired_.find(node);
  return place == desired_.end() || !place->second.root ? std::nullopt : std::optional(place->second);
}

void WakeHub::hint() {
  {
    const std::scoped_lock lock(mutex_);
    dirty_ = true;
  }
  changed_.notify_all();
}

std::size_t WakeHub::waiters() const {
  const std::scoped_lock lock(mutex_);
  return waiters_.size();
}

std::optional<WakeHub::Answer> WakeHub::answer_now(const std::string& node, const std::optional<store::Digest>& have) const {
  if (!loaded_) return std::nullopt;
  const auto place = desired_.find(node);
  if (place == desired_.end() || !place->second.root) return Answer{Answer::Kind::gone, {}};
  if (place->second.root == have) return std::nullopt;
  return Answer{Answer::Kind::changed, place->second};
}

void WakeHub::wait(const std::string& node, const std::optional<store::Digest>& have, std::chrono::milliseconds timeout,
                   Callback callback) {
  Ready ready;
  {
    const std::scoped_lock lock(mutex_);
    auto answer = answer_now(node, have);
    // What we know may be behind a commit of a moment ago: "gone" and "changed" are checked by the node's next request anyway,
    // but a node just added must not be told that it does not exist.
    if (answer && answer->kind == Answer::Kind::gone && dirty_) answer.reset();
    if (answer) {
      ready.emplace_back(std::move(callback), std::move(*answer));
    } else {
      auto& mine = by_node_[node];
      if (mine.size() >= max_waiters_per_node) take(mine.front(), {}, ready);
      const auto id = ++next_id_;
      const auto deadline = Clock::now() + timeout;
      waiters_.emplace(id, Waiter{node, have, std::move(callback), deadline});
      by_node_[node].push_back(id);
      deadlines_.emplace(deadline, id);
    }
  }
  changed_.notify_all();
  for (auto& [back, answer] : ready) back(answer);
}

void WakeHub::take(std::uint64_t id, Answer answer, Ready& ready) {
  const auto place = waiters_.find(id);
  auto& waiter = place->second;
  const auto [first, last] = deadlines_.equal_range(waiter.deadline);
  deadlines_.erase(std::find_if(first, last, [&](const auto& entry) { return entry.second == id; }));
  const auto mine = by_node_.find(waiter.node);
  std::erase(mine->second, id);
  if (mine->second.empty()) by_node_.erase(mine);
  ready.emplace_back(std::move(waiter.callback), std::move(answer));
  waiters_.erase(place);
}

void WakeHub::collect(const std::string& node, Ready& ready) {
  const auto mine = by_node_.find(node);
  if (mine == by_node_.end()) return;
  for (const auto id : std::vector(mine->second)) {
    if (auto answer = answer_now(node, waiters_.at(id).have)) take(id, std::move(*answer), ready);
  }
}

void WakeHub::expire(Ready& ready) {
  const auto now = Clock::now();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) take(deadlines_.begin()->second, {}, ready);
}

void WakeHub::read_news(std::unique_lock<std::mutex>& lock) {
  dirty_ = false;
  reading_ = true;
  const auto since = seen_, release = released_;
  lock.unlock();
  auto news = store_->desired_since(since, release);
  lock.lock();
  reading_ = false;
  if (!news) {
    dirty_ = true;
    retry_at_ = Clock::now() + std::chrono::seconds(1);
    return;
  }
  Ready ready;
  const bool first = !loaded_;
  loaded_ = true;
  seen_ = news->revision;
  released_ = news->release;
  for (auto& one : news->nodes) {
    const auto node = one.node;
    desired_[node] = std::move(one);
    if (!first) collect(node, ready);
  }
  if (first || dirty_ || !by_node_.empty()) {
    // Those who came before we knew anything, or for a node that does not exist.
    std::vector<std::string> nodes;
    for (const auto& [node, ids] : by_node_) {
      if (first || !desired_.contains(node)) nodes.push_back(node);
    }
    for (const auto& node : nodes) collect(node, ready);
  }
  lock.unlock();
  for (auto& [back, answer] : ready) back(answer);
  lock.lock();
}

void WakeHub::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    if (dirty_ && Clock::now() >= retry_at_) {
      read_news(lock);
      continue;
    }
    Ready ready;
    expire(ready);
    if (!ready.empty()) {
      lock.unlock();
      for (auto& [back, answer] : ready) back(answer);
      lock.lock();
      continue;
    }
    auto next = Clock::now() + std::chrono::seconds(60);
    if (dirty_) next = std::min(next, retry_at_);
    if (!deadlines_.empty()) next = std::min(next, deadlines_.begin()->first);
    changed_.wait_until(lock, next);
  }
}

}  // namespace cdb::publish
