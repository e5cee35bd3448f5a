#include "cdb/pan/lsp/session.h"

#include <fmt/format.h>

#include <algorithm>

#include "cdb/pan/builtin.h"

namespace cdb::pan::lsp {

using index::Space;
using syntax::Kind;
using syntax::kNone;
using syntax::NodeId;

namespace {

bool holds(Span span, std::uint32_t offset) {
  return span.begin <= offset && offset <= span.end && span.known();
}

// Names of variables: local, automatic or global. Trees tell what is local.
void variable_target(const Session& session, const Document& document, NodeId name, Target& out) {
  const syntax::Tree& tree = document.tree();
  out.span = tree.span(name);
  out.name = tree.text(name);
  out.kind = Target::Kind::global;
  out.space = Space::variable;
  out.symbol = session.index->names().intern(out.name);
  if (index::automatic_variable(out.name)) {
    out.kind = Target::Kind::automatic;
    return;
  }
  const NodeId scope = index::scope_of(tree, name);
  if (scope == kNone || !index::locals_of(tree, scope).names.contains(out.name)) return;
  out.kind = Target::Kind::local;
  out.scope = scope;
}

}  // namespace

const Document& Session::document(const Value& params) const {
  const std::string& uri = need_string(need(params, "textDocument"), "uri");
  const auto found = documents.find(uri);
  if (found == documents.end()) invalid_params(fmt::format("{} is not open: send textDocument/didOpen first", uri));
  return found->second;
}

const Document* Session::open_document(const std::string& path) const {
  for (const auto& [uri, document] : documents)
    if (document.path() == path) return &document;
  return nullptr;
}

std::string Session::uri_of(const std::string& path) const {
  const Document* document = open_document(path);
  return document == nullptr ? uri_of_path(path) : document->uri();
}

Value Session::location(const std::string& path, Span span) const {
  return Places(*this).at(path, span);
}

Value Places::at(const std::string& path, Span span) {
  if (lines_ == nullptr || path != path_) {
    lines_.reset();
    text_ = session_.text(path);
    if (text_ == nullptr) return nullptr;
    path_ = path;
    uri_ = session_.uri_of(path);
    lines_ = std::make_unique<syntax::LineIndex>(*text_);
  }
  return location_json(uri_, range_json(*lines_, span));
}

const index::FileIndex& Session::summary(const Document& document) const {
  static const index::FileIndex kEmpty;
  const auto* file = index->file(document.path());
  return file == nullptr ? kEmpty : *file;
}

std::size_t step_at(std::string_view raw, std::uint32_t offset_in_raw) {
  std::size_t step = 0;
  bool inside = false;
  // raw[0] is the quote; a slash behind it begins the first step.
  for (std::size_t i = 1; i < raw.size() && i < offset_in_raw; ++i) {
    if (raw[i] == '{') inside = true;
    if (raw[i] == '}') inside = false;
    if (raw[i] == '/' && !inside && i > 1) ++step;
  }
  return step;
}

Target target_at(const Session& session, const Document& document, std::uint32_t offset) {
  Target out;
  const index::FileIndex& file = session.summary(document);
  const syntax::Tree& tree = document.tree();
  if (holds(file.name_span, offset)) {
    out.kind = Target::Kind::template_name;
    out.span = file.name_span;
    out.name = file.name;
    return out;
  }
  for (const auto& reference : file.templates) {
    // A variable in a computed name is itself a better target.
    if (!holds(reference.span, offset)) continue;
    const NodeId node = tree.node_at(offset);
    if (tree.kind(node) == Kind::name) break;
    out.kind = Target::Kind::template_name;
    out.span = reference.span;
    out.reference = &reference;
    return out;
  }
  for (const auto& path : file.paths) {
    if (!holds(path.span, offset)) continue;
    out.kind = Target::Kind::path;
    out.span = path.span;
    out.path = &path;
    const std::string_view raw = std::string_view(document.text()).substr(path.span.begin, path.span.end - path.span.begin);
    const std::size_t own = index::path_terms(raw.size() < 2 ? raw : raw.substr(1, raw.size() - 2)).size();
    const std::size_t before = path.terms.size() - std::min(own, path.terms.size());
    const std::size_t upto = std::min(path.terms.size(), before + step_at(raw, offset - path.span.begin) + 1);
    out.terms.assign(path.terms.begin(), path.terms.begin() + static_cast<std::ptrdiff_t>(upto));
    return out;
  }
  for (const auto& use : file.uses) {
    if (!holds(use.span, offset)) continue;
    out.kind = Target::Kind::global;
    out.span = use.span;
    out.space = use.space;
    out.symbol = use.name;
    out.name = session.index->text(use.name);
    if (use.space == Space::function && find_builtin(out.name) != nullptr) out.kind = Target::Kind::builtin;
    return out;
  }
  for (const auto& definition : file.definitions) {
    if (!holds(definition.name_span, offset)) continue;
    out.kind = Target::Kind::global;
    out.span = definition.name_span;
    out.space = definition.space;
    out.symbol = definition.name;
    out.name = session.index->text(definition.name);
    out.definition = true;
    return out;
  }
  const NodeId node = tree.node_at(offset);
  if (tree.kind(node) == Kind::name && tree.parent(node) != kNone && tree.kind(tree.parent(node)) == Kind::reference) {
    variable_target(session, document, node, out);
  } else if (tree.kind(node) == Kind::field_name) {
    out.kind = Target::Kind::field;
    out.span = tree.span(node);
    const auto terms = index::path_terms(tree.value_of_token(tree.node(node).first_token));
    out.name = terms.empty() ? std::string() : terms.front();
  }
  return out;
}

}  // namespace cdb::pan::lsp
