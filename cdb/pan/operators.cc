#include "cdb/pan/operators.h"

#include <fmt/format.h>

#include <cmath>

#include "cdb/pan/java/java.h"

namespace cdb::pan {

namespace {

using U = std::uint64_t;
Value wrapped(U v) {
  return Value::integer(static_cast<std::int64_t>(v));
}
U bits(const Value& v) {
  return static_cast<U>(v.as_integer());
}

std::string_view operator_name(OpKind kind) {
  switch (kind) {
    case OpKind::add: return "add (+)";
    case OpKind::subtract: return "subtract (-)";
    case OpKind::multiply: return "multiply (*)";
    case OpKind::divide: return "divide (/)";
    case OpKind::modulo: return "modulus (%)";
    case OpKind::bit_and: return "bit-and (&)";
    case OpKind::bit_or: return "bit-or (|)";
    case OpKind::bit_xor: return "bit-xor (^)";
    case OpKind::equal: return "equal (==)";
    case OpKind::not_equal: return "not-equal (!=)";
    case OpKind::less: return "less-than (<)";
    case OpKind::less_equal: return "less-or-equal (<=)";
    case OpKind::greater: return "greater-than (>)";
    case OpKind::greater_equal: return "greater-or-equal (>=)";
    case OpKind::negate: return "unary minus (-)";
    case OpKind::plus: return "unary plus (+)";
    case OpKind::bit_not: return "bit-not (~)";
    case OpKind::logical_not: return "logical-not (!)";
    default: return "?";
  }
}

enum class Wanted { property, number, integer };
Wanted wanted(OpKind kind) {
  switch (kind) {
    case OpKind::subtract:
    case OpKind::multiply:
    case OpKind::divide: return Wanted::number;
    case OpKind::modulo:
    case OpKind::bit_and:
    case OpKind::bit_or:
    case OpKind::bit_xor: return Wanted::integer;
    default: return Wanted::property;
  }
}

bool fits(Wanted want, const Value& v) {
  return want == Wanted::property ? v.is_property() : want == Wanted::number ? v.is_number() : v.is_integer();
}

[[noreturn]] void wrong_operands(OpKind kind, Span span) {
  const Wanted want = wanted(kind);
  const std::string_view kinds = want == Wanted::property ? "longs, doubles, or strings"
                                 : want == Wanted::number ? "longs or doubles"
                                                          : "long values";
  raise_evaluation(fmt::format("arguments for {} operation must be {}", operator_name(kind), kinds), span);
}

[[noreturn]] void mismatch(OpKind kind, const Value& a, const Value& b, Span span) {
  raise(Problem::Kind::evaluation, fmt::format("mismatched or invalid arguments for {} operation", operator_name(kind)), span,
        fmt::format("they are of type {} and {}", tag_name(a.tag()), tag_name(b.tag())));
}

template <class T>
bool holds(OpKind kind, T a, T b) {
  switch (kind) {
    case OpKind::equal: return a == b;
    case OpKind::not_equal: return a != b;
    case OpKind::less: return a < b;
    case OpKind::less_equal: return a <= b;
    case OpKind::greater: return a > b;
    default: return a >= b;
  }
}

Value compare(OpKind kind, const Value& a, const Value& b, Span span) {
  // Longs are compared as doubles, as the reference does.
  if (a.is_number() && b.is_number()) return Value::boolean(holds(kind, a.as_number(), b.as_number()));
  const bool equality = kind == OpKind::equal || kind == OpKind::not_equal;
  if (a.is_string() && b.is_string()) {
    if (equality) return Value::boolean((a.as_string() == b.as_string()) == (kind == OpKind::equal));
    const int order = a.str()->ascii && b.str()->ascii ? a.as_string().compare(b.as_string())
                                                       : java::utf16_compare(a.as_string(), b.as_string());
    return Value::boolean(holds(kind, order, 0));
  }
  if (equality && a.is_boolean() && b.is_boolean()) return Value::boolean(holds(kind, a.as_boolean(), b.as_boolean()));
  mismatch(kind, a, b, span);
}

}  // namespace

std::string_view operator_text(OpKind kind) {
  return operator_name(kind);
}

bool operands_fit(OpKind kind, const Value& a, const Value& b) {
  return fits(wanted(kind), a) && fits(wanted(kind), b);
}

Value apply_binary(OpKind kind, const Value& a, const Value& b, Span span) {
  if (!operands_fit(kind, a, b)) wrong_operands(kind, span);
  const bool longs = a.is_integer() && b.is_integer();
  switch (kind) {
    case OpKind::add:
      if (longs) return wrapped(bits(a) + bits(b));
      if (a.is_number() && b.is_number()) return Value::real(a.as_number() + b.as_number());
      if (a.is_string() && b.is_string()) return Value::adopt(Str::make(a.as_string(), b.as_string()));
      mismatch(kind, a, b, span);
    case OpKind::subtract: return longs ? wrapped(bits(a) - bits(b)) : Value::real(a.as_number() - b.as_number());
    case OpKind::multiply: return longs ? wrapped(bits(a) * bits(b)) : Value::real(a.as_number() * b.as_number());
    case OpKind::divide:
      if (b.as_number() == 0.0) raise_evaluation("division by zero", span);
      if (!longs) return Value::real(a.as_number() / b.as_number());
      // The smallest long divided by -1 wraps instead of trapping.
      return b.as_integer() == -1 ? wrapped(U{0} - bits(a)) : Value::integer(a.as_integer() / b.as_integer());
    case OpKind::modulo:
      if (b.as_integer() == 0) raise_evaluation("second argument for modulus (%) operation cannot be zero", span);
      return Value::integer(b.as_integer() == -1 ? 0 : a.as_integer() % b.as_integer());
    case OpKind::bit_and: return wrapped(bits(a) & bits(b));
    case OpKind::bit_or: return wrapped(bits(a) | bits(b));
    case OpKind::bit_xor: return wrapped(bits(a) ^ bits(b));
    default: return compare(kind, a, b, span);
  }
}

Value apply_unary(OpKind kind, const Value& a, Span span) {
  switch (kind) {
    case OpKind::logical_not:
      if (a.is_boolean()) return Value::boolean(!a.as_boolean());
      raise_evaluation(fmt::format("argument for {} operation must be a boolean value", operator_name(kind)), span);
    case OpKind::negate:
      if (a.is_integer()) return wrapped(U{0} - bits(a));
      if (a.is_real()) return Value::real(-a.as_real());
      raise_evaluation(fmt::format("argument for {} operation must be a long or double", operator_name(kind)), span);
    case OpKind::bit_not:
      if (a.is_integer()) return wrapped(~bits(a));
      raise_evaluation(fmt::format("argument for {} operation must be a long value", operator_name(kind)), span);
    default: return a;
  }
}

}  // namespace cdb::pan
