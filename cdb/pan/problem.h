// What went wrong, as thrown inside cdb/pan and turned into a Diagnostic at its face. A Failure never leaves the room.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace cdb::pan {

// A range of bytes in one source text; line and column are worked out only when somebody prints them. begin == end: no place
// known.
struct Span {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  bool known() const { return end > begin; }
};

inline Span join(Span a, Span b) {
  if (!a.known()) return b;
  if (!b.known()) return a;
  return {a.begin < b.begin ? a.begin : b.begin, a.end > b.end ? a.end : b.end};
}

struct SourceText;  // template.h
using SourcePtr = std::shared_ptr<const SourceText>;

struct Place {
  SourcePtr source;
  Span span;
};

struct Problem {
  enum class Kind : std::uint8_t { parse, syntax, evaluation, validation, system };
  struct Step {
    Place place;
    bool call = false;  // a function call; otherwise an include or create()
    std::string name;   // what was called or included
  };
  Kind kind = Kind::evaluation;
  std::string message;
  Place place;
  std::vector<Step> trace;  // innermost first
  bool traced = false;
  std::string hint;
  // validation
  std::string path;  // of the element at fault, relative parts are put in front while unwinding
  std::string value;
  std::string bound_path;
  std::string bound_type;
  Place bound_place;
  struct TypeStep {
    std::string name;
    Place place;
  };
  std::vector<TypeStep> types;  // innermost first
  std::shared_ptr<Problem> cause;
  Place origin;  // where the value was set, when known
};

struct Failure {
  std::shared_ptr<Problem> problem;
};

[[noreturn]] void raise(Problem::Kind kind, std::string message, Span span = {}, std::string hint = {});
[[noreturn]] inline void raise_evaluation(std::string message, Span span = {}) {
  raise(Problem::Kind::evaluation, std::move(message), span);
}
[[noreturn]] inline void raise_syntax(std::string message, Span span = {}) {
  raise(Problem::Kind::syntax, std::move(message), span);
}
[[noreturn]] inline void raise_validation(std::string message) {
  raise(Problem::Kind::validation, std::move(message));
}

}  // namespace cdb::pan
