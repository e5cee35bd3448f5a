#include "cdb/pan/builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "cdb/pan/builtin_text.h"
#include "cdb/pan/evaluator.h"
#include "cdb/pan/java/java.h"
#include "cdb/pan/operators.h"
#include "cdb/pan/pattern_cache.h"
#include "cdb/pan/stack_guard.h"

namespace cdb::pan {

namespace {

bool contains_return(const Op* op) {
  if (!op->leaves) return false;
  StackGuard::check();
  if (op->kind == OpKind::builtin && op->function->name == "return") return true;
  for (std::uint32_t i = 0; i < op->count; ++i)
    if (contains_return(op->args[i])) return true;
  return false;
}

bool automatic(Symbol name) {
  return name == Names::object || name == Names::function || name == Names::template_;
}

}  // namespace

Builder::Builder(Template& target, Names& names, bool debug_enabled)
    : target_(target), names_(names), debug_enabled_(debug_enabled) {}

void Builder::begin_block() {
  frame_.names.clear();
  frame_.uses.clear();
  if (!frame_.more.empty()) frame_.more.clear();
  frame_.targets.clear();
}

Block Builder::end_block(Op* op) {
  Block block;
  block.op = op;
  const auto& locals = frame_.names;
  block.slots = static_cast<std::uint16_t>(locals.size());
  if (!locals.empty()) {
    auto* names = static_cast<Symbol*>(target_.heap.allocate(locals.size() * sizeof(Symbol)));
    std::copy(locals.begin(), locals.end(), names);
    block.names = names;
  }
  for (std::size_t i = 0; i < locals.size(); ++i) {
    if (locals[i] == Names::argv) block.argv = static_cast<std::uint16_t>(i);
    if (locals[i] == Names::argc) block.argc = static_cast<std::uint16_t>(i);
  }
  for (Op* target : frame_.targets)
    if (frame_.uses[target->slot].open) target->open = true;
  return block;
}

Op* Builder::make_unfilled(OpKind kind, Span span, std::size_t count) {
  // The arguments stand right behind their operation.
  auto* op = new (target_.heap.allocate(sizeof(Op) + count * sizeof(Op*))) Op(kind);
  op->span = span;
  op->count = static_cast<std::uint32_t>(count);
  if (count != 0) op->args = reinterpret_cast<Op**>(op + 1);
  return op;
}

Op* Builder::make(OpKind kind, Span span, Ops args) {
  Op* op = make_unfilled(kind, span, args.size());
  for (std::size_t i = 0; i < args.size(); ++i) {
    op->args[i] = args[i];
    op->leaves |= args[i]->leaves;
  }
  return op;
}

void Builder::remember(const Failure& failure) {
  if (!first_error_) first_error_ = failure;
}

void Builder::syntax_error(std::string message, Span span, std::string hint) {
  try {
    raise(Problem::Kind::syntax, std::move(message), span, std::move(hint));
  } catch (const Failure& failure) {
    remember(failure);
  }
}

Op* Builder::constant(Value value, Span span) {
  Op* op = make(OpKind::constant, span);
  value.make_immortal(target_.kind != TemplateKind::object);
  new (&op->value) Value(std::move(value));
  return op;
}

std::uint16_t Builder::slot(Symbol name) {
  auto& names = frame_.names;
  constexpr std::size_t kFew = 32;  // as many are found sooner by looking at each
  const auto few = names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), kFew));
  const auto found = std::find(names.begin(), few, name);
  if (found != few) return static_cast<std::uint16_t>(found - names.begin());
  if (names.size() >= kFew)
    if (const auto known = frame_.more.find(name); known != frame_.more.end()) return known->second;
  if (names.size() >= 60000) raise(Problem::Kind::syntax, "a block cannot have more than 60000 variables");
  const auto slot = static_cast<std::uint16_t>(names.size());
  if (slot >= kFew) frame_.more.emplace(name, slot);
  names.push_back(name);
  frame_.uses.emplace_back();
  return slot;
}

