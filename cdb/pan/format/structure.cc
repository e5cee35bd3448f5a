#include "cdb/pan/format/structure.h"

namespace cdb::pan::format {

using syntax::Kind;
using syntax::kNone;
using syntax::NodeId;
using syntax::TokenId;

namespace {

class Walker {
 public:
  Walker(const syntax::Tree& tree, const Elements& elements) : tree_(tree), elements_(elements) {}

  Structure run() {
    out_.places.resize(tree_.tokens().size());
    broken_.reserve(tree_.tokens().size() + 1);
    broken_.push_back(0);
    for (TokenId t = 0; t < tree_.tokens().size(); ++t) broken_.push_back(broken_.back() + (breaks(t) ? 1 : 0));
    for (const NodeId child : tree_.children(tree_.root())) {
      const TokenId first = tree_.node(child).first_token;
      set(first, tree_.kind(child) == Kind::empty_statement ? Rule::join : Rule::force,
          tree_.kind(child) != Kind::empty_statement);
      visit(child, {kNone, first, kNone});
    }
    const auto end = static_cast<TokenId>(tree_.tokens().size() - 1);
    place(end).rule = Rule::force;
    place(end).item = end;
    return std::move(out_);
  }

 private:
  struct Context {
    GroupId group;
    TokenId item;
    TokenId owner;  // of an else branch: the first `if` of the chain
  };

  Place& place(TokenId t) { return out_.places[t]; }
  void set(TokenId t, Rule rule, bool space = true) {
    place(t).rule = rule;
    place(t).space = space;
  }
  Lex lex(TokenId t) const { return tree_.tokens()[t].kind; }
  TokenId first(NodeId node) const { return tree_.node(node).first_token; }
  TokenId end(NodeId node) const { return tree_.node(node).end_token; }
  // Did the author break the line before this token?
  bool breaks(TokenId t) const { return t > 0 && elements_.newlines_before(t) > 0; }

  void here(TokenId t, const Context& context) {
    place(t).group = context.group;
    place(t).item = context.item;
  }
  // Calls on_token for each own token and on_child for each child, in order.
  template <class OnToken, class OnChild>
  void parts(NodeId node, OnToken on_token, OnChild on_child) {
    TokenId at = first(node);
    std::size_t n = 0;
    for (const NodeId child : tree_.children(node)) {
      for (; at < first(child); ++at) on_token(at);
      on_child(child, n++);
      at = end(child);
    }
    for (; at < end(node); ++at) on_token(at);
  }

  GroupId make_group(Group::Kind kind, NodeId node, TokenId anchor, TokenId open) {
    out_.groups.push_back({.kind = kind, .node = node, .anchor = anchor, .open = open, .close = open});
    const auto id = static_cast<GroupId>(out_.groups.size() - 1);
    if (kind != Group::Kind::body) place(open).opens = id;
    return id;
  }
  void close_group(GroupId group, TokenId close) {
    out_.groups[group].close = close;
    place(close).closes = group;
  }
  // An item of a group: its first token and what is below it.
  void item(NodeId node, GroupId group) {
    out_.groups[group].items.push_back(first(node));
    visit(node, {group, first(node), kNone});
  }

  // Everything on one line unless a part says otherwise.
  void joined(NodeId node, const Context& context) {
    parts(
        node,
        [&](TokenId t) {
          if (t > first(node)) set(t, Rule::join, lex(t) != Lex::semicolon);
          here(t, context);
        },
        [&](NodeId child, std::size_t) {
          if (first(child) > first(node)) set(first(child), Rule::join);
          visit(child, context);
        });
  }

  // `= value`: the author may break before the value, but not before a block.
  void valued(NodeId node, const Context& context) {
    const auto children = tree_.children(node);
    parts(
        node,
        [&](TokenId t) {
          if (t > first(node)) set(t, Rule::join, lex(t) != Lex::semicolon);
          if (lex(t) == Lex::assign || lex(t) == Lex::assign_default) place(t).aligns = true;
          here(t, context);
        },
        [&](NodeId child, std::size_t n) {
          const bool value = n + 1 == children.size() && n > 0;
          const bool braces = lex(first(child)) == Lex::lbrace || lex(first(child)) == Lex::extensible;
          if (first(child) > first(node)) set(first(child), value && !braces ? Rule::free : Rule::join);
          visit(child, context);
        });
  }

