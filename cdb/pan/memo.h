// What one object's compilation worked out and others can use as it is: results of statements, create(), defaults and validation
// together with everything they looked at, and pieces of JSON. Objects of one site are mostly alike, so most of their statements
// are run once and recalled afterwards. Used by statements, the Evaluator, types and the JSON writer; made by the Engine, one for
// each thread of a run, dropped with the run.
//
// A result is recalled only when every variable, element, function, type and template that led to it is the same again; then
// running it would give the same, as Pan has no other inputs. What fails, prints, defines or reads another object is never kept.
// Values that a Memo keeps, and constants of templates that objects share, are "shared" nodes: immutable, alive for the whole
// run, known by their address.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cdb/pan/heap.h"
#include "cdb/pan/names.h"
#include "cdb/pan/path.h"
#include "cdb/pan/value.h"

namespace cdb::pan {

struct Global;
struct ObjectContext;

// The functions and types an object has defined so far, in order, and its LOADPATH.
using Environment = std::uint32_t;

// What a running computation looks at, noted while it runs. `give_up` when the result cannot be used again.
class Recording {
 public:
  void global(Symbol symbol, const Global* found);
  void element(const Path& path, const Value* found, bool existence_only);
  void load(const std::string& name, bool lookup);
  void self();
  void depth(std::size_t calls) { deepest_ = calls > deepest_ ? calls : deepest_; }
  void give_up();

 private:
  friend class Memo;
  friend class Recorder;
  struct GlobalRead {
    Symbol symbol;
    Value value;
  };
  struct ElementRead {
    std::vector<Term> terms;  // of an absolute path
    bool existence_only;
    Value value;
  };
  struct Load {
    std::string name;
    bool lookup;
  };
  ObjectContext* context_ = nullptr;  // null pointer: nobody is recording
  std::uint64_t serial_ = 0;
  const Value* self_value_ = nullptr;  // SELF at the beginning; null pointer: SELF is part of what is recorded
  bool self_used_ = false;
  Value self_before_;
  std::vector<GlobalRead> globals_;
  std::vector<ElementRead> elements_;
  std::vector<Load> loads_;
  std::int64_t steps_ = 0;
  std::size_t calls_ = 0, deepest_ = 0;
};

class Memo {
 public:
  Memo() = default;
  Memo(const Memo&) = delete;
  // The thread's, while an object is compiled; null pointer when nothing is kept.
  static Memo* current() { return current_; }
  static Memo* exchange(Memo* memo) {
    Memo* old = current_;
    current_ = memo;
    return old;
  }

  enum class Part : std::uint8_t { statement, structure, defaults, validation };
  // What is computed (a Statement, Template, BaseType or FullType) from which node.
  struct Key {
    const void* what;
    const Node* from;
    Environment environment;
    Part part;
    bool operator==(const Key&) const = default;
  };

  // The environment after one more definition in `before`; seen_after: when another object came that way.
  Environment after(Environment before, const void* definition);
  std::optional<Environment> seen_after(Environment before, const void* definition) const;
  Environment after(Environment before, const std::vector<std::string>& loadpath);

  // The result kept for `key`, when all it depends on is as it was; its look-ups and steps are then accounted to the object. Null
  // pointer otherwise. `self`: SELF before a statement, null pointer for others.
  const Value* find(const Key& key, ObjectContext& context, const Value* self);

  // JSON text of a shared node at this depth; empty when not known.
  std::string_view json(const Node* node, std::size_t depth) const;
  void keep_json(const Node* node, std::size_t depth, std::string_view text);

 private:
  friend class Recorder;
  friend class Recording;
  struct Record {
    Value result;
    bool self_used = false;
    Value self;
    std::vector<Recording::GlobalRead> globals;
    std::vector<Recording::ElementRead> elements;
    std::vector<Recording::Load> loads;
    std::int64_t steps = 0;
    std::size_t depth = 0;
  };
  struct Slot {
    std::vector<std::unique_ptr<Record>> records;
    std::uint32_t fruitless = 0;  // tries since something was recalled
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const;
  };
  struct Step {
    Environment before;
    const void* definition;
    bool operator==(const Step&) const = default;
  };
  struct StepHash {
    std::size_t operator()(const Step& step) const;
  };
  struct Piece {
    const Node* node;
    std::size_t depth;
    bool operator==(const Piece&) const = default;
  };
  struct PieceHash {
    std::size_t operator()(const Piece& piece) const;
  };

  bool full() const;
  static bool holds(const Record& record, ObjectContext& context, const Value* self);
  // A shared copy of a value; none when it cannot be shared: too large, or with parts that several places could modify.
  bool share(Value& value);
  struct Budget {
    std::size_t nodes, depth;
  };
  bool copy(const Value& from, Value& to, Budget& budget);

  Heap heap_;
  std::unordered_map<Key, Slot, KeyHash> slots_;
  std::unordered_map<Step, Environment, StepHash> environments_;
  std::unordered_map<std::string, char> loadpaths_;
  std::unordered_map<Piece, std::string_view, PieceHash> json_;
  Recording recording_;
  static thread_local Memo* current_;
};

// Records one computation of an object: made before it runs, keep() afterwards. Without a Memo, inside another recording, or for
// something that never could be recalled so far it does nothing. Destroyed without keep() (a Failure), nothing is kept.
class Recorder {
 public:
  Recorder(ObjectContext& context, const Memo::Key& key, const Value* self);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  // `result` becomes the shared value that later objects get, unless it is not kept.
  void keep(Value& result);

 private:
  bool running() const;
  ObjectContext& context_;
  Memo* memo_ = nullptr;
  Memo::Key key_;
  std::uint64_t serial_ = 0;
};

// May what follows be recalled or recorded for this object?
bool remembers(const ObjectContext& context);

}  // namespace cdb::pan
