#include <algorithm>
#include <set>

#include "cdb/pan/builtin_list.h"
#include "cdb/pan/java/java.h"

namespace cdb::pan::library {

namespace {

Value key_argument(const Op& op, const Value& v) {
  if (!v.is_string())
    raise_evaluation(fmt::format("nlist keys must be string; argument is of type {}", tag_name(v.tag())), op.span);
  Term term = make_term(v.str());
  if (!term.is_key()) raise_evaluation(fmt::format("invalid key ({}) for nlist() or hash()", v.as_string()), op.span);
  return std::move(term.key);
}

Value add_to_list(Evaluator& e, const Op& op, bool front) {
  Value items = argument(e, op, 0);
  Value v = argument(e, op, op.count - 1);
  if (v.is_null()) raise_evaluation(fmt::format("value cannot be null for {}()", op.function->name), op.span);
  if (!items.is_list()) wrong_argument(op, 0, "a list", items);
  // A list inside itself could never be printed or freed.
  if (items.same_node(v)) raise_evaluation(fmt::format("{}() cannot add a list to itself", op.function->name), op.span);
  Node* node = items.open();
  if (front)
    node->insert(0, std::move(v));
  else
    node->push_back(std::move(v));
  return items;
}

}  // namespace

Op* check_dict(Builder& builder, Op* op) {
  if (op->count % 2 != 0) {
    builder.syntax_error("hash/nlist function must have an even number of arguments", op->span,
                         fmt::format("{} arguments are one too few", op->count));
    return op;
  }
  std::set<std::string, std::less<>> seen;
  try {
    for (std::uint32_t i = 0; i < op->count; i += 2) {
      if (!is_constant(op->args[i])) continue;
      const Value key = key_argument(*op, op->args[i]->value);
      if (!seen.emplace(key.as_string()).second)
        raise_evaluation(fmt::format("duplicate key ({}) in nlist function", key.as_string()), op->args[i]->span);
    }
  } catch (Failure& failure) {
    failure.problem->kind = Problem::Kind::syntax;
    if (!failure.problem->place.span.known()) failure.problem->place.span = op->span;
    builder.remember(failure);
  }
  return op;
}

Op* check_append(Builder& builder, Op* op) {
  const std::string_view name = op->function->name;
  Op* added = op->args[op->count - 1];
  if (is_constant(added, Tag::null)) {
    builder.syntax_error(fmt::format("value cannot be null for {}()", name), op->span);
    return op;
  }
  if (op->count == 2 && is_constant(op->args[0]) && !op->args[0]->value.is_list()) {
    builder.syntax_error(fmt::format("first argument of {}() must be a variable reference or a list", name), op->span);
    return op;
  }
  builder.mark_open(added);
  if (op->count == 1) {
    Op* self = builder.variable("SELF", op->span, {});
    builder.convert_to_list_target(self);
    Op* both[] = {self, added};
    Op* made = builder.make(OpKind::builtin, op->span, both);
    made->leaves = op->leaves;
    made->function = op->function;
    made->name = op->name;
    return made;
  }
  if (is_variable(op->args[0])) builder.convert_to_list_target(op->args[0]);
  return op;
}

Op* check_iterator(Builder& builder, Op* op) {
  for (std::uint32_t i = 1; i < 3; ++i) {
    if (is_variable(op->args[i]))
      builder.convert_to_target(op->args[i]);
    else if (!is_constant(op->args[i], Tag::undef))
      builder.syntax_error("argument must be a variable reference or undef", op->span);
  }
  return op;
}

Op* check_delete(Builder& builder, Op* op) {
  if (is_variable(op->args[0]))
    builder.convert_to_target(op->args[0]);
  else
    builder.syntax_error("first argument of delete() must be a variable reference", op->span);
  return op;
}

Value list(Evaluator& e, const Op& op) {
  Value result = Value::list(op.count);
  for (std::uint32_t i = 0; i < op.count; ++i) {
    Value v = argument(e, op, i);
    result.node()->push_back(std::move(v));
  }
  return result;
}

Value dict(Evaluator& e, const Op& op) {
  Value result = Value::dict(op.count / 2);
  // A list of the object's heap: quicker than a vector.
  const Value evaluated = Value::list(op.count);
  for (std::uint32_t i = 0; i < op.count; ++i) evaluated.node()->push_back(argument(e, op, i));
  Value* values = evaluated.node()->items;
  for (std::uint32_t i = 0; i < op.count; i += 2) {
    const Value key = key_argument(op, values[i]);
    Node* node = result.node();
    if (node->find(key.as_string()) != nullptr)
      raise_evaluation(fmt::format("duplicate key ({}) in nlist function", key.as_string()), op.span);
    if (!values[i + 1].is_null()) node->put(key.str(), std::move(values[i + 1]));
  }
  return result;
}

Value append(Evaluator& e, const Op& op) {
  return add_to_list(e, op, false);
}
Value prepend(Evaluator& e, const Op& op) {
  return add_to_list(e, op, true);
}

Value merge(Evaluator& e, const Op& op) {
  std::vector<Value> values;
  for (std::uint32_t i = 0; i < op.count; ++i) values.push_back(argument(e, op, i));
  if (!values[0].is_resource()) raise_evaluation("merge() arguments must be all lists or dicts", op.span);
  Value result = values[0].is_dict() ? Value::dict(values[0].node()->size) : Value::list(values[0].node()->size);
  for (const Value& v : values) {
    if (v.tag() != result.tag()) raise_evaluation("merge() arguments must be all lists or dicts", op.span);
    const Node* from = v.node();
    Node* to = result.node();
    for (std::uint32_t i = 0; i < from->size; ++i) {
      if (!from->dict) {
        to->push_back(from->items[i]);
        continue;
      }
      if (to->find(from->entries[i].key->view()) != nullptr)
        raise_evaluation(fmt::format("two (or more) children have the same name in merge(): {}", from->entries[i].key->view()),
                         op.span);
      to->put(from->entries[i].key, from->entries[i].value);
    }
  }
  return result;
}

Value splice(Evaluator& e, const Op& op) {
  Value values[4];
  for (std::uint32_t i = 0; i < op.count; ++i) values[i] = argument(e, op, i);
  for (std::uint32_t i = 1; i < 3; ++i) {
    if (!values[i].is_integer()) wrong_argument(op, i, "a long", values[i]);
    if (values[i].as_integer() > INT32_MAX || values[i].as_integer() < INT32_MIN)
      raise_evaluation(fmt::format("{} argument to splice() cannot be converted to int: {}", i == 1 ? "second" : "third",
                                   values[i].as_integer()),
                       op.span);
  }
  const Value& from = values[0];
  if (!from.is_string() && !from.is_list()) wrong_argument(op, 0, "a string or list", from);
  if (op.count == 4 && values[3].tag() != from.tag())
    raise_evaluation("fourth argument of splice() must be of the same type as the first", op.span);
  const std::int64_t size = from.is_list() ? from.node()->size : static_cast<std::int64_t>(java::utf16_length(from.as_string()));
  std::int64_t start = values[1].as_integer();
  if (start < 0) start += size;
  const std::int64_t length = values[2].as_integer();
  const std::int64_t end = length >= 0 ? start + length : size + length;
  const auto outside = [&](std::string_view which, bool before) {
    raise_evaluation(
        fmt::format("{} index in splice() is {} of {}", which, before ? "before beginning" : "after end", tag_name(from.tag())),
        op.span);
  };
  if (start < 0 || start > size) outside("start", start < 0);
  if (end < 0 || end > size) outside("end", end < 0);
  if (end < start) raise_evaluation("end index is before the start index", op.span);
  if (from.is_string()) {
    std::string out = java::utf16_substr(from.as_string(), 0, static_cast<std::size_t>(start));
    if (op.count == 4) out += values[3].as_string();
    out += java::utf16_substr(from.as_string(), static_cast<std::size_t>(end), static_cast<std::size_t>(size - end));
    return Value::string(out);
  }
  Value result = Value::list();
  auto copy = [&](const Value& items, std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) result.node()->push_back(items.node()->items[i]);
  };
  copy(from, 0, start);
  if (op.count == 4) copy(values[3], 0, values[3].node()->size);
  copy(from, end, size);
  return result;
}

