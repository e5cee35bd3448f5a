// Rules about what runs and what comes of it: code that never runs, values that are lost, comparisons that cannot be.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "cdb/pan/index/scope.h"
#include "cdb/pan/lint/rules.h"

namespace cdb::pan::lint::rules {

using syntax::Kind;
using syntax::kNone;
using syntax::NodeId;

namespace {

// Functions that do nothing but give a value.
constexpr std::array<std::string_view, 34> kPure{
    "base64_decode", "base64_encode", "dict",         "digest",     "escape",       "exists",    "format",
    "index",         "ip4_to_long",   "is_boolean",   "is_defined", "is_dict",      "is_double", "is_list",
    "is_long",       "is_nlist",      "is_null",      "is_number",  "is_property",  "is_string", "join",
    "length",        "list",          "long_to_ip4",  "match",      "matches",      "nlist",     "substr",
    "to_boolean",    "to_long",       "to_lowercase", "to_string",  "to_uppercase", "unescape"};

bool pure(std::string_view function) {
  return std::find(kPure.begin(), kPure.end(), function) != kPure.end();
}

bool mentions(const syntax::Tree& tree, NodeId node, std::string_view variable) {
  bool found = false;
  walk(tree, node, [&](NodeId one) {
    if (tree.kind(one) == Kind::reference && tree.child(one, Kind::name) != kNone &&
        tree.text(tree.child(one, Kind::name)) == variable)
      found = true;
  });
  return found;
}

// Gives a value and does nothing else.
bool harmless(const syntax::Tree& tree, NodeId node) {
  bool good = true;
  walk(tree, node, [&](NodeId one) {
    const Kind kind = tree.kind(one);
    if (kind == Kind::assign || kind == Kind::error || (kind == Kind::call && !pure(called(tree, one)))) good = false;
  });
  return good;
}

// The variable when the node is `name = DML`, without indices.
std::string_view plain_target(const syntax::Tree& tree, NodeId node) {
  if (tree.kind(node) != Kind::assign) return {};
  const auto children = tree.children(node);
  if (children.size() != 2 || tree.kind(children[0]) != Kind::reference || tree.children(children[0]).size() != 1) return {};
  return tree.text(children[0]);
}

enum class Known : std::uint8_t { number, string, boolean };

std::optional<Known> known_type(const syntax::Tree& tree, NodeId node) {
  if (tree.kind(node) == Kind::paren && tree.children(node).size() == 1) return known_type(tree, tree.children(node)[0]);
  if (tree.kind(node) == Kind::literal) {
    switch (tree.tokens()[tree.node(node).first_token].kind) {
      case Lex::decimal:
      case Lex::hexadecimal:
      case Lex::octal:
      case Lex::real: return Known::number;
      case Lex::string:
      case Lex::heredoc: return Known::string;
      case Lex::true_:
      case Lex::false_: return Known::boolean;
      default: return std::nullopt;
    }
  }
  static const std::map<std::string_view, Known> kResults{
      {"length", Known::number},       {"to_long", Known::number},     {"to_double", Known::number},
      {"ip4_to_long", Known::number},  {"to_string", Known::string},   {"format", Known::string},
      {"escape", Known::string},       {"unescape", Known::string},    {"join", Known::string},
      {"replace", Known::string},      {"substr", Known::string},      {"to_lowercase", Known::string},
      {"to_uppercase", Known::string}, {"match", Known::boolean},      {"exists", Known::boolean},
      {"is_defined", Known::boolean},  {"is_list", Known::boolean},    {"is_dict", Known::boolean},
      {"is_string", Known::boolean},   {"is_long", Known::boolean},    {"is_null", Known::boolean},
      {"is_boolean", Known::boolean},  {"path_exists", Known::boolean}};
  const auto found = kResults.find(called(tree, node));
  return found == kResults.end() ? std::nullopt : std::optional(found->second);
}

std::string_view known_name(Known known) {
  return known == Known::number ? "a number" : known == Known::string ? "a string" : "a boolean";
}

}  // namespace

void unreachable(const Subject& subject, Findings& findings) {
  const syntax::Tree& tree = subject.tree;
  walk(tree, tree.root(), [&](NodeId node) {
    if (tree.kind(node) != Kind::block) return;
    const auto children = tree.children(node);
    for (std::size_t i = 0; i + 1 < children.size(); ++i) {
      const std::string_view function = called(tree, children[i]);
      if (function != "return" && function != "error") continue;
      // A result behind error(), for the eye, is common and does no harm.
      const bool only_result =
          i + 2 == children.size() && (called(tree, children.back()) == "return" || tree.kind(children.back()) == Kind::literal);
      if (function == "error" && only_result) return;
      findings.add({tree.span(children[i + 1]).begin, tree.span(children.back()).end},
                   fmt::format("this never runs: {}() before it leaves the block", function), "remove it, or put it first");
      return;
    }
  });
}

void constant_condition(const Subject& subject, Findings& findings) {
  const syntax::Tree& tree = subject.tree;
  walk(tree, tree.root(), [&](NodeId node) {
    const Kind kind = tree.kind(node);
    if (kind != Kind::if_ && kind != Kind::while_) return;
    const auto children = tree.children(node);
    if (children.size() < 2) return;
    NodeId condition = children[0];
    while (tree.kind(condition) == Kind::paren && tree.children(condition).size() == 1) condition = tree.children(condition)[0];
    if (is_literal(tree, condition, Lex::false_)) {
      findings.add(tree.span(condition), "the condition is never true: what it guards never runs",
                   "remove it, or make it depend on a variable");
    } else if (kind == Kind::if_ && is_literal(tree, condition, Lex::true_)) {
      findings.add(tree.span(condition), "the condition is always true", "remove the if, or make it depend on a variable");
    }
  });
}

void overwritten(const Subject& subject, Findings& findings) {
  const syntax::Tree& tree = subject.tree;
  // Where each variable is mentioned, in order: blocks may be long.
  std::map<std::string_view, std::vector<std::uint32_t>> places;
  walk(tree, tree.root(), [&](NodeId node) {
    if (tree.kind(node) == Kind::reference && tree.child(node, Kind::name) != kNone)
      places[tree.text(tree.child(node, Kind::name))].push_back(tree.span(node).begin);
  });
  for (auto& [name, list] : places) std::sort(list.begin(), list.end());
  walk(tree, tree.root(), [&](NodeId node) {
    if (tree.kind(node) != Kind::block) return;
    const auto children = tree.children(node);
    for (std::size_t i = 0; i + 1 < children.size(); ++i) {
      const std::string_view name = plain_target(tree, children[i]);
      if (name.empty() || index::automatic_variable(name) || !harmless(tree, tree.children(children[i])[1])) continue;
      const auto& list = places[name];
      const auto next = std::lower_bound(list.begin(), list.end(), tree.span(children[i]).end);
      if (next == list.end() || *next >= tree.span(children.back()).end) continue;
      const auto by_end = [&](NodeId child, std::uint32_t offset) { return tree.span(child).end <= offset; };
      const NodeId user = *std::lower_bound(children.begin() + static_cast<std::ptrdiff_t>(i) + 1, children.end(), *next, by_end);
      if (plain_target(tree, user) == name && !mentions(tree, tree.children(user)[1], name))
        findings.add(tree.span(children[i]), fmt::format("{} gets another value before this one is read", name), "remove it");
    }
  });
}

void overridden_default(const Subject& subject, Findings& findings) {
  const syntax::Tree& tree = subject.tree;
  struct Last {
    NodeId node;
    bool conditional;
  };
  std::map<std::string, Last> last;
  std::string prefix;
  for (const NodeId node : tree.children(tree.root())) {
    const Kind kind = tree.kind(node);
    if (kind == Kind::prefix) {
      const NodeId path = tree.child(node, Kind::path);
      prefix = path == kNone ? std::string() : tree.value_of_token(tree.node(path).first_token) + "/";
      last.clear();
      continue;
    }
    if (kind != Kind::variable && kind != Kind::assignment) {
      // An include may set or read anything.
      if (kind == Kind::include || kind == Kind::error) last.clear();
      continue;
    }
    const auto children = tree.children(node);
    if (children.size() < 2) continue;
    const NodeId value = children.back();
    const bool conditional = tree.own_token(node, Lex::assign_default) != kNone || tree.own_token(node, Lex::question) != kNone;
    std::string name(tree.text(children[0]));
    if (kind == Kind::assignment) name = tree.value_of_token(tree.node(children[0]).first_token);
    const std::string key = (kind == Kind::variable ? "variable " : "path ") + name;
    const auto before = last.find(key);
    const bool simple = tree.kind(value) == Kind::literal || harmless(tree, value);
    if (before != last.end()) {
      const std::string what = kind == Kind::variable ? "variable " + name : "'" + name + "'";
      const bool reads = mentions(tree, value, "SELF") || (kind == Kind::variable && mentions(tree, value, name));
      if (conditional && !before->second.conditional) {
        findings.add(tree.span(node), fmt::format("this default never counts: {} has its value already", what),
                     "put the default first, or remove it");
      } else if (!conditional && before->second.conditional && !reads) {
        findings.add(tree.span(before->second.node), fmt::format("this default never counts: {} is set below", what),
                     "remove it");
      }
    }
    // Whoever computes may read what was set so far.
    if (!simple) last.clear();
    last.insert_or_assign(key, Last{node, conditional});
    if (is_literal(tree, value, Lex::undef) || is_literal(tree, value, Lex::null) || !simple) last.erase(key);
  }
}

void unused_result(const Subject& subject, Findings& findings) {
  const syntax::Tree& tree = subject.tree;
  walk(tree, tree.root(), [&](NodeId node) {
    if (tree.kind(node) != Kind::block) return;
    const auto children = tree.children(node);
    for (std::size_t i = 0; i + 1 < children.size(); ++i) {
      const Kind kind = tree.kind(children[i]);
      const std::string_view function = called(tree, children[i]);
      const bool comparison = kind == Kind::binary;
      if ((!comparison && !pure(function)) || !harmless(tree, children[i])) continue;
      findings.add(tree.span(children[i]),
                   comparison ? "the result of this expression is lost" : fmt::format("the result of {}() is lost", function),
                   comparison ? "write = to assign" : "assign it to a variable");
    }
  });
}

void argv_unchecked(const Subject& subject, Findings& findings) {
  const syntax::Tree& tree = subject.tree;
  for (const NodeId statement : tree.children(tree.root())) {
    if (tree.kind(statement) != Kind::function) continue;
    NodeId first = kNone;
    bool checked = false;
    walk(tree, statement, [&](NodeId node) {
      if (tree.kind(node) != Kind::reference) return;
      const auto children = tree.children(node);
      const std::string_view name = tree.text(children[0]);
      if (name == "ARGC" || (name == "ARGV" && children.size() == 1)) checked = true;
      if (name == "ARGV" && children.size() > 1 && first == kNone) first = node;
      // exists(ARGV[1]) asks.
      const std::string_view function = tree.parent(node) == kNone ? "" : called(tree, tree.parent(node));
      if (name == "ARGV" && (function == "exists" || function == "is_defined")) checked = true;
    });
    if (first == kNone || checked) continue;
    const NodeId name = tree.child(statement, Kind::name);
    findings.add(
        tree.span(first),
        fmt::format("function {} reads its arguments without looking how many there are", name == kNone ? "" : tree.text(name)),
        "begin with: if (ARGC != 1) error('...');");
  }
}

void type_mismatch(const Subject& subject, Findings& findings) {
  const syntax::Tree& tree = subject.tree;
  walk(tree, tree.root(), [&](NodeId node) {
    if (tree.kind(node) != Kind::binary) return;
    const auto children = tree.children(node);
    if (children.size() != 2) return;
    static constexpr Lex kComparisons[] = {Lex::equal,   Lex::not_equal,  Lex::less,
                                           Lex::greater, Lex::less_equal, Lex::greater_equal};
    if (std::none_of(std::begin(kComparisons), std::end(kComparisons),
                     [&](Lex comparison) { return tree.own_token(node, comparison) != kNone; }))
      return;
    const auto left = known_type(tree, children[0]), right = known_type(tree, children[1]);
    if (left && right && *left != *right)
      findings.add(tree.span(node),
                   fmt::format("{} is compared with {}: this always fails", known_name(*left), known_name(*right)),
                   "convert one of them: to_long(), to_string()");
  });
}

}  // namespace cdb::pan::lint::rules
