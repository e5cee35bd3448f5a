// The Pan compiler's face: template sources in, profiles with their recorded reads and diagnostics out. Used by cdb/build and
// programs/panc. No SQL, no HTTP; threads only inside compile(). A Compiler keeps parsed templates hot: one compile() at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "base/profile/hash.h"
#include "base/profile/value.h"

namespace cdb::pan {

// Where templates come from. Thread-safe for concurrent reads. Paths are relative to the source's root:
// "cfg/standard/pan/types.pan".
class Source {
 public:
  virtual ~Source() = default;
  // Content, or null pointer when there is no such file. The pointer stays valid while the Source lives and content is unchanged.
  virtual std::shared_ptr<const std::string> read(std::string_view path) const = 0;
};

struct Options {
  std::vector<std::string> include_path;  // in search order, relative to the source's root ("" = the root itself)
  int max_iteration = 10000;
  int max_recursion = 50;
  int threads = 0;                           // 0: all CPUs
  std::string initial_data;                  // a Pan expression giving a dict; "" = {}
  std::string debug_include, debug_exclude;  // regular expressions on template names
  enum class Warnings { off, on, fatal } warnings = Warnings::on;
  // What one object may take, so that no template can hang or eat the machine; 0: any number. Loop iterations and calls in all
  // (nested loops end too); processor seconds to build it and again to validate it; bytes of the finished profile, roughly as
  // text.
  std::int64_t max_steps = 100'000'000;
  int max_seconds = 60;
  std::int64_t max_output = 256 << 20;
  bool hash_reads = false;  // fill in Read::digest
};

// One look-up a profile made, found or not: what incremental builds and the commit plan rest on.
struct Read {
  enum class Kind : std::uint8_t { template_file, text_file, other_object };
  Kind kind;
  std::string name;        // template or file name with its LOADPATH prefix, no suffix for templates; other object's name
  std::int32_t root = -1;  // index into include_path where it was found; -1: absent everywhere
  std::string path;        // other_object: the path read
  std::string digest;      // other_object, with Options::hash_reads: 32 bytes of the value read, zeros when there was none
};

// A message with its place, ready to print or to send as JSON.
struct Diagnostic {
  enum class Severity : std::uint8_t { error, warning, note };
  Severity severity = Severity::error;
  std::string kind;  // "syntax error", "evaluation error", "validation error", "parse error", "system error"
  std::string message;
  std::string file;                                        // relative path; "" when there is none
  int line = 0, column = 0, end_line = 0, end_column = 0;  // 1-based; 0: unknown
  std::string excerpt;                                     // the source line with a caret line below
  std::vector<std::string> trace;  // includes and calls, innermost first: "included from profiles/disk01.pan:3.1"
  std::string hint;                // "did you mean ...?"
  std::string object;              // the object template being compiled
  std::string path;                // profile path at fault, for validation
  std::string reference_text;      // the reference compiler's wording of the same, for panc's stderr
};

struct Compiled {
  std::string object;                                   // object template name
  std::shared_ptr<const base::profile::Value> profile;  // null pointer when it failed
  std::vector<Read> reads;                              // sorted, unique; also for failed ones
  std::vector<Diagnostic> diagnostics;
};

class Value;

// One object's outcome as the CDB keeps it, made straight from the compiler's tree. Valid during the sink's call only: the tree's
// memory goes to the thread's next object.
struct Output {
  std::string_view object;
  std::size_t index = 0;     // in the list asked for; >= its size: only reached through value("other:/path"), with reads alone
  bool good = false;         // false: it failed, and json, root, leaves and depth are empty
  std::string_view json;     // canonical (base/profile/json.h)
  base::profile::Hash root;  // Merkle root of the same
  std::size_t leaves = 0;    // values that are neither dict nor list
  std::size_t depth = 0;     // dicts and lists inside each other
  std::vector<Read> reads;   // sorted, unique; also for failed ones
  std::vector<Diagnostic> diagnostics;

  // The element at "/system/role"; none when there is none, or it failed.
  std::optional<base::profile::Value> find(std::string_view path) const;

  const Value* tree = nullptr;  // the compiler's own; for find()
};

struct Explanation;  // explain.h

class Compiler {
 public:
  Compiler(std::shared_ptr<const Source> source, Options options);
  ~Compiler();
  // Compiles the object templates (names, e.g. "disk01.example.org"), each its own result in the order given. Objects only
  // reached through value("other:/path") are compiled as needed and not returned. `progress` is called with (done, total), any
  // thread.
  std::vector<Compiled> compile(std::span<const std::string> objects,
                                const std::function<void(std::size_t, std::size_t)>& progress = {});
  // The same for any number of objects: each is handed to `sink` when it is done, and nothing of it is kept. `sink` is called
  // from any thread, several at a time, and once for an object named twice.
  using Sink = std::function<void(Output&&)>;
  void compile(std::span<const std::string> objects, const Sink& sink);

  // Where the elements that match `paths` ("/a/b", "/a/*/c"; with everything below) of one object come from. The object is
  // compiled anew and watched; when it fails, what is known so far comes with its diagnostics. Errc::invalid: no paths.
  base::Result<Explanation> explain(const std::string& object, std::span<const std::string> paths);
  // Forgets what was parsed from these files; the next compile() reads them anew. The Source must already serve the new content.
  void invalidate(std::span<const std::string> paths);

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

// Would editing (or adding, or removing) `path` change what a profile with these reads sees? Exact on template and text look-ups:
// an added file counts only where it would now be found earlier. other_object reads are the caller's to follow.
bool touches(std::span<const Read> reads, std::span<const std::string> include_path, std::string_view path);

// The object templates among files: those whose first statement is "object template NAME" with a matching path.
std::optional<std::string> object_name(std::string_view content);

}  // namespace cdb::pan
