#include "cdb/pan/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <set>

#include "cdb/pan/parse_tokens.h"
#include "cdb/pan/stack_guard.h"

namespace cdb::pan {

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

// A thread's next template uses the lists of the one before, unless that was uncommonly large.
constexpr std::size_t kMostSpare = 1 << 14;
thread_local Parser::Scratch Parser::spare_scratch;

Parser::Parser(std::string_view source, Template& target, Names& names, bool (*debug)(const void*, std::string_view),
               const void* debug_context)
    : cursor_(source),
      target_(target),
      builder_(target, names, false),
      debug_(debug),
      debug_context_(debug_context),
      scratch_(std::exchange(spare_scratch, {})) {}

Parser::~Parser() {
  if (scratch_.ops.capacity() > kMostSpare) return;
  scratch_.ops.clear();
  scratch_.required.clear();
  scratch_.optional.clear();
  scratch_.includes.clear();
  scratch_.choices.clear();
  spare_scratch = std::move(scratch_);
}

void Parser::header() {
  const std::uint32_t begin = cursor_.peek().span.begin;
  switch (cursor_.peek().kind) {
    case Lex::structure: target_.kind = TemplateKind::structure; break;
    case Lex::object: target_.kind = TemplateKind::object; break;
    case Lex::declaration: target_.kind = TemplateKind::declaration; break;
    case Lex::unique: target_.kind = TemplateKind::unique; break;
    default: target_.kind = TemplateKind::ordinary;
  }
  if (target_.kind != TemplateKind::ordinary) cursor_.next();
  cursor_.expect(Lex::template_);
  const Token name = cursor_.expect(Lex::template_name);
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
  target_.annotations = cursor_.take_annotations();
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
  const std::uint32_t begin = cursor_.peek().span.begin;
  builder_.begin_block();
  const Block block = builder_.end_block(dml());
  if (constant != nullptr) *constant = builder_.evaluate_constant(block);
  if (span != nullptr) *span = from(begin);
  return block;
}

void Parser::statement() {
  const Token first = cursor_.peek();
  const std::uint32_t begin = first.span.begin;
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
      add(std::move(made));
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
  make_immortal(path);
  if (prefix != nullptr && path.type == Path::Type::relative) path = joined(*prefix, path);
  // A prefix is copied into each path behind it.
  constexpr std::size_t kMostTerms = 5'000'000;
  terms_ += path.terms.size();
  if (terms_ > kMostTerms)
    raise(Problem::Kind::parse, fmt::format("the paths of this template have more than {} parts in all", kMostTerms), span,
          "shorten the prefix, or split the template");
  return path;
}

Path Parser::joined(const Path& front, const Path& back) {
  const std::size_t count = front.terms.size() + back.terms.size();
  auto* terms = static_cast<Term*>(target_.heap.allocate(count * sizeof(Term)));
  std::uninitialized_copy(front.terms.begin(), front.terms.end(), terms);
  std::uninitialized_copy(back.terms.begin(), back.terms.end(), terms + front.terms.size());
  return {front.type, front.authority, {terms, count}};
}

void Parser::assignment(bool final, std::uint32_t begin) {
  const Token name = cursor_.next();
  if (!cursor_.is(Lex::assign) && !cursor_.is(Lex::assign_default)) cursor_.unexpected("'=' or '?='");
  const bool conditional = cursor_.next().kind == Lex::assign_default;
  Statement made{.kind = Statement::Kind::assign, .conditional = conditional, .final = final};
  made.block = block(&made.value);
  cursor_.expect(Lex::semicolon);
  made.span = from(begin);
  made.path = statement_path(name.text, name.span, has_prefix_ ? &prefix_ : nullptr, has_prefix_ && !prefix_.terms.empty());
  if (made.path.type == Path::Type::external)
    builder_.syntax_error(fmt::format("assignment cannot be made to an external path ({})", made.path.text()), made.span);
  if (made.value.exists()) made.kind = made.value.is_null() ? Statement::Kind::assign_delete : Statement::Kind::assign_constant;
  add(std::move(made));
}

void Parser::variable(bool final, std::uint32_t begin) {
  cursor_.expect(Lex::variable);
  const Token name = cursor_.expect(Lex::identifier);
  if (!cursor_.is(Lex::assign) && !cursor_.is(Lex::assign_default)) cursor_.unexpected("'=' or '?='");
  Statement made{.kind = Statement::Kind::variable, .final = final};
  made.conditional = cursor_.next().kind == Lex::assign_default;
  made.block = block(&made.value);
  cursor_.expect(Lex::semicolon);
  made.span = from(begin);
  made.name = builder_.names().intern(name.text);
  if (made.name <= Names::function)
    builder_.syntax_error(fmt::format("automatic variable ({}) may not be set directly", name.text), made.span);
  if (made.value.exists()) made.kind = Statement::Kind::variable_constant;
  add(std::move(made));
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
    const std::uint32_t begin = cursor_.peek().span.begin;
    BaseType element;
    element.name = builder_.names().intern("element");
    FullType type;
    type.source = &target_.source;
    type.with = block(nullptr);
    type.span = element.span = from(begin);
    type.base = own(element);
    made.type = own(type);
  }
  cursor_.expect(Lex::semicolon);
  made.span = from(word.span.begin);
  const std::size_t dollar = name.text.find("${");
  if (dollar != std::string_view::npos && name.text.find('}', dollar) != std::string_view::npos) {
    made.kind = Statement::Kind::bind_dynamic;
    made.value = Value::string(name.text);
    made.value.make_immortal();
  } else {
    made.path = statement_path(name.text, made.span, nullptr, false);
    if (made.path.type != Path::Type::absolute)
      builder_.syntax_error(fmt::format("only absolute paths can be used with bind statements ({})", name.text), made.span);
  }
  add(std::move(made));
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
  const std::uint32_t begin = cursor_.next().span.begin;
  Statement made{.kind = Statement::Kind::include};
  made.block = block(&made.value);
  cursor_.expect(Lex::semicolon);
  made.span = from(begin);
  if (const Op* self = find_self(made.block.op))
    builder_.syntax_error("SELF cannot be used within include statement", self->span);
  if (made.value.exists()) {
    if (made.value.is_undef() || made.value.is_null()) return;
    if (!made.value.is_string()) {
      builder_.syntax_error("DML block must evaluate to a string property, null, or undef", made.span);
      return;
    }
    if (!valid_include_name(made.value.as_string()))
      builder_.syntax_error(fmt::format("invalid identifier ({})", made.value.as_string()), made.span);
    made.kind = Statement::Kind::include_static;
  }
  add(std::move(made));
}

