// The diagnostics of every file, from two sources: the text itself (main thread, at every change) and compiles (worker thread).
// Sends textDocument/publishDiagnostics when a file's list changes. Any thread.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "cdb/pan/lsp/protocol.h"
#include "cdb/pan/lsp/wire.h"

namespace cdb::pan::lsp {

class Board {
 public:
  explicit Board(MessageWriter& writer) : writer_(writer) {}

  // `broken`: the text has mistakes of syntax, so what compiles say about syntax is left out. `uri`: as the client calls the
  // file.
  void set_text(const std::string& path, const std::string& uri, std::int64_t version, List diagnostics, bool broken);
  // The document was closed: what only the text told is gone.
  void drop_text(const std::string& path);
  // Of all files; files that are not named have none any more.
  void set_compiled(std::map<std::string, List> by_path);

 private:
  struct File {
    std::string uri;
    List text, compiled;
    std::optional<std::int64_t> version;
    bool broken = false;
    std::optional<List> sent;
  };
  void publish(const std::string& path, File& file, bool always);

  MessageWriter& writer_;
  std::mutex mutex_;
  std::map<std::string, File> files_;  // by path
};

}  // namespace cdb::pan::lsp