namespace {

// Hands out the next entry of an iteration; false at the end.
bool advance(Evaluator& e, const Op& op, Evaluator::Iteration& iteration, bool reset_value) {
  Node* node = iteration.resource.node();
  if (iteration.position >= node->size) return false;
  if (node->dict && iteration.changes != node->changes) raise_evaluation("illegal iteration", op.span);
  const std::uint32_t at = iteration.position++;
  const Value key = node->dict ? Value::share(node->entries[at].key) : Value::integer(at);
  Value& place = node->dict ? node->entries[at].value : node->items[at];
  // The loop variable is an alias of the element when the block modifies it.
  if (op.args[2]->open && place.is_resource() && !node->frozen) place.open();
  const Value child = place;
  // Storing may move the list of iterations: `iteration` is not used below.
  if (op.args[1]->kind != OpKind::constant) e.store(*op.args[1], key);
  if (op.args[2]->kind != OpKind::constant) {
    if (reset_value) e.store(*op.args[2], Value::undef());
    e.store(*op.args[2], child);
  }
  return true;
}

Value iterated(Evaluator& e, const Op& op) {
  Value resource = argument(e, op, 0);
  if (!resource.is_resource()) wrong_argument(op, 0, "a list or dict", resource);
  return resource;
}

}  // namespace

