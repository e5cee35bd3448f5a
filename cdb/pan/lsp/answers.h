// What the server answers, one function per request: from a Session and the request's parameters to its result. Wrong parameters
// and refusals throw RpcError; "nothing here" is null or an empty list. One thread.
#pragma once

#include "cdb/pan/lsp/session.h"

namespace cdb::pan::lsp::features {

// navigate.cc
Value definition(const Session&, const Value& params);
Value references(const Session&, const Value& params);
Value document_highlight(const Session&, const Value& params);
Value document_symbol(const Session&, const Value& params);
Value workspace_symbol(const Session&, const Value& params);
// hover.cc
Value hover(const Session&, const Value& params);
Value signature_help(const Session&, const Value& params);
// complete.cc
Value completion(const Session&, const Value& params);
// rename.cc
Value prepare_rename(const Session&, const Value& params);
Value rename(const Session&, const Value& params);
// layout.cc
Value formatting(const Session&, const Value& params);
// edit.cc
Value code_action(const Session&, const Value& params);
Value folding_range(const Session&, const Value& params);
// diagnose.cc: of an open document, from its text and the index alone
List diagnostics(const Session&, const Document&);

// A WorkspaceEdit of one or more files; edits by path, in any order.
struct TextEdit {
  Span span;
  std::string text;
};
Value workspace_edit(const Session&, const std::map<std::string, std::vector<TextEdit>>& by_path);

}  // namespace cdb::pan::lsp::features
