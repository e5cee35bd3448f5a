// Compiles object templates in the background as texts change, and keeps what they gave: diagnostics go to the Board, profiles of
// the last few objects and what each object read are kept for questions. Owned by Server. The worker thread is the only one that
// uses the Compiler; a newer change is looked at after the objects at hand, the rest is compiled with the newer text.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "cdb/pan/compiler.h"
#include "cdb/pan/index/project.h"
#include "cdb/pan/lsp/board.h"

namespace cdb::pan::lsp {

struct CompileSettings {
  int threads = 2;
  std::size_t most_objects = 500;        // more object templates are compiled only when they are open
  std::chrono::milliseconds quiet{100};  // compiles begin when nothing was typed for so long
  std::int64_t most_steps = 10'000'000;  // of one object: an endless loop ends soon
};

class CompileWorker {
 public:
  CompileWorker(const index::Project& project, std::shared_ptr<const Source> source, Board& board, CompileSettings settings);
  ~CompileWorker();
  CompileWorker(const CompileWorker&) = delete;

  // The text of this file is another one, or the file came or went. `object`: the name when it is an object template's.
  void changed(const std::string& path, const std::string& object);

  // Profiles at hand that read this file, newest first.
  struct Profile {
    std::string object;
    std::shared_ptr<const base::profile::Value> value;
  };
  std::vector<Profile> profiles_reading(const std::string& path) const;

 private:
  struct Object {
    std::string path;
    std::vector<Read> reads;
    std::vector<Diagnostic> diagnostics;
    bool compiled = false;
  };

  void run(const std::stop_token& stop);
  // With the lock held: which objects the changed files touch become dirty.
  void mark(const std::set<std::string>& paths);
  void publish();
  Value diagnostic_json(const Diagnostic& diagnostic, const std::vector<std::string>& objects) const;

  std::vector<std::string> include_path_;
  std::shared_ptr<const Source> source_;
  Board& board_;
  CompileSettings settings_;
  Compiler compiler_;

  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::map<std::string, Object> objects_;  // by name
  std::set<std::string> dirty_;
  std::deque<std::string> urgent_;  // edited object templates go first
  std::set<std::string> changed_;
  std::chrono::steady_clock::time_point last_change_;
  std::deque<Profile> profiles_;
  std::jthread thread_;
};

}  // namespace cdb::pan::lsp
