#include "cdb/pan/lsp/board.h"

#include <algorithm>

#include "cdb/pan/lsp/message.h"

namespace cdb::pan::lsp {

void Board::set_text(const std::string& path, const std::string& uri, std::int64_t version, List diagnostics, bool broken) {
  const std::lock_guard lock(mutex_);
  File& file = files_[path];
  file.uri = uri;
  file.text = std::move(diagnostics);
  file.version = version;
  file.broken = broken;
  // An answer to every change tells the client that its version has been looked at.
  publish(path, file, true);
}

void Board::drop_text(const std::string& path) {
  const std::lock_guard lock(mutex_);
  File& file = files_[path];
  file.text.clear();
  file.version.reset();
  file.broken = false;
  publish(path, file, false);
}

void Board::set_compiled(std::map<std::string, List> by_path) {
  const std::lock_guard lock(mutex_);
  for (auto& [path, file] : files_)
    if (!by_path.contains(path)) by_path[path];
  for (auto& [path, diagnostics] : by_path) {
    File& file = files_[path];
    file.compiled = std::move(diagnostics);
    publish(path, file, false);
  }
}

void Board::publish(const std::string& path, File& file, bool always) {
  List all = file.text;
  for (const Value& diagnostic : file.compiled) {
    const bool syntax = diagnostic.get_string("code") == "parse error" || diagnostic.get_string("code") == "syntax error";
    if (file.broken && syntax) continue;
    all.push_back(diagnostic);
  }
  if (!always && (file.sent ? *file.sent == all : all.empty())) return;
  Dict params{{"uri", file.uri.empty() ? uri_of_path(path) : file.uri}, {"diagnostics", all}};
  if (file.version) params["version"] = *file.version;
  file.sent = std::move(all);
  send_notification(writer_, "textDocument/publishDiagnostics", std::move(params));
}

}  // namespace cdb::pan::lsp
