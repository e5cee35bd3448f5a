// Pan source text to tokens, one at a time. Used by the parser and by tools; one thread per Lexer. Heredoc bodies are already
// resolved: they belong to the token that announces them. Wrong text throws Failure (parse error) when its token is asked for.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
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
  std::string_view text;  // literals: their value; others: as written. Lives as long as source and Lexer
};

struct Annotation {
  Span span;
};

class Lexer {
 public:
  // The source must outlive the Lexer and its tokens.
  explicit Lexer(std::string_view source) : begin_(source.data()), at_(begin_), end_(begin_ + source.size()) {}
  Lexer(const Lexer&) = delete;

  // The next token; Lex::end again and again when there is no more.
  Token next();
  // Those passed so far, in order.
  std::vector<Annotation> take_annotations() { return std::move(annotations_); }
  // What the texts of tokens point to that are not written as they are: to outlive the Lexer.
  std::deque<std::string> take_texts() { return std::move(texts_); }

 private:
  Token make(Lex kind, const char* to);
  Token make(Lex kind, const char* to, std::string_view text);
  [[noreturn]] void fail(const char* from, const char* to, std::string message) const;
  bool annotation();
  Token token(char c);
  Token word();
  Token number();
  Token single_quoted();
  Token double_quoted();
  std::string unquote(const char* from, const char* to) const;
  Token heredoc();
  const char* line_end() const;

  const char* begin_;
  const char* at_;
  const char* end_;
  // Bodies of heredocs announced on this line: when the next line is reached, its text is passed over.
  const char* body_begin_ = nullptr;
  const char* body_end_ = nullptr;
  bool name_next_ = false;
  std::vector<Annotation> annotations_;
  std::deque<std::string> texts_;  // values of literals that are not written as they are
};

// A whole text at once, for tools.
struct Tokens {
  std::vector<Token> list;  // ends with Lex::end
  std::vector<Annotation> annotations;
  std::deque<std::string> texts;  // what some string tokens point to
};
Tokens tokenize(std::string_view source);

// For messages: "';'", "identifier".
std::string_view lex_name(Lex kind);

}  // namespace cdb::pan
