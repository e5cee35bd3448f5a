// Pan source text to tokens. Used by the parser. Pure; the whole file at once, heredoc bodies already resolved. Wrong text throws
// Failure (parse error). Literal texts are owned by the result.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "cdb/pan/problem.h"

namespace cdb::pan {

enum class Lex : std::uint8_t {
  end,
  error,
  identifier,
  template_name,
  decimal,
  hexadecimal,
  octal,
  real,
  string,
  heredoc,
  // punctuation
  question,
  colon,
  semicolon,
  comma,
  lparen,
  rparen,
  lbracket,
  rbracket,
  lbrace,
  rbrace,
  assign,
  plus,
  minus,
  percent,
  slash,
  not_,
  greater,
  less,
  range,
  or_,
  and_,
  pipe,
  caret,
  ampersand,
  tilde,
  equal,
  not_equal,
  greater_equal,
  less_equal,
  assign_default,
  heredoc_mark,
  asterisk,
  // words
  undef,
  null,
  true_,
  false_,
  if_,
  for_,
  with,
  else_,
  type,
  bind,
  while_,
  valid,
  final,
  prefix,
  unique,
  object,
  foreach,
  include,
  template_,
  function,
  variable,
  structure,
  extensible,
  declaration,
  choice
};

struct Token {
  Lex kind = Lex::end;
  Span span;
  std::string_view text;  // literals: their value; others: as written
};

struct Annotation {
  Span span;
};

struct Tokens {
  std::vector<Token> list;  // ends with Lex::end
  std::vector<Annotation> annotations;
  std::deque<std::string> texts;  // what string tokens point to
};

// At most `most` tokens, for those who only look at the beginning.
Tokens tokenize(std::string_view source, std::size_t most = SIZE_MAX);
// For messages: "';'", "identifier".
std::string_view lex_name(Lex kind);

}  // namespace cdb::pan