  void visit(NodeId node, const Context& context) {
    switch (tree_.kind(node)) {
      case Kind::assignment:
      case Kind::variable:
      case Kind::function:
      case Kind::type:
      case Kind::bind:
      case Kind::valid:
      case Kind::assign: return valued(node, context);
      case Kind::block: return block(node, context, first(node));
      case Kind::type_record: return record(node, context);
      case Kind::if_:
      case Kind::while_:
      case Kind::for_:
      case Kind::foreach_: return control(node, context);
      case Kind::call:
      case Kind::type_choice: return call(node, context);
      case Kind::paren: return paren(node, context);
      case Kind::reference:
      case Kind::type_list:
      case Kind::type_dict:
      case Kind::type_link:
      case Kind::type_name: return suffixed(node, context);
      case Kind::binary: return binary(node, context);
      case Kind::unary: return unary(node, context);
      case Kind::type_with: return with(node, context);
      case Kind::record_field: return field(node, context);
      case Kind::range: return tight(node, context);
      default: return joined(node, context);
    }
  }

  // Braces: broken anywhere inside, each item has lines of its own.
  void braces(NodeId node, const Context& context, TokenId anchor, Group::Kind kind) {
    TokenId open = first(node);
    while (lex(open) != Lex::lbrace) ++open;  // behind `extensible`
    const GroupId group = make_group(kind, node, anchor, open);
    TokenId close = end(node) - 1;
    while (lex(close) != Lex::rbrace) --close;  // before a range
    const bool broken = broken_[close + 1] - broken_[open + 1] > 0;
    parts(
        node,
        [&](TokenId t) {
          const bool inside = t > open && t < close;
          here(t, inside ? Context{group, kNone, kNone} : context);
          if (t > first(node)) set(t, Rule::join, !(lex(t) == Lex::semicolon || t > close));
        },
        [&](NodeId child, std::size_t) {
          if (first(child) < close) {
            set(first(child), broken ? Rule::force : Rule::join);
            item(child, group);
          } else {
            set(first(child), Rule::join, false);
            visit(child, context);
          }
        });
    if (broken) place(close).rule = Rule::force;
    if (close == open + 1) place(close).space = false;
    close_group(group, close);
  }
  void block(NodeId node, const Context& context, TokenId anchor) { braces(node, context, anchor, Group::Kind::block); }
  void record(NodeId node, const Context& context) { braces(node, context, first(node), Group::Kind::record); }

  // if, while, for, foreach: what is in parentheses and in bodies is one step deeper than the line of the first word, however the
  // condition is broken.
  void control(NodeId node, const Context& context) {
    const TokenId owner = context.owner == kNone ? first(node) : context.owner;
    const TokenId open = first(node) + 1;
    const GroupId group = make_group(Group::Kind::paren, node, owner, open);
    TokenId close = kNone;
    const bool hangs = breaks(open + 1);
    parts(
        node,
        [&](TokenId t) {
          const bool inside = t > open && close == kNone;
          if (t == first(node)) {
            here(t, context);
          } else if (lex(t) == Lex::rparen) {
            close = t;
            here(t, context);
            set(t, hangs ? Rule::force : Rule::join, false);
            close_group(group, t);
          } else if (lex(t) == Lex::else_) {
            here(t, context);
            place(t).like = owner;
            place(t).rule = lex(t - 1) == Lex::rbrace ? Rule::join : Rule::free;
          } else {
            here(t, inside ? Context{group, kNone, kNone} : context);
            set(t, Rule::join, lex(t) != Lex::semicolon);
          }
        },
        [&](NodeId child, std::size_t) {
          if (close == kNone) {
            set(first(child), Rule::free, first(child) != open + 1);
            item(child, group);
          } else {
            body(child, context, owner);
          }
        });
  }
  void body(NodeId node, const Context& context, TokenId owner) {
    if (tree_.kind(node) == Kind::block) {
      set(first(node), Rule::join);
      return block(node, context, owner);
    }
    if (tree_.kind(node) == Kind::if_ && lex(first(node) - 1) == Lex::else_) {
      set(first(node), Rule::join);
      return visit(node, {context.group, context.item, owner});
    }
    item(node, make_group(Group::Kind::body, node, owner, owner));
  }

  bool is_data(NodeId node) const {
    if (tree_.kind(node) == Kind::type_choice) return true;
    const std::string_view name = tree_.text_of_token(first(node));
    return name == "dict" || name == "list" || name == "nlist";
  }

