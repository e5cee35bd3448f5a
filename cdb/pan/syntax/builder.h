// Tokens to the nodes of a Tree: a recursive descent that goes on after mistakes. Private to this room; used once per Tree.
// Throws nothing: a wrong token is remembered as an error and skipped up to the next ';', closing bracket or beginning of a
// statement.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cdb/pan/syntax/tree.h"

namespace cdb::pan::syntax {

class TreeBuilder {
 public:
  explicit TreeBuilder(Tree& tree) : tree_(tree) {}
  void build();

 private:
  // Nodes: open() remembers where the node begins, close() makes it from all nodes made since that nobody has taken.
  struct Mark {
    TokenId token;
    std::size_t made;
  };
  Mark open() const { return {at_, made_.size()}; }
  void close(Mark mark, Kind kind);
  void leaf(Kind kind);  // one token

  // Tokens.
  Lex peek(std::size_t ahead = 0) const;
  bool is(Lex kind) const { return peek() == kind; }
  void next();
  bool accept(Lex kind);
  bool expect(Lex kind, std::string_view wanted = {});  // false: said so, nothing taken
  void unexpected(std::string_view wanted);
  bool statement_ahead() const;  // does a statement begin here, so that whatever is open has to end?
  bool stops_dml() const;
  void skip_to(bool (TreeBuilder::*stop)() const);  // into an error node; stop is asked outside of brackets

  // builder.cc: statements
  void header();
  void statement();
  void end_statement();
  bool at_statement_end() const;
  bool at_field_end() const;
  bool at_item_end() const;
  void path();
  void name(std::string_view wanted);
  void assigns(bool conditional);

  // builder_dml.cc
  bool starts_dml(Lex kind) const;
  void dml();
  void block();
  void expression();
  void binary(Mark mark, int level, bool have_left);
  void unary();
  void functional();
  void primary();
  void reference();
  void arguments();
  void if_statement();
  void while_statement();
  void for_statement();
  void foreach_statement();

  // builder_type.cc
  void full_type();
  void type_spec();
  void base_type();
  void choice();
  void record();
  void optional_range();
  void range();

  // Nesting: false when there is too much; then the rest of the statement has become an error node.
  bool enter();
  void leave() { --depth_; }

  Tree& tree_;
  TokenId at_ = 0;
  int depth_ = 0;
  TokenId complained_at_ = kNone;  // one error per token
  std::vector<NodeId> made_;
  std::vector<std::uint32_t> refused_;  // where the lexer has complained already
};

}  // namespace cdb::pan::syntax
