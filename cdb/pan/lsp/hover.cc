// Hover and signature help.
#include <fmt/format.h>

#include <algorithm>

#include "base/profile/json.h"
#include "base/profile/path.h"
#include "base/text/text.h"
#include "cdb/pan/lsp/answers.h"
#include "cdb/pan/lsp/builtin_docs.h"

namespace cdb::pan::lsp::features {

using index::Space;
using syntax::Kind;
using syntax::kNone;
using syntax::NodeId;

namespace {

constexpr std::size_t kShownLines = 12;
constexpr std::size_t kShownValue = 200;
constexpr std::size_t kShownProfiles = 3;
constexpr std::size_t kShownTypes = 4;

// Paragraphs for a person: Pan text in a code block where the client shows Markdown.
class Page {
 public:
  explicit Page(bool markdown) : markdown_(markdown) {}
  void code(std::string_view text) { paragraph(markdown_ ? fmt::format("```pan\n{}\n```", text) : std::string(text)); }
  void paragraph(std::string text) {
    if (text.empty()) return;
    if (!text_.empty()) text_ += "\n\n";
    text_ += text;
  }
  Value result(const Document& document, Span span) const {
    if (text_.empty()) return nullptr;
    return Dict{{"contents", Dict{{"kind", markdown_ ? "markdown" : "plaintext"}, {"value", text_}}},
                {"range", document.range(span)}};
  }

