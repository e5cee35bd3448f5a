// Keeps hostile work from running for ever where counting steps is not enough (one step may walk a gigabyte): work of cdb/pan
// that grows with its data calls TimeGuard::tick() or check(), which throw TimeExhausted when the thread has used up the
// processor time given by its TimeGuard. Processor time, so that a busy machine changes no result. One at a time counts; a guard
// inside another (an object built while another one waits for it) does not cost the outer one anything. Without one nothing is
// checked.
#pragma once

#include <time.h>

#include <cstdint>

namespace cdb::pan {

struct TimeExhausted {};

class TimeGuard {
 public:
  // `seconds` 0: any time.
  explicit TimeGuard(int seconds) : outer_(deadline_), begin_(now(CLOCK_THREAD_CPUTIME_ID)) {
    deadline_ = seconds > 0 ? begin_ + std::int64_t{seconds} * 1'000'000'000 : 0;
    look_again_ = 0;
  }
  ~TimeGuard() {
    deadline_ = outer_ == 0 ? 0 : outer_ + (now(CLOCK_THREAD_CPUTIME_ID) - begin_);
    look_again_ = 0;
  }
  TimeGuard(const TimeGuard&) = delete;

  // For each element of something large.
  static void tick() {
    if ((++ticks_ & 255) == 0) check();
  }
  // For what is slow itself. The exact clock costs a system call and is asked ten times a second.
  static void check() {
    if (ticks_ >= last_tick_) throw TimeExhausted{};
    if (deadline_ == 0) return;
    const std::int64_t coarse = now(CLOCK_MONOTONIC_COARSE);
    if (coarse < look_again_) return;
    look_again_ = coarse + 100'000'000;
    if (now(CLOCK_THREAD_CPUTIME_ID) > deadline_) throw TimeExhausted{};
  }

 private:
  static std::int64_t now(clockid_t clock) {
    timespec t{};
    clock_gettime(clock, &t);
    return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
  }

  const std::int64_t outer_;
  const std::int64_t begin_;
  static inline thread_local std::int64_t deadline_ = 0;
  static inline thread_local std::int64_t look_again_ = 0;
  friend class TickLimit;
  static inline thread_local std::uint64_t ticks_ = 0;
  static inline thread_local std::uint64_t last_tick_ = UINT64_MAX;
};

// A limit on ticks alone, without any clock: for work that can as well be left for later.
class TickLimit {
 public:
  explicit TickLimit(std::uint64_t most) : outer_(TimeGuard::last_tick_) { TimeGuard::last_tick_ = TimeGuard::ticks_ + most; }
  ~TickLimit() { TimeGuard::last_tick_ = outer_; }
  TickLimit(const TickLimit&) = delete;

 private:
  const std::uint64_t outer_;
};

}  // namespace cdb::pan
