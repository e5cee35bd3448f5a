// Text under construction for output: appended to without a terminating zero to keep right, kept by its owner for the next text
// so that its memory is asked for once. Used by cdb/pan and programs/panc; one thread. Exhausted memory is std::bad_alloc.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>

namespace cdb::pan {

class TextBuffer {
 public:
  explicit TextBuffer(std::size_t most = kMost) : most_(most) {}
  // Longer is std::bad_alloc. Escapes and indentation make a text longer than what max_output counts, but never sensibly so long.
  static constexpr std::size_t kMost = std::size_t{2} << 30;

  std::string_view view() const { return {begin_.get(), size()}; }
  std::size_t size() const { return static_cast<std::size_t>(at_ - begin_.get()); }
  void clear() { at_ = begin_.get(); }

  // Room for `bytes` more; what was written there counts after wrote(), which takes the end of it.
  char* room(std::size_t bytes) {
    if (static_cast<std::size_t>(end_ - at_) < bytes) grow(bytes);
    return at_;
  }
  void wrote(char* end) { at_ = end; }

  void append(std::string_view text) {
    if (text.empty()) return;
    char* at = room(text.size());
    text.copy(at, text.size());
    at_ = at + text.size();
  }
  void append(char c) {
    *room(1) = c;
    ++at_;
  }
  void append(std::size_t count, char c) {
    if (count == 0) return;
    std::memset(room(count), c, count);
    at_ += count;
  }

 private:
  void grow(std::size_t bytes) {
    const std::size_t used = size();
    if (bytes > most_ - std::min(used, most_)) throw std::bad_alloc();
    const std::size_t wanted = std::max<std::size_t>({used + bytes, used * 2, 16u << 10});
    auto fresh = std::make_unique_for_overwrite<char[]>(wanted);
    if (used != 0) std::memcpy(fresh.get(), begin_.get(), used);
    begin_ = std::move(fresh);
    at_ = begin_.get() + used;
    end_ = begin_.get() + wanted;
  }

  std::size_t most_;
  std::unique_ptr<char[]> begin_;
  char* at_ = nullptr;
  char* end_ = nullptr;
};

}  // namespace cdb::pan
