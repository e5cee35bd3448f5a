#include "tests/sim/pan_expression.h"

#include <fmt/format.h>

namespace pan_sim {

std::uint64_t Random::next() {
  // splitmix64
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

std::string type_name(Kind kind) {
  static constexpr const char* names[] = {"long", "string", "boolean", "double", "long[]", "long{}"};
  return names[static_cast<std::size_t>(kind)];
}

std::string Expressions::literal(Kind kind) {
  switch (kind) {
    case Kind::integer: return std::to_string(random_.below(random_.chance(80) ? 100 : 1'000'000'000));
    case Kind::text: {
      static const std::vector<std::string> words{"'alpha'",  "'b-c'",   "'it''s'", "\"tab\\tx\"", "'<&>'", "'caf\xc3\xa9'",
                                                  "'node01'", "'a,b;c'", "''",      "\"\\x41z\"",  "'9'"};
      return random_.pick(words);
    }
    case Kind::truth: return random_.chance(50) ? "true" : "false";
    case Kind::real: return fmt::format("{}.{}", random_.below(1000), random_.below(100));
    case Kind::numbers: {
      std::string out = "list(";
      for (std::size_t n = 1 + random_.below(4); n > 0; --n) out += literal(Kind::integer) + (n > 1 ? ", " : "");
      return out + ")";
    }
    case Kind::table: {
      std::string out = "dict(";
      const std::size_t count = 1 + random_.below(3);
      for (std::size_t n = 0; n < count; ++n)
        out += fmt::format("'{}{}', {}{}", random_.pick(std::vector<std::string>{"k", "K-", "x.y", "_"}), n,
                           literal(Kind::integer), n + 1 < count ? ", " : "");
      return out + ")";
    }
  }
  return "0";
}

std::string Expressions::call(Kind kind, const Scope& scope, int depth) {
  std::vector<Scope::Function> fit;
  for (const auto& f : scope.functions)
    if (f.result == kind) fit.push_back(f);
  if (fit.empty()) return {};
  const auto& f = random_.pick(fit);
  return fmt::format("{}({})", f.name, make(f.argument, scope, depth - 1));
}

std::string Expressions::make(Kind kind, const Scope& scope, int depth) {
  if (depth <= 0 || random_.chance(15)) {
    if (!scope.of(kind).empty() && random_.chance(70)) return random_.pick(scope.of(kind));
    return literal(kind);
  }
  if (random_.chance(20))
    if (std::string made = call(kind, scope, depth); !made.empty()) return made;
  if (random_.chance(8))
    return fmt::format("(if ({}) {} else {})", make(Kind::truth, scope, depth - 1), make(kind, scope, depth - 1),
                       make(kind, scope, depth - 1));
  switch (kind) {
    case Kind::integer: return integer(scope, depth - 1);
    case Kind::text: return text(scope, depth - 1);
    case Kind::truth: return truth(scope, depth - 1);
    case Kind::real: return real(scope, depth - 1);
    case Kind::numbers: return numbers(scope, depth - 1);
    case Kind::table: return table(scope, depth - 1);
  }
  return literal(kind);
}

std::string Expressions::integer(const Scope& scope, int depth) {
  auto sub = [&](Kind kind) { return make(kind, scope, depth); };
  switch (random_.below(9)) {
    case 0: return fmt::format("({} + {})", sub(Kind::integer), sub(Kind::integer));
    case 1: return fmt::format("({} - {})", sub(Kind::integer), sub(Kind::integer));
    case 2: return fmt::format("({} * {})", sub(Kind::integer), literal(Kind::integer));
    case 3: return fmt::format("({} {} {})", sub(Kind::integer), random_.chance(50) ? "/" : "%", 1 + random_.below(20));
    case 4: return fmt::format("length({})", sub(random_.pick(std::vector<Kind>{Kind::text, Kind::numbers, Kind::table})));
    case 5: return fmt::format("{}({}, {})", random_.chance(50) ? "max" : "min", sub(Kind::integer), sub(Kind::integer));
    case 6: return fmt::format("index({}, {})", sub(Kind::text), sub(Kind::text));
    case 7: return fmt::format("({} ^ {} & 255)", sub(Kind::integer), sub(Kind::integer));
    default: return fmt::format("to_long({})", random_.chance(50) ? sub(Kind::truth) : "'0x1f'");
  }
}

std::string Expressions::text(const Scope& scope, int depth) {
  auto sub = [&](Kind kind) { return make(kind, scope, depth); };
  switch (random_.below(11)) {
    case 0: return fmt::format("({} + {})", sub(Kind::text), sub(Kind::text));
    case 1: return fmt::format("to_string({})", sub(any_kind()));
    case 2: return fmt::format("format('%05d-%s', {}, {})", sub(Kind::integer), sub(Kind::text));
    case 3: return fmt::format("format('%.3f %b', {}, {})", sub(Kind::real), sub(Kind::truth));
    case 4: return fmt::format("replace('[aeiou]+', '<$0>', {})", sub(Kind::text));
    case 5: return fmt::format("{}({})", random_.chance(50) ? "to_uppercase" : "base64_encode", sub(Kind::text));
    case 6: return fmt::format("escape({})", sub(Kind::text));
    case 7: return fmt::format("join('/', split('[,;]', {}))", sub(Kind::text));
    case 8:
      if (!scope.paths.empty()) return fmt::format("to_string(value('{}', {}))", random_.pick(scope.paths), sub(Kind::text));
      return "OBJECT";
    case 9: return fmt::format("json_encode({})", sub(Kind::table));
    default: return random_.chance(50) ? "OBJECT" : fmt::format("digest('SHA-1', {})", sub(Kind::text));
  }
}

std::string Expressions::truth(const Scope& scope, int depth) {
  auto sub = [&](Kind kind) { return make(kind, scope, depth); };
  switch (random_.below(7)) {
    case 0: return fmt::format("({} {} {})", sub(Kind::integer), random_.chance(50) ? "<" : ">=", sub(Kind::integer));
    case 1: return fmt::format("({} == {})", sub(Kind::text), sub(Kind::text));
    case 2: return fmt::format("match({}, '^[a-m]|\\d$')", sub(Kind::text));
    case 3: return fmt::format("({} {} {})", sub(Kind::truth), random_.chance(50) ? "&&" : "||", sub(Kind::truth));
    case 4: return fmt::format("(!is_defined({}))", literal(Kind::text));
    case 5:
      if (!scope.paths.empty()) return fmt::format("exists('{}')", random_.pick(scope.paths));
      return literal(Kind::truth);
    default: return fmt::format("to_boolean({})", sub(Kind::integer));
  }
}

std::string Expressions::real(const Scope& scope, int depth) {
  auto sub = [&](Kind kind) { return make(kind, scope, depth); };
  switch (random_.below(3)) {
    case 0: return fmt::format("({} + {})", sub(Kind::real), sub(Kind::real));
    case 1: return fmt::format("({} * 0.5)", sub(Kind::real));
    default: return fmt::format("to_double({})", sub(Kind::integer));
  }
}

std::string Expressions::numbers(const Scope& scope, int depth) {
  auto sub = [&](Kind kind) { return make(kind, scope, depth); };
  switch (random_.below(4)) {
    case 0: return fmt::format("list({}, {})", sub(Kind::integer), sub(Kind::integer));
    case 1: return fmt::format("merge({}, {})", sub(Kind::numbers), sub(Kind::numbers));
    case 2: return fmt::format("splice({}, 0, 0, {})", sub(Kind::numbers), sub(Kind::numbers));
    default: return fmt::format("clone({})", sub(Kind::numbers));
  }
}

std::string Expressions::table(const Scope& scope, int depth) {
  auto sub = [&](Kind kind) { return make(kind, scope, depth); };
  switch (random_.below(3)) {
    case 0: return fmt::format("dict('p{}', {}, 'q', {})", random_.below(9), sub(Kind::integer), sub(Kind::integer));
    case 1: return fmt::format("merge({}, dict('only{}', {}))", literal(Kind::table), random_.below(99), sub(Kind::integer));
    default: return fmt::format("json_decode('{{\"n\": {}, \"m\": {}}}')", random_.below(50), random_.below(50));
  }
}

std::string Expressions::loop(Scope& scope, const std::string& number, const std::string& list, int depth) {
  const std::string i = fmt::format("l{}", scope.next_local++);
  switch (random_.below(4)) {
    case 0:
      return fmt::format("  for ({0} = 0; {0} < {1}; {0} = {0} + 1) {2} = {2} + {3};\n", i, 1 + random_.below(6), number,
                         make(Kind::integer, scope, depth));
    case 1:
      return fmt::format("  {0} = 0;\n  while ({0} < {1}) {{\n    {2}[length({2})] = {0} + {3};\n    {0} = {0} + 1;\n  }};\n", i,
                         1 + random_.below(5), list, number);
    case 2: {
      const std::string v = fmt::format("l{}", scope.next_local++);
      return fmt::format("  foreach ({}; {}; {}) {{\n    {} = {} + {};\n  }};\n", i, v, make(Kind::numbers, scope, depth), number,
                         number, v);
    }
    default: {
      const std::string k = fmt::format("l{}", scope.next_local++), v = fmt::format("l{}", scope.next_local++);
      return fmt::format(
          "  {0} = first({3}, {1}, {2});\n  while ({0}) {{\n    {4} = {4} + {1} * {2};\n    {0} = next({3}, {1}, {2});\n  }};\n",
          i, k, v, list, number);
    }
  }
}

std::string Expressions::block(Kind kind, Scope scope, int depth) {
  const std::string number = fmt::format("l{}", scope.next_local++), list = fmt::format("l{}", scope.next_local++);
  std::string out = fmt::format("{{\n  {} = {};\n  {} = clone({});\n", number, make(Kind::integer, scope, depth), list,
                                make(Kind::numbers, scope, depth));
  scope.add(Kind::integer, number);
  scope.add(Kind::numbers, list);
  for (std::size_t n = random_.below(3); n > 0; --n) {
    if (random_.chance(60)) {
      out += loop(scope, number, list, depth - 1);
      continue;
    }
    const Kind made = any_kind();
    const std::string local = fmt::format("l{}", scope.next_local++);
    out += fmt::format("  {} = {};\n", local, make(made, scope, depth));
    scope.add(made, local);
  }
  if (random_.chance(20)) out += fmt::format("  debug('%s in ' + OBJECT, {});\n", number);
  if (random_.chance(20)) out += fmt::format("  append({}, {});\n", list, make(Kind::integer, scope, depth - 1));
  return out + fmt::format("  {};\n}}", make(kind, scope, depth));
}

}  // namespace pan_sim