void Builder::restricted(const Op* op) {
  if (!op->leaves) return;
  StackGuard::check();
  if (op->kind == OpKind::builtin && (op->function->name == "return" || op->function->name == "error"))
    syntax_error(fmt::format("{}() may not appear in a restricted context (either variable indices or function arguments)",
                             op->function->name),
                 op->span);
  for (std::uint32_t i = 0; i < op->count; ++i) restricted(op->args[i]);
}

void Builder::set_terms(Op* op, bool strict) {
  if (op->count == 0) return;
  auto* terms = static_cast<Term*>(target_.heap.allocate(op->count * sizeof(Term)));
  bool all = true;
  for (std::uint32_t i = 0; i < op->count; ++i) {
    new (&terms[i]) Term();
    if (!is_constant(op->args[i])) {
      all = false;
      continue;
    }
    try {
      terms[i] = make_term(op->args[i]->value);
      if (terms[i].is_key()) terms[i].key.make_immortal();
    } catch (const Failure& failure) {
      all = false;
      if (strict)
        syntax_error(fmt::format("index {} is not a valid term: {}", i, failure.problem->message), op->span,
                     failure.problem->hint);
    }
  }
  if (all) op->terms = terms;
}

Op* Builder::variable(std::string_view name, Span span, Ops indices) {
  for (const Op* index : indices) restricted(index);
  const Symbol symbol = names_.intern(name);
  Op* op = make(symbol == Names::self ? OpKind::self : OpKind::variable, span, indices);
  op->name = symbol;
  if (op->kind == OpKind::variable) op->slot = slot(symbol);
  set_terms(op, false);
  return op;
}

void Builder::convert_to_target(Op* op) {
  if (op->kind == OpKind::self) {
    op->kind = OpKind::target_self;
    if (op->count == 0) syntax_error("SELF variable may not be set directly", op->span);
  } else {
    op->kind = OpKind::target;
    if (automatic(op->name))
      syntax_error(fmt::format("automatic variable ({}) may not be set directly", names_.text(op->name)), op->span);
    Use& use = frame_.uses[op->slot];
    use.assigned = true;
    frame_.targets.push_back(op);
    if (op->count != 0) use.open = true;
  }
  op->terms = nullptr;
  set_terms(op, true);
}

void Builder::convert_to_list_target(Op* op) {
  if (op->kind == OpKind::self) {
    op->kind = OpKind::list_target_self;
    return;
  }
  op->kind = OpKind::list_target;
  Use& use = frame_.uses[op->slot];
  use.open = true;
  use.assigned = true;
}

// The value of this expression gets a second holder: whoever modifies it must be seen by both.
void Builder::mark_open(const Op* op) {
  StackGuard::check();
  switch (op->kind) {
    case OpKind::variable: frame_.uses[op->slot].open = true; [[fallthrough]];
    case OpKind::self: const_cast<Op*>(op)->open = true; break;
    case OpKind::sequence: mark_open(op->args[op->count - 1]); break;
    case OpKind::if_else:
      for (std::uint32_t i = 1; i < op->count; ++i) mark_open(op->args[i]);
      break;
    case OpKind::assign:
      for (std::uint32_t i = 1; i < op->count; ++i)
        if (op->args[i]->kind == OpKind::target) frame_.uses[op->args[i]->slot].open = true;
      break;
    case OpKind::while_loop:
    case OpKind::for_loop:
    case OpKind::foreach_loop: mark_open(op->args[op->count - 1]); break;
    default: break;
  }
}

Op* Builder::assign(Op* value, Ops targets, Span span) {
  mark_open(value);
  Op* op = make_unfilled(OpKind::assign, span, targets.size() + 1);
  op->args[0] = value;
  op->leaves = value->leaves;
  std::reverse_copy(targets.begin(), targets.end(), op->args + 1);
  for (const Op* target : targets) op->leaves |= target->leaves;
  return op;
}