Value first(Evaluator& e, const Op& op) {
  Value resource = iterated(e, op);
  for (std::uint32_t i = 1; i < 3; ++i)
    if (op.args[i]->kind != OpKind::constant) e.store(*op.args[i], Value::undef());
  auto& all = e.iterations();
  auto at = std::find_if(all.begin(), all.end(), [&](const Evaluator::Iteration& i) { return i.resource.same_node(resource); });
  if (at == all.end()) at = all.insert(all.end(), Evaluator::Iteration{});
  at->position = 0;
  at->changes = resource.node()->changes;
  at->resource = std::move(resource);
  return Value::boolean(advance(e, op, *at, false));
}

Value next(Evaluator& e, const Op& op) {
  const Value resource = iterated(e, op);
  for (auto& iteration : e.iterations())
    if (iteration.resource.same_node(resource)) return Value::boolean(advance(e, op, iteration, true));
  raise(Problem::Kind::evaluation, "no valid iterator found for resource", op.span,
        "call first() on the same variable before next()");
}

Value key(Evaluator& e, const Op& op) {
  const Value dict = argument(e, op, 0);
  const Value at = argument(e, op, 1);
  if (!dict.is_dict()) wrong_argument(op, 0, "a dict", dict);
  if (!at.is_integer()) wrong_argument(op, 1, "a long", at);
  if (at.as_integer() < 0 || at.as_integer() >= dict.node()->size)
    raise(Problem::Kind::evaluation, fmt::format("index out of bounds in key(): {}", at.as_integer()), op.span,
          fmt::format("the dict has {} keys", dict.node()->size));
  return Value::share(dict.node()->entries[at.as_integer()].key);
}

Value index(Evaluator& e, const Op& op) {
  const Value what = argument(e, op, 0), in = argument(e, op, 1);
  std::int64_t from = 0;
  if (op.count == 3) from = std::max<std::int64_t>(0, static_cast<std::int32_t>(long_argument(e, op, 2)));
  if (what.is_string() && in.is_string()) {
    const std::size_t found = java::utf16_index(in.as_string(), what.as_string(), static_cast<std::size_t>(from));
    // Java finds the empty string at the end, however far behind it the search begins.
    if (what.as_string().empty() && found == std::string::npos)
      return Value::integer(static_cast<std::int64_t>(java::utf16_length(in.as_string())));
    return Value::integer(found == std::string::npos ? -1 : static_cast<std::int64_t>(found));
  }
  if (in.is_list()) {
    for (std::int64_t i = from; i < in.node()->size; ++i)
      if (equal(what, in.node()->items[i])) return Value::integer(i);
    return Value::integer(-1);
  }
  if (!in.is_dict()) raise_evaluation("invalid argument(s) in call to index()", op.span);
  std::int64_t skipped = 0;
  for (std::uint32_t i = 0; i < in.node()->size; ++i)
    if (equal(what, in.node()->entries[i].value) && skipped++ >= from) return Value::share(in.node()->entries[i].key);
  return Value::string("");
}

Value length(Evaluator& e, const Op& op) {
  const Value v = argument(e, op, 0);
  if (v.is_string())
    return Value::integer(static_cast<std::int64_t>(v.str()->ascii ? v.as_string().size() : java::utf16_length(v.as_string())));
  if (v.is_resource()) return Value::integer(v.node()->size);
  if (v.is_undef()) return Value::integer(0);
  wrong_argument(op, 0, "a string, list, dict or undef", v);
}

Value clone(Evaluator& e, const Op& op) {
  return argument(e, op, 0).duplicate();
}

Value delete_function(Evaluator& e, const Op& op) {
  e.remove(*op.args[0]);
  return Value::undef();
}

Value return_function(Evaluator& e, const Op& op) {
  Value result = argument(e, op, 0);
  if (e.context() != nullptr && e.context()->tracer != nullptr) e.context()->tracer->returning(op);
  e.set_returning();
  return result;
}

}  // namespace cdb::pan::library
