#include "cdb/pan/json_text.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/profile/json.h"
#include "cdb/pan/evaluator.h"
#include "cdb/pan/java/java.h"
#include "cdb/pan/memo.h"
#include "cdb/pan/resource_limit.h"
#include "cdb/pan/stack_guard.h"
#include "cdb/pan/time_guard.h"

namespace cdb::pan {

namespace {

// Characters that stand for themselves in a JSON string of the reference.
constexpr auto kPlain = [] {
  std::array<bool, 256> plain{};
  for (int c = 0x20; c < 0x7f; ++c) plain[static_cast<std::size_t>(c)] = true;
  for (unsigned char c : {'"', '\\', '<', '>', '&', '=', '\''}) plain[c] = false;
  return plain;
}();

// The same for sixteen characters at once.
using Sixteen = std::uint8_t __attribute__((vector_size(16)));
bool plain_block(const char* text) {
  Sixteen c;
  std::memcpy(&c, text, sizeof c);
  const auto other = (c < 0x20) | (c > 0x7e) | (c == '"') | (c == '\\') | ((c & 0xfe) == '&') | (c - '<' < 3);
  std::uint64_t halves[2];
  std::memcpy(halves, &other, sizeof halves);
  return (halves[0] | halves[1]) == 0;
}

bool plain(std::string_view text) {
  std::size_t i = 0;
  for (; i + 16 <= text.size(); i += 16)
    if (!plain_block(text.data() + i)) return false;
  for (; i < text.size(); ++i)
    if (!kPlain[static_cast<unsigned char>(text[i])]) return false;
  return true;
}

void quote(TextBuffer& out, std::string_view text) {
  if (!plain(text)) return out.append(java::json_quote(text));
  char* at = out.room(text.size() + 2);
  *at++ = '"';
  text.copy(at, text.size());
  at += text.size();
  *at++ = '"';
  out.wrote(at);
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

char* line(char* at, std::size_t depth) {
  *at++ = '\n';
  std::memset(at, ' ', depth * 2);
  return at + depth * 2;
}

void write_resource(TextBuffer& out, const Node* node, std::size_t depth, Memo* memo);

// memo: where texts of nodes that other objects have too are kept; null pointer inside one of them.
void write(TextBuffer& out, const Value& value, std::size_t depth, Memo* memo) {
  switch (value.tag()) {
    case Tag::none:
    case Tag::null: return out.append("null");
    case Tag::undef: raise_evaluation("undef cannot be converted to JSON");
    case Tag::boolean: return out.append(value.as_boolean() ? "true" : "false");
    case Tag::integer: {
      const fmt::format_int text(value.as_integer());
      return out.append(std::string_view(text.data(), text.size()));
    }
    case Tag::real:
      if (!std::isfinite(value.as_real()))
        raise_evaluation(fmt::format("{} cannot be converted to JSON", java::double_text(value.as_real())));
      return out.append(java::double_text(value.as_real()));
    case Tag::string: return quote(out, value.as_string());
    case Tag::list:
    case Tag::dict: break;
  }
  TimeGuard::tick();
  const Node* node = value.node();
  if (node->size == 0) return out.append(node->dict ? "{}" : "[]");
  if (memo == nullptr || !node->shared) return write_resource(out, node, depth, memo);
  if (const std::string_view known = memo->json(node, depth); !known.empty()) return out.append(known);
  const std::size_t begin = out.size();
  write_resource(out, node, depth, nullptr);
  memo->keep_json(node, depth, out.view().substr(begin));
}

void write_resource(TextBuffer& out, const Node* node, std::size_t depth, Memo* memo) {
  StackGuard::check();
  out.append(node->dict ? '{' : '[');
  const std::size_t indent = (depth + 1) * 2 + 2;  // a comma and a line break with it
  for (std::uint32_t i = 0; i < node->size; ++i) {
    // Gson leaves out null members, but keeps null elements.
    if (node->dict) {
      const Entry& entry = node->entries[i];
      const std::string_view key = entry.key->view();
      char* at = out.room(indent + key.size() + 4);
      if (i != 0) *at++ = ',';
      at = line(at, depth + 1);
      // Keys hold no character that needs quoting.
      *at++ = '"';
      key.copy(at, key.size());
      at += key.size();
      std::memcpy(at, "\": ", 3);
      out.wrote(at + 3);
      write(out, entry.value, depth + 1, memo);
    } else {
      char* at = out.room(indent);
      if (i != 0) *at++ = ',';
      out.wrote(line(at, depth + 1));
      write(out, node->items[i], depth + 1, memo);
    }
  }
  char* at = line(out.room(indent), depth);
  *at++ = node->dict ? '}' : ']';
  out.wrote(at);
}

// A part of a JSON document that Pan cannot hold; its path is put together while unwinding.
struct WrongName {
  std::string path;
};

Value from_profile(const base::profile::Value& in) {
  using base::profile::Type;
  switch (in.type()) {
    case Type::null: return Value::null();
    case Type::boolean: return Value::boolean(*in.boolean());
    case Type::integer: return Value::integer(*in.integer());
    case Type::real: return Value::real(*in.real());
    case Type::string: return Value::string(*in.string());
    case Type::list: {
      Value out = Value::list();
      for (const auto& item : *in.list()) {
        try {
          out.node()->push_back(from_profile(item));
        } catch (WrongName& wrong) {
          wrong.path = fmt::format("[{}]{}", out.node()->size, wrong.path);
          throw;
        }
      }
      return out;
    }
    case Type::dict: break;
  }
  Value out = Value::dict();
  for (const auto& [name, item] : *in.dict()) {
    const Value text = Value::string(name);
    const Term term = make_term(text.str());
    if (!term.is_key()) throw WrongName{"." + name};
    try {
      put_child(out, term, from_profile(item));
    } catch (WrongName& wrong) {
      wrong.path = "." + name + wrong.path;
      throw;
    }
  }
  return out;
}

}  // namespace

void write_json(TextBuffer& out, const Value& value) {
  write(out, value, 0, Memo::current());
}

Value read_json(std::string_view text) {
  auto parsed = base::profile::parse_json(text);
  if (!parsed)
    raise_evaluation(
        fmt::format("invalid JSON value {}: {}{}", shortened(std::string(text)), fault(text), parsed.error().message));
  try {
    return from_profile(*parsed);
  } catch (const WrongName& wrong) {
    raise_evaluation(fmt::format("JSON path '${}' is not a valid PAN path", wrong.path));
  }
}

}  // namespace cdb::pan
