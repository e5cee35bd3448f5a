#include "monitor/sensor/prober.h"

#include <doctest/doctest.h>

#include <condition_variable>
#include <mutex>
#include <thread>

using monitor::sensor::Prober;

namespace {

// A call that hangs for paths below /hung until it is released.
struct Gate {
  std::mutex mutex;
  std::condition_variable wake;
  bool open = false;
  int passed = 0;
  Prober::Call call() {
    return [this](const std::string& path) -> std::optional<struct statvfs> {
      if (path.starts_with("/hung")) {
        std::unique_lock lock(mutex);
        wake.wait(lock, [&] { return open; });
        ++passed;
        wake.notify_all();
      }
      if (path == "/error") return std::nullopt;
      struct statvfs out {};
      out.f_blocks = 7;
      return out;
    };
  }
};

auto soon() {
  return std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
}
auto later() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(20);
}

}  // namespace

TEST_CASE("prober: answers, errors, real system call") {
  Gate gate;
  Prober prober(gate.call());
  auto answer = prober.ask("/fine", later());
  CHECK(answer.state == Prober::State::ok);
  CHECK(answer.data.f_blocks == 7);
  CHECK(prober.ask("/error", later()).state == Prober::State::failed);
  Prober real;
  CHECK(real.ask("/", later()).state == Prober::State::ok);
  CHECK(real.ask("/no/such/place", later()).state == Prober::State::failed);
}

TEST_CASE("prober: a hung path costs one deadline, others go on, and it is asked again once it is back") {
  Gate gate;
  Prober prober(gate.call());
  CHECK(prober.ask("/hung", soon()).state == Prober::State::stuck);
  CHECK(prober.stuck() == 1);
  CHECK(prober.ask("/fine", later()).state == Prober::State::ok);
  CHECK(prober.ask("/hung", later()).state == Prober::State::stuck);  // at once: it is known
  {
    std::unique_lock lock(gate.mutex);
    gate.open = true;
    gate.wake.notify_all();
    gate.wake.wait(lock, [&] { return gate.passed == 1; });
  }
  while (prober.stuck() != 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  CHECK(prober.ask("/hung", later()).state == Prober::State::ok);
}

TEST_CASE("prober: lost threads are bounded") {
  Gate gate;
  {
    Prober prober(gate.call(), 2);
    CHECK(prober.ask("/hung/1", soon()).state == Prober::State::stuck);
    CHECK(prober.ask("/hung/2", soon()).state == Prober::State::stuck);
    CHECK(prober.ask("/fine", later()).state == Prober::State::stuck);  // no thread left to risk
    CHECK(prober.stuck() == 2);
  }
  std::unique_lock lock(gate.mutex);
  gate.open = true;
  gate.wake.notify_all();
  gate.wake.wait(lock, [&] { return gate.passed == 2; });
}
