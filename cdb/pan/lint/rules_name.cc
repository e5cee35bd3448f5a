// Rules about names: unused, undefined, shadowed.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>

#include "base/text/text.h"
#include "cdb/pan/builtin.h"
#include "cdb/pan/index/scope.h"
#include "cdb/pan/lint/rules.h"

namespace cdb::pan::lint::rules {

using index::Space;
using syntax::Kind;
using syntax::kNone;
using syntax::NodeId;

namespace {

constexpr std::array<std::string_view, 11> kBuiltinTypes{"boolean", "dict",   "double",   "element",  "list",  "long",
                                                         "nlist",   "number", "property", "resource", "string"};

bool builtin_type(std::string_view name) {
  return std::find(kBuiltinTypes.begin(), kBuiltinTypes.end(), name) != kBuiltinTypes.end();
}

// The value of the whole piece of DML: the assignment's value goes on from here.
bool gives_result(const syntax::Tree& tree, NodeId node) {
  for (;;) {
    if (index::is_scope(tree, node)) return true;
    const NodeId parent = tree.parent(node);
    if (parent == kNone) return false;
    const auto siblings = tree.children(parent);
    switch (tree.kind(parent)) {
      case Kind::block:
        if (siblings.back() != node) return false;
        break;
      case Kind::if_:
        if (siblings.front() == node) return true;
        break;
      case Kind::while_:
      case Kind::for_:
      case Kind::foreach_: return false;
      default: return true;  // an operand or argument
    }
    node = parent;
  }
}

// Names like a wrong one; of many wrong ones only the first few are looked up, each once.
class Similar {
 public:
  using Known = std::function<std::vector<std::string_view>()>;  // asked when the first wrong name turns up
  explicit Similar(Known known) : ask_(std::move(known)) {}
  std::vector<std::string> names(std::string_view wrong) {
    constexpr std::size_t kMost = 20;
    const auto found = cache_.find(wrong);
    if (found != cache_.end()) return found->second;
    if (cache_.size() == kMost) return {};
    if (cache_.empty()) {
      const auto known = ask_();
      known_.assign(known.begin(), known.end());
    }
    return cache_.emplace(wrong, base::text::did_you_mean(wrong, known_)).first->second;
  }

