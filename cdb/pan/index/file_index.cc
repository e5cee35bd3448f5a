#include "cdb/pan/index/file_index.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "base/profile/path.h"
#include "cdb/pan/index/scope.h"
#include "cdb/pan/path.h"

namespace cdb::pan::index {

using syntax::Kind;
using syntax::kNone;
using syntax::NodeId;
using syntax::Tree;

namespace {

constexpr std::size_t kLongestName = 200;
constexpr std::size_t kMostAlternatives = 16;  // of one include's name

// Names in "${NAME}", which substitute() and bind paths read.
template <class Found>
void embedded_names(std::string_view text, Found&& found) {
  for (std::size_t at = text.find("${"); at != std::string_view::npos; at = text.find("${", at + 2)) {
    std::size_t end = at + 2;
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_')) ++end;
    if (end > at + 2 && end < text.size() && (text[end] == '}' || text[end] == ':'))
      found(at + 2, text.substr(at + 2, end - at - 2));
  }
}

// Characters that Pan cannot escape make no path; here they only have to stay apart.
std::string stored(std::string_view raw) {
  try {
    return escape(raw);
  } catch (const Failure&) {
    return std::string(raw);
  }
}

class Summary {
 public:
  Summary(const Tree& tree, std::string path, Names& names) : tree_(tree), names_(names) { out_.path = std::move(path); }

  FileIndex run() {
    for (const NodeId node : tree_.children(tree_.root())) statement(node);
    out_.literals.assign(literals_.begin(), literals_.end());
    return std::move(out_);
  }

 private:
  using Alternatives = std::vector<std::vector<TemplateRef::Part>>;

  std::string literal(NodeId node) const { return tree_.value_of_token(tree_.node(node).first_token); }
  Lex literal_kind(NodeId node) const { return tree_.tokens()[tree_.node(node).first_token].kind; }
  bool is_string(NodeId node) const {
    return node != kNone && tree_.kind(node) == Kind::literal &&
           (literal_kind(node) == Lex::string || literal_kind(node) == Lex::heredoc);
  }
  Symbol intern(NodeId node) { return names_.intern(tree_.text(node)); }
  bool owns(NodeId node, Lex kind) const { return tree_.own_token(node, kind) != kNone; }
  // The DML of a statement: its last child.
  NodeId last(NodeId node) const {
    const auto children = tree_.children(node);
    return children.empty() ? kNone : children.back();
  }

  void statement(NodeId node) {
    switch (tree_.kind(node)) {
      case Kind::header: header(node); return;
      case Kind::variable: definition(node, Space::variable); break;
      case Kind::function: definition(node, Space::function); break;
      case Kind::type: definition(node, Space::type); break;
      case Kind::assignment: assignment(node); break;
      case Kind::bind: bind(node); break;
      case Kind::valid: path(tree_.child(node, Kind::path), PathRef::Form::valid); break;
      case Kind::prefix: prefix(node); break;
      case Kind::include: templates(last(node), TemplateRef::Form::include, false); break;
      default: break;
    }
    for (const NodeId child : tree_.children(node)) parts(child);
  }

  void header(NodeId node) {
    out_.kind = owns(node, Lex::object)        ? TemplateKind::object
                : owns(node, Lex::structure)   ? TemplateKind::structure
                : owns(node, Lex::unique)      ? TemplateKind::unique
                : owns(node, Lex::declaration) ? TemplateKind::declaration
                                               : TemplateKind::ordinary;
    if (const NodeId name = tree_.child(node, Kind::template_name); name != kNone) {
      out_.name = tree_.text(name);
      out_.name_span = tree_.span(name);
    }
  }

  void definition(NodeId node, Space space) {
    const NodeId name = tree_.child(node, Kind::name);
    if (name == kNone) return;
    Definition made;
    made.space = space;
    made.name = intern(name);
    made.name_span = tree_.span(name);
    made.span = tree_.span(node);
    made.documentation = documentation_of(tree_, node);
    made.conditional = owns(node, Lex::question) || owns(node, Lex::assign_default);
    made.final = owns(node, Lex::final);
    if (space == Space::type) made.type = shape(tree_.child(node, Kind::full_type));
    if (space == Space::variable && tree_.children(node).size() > 1) constant(last(node), made);
    out_.definitions.push_back(std::move(made));
  }

