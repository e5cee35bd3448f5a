#include "monitor/sensord/footprint.h"

#include <malloc.h>
#include <sys/mman.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/file/file.h"

namespace monitor::sensord {
namespace {

struct Mapping {
  std::uintptr_t begin = 0, end = 0;
  bool candidate = false;
};

// "55d0-55f0 r-xp ...", in hex; nothing for the lines below it.
std::optional<Mapping> parse_range(std::string_view line) {
  Mapping out;
  const char* last = line.data() + line.size();
  auto [dash, bad_begin] = std::from_chars(line.data(), last, out.begin, 16);
  if (bad_begin != std::errc() || dash == last || *dash != '-') return std::nullopt;
  auto [space, bad_end] = std::from_chars(dash + 1, last, out.end, 16);
  if (bad_end != std::errc() || space == last || *space != ' ') return std::nullopt;
  return out;
}

}  // namespace

void release_startup_pages() {
  malloc_trim(0);
  auto text = base::file::read("/proc/self/smaps", 4u << 20);
  if (!text) return;
  std::string_view rest = *text;
  Mapping mapping;
  while (!rest.empty()) {
    std::size_t length = rest.find('\n');
    std::string_view line = rest.substr(0, length);
    rest.remove_prefix(length == std::string_view::npos ? rest.size() : length + 1);
    if (auto range = parse_range(line)) {
      // Backed by a file, never writable, private: "r--p" and "r-xp" with a path.
      std::string_view permissions = line.substr(line.find(' ') + 1, 4);
      mapping = *range;
      mapping.candidate = permissions.size() == 4 && permissions[0] == 'r' && permissions[1] == '-' && permissions[3] == 'p' &&
                          line.find('/') != std::string_view::npos;
    } else if (mapping.candidate && line.starts_with("Anonymous:")) {
      // A page that was copied (relocations that were sealed read-only) would be lost: only mappings without any are released.
      std::size_t number = line.find_first_not_of(' ', 10);
      if (number != std::string_view::npos && line.substr(number) == "0 kB")
        madvise(reinterpret_cast<void*>(mapping.begin), mapping.end - mapping.begin, MADV_DONTNEED);
      mapping.candidate = false;
    }
  }
}

}  // namespace monitor::sensord
