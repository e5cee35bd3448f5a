// What a traced compile reports while it builds one object. Implemented by Provenance (provenance.h), called by statements,
// create() and the few operations that edit SELF; an object without a tracer pays one test of a pointer at each of these places.
// One thread; a Failure thrown in between is reported to after(), nothing else.
#pragma once

#include <cstdint>
#include <span>

#include "cdb/pan/problem.h"
#include "cdb/pan/value.h"

namespace cdb::pan {

struct Binding;
struct ObjectContext;
struct Op;
struct Statement;
struct Term;

class Tracer {
 public:
  virtual ~Tracer() = default;
  // The tree holds the initial data and nothing else.
  virtual void begin(ObjectContext& context) = 0;
  // The object's memory goes away next, values and all.
  virtual void end() = 0;
  // Around each statement; includes and create() nest.
  virtual void before(const Statement& statement) = 0;
  virtual void after(const Statement& statement, bool failed) = 0;
  // Around the defaults of the types bound to one path.
  virtual void before_defaults(const Binding& binding) = 0;
  virtual void after_defaults(const Binding& binding) = 0;
  // Around the statements of a structure template, then what create() gives: `arguments` are its template, keys and (moved)
  // values.
  virtual void enter_structure() = 0;
  virtual void leave_structure() = 0;
  virtual void made_structure(Span create, std::span<const Value> arguments, const Value& result) = 0;
  // SELF[terms] = ..., or append and prepend to the list SELF[terms], which has `size` elements so far (-1: an assignment).
  virtual void edits_self(const Op& target, const Term* terms, std::uint32_t count, std::int64_t size) = 0;
  // return() at this place; a user's function came back with this value.
  virtual void returning(const Op& call) = 0;
  virtual void returned(const Op& call, const Value& result) = 0;
};

}  // namespace cdb::pan