Op* Builder::sequence(Ops ops, Span span) {
  if (ops.size() == 1) return ops[0];
  std::size_t count = 0;
  // Long sequences stay as they are: sequences in sequences would be copied again and again.
  constexpr std::uint32_t kMostCopied = 64;
  auto inner = [](const Op* op) { return op->kind == OpKind::sequence && op->count <= kMostCopied; };
  for (const Op* op : ops) count += inner(op) ? op->count : 1;
  Op* whole = make_unfilled(OpKind::sequence, span, count);
  Op** at = whole->args;
  for (Op* op : ops) {
    whole->leaves |= op->leaves;
    if (inner(op))
      at = std::copy(op->args, op->args + op->count, at);
    else
      *at++ = op;
  }
  return whole;
}

Op* Builder::fold(OpKind kind, Op* a, Op* b, Span span) {
  try {
    return constant(b != nullptr ? apply_binary(kind, a->value, b->value, span) : apply_unary(kind, a->value, span), span);
  } catch (Failure& failure) {
    const bool fit = b != nullptr ? operands_fit(kind, a->value, b->value) : kind == OpKind::plus;
    if (fit) failure.problem->kind = Problem::Kind::syntax;
    remember(failure);
    return broken(span);
  }
}

Op* Builder::unary(OpKind kind, Op* operand, Span span) {
  if (is_constant(operand)) {
    if (kind == OpKind::plus && !operand->value.is_number()) {
      syntax_error("argument for unary plus (+) operation must be a long or double", span);
      return broken(span);
    }
    return fold(kind, operand, nullptr, span);
  }
  return make(kind, span, {{operand}});
}

Op* Builder::binary(OpKind kind, Op* left, Op* right) {
  const Span span = join(left->span, right->span);
  if (kind == OpKind::logical_and || kind == OpKind::logical_or) {
    const std::string_view text = kind == OpKind::logical_and ? "logical-and (&&)" : "logical-or (||)";
    const bool decisive = kind == OpKind::logical_or;
    if (is_constant(left)) {
      if (!left->value.is_boolean()) {
        syntax_error(fmt::format("first argument for {} operation must be a boolean value", text), span);
        return broken(span);
      }
      if (left->value.as_boolean() == decisive) return constant(Value::boolean(decisive), span);
    }
    if (is_constant(right) && !right->value.is_boolean()) {
      syntax_error(fmt::format("second argument for {} operation must be a boolean value", text), span);
      return broken(span);
    }
    if (is_constant(left) && is_constant(right)) return constant(right->value, span);
    return make(kind, span, {{left, right}});
  }
  if (is_constant(left) && is_constant(right)) return fold(kind, left, right, span);
  return make(kind, span, {{left, right}});
}

Op* Builder::if_else(Op* condition, Op* yes, Op* no, Span span) {
  if (is_constant(condition)) {
    if (!condition->value.is_boolean()) {
      syntax_error("if-else test must evaluate to a boolean property", span);
      return broken(span);
    }
    if (condition->value.as_boolean()) return yes;
    return no != nullptr ? no : constant(Value::undef(), span);
  }
  if (no == nullptr) return make(OpKind::if_else, span, {{condition, yes}});
  return make(OpKind::if_else, span, {{condition, yes, no}});
}

Op* Builder::while_loop(Op* condition, Op* body, Span span) {
  if (is_constant(condition)) {
    if (!condition->value.is_boolean()) {
      syntax_error("loop test must evaluate to a boolean property", span);
      return broken(span);
    }
    if (!condition->value.as_boolean()) return constant(Value::undef(), span);
  }
  return make(OpKind::while_loop, span, {{condition, body}});
}

Op* Builder::for_loop(Op* init, Op* condition, Op* increment, Op* body, Span span) {
  return make(OpKind::for_loop, span, {{init, condition, increment, body}});
}

Op* Builder::foreach_loop(Op* key, Op* value, Op* resource, Op* body, Span span) {
  // A loop over something that its own body may modify needs the original, not a shared copy.
  mark_open(resource);
  return make(OpKind::foreach_loop, span, {{key, value, resource, body}});
}

