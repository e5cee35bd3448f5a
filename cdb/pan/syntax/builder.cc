#include "cdb/pan/syntax/builder.h"

#include <fmt/format.h>

#include <algorithm>

namespace cdb::pan::syntax {

void TreeBuilder::build() {
  for (const SyntaxError& error : tree_.errors_) refused_.push_back(error.span.begin);
  const Mark file = open();
  header();
  while (!is(Lex::end)) statement();
  next();
  close(file, Kind::file);
}

void TreeBuilder::close(Mark mark, Kind kind) {
  Node node;
  node.kind = kind;
  node.first_token = mark.token;
  node.end_token = at_;
  if (node.end_token == node.first_token && made_.size() == mark.made) return;
  const auto id = static_cast<NodeId>(tree_.nodes_.size());
  node.first_child = static_cast<std::uint32_t>(tree_.children_.size());
  node.child_count = static_cast<std::uint32_t>(made_.size() - mark.made);
  for (std::size_t i = mark.made; i < made_.size(); ++i) {
    tree_.nodes_[made_[i]].parent = id;
    tree_.children_.push_back(made_[i]);
  }
  made_.resize(mark.made);
  tree_.nodes_.push_back(node);
  made_.push_back(id);
}

void TreeBuilder::leaf(Kind kind) {
  const Mark mark = open();
  next();
  close(mark, kind);
}

Lex TreeBuilder::peek(std::size_t ahead) const {
  const std::size_t at = at_ + ahead;
  return at < tree_.tokens_.size() ? tree_.tokens_[at].kind : Lex::end;
}

void TreeBuilder::next() {
  if (at_ < tree_.tokens_.size()) ++at_;
}

bool TreeBuilder::accept(Lex kind) {
  if (!is(kind)) return false;
  next();
  return true;
}

bool TreeBuilder::expect(Lex kind, std::string_view wanted) {
  if (accept(kind)) return true;
  unexpected(wanted.empty() ? lex_name(kind) : wanted);
  return false;
}

void TreeBuilder::unexpected(std::string_view wanted) {
  if (complained_at_ == at_) return;
  complained_at_ = at_;
  const TokenInfo& token = tree_.tokens_[at_];
  const std::string_view text = tree_.text_of_token(at_);
  if (token.kind == Lex::error && std::binary_search(refused_.begin(), refused_.end(), token.begin)) return;
  Span span{token.begin, token.end};
  std::string found = fmt::format("'{}'", text);
  if (token.kind == Lex::end) {
    found = lex_name(token.kind);
    // The end has no character of its own: point behind the last token.
    const std::uint32_t last = at_ > 0 ? tree_.tokens_[at_ - 1].end : 0;
    span = {last > 0 ? last - 1 : 0, last};
  } else if (token.kind == Lex::string) {
    found = lex_name(token.kind);
  } else if (token.kind == Lex::error && (text == "'" || text == "\"")) {
    found += " that begins a string without end";
  }
  tree_.errors_.push_back({span, fmt::format("found {} where {} was expected", found, wanted)});
}

bool TreeBuilder::enter() {
  if (++depth_ <= kMaxDepth) return true;
  if (complained_at_ != at_) {
    complained_at_ = at_;
    const TokenInfo& token = tree_.tokens_[at_];
    tree_.errors_.push_back({{token.begin, token.end}, "the template is nested too deeply"});
  }
  const Mark mark = open();
  while (!is(Lex::end) && !statement_ahead()) next();
  close(mark, Kind::error);
  return false;
}

// Words that begin statements never stand in DML, so an unfinished statement ends before them. `include` also stands in records,
// "path" = ... only in statements.
bool TreeBuilder::statement_ahead() const {
  switch (peek()) {
    case Lex::final:
    case Lex::variable:
    case Lex::function:
    case Lex::bind:
    case Lex::valid:
    case Lex::prefix:
    case Lex::include:
    case Lex::type: return true;
    case Lex::string: return peek(1) == Lex::assign || peek(1) == Lex::assign_default;
    default: return false;
  }
}

bool TreeBuilder::at_statement_end() const {
  return is(Lex::semicolon) || statement_ahead();
}
bool TreeBuilder::at_item_end() const {
  return is(Lex::semicolon) || is(Lex::comma) || is(Lex::rparen) || is(Lex::rbracket) || is(Lex::rbrace) || statement_ahead();
}
bool TreeBuilder::at_field_end() const {
  return is(Lex::rbrace) || is(Lex::include) || statement_ahead() ||
         (is(Lex::string) && (peek(1) == Lex::colon || peek(1) == Lex::question));
}

void TreeBuilder::skip_to(bool (TreeBuilder::*stop)() const) {
  const Mark mark = open();
  int open_brackets = 0;
  while (!is(Lex::end)) {
    if (open_brackets == 0 ? (this->*stop)() : statement_ahead()) break;
    switch (peek()) {
      case Lex::lparen:
      case Lex::lbracket:
      case Lex::lbrace: ++open_brackets; break;
      case Lex::rparen:
      case Lex::rbracket:
      case Lex::rbrace: open_brackets -= open_brackets > 0 ? 1 : 0; break;
      default: break;
    }
    next();
  }
  close(mark, Kind::error);
}

void TreeBuilder::header() {
  const Mark mark = open();
  switch (peek()) {
    case Lex::structure:
    case Lex::object:
    case Lex::declaration:
    case Lex::unique: next(); break;
    default: break;
  }
  if (!expect(Lex::template_)) {
    // Without a header the statements are still worth reading.
    if (at_ > mark.token) close(mark, Kind::header);
    return;
  }
  if (is(Lex::template_name))
    leaf(Kind::template_name);
  else
    unexpected(lex_name(Lex::template_name));
  end_statement();
  close(mark, Kind::header);
}

void TreeBuilder::end_statement() {
  if (accept(Lex::semicolon)) return;
  unexpected(lex_name(Lex::semicolon));
  if (!at_statement_end()) skip_to(&TreeBuilder::at_statement_end);
  accept(Lex::semicolon);
}

void TreeBuilder::path() {
  if (is(Lex::string))
    leaf(Kind::path);
  else
    unexpected("a path");
}

void TreeBuilder::name(std::string_view wanted) {
  if (is(Lex::identifier))
    leaf(Kind::name);
  else
    unexpected(wanted);
}

void TreeBuilder::assigns(bool conditional) {
  if (is(Lex::assign) || (conditional && is(Lex::assign_default)))
    next();
  else
    unexpected(conditional ? "'=' or '?='" : "'='");
}

void TreeBuilder::statement() {
  const Mark mark = open();
  const Lex first = peek();
  Kind kind = Kind::error;
  switch (first) {
    case Lex::semicolon: return leaf(Kind::empty_statement);
    case Lex::include:
      kind = Kind::include;
      next();
      dml();
      break;
    case Lex::prefix:
      kind = Kind::prefix;
      next();
      path();
      break;
    case Lex::valid:
    case Lex::bind:
      kind = first == Lex::bind ? Kind::bind : Kind::valid;
      next();
      path();
      assigns(false);
      first == Lex::bind ? full_type() : dml();
      break;
    case Lex::type:
    case Lex::function:
      kind = first == Lex::type ? Kind::type : Kind::function;
      next();
      name("an identifier");
      assigns(false);
      first == Lex::type ? full_type() : dml();
      break;
    case Lex::final:
    case Lex::variable:
    case Lex::string:
      accept(Lex::final);
      if (accept(Lex::variable)) {
        kind = Kind::variable;
        name("an identifier");
      } else if (is(Lex::string)) {
        kind = Kind::assignment;
        path();
      } else {
        unexpected("a path or 'variable'");
        break;
      }
      assigns(true);
      dml();
      break;
    default:
      unexpected("a statement");
      next();
      skip_to(&TreeBuilder::at_statement_end);
      accept(Lex::semicolon);
      return close(mark, Kind::error);
  }
  end_statement();
  close(mark, kind);
}

}  // namespace cdb::pan::syntax
