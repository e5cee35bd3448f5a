// Pan types and what they do: find defaults, put them in, validate. Built by the parser in its template's heap, immutable; names
// of other types are looked up in the Evaluator's object at run time, as templates may define them later.
#pragma once

#include <deque>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "cdb/pan/op.h"

namespace cdb::pan {

class Evaluator;

struct Range {
  std::int64_t min = 0;
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
  std::string text() const;
};

struct FullType;

struct BaseType {
  enum class Kind : std::uint8_t { primitive, alias, choice, list, dict, link, record };
  Kind kind = Kind::alias;
  bool has_range = false;
  bool extensible = false;
  Range range;
  Span span;
  Symbol name = 0;            // alias; primitive: its own name
  std::uint16_t accepts = 0;  // primitive: bit per Tag
  const BaseType* element = nullptr;
  std::span<const Value> choices;
  struct Field {
    Str* key;
    const FullType* type;
  };
  struct Include {
    Symbol name;
    Span span;
  };
  std::span<const Include> includes;
  std::span<const Field> required, optional;  // sorted by key

  std::string text(const Names& names) const;
};

struct FullType {
  const BaseType* base = nullptr;
  Value default_value;  // none: no default
  Block with;
  const SourcePtr* source = nullptr;  // its template's; null pointer: built in
  Span span;
  Place place() const { return {source != nullptr ? *source : nullptr, span}; }
};

// Names and types every object starts with: boolean, double, element, nlist, dict, list, long, number, property, resource,
// string.
struct BuiltinType {
  Symbol name;
  const FullType* type;
};
class BuiltinTypes {
 public:
  explicit BuiltinTypes(Names& names);
  const std::vector<BuiltinType>& list() const { return list_; }

 private:
  std::deque<BaseType> bases_;
  std::deque<FullType> types_;
  std::vector<BuiltinType> list_;
};

// Throws Failure when the type mentions one that is not defined (yet).
void verify_defined(const FullType& type, Evaluator& evaluator);
// None when the type has no default.
Value find_default(const FullType& type, Evaluator& evaluator);
// Fills in missing parts below `self`, which may be replaced.
void set_defaults(const FullType& type, Evaluator& evaluator, Value& self);
// Throws Failure (validation) when the value does not fit.
void validate(const FullType& type, Evaluator& evaluator, const Value& self);

}  // namespace cdb::pan
