// The token cursor and the DML and type parts of the parser. Private to parser.cc, parse_dml.cc and parse_type.cc; a wrong token
// throws Failure (parse error).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cdb/pan/builder.h"
#include "cdb/pan/lexer.h"

namespace cdb::pan {

class TokenCursor {
 public:
  explicit TokenCursor(const Tokens& tokens);
  const Token& peek(std::size_t ahead = 0) const {
    return tokens_[at_ + ahead < tokens_.size() ? at_ + ahead : tokens_.size() - 1];
  }
  bool is(Lex kind) const { return peek().kind == kind; }
  const Token& next() { return at_ + 1 < tokens_.size() ? tokens_[at_++] : tokens_[at_]; }
  bool accept(Lex kind) {
    if (!is(kind)) return false;
    next();
    return true;
  }
  const Token& expect(Lex kind);
  [[noreturn]] void unexpected(std::string_view wanted) const;
  // Does an assignment target ("a[...][...] =") start here?
  bool assignment_ahead() const;
  const Token& previous() const { return tokens_[at_ - 1]; }

 private:
  const std::vector<Token>& tokens_;
  std::size_t at_ = 0;
  std::vector<std::uint32_t> closing_;  // for '[': index of its ']', 0 when there is none
};

class Parser {
 public:
  Parser(const Tokens& tokens, Template& target, Names& names, bool (*debug)(const void*, std::string_view),
         const void* debug_context);
  void parse();
  Value parse_single_constant();

 private:
  // parser.cc
  void header();
  void statement();
  void assignment(bool final, std::size_t begin);
  void variable(bool final, std::size_t begin);
  void bind();
  void include();
  void prefix();
  void check_statements();
  Path statement_path(std::string_view text, Span span, const Path* prefix, bool any_relative);
  // A block in a frame of its own; `constant` gets its value when it needs nothing from run time.
  Block block(Value* constant, Span* span = nullptr);
  Span from(std::size_t begin) const;

  // parse_dml.cc
  Op* dml();
  Op* dml_sequence();
  Op* expression();
  Op* binary(int level);
  Op* unary();
  Op* functional();
  Op* primary();
  Op* variable_reference(bool target);
  Op* if_statement();
  Op* while_statement();
  Op* for_statement();
  Op* foreach_statement();
  bool starts_dml(Lex kind) const;
  Value long_literal(const Token& token);

  // parse_type.cc
  const FullType* full_type();
  const BaseType* type_spec();
  BaseType* base_type();
  void record_fields(BaseType& record);
  bool range(Range& out);  // after '(', '[' or '{'; false when empty
  std::int64_t range_bound(bool negative);
  template <class T>
  T* own(T value) {
    auto kept = std::make_shared<T>(std::move(value));
    target_.owned.push_back(kept);
    return kept.get();
  }

  TokenCursor cursor_;
  Template& target_;
  Builder builder_;
  bool (*debug_)(const void*, std::string_view);
  const void* debug_context_;
  bool has_prefix_ = false;
  Path prefix_, absolute_prefix_;
  bool has_absolute_prefix_ = false;
};

}  // namespace cdb::pan
