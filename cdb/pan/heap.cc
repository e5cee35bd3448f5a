#include "cdb/pan/heap.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <new>

#include "cdb/pan/time_guard.h"
#include "cdb/pan/value.h"

namespace cdb::pan {

namespace {

constexpr std::size_t kFirstBlock = 16u << 10;
constexpr std::size_t kLargestBlock = 512u << 10;
// One object that needs more than this is a mistake or an attack; it must not take the machine's memory from the others.
constexpr std::size_t kMostMemory = std::size_t{1} << 30;
// A large block knows its place in the list, so that releasing it is quick.
struct LargeHeader {
  std::size_t index;
  std::size_t bytes;
};

std::size_t block_size(std::size_t index) {
  return std::min(kFirstBlock << std::min<std::size_t>(index, 16), kLargestBlock);
}

// Blocks of finished objects, for the thread's next one: the system would have to clear their pages again.
class SpareBlocks {
 public:
  ~SpareBlocks() {
    for (auto& [size, blocks] : by_size_)
      for (char* block : blocks) std::free(block);
  }
  char* take(std::size_t size) {
    auto& blocks = by_size_[size];
    if (blocks.empty()) return static_cast<char*>(std::malloc(size));
    char* block = blocks.back();
    blocks.pop_back();
    bytes_ -= size;
    return block;
  }
  void give(char* block, std::size_t size) {
    if (bytes_ + size > kMostSpare) return std::free(block);
    by_size_[size].push_back(block);
    bytes_ += size;
  }

 private:
  static constexpr std::size_t kMostSpare = 4u << 20;
  std::map<std::size_t, std::vector<char*>> by_size_;
  std::size_t bytes_ = 0;
};
thread_local SpareBlocks spare_blocks;

}  // namespace

thread_local Heap* Heap::current_ = nullptr;

Heap::~Heap() {
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    if (i == 0 && first_block_ != 0)
      std::free(blocks_[0]);
    else
      spare_blocks.give(blocks_[i], block_size(i));
  }
  for (void* block : large_) std::free(block);
}

void Heap::grow(std::size_t bytes) {
  static_assert(kFirstBlock >= kClasses * 16);
  const bool special = blocks_.empty() && first_block_ != 0;
  const std::size_t size = special ? std::max(first_block_, bytes) : block_size(blocks_.size());
  if (total_ + std::max(size, bytes) > kMostMemory) throw std::bad_alloc();
  char* block = special ? static_cast<char*>(std::malloc(size)) : spare_blocks.take(size);
  if (block == nullptr) throw std::bad_alloc();
  blocks_.push_back(block);
  total_ += size;
  next_ = block;
  end_ = block + size;
}

void* Heap::allocate_large(std::size_t bytes) {
  TimeGuard::check();
  if (total_ + bytes > kMostMemory) throw std::bad_alloc();
  auto* header = static_cast<LargeHeader*>(std::malloc(bytes + sizeof(LargeHeader)));
  if (header == nullptr) throw std::bad_alloc();
  header->index = large_.size();
  header->bytes = bytes;
  large_.push_back(header);
  total_ += bytes;
  return header + 1;
}

void Heap::release_large(void* block) {
  LargeHeader* header = static_cast<LargeHeader*>(block) - 1;
  total_ -= header->bytes;
  large_[header->index] = large_.back();
  static_cast<LargeHeader*>(large_[header->index])->index = header->index;
  large_.pop_back();
  std::free(header);
}

void Heap::bury(Node* node) {
  if (abandoned_) return;
  dead_.push_back(node);
  if (burying_) return;
  burying_ = true;
  while (!dead_.empty()) {
    Node* next = dead_.back();
    dead_.pop_back();
    next->destroy(*this);
  }
  burying_ = false;
}

}  // namespace cdb::pan
