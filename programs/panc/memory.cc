#include "programs/panc/memory.h"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

namespace panc {

namespace {

constexpr std::size_t kFewObjects = 24;
// Address space; pages are taken when touched.
constexpr std::size_t kStep = 32u << 20;
constexpr std::uintptr_t kLargePage = 2u << 20;

}  // namespace

void prepare_memory(std::size_t objects) {
#if defined(__GLIBC__) && defined(MADV_HUGEPAGE) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  if (objects >= kFewObjects) return;
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_TOP_PAD, kStep);
  mallopt(M_TRIM_THRESHOLD, 2 * kStep);
  mallopt(M_MMAP_THRESHOLD, kStep / 2);
  // Larger than what is free now, so that the heap grows; volatile, or the compiler leaves it out.
  void* volatile block = std::malloc(256u << 10);
  std::free(block);
  const auto end = reinterpret_cast<std::uintptr_t>(sbrk(0));
  const std::uintptr_t begin = (end - kStep + kLargePage - 1) / kLargePage * kLargePage;
  if (end > begin) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#else
  (void)objects;
#endif
}

}  // namespace panc
