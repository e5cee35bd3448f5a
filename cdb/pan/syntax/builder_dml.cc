// DML: the expressions and their statements.
#include "cdb/pan/syntax/builder.h"

namespace cdb::pan::syntax {

namespace {

// How strongly a binary operator binds; 0: none.
int level_of(Lex token) {
  switch (token) {
    case Lex::or_: return 1;
    case Lex::and_: return 2;
    case Lex::pipe: return 3;
    case Lex::caret: return 4;
    case Lex::ampersand: return 5;
    case Lex::equal:
    case Lex::not_equal: return 6;
    case Lex::less:
    case Lex::greater:
    case Lex::less_equal:
    case Lex::greater_equal: return 7;
    case Lex::plus:
    case Lex::minus: return 8;
    case Lex::asterisk:
    case Lex::slash:
    case Lex::percent: return 9;
    default: return 0;
  }
}

}  // namespace

bool TreeBuilder::starts_dml(Lex kind) const {
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
    case Lex::foreach: return true;
    default: return false;
  }
}

bool TreeBuilder::stops_dml() const {
  return is(Lex::end) || at_item_end();
}

void TreeBuilder::dml() {
  if (!enter()) return leave();
  if (is(Lex::lbrace))
    block();
  else if (starts_dml(peek()) && !statement_ahead())
    expression();
  else
    unexpected(is(Lex::semicolon) ? "an expression (there is no empty one)" : "an expression");
  leave();
}

void TreeBuilder::block() {
  const Mark mark = open();
  next();
  while (true) {
    const TokenId before = at_;
    dml();
    if (accept(Lex::semicolon)) {
      if (is(Lex::rbrace)) break;
      continue;
    }
    if (is(Lex::rbrace) || is(Lex::end) || statement_ahead()) break;
    unexpected("';' or '}'");
    if (!starts_dml(peek())) {
      if (at_ == before) {
        const Mark wrong = open();
        next();
        close(wrong, Kind::error);
      }
      skip_to(&TreeBuilder::at_item_end);
    }
    accept(Lex::semicolon);
    if (is(Lex::rbrace)) break;
  }
  expect(Lex::rbrace, "';' or '}'");
  close(mark, Kind::block);
}

void TreeBuilder::expression() {
  const Mark mark = open();
  bool targets = false;
  while (is(Lex::identifier) && peek(1) != Lex::lparen) {
    const Mark left = open();
    reference();
    if (accept(Lex::assign)) {
      targets = true;
      continue;
    }
    binary(left, 1, true);
    if (targets) close(mark, Kind::assign);
    return;
  }
  switch (peek()) {
    case Lex::if_: if_statement(); break;
    case Lex::while_: while_statement(); break;
    case Lex::for_: for_statement(); break;
    case Lex::foreach: foreach_statement(); break;
    default:
      if (targets && !starts_dml(peek()))
        unexpected("an expression");
      else
        binary(open(), 1, false);
  }
  if (targets) close(mark, Kind::assign);
}

// Operators of `level` and stronger; the left-most operand may have been read already.
void TreeBuilder::binary(Mark mark, int level, bool have_left) {
  if (!have_left) unary();
  // Each stronger chain becomes one operand of the weaker: climb down from the strongest.
  while (true) {
    const int found = level_of(peek());
    if (found < level) return;
    while (level_of(peek()) == found) {
      next();
      const Mark operand = open();
      unary();
      if (level_of(peek()) > found) binary(operand, found + 1, true);
    }
    close(mark, Kind::binary);
  }
}

void TreeBuilder::unary() {
  const Mark mark = open();
  switch (peek()) {
    case Lex::plus:
    case Lex::minus:
    case Lex::not_:
    case Lex::tilde: break;
    default: return functional();
  }
  next();
  functional();
  close(mark, Kind::unary);
}

void TreeBuilder::functional() {
  if (!is(Lex::identifier) || peek(1) != Lex::lparen) return primary();
  const Mark mark = open();
  leaf(Kind::name);
  next();
  arguments();
  close(mark, Kind::call);
}

void TreeBuilder::arguments() {
  while (!is(Lex::rparen)) {
    const TokenId before = at_;
    // The grammar lets one comma stand before the first argument and one behind the last.
    if (!is(Lex::comma)) dml();
    if (accept(Lex::comma)) {
      if (is(Lex::comma)) unexpected("an expression or ')'");
      continue;
    }
    if (is(Lex::rparen) || is(Lex::semicolon) || is(Lex::end) || is(Lex::rbrace) || statement_ahead()) break;
    unexpected("',' or ')'");
    if (at_ == before || !starts_dml(peek())) {
      const Mark wrong = open();
      next();
      close(wrong, Kind::error);
    }
  }
  expect(Lex::rparen, "',' or ')'");
}

void TreeBuilder::primary() {
  switch (peek()) {
    case Lex::decimal:
    case Lex::hexadecimal:
    case Lex::octal:
    case Lex::real:
    case Lex::string:
    case Lex::heredoc:
    case Lex::undef:
    case Lex::null:
    case Lex::true_:
    case Lex::false_: return statement_ahead() ? unexpected("an expression") : leaf(Kind::literal);
    case Lex::identifier: return reference();
    case Lex::lparen: {
      const Mark mark = open();
      next();
      dml();
      expect(Lex::rparen);
      return close(mark, Kind::paren);
    }
    default: unexpected("an expression");
  }
}

void TreeBuilder::reference() {
  const Mark mark = open();
  name("a variable");
  while (accept(Lex::lbracket)) {
    dml();
    if (!expect(Lex::rbracket)) break;
  }
  close(mark, Kind::reference);
}

void TreeBuilder::if_statement() {
  const Mark mark = open();
  next();
  expect(Lex::lparen);
  dml();
  if (!expect(Lex::rparen) && !stops_dml()) {
    skip_to(&TreeBuilder::at_item_end);
    accept(Lex::rparen);
  }
  dml();
  if (accept(Lex::else_)) dml();
  close(mark, Kind::if_);
}

void TreeBuilder::while_statement() {
  const Mark mark = open();
  next();
  expect(Lex::lparen);
  dml();
  expect(Lex::rparen);
  dml();
  close(mark, Kind::while_);
}

void TreeBuilder::for_statement() {
  const Mark mark = open();
  next();
  expect(Lex::lparen);
  dml();
  expect(Lex::semicolon);
  dml();
  expect(Lex::semicolon);
  dml();
  expect(Lex::rparen);
  dml();
  close(mark, Kind::for_);
}

void TreeBuilder::foreach_statement() {
  const Mark mark = open();
  next();
  expect(Lex::lparen);
  reference();
  expect(Lex::semicolon);
  reference();
  expect(Lex::semicolon);
  dml();
  expect(Lex::rparen);
  dml();
  close(mark, Kind::foreach_);
}

}  // namespace cdb::pan::syntax
