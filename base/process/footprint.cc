#include "base/process/footprint.h"

#include <malloc.h>
#include <sys/mman.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <memory>

namespace base::process {

namespace {

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

void release_idle_memory() {
  malloc_trim(0);
  const std::unique_ptr<std::FILE, Close> maps(std::fopen("/proc/self/smaps", "re"));
  if (!maps) return;
  char line[4400];
  std::uintptr_t begin = 0, end = 0;
  bool candidate = false;
  while (std::fgets(line, sizeof line, maps.get())) {
    std::uintptr_t from = 0, to = 0;
    char permissions[5] = {};
    unsigned long copied = 0;
    if (std::sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &from, &to, permissions) == 3) {
      begin = from;
      end = to;
      // A private file mapping that nobody may write to.
      candidate = permissions[0] == 'r' && permissions[1] == '-' && permissions[3] == 'p' && std::strchr(line, '/') != nullptr;
    } else if (candidate && std::sscanf(line, "Anonymous: %lu kB", &copied) == 1) {
      // Copied pages (relocations sealed read-only) exist nowhere else: such a mapping stays.
      if (copied == 0) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
      candidate = false;
    }
  }
}

}  // namespace base::process
