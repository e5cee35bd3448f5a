// Interned names (variables, functions, types): a Symbol is a small number, so that an object's variables are an array. Used by
// cdb/pan; one table per Engine. Any thread; never fails. A thread remembers the names it met last, so that parsers seldom meet
// at the lock; texts are read without it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace cdb::pan {

using Symbol = std::uint32_t;

class Names {
 public:
  Names();
  ~Names();
  Names(const Names&) = delete;
  Symbol intern(std::string_view name);
  std::string_view text(Symbol symbol) const {
    const Place place(symbol);
    return chunks_[place.chunk].load(std::memory_order_acquire)[place.index];
  }
  std::size_t size() const { return size_.load(std::memory_order_acquire); }

  // Known from the start, in this order.
  enum Fixed : Symbol { self, argv, argc, object, template_, function, loadpath, fixed_count };

 private:
  // Chunk n holds 64 * 2^n texts and never moves.
  static constexpr std::size_t kFirstChunk = 64;
  struct Place {
    explicit Place(Symbol symbol) {
      const std::uint64_t from_first = symbol + kFirstChunk;
      chunk = static_cast<std::size_t>(63 - __builtin_clzll(from_first)) - 6;
      index = static_cast<std::size_t>(from_first - (kFirstChunk << chunk));
    }
    std::size_t chunk, index;
  };
  Symbol find_or_add(std::string_view name);

  const std::uint64_t id_;  // no other table ever had it: for what threads remember
  std::array<std::atomic<std::string_view*>, 27> chunks_{};
  std::atomic<std::uint32_t> size_{0};
  std::mutex mutex_;
  std::deque<std::string> texts_;
  std::unordered_map<std::string_view, Symbol> symbols_;
};

}  // namespace cdb::pan
