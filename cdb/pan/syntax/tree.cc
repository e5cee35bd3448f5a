#include "cdb/pan/syntax/tree.h"

#include <algorithm>
#include <array>
#include <utility>

#include "cdb/pan/syntax/builder.h"
#include "cdb/pan/syntax/scan.h"

namespace cdb::pan::syntax {

std::string_view kind_name(Kind kind) {
  static constexpr auto kNames = std::to_array<std::string_view>(
      {"file",        "header",    "error",     "assignment",      "variable",      "function",       "type",       "bind",
       "valid",       "include",   "prefix",    "empty_statement", "template_name", "path",           "name",       "block",
       "if",          "while",     "for",       "foreach",         "assign",        "call",           "reference",  "binary",
       "unary",       "paren",     "literal",   "full_type",       "type_default",  "type_with",      "type_name",  "type_choice",
       "type_record", "type_list", "type_dict", "type_link",       "record_field",  "record_include", "field_name", "range"});
  static_assert(kNames.size() == static_cast<std::size_t>(Kind::range) + 1);
  return kNames[static_cast<std::size_t>(kind)];
}

Tree Tree::parse(std::string text) {
  Tree tree;
  if (text.size() >= UINT32_MAX) {
    tree.errors_.push_back({{0, 1}, "the file is larger than 4 GiB"});
    text.clear();
  }
  tree.text_ = std::move(text);
  Scan scanned = scan(tree.text_);
  tree.tokens_ = std::move(scanned.tokens);
  tree.trivia_ = std::move(scanned.trivia);
  tree.errors_.insert(tree.errors_.end(), std::make_move_iterator(scanned.errors.begin()),
                      std::make_move_iterator(scanned.errors.end()));
  TreeBuilder(tree).build();
  std::stable_sort(tree.errors_.begin(), tree.errors_.end(),
                   [](const SyntaxError& a, const SyntaxError& b) { return a.span.begin < b.span.begin; });
  return tree;
}

std::string Tree::value_of_token(TokenId token) const {
  const TokenInfo& info = tokens_[token];
  if (info.kind == Lex::heredoc) {
    const std::string_view marker = text_of_token(token).substr(2);
    // Bodies follow in the order of their marks on the line.
    std::size_t nth = 0;
    for (TokenId t = token; t-- > 0;) {
      const std::uint32_t end = tokens_[t].end;
      if (text_.find_first_of("\r\n", end) < tokens_[t + 1].begin) break;
      if (tokens_[t].kind == Lex::heredoc) ++nth;
    }
    for (std::size_t i = tokens_[token + 1].trivia; i < trivia_.size(); ++i) {
      if (trivia_[i].kind != Trivia::Kind::heredoc_body) continue;
      std::string_view body = text_of_trivia(trivia_[i]);
      if (nth-- > 0) continue;
      while (!body.empty() && (body.back() == '\n' || body.back() == '\r')) body.remove_suffix(1);
      if (body.ends_with(marker)) body.remove_suffix(marker.size());
      return std::string(body);
    }
    return {};
  }
  if (info.kind != Lex::string) return std::string(text_of_token(token));
  try {
    const Tokens tokens = tokenize(text_of_token(token));
    return tokens.list.empty() ? std::string() : std::string(tokens.list.front().text);
  } catch (const Failure&) {
    return {};
  }
}

std::span<const Trivia> Tree::trivia_before(TokenId token) const {
  const std::size_t end = token + 1 < tokens_.size() ? tokens_[token + 1].trivia : trivia_.size();
  return std::span(trivia_).subspan(tokens_[token].trivia, end - tokens_[token].trivia);
}

TokenId Tree::token_at(std::uint32_t offset) const {
  const auto found = std::upper_bound(tokens_.begin(), tokens_.end(), offset,
                                      [](std::uint32_t at, const TokenInfo& token) { return at < token.end; });
  return found == tokens_.end() ? static_cast<TokenId>(tokens_.size() - 1) : static_cast<TokenId>(found - tokens_.begin());
}

NodeId Tree::child(NodeId node, Kind kind) const {
  for (const NodeId child : children(node))
    if (nodes_[child].kind == kind) return child;
  return kNone;
}

NodeId Tree::child(NodeId node, std::size_t n) const {
  return n < nodes_[node].child_count ? children_[nodes_[node].first_child + n] : kNone;
}

TokenId Tree::own_token(NodeId node, Lex kind) const {
  TokenId token = nodes_[node].first_token;
  const auto search = [&](TokenId end) {
    for (; token < end; ++token)
      if (tokens_[token].kind == kind) return true;
    return false;
  };
  for (const NodeId child : children(node)) {
    if (search(nodes_[child].first_token)) return token;
    token = nodes_[child].end_token;
  }
  return search(nodes_[node].end_token) ? token : kNone;
}

NodeId Tree::node_at(std::uint32_t offset) const {
  NodeId at = root();
  while (true) {
    const auto below = children(at);
    // The last child that begins at or before the offset.
    auto next = std::upper_bound(below.begin(), below.end(), offset,
                                 [this](std::uint32_t o, NodeId child) { return o < span(child).begin; });
    if (next == below.begin()) return at;
    const NodeId child = *--next;
    // A node that ends just before the cursor counts, unless the next one begins there (it was found first).
    if (span(child).end < offset) return at;
    at = child;
  }
}

std::vector<Trivia> Tree::annotations_of(NodeId node) const {
  std::vector<Trivia> out;
  for (const Trivia& trivia : trivia_before(nodes_[node].first_token))
    if (trivia.kind == Trivia::Kind::annotation) out.push_back(trivia);
  return out;
}

}  // namespace cdb::pan::syntax
