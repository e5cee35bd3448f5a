// What the monitoring unit tests share: recorded trees and scratch folders.
#pragma once

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

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

// Runs the named (skipped) test case of this program in a process of its own with a fail point set, and tells whether it was
// killed there. The case finds its scratch folder in WEFT_CHILD. Fail points are read once per process, hence the exec.
inline bool killed_at(const char* point, const char* test_case, const std::filesystem::path& folder) {
  pid_t child = fork();
  if (child == 0) {
    setenv("WEFT_FAIL", point, 1);
    setenv("WEFT_CHILD", folder.c_str(), 1);
    std::string filter = std::string("--test-case=") + test_case;
    execl("/proc/self/exe", "child", "--no-skip", "--minimal", filter.c_str(), static_cast<char*>(nullptr));
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

template <class T>
std::string error_of(const base::Result<T>& result) {
  return result ? std::string("(no error)") : result.error().text();
}

}  // namespace tests::monitor_support
