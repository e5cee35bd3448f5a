#include "base/profile/value.h"

#include <cassert>

namespace base::profile {

std::string_view type_name(Type type) {
  switch (type) {
    case Type::null: return "null";
    case Type::boolean: return "boolean";
    case Type::integer: return "long";
    case Type::real: return "double";
    case Type::string: return "string";
    case Type::list: return "list";
    case Type::dict: return "dict";
  }
  return "null";
}

const Value* Value::get(std::string_view key) const {
  const Dict* children = dict();
  if (!children) return nullptr;
  const auto found = children->find(key);
  return found == children->end() ? nullptr : &found->second;
}

std::string_view Value::get_string(std::string_view key, std::string_view fallback) const {
  const Value* child = get(key);
  const std::string* text = child ? child->string() : nullptr;
  return text ? std::string_view(*text) : fallback;
}

std::int64_t Value::get_integer(std::string_view key, std::int64_t fallback) const {
  const Value* child = get(key);
  const std::int64_t* number = child ? child->integer() : nullptr;
  return number ? *number : fallback;
}

bool Value::get_boolean(std::string_view key, bool fallback) const {
  const Value* child = get(key);
  const bool* truth = child ? child->boolean() : nullptr;
  return truth ? *truth : fallback;
}

Value& Value::operator[](std::string_view key) {
  if (is_null()) data_.emplace<Dict>();
  Dict* children = dict();
  assert(children && "operator[] on a value that is neither null nor a dict");
  const auto place = children->lower_bound(key);
  if (place != children->end() && place->first == key) return place->second;
  return children->emplace_hint(place, std::string(key), Value())->second;
}

void Value::push_back(Value v) {
  if (is_null()) data_.emplace<List>();
  List* items = list();
  assert(items && "push_back on a value that is neither null nor a list");
  items->push_back(std::move(v));
}

}  // namespace base::profile