  void constant(NodeId value, Definition& made) const {
    if (is_string(value)) made.constant = literal(value);
    if (tree_.kind(value) != Kind::call) return;
    const NodeId name = tree_.child(value, Kind::name);
    if (name == kNone || tree_.text(name) != "list") return;
    for (const NodeId item : tree_.children(value))
      if (is_string(item)) made.constant_items.push_back(literal(item));
  }

  void assignment(NodeId node) {
    const NodeId value = last(node);
    const bool removed = value != kNone && tree_.kind(value) == Kind::literal && literal_kind(value) == Lex::null;
    const bool conditional = owns(node, Lex::assign_default) || owns(node, Lex::question);
    path(tree_.child(node, Kind::path), removed       ? PathRef::Form::remove
                                        : conditional ? PathRef::Form::assign_default
                                                      : PathRef::Form::assign);
  }

  void bind(NodeId node) {
    path(tree_.child(node, Kind::path), PathRef::Form::bind);
    if (!out_.paths.empty() && out_.paths.back().form == PathRef::Form::bind)
      out_.paths.back().type = shape(tree_.child(node, Kind::full_type));
  }

  void prefix(NodeId node) {
    const NodeId name = tree_.child(node, Kind::path);
    if (name == kNone) return;
    path(name, PathRef::Form::prefix);
    const PathRef& made = out_.paths.back();
    prefix_ = made.terms;
    prefix_absolute_ = made.absolute;
    if (literal(name).starts_with('/')) absolute_prefix_ = made.terms;
    has_absolute_prefix_ |= made.absolute;
  }

  void path(NodeId node, PathRef::Form form) {
    if (node == kNone) return;
    const std::string text = literal(node);
    PathRef made;
    made.form = form;
    made.span = tree_.span(node);
    made.absolute = text.starts_with('/');
    made.terms = path_terms(text);
    // A relative prefix goes below the last absolute one; bind knows no prefix.
    if (!made.absolute && form != PathRef::Form::bind) {
      const bool below = form == PathRef::Form::prefix ? has_absolute_prefix_ : prefix_absolute_;
      const auto& base = form == PathRef::Form::prefix ? absolute_prefix_ : prefix_;
      made.terms.insert(made.terms.begin(), base.begin(), base.end());
      made.absolute = below;
    }
    embedded_names(text, [&](std::size_t at, std::string_view name) { embedded(node, at, name); });
    out_.paths.push_back(std::move(made));
  }

  // The place is right when nothing before it in the string is escaped.
  void embedded(NodeId node, std::size_t at, std::string_view name) {
    const std::string_view raw = tree_.text(node);
    const auto found = raw.find(name, raw.find("${"));
    const std::uint32_t begin = tree_.span(node).begin + static_cast<std::uint32_t>(found == std::string_view::npos ? at : found);
    out_.uses.push_back({names_.intern(name), {begin, begin + static_cast<std::uint32_t>(name.size())}, Space::variable, true});
  }

  // DML and types below a statement.
  void parts(NodeId node) {
    if (is_scope(tree_, node)) {
      scope(node);
      return;
    }
    const Kind kind = tree_.kind(node);
    if (kind == Kind::type_name || kind == Kind::record_include) {
      if (const NodeId name = tree_.child(node, Kind::name); name != kNone)
        out_.uses.push_back({intern(name), tree_.span(name), Space::type, false});
    }
    for (const NodeId child : tree_.children(node)) parts(child);
  }

  void scope(NodeId node) {
    for (const Mention& mention : locals_of(tree_, node).others) {
      const std::string_view name = tree_.text(tree_.child(mention.reference, Kind::name));
      if (automatic_variable(name)) continue;
      out_.uses.push_back({names_.intern(name), mention.span, Space::variable, guarded(mention.reference)});
    }
    calls(node);
  }

  // exists(X), is_defined(X), is_list(X): asks whether there is an X, and what.
  bool guarded(NodeId reference) const {
    const NodeId parent = tree_.parent(reference);
    if (parent == kNone || tree_.kind(parent) != Kind::call) return false;
    const std::string_view name = tree_.text(tree_.child(parent, std::size_t{0}));
    return name == "exists" || name.starts_with("is_");
  }

