// What the Pan fuzzers share: templates in memory, small limits, the machine stack guarded. One input at a time, one thread.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cdb/pan/compiler.h"
#include "cdb/pan/stack_guard.h"

namespace pan_fuzz {

// The main thread's stack has 8 MiB; frames under AddressSanitizer are large.
inline constexpr std::size_t kStack = 6u << 20;

// A broken promise: says which, then ends as libFuzzer wants it.
#define PAN_PROMISE(condition)                                                             \
  do {                                                                                     \
    if (!(condition)) {                                                                    \
      std::fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                        \
    }                                                                                      \
  } while (false)

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

class MemorySource : public cdb::pan::Source {
 public:
  std::map<std::string, std::shared_ptr<const std::string>, std::less<>> files;
  std::shared_ptr<const std::string> read(std::string_view path) const override {
    const auto found = files.find(path);
    return found == files.end() ? nullptr : found->second;
  }
};

// One input holds several files: a line "--- PATH" begins a new one. Without any it is "main.pan".
inline std::vector<std::pair<std::string, std::string>> split_files(std::string_view input) {
  std::vector<std::pair<std::string, std::string>> files;
  while (!input.empty()) {
    std::string path = "main.pan";
    if (input.starts_with("--- ")) {
      const std::size_t end = std::min(input.find('\n'), input.size());
      path = input.substr(4, end - 4);
      input.remove_prefix(std::min(end + 1, input.size()));
    }
    const std::size_t next = input.find("\n--- ");
    const std::size_t size = next == std::string_view::npos ? input.size() : next + 1;
    files.emplace_back(std::move(path), input.substr(0, size));
    input.remove_prefix(size);
  }
  return files;
}

}  // namespace pan_fuzz
