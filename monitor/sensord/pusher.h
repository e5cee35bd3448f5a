// Sends what waits: events (POST /v1/alarm) and spooled batches (remote_write), oldest first, from a thread of its own, so
// sampling never waits for the network. A batch leaves the spool only when the server has it, or when the server says it will
// never take it. Oldest first because a store without an out-of-order window refuses what is older than what it has.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/http/client.h"
#include "monitor/rule/engine.h"
#include "monitor/sensord/spool.h"

namespace monitor::sensord {

struct PushTarget {
  std::string write_url;              // https://server/api/v1/write
  std::string server;                 // https://server, for /v1/alarm; may differ when samples go straight to a store
  base::http::ClientOptions options;  // identity; base_url is set from the two above
};

class Pusher {
 public:
  Pusher(Spool& spool, PushTarget target);
  ~Pusher();  // stops within about a second, whatever the server does

  void set_target(PushTarget target);
  void wake();  // there is a new batch
  // The events that wait now; replaces what was given before.
  void set_events(std::string epoch, std::vector<rule::Event> events);
  std::int64_t acknowledged() const { return acknowledged_.load(); }

  struct Figures {
    std::uint64_t sent_samples = 0, refused_samples = 0, errors = 0, refused_events = 0;
    std::int64_t last_success_ms = 0;
  };
  Figures figures() const;
  // What a person should know, for the log: the first failure of a row, the recovery, refused batches.
  std::vector<std::string> notices();

 private:
  enum class Outcome { idle, sent, later };
  void run();
  void send_events(base::http::Client& client);
  Outcome send_batch(base::http::Client& client, const std::string& path);
  Outcome failed(std::string why, std::chrono::seconds at_least = {});
  void note(std::string text);

  Spool& spool_;
  std::atomic<bool> stop_ = false;
  std::atomic<std::int64_t> acknowledged_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  PushTarget target_;
  bool target_changed_ = true, woken_ = false;
  std::string epoch_;
  std::vector<rule::Event> events_;
  Figures figures_;
  std::deque<std::string> notices_;
  bool failing_ = false, events_failing_ = false;
  std::chrono::steady_clock::time_point events_retry_{};  // events wait on their own: samples go on when /v1/alarm is away
  int failures_ = 0, events_failures_ = 0;
  std::chrono::milliseconds pause_{0};
  std::thread thread_;
};

// "https://host:1/a/b" to ("https://host:1", "/a/b").
std::pair<std::string, std::string> split_url(const std::string& url);

}  // namespace monitor::sensord
