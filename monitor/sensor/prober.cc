#include "monitor/sensor/prober.h"

#include <pthread.h>

#include <condition_variable>
#include <mutex>
#include <set>

namespace monitor::sensor {

// Outlives the Prober: stuck threads hold it.
struct Prober::Shared {
  std::mutex mutex;
  std::set<std::string> stuck;
};

struct Prober::Worker {
  std::mutex mutex;
  std::condition_variable wake;
  std::string path;
  bool asked = false, answered = false, abandoned = false, quit = false;
  std::optional<struct statvfs> result;
};

std::optional<struct statvfs> Prober::system_call(const std::string& path) {
  struct statvfs out;
  if (statvfs(path.c_str(), &out) != 0) return std::nullopt;
  return out;
}

Prober::Prober(Call call, int stuck_limit)
    : shared_(std::make_shared<Shared>()), call_(std::move(call)), stuck_limit_(stuck_limit) {}

Prober::~Prober() {
  if (!worker_) return;
  std::lock_guard lock(worker_->mutex);
  worker_->quit = true;
  worker_->wake.notify_all();
}

int Prober::stuck() const {
  std::lock_guard lock(shared_->mutex);
  return static_cast<int>(shared_->stuck.size());
}

namespace {

// A thread with a small stack: eight lost ones must not cost eight times the default.
bool start_small_thread(std::function<void()> body) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, 128u << 10);
  auto* argument = new std::function<void()>(std::move(body));
  pthread_t thread;
  int error = pthread_create(
      &thread, &attributes,
      [](void* p) -> void* {
        std::unique_ptr<std::function<void()>> run(static_cast<std::function<void()>*>(p));
        (*run)();
        return nullptr;
      },
      argument);
  pthread_attr_destroy(&attributes);
  if (error != 0) delete argument;
  return error == 0;
}

}  // namespace

void Prober::start_worker() {
  auto worker = std::make_shared<Worker>();
  auto body = [worker, shared = shared_, call = call_] {
    std::unique_lock lock(worker->mutex);
    while (true) {
      worker->wake.wait(lock, [&] { return worker->asked || worker->quit; });
      if (!worker->asked) return;
      worker->asked = false;
      std::string path = worker->path;
      lock.unlock();
      auto result = call(path);
      lock.lock();
      if (worker->abandoned) {
        std::lock_guard inner(shared->mutex);
        shared->stuck.erase(path);
        return;
      }
      worker->result = result;
      worker->answered = true;
      worker->wake.notify_all();
    }
  };
  if (start_small_thread(std::move(body))) worker_ = std::move(worker);
}

Prober::Answer Prober::ask(const std::string& path, std::chrono::steady_clock::time_point deadline) {
  {
    std::lock_guard lock(shared_->mutex);
    if (shared_->stuck.contains(path) || static_cast<int>(shared_->stuck.size()) >= stuck_limit_) return {State::stuck, {}};
  }
  if (!worker_) start_worker();
  if (!worker_) return {};
  std::unique_lock lock(worker_->mutex);
  worker_->path = path;
  worker_->asked = true;
  worker_->answered = false;
  worker_->wake.notify_all();
  if (!worker_->wake.wait_until(lock, deadline, [&] { return worker_->answered; })) {
    worker_->abandoned = true;
    {
      std::lock_guard inner(shared_->mutex);
      shared_->stuck.insert(path);
    }
    lock.unlock();
    worker_.reset();
    return {State::stuck, {}};
  }
  if (!worker_->result) return {};
  return {State::ok, *worker_->result};
}

}  // namespace monitor::sensor
