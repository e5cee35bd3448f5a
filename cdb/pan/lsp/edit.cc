// Quick fixes, folding.
#include <fmt/format.h>

#include "base/text/text.h"
#include "cdb/pan/lsp/answers.h"

namespace cdb::pan::lsp::features {

using syntax::Kind;
using syntax::kNone;
using syntax::NodeId;

namespace {

Value quick_fix(const Session& session, const Document& document, std::string title, std::vector<TextEdit> edits,
                const Value* diagnostic) {
  Dict action{{"title", std::move(title)},
              {"kind", "quickfix"},
              {"edit", workspace_edit(session, {{document.path(), std::move(edits)}})}};
  if (diagnostic != nullptr) action["diagnostics"] = List{*diagnostic};
  return action;
}

// The client's own diagnostic for a finding, so that it can show which one an action mends.
const Value* diagnostic_for(const List& known, const lint::Finding& finding, const Value& range) {
  for (const Value& diagnostic : known) {
    const Value* its_range = diagnostic.get("range");
    if (diagnostic.get_string("code") == finding.rule && its_range != nullptr && *its_range == range) return &diagnostic;
  }
  return nullptr;
}

void fold(const Document& document, std::uint32_t begin, std::uint32_t end, std::string_view kind, List& out) {
  const std::uint32_t from = document.lines().line_of(begin), to = document.lines().line_of(end);
  if (to <= from) return;
  Dict range{{"startLine", from}, {"endLine", to}};
  if (!kind.empty()) range["kind"] = kind;
  if (out.empty() || out.back() != Value(range)) out.emplace_back(std::move(range));
}

void fold_nodes(const Document& document, NodeId node, List& out) {
  const syntax::Tree& tree = document.tree();
  const Kind kind = tree.kind(node);
  const Span span = tree.span(node);
  if (node != tree.root() && kind != Kind::binary && kind != Kind::literal && kind != Kind::full_type && span.end > span.begin)
    fold(document, span.begin, span.end - 1, "", out);
  for (const NodeId child : tree.children(node)) fold_nodes(document, child, out);
}

void fold_comments(const Document& document, List& out) {
  const syntax::Tree& tree = document.tree();
  for (syntax::TokenId token = 0; token < tree.tokens().size(); ++token) {
    const auto trivia = tree.trivia_before(token);
    for (std::size_t i = 0; i < trivia.size();) {
      std::size_t last = i;
      while (last + 1 < trivia.size() && trivia[last + 1].kind == trivia[i].kind &&
             trivia[i].kind == syntax::Trivia::Kind::comment &&
             document.lines().line_of(trivia[last + 1].begin) == document.lines().line_of(trivia[last].begin) + 1)
        ++last;
      if (trivia[last].end > trivia[i].begin) fold(document, trivia[i].begin, trivia[last].end - 1, "comment", out);
      i = last + 1;
    }
  }
}

}  // namespace

Value code_action(const Session& session, const Value& params) {
  const Document& document = session.document(params);
  const Value& range = need(params, "range");
  const std::uint32_t from = document.offset(need_position(range, "start")), to = document.offset(need_position(range, "end"));
  static const List kNothing;
  const Value* context = params.get("context");
  const Value* diagnostics = context == nullptr ? nullptr : context->get("diagnostics");
  const List& known = diagnostics != nullptr && diagnostics->list() != nullptr ? *diagnostics->list() : kNothing;
  List out;
  for (const lint::Finding& finding : lint::lint(
           {document.tree(), session.summary(document), *session.index, session.include_known, session.index->project().whole},
           session.lint)) {
    if (finding.span.end < from || to < finding.span.begin) continue;
    const Value* its = diagnostic_for(known, finding, document.range(finding.span));
    if (!finding.fixes.empty()) {
      std::vector<TextEdit> edits;
      for (const lint::Fix& fix : finding.fixes) edits.push_back({fix.span, fix.text});
      out.push_back(quick_fix(session, document, finding.hint, std::move(edits), its));
    }
    for (const lint::Fix& other : finding.suggestions)
      out.push_back(quick_fix(session, document, fmt::format("change to {}", other.text), {{other.span, other.text}}, its));
    if (lint::find_rule(finding.rule) == nullptr) continue;
    const std::uint32_t line = document.lines().line_of(finding.span.begin);
    const auto text = document.lines().line(line);
    const auto end = document.lines().start_of(line) + static_cast<std::uint32_t>(text.size());
    if (text.find('#') != std::string_view::npos || text.find("<<") != std::string_view::npos) continue;
    out.push_back(quick_fix(session, document, fmt::format("allow {} in this line", finding.rule),
                            {{{end, end}, fmt::format("  # lint: allow {}", finding.rule)}}, its));
  }
  return out;
}

Value folding_range(const Session& session, const Value& params) {
  const Document& document = session.document(params);
  List out;
  fold_nodes(document, document.tree().root(), out);
  fold_comments(document, out);
  return out;
}

}  // namespace cdb::pan::lsp::features