  void calls(NodeId node) {
    if (tree_.kind(node) == Kind::call) call(node);
    if (is_string(node)) {
      const std::string text = literal(node);
      if (text.size() <= kLongestName && valid_template_name(text)) literals_.insert(names_.intern(text));
      embedded_names(text, [&](std::size_t at, std::string_view name) { embedded(node, at, name); });
    }
    for (const NodeId child : tree_.children(node)) calls(child);
  }

  void call(NodeId node) {
    const NodeId name_node = tree_.child(node, Kind::name);
    if (name_node == kNone) return;
    const std::string_view name = tree_.text(name_node);
    out_.uses.push_back({names_.intern(name), tree_.span(name_node), Space::function, false});
    const NodeId first = tree_.child(node, std::size_t{1});
    if (first == kNone) return;
    if (name == "create") return templates(first, TemplateRef::Form::create, false);
    if (name == "if_exists") {
      // As the whole of an include statement's expression it is met already.
      if (!included_.contains(node)) templates(first, TemplateRef::Form::if_exists, true);
      return;
    }
    if (name == "file_contents") return templates(first, TemplateRef::Form::file, false);
    if (name == "file_exists") return templates(first, TemplateRef::Form::file, true);
    if (name == "value" || name == "exists" || name == "path_exists") profile_path(first, name);
  }

  void profile_path(NodeId argument, std::string_view function) {
    if (!is_string(argument)) return;
    const std::string text = literal(argument);
    const auto colon = text.find(':');
    if (colon != std::string::npos && text.substr(colon + 1).starts_with('/') && text.find('/') > colon) {
      out_.templates.push_back({TemplateRef::Form::object, true, tree_.span(argument), {{0, text.substr(0, colon)}}});
      return;
    }
    if (!text.starts_with('/')) return;
    PathRef made;
    made.form = function == "value" ? PathRef::Form::value : PathRef::Form::exists;
    made.span = tree_.span(argument);
    made.absolute = true;
    made.terms = path_terms(text);
    out_.paths.push_back(std::move(made));
  }

  void templates(NodeId node, TemplateRef::Form form, bool optional) {
    if (node == kNone) return;
    Alternatives found;
    bool maybe = optional;
    alternatives(node, found, maybe);
    for (auto& parts : found) out_.templates.push_back({form, maybe, tree_.span(node), std::move(parts)});
  }

  // The names an expression can give, as far as its form tells; `maybe` is set by if_exists().
  void alternatives(NodeId node, Alternatives& out, bool& maybe) {
    const auto children = tree_.children(node);
    if (out.size() >= kMostAlternatives) return;
    switch (tree_.kind(node)) {
      case Kind::literal:
        if (is_string(node)) out.push_back({{0, literal(node)}});
        return;
      case Kind::reference:
        if (children.size() == 1 && !automatic_variable(tree_.text(children[0]))) out.push_back({{intern(children[0]), {}}});
        return;
      case Kind::paren:
      case Kind::block:
        if (children.size() == 1) alternatives(children[0], out, maybe);
        return;
      case Kind::if_:
        for (std::size_t i = 1; i < children.size(); ++i) alternatives(children[i], out, maybe);
        return;
      case Kind::call:
        if (children.size() == 2 && tree_.text(children[0]) == "if_exists") {
          maybe = true;
          included_.insert(node);
          alternatives(children[1], out, maybe);
        }
        return;
      case Kind::binary: joined(node, out); return;
      default: return;
    }
  }

  void joined(NodeId node, Alternatives& out) {
    std::vector<TemplateRef::Part> parts;
    for (const NodeId child : tree_.children(node)) {
      Alternatives one;
      bool maybe = false;
      alternatives(child, one, maybe);
      if (one.size() != 1 || maybe) return;
      parts.insert(parts.end(), one[0].begin(), one[0].end());
    }
    // Only text is joined by '+'.
    for (TokenId token = tree_.node(node).first_token; token < tree_.node(node).end_token; ++token) {
      const Lex kind = tree_.tokens()[token].kind;
      if (kind == Lex::minus || kind == Lex::asterisk || kind == Lex::slash || kind == Lex::equal || kind == Lex::or_) return;
    }
    out.push_back(std::move(parts));
  }

