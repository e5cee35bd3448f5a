// Completion. What is being typed is half a text, so the context is read from the tokens before the cursor, not from the tree.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "base/text/text.h"
#include "cdb/pan/lsp/answers.h"
#include "cdb/pan/lsp/builtin_docs.h"

namespace cdb::pan::lsp::features {

using index::PathRef;
using index::Space;
using syntax::Kind;
using syntax::kNone;
using syntax::NodeId;

namespace {

constexpr std::size_t kMostItems = 500;

bool word_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}

bool begins(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), text.begin(), [](char a, char b) {
           return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
         });
}

class Items {
 public:
  Items(const Document& document, std::uint32_t from, std::uint32_t to, std::string_view prefix)
      : document_(document), range_(document.range({from, to})), prefix_(prefix) {}

  void add(std::string_view label, CompletionKind kind, std::string_view detail = {}, std::string_view documentation = {}) {
    if (!begins(label, prefix_) || !seen_.insert(std::string(label)).second) return;
    if (list_.size() == kMostItems) {
      incomplete_ = true;
      return;
    }
    Dict item{{"label", label}, {"kind", static_cast<int>(kind)}, {"textEdit", Dict{{"range", range_}, {"newText", label}}}};
    if (!detail.empty()) item["detail"] = detail;
    if (!documentation.empty()) item["documentation"] = documentation;
    list_.emplace_back(std::move(item));
  }
  Value result() { return Dict{{"isIncomplete", incomplete_}, {"items", std::move(list_)}}; }

 private:
  const Document& document_;
  Value range_;
  std::string prefix_;
  List list_;
  std::set<std::string> seen_;
  bool incomplete_ = false;
};

// The quote that opens the string the cursor is in, on this line; none outside of strings.
std::optional<std::uint32_t> open_quote(const Document& document, std::uint32_t offset) {
  const std::string& text = document.text();
  const std::uint32_t begin = document.lines().start_of(document.lines().line_of(offset));
  char quote = 0;
  std::uint32_t at = 0;
  for (std::uint32_t i = begin; i < offset; ++i) {
    const char c = text[i];
    if (quote == 0) {
      if (c == '#') return std::nullopt;
      if (c == '\'' || c == '"') {
        quote = c;
        at = i;
      }
    } else if (quote == '"' && c == '\\') {
      ++i;
    } else if (c == quote) {
      quote = 0;
    }
  }
  return quote == 0 ? std::nullopt : std::optional(at);
}

bool in_comment(const Document& document, std::uint32_t offset) {
  for (const auto& trivia : document.tree().trivia_before(document.tree().token_at(offset)))
    if (trivia.begin < offset && offset <= trivia.end && trivia.kind != syntax::Trivia::Kind::skipped) return true;
  return false;
}

// The last words and signs before a place, newest first, back to the beginning of the statement.
std::vector<std::string_view> words_before(const Document& document, std::uint32_t offset) {
  const syntax::Tree& tree = document.tree();
  const auto& tokens = tree.tokens();
  constexpr std::size_t kMost = 200;
  auto at = std::partition_point(tokens.begin(), tokens.end(),
                                 [&](const syntax::TokenInfo& token) { return token.end <= offset && token.kind != Lex::end; }) -
            tokens.begin();
  std::vector<std::string_view> out;
  while (at-- > 0 && out.size() < kMost) out.push_back(tree.text_of_token(static_cast<syntax::TokenId>(at)));
  return out;
}

enum class StringContext { none, path, template_name, file };

StringContext string_context(const std::vector<std::string_view>& words) {
  if (words.empty()) return StringContext::none;
  const std::string_view last = words[0];
  if (last == ";" || last == "bind" || last == "prefix" || last == "valid" || last == "final") return StringContext::path;
  if (last == "include") return StringContext::template_name;
  if (last == "{" && words.size() > 1 && words[1] == "include") return StringContext::template_name;
  if (last == "(" && words.size() > 1) {
    if (words[1] == "value" || words[1] == "exists" || words[1] == "path_exists") return StringContext::path;
    if (words[1] == "create" || words[1] == "if_exists") return StringContext::template_name;
    if (words[1] == "file_contents" || words[1] == "file_exists") return StringContext::file;
  }
  return StringContext::none;
}

// Steps that follow in paths elsewhere in the tree.
void add_used_steps(const Session& session, const Document& document, std::uint32_t quote, const std::vector<std::string>& above,
                    Items& items) {
  for (const auto& [path, file] : session.index->files()) {
    for (const PathRef& used : file->paths) {
      // What is being typed is no example.
      if (used.span.begin == quote && path == document.path()) continue;
      if (!used.absolute || used.terms.size() <= above.size() || !std::equal(above.begin(), above.end(), used.terms.begin()))
        continue;
      items.add(index::path_text({used.terms[above.size()]}).substr(1), CompletionKind::value,
                "used in " + (file->name.empty() ? path : file->name));
    }
  }
}

