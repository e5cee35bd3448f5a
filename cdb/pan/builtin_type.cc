#include <cmath>

#include "cdb/pan/builtin_list.h"
#include "cdb/pan/java/java.h"

namespace cdb::pan::library {

namespace {

// Math.round: to the nearest long, halves up, saturating.
std::int64_t java_round(double v) {
  if (v != v) return 0;
  const double r = std::floor(v + 0.5);
  // v + 0.5 may round up where it must not (0.49999999999999994).
  const double rounded = r - v > 0.5 ? r - 1 : r;
  if (rounded >= 9223372036854775808.0) return INT64_MAX;
  if (rounded <= -9223372036854775808.0) return INT64_MIN;
  return static_cast<std::int64_t>(rounded);
}

Value need_property(const Op& op, Value v) {
  if (!v.is_property()) raise_evaluation(wrong_argument_text(op.function->name, op.count, 0, v), op.span);
  return v;
}

Value extreme(Evaluator& e, const Op& op, bool largest) {
  const Value a = argument(e, op, 0), b = argument(e, op, 1);
  if (a.is_integer() && b.is_integer())
    return Value::integer(largest ? std::max(a.as_integer(), b.as_integer()) : std::min(a.as_integer(), b.as_integer()));
  if (!a.is_number() || !b.is_number())
    raise_evaluation(fmt::format("all arguments to {} must be longs or doubles", op.function->name), op.span);
  const double x = a.as_number(), y = b.as_number();
  if (x != x || y != y) return Value::real(std::nan(""));
  if (x == 0 && y == 0) return Value::real(largest == std::signbit(x) ? y : x);  // -0.0 is smaller than 0.0
  return Value::real(largest ? std::max(x, y) : std::min(x, y));
}

}  // namespace

Op* check_variable_lookup(Builder&, Op* op) {
  if (is_variable(op->args[0])) op->args[0]->lookup = true;
  return op;
}

Op* check_is_valid(Builder& builder, Op* op) {
  if (!is_variable(op->args[0])) builder.syntax_error("is_valid() requires the first argument to be a type", op->span);
  return op;
}

Value is_kind(Evaluator& e, const Op& op) {
  const bool variable = is_variable(op.args[0]);
  if (variable && e.at_compile_time())
    raise_evaluation(fmt::format("{}() of a variable is not known at compile time", op.function->name), op.span);
  const Value v = argument(e, op, 0);
  const std::string_view what = op.function->name.substr(3);
  bool is = false;
  switch (what[0]) {
    case 'b': is = v.is_boolean(); break;
    case 'd': is = what == "dict" ? v.is_dict() : what == "double" ? v.is_real() : v.tag() >= Tag::boolean; break;
    case 'l': is = what == "list" ? v.is_list() : v.is_integer(); break;
    case 'n': is = what == "nlist" ? v.is_dict() : what == "null" ? v.is_null() : v.is_number(); break;
    case 'p': is = v.is_property(); break;
    case 'r': is = v.is_resource(); break;
    default: is = v.is_string();
  }
  return Value::boolean(is);
}

Value is_valid(Evaluator& e, const Op& op) {
  const Op& type = *op.args[0];
  if (type.kind == OpKind::self) raise_evaluation("type lookup failed for 'SELF'", op.span);
  if (type.kind != OpKind::variable || type.count != 0)
    raise_evaluation("is_valid() requires the first argument to be a type", op.span);
  const Value v = argument(e, op, 1);
  const FullType* full = e.context()->find_type(type.name);
  if (full == nullptr) raise_evaluation(fmt::format("type lookup failed for '{}'", e.names().text(type.name)), op.span);
  try {
    validate(*full, e, v);
  } catch (const Failure& failure) {
    if (failure.problem->kind == Problem::Kind::validation) return Value::boolean(false);
    throw;
  }
  return Value::boolean(true);
}

Value to_boolean(Evaluator& e, const Op& op) {
  Value v = need_property(op, argument(e, op, 0));
  if (v.is_integer()) return Value::boolean(v.as_integer() != 0);
  if (v.is_real()) return Value::boolean(v.as_real() != 0);
  if (v.is_boolean()) return v;
  std::string_view s = v.as_string();
  if (s.empty()) return Value::boolean(false);
  return Value::boolean(!(s.size() == 5 && java::to_lowercase(s) == "false"));
}

Value to_double(Evaluator& e, const Op& op) {
  Value v = need_property(op, argument(e, op, 0));
  if (v.is_boolean()) return Value::real(v.as_boolean() ? 1.0 : 0.0);
  if (v.is_integer()) return Value::real(static_cast<double>(v.as_integer()));
  if (v.is_real()) return v;
  const auto parsed = java::parse_double(v.as_string());
  if (!parsed) raise_evaluation(fmt::format("string cannot be converted to double: {}", v.as_string()), op.span);
  return Value::real(*parsed);
}

Value to_long(Evaluator& e, const Op& op) {
  Value v = argument(e, op, 0);
  std::int64_t radix = 0;
  if (op.count == 2) {
    radix = long_argument(e, op, 1);
    if (radix < 2 || radix > 36)
      raise_evaluation(fmt::format("radix value {} is not within valid range [2, 36]", radix), op.span);
  }
  v = need_property(op, std::move(v));
  if (v.is_boolean()) return Value::integer(v.as_boolean() ? 1 : 0);
  if (v.is_integer()) return v;
  if (v.is_real()) return Value::integer(java_round(v.as_real()));
  const auto parsed = radix == 0 ? java::decode_long(v.as_string()) : java::parse_long(v.as_string(), static_cast<int>(radix));
  if (!parsed) raise_evaluation(fmt::format("string cannot be converted to long: {}", v.as_string()), op.span);
  return Value::integer(*parsed);
}

Value to_string(Evaluator& e, const Op& op) {
  Value v = argument(e, op, 0);
  if (v.is_string()) return v;
  return Value::string(text_of(v));
}

Value maximum(Evaluator& e, const Op& op) {
  return extreme(e, op, true);
}
Value minimum(Evaluator& e, const Op& op) {
  return extreme(e, op, false);
}

}  // namespace cdb::pan::library
