#include "cdb/pan/names.h"

#include <cstring>

namespace cdb::pan {

namespace {

struct Remembered {
  std::uint64_t table = 0;
  std::string_view name;
  Symbol symbol = 0;
};
constexpr std::size_t kRemembered = 1024;

// Spreads names well enough; a name that takes another's place costs one visit to the table.
std::size_t slot_of(std::string_view name) {
  std::uint64_t head = 0, tail = 0;
  if (name.size() >= 8) {
    std::memcpy(&head, name.data(), 8);
    std::memcpy(&tail, name.data() + name.size() - 8, 8);
  } else {
    for (const char c : name) head = head << 8 | static_cast<unsigned char>(c);
  }
  return static_cast<std::size_t>(((head ^ tail * 31) + name.size()) * 0x9e3779b97f4a7c15u >> 54) % kRemembered;
}

std::uint64_t next_id() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

}  // namespace

Names::Names() : id_(next_id()) {
  for (std::string_view name : {"SELF", "ARGV", "ARGC", "OBJECT", "TEMPLATE", "FUNCTION", "LOADPATH"}) intern(name);
}

Names::~Names() {
  for (auto& chunk : chunks_) delete[] chunk.load();
}

Symbol Names::intern(std::string_view name) {
  static thread_local std::array<Remembered, kRemembered> remembered;
  Remembered& slot = remembered[slot_of(name)];
  if (slot.table == id_ && slot.name == name) return slot.symbol;
  const Symbol symbol = find_or_add(name);
  slot = {id_, text(symbol), symbol};
  return symbol;
}

Symbol Names::find_or_add(std::string_view name) {
  std::lock_guard lock(mutex_);
  if (auto found = symbols_.find(name); found != symbols_.end()) return found->second;
  const auto symbol = static_cast<Symbol>(texts_.size());
  const std::string& kept = texts_.emplace_back(name);
  const Place place(symbol);
  if (place.index == 0) chunks_[place.chunk].store(new std::string_view[kFirstChunk << place.chunk], std::memory_order_release);
  chunks_[place.chunk].load(std::memory_order_relaxed)[place.index] = kept;
  symbols_.emplace(kept, symbol);
  size_.store(symbol + 1, std::memory_order_release);
  return symbol;
}

}  // namespace cdb::pan
