// Runs operations: for an object (ObjectContext) or, without one, at compile time, where everything that needs an object fails.
// Used by the builder, statements, types and library functions; one thread. Errors are thrown as Failure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cdb/pan/object_context.h"
#include "cdb/pan/op.h"

namespace cdb::pan {

class Evaluator {
 public:
  explicit Evaluator(Names& names) : names_(names) {}
  explicit Evaluator(ObjectContext& context) : names_(context.names), context_(&context) {}

  // A block with its own local variables; the value of return() or of the last operation.
  Value run(const Block& block, const Value* argv = nullptr, std::int64_t argc = 0);
  // The same as a statement's value: iterators of its own, TEMPLATE set.
  Value run_statement(const Block& block);
  // A validation: SELF is read only, the result must be a boolean.
  bool run_validation(const Block& block, const Value& self, const SourcePtr& source);

  Value eval(const Op& op);
  // Assigns to a target of an assignment, foreach, first() or next().
  Value store(const Op& target, Value value);
  void remove(const Op& target);
  Value list_target(const Op& op);

  ObjectContext* context() { return context_; }
  Names& names() { return names_; }
  bool at_compile_time() const { return context_ == nullptr; }
  void set_returning() { returning_ = true; }

  // A global variable, or a local one of the running block; none when there is neither.
  Value variable_by_name(std::string_view name);
  // value(), exists(): none when absent and `lookup`. existence_only: the caller looks at nothing else.
  Value element(const Path& path, bool lookup, bool existence_only = false);
  std::string undefined_variable_hint(std::string_view name) const;

  // first() and next()
  struct Iteration {
    Value resource;
    std::uint32_t position = 0;
    std::uint32_t changes = 0;
  };
  std::vector<Iteration>& iterations() { return iterations_; }

  // Terms of a variable's indices: constants are ready, others are evaluated.
  class Terms {
   public:
    Terms(Evaluator& evaluator, const Op& op);
    ~Terms();
    Terms(const Terms&) = delete;
    const Term* begin() const { return data_; }
    std::uint32_t size() const { return count_; }
    const Term& operator[](std::uint32_t i) const { return data_[i]; }

   private:
    const Term* data_;
    std::uint32_t count_;
    alignas(Term) unsigned char inline_[4 * sizeof(Term)];
    std::vector<Term> many_;
    bool owned_ = false;
  };

 private:
  Global* read_global(Symbol symbol) {
    Global* found = context_->find_global(symbol);
    if (context_->recording != nullptr) context_->recording->global(symbol, found);
    return found;
  }
  Value variable(const Op& op);
  Value self(const Op& op);
  Value self_value(Span span);
  Value call(const Op& op);
  Value builtin(const Op& op);
  Value while_loop(const Op& op);
  Value for_loop(const Op& op);
  Value foreach_loop(const Op& op);
  Value store_self(const Op& target, Value value, bool erase);
  Value* writable_self(const Op& op);
  bool test(const Op& op, std::string_view what);
  std::int64_t iteration_limit() const;
  void step(Span span) {
    if (context_ != nullptr)
      context_->step(span);
    else
      TimeGuard::tick();
  }
  [[noreturn]] void undefined_variable(const Op& op, const Terms* terms);

  Names& names_;
  ObjectContext* context_ = nullptr;
  Value* locals_ = nullptr;
  const Block* block_ = nullptr;
  bool returning_ = false;
  std::vector<Iteration> iterations_;
};

// The child, or null pointer. A key on a list or an index on a dict throws; negative indices count from the end.
Value* child_of(const Value& resource, const Term& term);
// Follows terms. `lookup`: a property on the way is "absent", not an error; `terms_text` for messages.
const Value* follow(const Value& start, const Term* terms, std::uint32_t count, bool lookup);
// Puts (none or null: removes) a value at the end of terms, making dicts and lists on the way.
void put_at(Value& start, const Term* terms, std::uint32_t count, Value value);
// The slot at the end of terms, ready to be modified; undef when it was absent. `parent` is the node it lies in, null pointer for
// `start`.
Value* slot_at(Value& start, const Term* terms, std::uint32_t count, Node*& parent);
void put_child(Value& resource, const Term& term, Value value);
// A property may only be replaced by one of the same type.
void check_replacement(const Value& before, const Value& after);

}  // namespace cdb::pan
