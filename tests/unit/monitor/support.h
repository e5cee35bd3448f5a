// What the monitoring unit tests share: recorded trees and scratch folders.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/diag/result.h"
#include "monitor/metric/sample.h"

namespace tests::monitor_support {

inline std::filesystem::path tree(const std::string& name) {
  return std::filesystem::path(WEFT_MONITOR_TREES) / name;
}

// A scratch folder that goes with its owner.
class Scratch {
 public:
  Scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "weft-monitor-XXXXXX").string();
    path = mkdtemp(pattern.data());
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  Scratch(const Scratch&) = delete;
  std::filesystem::path path;
};

// The value of the series with exactly this text, NaN-free by construction of the trees; -1e300 when it is absent.
inline double value_of(const std::vector<::monitor::metric::Sample>& samples, const std::string& series) {
  for (const auto& sample : samples)
    if (sample.series.text() == series) return sample.value;
  return -1e300;
}

template <class T>
std::string error_of(const base::Result<T>& result) {
  return result ? std::string("(no error)") : result.error().text();
}

}  // namespace tests::monitor_support
