#include <fmt/format.h>

#include <array>

#include "cdb/pan/java/java.h"
#include "cdb/pan/parse_tokens.h"
#include "cdb/pan/stack_guard.h"

namespace cdb::pan {

namespace {

// Binary operators; all group to the left. Higher binds tighter, 0 is no operator.
struct Level {
  int binding = 0;
  OpKind kind = OpKind::constant;
};
constexpr std::size_t kKinds = static_cast<std::size_t>(Lex::choice) + 1;
constexpr auto kLevels = [] {
  std::array<Level, kKinds> table{};
  auto set = [&](Lex token, int binding, OpKind kind) { table[static_cast<std::size_t>(token)] = {binding, kind}; };
  set(Lex::or_, 1, OpKind::logical_or);
  set(Lex::and_, 2, OpKind::logical_and);
  set(Lex::pipe, 3, OpKind::bit_or);
  set(Lex::caret, 4, OpKind::bit_xor);
  set(Lex::ampersand, 5, OpKind::bit_and);
  set(Lex::equal, 6, OpKind::equal);
  set(Lex::not_equal, 6, OpKind::not_equal);
  set(Lex::less, 7, OpKind::less);
  set(Lex::greater, 7, OpKind::greater);
  set(Lex::less_equal, 7, OpKind::less_equal);
  set(Lex::greater_equal, 7, OpKind::greater_equal);
  set(Lex::plus, 8, OpKind::add);
  set(Lex::minus, 8, OpKind::subtract);
  set(Lex::asterisk, 9, OpKind::multiply);
  set(Lex::slash, 9, OpKind::divide);
  set(Lex::percent, 9, OpKind::modulo);
  return table;
}();

constexpr auto kStartsDml = [] {
  std::array<bool, kKinds> table{};
  for (Lex kind :
       {Lex::identifier, Lex::decimal, Lex::hexadecimal, Lex::octal,  Lex::real,    Lex::string,   Lex::heredoc, Lex::undef,
        Lex::null,       Lex::true_,   Lex::false_,      Lex::lparen, Lex::lbrace,  Lex::plus,     Lex::minus,   Lex::not_,
        Lex::tilde,      Lex::if_,     Lex::while_,      Lex::for_,   Lex::foreach, Lex::semicolon})
    table[static_cast<std::size_t>(kind)] = true;
  return table;
}();
bool starts_dml(Lex kind) {
  return kStartsDml[static_cast<std::size_t>(kind)];
}

}  // namespace

Op* Parser::dml() {
  StackGuard::check();
  if (cursor_.is(Lex::lbrace)) return dml_sequence();
  if (cursor_.is(Lex::semicolon))
    raise(Problem::Kind::parse, "illegal empty DML statement", cursor_.peek().span, "remove the extra ';'");
  return expression();
}

Op* Parser::dml_sequence() {
  const Span open = cursor_.expect(Lex::lbrace).span;
  const std::size_t mark = ops_.size();
  ops_.push_back(dml());
  while (cursor_.is(Lex::semicolon) && starts_dml(cursor_.ahead())) {
    cursor_.next();
    ops_.push_back(dml());
  }
  cursor_.accept(Lex::semicolon);
  if (!cursor_.is(Lex::rbrace)) cursor_.unexpected("';' or '}'");
  cursor_.next();
  return builder_.sequence(taken(mark), from(open.begin));
}

Op* Parser::expression() {
  const std::uint32_t begin = cursor_.peek().span.begin;
  const std::size_t mark = ops_.size();
  Op* value = nullptr;
  while (value == nullptr) {
    switch (cursor_.peek().kind) {
      case Lex::if_: value = if_statement(); break;
      case Lex::while_: value = while_statement(); break;
      case Lex::for_: value = for_statement(); break;
      case Lex::foreach: value = foreach_statement(); break;
      case Lex::identifier:
        if (cursor_.ahead() != Lex::lparen) {
          Op* variable = variable_reference();
          if (cursor_.accept(Lex::assign)) {
            builder_.convert_to_target(variable);
            ops_.push_back(variable);
          } else {
            value = binary(variable, 1);
          }
          break;
        }
        [[fallthrough]];
      default: value = binary(unary(), 1);
    }
  }
  if (ops_.size() == mark) return value;
  return builder_.assign(value, taken(mark), from(begin));
}

Op* Parser::binary(Op* left, int lowest) {
  while (true) {
    const Level level = kLevels[static_cast<std::size_t>(cursor_.peek().kind)];
    if (level.binding < lowest) return left;
    cursor_.next();
    left = builder_.binary(level.kind, left, binary(unary(), level.binding + 1));
  }
}

Op* Parser::unary() {
  OpKind kind = OpKind::constant;
  switch (cursor_.peek().kind) {
    case Lex::plus: kind = OpKind::plus; break;
    case Lex::minus: kind = OpKind::negate; break;
    case Lex::not_: kind = OpKind::logical_not; break;
    case Lex::tilde: kind = OpKind::bit_not; break;
    default: return functional();
  }
  const Span sign = cursor_.next().span;
  Op* operand = functional();
  return builder_.unary(kind, operand, join(sign, operand->span));
}

Op* Parser::functional() {
  if (!cursor_.is(Lex::identifier) || cursor_.ahead() != Lex::lparen) return primary();
  const Token name = cursor_.next();
  cursor_.next();
  const std::size_t mark = ops_.size();
  if (starts_dml(cursor_.peek().kind)) ops_.push_back(dml());
  while (cursor_.is(Lex::comma) && starts_dml(cursor_.ahead())) {
    cursor_.next();
    ops_.push_back(dml());
  }
  cursor_.accept(Lex::comma);
  if (!cursor_.is(Lex::rparen)) cursor_.unexpected("',' or ')'");
  cursor_.next();
  return builder_.call(name.text, from(name.span.begin), taken(mark));
}

Value Parser::long_literal(const Token& token) {
  const auto value = java::decode_long(token.text);
  if (value) return Value::integer(*value);
  builder_.syntax_error(fmt::format("the number {} does not fit 64 bits", token.text), token.span);
  return Value::integer(0);
}

Op* Parser::primary() {
  StackGuard::check();
  const Token token = cursor_.peek();
  switch (token.kind) {
    case Lex::decimal:
    case Lex::hexadecimal:
    case Lex::octal: cursor_.next(); return builder_.constant(long_literal(token), token.span);
    case Lex::real: {
      cursor_.next();
      const auto value = java::parse_double(token.text);
      return builder_.constant(Value::real(value.value_or(0)), token.span);
    }
    case Lex::string:
    case Lex::heredoc: cursor_.next(); return builder_.constant(Value::string(token.text), token.span);
    case Lex::undef: cursor_.next(); return builder_.constant(Value::undef(), token.span);
    case Lex::null: cursor_.next(); return builder_.constant(Value::null(), token.span);
    case Lex::true_:
    case Lex::false_: cursor_.next(); return builder_.constant(Value::boolean(token.kind == Lex::true_), token.span);
    case Lex::identifier: return variable_reference();
    case Lex::lparen: {
      cursor_.next();
      Op* inner = dml();
      cursor_.expect(Lex::rparen);
      return inner;
    }
    default: cursor_.unexpected("an expression");
  }
}

Op* Parser::variable_reference() {
  const Token name = cursor_.expect(Lex::identifier);
  const std::size_t mark = ops_.size();
  while (cursor_.accept(Lex::lbracket)) {
    ops_.push_back(dml());
    cursor_.expect(Lex::rbracket);
  }
  return builder_.variable(name.text, from(name.span.begin), taken(mark));
}

Op* Parser::target_reference() {
  Op* variable = variable_reference();
  builder_.convert_to_target(variable);
  return variable;
}

Op* Parser::if_statement() {
  const Span word = cursor_.next().span;
  cursor_.expect(Lex::lparen);
  Op* condition = dml();
  cursor_.expect(Lex::rparen);
  Op* yes = dml();
  Op* no = cursor_.accept(Lex::else_) ? dml() : nullptr;
  return builder_.if_else(condition, yes, no, word);
}

Op* Parser::while_statement() {
  const Span word = cursor_.next().span;
  cursor_.expect(Lex::lparen);
  Op* condition = dml();
  cursor_.expect(Lex::rparen);
  return builder_.while_loop(condition, dml(), word);
}

Op* Parser::for_statement() {
  const Span word = cursor_.next().span;
  cursor_.expect(Lex::lparen);
  Op* init = dml();
  cursor_.expect(Lex::semicolon);
  Op* condition = dml();
  cursor_.expect(Lex::semicolon);
  Op* increment = dml();
  cursor_.expect(Lex::rparen);
  return builder_.for_loop(init, condition, increment, dml(), word);
}

Op* Parser::foreach_statement() {
  const Span word = cursor_.next().span;
  cursor_.expect(Lex::lparen);
  Op* key = target_reference();
  cursor_.expect(Lex::semicolon);
  Op* value = target_reference();
  cursor_.expect(Lex::semicolon);
  Op* resource = dml();
  cursor_.expect(Lex::rparen);
  return builder_.foreach_loop(key, value, resource, dml(), word);
}

}  // namespace cdb::pan
