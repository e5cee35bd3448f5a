#include "cdb/pan/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cdb/pan/parse_tokens.h"
#include "cdb/pan/stack_guard.h"

namespace cdb::pan {

TokenCursor::TokenCursor(const Tokens& tokens) : tokens_(tokens.list), closing_(tokens.list.size(), 0) {
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const Lex kind = tokens_[i].kind;
    if (kind == Lex::lbracket || kind == Lex::lparen || kind == Lex::lbrace) open.push_back(i);
    if ((kind == Lex::rbracket || kind == Lex::rparen || kind == Lex::rbrace) && !open.empty()) {
      if (kind == Lex::rbracket && tokens_[open.back()].kind == Lex::lbracket)
        closing_[open.back()] = static_cast<std::uint32_t>(i);
      open.pop_back();
    }
  }
}

const Token& TokenCursor::expect(Lex kind) {
  if (!is(kind)) unexpected(lex_name(kind));
  return next();
}

void TokenCursor::unexpected(std::string_view wanted) const {
  const Token& token = peek();
  Span span = token.span;
  std::string what(lex_name(token.kind));
  if (token.kind == Lex::end) {
    if (span.begin > 0) span = {span.begin - 1, span.begin};
  } else if (token.kind == Lex::error) {
    what = fmt::format("'{}'", token.text);
    if (token.text == "'" || token.text == "\"") what += " that begins a string without end";
  } else if (token.kind == Lex::string) {
    what = "a string";
  } else {
    what = fmt::format("'{}'", token.text);
  }
  raise(Problem::Kind::parse, fmt::format("found {} where {} was expected", what, wanted), span);
}

bool TokenCursor::assignment_ahead() const {
  if (!is(Lex::identifier)) return false;
  std::size_t i = at_ + 1;
  while (i < tokens_.size() && tokens_[i].kind == Lex::lbracket && closing_[i] != 0) i = closing_[i] + 1;
  return i < tokens_.size() && tokens_[i].kind == Lex::assign;
}

Parser::Parser(const Tokens& tokens, Template& target, Names& names, bool (*debug)(const void*, std::string_view),
               const void* debug_context)
    : cursor_(tokens), target_(target), builder_(target, names, false), debug_(debug), debug_context_(debug_context) {}

Span Parser::from(std::size_t begin) const {
  return {static_cast<std::uint32_t>(begin), cursor_.previous().span.end};
}

void Parser::header() {
  const std::size_t begin = cursor_.peek().span.begin;
  switch (cursor_.peek().kind) {
    case Lex::structure: target_.kind = TemplateKind::structure; break;
    case Lex::object: target_.kind = TemplateKind::object; break;
    case Lex::declaration: target_.kind = TemplateKind::declaration; break;
    case Lex::unique: target_.kind = TemplateKind::unique; break;
    default: target_.kind = TemplateKind::ordinary;
  }
  if (target_.kind != TemplateKind::ordinary) cursor_.next();
  cursor_.expect(Lex::template_);
  const Token& name = cursor_.expect(Lex::template_name);
  target_.name = name.text;
  Value text = Value::string(name.text);
  text.make_immortal();
  target_.name_text = text.str();
  if (debug_ != nullptr) builder_.set_debug(debug_(debug_context_, name.text));
  cursor_.expect(Lex::semicolon);
  target_.header = from(begin);
}

void Parser::parse() {
  header();
  while (!cursor_.is(Lex::end)) statement();
  if (builder_.first_error()) throw *builder_.first_error();
  check_statements();
}

Value Parser::parse_single_constant() {
  Value value;
  block(&value);
  if (!cursor_.is(Lex::end)) cursor_.unexpected("the end of the expression");
  if (builder_.first_error()) throw *builder_.first_error();
  if (!value.exists()) raise_evaluation("the expression is not a compile-time constant");
  return value;
}

Block Parser::block(Value* constant, Span* span) {
  const std::size_t begin = cursor_.peek().span.begin;
  builder_.begin_block();
  const Block block = builder_.end_block(dml());
  if (constant != nullptr) *constant = builder_.evaluate_constant(block);
  builder_.drop_block();
  if (span != nullptr) *span = from(begin);
  return block;
}