Value complete_path(const Session& session, const Document& document, std::uint32_t quote, std::uint32_t offset) {
  const std::string_view typed = std::string_view(document.text()).substr(quote + 1, offset - quote - 1);
  const auto brace = typed.rfind('{');
  const bool inside = brace != std::string_view::npos && typed.find('}', brace) == std::string_view::npos;
  const auto slash = inside ? (brace == 0 ? std::string_view::npos : brace - 1) : typed.rfind('/');
  const std::string_view done = slash == std::string_view::npos ? std::string_view() : typed.substr(0, slash);
  const std::string_view partial = slash == std::string_view::npos ? typed : typed.substr(slash + 1);
  std::vector<std::string> above;
  // A relative path goes below the prefix in force.
  if (!typed.starts_with('/')) {
    bool absolute = false;
    for (const PathRef& path : session.summary(document).paths) {
      if (path.form != PathRef::Form::prefix || path.span.begin > quote) continue;
      above = path.terms;
      absolute = path.absolute;
    }
    if (!absolute) return List{};
  }
  for (std::string& term : index::path_terms(done)) above.push_back(std::move(term));
  Items items(document, offset - static_cast<std::uint32_t>(partial.size()), offset, partial);
  for (const auto& type : session.index->types_at(above)) {
    for (const auto& field : session.index->fields_of(type)) {
      std::string detail = field.shape == nullptr ? std::string() : session.index->shape_text(*field.shape);
      if (field.field->required) detail += " (required)";
      items.add(index::path_text({field.field->key}).substr(1), CompletionKind::field, detail, field.field->documentation);
    }
  }
  add_used_steps(session, document, quote, above, items);
  return items.result();
}

Value complete_template(const Session& session, const Document& document, std::uint32_t quote, std::uint32_t offset) {
  const std::string_view typed = std::string_view(document.text()).substr(quote + 1, offset - quote - 1);
  Items items(document, quote + 1, offset, typed);
  for (const std::string& name : session.index->template_names()) items.add(name, CompletionKind::file);
  return items.result();
}

// The word at the cursor names a type: after bind '/x' =, in records, behind "type x =".
bool type_context(const Document& document, std::uint32_t word, const std::vector<std::string_view>& words) {
  const syntax::Tree& tree = document.tree();
  if (words.empty()) return false;
  if (words[0] == "=" && words.size() > 2 && (words[2] == "type" || words[2] == "bind")) return true;
  const bool field =
      (words[0] == ":" || words[0] == "?") && words.size() > 1 && (words[1].starts_with('\'') || words[1].starts_with('"'));
  if (!field && words[0] != "include" && words[0] != "extensible") return false;
  if (field) return true;
  for (NodeId node = tree.node_at(word); node != kNone; node = tree.parent(node))
    if (tree.kind(node) == Kind::type_record || tree.kind(node) == Kind::type) return true;
  return false;
}

void add_locals(const Document& document, std::uint32_t offset, Items& items) {
  const syntax::Tree& tree = document.tree();
  for (const NodeId scope : index::scopes(tree)) {
    const Span span = tree.span(scope);
    if (span.begin > offset || offset > span.end) continue;
    for (const auto& [name, mentions] : index::locals_of(tree, scope).names)
      items.add(name, CompletionKind::variable, "local variable");
  }
}

void add_globals(const Session& session, Space space, CompletionKind kind, Items& items, std::string_view prefix) {
  for (const std::string_view name : session.index->defined_names(space)) {
    if (!begins(name, prefix)) continue;
    const auto defined = session.index->definitions(space, name);
    const auto& first = defined.front();
    items.add(name, kind,
              fmt::format("{} in {}", index::space_name(space), first.file->name.empty() ? first.file->path : first.file->name),
              first.definition->documentation);
  }
}

}  // namespace

Value completion(const Session& session, const Value& params) {
  const Document& document = session.document(params);
  const std::uint32_t offset = document.offset(need_position(params, "position"));
  if (const auto quote = open_quote(document, offset)) {
    const auto words = words_before(document, *quote);
    const bool absolute = document.text()[std::min<std::size_t>(*quote + 1, document.text().size() - 1)] == '/';
    switch (string_context(words)) {
      case StringContext::template_name: return complete_template(session, document, *quote, offset);
      case StringContext::path: return complete_path(session, document, *quote, offset);
      case StringContext::file: return List{};
      case StringContext::none:
        return absolute && offset > *quote + 1 ? complete_path(session, document, *quote, offset) : Value(List{});
    }
  }
  if (in_comment(document, offset)) return List{};
  std::uint32_t begin = offset;
  while (begin > 0 && word_char(document.text()[begin - 1])) --begin;
  const std::string_view prefix = std::string_view(document.text()).substr(begin, offset - begin);
  Items items(document, begin, offset, prefix);
  const auto words = words_before(document, begin);
  if (type_context(document, begin, words)) {
    for (const WordDoc& type : type_docs()) items.add(type.word, CompletionKind::structure, "type of Pan", type.text);
    add_globals(session, Space::type, CompletionKind::structure, items, prefix);
    return items.result();
  }
  add_locals(document, offset, items);
  for (const WordDoc& word : automatic_variable_docs())
    items.add(word.word, CompletionKind::variable, "set by the compiler", word.text);
  for (const WordDoc& word : keyword_docs()) items.add(word.word, CompletionKind::keyword, {}, word.text);
  for (const BuiltinDoc& doc : builtin_docs()) items.add(doc.name, CompletionKind::function, doc.signature(), doc.text);
  add_globals(session, Space::function, CompletionKind::function, items, prefix);
  add_globals(session, Space::variable, CompletionKind::variable, items, prefix);
  return items.result();
}

}  // namespace cdb::pan::lsp::features