  ShapePtr shape(NodeId node) {
    if (node == kNone) return nullptr;
    switch (tree_.kind(node)) {
      case Kind::full_type: return shape(tree_.child(node, std::size_t{0}));
      case Kind::type_name: {
        auto made = start(TypeShape::Kind::name, node);
        if (const NodeId name = tree_.child(node, Kind::name); name != kNone) made->name = intern(name);
        return made;
      }
      case Kind::type_list: return element(TypeShape::Kind::list, node);
      case Kind::type_dict: return element(TypeShape::Kind::dict, node);
      case Kind::type_link: return element(TypeShape::Kind::link, node);
      case Kind::type_choice: {
        auto made = start(TypeShape::Kind::choice, node);
        for (const NodeId child : tree_.children(node))
          if (is_string(child)) made->choices.push_back(literal(child));
        return made;
      }
      case Kind::type_record: return record(node);
      default: return nullptr;
    }
  }

  std::shared_ptr<TypeShape> start(TypeShape::Kind kind, NodeId node) const {
    auto made = std::make_shared<TypeShape>();
    made->kind = kind;
    made->span = tree_.span(node);
    return made;
  }

  ShapePtr element(TypeShape::Kind kind, NodeId node) {
    auto made = start(kind, node);
    made->element = shape(tree_.child(node, std::size_t{0}));
    return made;
  }

  ShapePtr record(NodeId node) {
    auto made = start(TypeShape::Kind::record, node);
    made->extensible = owns(node, Lex::extensible);
    for (const NodeId child : tree_.children(node)) {
      if (tree_.kind(child) == Kind::record_include) {
        if (const NodeId name = tree_.child(child, Kind::name); name != kNone) made->includes.push_back(intern(name));
      }
      if (tree_.kind(child) != Kind::record_field) continue;
      const NodeId name = tree_.child(child, Kind::field_name);
      if (name == kNone) continue;
      TypeShape::Field field;
      const auto terms = path_terms(literal(name));
      field.key = terms.empty() ? std::string() : terms.front();
      field.required = !owns(child, Lex::question);
      field.type = shape(tree_.child(child, Kind::full_type));
      field.name_span = tree_.span(name);
      field.span = tree_.span(child);
      field.documentation = documentation_of(tree_, child);
      made->fields.push_back(std::move(field));
    }
    return made;
  }

  using TokenId = syntax::TokenId;

  const Tree& tree_;
  Names& names_;
  FileIndex out_;
  std::set<Symbol> literals_;
  std::set<NodeId> included_;  // if_exists() calls already met
  std::vector<std::string> prefix_, absolute_prefix_;
  bool prefix_absolute_ = false, has_absolute_prefix_ = false;
};

}  // namespace

std::string_view space_name(Space space) {
  switch (space) {
    case Space::type: return "type";
    case Space::function: return "function";
    case Space::variable: return "variable";
  }
  return "";
}

std::optional<std::string> TemplateRef::literal() const {
  std::string out;
  for (const Part& part : parts) {
    if (part.variable != 0) return std::nullopt;
    out += part.text;
  }
  return out;
}

FileIndex summarize(const Tree& tree, std::string path, Names& names) {
  return Summary(tree, std::move(path), names).run();
}

std::vector<std::string> path_terms(std::string_view text) {
  std::vector<std::string> out;
  std::size_t at = 0;
  while (at < text.size()) {
    if (text[at] == '/') {
      ++at;
      continue;
    }
    if (text[at] == '{') {
      const auto end = text.find('}', at);
      out.push_back(stored(text.substr(at + 1, (end == std::string_view::npos ? text.size() : end) - at - 1)));
      at = end == std::string_view::npos ? text.size() : end + 1;
      continue;
    }
    const auto end = std::min(text.find('/', at), text.size());
    out.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

std::string path_text(const std::vector<std::string>& terms) {
  if (terms.empty()) return "/";
  std::string out;
  for (const std::string& term : terms) {
    const std::string raw = base::profile::unescape(term);
    const bool escaped = raw != term && stored(raw) == term;
    out += escaped ? "/{" + raw + "}" : "/" + term;
  }
  return out;
}

}  // namespace cdb::pan::index
