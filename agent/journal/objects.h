// Contents of before-images, by SHA-256, in one folder that only root reads. Written durably before anything is replaced, dropped
// when nothing refers to them. Used by the executor and the planner's restorations. Single-threaded.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "base/diag/result.h"

namespace agent::journal {

class Objects {
 public:
  static base::Result<Objects> open(std::filesystem::path folder);
  base::Result<> put(const std::string& sha256, std::string_view content) const;
  // Errc::corrupt when the content no longer has its hash.
  base::Result<std::string> get(const std::string& sha256) const;
  // Errors are ignored: what stays is tried again next time.
  void keep_only(const std::set<std::string>& wanted) const;

 private:
  explicit Objects(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::filesystem::path folder_;
};

}  // namespace agent::journal
