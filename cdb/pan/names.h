// Interned names (variables, functions, types): a Symbol is a small number, so that an object's variables are an array. Used by
// cdb/pan; one table per Engine. Any thread; never fails.
#pragma once

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
  Symbol intern(std::string_view name);
  std::string_view text(Symbol symbol) const;
  std::size_t size() const;

  // Known from the start, in this order.
  enum Fixed : Symbol { self, argv, argc, object, template_, function, loadpath, fixed_count };

 private:
  mutable std::mutex mutex_;
  std::deque<std::string> texts_;
  std::unordered_map<std::string_view, Symbol> symbols_;
};

}  // namespace cdb::pan
