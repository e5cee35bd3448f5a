// Everything one object template has while it is built and validated: its tree, variables, functions, types, bindings, what it
// read. Made by the Engine, used by the Evaluator and statements; one thread at a time.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cdb/pan/compiler.h"
#include "cdb/pan/memo.h"
#include "cdb/pan/repository.h"
#include "cdb/pan/template.h"
#include "cdb/pan/time_guard.h"
#include "cdb/pan/tracer.h"

namespace cdb::pan {

class Engine;

// A power of two in size: a deque finds its elements by division.
struct alignas(32) Global {
  Value value;  // none: not defined
  bool final = false;
};

struct Function {
  const Statement* statement = nullptr;  // null pointer: not defined
  const Template* owner = nullptr;
  Value name;
};

struct TypeEntry {
  const FullType* type = nullptr;
  const Template* owner = nullptr;
  Span span;
};

// Paths that must not change any more, as a tree of terms.
class FinalPaths {
 public:
  void add(const Path& path);
  // The final path that forbids a change at `path`; "" when none does.
  std::string reason(const Path& path) const;

 private:
  struct Step {
    bool final = false;
    std::map<std::string, Step, std::less<>> children;
  };
  Step root_;
  bool any_ = false;
};

struct Binding {
  Path path;
  std::vector<const FullType*> types;
};

// Where SELF points to while a block runs.
struct Self {
  enum class Kind : std::uint8_t { none, slot, read_only, forbidden };
  Kind kind = Kind::none;
  Value* slot = nullptr;       // slot: modified in place
  Global* global = nullptr;    // slot belongs to this variable ...
  const Path* path = nullptr;  // ... or lies here in the tree (root or relative root),
  Node* parent = nullptr;      // in this node: when it got frozen meanwhile, the slot has to be found anew
  Value value;                 // read_only
};

// A statement that set a path: where a value at fault came from.
struct Assignment {
  const Path* path;
  const Template* owner;
  Span span;
};

struct CallStep {
  const Template* caller;
  Span span;
  bool call;
  std::string_view name;
};

struct ObjectContext {
  ObjectContext(Engine& engine, const Options& options, Names& names, std::string name);

  Engine& engine;
  const Options& options;
  Names& names;
  std::string name;
  std::shared_ptr<const Template> object_template;
  Tracer* tracer = nullptr;        // null pointer: nobody wants to know where values come from
  Memo* memo = nullptr;            // null pointer: everything is worked out anew
  Recording* recording = nullptr;  // what the running computation looks at is noted here
  Environment environment = 0;

  Heap heap;
  Value root;
  Value relative_root;
  std::deque<Global> globals;       // by symbol; growing keeps references valid
  std::vector<Function> functions;  // by symbol
  std::vector<TypeEntry> types;     // by symbol
  std::vector<Binding> bindings;    // sorted by binding_order
  FinalPaths finals;
  Self self;

  const Template* current = nullptr;
  std::vector<CallStep> calls;
  std::vector<std::string> loadpath{""};
  std::int64_t steps = 0;   // loop iterations and calls so far
  bool validating = false;  // values of other objects may now be read in circles

  std::unordered_map<std::string_view, std::shared_ptr<const Template>> loaded;
  std::vector<Lookup> lookups;          // all look-ups, in order, may repeat
  std::vector<std::string> objects;     // other objects it depends on
  std::vector<Read> object_reads;       // value("other:/path")
  std::vector<Read> prefix_reads;       // where else LOADPATH made look
  std::vector<Diagnostic> diagnostics;  // notes and warnings
  std::size_t most_reads = 4096;        // when keep_reads_few() acts next
  std::vector<Assignment> assignments;  // of absolute paths, in order

  Global& global(Symbol symbol);
  Global* find_global(Symbol symbol) {
    return symbol < globals.size() && globals[symbol].value.exists() ? &globals[symbol] : nullptr;
  }
  Function* find_function(Symbol symbol) {
    return symbol < functions.size() && functions[symbol].statement != nullptr ? &functions[symbol] : nullptr;
  }
  const FullType* find_type(Symbol symbol) const { return symbol < types.size() ? types[symbol].type : nullptr; }
  void set_global(Global& global, Value value);
  void define_function(const Statement& statement, const Template& owner);
  void define_type(Symbol symbol, const FullType& type, const Template* owner, Span span);
  void bind(Path path, const FullType& type);
  Value& tree(const Path& path) { return path.type == Path::Type::relative ? relative_root : root; }

  // One more iteration or call; throws Failure when there were too many.
  void step(Span span) {
    if (++steps > options.max_steps && options.max_steps > 0) too_many_steps(span);
    TimeGuard::tick();
  }
  [[noreturn]] void too_many_steps(Span span) const;
  void push(const Template* callee, Span span, bool call, std::string_view callee_name);
  void pop();

  // The template with this name, loading it when needed; null pointer when absent and `lookup` is set. `fresh`: not loaded
  // before.
  std::shared_ptr<const Template> load(const std::string& template_name, bool lookup, bool& fresh);
  void record(const Lookup& lookup);
  // Look-ups repeat in loops: from time to time they are made unique, and too many different ones are an error.
  void keep_reads_few();
  // A text file along the LOADPATH, recorded as read; null pointer when absent.
  std::shared_ptr<const std::string> text_file(const std::string& file_name);

  // The last statement that set this path or one above it.
  Place origin(std::string_view path) const;
  // Place and call chain for a failure that has none yet.
  void locate(Problem& problem, Span span) const;
  void note(Diagnostic::Severity severity, std::string message, Span span);
};

// Candidates for "did you mean".
std::vector<std::string> similar_names(std::string_view wanted, const std::vector<std::string>& known);

}  // namespace cdb::pan
