#include "cdb/pan/index/scope.h"

#include <algorithm>

namespace cdb::pan::index {

using syntax::Kind;
using syntax::kNone;
using syntax::NodeId;
using syntax::Tree;

namespace {

bool is_dml(Kind kind) {
  return kind >= Kind::block && kind <= Kind::literal;
}

class Collector {
 public:
  explicit Collector(const Tree& tree) : tree_(tree) {}

  void walk(NodeId node) {
    const auto children = tree_.children(node);
    switch (tree_.kind(node)) {
      case Kind::reference: {
        mention(node, false, false);
        for (std::size_t i = 1; i < children.size(); ++i) walk(children[i]);
        return;
      }
      case Kind::assign: {
        // References are the targets, written after the last child, the value, was read; their indices are read.
        std::vector<NodeId> targets;
        for (std::size_t i = 0; i < children.size(); ++i) {
          if (i + 1 < children.size() && tree_.kind(children[i]) == Kind::reference) {
            targets.push_back(children[i]);
          } else {
            walk(children[i]);
          }
        }
        for (const NodeId target : targets) {
          mention(target, true, false);
          const auto indices = tree_.children(target);
          for (std::size_t i = 1; i < indices.size(); ++i) walk(indices[i]);
        }
        return;
      }
      case Kind::foreach_: {
        std::size_t references = 0;
        for (const NodeId child : children) {
          if (references < 2 && tree_.kind(child) == Kind::reference) {
            ++references;
            mention(child, true, true);
          } else {
            walk(child);
          }
        }
        return;
      }
      case Kind::call: {
        // first() and next() set the variables named as key and value.
        const bool iterates = !children.empty() && (tree_.text(children[0]) == "first" || tree_.text(children[0]) == "next");
        for (std::size_t i = 1; i < children.size(); ++i) {
          if (iterates && i > 1 && tree_.kind(children[i]) == Kind::reference) {
            mention(children[i], true, true);
          } else {
            walk(children[i]);
          }
        }
        return;
      }
      default:
        for (const NodeId child : children) walk(child);
    }
  }

  Locals finish() {
    Locals out;
    for (const Mention& mention : mentions_) {
      const std::string_view name = text(mention);
      if (mention.write && !automatic_variable(name)) out.names[name];
    }
    for (const Mention& mention : mentions_) {
      const auto local = out.names.find(text(mention));
      if (local != out.names.end()) {
        local->second.push_back(mention);
      } else {
        out.others.push_back(mention);
      }
    }
    auto by_place = [](const Mention& a, const Mention& b) { return a.span.begin < b.span.begin; };
    for (auto& [name, list] : out.names) std::stable_sort(list.begin(), list.end(), by_place);
    return out;
  }

 private:
  std::string_view text(const Mention& mention) const {
    return std::string_view(tree_.text()).substr(mention.span.begin, mention.span.end - mention.span.begin);
  }

  void mention(NodeId reference, bool write, bool loop) {
    const NodeId name = tree_.child(reference, Kind::name);
    if (name == kNone) return;
    mentions_.push_back({reference, tree_.span(name), write, tree_.children(reference).size() > 1, loop});
  }

  const Tree& tree_;
  std::vector<Mention> mentions_;
};

void collect_scopes(const Tree& tree, NodeId node, std::vector<NodeId>& out) {
  for (const NodeId child : tree.children(node)) {
    if (is_scope(tree, child)) {
      out.push_back(child);
    } else {
      collect_scopes(tree, child, out);
    }
  }
}

}  // namespace

bool automatic_variable(std::string_view name) {
  return name == "SELF" || name == "ARGV" || name == "ARGC" || name == "OBJECT" || name == "TEMPLATE" || name == "FUNCTION";
}

bool is_scope(const Tree& tree, NodeId node) {
  if (!is_dml(tree.kind(node))) return false;
  const NodeId parent = tree.parent(node);
  if (parent == kNone) return false;
  const Kind kind = tree.kind(parent);
  return !is_dml(kind) && kind != Kind::error && kind != Kind::type_choice;
}

std::vector<NodeId> scopes(const Tree& tree) {
  std::vector<NodeId> out;
  collect_scopes(tree, tree.root(), out);
  return out;
}

NodeId scope_of(const Tree& tree, NodeId node) {
  for (; node != kNone; node = tree.parent(node))
    if (is_scope(tree, node)) return node;
  return kNone;
}

Locals locals_of(const Tree& tree, NodeId scope) {
  Collector collector(tree);
  collector.walk(scope);
  return collector.finish();
}

}  // namespace cdb::pan::index
