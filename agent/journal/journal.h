// The plan under execution and its progress, on disk before anything is touched. Used by the executor. Single-threaded.
//   plan.json  the whole plan, written atomically: its presence means "unfinished"
//   progress   appended lines "intent N", "done N", "failed N"; a torn last line does not count
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "agent/plan/action.h"
#include "base/file/file.h"

namespace agent::journal {

enum class Mark { none, intent, done, failed };

struct Unfinished {
  plan::Plan plan;
  std::vector<Mark> marks;  // one for each action
};

class Journal {
 public:
  static base::Result<Journal> open(std::filesystem::path folder);
  // What a killed run left; nothing when the last one ended.
  base::Result<std::optional<Unfinished>> unfinished() const;
  base::Result<> begin(const plan::Plan& plan);
  // Durable when it returns, except that `done` of a file action may be lost: it can be read back from the machine.
  base::Result<> mark(std::size_t action, Mark mark, bool durable);
  base::Result<> close();
  const std::filesystem::path& folder() const { return folder_; }

 private:
  explicit Journal(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::filesystem::path folder_;
  base::file::Fd progress_;
};

}  // namespace agent::journal
