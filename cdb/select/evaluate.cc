#include <fmt/format.h>

#include "base/profile/json.h"
#include "base/text/text.h"
#include "cdb/select/expression.h"

namespace cdb::select {
namespace {

using base::profile::Value;

std::string text_of(const Value& value) {
  return value.is_string() ? *value.string() : base::profile::to_json(value);
}

std::optional<double> number_of(const Value& value) {
  if (value.is_integer()) return static_cast<double>(*value.integer());
  if (value.is_real()) return *value.real();
  return std::nullopt;
}

bool equal(const Literal& literal, const Value& value, bool name) {
  if (const auto number = number_of(value); number && literal.number) return *number == *literal.number;
  const auto text = text_of(value);
  std::string_view whole = text;
  // disk01 is disk01.example.org, as on every command line.
  if (name && literal.text.find('.') == std::string::npos && !literal.text.ends_with('*'))
    whole = whole.substr(0, whole.find('.'));
  return literal.pattern ? base::text::glob_match(literal.text, whole) : whole == literal.text;
}

// The profile's type decides: a number is compared as a number, a text as a version.
int order(const Value& value, const Literal& literal) {
  if (const auto number = number_of(value); number && literal.number)
    return *number < *literal.number ? -1 : *number > *literal.number ? 1 : 0;
  return compare_versions(text_of(value), literal.text);
}

base::Result<bool> compare(const Node& node, const Value* value, bool name) {
  const bool none = !value || !value->is_leaf() || value->is_null();
  const auto any = [&] {
    for (const auto& literal : node.values) {
      if (!none && equal(literal, *value, name)) return true;
    }
    return false;
  };
  switch (node.op) {
    case Op::equal:
    case Op::in: return any();
    case Op::unequal:
    case Op::not_in: return !any();
    case Op::less: return !none && order(*value, node.values.front()) < 0;
    case Op::less_equal: return !none && order(*value, node.values.front()) <= 0;
    case Op::greater: return !none && order(*value, node.values.front()) > 0;
    case Op::greater_equal: return !none && order(*value, node.values.front()) >= 0;
    case Op::matches: return none ? false : node.regex->find(text_of(*value));
    case Op::matches_not: return none ? true : !WEFT_TRY(node.regex->find(text_of(*value)));
  }
  return false;
}

base::Result<bool> decide(const Selection::Impl& impl, std::size_t which, std::span<const Value* const> values) {
  const auto& node = impl.nodes[which];
  switch (node.kind) {
    case Node::Kind::comparison: {
      const auto& field = impl.fields[node.field];
      auto result = compare(node, values[node.field], !field.path && field.name == "name");
      if (!result) return base::fail(std::move(result.error()).during("comparing " + field.name));
      return result;
    }
    case Node::Kind::negation: return !WEFT_TRY(decide(impl, node.children.front(), values));
    case Node::Kind::both:
    case Node::Kind::either: {
      const bool enough = node.kind == Node::Kind::either;
      for (const auto child : node.children) {
        if (WEFT_TRY(decide(impl, child, values)) == enough) return enough;
      }
      return !enough;
    }
  }
  return false;
}

std::string spelled(const Selection::Impl& impl, std::size_t which) {
  const auto& node = impl.nodes[which];
  const auto literal = [](const Literal& one) {
    if (one.pattern) return one.text;
    std::string out = "\"";
    for (const char c : one.text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out + '"';
  };
  std::string out;
  switch (node.kind) {
    case Node::Kind::negation: return "not " + spelled(impl, node.children.front());
    case Node::Kind::both:
    case Node::Kind::either:
      for (const auto child : node.children)
        out += (out.empty() ? "(" : node.kind == Node::Kind::both ? " and " : " or ") + spelled(impl, child);
      return out + ")";
    case Node::Kind::comparison: break;
  }
  out = impl.fields[node.field].name + std::string(select::spelled(node.op));
  if (node.op != Op::in && node.op != Op::not_in) return out + literal(node.values.front());
  out += "(";
  for (const auto& one : node.values) out += (out.back() == '(' ? "" : ", ") + literal(one);
  return out + ")";
}

}  // namespace

std::string_view spelled(Op op) {
  switch (op) {
    case Op::equal: return "=";
    case Op::unequal: return "!=";
    case Op::less: return "<";
    case Op::less_equal: return "<=";
    case Op::greater: return ">";
    case Op::greater_equal: return ">=";
    case Op::matches: return "~";
    case Op::matches_not: return "!~";
    case Op::in: return " in ";
    case Op::not_in: return " not in ";
  }
  return "";
}

const std::vector<Field>& Selection::fields() const {
  return impl_->fields;
}

base::Result<bool> Selection::matches(std::span<const base::profile::Value* const> values) const {
  if (values.size() != impl_->fields.size())
    return base::fail(base::Errc::internal,
                      fmt::format("a selection of {} fields was given {}", impl_->fields.size(), values.size()));
  return decide(*impl_, impl_->root, values);
}

std::string Selection::text() const {
  return spelled(*impl_, impl_->root);
}

}  // namespace cdb::select
