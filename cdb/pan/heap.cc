#include "cdb/pan/heap.h"

#include <cstring>
#include <new>

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

}  // namespace

thread_local Heap* Heap::current_ = nullptr;

Heap::~Heap() {
  for (char* block : blocks_) std::free(block);
  for (void* block : large_) std::free(block);
}

void Heap::grow(std::size_t bytes) {
  std::size_t size = kFirstBlock << (blocks_.size() < 5 ? blocks_.size() : 5);
  if (size > kLargestBlock) size = kLargestBlock;
  if (size < bytes) size = bytes;
  if (total_ + size > kMostMemory) throw std::bad_alloc();
  auto* block = static_cast<char*>(std::malloc(size));
  if (block == nullptr) throw std::bad_alloc();
  blocks_.push_back(block);
  total_ += size;
  next_ = block;
  end_ = block + size;
}

void* Heap::allocate_large(std::size_t bytes) {
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