void Parser::prefix() {
  const std::uint32_t begin = cursor_.next().span.begin;
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
    builder_.syntax_error(fmt::format("given relative prefix ({}) requires prior absolute prefix", name.text), from(begin));
  } else {
    path = joined(absolute_prefix_, path);
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
      fail(s, "statement not allowed in declaration template");
    if (target_.kind == TemplateKind::structure) {
      if (!is_assignment(s.kind) && s.kind != Kind::include && s.kind != Kind::include_static)
        fail(s, "only relative assigment and include statements are allowed in structure templates");
      if (is_assignment(s.kind) && s.path.type == Path::Type::absolute)
        fail(s, "structure templates can only contain assignments to relative paths");
    } else if (target_.kind != TemplateKind::declaration && is_assignment(s.kind) && s.path.type == Path::Type::relative) {
      fail(s, "ordinary, object, and unique templates can only contain assignments to absolute paths");
    }
  }
  // Twice the same name is rare: sorting tells whether there is any.
  std::vector<std::uint64_t> seen;
  auto definition = [](const Statement& s) { return std::uint64_t{s.name} << 1 | (s.kind == Kind::type ? 1u : 0u); };
  auto defines = [](const Statement& s) { return s.kind == Kind::type || s.kind == Kind::function; };
  for (const Statement& s : target_.statements)
    if (defines(s)) seen.push_back(definition(s));
  std::sort(seen.begin(), seen.end());
  if (std::adjacent_find(seen.begin(), seen.end()) == seen.end()) return;
  std::set<std::uint64_t> first;
  for (const Statement& s : target_.statements)
    if (defines(s) && !first.insert(definition(s)).second)
      fail(s, fmt::format("the {} {} is defined twice in this template", s.kind == Kind::type ? "type" : "function",
                          builder_.names().text(s.name)));
}

std::size_t Template::first_block(std::size_t source_size) {
  constexpr std::size_t usual = 16u << 10;
  const std::size_t wanted = 512 + source_size * 4;
  return wanted < usual ? wanted : 0;
}

std::shared_ptr<const Template> parse_template(SourcePtr source, Names& names, bool (*debug)(const void*, std::string_view),
                                               const void* debug_context) {
  auto result = std::make_shared<Template>(source->content->size());
  result->source = source;
  HeapScope scope(result->heap);
  try {
    Parser(*source->content, *result, names, debug, debug_context).parse();
  } catch (Failure& failure) {
    if (failure.problem->place.source == nullptr) failure.problem->place.source = source;
    throw;
  } catch (const StackExhausted&) {
    auto problem = std::make_shared<Problem>();
    problem->kind = Problem::Kind::parse;
    problem->message = "the template is nested too deeply";
    problem->hint = "split the expression into smaller ones";
    problem->place.source = source;
    throw Failure{std::move(problem)};
  } catch (const std::bad_alloc&) {
    auto problem = std::make_shared<Problem>();
    problem->kind = Problem::Kind::parse;
    problem->message = "the template needs too much memory";
    problem->hint = "split it, or read its data with file_contents()";
    problem->place.source = source;
    throw Failure{std::move(problem)};
  }
  return result;
}

Value parse_constant(std::string_view text, Names& names, Heap& heap) {
  Template holder(text.size());
  HeapScope scope(holder.heap);
  Value value = Parser(text, holder, names, nullptr, nullptr).parse_single_constant();
  HeapScope target(heap);
  return copy_to_current_heap(value);
}

}  // namespace cdb::pan
