#include <fmt/format.h>

#include <algorithm>

#include "cdb/pan/java/java.h"
#include "cdb/pan/parse_tokens.h"
#include "cdb/pan/stack_guard.h"

namespace cdb::pan {

const FullType* Parser::full_type() {
  StackGuard::check();
  FullType type;
  const std::uint32_t begin = cursor_.peek().span.begin;
  type.source = &target_.source;
  type.base = type_spec();
  if (cursor_.accept(Lex::assign)) {
    Span span;
    Value value;
    block(&value, &span);
    if (!value.exists())
      builder_.syntax_error("DML block for default value does not evaluate to a compile-time constant", span,
                            "set it in the template instead, or build it from literals only");
    else if (value.is_undef() || value.is_null())
      builder_.syntax_error("undef and null cannot be default values", span);
    else
      type.default_value = std::move(value);
  }
  if (cursor_.accept(Lex::with)) type.with = block(nullptr);
  type.span = from(begin);
  return own(type);
}

const BaseType* Parser::type_spec() {
  BaseType* base = base_type();
  while (cursor_.is(Lex::lbracket) || cursor_.is(Lex::lbrace) || cursor_.is(Lex::asterisk)) {
    const Token open = cursor_.next();
    BaseType outer;
    outer.element = base;
    outer.span = open.span;
    outer.kind = open.kind == Lex::lbracket ? BaseType::Kind::list
                 : open.kind == Lex::lbrace ? BaseType::Kind::dict
                                            : BaseType::Kind::link;
    if (open.kind != Lex::asterisk) {
      outer.has_range = range(outer.range);
      cursor_.expect(open.kind == Lex::lbracket ? Lex::rbracket : Lex::rbrace);
    }
    base = own(outer);
  }
  return base;
}

BaseType* Parser::base_type() {
  BaseType base;
  const std::uint32_t begin = cursor_.peek().span.begin;
  auto optional_range = [&] {
    if (!cursor_.accept(Lex::lparen)) return;
    base.has_range = range(base.range);
    cursor_.expect(Lex::rparen);
  };
  if (cursor_.accept(Lex::choice)) {
    base.kind = BaseType::Kind::choice;
    cursor_.expect(Lex::lparen);
    auto& choices = scratch_.choices;
    choices.clear();
    do {
      if (!cursor_.is(Lex::string) && !cursor_.is(Lex::heredoc)) cursor_.unexpected("a string");
      Value text = Value::string(cursor_.next().text);
      text.make_immortal();
      choices.push_back(std::move(text));
    } while (cursor_.accept(Lex::comma));
    cursor_.expect(Lex::rparen);
    base.choices = own_list(std::span(choices));
  } else if (cursor_.is(Lex::identifier)) {
    base.name = builder_.names().intern(cursor_.next().text);
    optional_range();
  } else {
    base.kind = BaseType::Kind::record;
    base.extensible = cursor_.accept(Lex::extensible);
    if (!cursor_.is(Lex::lbrace)) cursor_.unexpected("a type");
    cursor_.next();
    record_fields(base);
    cursor_.expect(Lex::rbrace);
    optional_range();
  }
  base.span = from(begin);
  return own(base);
}

std::span<const BaseType::Field> Parser::own_fields(std::vector<BaseType::Field>& fields, std::size_t mark) {
  using Field = BaseType::Field;
  std::span<Field> list = own_list(std::span(fields).subspan(mark));
  fields.resize(mark);
  auto before = [](const Field& a, const Field& b) { return a.key->before(b.key->view(), b.key->head()); };
  if (std::adjacent_find(list.begin(), list.end(), [&](const Field& a, const Field& b) { return !before(a, b); }) == list.end())
    return list;
  std::stable_sort(list.begin(), list.end(), before);
  std::size_t kept = 0;
  for (const Field& field : list) {
    if (kept != 0 && list[kept - 1].key->view() == field.key->view())
      list[kept - 1].type = field.type;
    else
      list[kept++] = field;
  }
  return list.first(kept);
}

void Parser::record_fields(BaseType& record) {
  const std::size_t required_mark = scratch_.required.size(), optional_mark = scratch_.optional.size();
  const std::size_t includes_mark = scratch_.includes.size();
  while (!cursor_.is(Lex::rbrace)) {
    if (cursor_.accept(Lex::include)) {
      const Token name = cursor_.expect(Lex::identifier);
      scratch_.includes.push_back({builder_.names().intern(name.text), name.span});
      continue;
    }
    if (!cursor_.is(Lex::string)) cursor_.unexpected("a field name, 'include' or '}'");
    const Token name = cursor_.next();
    if (!cursor_.is(Lex::question) && !cursor_.is(Lex::colon)) cursor_.unexpected("':' (required) or '?' (optional)");
    const bool required = cursor_.next().kind == Lex::colon;
    const FullType* type = full_type();
    try {
      const Path path = parse_path(name.text);
      if (path.terms.size() != 1) raise_syntax(fmt::format("field name ({}) must be a valid term", name.text), name.span);
      if (!path.terms[0].is_key())
        raise_syntax(fmt::format("field name ({}) must be a valid key, not an index", name.text), name.span);
      make_immortal(path);
      (required ? scratch_.required : scratch_.optional).push_back({path.terms[0].key.str(), type});
    } catch (Failure& failure) {
      failure.problem->kind = Problem::Kind::syntax;
      if (!failure.problem->place.span.known()) failure.problem->place.span = name.span;
      builder_.remember(failure);
    }
  }
  record.required = own_fields(scratch_.required, required_mark);
  record.optional = own_fields(scratch_.optional, optional_mark);
  record.includes = own_list(std::span(scratch_.includes).subspan(includes_mark));
  scratch_.includes.resize(includes_mark);
}

std::int64_t Parser::range_bound(bool negative) {
  if (!cursor_.is(Lex::decimal) && !cursor_.is(Lex::hexadecimal) && !cursor_.is(Lex::octal)) cursor_.unexpected("a whole number");
  const Token token = cursor_.next();
  const auto value = java::decode_long((negative ? "-" : "") + std::string(token.text));
  if (!value) raise_evaluation(fmt::format("the bound {} is not a valid long", token.text), token.span);
  return *value;
}

bool Parser::range(Range& out) {
  if (cursor_.is(Lex::rparen) || cursor_.is(Lex::rbracket) || cursor_.is(Lex::rbrace)) return false;
  const Span first = cursor_.peek().span;
  if (cursor_.accept(Lex::range)) {
    out.max = range_bound(false);
  } else {
    out.min = range_bound(cursor_.accept(Lex::minus));
    if (!cursor_.accept(Lex::range)) {
      out.max = out.min;
    } else if (!cursor_.is(Lex::rparen) && !cursor_.is(Lex::rbracket) && !cursor_.is(Lex::rbrace)) {
      out.max = range_bound(cursor_.accept(Lex::minus));
    }
  }
  if (out.min > out.max)
    raise_evaluation(fmt::format("minimum range value ({}) must be less than or equal to maximum value ({})", out.min, out.max),
                     join(first, from(first.begin)));
  return true;
}

}  // namespace cdb::pan