 private:
  Known ask_;
  std::vector<std::string> known_;
  std::map<std::string, std::vector<std::string>, std::less<>> cache_;
};

// Variables whose value is a check or a message: their names do not matter.
bool speaks(const syntax::Tree& tree, Span span) {
  const auto statements = tree.children(tree.root());
  const auto statement =
      std::partition_point(statements.begin(), statements.end(), [&](NodeId one) { return tree.span(one).begin < span.begin; });
  if (statement == statements.end()) return false;
  bool found = false;
  walk(tree, *statement, [&](NodeId node) {
    const std::string_view function = called(tree, node);
    found |= function == "error" || function == "debug" || function == "deprecated" || function == "traceback";
  });
  return found;
}

void unused(const Subject& subject, Findings& findings, Space space) {
  for (const auto& definition : subject.file.definitions) {
    if (definition.space != space || subject.index.uses(space, definition.name) != 0) continue;
    const std::string_view name = subject.index.text(definition.name);
    if (space == Space::variable && (name == "LOADPATH" || speaks(subject.tree, definition.span))) continue;
    findings.add(definition.name_span, fmt::format("{} {} is used by no template", index::space_name(space), name),
                 "remove it, or use it");
  }
}

}  // namespace

std::string_view called(const syntax::Tree& tree, NodeId node) {
  if (node == kNone || tree.kind(node) != Kind::call) return {};
  const NodeId name = tree.child(node, Kind::name);
  return name == kNone ? std::string_view() : tree.text(name);
}

bool is_literal(const syntax::Tree& tree, NodeId node, Lex kind) {
  return node != kNone && tree.kind(node) == Kind::literal && tree.tokens()[tree.node(node).first_token].kind == kind;
}

void unused_local(const Subject& subject, Findings& findings) {
  const syntax::Tree& tree = subject.tree;
  for (const NodeId scope : index::scopes(tree)) {
    for (const auto& [name, mentions] : index::locals_of(tree, scope).names) {
      const bool read = std::any_of(mentions.begin(), mentions.end(), [&](const index::Mention& mention) {
        if (!mention.write || mention.loop) return true;
        const NodeId assign = tree.parent(mention.reference);
        // first() and next() are called for the variables they set.
        const std::string_view function = called(tree, tree.children(assign).back());
        return function == "first" || function == "next" || gives_result(tree, assign);
      });
      if (!read)
        findings.add(mentions.front().span, fmt::format("local variable {} is set but never read", name),
                     "remove it, or check the spelling where it should be read");
    }
  }
}

void unused_variable(const Subject& subject, Findings& findings) {
  unused(subject, findings, Space::variable);
}
void unused_function(const Subject& subject, Findings& findings) {
  unused(subject, findings, Space::function);
}
void unused_type(const Subject& subject, Findings& findings) {
  unused(subject, findings, Space::type);
}

void undefined_variable(const Subject& subject, Findings& findings) {
  Similar similar([&] { return subject.index.defined_names(Space::variable); });
  // Who asks once whether a variable is there has thought of it.
  std::set<Symbol> asked;
  for (const auto& use : subject.file.uses)
    if (use.space == Space::variable && use.guarded) asked.insert(use.name);
  for (const auto& use : subject.file.uses) {
    if (use.space != Space::variable || asked.contains(use.name) || use.name == Names::loadpath) continue;
    if (!subject.index.definitions(Space::variable, use.name).empty()) continue;
    const std::string_view name = subject.index.text(use.name);
    findings.add_misspelt(use.span, fmt::format("no template defines a variable {}", name), similar.names(name));
  }
}

void undefined_function(const Subject& subject, Findings& findings) {
  Similar similar([&] {
    auto known = subject.index.defined_names(Space::function);
    for (const Builtin& builtin : all_builtins()) known.push_back(builtin.name);
    return known;
  });
  for (const auto& use : subject.file.uses) {
    if (use.space != Space::function || !subject.index.definitions(Space::function, use.name).empty()) continue;
    const std::string_view name = subject.index.text(use.name);
    if (find_builtin(name) != nullptr) continue;
    findings.add_misspelt(use.span, fmt::format("no template defines a function {}, and Pan has none", name),
                          similar.names(name));
  }
}

void undefined_type(const Subject& subject, Findings& findings) {
  Similar similar([&] {
    auto known = subject.index.defined_names(Space::type);
    known.insert(known.end(), kBuiltinTypes.begin(), kBuiltinTypes.end());
    return known;
  });
  for (const auto& use : subject.file.uses) {
    if (use.space != Space::type || !subject.index.definitions(Space::type, use.name).empty()) continue;
    const std::string_view name = subject.index.text(use.name);
    if (builtin_type(name)) continue;
    findings.add_misspelt(use.span, fmt::format("no template defines a type {}", name), similar.names(name));
  }
}

void shadowed_variable(const Subject& subject, Findings& findings) {
  const syntax::Tree& tree = subject.tree;
  for (const NodeId scope : index::scopes(tree)) {
    for (const auto& [name, mentions] : index::locals_of(tree, scope).names) {
      const auto defined = subject.index.definitions(Space::variable, name);
      if (defined.empty()) continue;
      // By custom globals are in capitals; others count only where they are sure to meet.
      const bool capital = std::any_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
      const bool here = std::any_of(defined.begin(), defined.end(), [&](const auto& one) { return one.file == &subject.file; });
      if (!capital && !here) continue;
      const auto& first = defined.front();
      findings.add(mentions.front().span, fmt::format("local variable {} has the name of a global variable", name),
                   fmt::format("assigning it fails once {} has set the global: give the local another name",
                               first.file->name.empty() ? first.file->path : first.file->name));
    }
  }
}

void shadowed_builtin(const Subject& subject, Findings& findings) {
  for (const auto& definition : subject.file.definitions) {
    const std::string_view name = subject.index.text(definition.name);
    if (definition.space == Space::function && find_builtin(name) != nullptr)
      findings.add(definition.name_span, fmt::format("function {} is never called: Pan's own {}() wins", name, name),
                   "give it another name");
    if (definition.space == Space::type && builtin_type(name))
      findings.add(definition.name_span, fmt::format("type {} is Pan's own", name), "give it another name");
  }
}

}  // namespace cdb::pan::lint::rules
