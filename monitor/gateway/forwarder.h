// Hands bodies on to the Prometheus-compatible store. A body is answered only when the store has it: nothing is kept here, so
// nothing is lost when weftd dies; nodes keep what was not answered. Bodies that wait together travel as one request (protobuf
// messages concatenate). Own threads; offer() from any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/http/client.h"
#include "monitor/wire/remote_write.h"

namespace monitor::gateway {

struct ForwarderOptions {
  std::string url;                  // of the store's receiver, http://127.0.0.1:9090/api/v1/write
  int senders = 2;                  // requests under way
  std::size_t merge = 2u << 20;     // protobuf bytes in one request to the store
  std::size_t queue = 64u << 20;    // protobuf bytes that may wait; beyond, nodes are told to come back
  std::size_t split_requests = 64;  // the most a refused body is taken apart into
};

struct Forwarded {
  enum class State { stored, refused, away };
  State state = State::away;
  std::size_t refused_samples = 0;  // the rest of the body is stored
  std::string reason;               // of `refused` and `away`, in the store's words
};

class Forwarder {
 public:
  using Done = std::function<void(const Forwarded&)>;
  explicit Forwarder(ForwarderOptions options);
  ~Forwarder();  // answers what waits with `away`

  // False when the queue is full: then `done` is not called.
  bool offer(wire::Request request, Done done);

 private:
  struct Item {
    wire::Request request;
    Done done;
  };
  void run();
  Forwarded send(base::http::Client& client, std::string_view raw);
  Forwarded send_split(base::http::Client& client, const wire::Request& request, const std::string& reason);

  ForwarderOptions options_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Item> queue_;
  std::size_t queued_ = 0;
  bool stop_ = false;
  std::atomic<bool> cancel_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace monitor::gateway
