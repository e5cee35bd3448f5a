#include "cdb/pan/evaluator.h"

#include <alloca.h>
#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "cdb/pan/builtin.h"
#include "cdb/pan/operators.h"
#include "cdb/pan/stack_guard.h"

namespace cdb::pan {

namespace {

// Local variables on the machine stack; destroyed on every way out.
class Locals {
 public:
  Locals(Value*& current, void* memory, std::size_t count) : current_(current), old_(current), count_(count) {
    current_ = static_cast<Value*>(memory);
    for (std::size_t i = 0; i < count; ++i) new (&current_[i]) Value();
  }
  ~Locals() {
    for (std::size_t i = 0; i < count_; ++i) current_[i].~Value();
    current_ = old_;
  }
  Locals(const Locals&) = delete;

 private:
  Value*& current_;
  Value* old_;
  std::size_t count_;
};

std::string variable_text(std::string_view name, const Evaluator::Terms* terms) {
  std::string text(name);
  if (terms != nullptr)
    for (std::uint32_t i = 0; i < terms->size(); ++i) text += "[" + (*terms)[i].text() + "]";
  return text;
}

}  // namespace

Evaluator::Terms::Terms(Evaluator& evaluator, const Op& op) : data_(op.terms), count_(op.count) {
  if (data_ != nullptr || count_ == 0) return;
  try {
    if (count_ <= 4) {
      auto* terms = reinterpret_cast<Term*>(inline_);
      for (std::uint32_t i = 0; i < count_; ++i) new (&terms[i]) Term();
      data_ = terms;
      owned_ = true;
      for (std::uint32_t i = 0; i < count_; ++i) terms[i] = make_term(evaluator.eval(*op.args[i]));
    } else {
      for (std::uint32_t i = 0; i < count_; ++i) many_.push_back(make_term(evaluator.eval(*op.args[i])));
      data_ = many_.data();
    }
  } catch (Failure& failure) {
    if (evaluator.context_ != nullptr) evaluator.context_->locate(*failure.problem, op.span);
    throw;
  }
}

Evaluator::Terms::~Terms() {
  if (!owned_) return;
  auto* terms = reinterpret_cast<Term*>(inline_);
  for (std::uint32_t i = 0; i < count_; ++i) terms[i].~Term();
}

std::int64_t Evaluator::iteration_limit() const {
  if (context_ == nullptr) return 1000;
  return context_->options.max_iteration > 0 ? context_->options.max_iteration : INT64_MAX;
}

Value Evaluator::run(const Block& block, const Value* argv, std::int64_t argc) {
  if (block.op->kind == OpKind::constant) return block.op->value;
  StackGuard::check();
  Locals locals(locals_, alloca(std::max<std::size_t>(block.slots, 1) * sizeof(Value)), block.slots);
  if (argv != nullptr) {
    if (block.argv != kNoSlot) locals_[block.argv] = *argv;
    if (block.argc != kNoSlot) locals_[block.argc] = Value::integer(argc);
  }
  const bool outer = returning_;
  const Block* outer_block = std::exchange(block_, &block);
  returning_ = false;
  Value result = eval(*block.op);
  returning_ = outer;
  block_ = outer_block;
  return result;
}

Value Evaluator::variable_by_name(std::string_view name) {
  const Symbol symbol = names_.intern(name);
  for (std::uint16_t i = 0; block_ != nullptr && i < block_->slots; ++i)
    if (block_->names[i] == symbol && locals_[i].exists()) return locals_[i];
  if (context_ == nullptr) return {};
  Global* global = read_global(symbol);
  return global != nullptr ? global->value : Value();
}

Value Evaluator::run_statement(const Block& block) {
  std::vector<Iteration> iterations;
  iterations.swap(iterations_);
  Global* name = nullptr;
  if (!context_->find_global(Names::template_) && context_->current != nullptr) {
    name = &context_->global(Names::template_);
    name->value = Value::share(context_->current->name_text);
    name->final = true;
  }
  Value result = run(block);
  if (name != nullptr) context_->global(Names::template_) = {};
  iterations.swap(iterations_);
  return result;
}

bool Evaluator::run_validation(const Block& block, const Value& self, const SourcePtr& source) {
  std::vector<Iteration> iterations;
  iterations.swap(iterations_);
  self.freeze();
  Self saved = std::move(context_->self);
  context_->self = Self{.kind = Self::Kind::read_only, .value = self};
  Value result;
  try {
    result = run(block);
  } catch (Failure& failure) {
    // The expression stands in the type's file, whatever template is running.
    if (!failure.problem->traced) {
      if (failure.problem->place.source == nullptr) failure.problem->place.source = source;
      context_->locate(*failure.problem, block.op->span);
    }
    context_->self = std::move(saved);
    throw;
  }
  context_->self = std::move(saved);
  iterations.swap(iterations_);
  if (!result.is_boolean())
    raise_validation(fmt::format("user-defined validation function returned an element of type {}; boolean value required",
                                 tag_name(result.tag())));
  return result.as_boolean();
}

Value Evaluator::eval(const Op& op) {
  if (op.kind == OpKind::constant) return op.value;
  StackGuard::check();
  switch (op.kind) {
    case OpKind::constant: return op.value;
    case OpKind::variable: return variable(op);
    case OpKind::self: return self(op);
    case OpKind::assign: {
      Value value = eval(*op.args[0]);
      if (returning_) return value;
      for (std::uint32_t i = 1; i < op.count; ++i) value = store(*op.args[i], std::move(value));
      return value;
    }
    case OpKind::sequence: {
      Value result;
      for (std::uint32_t i = 0; i < op.count; ++i) {
        result = Value();
        result = eval(*op.args[i]);
        if (returning_) break;
      }
      return result;
    }
    case OpKind::if_else: {
      const Value condition = eval(*op.args[0]);
      if (returning_) return condition;
      if (!condition.is_boolean())
        raise(Problem::Kind::evaluation, "if-else test must evaluate to a boolean property", op.span,
              fmt::format("it gave an element of type {}", tag_name(condition.tag())));
      if (condition.as_boolean()) return eval(*op.args[1]);
      return op.count > 2 ? eval(*op.args[2]) : Value::undef();
    }
    case OpKind::while_loop: return while_loop(op);
    case OpKind::for_loop: return for_loop(op);
    case OpKind::foreach_loop: return foreach_loop(op);
    case OpKind::logical_and:
    case OpKind::logical_or: {
      const bool is_and = op.kind == OpKind::logical_and;
      Value left = eval(*op.args[0]);
      if (returning_) return left;
      auto wrong = [&](std::string_view which, const Value& value) {
        raise_evaluation(fmt::format("the {} argument of {} must be a boolean, not {}", which,
                                     is_and ? "logical-and (&&)" : "logical-or (||)", tag_name(value.tag())),
                         op.span);
      };
      if (!left.is_boolean()) wrong("first", left);
      if (left.as_boolean() != is_and) return left;
      Value right = eval(*op.args[1]);
      if (returning_) return right;
      if (!right.is_boolean()) wrong("second", right);
      return right;
    }
    case OpKind::logical_not:
    case OpKind::negate:
    case OpKind::plus:
    case OpKind::bit_not: {
      Value operand = eval(*op.args[0]);
      return returning_ ? operand : apply_unary(op.kind, operand, op.span);
    }
    case OpKind::call: return call(op);
    case OpKind::builtin: return builtin(op);
    case OpKind::list_target:
    case OpKind::list_target_self: return list_target(op);
    case OpKind::target:
    case OpKind::target_self: raise(Problem::Kind::system, "an assignment target was evaluated (a defect in Weft)", op.span);
    default: {
      Value left = eval(*op.args[0]);
      if (returning_) return left;
      const Value right = eval(*op.args[1]);
      return returning_ ? right : apply_binary(op.kind, left, right, op.span);
    }
  }
}

std::string Evaluator::undefined_variable_hint(std::string_view name) const {
  if (context_ == nullptr) return {};
  std::vector<std::string> known;
  for (Symbol s = 0; s < context_->globals.size(); ++s)
    if (context_->globals[s].value.exists()) known.emplace_back(names_.text(s));
  const auto similar = similar_names(name, known);
  return similar.empty() ? std::string() : fmt::format("did you mean {}?", fmt::join(similar, ", "));
}

void Evaluator::undefined_variable(const Op& op, const Terms* terms) {
  const std::string name(names_.text(op.name));
  raise(Problem::Kind::evaluation, fmt::format("variable named '{}' is undefined", variable_text(name, terms)), op.span,
        terms == nullptr ? undefined_variable_hint(name) : std::string());
}

Value Evaluator::variable(const Op& op) {
  if (op.count == 0) {
    const Value& local = locals_[op.slot];
    if (local.exists()) return local;
    if (context_ != nullptr) {
      if (Global* global = read_global(op.name)) {
        global->value.freeze();
        return global->value;
      }
    }
    if (op.lookup) return {};
    undefined_variable(op, nullptr);
  }
  Terms terms(*this, op);
  try {
    Value& local = locals_[op.slot];
    Value* start = local.exists() ? &local : nullptr;
    const bool is_local = start != nullptr;
    if (start == nullptr && context_ != nullptr)
      if (Global* global = read_global(op.name)) start = &global->value;
    const Value* found = nullptr;
    if (start != nullptr && !start->is_undef()) {
      if (op.lookup) {
        try {
          found = follow(*start, terms.begin(), terms.size(), true);
        } catch (const Failure&) {
          found = nullptr;  // a key on a list or an index on a dict: there is nothing
        }
      } else if (is_local && op.open && start->is_resource()) {
        // This reference becomes an alias: open everything on the way, so that changes through it are seen in the variable.
        Value* at = start;
        for (std::uint32_t i = 0; at != nullptr && i < terms.size(); ++i) {
          if (!at->is_resource()) {
            follow(*at, terms.begin() + i, terms.size() - i, false);
            break;
          }
          at->open();
          at = child_of(*at, terms[i]);
        }
        if (at != nullptr && at->is_resource()) at->open();
        found = at;
      } else {
        found = follow(*start, terms.begin(), terms.size(), false);
      }
    }
    if (found == nullptr) {
      if (op.lookup) return {};
      undefined_variable(op, &terms);
    }
    if (!is_local) found->freeze();
    return *found;
  } catch (Failure& failure) {
    if (context_ != nullptr) context_->locate(*failure.problem, op.span);
    throw;
  }
}

Value Evaluator::self_value(Span span) {
  if (context_ == nullptr) raise_evaluation("SELF is not known at compile time", span);
  if (context_->recording != nullptr) context_->recording->self();
  switch (context_->self.kind) {
    case Self::Kind::slot: return *context_->self.slot;
    case Self::Kind::read_only: return context_->self.value;
    case Self::Kind::forbidden: raise_evaluation("SELF cannot be used within include statement", span);
    case Self::Kind::none: break;
  }
  raise_evaluation("SELF is not defined", span);
}

Value Evaluator::self(const Op& op) {
  if (context_ != nullptr && op.open && context_->self.kind == Self::Kind::slot && context_->self.slot->is_resource())
    context_->self.slot->open();
  Value value = self_value(op.span);
  if (op.count == 0) return value;
  if (value.is_undef()) {
    if (op.lookup) return {};
    undefined_variable(op, nullptr);
  }
  Terms terms(*this, op);
  try {
    const Value* found = nullptr;
    try {
      found = follow(value, terms.begin(), terms.size(), false);
    } catch (const Failure&) {
      // A property on the way is an error even for exists(); a wrong kind of term is not.
      if (!op.lookup) throw;
      const Value* at = &value;
      for (std::uint32_t i = 0; i < terms.size(); ++i) {
        if (!at->is_resource()) throw;
        if (at->is_dict() != terms[i].is_key()) return {};
        at = child_of(*at, terms[i]);
      }
    }
    if (found == nullptr) {
      if (op.lookup) return {};
      undefined_variable(op, &terms);
    }
    if (op.open && found->is_resource() && found->node()->frozen && context_->self.kind == Self::Kind::slot &&
        !value.node()->frozen) {
      Value* at = context_->self.slot;
      value = Value();
      for (std::uint32_t i = 0; i < terms.size(); ++i) {
        at->open();
        at = child_of(*at, terms[i]);
      }
      at->open();
      return *at;
    }
    return *found;
  } catch (Failure& failure) {
    if (context_ != nullptr) context_->locate(*failure.problem, op.span);
    throw;
  }
}

Value Evaluator::store(const Op& target, Value value) {
  if (target.kind == OpKind::target_self) return store_self(target, std::move(value), false);
  try {
    if (target.count == 0) {
      if (context_ != nullptr && read_global(target.name) != nullptr)
        raise_evaluation(fmt::format("global variable '{}' cannot be modified from DML block", names_.text(target.name)));
      Value& local = locals_[target.slot];
      if (target.open && value.is_resource()) value.open();
      check_replacement(local, value);
      local = value;
      return value;
    }
    Terms terms(*this, target);
    if (context_ != nullptr && read_global(target.name) != nullptr)
      raise_evaluation(fmt::format("global variable '{}' cannot be modified from DML block", names_.text(target.name)));
    value = std::move(value).duplicate();
    Value& local = locals_[target.slot];
    if (!local.exists() || local.is_undef()) local = terms[0].is_key() ? Value::dict() : Value::list();
    put_at(local, terms.begin(), terms.size(), value);
    return value;
  } catch (Failure& failure) {
    if (context_ != nullptr) context_->locate(*failure.problem, target.span);
    throw;
  }
}

void Evaluator::remove(const Op& target) {
  if (target.kind == OpKind::target_self) {
    store_self(target, {}, true);
    return;
  }
  try {
    Terms terms(*this, target);
    if (context_ != nullptr && read_global(target.name) != nullptr)
      raise_evaluation(fmt::format("global variable '{}' cannot be modified from DML block", names_.text(target.name)));
    Value& local = locals_[target.slot];
    if (target.count == 0) {
      local = {};
      return;
    }
    if (!local.exists() || local.is_undef()) local = terms[0].is_key() ? Value::dict() : Value::list();
    put_at(local, terms.begin(), terms.size(), {});
  } catch (Failure& failure) {
    if (context_ != nullptr) context_->locate(*failure.problem, target.span);
    throw;
  }
}

Value* Evaluator::writable_self(const Op& op) {
  if (context_ == nullptr) raise_evaluation("SELF is not known at compile time", op.span);
  if (context_->recording != nullptr) context_->recording->self();
  Self& self = context_->self;
  if (self.kind != Self::Kind::slot) {
    self_value(op.span);
    raise_evaluation("cannot modify SELF from validation function", op.span);
  }
  if (self.global != nullptr && self.global->final) raise_evaluation("cannot modify final global variable", op.span);
  if (self.parent != nullptr && self.parent->frozen)
    self.slot = slot_at(context_->tree(*self.path), self.path->terms.data(), static_cast<std::uint32_t>(self.path->terms.size()),
                        self.parent);
  return self.slot;
}

Value Evaluator::store_self(const Op& target, Value value, bool erase) {
  if (context_ == nullptr) raise_evaluation("SELF is not known at compile time", target.span);
  try {
    Terms terms(*this, target);
    Value* slot = writable_self(target);
    if (slot->is_undef()) *slot = terms[0].is_key() ? Value::dict() : Value::list();
    if (context_->tracer != nullptr) context_->tracer->edits_self(target, terms.begin(), terms.size(), -1);
    put_at(*slot, terms.begin(), terms.size(), erase ? Value() : value);
    return value;
  } catch (Failure& failure) {
    context_->locate(*failure.problem, target.span);
    throw;
  }
}

Value Evaluator::list_target(const Op& op) {
  try {
    Terms terms(*this, op);
    Value* at = nullptr;
    if (op.kind == OpKind::list_target_self) {
      at = writable_self(op);
    } else {
      at = &locals_[op.slot];
      if (!at->exists()) {
        if (context_ == nullptr) raise_evaluation("the variable is not known at compile time", op.span);
        if (read_global(op.name) != nullptr)
          raise_evaluation(fmt::format("global variable '{}' cannot be modified from DML block", names_.text(op.name)));
      }
    }
    if (!at->exists() || at->is_undef() || at->is_null()) *at = Value::list();
    for (std::uint32_t i = 0; i < terms.size(); ++i) {
      if (!at->is_resource()) raise_evaluation(fmt::format("element of type {} has no children", tag_name(at->tag())));
      at->open();
      Value* child = child_of(*at, terms[i]);
      if (child == nullptr || child->is_undef()) {
        put_child(*at, terms[i], i + 1 < terms.size() && terms[i + 1].is_key() ? Value::dict() : Value::list());
        child = child_of(*at, terms[i]);
      }
      at = child;
    }
    if (!at->is_list())
      raise_evaluation(fmt::format("referenced variable of type {} is not a list", tag_name(at->tag())), op.span);
    at->open();
    if (op.kind == OpKind::list_target_self && context_->tracer != nullptr)
      context_->tracer->edits_self(op, terms.begin(), terms.size(), at->node()->size);
    return *at;
  } catch (Failure& failure) {
    if (context_ != nullptr) context_->locate(*failure.problem, op.span);
    throw;
  }
}

bool Evaluator::test(const Op& op, std::string_view what) {
  const Value value = eval(op);
  if (!value.is_boolean()) {
    if (returning_) return false;
    raise_evaluation(fmt::format("the test of {} must be a boolean, not {}", what, tag_name(value.tag())), op.span);
  }
  return value.as_boolean();
}

Value Evaluator::while_loop(const Op& op) {
  Value result = Value::undef();
  const std::int64_t limit = iteration_limit();
  std::int64_t count = 0;
  while (test(*op.args[0], "while")) {
    step(op.span);
    if (++count > limit)
      raise(Problem::Kind::evaluation, fmt::format("loop iteration count ({}) has been exceeded", limit), op.span,
            "raise --max-iteration if the loop is right");
    result = Value();
    result = eval(*op.args[1]);
    if (returning_) break;
  }
  return result;
}

Value Evaluator::for_loop(const Op& op) {
  Value result = eval(*op.args[0]);
  const std::int64_t limit = iteration_limit();
  std::int64_t count = 0;
  while (!returning_ && test(*op.args[1], "for")) {
    step(op.span);
    if (++count > limit)
      raise(Problem::Kind::evaluation, fmt::format("loop iteration count ({}) has been exceeded", limit), op.span,
            "raise --max-iteration if the loop is right");
    result = Value();
    result = eval(*op.args[3]);
    if (returning_) break;
    eval(*op.args[2]);
  }
  return result;
}

Value Evaluator::foreach_loop(const Op& op) {
  Value resource = eval(*op.args[2]);
  if (returning_) return resource;
  if (!resource.is_resource())
    raise_evaluation(fmt::format("foreach needs a list or dict, not {}", tag_name(resource.tag())), op.args[2]->span);
  const Op &key = *op.args[0], &value = *op.args[1];
  store(key, Value::undef());
  store(value, Value::undef());
  Value result = Value::undef();
  Node* node = resource.node();
  const std::uint32_t changes = node->changes;
  // A list that grows while it is walked must come to an end too.
  const std::int64_t limit = std::max<std::int64_t>(iteration_limit(), node->size);
  for (std::uint32_t i = 0; i < node->size; ++i) {
    if (node->dict && node->changes != changes) raise_evaluation("resource changed structurally during iteration", op.span);
    step(op.span);
    if (i >= limit) raise_evaluation(fmt::format("loop iteration count ({}) has been exceeded", limit), op.span);
    if (node->dict) {
      store(key, Value::share(node->entries[i].key));
    } else {
      store(key, Value::integer(i));
    }
    store(value, Value::undef());
    Value& child = node->dict ? node->entries[i].value : node->items[i];
    if (value.open && child.is_resource() && !node->frozen) child.open();
    store(value, child);
    result = Value();
    result = eval(*op.args[3]);
    if (returning_) break;
  }
  return result;
}

Value Evaluator::call(const Op& op) {
  if (context_ == nullptr) raise_evaluation("functions are not known at compile time", op.span);
  Function* function = context_->find_function(op.name);
  if (function == nullptr) {
    std::vector<std::string> known;
    for (Symbol s = 0; s < context_->functions.size(); ++s)
      if (context_->functions[s].statement != nullptr) known.emplace_back(names_.text(s));
    for (const Builtin& builtin : all_builtins()) known.emplace_back(builtin.name);
    const std::string name(names_.text(op.name));
    const auto similar = similar_names(name, known);
    raise(Problem::Kind::evaluation, fmt::format("undefined function: {}", name), op.span,
          similar.empty() ? std::string() : fmt::format("did you mean {}?", fmt::join(similar, ", ")));
  }
  StackGuard::check();
  Value argv = Value::list(op.count);
  for (std::uint32_t i = 0; i < op.count; ++i) {
    Value arg = eval(*op.args[i]);
    // As the reference's list of arguments: a null is not stored, one that is not last leaves a gap.
    if (arg.is_null()) continue;
    Node* list = argv.node();
    while (list->size < i) list->push_back(Value::undef());
    list->push_back(std::move(arg));
  }
  const Function callee = *function;
  context_->step(op.span);
  context_->push(callee.owner, op.span, true, names_.text(op.name));
  Global saved = std::move(context_->global(Names::function));
  context_->global(Names::function) = {callee.name, true};
  try {
    Value result = run(callee.statement->block, &argv, argv.node()->size);
    if (context_->tracer != nullptr) context_->tracer->returned(op, result);
    context_->global(Names::function) = std::move(saved);
    context_->pop();
    return result;
  } catch (Failure& failure) {
    context_->locate(*failure.problem, callee.statement->block.op->span);
    context_->global(Names::function) = std::move(saved);
    context_->pop();
    returning_ = false;
    throw;
  }
}

Value Evaluator::builtin(const Op& op) {
  if (context_ == nullptr && op.function->run_time_only)
    raise_evaluation(fmt::format("{}() cannot be used at compile time", op.function->name), op.span);
  try {
    return op.function->code(*this, op);
  } catch (Failure& failure) {
    if (context_ != nullptr)
      context_->locate(*failure.problem, op.span);
    else if (!failure.problem->place.span.known())
      failure.problem->place.span = op.span;
    throw;
  }
}

}  // namespace cdb::pan
