#include <fmt/format.h>

#include "cdb/pan/java/java.h"
#include "cdb/pan/parse_tokens.h"
#include "cdb/pan/stack_guard.h"

namespace cdb::pan {

namespace {

struct Level {
  Lex token;
  OpKind kind;
};
// Lowest binding first.
constexpr int kLevels = 8;
OpKind operator_at(int level, Lex token) {
  switch (level) {
    case 0: return token == Lex::or_ ? OpKind::logical_or : OpKind::constant;
    case 1: return token == Lex::and_ ? OpKind::logical_and : OpKind::constant;
    case 2: return token == Lex::pipe ? OpKind::bit_or : OpKind::constant;
    case 3: return token == Lex::caret ? OpKind::bit_xor : OpKind::constant;
    case 4: return token == Lex::ampersand ? OpKind::bit_and : OpKind::constant;
    case 5: return token == Lex::equal ? OpKind::equal : token == Lex::not_equal ? OpKind::not_equal : OpKind::constant;
    case 6:
      return token == Lex::less            ? OpKind::less
             : token == Lex::greater       ? OpKind::greater
             : token == Lex::less_equal    ? OpKind::less_equal
             : token == Lex::greater_equal ? OpKind::greater_equal
                                           : OpKind::constant;
    default: return token == Lex::plus ? OpKind::add : token == Lex::minus ? OpKind::subtract : OpKind::constant;
  }
}
OpKind multiplicative(Lex token) {
  return token == Lex::asterisk  ? OpKind::multiply
         : token == Lex::slash   ? OpKind::divide
         : token == Lex::percent ? OpKind::modulo
                                 : OpKind::constant;
}

}  // namespace

bool Parser::starts_dml(Lex kind) const {
  switch (kind) {
    case Lex::identifier:
    case Lex::decimal:
    case Lex::hexadecimal:
    case Lex::octal:
    case Lex::real:
    case Lex::string:
    case Lex::heredoc:
    case Lex::undef:
    case Lex::null:
    case Lex::true_:
    case Lex::false_:
    case Lex::lparen:
    case Lex::lbrace:
    case Lex::plus:
    case Lex::minus:
    case Lex::not_:
    case Lex::tilde:
    case Lex::if_:
    case Lex::while_:
    case Lex::for_:
    case Lex::foreach:
    case Lex::semicolon: return true;
    default: return false;
  }
}

Op* Parser::dml() {
  StackGuard::check();
  if (cursor_.is(Lex::lbrace)) return dml_sequence();
  if (cursor_.is(Lex::semicolon))
    raise(Problem::Kind::parse, "illegal empty DML statement", cursor_.peek().span, "remove the extra ';'");
  return expression();
}

Op* Parser::dml_sequence() {
  const Span open = cursor_.expect(Lex::lbrace).span;
  std::vector<Op*> ops{dml()};
  while (cursor_.is(Lex::semicolon) && starts_dml(cursor_.peek(1).kind)) {
    cursor_.next();
    ops.push_back(dml());
  }
  cursor_.accept(Lex::semicolon);
  if (!cursor_.is(Lex::rbrace)) cursor_.unexpected("';' or '}'");
  const Span close = cursor_.next().span;
  return builder_.sequence(std::move(ops), {open.begin, close.end});
}

Op* Parser::expression() {
  const Span first = cursor_.peek().span;
  std::vector<Op*> targets;
  while (cursor_.assignment_ahead()) {
    targets.push_back(variable_reference(true));
    cursor_.expect(Lex::assign);
  }
  Op* value = nullptr;
  switch (cursor_.peek().kind) {
    case Lex::if_: value = if_statement(); break;
    case Lex::while_: value = while_statement(); break;
    case Lex::for_: value = for_statement(); break;
    case Lex::foreach: value = foreach_statement(); break;
    default: value = binary(0);
  }
  if (targets.empty()) return value;
  std::reverse(targets.begin(), targets.end());
  return builder_.assign(value, std::move(targets), {first.begin, cursor_.previous().span.end});
}

Op* Parser::binary(int level) {
  if (level == kLevels) {
    Op* left = unary();
    while (true) {
      const OpKind kind = multiplicative(cursor_.peek().kind);
      if (kind == OpKind::constant) return left;
      cursor_.next();
      left = builder_.binary(kind, left, unary());
    }
  }
  Op* left = binary(level + 1);
  while (true) {
    const OpKind kind = operator_at(level, cursor_.peek().kind);
    if (kind == OpKind::constant) return left;
    cursor_.next();
    left = builder_.binary(kind, left, binary(level + 1));
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
  if (!cursor_.is(Lex::identifier) || cursor_.peek(1).kind != Lex::lparen) return primary();
  const Token name = cursor_.next();
  cursor_.next();
  std::vector<Op*> args;
  if (starts_dml(cursor_.peek().kind)) args.push_back(dml());
  while (cursor_.is(Lex::comma) && starts_dml(cursor_.peek(1).kind)) {
    cursor_.next();
    args.push_back(dml());
  }
  cursor_.accept(Lex::comma);
  if (!cursor_.is(Lex::rparen)) cursor_.unexpected("',' or ')'");
  const Span close = cursor_.next().span;
  return builder_.call(name.text, join(name.span, close), std::move(args));
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
    case Lex::identifier: return variable_reference(false);
    case Lex::lparen: {
      cursor_.next();
      Op* inner = dml();
      cursor_.expect(Lex::rparen);
      return inner;
    }
    default: cursor_.unexpected("an expression");
  }
}

Op* Parser::variable_reference(bool target) {
  const Token name = cursor_.expect(Lex::identifier);
  Span span = name.span;
  std::vector<Op*> indices;
  while (cursor_.accept(Lex::lbracket)) {
    indices.push_back(dml());
    span = join(span, cursor_.expect(Lex::rbracket).span);
  }
  return target ? builder_.target(name.text, span, std::move(indices)) : builder_.variable(name.text, span, std::move(indices));
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
  Op* key = variable_reference(true);
  cursor_.expect(Lex::semicolon);
  Op* value = variable_reference(true);
  cursor_.expect(Lex::semicolon);
  Op* resource = dml();
  cursor_.expect(Lex::rparen);
  return builder_.foreach_loop(key, value, resource, dml(), word);
}

}  // namespace cdb::pan
