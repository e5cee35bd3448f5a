#include "cdb/pan/pattern_cache.h"

#include <mutex>
#include <string>
#include <unordered_map>

namespace cdb::pan {

namespace {

constexpr std::size_t kMostPatterns = 2048;  // a compiled pattern takes a few KiB

}  // namespace

base::Result<std::shared_ptr<const java::Regex>> compiled_pattern(std::string_view pattern, std::string_view flags) {
  static std::mutex mutex;
  static std::unordered_map<std::string, std::shared_ptr<const java::Regex>> patterns;
  std::string key(flags);
  key += '/';
  key += pattern;
  {
    std::lock_guard lock(mutex);
    if (auto found = patterns.find(key); found != patterns.end()) return found->second;
  }
  auto made = std::make_shared<const java::Regex>(WEFT_TRY(java::Regex::compile(pattern, flags)));
  std::lock_guard lock(mutex);
  if (patterns.size() >= kMostPatterns) patterns.clear();
  return patterns.emplace(std::move(key), std::move(made)).first->second;
}

}  // namespace cdb::pan
