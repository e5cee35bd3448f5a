// Memory of one object's compilation: values live in a Heap that is dropped whole when the object is done. Used by cdb/pan only.
// A Heap belongs to one thread at a time and is made current with HeapScope; what templates own (constants) is marked immortal
// and may be read by any thread. Exhausted memory is std::bad_alloc, as everywhere.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace cdb::pan {

struct Node;

class Heap {
 public:
  // `first_block`: how many bytes to ask the system for at first; 0: the usual for an object.
  explicit Heap(std::size_t first_block = 0) : first_block_(first_block) {}
  ~Heap();
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  void* allocate(std::size_t bytes) {
    const std::size_t index = (bytes + 15) / 16;
    if (index < kClasses) {
      if (Free* block = free_[index]) {
        free_[index] = block->next;
        return block;
      }
      return carve(index * 16);
    }
    return allocate_large(bytes);
  }
  void release(void* block, std::size_t bytes) {
    const std::size_t index = (bytes + 15) / 16;
    if (index < kClasses) {
      auto* free = static_cast<Free*>(block);
      free->next = free_[index];
      free_[index] = free;
    } else {
      release_large(block);
    }
  }
  // From now on released values are not taken apart: the whole heap goes away next.
  void abandon() { abandoned_ = true; }
  bool abandoned() const { return abandoned_; }
  // Takes dead nodes apart without recursion, so that deep trees cannot overflow the stack.
  void bury(Node* node);
  std::size_t bytes() const { return total_; }

  static Heap& current() { return *current_; }
  static Heap* exchange(Heap* heap) {
    Heap* old = current_;
    current_ = heap;
    return old;
  }

 private:
  struct Free {
    Free* next;
  };
  static constexpr std::size_t kClasses = 65;  // up to 1 KiB
  void* carve(std::size_t bytes) {
    if (static_cast<std::size_t>(end_ - next_) < bytes) grow(bytes);
    void* block = next_;
    next_ += bytes;
    return block;
  }
  void grow(std::size_t bytes);
  void* allocate_large(std::size_t bytes);
  void release_large(void* block);

  std::array<Free*, kClasses> free_{};
  char* next_ = nullptr;
  char* end_ = nullptr;
  std::vector<char*> blocks_;
  std::vector<void*> large_;
  std::vector<Node*> dead_;
  std::size_t total_ = 0;
  const std::size_t first_block_;
  bool burying_ = false;
  bool abandoned_ = false;
  static thread_local Heap* current_;
};

// Makes a heap current for a scope.
class HeapScope {
 public:
  explicit HeapScope(Heap& heap) : old_(Heap::exchange(&heap)) {}
  ~HeapScope() { Heap::exchange(old_); }
  HeapScope(const HeapScope&) = delete;

 private:
  Heap* old_;
};

}  // namespace cdb::pan
