// Compiles object templates on several threads: each object is built, then validated, then handed to a sink and forgotten, so
// that memory does not grow with their number. Objects that others read with value("other:/path") are built when first needed;
// circles are found. The result does not depend on the number of threads. Used by Compiler and programs/panc. One run() at a
// time.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cdb/pan/object_context.h"

namespace cdb::pan {

// One object's outcome, valid during the sink's call only.
struct Finished {
  std::string_view object;
  std::size_t index = 0;        // in the list given to run(); >= its size for objects that were only referenced
  const Value* root = nullptr;  // null pointer: failed
  std::vector<Lookup> lookups;  // sorted, unique; with those of the objects it depends on when it succeeded
  std::vector<Read> reads;      // sorted, unique; also for failed ones
  std::vector<Diagnostic> diagnostics;
};

class Engine {
 public:
  Engine(std::shared_ptr<const Source> source, Options options);
  ~Engine();
  Engine(const Engine&) = delete;

  // Calls `sink` once for each object, from any thread, several at a time.
  using Sink = std::function<void(Finished&&)>;
  void run(std::span<const std::string> objects, const Sink& sink);
  // Runs `work` for 0..count-1 on the compile threads (their stacks are large enough for deep templates).
  void parallel(std::size_t count, const std::function<void(std::size_t)>& work);

  Repository& repository() { return repository_; }
  Names& names() { return names_; }
  const std::vector<BuiltinType>& builtin_types() const { return builtin_types_.list(); }
  const Options& options() const { return options_; }
  int threads() const;

  // Where elements of one object come from: a run() of its own that is watched.
  Explanation explain(const std::string& object, std::span<const std::string> paths);

  // From object contexts.
  void reference(const std::string& object);
  // The element in another object's finished tree, copied into the reader's heap; none when absent and `lookup`.
  Value other_element(ObjectContext& reader, const Path& path, bool lookup);
  // Errors of the options themselves (initial data); empty: fine.
  const std::shared_ptr<Problem>& option_problem() const { return option_problem_; }

 private:
  struct Entry {
    ~Entry() { dispose(std::move(context)); }
    std::string name;
    std::size_t index = 0;
    bool queued = false;
    bool keep = false;  // others read its tree
    bool delivered = false;
    enum class Build { idle, running, built, failed } build = Build::idle;
    enum class Check { idle, running, good, bad } check = Check::idle;
    std::unique_ptr<ObjectContext> context;
    std::shared_ptr<Problem> problem;
    std::string circle;  // member of a circle of objects: the text that names it
    Entry* waits_for = nullptr;
    std::vector<Lookup> other_lookups;  // of the objects it depends on; its own thread's only
  };

  // Drops an object's memory as a whole.
  static void dispose(std::unique_ptr<ObjectContext> context);
  class MemoLease;
  Entry& entry(const std::string& name);
  void ensure_built(Entry& object);
  void build(Entry& object);
  void ensure_checked(Entry& object);
  void finish(Entry& object, const Sink& sink);
  void check_dependencies(Entry& object);
  void note_circle(Entry& reader, Entry& other);
  Finished outcome(Entry& object);

  Options options_;
  Names names_;
  BuiltinTypes builtin_types_;
  Repository repository_;
  Heap option_heap_;
  Value initial_root_;
  std::shared_ptr<Problem> option_problem_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Memo>> memos_;  // of this run; objects that are kept hold values of theirs
  std::vector<Memo*> idle_memos_;
  bool remembering_ = false;
  std::map<std::string, std::unique_ptr<Entry>, std::less<>> entries_;
  std::deque<Entry*> referenced_;  // to be delivered after the ones asked for
  std::size_t asked_ = 0;
  std::string traced_;
  Tracer* tracer_ = nullptr;
};

}  // namespace cdb::pan
