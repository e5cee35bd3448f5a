// What the agent must remember over its own death: what it governs (with before-images), what it still owes, what is applied,
// whether an undo is in force. One small file, replaced atomically. Single-threaded.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "agent/plan/planner.h"

namespace agent::journal {

struct Applied {
  std::string root;
  std::int64_t revision = 0;
  friend bool operator==(const Applied&, const Applied&) = default;
};

struct State {
  Applied applied, previous;   // the last two profiles that were applied whole
  Applied pinned;              // after undo: this one stays applied ...
  std::string pinned_instead;  // ... as long as the server still wants this root
  plan::Tracked tracked;
  std::vector<plan::Owed> owed;

  std::set<std::string> objects() const;  // hashes that the before-images need
};

// No file yet: an empty state. A damaged file is an error: without it nothing could be undone.
base::Result<State> load_state(const std::filesystem::path& file);
base::Result<> save_state(const std::filesystem::path& file, const State& state);

}  // namespace agent::journal
