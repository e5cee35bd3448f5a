#include "base/profile/json.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "base/profile/json_locate.h"

namespace base::profile {
namespace {

namespace dom = simdjson::dom;

// Why a document that is well-formed JSON is refused all the same.
struct Refusal {
  std::string why;
  Defect::Kind kind = Defect::syntax;
};

std::string too_deep(const JsonLimits& limits) {
  return fmt::format("it is nested more than {} levels deep", limits.depth);
}

// Recursion is bounded: the parser was told the depth limit. It does not count innermost empty brackets; we do.
class Builder {
 public:
  explicit Builder(const JsonLimits& limits) : limits_(limits) {}

  Refusal refusal;

  bool build(const dom::element& element, Value& value) {
    switch (element.type()) {
      case dom::element_type::NULL_VALUE: return true;
      case dom::element_type::BOOL: value = bool(element.get_bool().value_unsafe()); return true;
      case dom::element_type::INT64: value = std::int64_t(element.get_int64().value_unsafe()); return true;
      case dom::element_type::DOUBLE: value = double(element.get_double().value_unsafe()); return true;
      case dom::element_type::STRING: value = element.get_string().value_unsafe(); return true;
      case dom::element_type::UINT64:
        refusal = {fmt::format("the integer {} does not fit 64 bits with a sign", element.get_uint64().value_unsafe()),
                   Defect::big_integer};
        return false;
      case dom::element_type::ARRAY: return deeper() && list(element.get_array().value_unsafe(), value);
      case dom::element_type::OBJECT: return deeper() && dict(element.get_object().value_unsafe(), value);
    }
    return false;
  }

 private:
  bool deeper() {
    if (++depth_ <= limits_.depth) return true;
    refusal = {too_deep(limits_), Defect::syntax};
    return false;
  }

  bool list(const dom::array& array, Value& value) {
    List items;
    items.reserve(array.size());
    for (const dom::element item : array)
      if (!build(item, items.emplace_back())) return false;
    value = std::move(items);
    --depth_;
    return true;
  }

  bool dict(const dom::object& object, Value& value) {
    Dict children;
    for (const auto field : object) {
      const auto size = children.size();
      // Canonical documents come sorted: the hint makes each insertion constant time.
      const auto place = children.emplace_hint(children.end(), field.key, Value());
      if (children.size() == size) {
        refusal = {fmt::format("the key \"{}\" stands twice in one object", field.key.substr(0, 100)), Defect::duplicate};
        return false;
      }
      if (!build(field.value, place->second)) return false;
    }
    value = std::move(children);
    --depth_;
    return true;
  }

  const JsonLimits& limits_;
  int depth_ = 0;
};

std::string reason(simdjson::error_code error, const JsonLimits& limits) {
  switch (error) {
    case simdjson::DEPTH_ERROR: return too_deep(limits);
    case simdjson::EMPTY: return "the document is empty";
    case simdjson::UTF8_ERROR: return "the text is not UTF-8";
    case simdjson::UNCLOSED_STRING: return "a string is not closed";
    case simdjson::UNESCAPED_CHARS: return "a control character in a string must be escaped";
    case simdjson::STRING_ERROR: return "a string has a bad escape";
    case simdjson::NUMBER_ERROR: return "a number is malformed or out of range";
    case simdjson::T_ATOM_ERROR:
    case simdjson::F_ATOM_ERROR:
    case simdjson::N_ATOM_ERROR: return "only true, false and null are written without quotes";
    case simdjson::TAPE_ERROR:
    case simdjson::INCOMPLETE_ARRAY_OR_OBJECT: return "a value, comma, colon or closing bracket is missing or too many";
    default: return simdjson::error_message(error);
  }
}

}  // namespace

Result<Value> parse_json(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes)
    return fail(Errc::exhausted,
                fmt::format("the JSON document has {} bytes, more than the {} allowed here", text.size(), limits.bytes));
  const auto refuse = [&](const std::string& why, const Defect& defect) {
    const auto [line, column] = locate(text, limits.depth, defect);
    return fail(Errc::invalid, fmt::format("bad JSON at line {}, column {}: {}", line, column, why));
  };
  if (text.empty()) return refuse(reason(simdjson::EMPTY, limits), {});
  dom::parser parser;
  // Not too little: the exact count is the builder's.
  auto error = parser.allocate(text.size(), static_cast<std::size_t>(limits.depth) + 1);
  if (error) return fail(Errc::exhausted, fmt::format("no memory to parse a JSON document of {} bytes", text.size()));
  dom::element root;
  error = parser.parse(text.data(), text.size()).get(root);
  if (error == simdjson::MEMALLOC || error == simdjson::CAPACITY)
    return fail(Errc::exhausted, fmt::format("no memory to parse a JSON document of {} bytes", text.size()));
  if (error) return refuse(reason(error, limits), {Defect::syntax});
  Value value;
  Builder builder(limits);
  if (builder.build(root, value)) return value;
  return refuse(builder.refusal.why, {builder.refusal.kind});
}

}  // namespace base::profile
