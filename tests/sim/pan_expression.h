// Well-typed random DML expressions. Private to the generator.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "tests/sim/pan_generator.h"

namespace pan_sim {

enum class Kind : std::uint8_t { integer, text, truth, real, numbers, table };
inline constexpr std::size_t kKinds = 6;
// The Pan type: "long", "string", ...
std::string type_name(Kind kind);

// What an expression may use at its place.
struct Scope {
  std::array<std::vector<std::string>, kKinds> variables;
  struct Function {
    std::string name;
    Kind argument, result;
  };
  std::vector<Function> functions;
  std::vector<std::string> paths;       // of this or other objects, read with a default
  std::vector<std::string> structures;  // names for create()
  int next_local = 0;

  void add(Kind kind, std::string name) { variables[static_cast<std::size_t>(kind)].push_back(std::move(name)); }
  const std::vector<std::string>& of(Kind kind) const { return variables[static_cast<std::size_t>(kind)]; }
};

class Expressions {
 public:
  explicit Expressions(Random& random) : random_(random) {}
  Kind any_kind() { return static_cast<Kind>(random_.below(kKinds)); }
  // `depth`: how many levels it may still nest.
  std::string make(Kind kind, const Scope& scope, int depth);
  std::string literal(Kind kind);
  // "{ ...; result; }" with locals and loops that end.
  std::string block(Kind kind, Scope scope, int depth);

 private:
  std::string integer(const Scope& scope, int depth);
  std::string text(const Scope& scope, int depth);
  std::string truth(const Scope& scope, int depth);
  std::string real(const Scope& scope, int depth);
  std::string numbers(const Scope& scope, int depth);
  std::string table(const Scope& scope, int depth);
  std::string call(Kind kind, const Scope& scope, int depth);
  std::string loop(Scope& scope, const std::string& number, const std::string& list, int depth);
  Random& random_;
};

}  // namespace pan_sim
