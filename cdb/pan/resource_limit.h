// What one object may take: memory, stack and time as problems with a place, and the size of the finished tree. Used by the
// Engine and by statements; the object's own thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cdb/pan/problem.h"
#include "cdb/pan/value.h"

namespace cdb::pan {

// Writers and readers of profiles recurse; nobody nests data so deeply by intention.
inline constexpr int kDeepestTree = 10'000;

// For messages: the beginning when the text is longer than `most` bytes.
std::string shortened(std::string text, std::size_t most = 64 << 10);

// Inside a catch block: StackExhausted, TimeExhausted and std::bad_alloc as a problem without place; others are thrown on.
std::shared_ptr<Problem> exhausted_problem();

// Bytes a value takes when written, without what is below it: its text, and tags or punctuation as a rough figure.
inline std::int64_t own_weight(const Value& value) {
  return 24 + (value.is_string() ? std::int64_t{value.str()->size} : 0);
}

// One walk over a finished tree. A tree may share parts with itself and so be far larger written than in memory.
class TreeCheck {
 public:
  enum class Fault : std::uint8_t { none, undefined, too_large, too_deep };
  // `most`: bytes, roughly as text; 0: any number.
  explicit TreeCheck(std::int64_t most) : most_(most) {}
  // The first fault; path() says where it is.
  Fault check(const Value& root) { return check(root, 0); }
  const std::string& path() const { return path_; }

 private:
  Fault check(const Value& value, int depth);
  const std::int64_t most_;
  std::int64_t size_ = 0;
  std::string path_;
};

}  // namespace cdb::pan
