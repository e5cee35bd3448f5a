// Types: names with ranges, choices, records, and the list, dict and link suffixes.
#include "cdb/pan/syntax/builder.h"

namespace cdb::pan::syntax {

void TreeBuilder::full_type() {
  const Mark mark = open();
  if (!enter()) return leave();
  type_spec();
  if (is(Lex::assign)) {
    const Mark part = open();
    next();
    dml();
    close(part, Kind::type_default);
  }
  if (is(Lex::with)) {
    const Mark part = open();
    next();
    dml();
    close(part, Kind::type_with);
  }
  close(mark, Kind::full_type);
  leave();
}

void TreeBuilder::type_spec() {
  const Mark mark = open();
  base_type();
  const int outer = depth_;
  while (is(Lex::lbracket) || is(Lex::lbrace) || is(Lex::asterisk)) {
    if (!enter()) break;
    const Lex suffix = peek();
    next();
    if (suffix != Lex::asterisk) {
      range();
      expect(suffix == Lex::lbracket ? Lex::rbracket : Lex::rbrace);
    }
    close(mark, suffix == Lex::lbracket ? Kind::type_list : suffix == Lex::lbrace ? Kind::type_dict : Kind::type_link);
  }
  depth_ = outer;
}

void TreeBuilder::base_type() {
  const Mark mark = open();
  switch (peek()) {
    case Lex::choice: choice(); return close(mark, Kind::type_choice);
    case Lex::identifier:
      leaf(Kind::name);
      optional_range();
      return close(mark, Kind::type_name);
    case Lex::extensible:
      next();
      if (is(Lex::lbrace))
        record();
      else
        unexpected("'{'");
      optional_range();
      return close(mark, Kind::type_record);
    case Lex::lbrace:
      record();
      optional_range();
      return close(mark, Kind::type_record);
    default: unexpected("a type");
  }
}

void TreeBuilder::choice() {
  next();
  expect(Lex::lparen);
  do {
    if (!is(Lex::string) && !is(Lex::heredoc)) {
      unexpected("a string");
      break;
    }
    leaf(Kind::literal);
  } while (accept(Lex::comma));
  if (!expect(Lex::rparen, "',' or ')'") && !stops_dml()) {
    skip_to(&TreeBuilder::at_item_end);
    accept(Lex::rparen);
  }
}

void TreeBuilder::record() {
  next();
  while (!is(Lex::rbrace) && !is(Lex::end)) {
    const Mark mark = open();
    if (accept(Lex::include)) {
      // `include 'template'` or `include {`: the record was never closed and the next statement begins.
      name("the name of a record type");
      close(mark, Kind::record_include);
    } else if (is(Lex::string) && !statement_ahead()) {
      leaf(Kind::field_name);
      if (is(Lex::colon) || is(Lex::question))
        next();
      else
        unexpected("':' (required) or '?' (optional)");
      full_type();
      close(mark, Kind::record_field);
    } else if (statement_ahead()) {
      break;
    } else {
      unexpected("a field name, 'include' or '}'");
      next();
      skip_to(&TreeBuilder::at_field_end);
      close(mark, Kind::error);
    }
  }
  expect(Lex::rbrace, "a field name, 'include' or '}'");
}

void TreeBuilder::optional_range() {
  if (!accept(Lex::lparen)) return;
  range();
  expect(Lex::rparen);
}

// What stands between the brackets; nothing at all is a range of any size.
void TreeBuilder::range() {
  const auto closes = [this] { return is(Lex::rparen) || is(Lex::rbracket) || is(Lex::rbrace); };
  if (closes()) return;
  const auto number = [this] {
    if (is(Lex::decimal) || is(Lex::hexadecimal) || is(Lex::octal))
      next();
    else
      unexpected("a whole number");
  };
  const Mark mark = open();
  if (accept(Lex::range)) {
    number();
  } else {
    accept(Lex::minus);
    number();
    if (accept(Lex::range) && !closes()) {
      accept(Lex::minus);
      number();
    }
  }
  close(mark, Kind::range);
}

}  // namespace cdb::pan::syntax
