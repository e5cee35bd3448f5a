// Concrete syntax tree of a Pan file: every byte belongs to a token, to trivia or to the blanks between them. Used by
// cdb/pan/format, by the linter and the language server. A Tree is immutable and owns its text; any thread. Nothing is ever
// thrown: wrong text gives errors() and nodes of kind `error`, and what stands before and after the mistake is still there.
// Terminates on any bytes, in linear time; nesting deeper than kMaxDepth is an error.
//
// How to read a tree:
//   Tree tree = Tree::parse(text);
//   for (NodeId statement : tree.children(tree.root()))
//     if (tree.kind(statement) == Kind::variable) name = tree.text(tree.child(statement, Kind::name));
// Nodes are numbers. A node covers a range of tokens; its children (nodes) cover parts of it, the tokens that no child covers are
// its own: `if` and `(` of an `if`. Offsets are bytes; LineIndex (line_index.h) turns them into lines and columns.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cdb/pan/lexer.h"

namespace cdb::pan::syntax {

using NodeId = std::uint32_t;
using TokenId = std::uint32_t;
inline constexpr std::uint32_t kNone = UINT32_MAX;
inline constexpr int kMaxDepth = 1000;

// The children of each kind, in order; [x] may be absent. In a text with errors any of them may be absent: use child().
enum class Kind : std::uint8_t {
  file,    // header, statements
  header,  // template_name
  error,   // tokens that fit nowhere; no children
  // Statements, each with its ';'.
  assignment,       // path, DML; own tokens: [final], = or ?=
  variable,         // name, DML; own tokens: [final], variable, = or ?=
  function,         // name, DML
  type,             // name, full_type
  bind,             // path, full_type
  valid,            // path, DML
  include,          // DML
  prefix,           // path
  empty_statement,  // a lone ';'
  // Names and paths, one token each, no children.
  template_name,
  path,  // string of assignment, bind, valid, prefix
  name,  // identifier: what is defined, called, referred to as a type, or included into a record
  // DML.
  block,      // { DML; DML; }
  if_,        // condition, then, [else]
  while_,     // condition, body
  for_,       // start, condition, step, body
  foreach_,   // reference (key), reference (value), DML, body
  assign,     // a[..] = b = DML: references, then the value
  call,       // name, arguments
  reference,  // variable with indices: name, DML...
  binary,     // operands of one chain of equal precedence (left-associative): a + b - c has three; operators are own tokens
  unary,      // operand
  paren,      // DML
  literal,    // one token: number, string, heredoc, true, false, undef, null; no children
  // Types.
  full_type,       // type, [type_default], [type_with]
  type_default,    // DML
  type_with,       // DML
  type_name,       // name, [range]
  type_choice,     // literals
  type_record,     // record_field and record_include, [range]; own token: [extensible]
  type_list,       // element type, [range]: T[1..2]
  type_dict,       // element type, [range]: T{1..2}
  type_link,       // element type: T*
  record_field,    // field_name, full_type; own token: ':' (required) or '?' (optional)
  record_include,  // name
  field_name,      // one string token, no children
  range,           // no children
};
std::string_view kind_name(Kind kind);  // "record_field"

struct TokenInfo {
  std::uint32_t begin = 0, end = 0;
  std::uint32_t trivia = 0;  // index of the first trivia before it; its last is before the next token's first
  Lex kind = Lex::end;       // Lex::error: bytes that are no token
};

struct Trivia {
  enum class Kind : std::uint8_t {
    comment,       // from # to before the end of line
    annotation,    // @name{...}, @(...), @[...]
    heredoc_body,  // whole lines up to and with the end marker and its line end
    skipped        // bytes that the lexer refused, a wrong annotation for one
  };
  std::uint32_t begin = 0, end = 0;
  Kind kind = Kind::comment;
};

struct SyntaxError {
  Span span;  // never empty unless the file is
  std::string message;
};

struct Node {
  Kind kind = Kind::error;
  std::uint32_t first_token = 0, end_token = 0;  // [first, end); a node without tokens is not made
  NodeId parent = kNone;
  std::uint32_t first_child = 0, child_count = 0;  // into the list of children
};

class Tree {
 public:
  // Texts of 4 GiB and more are refused: an empty tree with one error.
  static Tree parse(std::string text);

  const std::string& text() const { return text_; }
  const std::vector<SyntaxError>& errors() const { return errors_; }  // in order of place; empty: the grammar accepts the file

  // Tokens; the last is Lex::end and holds the trivia at the end of the file.
  const std::vector<TokenInfo>& tokens() const { return tokens_; }
  std::string_view text_of_token(TokenId token) const {
    return std::string_view(text_).substr(tokens_[token].begin, tokens_[token].end - tokens_[token].begin);
  }
  // The value of a string (quotes and escapes resolved) or heredoc token; of others their text.
  std::string value_of_token(TokenId token) const;
  // Comments, annotations, heredoc bodies between the token before and this one.
  std::span<const Trivia> trivia_before(TokenId token) const;
  std::string_view text_of_trivia(const Trivia& trivia) const {
    return std::string_view(text_).substr(trivia.begin, trivia.end - trivia.begin);
  }
  // The token that holds this byte or, between tokens, the next one.
  TokenId token_at(std::uint32_t offset) const;

  // Nodes.
  NodeId root() const { return static_cast<NodeId>(nodes_.size() - 1); }
  std::size_t node_count() const { return nodes_.size(); }
  const Node& node(NodeId node) const { return nodes_[node]; }
  Kind kind(NodeId node) const { return nodes_[node].kind; }
  NodeId parent(NodeId node) const { return nodes_[node].parent; }  // kNone for the root
  std::span<const NodeId> children(NodeId node) const {
    return std::span(children_).subspan(nodes_[node].first_child, nodes_[node].child_count);
  }
  NodeId child(NodeId node, Kind kind) const;      // the first of that kind, or kNone
  NodeId child(NodeId node, std::size_t n) const;  // the n-th, or kNone
  TokenId own_token(NodeId node, Lex kind) const;  // the first own token of that kind, or kNone
  Span span(NodeId node) const {
    const Node& n = nodes_[node];
    return {tokens_[n.first_token].begin, tokens_[n.end_token - 1].end};
  }
  std::string_view text(NodeId node) const {
    const Span s = span(node);
    return std::string_view(text_).substr(s.begin, s.end - s.begin);
  }
  // The innermost node whose span holds the byte (or ends just before it: the cursor behind a word); the root when none does.
  NodeId node_at(std::uint32_t offset) const;
  // The annotations that stand before a node and belong to it: those before its first token.
  std::vector<Trivia> annotations_of(NodeId node) const;

 private:
  friend class TreeBuilder;
  std::string text_;
  std::vector<TokenInfo> tokens_;
  std::vector<Trivia> trivia_;
  std::vector<Node> nodes_;
  std::vector<NodeId> children_;
  std::vector<SyntaxError> errors_;
};

}  // namespace cdb::pan::syntax
