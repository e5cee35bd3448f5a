#include "cdb/pan/json_text.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <vector>

#include "base/profile/json.h"
#include "cdb/pan/evaluator.h"
#include "cdb/pan/java/java.h"
#include "cdb/pan/stack_guard.h"

namespace cdb::pan {

namespace {

// Characters that stand for themselves in a JSON string of the reference.
constexpr auto kPlain = [] {
  std::array<bool, 256> plain{};
  for (int c = 0x20; c < 0x7f; ++c) plain[static_cast<std::size_t>(c)] = true;
  for (unsigned char c : {'"', '\\', '<', '>', '&', '=', '\''}) plain[c] = false;
  return plain;
}();

void quote(std::string& out, std::string_view text) {
  for (unsigned char c : text) {
    if (!kPlain[c]) {
      out += java::json_quote(text);
      return;
    }
  }
  out += '"';
  out += text;
  out += '"';
}

// What is wrong with a JSON text in the reference's words, which scripts look for; "" for what it says in its parser's terms
// only.
std::string_view fault(std::string_view text) {
  std::vector<bool> open;  // true: a dict
  bool name_next = false;
  bool empty = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') continue;
    empty = false;
    if (name_next && c != '"' && c != '}') return "Expected name: ";
    name_next = c == '{' || (c == ',' && !open.empty() && open.back());
    if (c == '{' || c == '[') {
      open.push_back(c == '{');
    } else if (c == '}' || c == ']') {
      if (open.empty() || open.back() != (c == '}')) return "";
      open.pop_back();
    } else if (c == '"') {
      for (++i; i < text.size() && text[i] != '"'; ++i)
        if (text[i] == '\\') ++i;
      if (i >= text.size()) return "Unterminated string: ";
    }
  }
  return empty || !open.empty() ? "End of input: " : "";
}

void line(std::string& out, std::size_t depth) {
  static constexpr std::string_view kSpaces = "\n                                                                ";
  if (depth * 2 < kSpaces.size()) {
    out += kSpaces.substr(0, 1 + depth * 2);
  } else {
    out += '\n';
    out.append(depth * 2, ' ');
  }
}

void write(std::string& out, const Value& value, std::size_t depth) {
  switch (value.tag()) {
    case Tag::none:
    case Tag::null: out += "null"; return;
    case Tag::undef: raise_evaluation("undef cannot be converted to JSON");
    case Tag::boolean: out += value.as_boolean() ? "true" : "false"; return;
    case Tag::integer: {
      const fmt::format_int text(value.as_integer());
      out.append(text.data(), text.size());
      return;
    }
    case Tag::real:
      if (!std::isfinite(value.as_real()))
        raise_evaluation(fmt::format("{} cannot be converted to JSON", java::double_text(value.as_real())));
      out += java::double_text(value.as_real());
      return;
    case Tag::string: quote(out, value.as_string()); return;
    case Tag::list:
    case Tag::dict: break;
  }
  StackGuard::check();
  const Node* node = value.node();
  if (node->size == 0) {
    out += node->dict ? "{}" : "[]";
    return;
  }
  out += node->dict ? '{' : '[';
  bool first = true;
  for (std::uint32_t i = 0; i < node->size; ++i) {
    const Value& child = node->dict ? node->entries[i].value : node->items[i];
    // Gson leaves out null members, but keeps null elements.
    if (!first) out += ',';
    first = false;
    line(out, depth + 1);
    if (node->dict) {
      // Keys hold no character that needs quoting.
      out += '"';
      out += node->entries[i].key->view();
      out += "\": ";
    }
    write(out, child, depth + 1);
  }
  line(out, depth);
  out += node->dict ? '}' : ']';
}

Value from_profile(const base::profile::Value& in, const std::string& path) {
  using base::profile::Type;
  switch (in.type()) {
    case Type::null: return Value::null();
    case Type::boolean: return Value::boolean(*in.boolean());
    case Type::integer: return Value::integer(*in.integer());
    case Type::real: return Value::real(*in.real());
    case Type::string: return Value::string(*in.string());
    case Type::list: {
      Value out = Value::list();
      std::size_t i = 0;
      for (const auto& item : *in.list()) out.node()->push_back(from_profile(item, fmt::format("{}[{}]", path, i++)));
      return out;
    }
    case Type::dict: break;
  }
  Value out = Value::dict();
  for (const auto& [name, item] : *in.dict()) {
    const std::string here = path + "." + name;
    const Value text = Value::string(name);
    const Term term = make_term(text.str());
    if (!term.is_key()) raise_evaluation(fmt::format("JSON path '{}' is not a valid PAN path", here));
    put_child(out, term, from_profile(item, here));
  }
  return out;
}

}  // namespace

void write_json(std::string& out, const Value& value) {
  write(out, value, 0);
}

Value read_json(std::string_view text) {
  auto parsed = base::profile::parse_json(text);
  if (!parsed) raise_evaluation(fmt::format("invalid JSON value {}: {}{}", text, fault(text), parsed.error().message));
  return from_profile(*parsed, "$");
}

}  // namespace cdb::pan
