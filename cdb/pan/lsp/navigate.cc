// Definitions, references, symbols.
#include <algorithm>
#include <cctype>

#include "cdb/pan/lsp/answers.h"

namespace cdb::pan::lsp::features {

using index::Space;
using syntax::Kind;
using syntax::kNone;
using syntax::NodeId;

namespace {

constexpr std::size_t kMostSymbols = 500;

void add(List& out, Value location) {
  if (!location.is_null() && std::find(out.begin(), out.end(), location) == out.end()) out.push_back(std::move(location));
}

Span start_of_file() {
  return {0, 0};
}

// Where a template is: its header's name.
void add_template(const Session& session, const std::string& path, List& out) {
  const auto* file = session.index->file(path);
  add(out, session.location(path, file == nullptr ? start_of_file() : file->name_span));
}

List template_locations(const Session& session, const index::TemplateRef& reference) {
  List out;
  for (const std::string& name : session.index->names_of(reference)) {
    const bool text = reference.form == index::TemplateRef::Form::file;
    for (const std::string& path : text ? session.index->text_paths(name) : session.index->template_paths(name))
      add_template(session, path, out);
  }
  return out;
}

// The record field that a path ends in; failing that, the type bound to it.
List path_locations(const Session& session, const std::vector<std::string>& terms) {
  List out;
  for (const auto& type : session.index->types_at(terms)) {
    if (type.field != nullptr) add(out, session.location(type.field_file->path, type.field->name_span));
  }
  if (!out.empty()) return out;
  for (const auto& type : session.index->types_at(terms)) {
    for (const auto& expanded : session.index->expand(type))
      if (expanded.shape != nullptr) add(out, session.location(expanded.file->path, expanded.shape->span));
  }
  return out;
}

std::vector<index::Mention> local_mentions(const Document& document, const Target& target) {
  auto locals = index::locals_of(document.tree(), target.scope);
  const auto found = locals.names.find(target.name);
  return found == locals.names.end() ? std::vector<index::Mention>() : found->second;
}

List global_locations(const Session& session, const Target& target, bool with_definitions) {
  List out;
  Places places(session);
  for (const auto& reference : session.index->references(target.space, target.symbol, with_definitions)) {
    Value place = places.at(reference.file->path, reference.span);
    if (!place.is_null()) out.push_back(std::move(place));
  }
  return out;
}

Dict symbol(const Document& document, std::string_view name, SymbolKind kind, Span span, Span selection,
            std::string_view detail = {}) {
  Dict out{{"name", name.empty() ? "?" : name},
           {"kind", static_cast<int>(kind)},
           {"range", document.range(span)},
           {"selectionRange", document.range(selection)}};
  if (!detail.empty()) out["detail"] = detail;
  return out;
}

List fields(const Document& document, NodeId node) {
  const syntax::Tree& tree = document.tree();
  List out;
  for (const NodeId child : tree.children(node)) {
    if (tree.kind(child) != Kind::record_field) {
      if (tree.kind(child) == Kind::full_type || tree.kind(child) == Kind::type_record) {
        auto below = fields(document, child);
        out.insert(out.end(), below.begin(), below.end());
      }
      continue;
    }
    const NodeId name = tree.child(child, Kind::field_name);
    if (name == kNone) continue;
    Dict made =
        symbol(document, tree.value_of_token(tree.node(name).first_token), SymbolKind::field, tree.span(child), tree.span(name));
    List below = fields(document, child);
    if (!below.empty()) made["children"] = std::move(below);
    out.emplace_back(std::move(made));
  }
  return out;
}

SymbolKind kind_of(Space space) {
  return space == Space::type ? SymbolKind::structure : space == Space::function ? SymbolKind::function : SymbolKind::variable;
}

bool contains(std::string_view text, std::string_view query) {
  return std::search(text.begin(), text.end(), query.begin(), query.end(), [](char a, char b) {
           return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
         }) != text.end();
}

}  // namespace

Value definition(const Session& session, const Value& params) {
  const Document& document = session.document(params);
  const Target target = target_at(session, document, document.offset(need_position(params, "position")));
  List out;
  switch (target.kind) {
    case Target::Kind::global:
      for (const auto& defined : session.index->definitions(target.space, target.symbol))
        add(out, session.location(defined.file->path, defined.definition->name_span));
      break;
    case Target::Kind::local:
      for (const auto& mention : local_mentions(document, target)) {
        if (!mention.write) continue;
        add(out, location_json(document.uri(), document.range(mention.span)));
        break;
      }
      break;
    case Target::Kind::template_name:
      if (target.reference != nullptr) {
        out = template_locations(session, *target.reference);
      } else {
        add_template(session, document.path(), out);
      }
      break;
    case Target::Kind::path: out = path_locations(session, target.terms); break;
    default: break;
  }
  return out;
}

Value references(const Session& session, const Value& params) {
  const Document& document = session.document(params);
  const Target target = target_at(session, document, document.offset(need_position(params, "position")));
  const Value* context = params.get("context");
  const bool with_definitions = context == nullptr || context->get_boolean("includeDeclaration", true);
  List out;
  Places places(session);
  const auto put = [&](const std::string& path, Span span) {
    Value place = places.at(path, span);
    if (!place.is_null()) out.push_back(std::move(place));
  };
  switch (target.kind) {
    case Target::Kind::global: return global_locations(session, target, with_definitions);
    case Target::Kind::local:
      for (const auto& mention : local_mentions(document, target)) put(document.path(), mention.span);
      break;
    case Target::Kind::builtin:
      for (const auto& [path, file] : session.index->files())
        for (const auto& use : file->uses)
          if (use.space == Space::function && use.name == target.symbol) put(path, use.span);
      break;
    case Target::Kind::template_name: {
      std::vector<std::string> names{target.name};
      if (target.reference != nullptr) names = session.index->names_of(*target.reference);
      for (const auto& [path, file] : session.index->files()) {
        for (const auto& reference : file->templates) {
          const auto known = session.index->names_of(reference);
          if (std::any_of(known.begin(), known.end(),
                          [&](const std::string& name) { return std::find(names.begin(), names.end(), name) != names.end(); }))
            put(path, reference.span);
        }
      }
      break;
    }
    case Target::Kind::path:
      for (const auto& [path, file] : session.index->files()) {
        for (const auto& other : file->paths)
          if (other.absolute && other.terms.size() >= target.terms.size() &&
              std::equal(target.terms.begin(), target.terms.end(), other.terms.begin()))
            put(path, other.span);
      }
      break;
    default: break;
  }
  return out;
}

Value document_highlight(const Session& session, const Value& params) {
  const Document& document = session.document(params);
  const Target target = target_at(session, document, document.offset(need_position(params, "position")));
  constexpr int kRead = 2, kWrite = 3;
  List out;
  if (target.kind == Target::Kind::local) {
    for (const auto& mention : local_mentions(document, target))
      out.emplace_back(Dict{{"range", document.range(mention.span)}, {"kind", mention.write ? kWrite : kRead}});
  } else if (target.kind == Target::Kind::global || target.kind == Target::Kind::builtin) {
    const index::FileIndex& file = session.summary(document);
    for (const auto& definition : file.definitions)
      if (definition.space == target.space && definition.name == target.symbol)
        out.emplace_back(Dict{{"range", document.range(definition.name_span)}, {"kind", kWrite}});
    for (const auto& use : file.uses)
      if (use.space == target.space && use.name == target.symbol)
        out.emplace_back(Dict{{"range", document.range(use.span)}, {"kind", kRead}});
  }
  return out;
}

Value document_symbol(const Session& session, const Value& params) {
  const Document& document = session.document(params);
  const syntax::Tree& tree = document.tree();
  List out;
  for (const NodeId node : tree.children(tree.root())) {
    const Kind kind = tree.kind(node);
    const Span span = tree.span(node);
    if (kind == Kind::header) {
      const NodeId name = tree.child(node, Kind::template_name);
      if (name != kNone) out.push_back(symbol(document, tree.text(name), SymbolKind::module, span, tree.span(name)));
    } else if (kind == Kind::variable || kind == Kind::function || kind == Kind::type) {
      const NodeId name = tree.child(node, Kind::name);
      if (name == kNone) continue;
      Dict made = symbol(document, tree.text(name),
                         kind == Kind::variable   ? SymbolKind::variable
                         : kind == Kind::function ? SymbolKind::function
                                                  : SymbolKind::structure,
                         span, tree.span(name));
      List below = fields(document, node);
      if (!below.empty()) made["children"] = std::move(below);
      out.emplace_back(std::move(made));
    } else if (kind == Kind::assignment || kind == Kind::bind || kind == Kind::valid) {
      const NodeId path = tree.child(node, Kind::path);
      if (path == kNone) continue;
      out.push_back(symbol(document, tree.value_of_token(tree.node(path).first_token),
                           kind == Kind::assignment ? SymbolKind::key : SymbolKind::interface, span, tree.span(path),
                           kind == Kind::assignment ? "" : "bind"));
    }
  }
  return out;
}

Value workspace_symbol(const Session& session, const Value& params) {
  const std::string& query = need_string(params, "query");
  List out;
  Places places(session);
  for (const auto& [path, file] : session.index->files()) {
    const auto found = [&](std::string_view name, SymbolKind kind, Span span) {
      if (out.size() >= kMostSymbols || !contains(name, query)) return;
      Value where = places.at(path, span);
      if (where.is_null()) return;
      Dict made{{"name", name}, {"kind", static_cast<int>(kind)}, {"location", std::move(where)}};
      if (!file->name.empty()) made["containerName"] = file->name;
      out.emplace_back(std::move(made));
    };
    if (!file->name.empty()) found(file->name, SymbolKind::module, file->name_span);
    for (const auto& definition : file->definitions)
      found(session.index->text(definition.name), kind_of(definition.space), definition.name_span);
  }
  return out;
}

}  // namespace cdb::pan::lsp::features
