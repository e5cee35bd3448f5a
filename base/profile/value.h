// The typed tree of a profile, also Weft's only in-memory form of JSON. Used by all programs. A plain value: copy, move, compare;
// no shared state, any thread. Long and double stay distinct (1 is not 1.0), dict keys are ordered by bytes.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/diag/result.h"

namespace base::profile {

class Value;
using List = std::vector<Value>;
using Dict = std::map<std::string, Value, std::less<>>;

enum class Type { null, boolean, integer, real, string, list, dict };

// "null", "boolean", "long", "double", "string", "list", "dict": Pan's words.
std::string_view type_name(Type type);

class Value {
 public:
  Value() = default;
  Value(std::nullptr_t) {}
  Value(bool v) : data_(v) {}
  template <class T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
  Value(T v) : data_(static_cast<std::int64_t>(v)) {}
  Value(double v) : data_(v) {}
  Value(const char* v) : data_(std::string(v)) {}
  Value(std::string_view v) : data_(std::string(v)) {}
  Value(std::string v) : data_(std::move(v)) {}
  Value(List v) : data_(std::move(v)) {}
  Value(Dict v) : data_(std::move(v)) {}

  Type type() const { return static_cast<Type>(data_.index()); }
  bool is_null() const { return type() == Type::null; }
  bool is_dict() const { return type() == Type::dict; }
  bool is_list() const { return type() == Type::list; }
  bool is_string() const { return type() == Type::string; }
  bool is_boolean() const { return type() == Type::boolean; }
  bool is_integer() const { return type() == Type::integer; }
  bool is_real() const { return type() == Type::real; }
  bool is_leaf() const { return !is_dict() && !is_list(); }

  // Typed access: null pointer when the type is another one.
  const bool* boolean() const { return std::get_if<bool>(&data_); }
  const std::int64_t* integer() const { return std::get_if<std::int64_t>(&data_); }
  const double* real() const { return std::get_if<double>(&data_); }
  const std::string* string() const { return std::get_if<std::string>(&data_); }
  const List* list() const { return std::get_if<List>(&data_); }
  const Dict* dict() const { return std::get_if<Dict>(&data_); }
  List* list() { return std::get_if<List>(&data_); }
  Dict* dict() { return std::get_if<Dict>(&data_); }

  // Child by key; null pointer when this is no dict or has no such key.
  const Value* get(std::string_view key) const;
  // Typed child with a fallback for absent or otherwise typed children.
  std::string_view get_string(std::string_view key, std::string_view fallback = {}) const;
  std::int64_t get_integer(std::string_view key, std::int64_t fallback = 0) const;
  bool get_boolean(std::string_view key, bool fallback = false) const;

  // Child for writing; a null value becomes a dict first. Precondition: null or dict.
  Value& operator[](std::string_view key);
  // Appends; a null value becomes a list first. Precondition: null or list.
  void push_back(Value v);

  friend bool operator==(const Value&, const Value&) = default;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Dict> data_;
};

}  // namespace base::profile