void Parser::statement() {
  const Token first = cursor_.peek();
  const std::size_t begin = first.span.begin;
  switch (first.kind) {
    case Lex::semicolon: cursor_.next(); return;
    case Lex::include: return include();
    case Lex::prefix: return prefix();
    case Lex::valid:
    case Lex::bind: return bind();
    case Lex::final:
      cursor_.next();
      if (cursor_.is(Lex::variable)) return variable(true, begin);
      if (!cursor_.is(Lex::string)) cursor_.unexpected("a path or 'variable'");
      return assignment(true, begin);
    case Lex::string: return assignment(false, begin);
    case Lex::variable: return variable(false, begin);
    case Lex::type:
    case Lex::function: {
      cursor_.next();
      Statement made{.kind = first.kind == Lex::type ? Statement::Kind::type : Statement::Kind::function};
      made.name = builder_.names().intern(cursor_.expect(Lex::identifier).text);
      cursor_.expect(Lex::assign);
      if (first.kind == Lex::type)
        made.type = full_type();
      else
        made.block = block(nullptr);
      cursor_.expect(Lex::semicolon);
      made.span = from(begin);
      target_.statements.push_back(std::move(made));
      return;
    }
    default: cursor_.unexpected("a statement");
  }
}

Path Parser::statement_path(std::string_view text, Span span, const Path* prefix, bool any_relative) {
  Path path;
  try {
    path = parse_path(text, any_relative);
  } catch (Failure& failure) {
    failure.problem->kind = Problem::Kind::syntax;
    failure.problem->place.span = span;
    builder_.remember(failure);
    return path;
  }
  if (prefix != nullptr && path.type == Path::Type::relative) {
    Path whole = *prefix;
    whole.terms.insert(whole.terms.end(), path.terms.begin(), path.terms.end());
    path = std::move(whole);
  }
  for (Term& term : path.terms)
    if (term.is_key()) term.key.make_immortal();
  return path;
}

void Parser::assignment(bool final, std::size_t begin) {
  const Token name = cursor_.next();
  if (!cursor_.is(Lex::assign) && !cursor_.is(Lex::assign_default)) cursor_.unexpected("'=' or '?='");
  const bool conditional = cursor_.next().kind == Lex::assign_default;
  Statement made{.kind = Statement::Kind::assign, .conditional = conditional, .final = final};
  made.block = block(&made.value);
  cursor_.expect(Lex::semicolon);
  made.span = from(begin);
  made.path = statement_path(name.text, name.span, has_prefix_ ? &prefix_ : nullptr, has_prefix_ && !prefix_.terms.empty());
  if (made.path.type == Path::Type::external)
    builder_.syntax_error(fmt::format("cannot assign to a path of another object ({})", made.path.text()), made.span);
  if (made.value.exists()) made.kind = made.value.is_null() ? Statement::Kind::assign_delete : Statement::Kind::assign_constant;
  target_.statements.push_back(std::move(made));
}

void Parser::variable(bool final, std::size_t begin) {
  cursor_.expect(Lex::variable);
  const Token name = cursor_.expect(Lex::identifier);
  if (!cursor_.is(Lex::assign) && !cursor_.is(Lex::assign_default)) cursor_.unexpected("'=' or '?='");
  Statement made{.kind = Statement::Kind::variable, .final = final};
  made.conditional = cursor_.next().kind == Lex::assign_default;
  made.block = block(&made.value);
  cursor_.expect(Lex::semicolon);
  made.span = from(begin);
  for (std::string_view automatic : {"OBJECT", "SELF", "ARGC", "ARGV", "FUNCTION", "TEMPLATE"})
    if (name.text == automatic)
      builder_.syntax_error(fmt::format("the automatic variable {} cannot be set", automatic), made.span);
  made.name = builder_.names().intern(name.text);
  if (made.value.exists()) made.kind = Statement::Kind::variable_constant;
  target_.statements.push_back(std::move(made));
}

void Parser::bind() {
  const Token word = cursor_.next();
  if (!cursor_.is(Lex::string)) cursor_.unexpected("a path");
  const Token name = cursor_.next();
  cursor_.expect(Lex::assign);
  Statement made{.kind = Statement::Kind::bind};
  if (word.kind == Lex::bind) {
    made.type = full_type();
  } else {
    const std::size_t begin = cursor_.peek().span.begin;
    BaseType element;
    element.name = builder_.names().intern("element");
    FullType type;
    type.source = target_.source;
    type.with = block(nullptr);
    type.span = element.span = from(begin);
    type.base = own(std::move(element));
    made.type = own(std::move(type));
  }
  cursor_.expect(Lex::semicolon);
  made.span = from(word.span.begin);
  const std::size_t dollar = name.text.find("${");
  if (dollar != std::string_view::npos && name.text.find('}', dollar) != std::string_view::npos) {
    made.kind = Statement::Kind::bind_dynamic;
    Value text = Value::string(name.text);
    text.make_immortal();
    made.text = text.str();
  } else {
    made.path = statement_path(name.text, made.span, nullptr, false);
    if (made.path.type != Path::Type::absolute)
      builder_.syntax_error(fmt::format("bind and valid need an absolute path, not '{}'", name.text), made.span);
  }
  target_.statements.push_back(std::move(made));
}

