// The token cursor and the DML and type parts of the parser. Private to parser.cc, parse_dml.cc and parse_type.cc; a wrong token
// throws Failure (parse error).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cdb/pan/builder.h"
#include "cdb/pan/lexer.h"

namespace cdb::pan {

class TokenCursor {
 public:
  explicit TokenCursor(std::string_view source) : lexer_(source), now_(lexer_.next()) {}
  const Token& peek() const { return now_; }
  bool is(Lex kind) const { return now_.kind == kind; }
  // The kind of the token behind this one.
  Lex ahead() {
    if (!has_ahead_) {
      ahead_ = lexer_.next();
      has_ahead_ = true;
    }
    return ahead_.kind;
  }
  Token next() {
    const Token token = now_;
    end_ = token.span.end;
    if (has_ahead_)
      now_ = ahead_;
    else
      now_ = lexer_.next();
    has_ahead_ = false;
    return token;
  }
  bool accept(Lex kind) {
    if (now_.kind != kind) return false;
    next();
    return true;
  }
  Token expect(Lex kind) {
    if (now_.kind != kind) unexpected(lex_name(kind));
    return next();
  }
  [[noreturn]] void unexpected(std::string_view wanted) const;
  // Where the last token taken ends.
  std::uint32_t end() const { return end_; }
  std::vector<Annotation> take_annotations() { return lexer_.take_annotations(); }

 private:
  Lexer lexer_;
  Token now_, ahead_;
  bool has_ahead_ = false;
  std::uint32_t end_ = 0;
};

class Parser {
 public:
  Parser(std::string_view source, Template& target, Names& names, bool (*debug)(const void*, std::string_view),
         const void* debug_context);
  ~Parser();
  void parse();
  Value parse_single_constant();

 private:
  // parser.cc
  void header();
  void statement();
  void add(Statement&& made) {
    target_.statements.append(new (target_.heap.allocate(sizeof(Statement))) Statement(std::move(made)));
  }
  void assignment(bool final, std::uint32_t begin);
  void variable(bool final, std::uint32_t begin);
  void bind();
  void include();
  void prefix();
  void check_statements();
  Path statement_path(std::string_view text, Span span, const Path* prefix, bool any_relative);
  Path joined(const Path& front, const Path& back);
  // A block in a frame of its own; `constant` gets its value when it needs nothing from run time.
  Block block(Value* constant, Span* span = nullptr);
  Span from(std::uint32_t begin) const { return {begin, cursor_.end()}; }

  // parse_dml.cc
  Op* dml();
  Op* dml_sequence();
  Op* expression();
  Op* binary(Op* left, int lowest);  // operators behind `left` that bind at least so tightly
  Op* unary();
  Op* functional();
  Op* primary();
  Op* variable_reference();
  Op* target_reference();
  Op* if_statement();
  Op* while_statement();
  Op* for_statement();
  Op* foreach_statement();
  // All operations pushed since the mark; they are taken off when the next ones are pushed there.
  Builder::Ops taken(std::size_t mark) {
    const Builder::Ops ops(ops_.data() + mark, ops_.size() - mark);
    ops_.resize(mark);
    return ops;
  }
  Value long_literal(const Token& token);

  // parse_type.cc
  const FullType* full_type();
  const BaseType* type_spec();
  BaseType* base_type();
  void record_fields(BaseType& record);
  bool range(Range& out);  // after '(', '[' or '{'; false when empty
  std::int64_t range_bound(bool negative);
  // Into the template's heap; nothing there is ever destroyed.
  template <class T>
  T* own(const T& value) {
    return new (target_.heap.allocate(sizeof(T))) T(value);
  }
  template <class T>
  std::span<T> own_list(std::span<T> list) {
    if (list.empty()) return {};
    auto* copy = static_cast<T*>(target_.heap.allocate(list.size_bytes()));
    std::uninitialized_copy(list.begin(), list.end(), copy);
    return {copy, list.size()};
  }
  // The fields pushed since the mark, sorted; a repeated one overrides.
  std::span<const BaseType::Field> own_fields(std::vector<BaseType::Field>& fields, std::size_t mark);

  TokenCursor cursor_;
  Template& target_;
  Builder builder_;
  bool (*debug_)(const void*, std::string_view);
  const void* debug_context_;
  // What is being read, innermost last.
  struct Scratch {
    std::vector<Op*> ops;
    std::vector<BaseType::Field> required, optional;
    std::vector<BaseType::Include> includes;
    std::vector<Value> choices;
  };
  Scratch scratch_;
  static thread_local Scratch spare_scratch;
  std::vector<Op*>& ops_ = scratch_.ops;
  bool has_prefix_ = false;
  Path prefix_, absolute_prefix_;
  bool has_absolute_prefix_ = false;
  std::size_t terms_ = 0;  // of all paths
};

}  // namespace cdb::pan