Op* Builder::call(std::string_view name, Span span, Ops args) {
  for (const Op* arg : args) restricted(arg);
  const Symbol symbol = names_.intern(name);
  if (symbol <= Names::function) {
    syntax_error(fmt::format("{} cannot be used as a function", name), span);
    return broken(span);
  }
  const Builtin* builtin = find_builtin(name);
  if (builtin == nullptr) {
    for (Op* arg : args) mark_open(arg);
    Op* op = make(OpKind::call, span, args);
    op->name = symbol;
    return op;
  }
  const int count = static_cast<int>(args.size());
  if (count < builtin->min_args || (builtin->max_args >= 0 && count > builtin->max_args)) {
    syntax_error(library::wrong_count_text(*builtin), span, fmt::format("it is called with {}", count));
    return broken(span);
  }
  if (!builtin->pure)
    for (Op* arg : args) mark_open(arg);
  Op* op = make(OpKind::builtin, span, args);
  op->function = builtin;
  op->name = symbol;
  op->leaves |= name == "return" || name == "error";
  if (builtin->check != nullptr) op = builtin->check(*this, op);
  if (!debug_enabled_ && (name == "debug" || name == "traceback")) return constant(Value::undef(), span);
  return op;
}

bool Builder::can_be_constant(const Op* op) const {
  StackGuard::check();
  auto all = [&](std::uint32_t from, std::uint32_t to) {
    for (std::uint32_t i = from; i < to && i < op->count; ++i)
      if (!can_be_constant(op->args[i])) return false;
    return true;
  };
  switch (op->kind) {
    case OpKind::self:
    case OpKind::target_self:
    case OpKind::list_target_self:
    case OpKind::call: return false;
    case OpKind::variable: return frame_.uses[op->slot].assigned && all(0, op->count);
    case OpKind::builtin:
      // At compile time deprecated() is true, whatever its arguments are.
      return !op->function->run_time_only && (op->function->name == "deprecated" || all(0, op->count));
    case OpKind::if_else:
    case OpKind::while_loop:
    case OpKind::logical_and:
    case OpKind::logical_or: return all(0, 1);
    case OpKind::for_loop: return all(0, 2);
    case OpKind::foreach_loop: return all(0, 3);
    case OpKind::sequence:
      for (std::uint32_t i = 0; i < op->count; ++i) {
        if (!can_be_constant(op->args[i])) return false;
        if (contains_return(op->args[i])) return true;
      }
      return true;
    default: return all(0, op->count);
  }
}

Value Builder::evaluate_constant(const Block& block) {
  constexpr std::uint64_t kMostConstantTicks = 1'000'000;  // loops in loops are left for the statement, where steps are counted
  if (is_constant(block.op)) return block.op->value;
  if (first_error_ || !can_be_constant(block.op)) return {};
  try {
    const TickLimit limit(kMostConstantTicks);
    Evaluator evaluator(names_);
    Value value = evaluator.run(block);
    value.make_immortal(target_.kind != TemplateKind::object);
    return value;
    // What goes wrong is evaluated again when its statement runs, and is reported then.
  } catch (const Failure&) {
  } catch (const TimeExhausted&) {
  } catch (const StackExhausted&) {
  } catch (const std::bad_alloc&) {
  }
  return {};
}

const java::Regex* Builder::regex(std::string_view pattern, std::string_view flags, Span span, bool report) {
  auto compiled = compiled_pattern(pattern, flags);
  if (!compiled) {
    if (report)
      syntax_error(fmt::format("invalid regular expression: {}", compiled.error().message), span, compiled.error().hint);
    return nullptr;
  }
  return target_.patterns.emplace_back(std::move(*compiled)).get();
}

const Path* Builder::path(std::string_view text) {
  const Path path = parse_path(text);
  make_immortal(path);
  return new (target_.heap.allocate(sizeof(Path))) Path(path);
}

}  // namespace cdb::pan