namespace {
const Op* find_self(const Op* op) {
  StackGuard::check();
  if (op->kind == OpKind::self || op->kind == OpKind::target_self || op->kind == OpKind::list_target_self) return op;
  for (std::uint32_t i = 0; i < op->count; ++i)
    if (const Op* found = find_self(op->args[i])) return found;
  return nullptr;
}
}  // namespace

void Parser::include() {
  const std::size_t begin = cursor_.next().span.begin;
  Statement made{.kind = Statement::Kind::include};
  made.block = block(&made.value);
  cursor_.expect(Lex::semicolon);
  made.span = from(begin);
  if (const Op* self = find_self(made.block.op)) builder_.syntax_error("SELF cannot be used in an include statement", self->span);
  if (made.value.exists()) {
    if (made.value.is_undef() || made.value.is_null()) return;
    if (!made.value.is_string()) {
      builder_.syntax_error("include needs a string, undef or null", made.span);
      return;
    }
    if (!valid_include_name(made.value.as_string()))
      builder_.syntax_error(fmt::format("invalid template name ({}) in include", made.value.as_string()), made.span);
    made.kind = Statement::Kind::include_static;
    made.text = made.value.str();
  }
  target_.statements.push_back(std::move(made));
}

void Parser::prefix() {
  const std::size_t begin = cursor_.next().span.begin;
  if (!cursor_.is(Lex::string)) cursor_.unexpected("a path");
  const Token name = cursor_.next();
  cursor_.expect(Lex::semicolon);
  if (name.text.empty()) {
    has_prefix_ = false;
    return;
  }
  Path path = statement_path(name.text, from(begin), nullptr, false);
  if (path.type == Path::Type::absolute) {
    absolute_prefix_ = path;
    has_absolute_prefix_ = true;
  } else if (!has_absolute_prefix_) {
    builder_.syntax_error(fmt::format("the relative prefix '{}' needs an absolute prefix before it", name.text), from(begin));
  } else {
    path.terms.insert(path.terms.begin(), absolute_prefix_.terms.begin(), absolute_prefix_.terms.end());
    path.type = Path::Type::absolute;
  }
  prefix_ = std::move(path);
  has_prefix_ = true;
}

// What each kind of template may contain.
void Parser::check_statements() {
  using Kind = Statement::Kind;
  auto fail = [](const Statement& s, std::string message) { raise_syntax(std::move(message), s.span); };
  auto is_assignment = [](Kind k) { return k == Kind::assign || k == Kind::assign_constant || k == Kind::assign_delete; };
  for (const Statement& s : target_.statements) {
    if (target_.kind == TemplateKind::declaration && is_assignment(s.kind))
      fail(s, "a declaration template cannot assign to paths");
    if (target_.kind == TemplateKind::structure) {
      if (!is_assignment(s.kind) && s.kind != Kind::include && s.kind != Kind::include_static)
        fail(s, "a structure template can only contain include statements and assignments to relative paths");
      if (is_assignment(s.kind) && s.path.type == Path::Type::absolute)
        fail(s, "a structure template can only assign to relative paths");
    } else if (target_.kind != TemplateKind::declaration && is_assignment(s.kind) && s.path.type == Path::Type::relative) {
      fail(s, "only structure templates can assign to relative paths (or after a prefix statement)");
    }
  }
  std::map<std::pair<bool, Symbol>, Span> seen;
  for (const Statement& s : target_.statements) {
    if (s.kind != Kind::type && s.kind != Kind::function) continue;
    const bool is_type = s.kind == Kind::type;
    if (!seen.emplace(std::pair{is_type, s.name}, s.span).second)
      fail(s, fmt::format("the {} {} is defined twice in this template", is_type ? "type" : "function",
                          builder_.names().text(s.name)));
  }
}

std::shared_ptr<const Template> parse_template(SourcePtr source, Names& names, bool (*debug)(const void*, std::string_view),
                                               const void* debug_context) {
  auto result = std::make_shared<Template>();
  result->source = source;
  HeapScope scope(result->heap);
  try {
    Tokens tokens = tokenize(*source->content);
    Parser(tokens, *result, names, debug, debug_context).parse();
    result->annotations = std::move(tokens.annotations);
  } catch (Failure& failure) {
    if (failure.problem->place.source == nullptr) failure.problem->place.source = source;
    throw;
  } catch (const StackExhausted&) {
    try {
      raise(Problem::Kind::parse, "the template is nested too deeply", {}, "split the expression into smaller ones");
    } catch (Failure& failure) {
      failure.problem->place.source = source;
      throw;
    }
  }
  return result;
}

Value parse_constant(std::string_view text, Names& names, Heap& heap) {
  Template holder;
  HeapScope scope(holder.heap);
  Tokens tokens = tokenize(text);
  Value value = Parser(tokens, holder, names, nullptr, nullptr).parse_single_constant();
  HeapScope target(heap);
  return copy_to_current_heap(value);
}

}  // namespace cdb::pan
