// Rules about the text of one file: deprecated forms, traps of the lexer, fields and prefixes.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cdb/pan/lint/rules.h"

namespace cdb::pan::lint::rules {

using syntax::Kind;
using syntax::kNone;
using syntax::NodeId;

void nlist(const Subject& subject, Findings& findings) {
  const syntax::Tree& tree = subject.tree;
  walk(tree, tree.root(), [&](NodeId node) {
    const Kind kind = tree.kind(node);
    if (kind != Kind::call && kind != Kind::type_name) return;
    const NodeId name = tree.child(node, Kind::name);
    if (name == kNone) return;
    const std::string_view text = tree.text(name);
    const std::string_view modern = text == "nlist" ? "dict" : text == "is_nlist" && kind == Kind::call ? "is_dict" : "";
    if (modern.empty()) return;
    findings.add(tree.span(name), fmt::format("{} is the old name of {}", text, modern), fmt::format("write {}", modern),
                 {{tree.span(name), std::string(modern)}});
  });
}

void valid_statement(const Subject& subject, Findings& findings) {
  const syntax::Tree& tree = subject.tree;
  for (const NodeId node : tree.children(tree.root())) {
    if (tree.kind(node) != Kind::valid) continue;
    const auto token = tree.node(node).first_token;
    findings.add({tree.tokens()[token].begin, tree.tokens()[token].end}, "the valid statement is an old form of bind",
                 "write bind 'PATH' = TYPE with {...}");
  }
}

void tpl_suffix(const Subject& subject, Findings& findings) {
  if (subject.file.path.ends_with(".tpl"))
    findings.add(subject.file.name_span, "the file has the old suffix .tpl", "rename it to .pan");
}

void name_mismatch(const Subject& subject, Findings& findings) {
  if (subject.file.name.empty() || subject.file.path.empty()) return;
  std::string_view path = subject.file.path;
  if (path.ends_with(".pan") || path.ends_with(".tpl")) path.remove_suffix(4);
  if (path == subject.file.name || path.ends_with("/" + subject.file.name)) return;
  findings.add(subject.file.name_span,
               fmt::format("template {} must be in a file whose path ends in {}.pan", subject.file.name, subject.file.name),
               "rename the file or the template: nothing can include it like this");
}

void string_trap(const Subject& subject, Findings& findings) {
  const syntax::Tree& tree = subject.tree;
  for (syntax::TokenId token = 0; token < tree.tokens().size(); ++token) {
    if (tree.tokens()[token].kind != Lex::string) continue;
    const std::string_view text = tree.text_of_token(token);
    if (text.size() < 2 || text.front() != '"') continue;
    // Backslashes in pairs before a quote: the string would end there, but the lexer takes the longest match.
    std::size_t trap = std::string_view::npos, backslashes = 0;
    for (std::size_t i = 1; i + 1 < text.size(); ++i) {
      if (text[i] == '"' && backslashes >= 2 && backslashes % 2 == 0) {
        trap = i - 2;
        break;
      }
      backslashes = text[i] == '\\' ? backslashes + 1 : 0;
    }
    if (trap == std::string_view::npos) continue;
    const std::uint32_t begin = tree.tokens()[token].begin + static_cast<std::uint32_t>(trap);
    findings.add({begin, begin + 3}, "this string does not end here: after a backslash the quote belongs to the string",
                 "use single quotes for texts that end in a backslash");
  }
}

void odd_octal(const Subject& subject, Findings& findings) {
  const syntax::Tree& tree = subject.tree;
  for (syntax::TokenId token = 0; token < tree.tokens().size(); ++token) {
    if (tree.tokens()[token].kind != Lex::octal) continue;
    const std::string_view text = tree.text_of_token(token);
    // Modes of files are what octal is for: 0644, 01777.
    if (text.size() < 2 || text.size() == 4 || text.size() == 5) continue;
    static constexpr std::string_view kUmasks[] = {"002", "007", "022", "027", "077"};
    if (std::find(std::begin(kUmasks), std::end(kUmasks), text) != std::end(kUmasks)) continue;
    const Span span{tree.tokens()[token].begin, tree.tokens()[token].end};
    if (text.find_first_not_of('0') == std::string_view::npos) continue;
    findings.add(span, fmt::format("{} is an octal number because it begins with 0", text),
                 "leave the 0 out, or write a string when it is a name");
  }
}

void duplicate_field(const Subject& subject, Findings& findings) {
  const syntax::Tree& tree = subject.tree;
  walk(tree, tree.root(), [&](NodeId node) {
    if (tree.kind(node) != Kind::type_record) return;
    std::map<std::string, NodeId> seen;
    for (const NodeId field : tree.children(node)) {
      if (tree.kind(field) != Kind::record_field) continue;
      const NodeId name = tree.child(field, Kind::field_name);
      if (name == kNone) continue;
      const std::string key = tree.value_of_token(tree.node(name).first_token);
      if (!seen.emplace(key, field).second)
        findings.add(tree.span(name), fmt::format("the record has a field '{}' already", key),
                     "the last one silently wins: remove one of them");
    }
  });
}

void unused_prefix(const Subject& subject, Findings& findings) {
  const syntax::Tree& tree = subject.tree;
  NodeId prefix = kNone;
  bool used = true;
  const auto end = [&] {
    if (prefix != kNone && !used)
      findings.add(tree.span(prefix), "no relative path follows this prefix", "remove it, or the '/' that the paths begin with");
  };
  for (const NodeId node : tree.children(tree.root())) {
    const Kind kind = tree.kind(node);
    // What could not be read may use it.
    if (kind == Kind::error) used = true;
    const NodeId path = tree.child(node, Kind::path);
    if (path == kNone) continue;
    const std::string text = tree.value_of_token(tree.node(path).first_token);
    if (kind == Kind::prefix) {
      // A relative prefix goes below the absolute one before it.
      if (!text.starts_with('/')) used = true;
      end();
      prefix = node;
      used = text.empty() || text == "/";
    } else if (!text.starts_with('/') && kind != Kind::bind) {
      used = true;
    }
  }
  end();
}

}  // namespace cdb::pan::lint::rules
