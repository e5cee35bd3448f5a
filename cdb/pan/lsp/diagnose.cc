// What the text of an open document and the index tell, without a compile: mistakes of syntax and findings of lint.
#include "cdb/pan/lsp/answers.h"

namespace cdb::pan::lsp::features {
namespace {

DiagnosticSeverity severity_of(lint::Severity severity) {
  switch (severity) {
    case lint::Severity::error: return DiagnosticSeverity::error;
    case lint::Severity::warning: return DiagnosticSeverity::warning;
    case lint::Severity::note: return DiagnosticSeverity::hint;
  }
  return DiagnosticSeverity::information;
}

}  // namespace

List diagnostics(const Session& session, const Document& document) {
  List out;
  constexpr int kUnnecessary = 1, kDeprecated = 2;
  for (const lint::Finding& finding : lint::lint(
           {document.tree(), session.summary(document), *session.index, session.include_known, session.index->project().whole},
           session.lint)) {
    Dict made{{"range", document.range(finding.span)},
              {"severity", static_cast<int>(severity_of(finding.severity))},
              {"code", finding.rule},
              {"source", "weft pan lint"},
              {"message", finding.hint.empty() ? finding.message : finding.message + "\nhint: " + finding.hint}};
    if (finding.rule.starts_with("unused") || finding.rule == "unreachable") made["tags"] = List{kUnnecessary};
    if (finding.rule == "nlist" || finding.rule == "valid-statement") made["tags"] = List{kDeprecated};
    out.emplace_back(std::move(made));
  }
  return out;
}

}  // namespace cdb::pan::lsp::features
