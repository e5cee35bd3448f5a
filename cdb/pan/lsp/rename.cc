// Rename: variables, functions and types across the tree, local variables in their piece of DML.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "base/text/text.h"
#include "cdb/pan/builtin.h"
#include "cdb/pan/lsp/answers.h"
#include "cdb/pan/lsp/builtin_docs.h"

namespace cdb::pan::lsp::features {

using index::Space;

namespace {

[[noreturn]] void refuse(std::string message) {
  throw RpcError{RpcCode::request_failed, std::move(message)};
}

bool known(std::span<const WordDoc> words, std::string_view name) {
  return std::any_of(words.begin(), words.end(), [&](const WordDoc& word) { return word.word == name; });
}

void check_name(const std::string& name) {
  const bool formed =
      !name.empty() && (std::isalpha(static_cast<unsigned char>(name[0])) || name[0] == '_') &&
      std::all_of(name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; });
  if (!formed) refuse(fmt::format("'{}' is no name: names are letters, digits and _, and do not begin with a digit", name));
  if (known(keyword_docs(), name)) refuse(fmt::format("'{}' is a word of the language", name));
  if (known(automatic_variable_docs(), name)) refuse(fmt::format("'{}' is set by the compiler", name));
}

// What may be renamed at the cursor.
Target renamable(const Session& session, const Document& document, const Value& params) {
  const Target target = target_at(session, document, document.offset(need_position(params, "position")));
  switch (target.kind) {
    case Target::Kind::local: return target;
    case Target::Kind::global:
      if (target.space == Space::variable && target.symbol == Names::loadpath)
        refuse("LOADPATH is read by the compiler under this name");
      if (session.index->definitions(target.space, target.symbol).empty())
        refuse(fmt::format("no template of this tree defines {} {}", index::space_name(target.space), target.name));
      return target;
    case Target::Kind::automatic: refuse(fmt::format("{} is set by the compiler", target.name));
    case Target::Kind::builtin: refuse(fmt::format("{}() is a function of Pan itself", target.name));
    case Target::Kind::template_name: refuse("templates are renamed with their files");
    case Target::Kind::path:
    case Target::Kind::field: refuse("paths and fields cannot be renamed: computed paths may use them");
    case Target::Kind::none: break;
  }
  refuse("there is no name here");
}

Value rename_local(const Session& session, const Document& document, const Target& target, const std::string& name) {
  const auto locals = index::locals_of(document.tree(), target.scope);
  if (locals.names.contains(name)) refuse(fmt::format("there is a local variable {} already", name));
  for (const auto& mention : locals.others)
    if (document.text().compare(mention.span.begin, mention.span.end - mention.span.begin, name) == 0)
      refuse(fmt::format("the global variable {} is used here: the local one would hide it", name));
  if (!session.index->definitions(Space::variable, name).empty())
    refuse(fmt::format("there is a global variable {}: assigning a local one of this name fails", name));
  std::vector<TextEdit> edits;
  for (const auto& mention : locals.names.at(target.name)) edits.push_back({mention.span, name});
  return workspace_edit(session, {{document.path(), std::move(edits)}});
}

Value rename_global(const Session& session, const Target& target, const std::string& name) {
  if (!session.index->definitions(target.space, name).empty())
    refuse(fmt::format("there is a {} {} already", index::space_name(target.space), name));
  if (session.index->uses(target.space, session.index->names().intern(name)) != 0)
    refuse(fmt::format("{} {} is used already, though nothing defines it", index::space_name(target.space), name));
  if (target.space == Space::function && find_builtin(name) != nullptr)
    refuse(fmt::format("{}() is a function of Pan itself", name));
  if (target.space == Space::type && known(type_docs(), name)) refuse(fmt::format("{} is a type of Pan itself", name));
  std::map<std::string, std::vector<TextEdit>> edits;
  for (const auto& reference : session.index->references(target.space, target.symbol, true))
    edits[reference.file->path].push_back({reference.span, name});
  // A local variable of the new name would hide the global one where that is used.
  if (target.space == Space::variable) {
    for (const auto& [path, list] : edits) {
      const auto text = session.text(path);
      if (text == nullptr) refuse(fmt::format("{} cannot be read any more", path));
      const auto tree = syntax::Tree::parse(*text);
      for (const auto scope : index::scopes(tree)) {
        if (!index::locals_of(tree, scope).names.contains(name)) continue;
        const Span span = tree.span(scope);
        if (std::any_of(list.begin(), list.end(),
                        [&](const TextEdit& edit) { return span.begin <= edit.span.begin && edit.span.end <= span.end; }))
          refuse(fmt::format("{} has a local variable {} where {} is used", path, name, target.name));
      }
    }
  }
  return workspace_edit(session, edits);
}

}  // namespace

Value workspace_edit(const Session& session, const std::map<std::string, std::vector<TextEdit>>& by_path) {
  List changes;
  Dict plain;
  for (const auto& [path, edits] : by_path) {
    const auto text = session.text(path);
    if (text == nullptr) continue;
    const syntax::LineIndex lines(*text);
    List list;
    for (const TextEdit& edit : edits) list.emplace_back(Dict{{"range", range_json(lines, edit.span)}, {"newText", edit.text}});
    const std::string uri = session.uri_of(path);
    const Document* open = session.open_document(path);
    const Value version = open == nullptr ? Value(nullptr) : Value(open->version());
    if (session.document_changes) {
      changes.emplace_back(Dict{{"textDocument", Dict{{"uri", uri}, {"version", version}}}, {"edits", std::move(list)}});
    } else {
      plain[uri] = std::move(list);
    }
  }
  if (session.document_changes) return Dict{{"documentChanges", std::move(changes)}};
  return Dict{{"changes", std::move(plain)}};
}

Value prepare_rename(const Session& session, const Value& params) {
  const Document& document = session.document(params);
  const Target target = renamable(session, document, params);
  return Dict{{"range", document.range(target.span)}, {"placeholder", target.name}};
}

Value rename(const Session& session, const Value& params) {
  const Document& document = session.document(params);
  const std::string& name = need_string(params, "newName");
  const Target target = renamable(session, document, params);
  check_name(name);
  if (name == target.name) return workspace_edit(session, {});
  return target.kind == Target::Kind::local ? rename_local(session, document, target, name)
                                            : rename_global(session, target, name);
}

}  // namespace cdb::pan::lsp::features