 private:
  bool markdown_;
  std::string text_;
};

std::string first_lines(std::string_view text) {
  const auto lines = base::text::split(text, '\n');
  if (lines.size() <= kShownLines) return std::string(text);
  return base::text::join(std::span(lines).first(kShownLines), "\n") + "\n...";
}

std::string file_name(const index::FileIndex& file) {
  return file.name.empty() ? file.path : file.name;
}

void show_global(const Session& session, const Target& target, Page& page) {
  const auto defined = session.index->definitions(target.space, target.symbol);
  if (defined.empty()) {
    for (const WordDoc& type : type_docs())
      if (target.space == Space::type && type.word == target.name) {
        page.code("type " + target.name);
        page.paragraph(std::string(type.text));
      }
    return;
  }
  const auto& first = defined.front();
  if (const auto text = session.text(first.file->path); text != nullptr && first.definition->span.end <= text->size())
    page.code(first_lines(
        std::string_view(*text).substr(first.definition->span.begin, first.definition->span.end - first.definition->span.begin)));
  page.paragraph(first.definition->documentation);
  std::string where = "defined in " + file_name(*first.file);
  if (defined.size() > 1) where += fmt::format(" and {} more", defined.size() - 1);
  page.paragraph(std::move(where));
}

// What compiled profiles have at the path.
void show_values(const Session& session, const Document& document, const std::vector<std::string>& terms, Page& page) {
  if (session.worker == nullptr) return;
  base::profile::Path path;
  for (const std::string& term : terms) path = path / term;
  std::vector<std::string> lines;
  for (const auto& profile : session.worker->profiles_reading(document.path())) {
    if (lines.size() == kShownProfiles) break;
    const Value* found = base::profile::find(*profile.value, path);
    if (found == nullptr) continue;
    std::string text = base::profile::to_json(*found);
    if (text.size() > kShownValue) {
      std::size_t cut = kShownValue;
      while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
      text = text.substr(0, cut) + " ...";
    }
    lines.push_back(fmt::format("{}: {}", profile.object, text));
  }
  if (!lines.empty())
    page.paragraph("value in profiles\n" +
                   (session.markdown ? "```\n" + base::text::join(lines, "\n") + "\n```" : base::text::join(lines, "\n")));
}

void show_path(const Session& session, const Document& document, const Target& target, Page& page) {
  if (!target.path->absolute) {
    page.code(index::path_text(target.terms).substr(1));
    page.paragraph("a path below the place where this structure template is used");
    return;
  }
  page.code(index::path_text(target.terms));
  std::vector<std::string> seen;
  for (const auto& type : session.index->types_at(target.terms)) {
    if (type.shape == nullptr || seen.size() == kShownTypes) continue;
    std::string text = "type " + session.index->shape_text(*type.shape);
    if (type.field != nullptr) text += type.field->required ? ", required" : ", may be left out";
    if (type.field_file != nullptr) text += ", from " + file_name(*type.field_file);
    if (type.field != nullptr && !type.field->documentation.empty()) text += "\n\n" + type.field->documentation;
    if (std::find(seen.begin(), seen.end(), text) != seen.end()) continue;
    page.paragraph(text);
    seen.push_back(std::move(text));
  }
  if (seen.empty()) page.paragraph("no type is bound here");
  show_values(session, document, target.terms, page);
}

void show_template(const Session& session, const Target& target, Page& page) {
  std::vector<std::string> names{target.name};
  if (target.reference != nullptr) names = session.index->names_of(*target.reference);
  if (names.empty()) {
    page.paragraph("only a compile knows which template this is");
    return;
  }
  for (const std::string& name : names) {
    const auto paths = session.index->template_paths(name);
    const auto* file = paths.empty() ? nullptr : session.index->file(paths.front());
    const std::string_view kind = file == nullptr ? "" : template_kind_name(file->kind);
    page.code(kind.empty() || kind == "ordinary" ? "template " + name : fmt::format("{} template {}", kind, name));
    page.paragraph(paths.empty() ? "not on the include path" : base::text::join(paths, "\n"));
  }
}

void show_field(const Document& document, const Target& target, Page& page) {
  const syntax::Tree& tree = document.tree();
  const NodeId field = tree.parent(tree.node_at(target.span.begin + 1));
  if (field == kNone || tree.kind(field) != Kind::record_field) return;
  page.code(first_lines(tree.text(field)));
  page.paragraph(index::documentation_of(tree, field));
}

// Commas and brackets before the cursor tell the call and its argument; trees of half-written calls do not.
struct CallAtCursor {
  std::string_view name;
  std::size_t argument = 0;
};
std::optional<CallAtCursor> call_at(const syntax::Tree& tree, std::uint32_t offset) {
  const auto& tokens = tree.tokens();
  std::size_t at = 0;
  while (at < tokens.size() && tokens[at].kind != Lex::end && tokens[at].end <= offset) ++at;
  int depth = 0;
  std::size_t commas = 0;
  constexpr std::size_t kFarthest = 5000;
  for (std::size_t seen = 0; at-- > 0 && seen < kFarthest; ++seen) {
    switch (tokens[at].kind) {
      case Lex::rparen:
      case Lex::rbracket:
      case Lex::rbrace: ++depth; break;
      case Lex::lbracket:
      case Lex::lbrace:
        if (depth == 0) return std::nullopt;
        --depth;
        break;
      case Lex::lparen:
        if (depth > 0) {
          --depth;
        } else if (at > 0 && tokens[at - 1].kind == Lex::identifier) {
          return CallAtCursor{tree.text_of_token(static_cast<syntax::TokenId>(at - 1)), commas};
        } else {
          commas = 0;  // a pair of brackets inside an argument
        }
        break;
      case Lex::comma:
        if (depth == 0) ++commas;
        break;
      case Lex::semicolon:
        if (depth == 0) return std::nullopt;
        break;
      default: break;
    }
  }
  return std::nullopt;
}

}  // namespace

Value hover(const Session& session, const Value& params) {
  const Document& document = session.document(params);
  const Target target = target_at(session, document, document.offset(need_position(params, "position")));
  Page page(session.markdown);
  switch (target.kind) {
    case Target::Kind::global: show_global(session, target, page); break;
    case Target::Kind::local: page.paragraph("local variable " + target.name); break;
    case Target::Kind::automatic:
      for (const WordDoc& word : automatic_variable_docs())
        if (word.word == target.name) page.paragraph(std::string(word.text));
      break;
    case Target::Kind::builtin:
      if (const BuiltinDoc* doc = find_builtin_doc(target.name)) {
        page.code(doc->signature());
        page.paragraph(std::string(doc->text));
      }
      break;
    case Target::Kind::template_name: show_template(session, target, page); break;
    case Target::Kind::path: show_path(session, document, target, page); break;
    case Target::Kind::field: show_field(document, target, page); break;
    case Target::Kind::none: break;
  }
  return page.result(document, target.span);
}

Value signature_help(const Session& session, const Value& params) {
  const Document& document = session.document(params);
  const auto call = call_at(document.tree(), document.offset(need_position(params, "position")));
  if (!call) return nullptr;
  Dict signature;
  std::size_t active = call->argument;
  if (const BuiltinDoc* doc = find_builtin_doc(call->name)) {
    signature = {{"label", doc->signature()}, {"documentation", doc->text}};
    List parameters;
    for (const std::string& parameter : base::text::split(doc->parameters, ','))
      parameters.emplace_back(Dict{{"label", base::text::trim(parameter)}});
    // The last one repeats.
    if (doc->parameters.ends_with("...") && active >= parameters.size()) active = parameters.size() - 1;
    signature["parameters"] = std::move(parameters);
  } else {
    const auto defined = session.index->definitions(Space::function, call->name);
    if (defined.empty()) return nullptr;
    signature = {{"label", fmt::format("{}(...)", call->name)},
                 {"documentation", defined.front().definition->documentation},
                 {"parameters", List{}}};
  }
  return Dict{{"signatures", List{std::move(signature)}}, {"activeSignature", 0}, {"activeParameter", active}};
}

}  // namespace cdb::pan::lsp::features
