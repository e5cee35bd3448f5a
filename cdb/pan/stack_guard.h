// Keeps hostile nesting from overflowing the machine stack: recursive functions of cdb/pan call StackGuard::check(), which throws
// StackExhausted near the end of the stack given by the thread's StackGuard. One per thread; without one nothing is checked.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cdb::pan {

struct StackExhausted {};

class StackGuard {
 public:
  explicit StackGuard(std::size_t usable) {
    old_ = limit_;
    limit_ = here() - usable;
  }
  ~StackGuard() { limit_ = old_; }
  StackGuard(const StackGuard&) = delete;
  // Does this thread have one?
  static bool active() { return limit_ != 0; }
  static void check() {
    if (here() < limit_) throw StackExhausted{};
  }

 private:
  static std::uintptr_t here() { return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)); }
  std::uintptr_t old_;
  static inline thread_local std::uintptr_t limit_ = 0;
};

}  // namespace cdb::pan