  void call(NodeId node, const Context& context) {
    const TokenId open = first(node) + 1, close = end(node) - 1;
    const bool data = is_data(node);
    const GroupId group = make_group(data ? Group::Kind::data : Group::Kind::call, node, open, open);
    out_.groups[group].pairs = data && tree_.kind(node) == Kind::call && tree_.text_of_token(first(node)) != "list";
    const auto children = tree_.children(node);
    const Lex last = lex(close - 1);
    // A bracket that closes right behind that of the only argument does not make the list a broken one.
    const bool hugs = tree_.kind(node) == Kind::call && children.size() == 2 && (last == Lex::rparen || last == Lex::rbrace);
    bool broken = breaks(open + 1) || (breaks(close) && !hugs);
    for (const NodeId child : children)
      if (first(child) > open && (breaks(first(child)) || (lex(first(child) - 1) == Lex::comma && breaks(first(child) - 1))))
        broken = true;
    parts(
        node,
        [&](TokenId t) {
          here(t, t > open && t < close ? Context{group, kNone, kNone} : context);
          if (t > first(node)) set(t, Rule::join, false);
        },
        [&](NodeId child, std::size_t) {
          if (first(child) < open) return visit(child, context);
          const bool leads = first(child) == open + 1;
          set(first(child), leads ? (broken ? Rule::force : Rule::join) : Rule::free, !leads);
          place(first(child)).borrows = lex(first(child) - 1) == Lex::comma;
          item(child, group);
        });
    if (broken && close > open + 1) place(close).rule = Rule::force;
    close_group(group, close);
  }

  void paren(NodeId node, const Context& context) {
    const TokenId open = first(node), close = end(node) - 1;
    const GroupId group = make_group(Group::Kind::paren, node, open, open);
    here(open, context);
    here(close, context);
    const NodeId child = tree_.child(node, std::size_t{0});
    set(first(child), Rule::free, false);
    item(child, group);
    set(close, breaks(open + 1) ? Rule::force : Rule::join, false);
    close_group(group, close);
  }

  // name[index], type(range), type[], type{}: nothing but the brackets themselves.
  void suffixed(NodeId node, const Context& context) {
    GroupId group = kNone;
    parts(
        node,
        [&](TokenId t) {
          here(t, context);
          set(t, Rule::join, false);
          if (lex(t) == Lex::lbracket || lex(t) == Lex::lbrace || lex(t) == Lex::lparen)
            group = make_group(Group::Kind::index, node, t, t);
          else if (group != kNone && lex(t) != Lex::asterisk)
            close_group(group, t);
        },
        [&](NodeId child, std::size_t n) {
          if (n == 0) return visit(child, context);
          set(first(child), Rule::join, false);
          item(child, group);
        });
  }

  void binary(NodeId node, const Context& context) {
    parts(
        node,
        [&](TokenId t) {
          here(t, context);
          set(t, Rule::free);
          if (lex(t) == Lex::or_ || lex(t) == Lex::and_ || lex(t) == Lex::plus) place(t).chain = node;
        },
        [&](NodeId child, std::size_t n) {
          if (n > 0) set(first(child), Rule::free);
          visit(child, context);
        });
  }

  void unary(NodeId node, const Context& context) {
    here(first(node), context);
    const NodeId child = tree_.child(node, std::size_t{0});
    set(first(child), Rule::join, false);
    visit(child, context);
  }

  void with(NodeId node, const Context& context) {
    joined(node, context);
    set(first(node), Rule::free);
    const TokenId expression = first(node) + 1;
    if (lex(expression) != Lex::lbrace) set(expression, Rule::free);
  }

  void field(NodeId node, const Context& context) {
    joined(node, context);
    const TokenId mark = first(node) + 1;
    place(mark).aligns = true;
  }

  void tight(NodeId node, const Context& context) {
    for (TokenId t = first(node); t < end(node); ++t) {
      here(t, context);
      set(t, Rule::join, false);
    }
  }

  const syntax::Tree& tree_;
  const Elements& elements_;
  Structure out_;
  std::vector<std::uint32_t> broken_;  // [t + 1]: author's breaks before tokens 0..t
};

}  // namespace

Structure structure_of(const syntax::Tree& tree, const Elements& elements) {
  return Walker(tree, elements).run();
}

}  // namespace cdb::pan::format
