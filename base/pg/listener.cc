#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/pg/connection.h"

namespace base::pg {
namespace {

constexpr int heartbeat_ms = 30'000;  // a peer that vanished without a FIN is noticed by the next query only

class Receiver : public pqxx::notification_receiver {
 public:
  Receiver(pqxx::connection_base& connection, const std::string& channel, const Listener::Callback& callback)
      : pqxx::notification_receiver(connection, channel), callback_(callback) {}
  void operator()(const std::string& payload, int) override { callback_(channel(), payload); }

 private:
  const Listener::Callback& callback_;
};

}  // namespace

struct Listener::Impl {
  std::string url;
  std::vector<std::string> channels;
  Callback callback;
  int wake = -1;
  std::mutex mutex;
  std::condition_variable attempted;
  bool first_attempt_done = false;
  std::jthread thread;

  ~Impl() {
    thread.request_stop();
    const std::uint64_t one = 1;
    if (wake >= 0) (void)!::write(wake, &one, sizeof one);
    if (thread.joinable()) thread.join();
    if (wake >= 0) ::close(wake);
  }

  void first_attempt() {
    {
      const std::lock_guard lock(mutex);
      first_attempt_done = true;
    }
    attempted.notify_all();
  }

  // Callbacks are foreign code: what they throw must not end the thread that everybody's wake-ups depend on.
  void call(std::string_view channel, std::string_view payload) const {
    try {
      callback(channel, payload);
    } catch (...) {
    }
  }

  // Listens until the connection breaks or we are stopped; false when it could not even connect.
  bool listen(const std::stop_token& stop) {
    auto connection = Connection::connect(url);
    if (!connection) return false;
    auto& raw = (*connection)->raw();
    const Callback guarded = [this](std::string_view channel, std::string_view payload) { call(channel, payload); };
    std::vector<std::unique_ptr<Receiver>> receivers;
    try {
      for (const auto& channel : channels) receivers.push_back(std::make_unique<Receiver>(raw, channel, guarded));
      first_attempt();
      call("", "");
      while (!stop.stop_requested()) {
        pollfd fds[2] = {{raw.sock(), POLLIN, 0}, {wake, POLLIN, 0}};
        const int ready = ::poll(fds, 2, heartbeat_ms);
        if (ready == 0 && !(*connection)->script("SELECT 1")) return true;
        raw.get_notifs();  // throws when the connection is gone
        if (!raw.is_open()) return true;
      }
    } catch (const std::exception&) {
    }
    return true;
  }

  void run(const std::stop_token& stop) {
    int wait_ms = 100;
    while (!stop.stop_requested()) {
      const bool connected = listen(stop);
      first_attempt();
      if (connected) wait_ms = 100;
      pollfd fd{wake, POLLIN, 0};
      if (!stop.stop_requested()) ::poll(&fd, 1, wait_ms);
      wait_ms = std::min(wait_ms * 2, 5000);
    }
  }
};

Listener::Listener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listener::~Listener() = default;

Result<std::unique_ptr<Listener>> Listener::start(std::string url, std::vector<std::string> channels, Callback callback) {
  if (channels.empty()) return fail(Errc::invalid, "a listener without channels would never hear anything");
  for (const auto& channel : channels) {
    if (channel.empty() || channel.size() > 63) return fail(Errc::invalid, "bad notification channel \"" + channel + "\"");
  }
  auto impl = std::make_unique<Impl>();
  impl->url = std::move(url);
  impl->channels = std::move(channels);
  impl->callback = std::move(callback);
  impl->wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (impl->wake < 0) return fail(Errc::exhausted, "cannot create an eventfd for the database listener");
  auto* self = impl.get();
  impl->thread = std::jthread([self](const std::stop_token& stop) { self->run(stop); });
  {
    std::unique_lock lock(self->mutex);
    self->attempted.wait_for(lock, std::chrono::seconds(6), [&] { return self->first_attempt_done; });
  }
  return std::make_unique<Listener>(std::move(impl));
}

}  // namespace base::pg
