// DML as a tree of operations, built by the parser (constants folded, local variables resolved to slots) and run by the
// Evaluator. Lives in its template's arena; immutable, shared by threads.
#pragma once

#include <cstdint>

#include "cdb/pan/names.h"
#include "cdb/pan/path.h"
#include "cdb/pan/problem.h"
#include "cdb/pan/value.h"

namespace cdb::pan {

namespace java {
class Regex;
}
struct Builtin;

enum class OpKind : std::uint8_t {
  constant,
  variable,  // slot and name; args: indices
  self,      // args: indices
  assign,    // args[0] the value, then targets from right to left
  target,    // slot and name; args: indices: only inside assign, foreach, first, next, delete
  target_self,
  sequence,
  if_else,
  while_loop,
  for_loop,
  foreach_loop,
  logical_and,
  logical_or,
  logical_not,
  negate,
  plus,
  bit_not,
  add,
  subtract,
  multiply,
  divide,
  modulo,
  bit_and,
  bit_or,
  bit_xor,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  call,         // user function `name`
  builtin,      // library function
  list_target,  // first argument of append/prepend: a variable that becomes a list; slot, name, args: indices
  list_target_self
};

inline constexpr std::uint16_t kNoSlot = 0xffff;

struct Op {
  OpKind kind;
  bool lookup = false;  // variable: absent is no error (exists, is_defined, ...)
  bool open = false;    // target: the variable's value is modified or aliased later, so it must not stay shared
  bool leaves = false;  // return() or error() is called here or below
  std::uint16_t slot = kNoSlot;
  std::uint32_t count = 0;
  Symbol name = 0;
  Span span;
  union {
    Value value;  // constant, immortal
    struct {
      Op** args;
      union {
        const Term* terms;  // variables, targets: indices that are constants, count of them; null pointer when any is computed
        const Builtin* function;  // builtin
      };
    };
  };
  union {
    const java::Regex* regex;  // match/matches/replace/split with a constant pattern
    const Path* path;          // value/exists/path_exists with a constant path
  };

  explicit Op(OpKind k) : kind(k), args(nullptr), terms(nullptr), regex(nullptr) {}
  Op(const Op&) = delete;
  ~Op() {}  // values of operations are immortal
};

// A runnable piece: a statement's value, a function's body, a validation.
struct Block {
  const Op* op = nullptr;
  std::uint16_t slots = 0;
  std::uint16_t argv = kNoSlot, argc = kNoSlot;
  const Symbol* names = nullptr;  // of the slots
};

}  // namespace cdb::pan
