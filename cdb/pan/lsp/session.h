// Everything a request may look at: open documents, the index of the tree, settings. Owned by Server, one thread. Features are
// functions from a Session and parameters to a result (answers.h).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cdb/pan/index/scope.h"
#include "cdb/pan/index/tree_index.h"
#include "cdb/pan/lint/linter.h"
#include "cdb/pan/lsp/compile_worker.h"
#include "cdb/pan/lsp/document.h"

namespace cdb::pan::lsp {

struct Session {
  std::shared_ptr<index::OverlaySource> source = std::make_shared<index::OverlaySource>();
  std::map<std::string, Document> documents;  // by uri
  std::unique_ptr<index::TreeIndex> index;
  std::unique_ptr<CompileWorker> worker;  // null pointer: nothing to compile
  lint::Settings lint;
  bool include_known = false;     // the whole include path is indexed
  bool markdown = false;          // the client shows it
  bool document_changes = false;  // of edits in answers

  // RpcError invalid_params when it is not open.
  const Document& document(const Value& params) const;
  // The text of a file as requests see it; null pointer when there is none.
  std::shared_ptr<const std::string> text(const std::string& path) const { return source->read(path); }
  const Document* open_document(const std::string& path) const;
  std::string uri_of(const std::string& path) const;  // as the client calls it when it is open
  // A place in any file; null when the file cannot be read.
  Value location(const std::string& path, Span span) const;
  const index::FileIndex& summary(const Document& document) const;
};

// Places in files for answers with many of them: the lines of a file are counted once as long as one asks for the same file.
class Places {
 public:
  explicit Places(const Session& session) : session_(session) {}
  // Null when the file cannot be read.
  Value at(const std::string& path, Span span);

 private:
  const Session& session_;
  std::string path_, uri_;
  std::shared_ptr<const std::string> text_;
  std::unique_ptr<syntax::LineIndex> lines_;
};

// What stands under the cursor.
struct Target {
  enum class Kind { none, global, local, automatic, builtin, template_name, path, field };
  Kind kind = Kind::none;
  Span span;
  index::Space space = index::Space::variable;  // global
  std::string name;                             // global, local, builtin, field
  Symbol symbol = 0;                            // global
  bool definition = false;
  syntax::NodeId scope = 0;                       // local
  const index::TemplateRef* reference = nullptr;  // template_name; null pointer: the file's own header
  const index::PathRef* path = nullptr;           // path
  std::vector<std::string> terms;                 // path: up to the step under the cursor
};
Target target_at(const Session& session, const Document& document, std::uint32_t offset);

// The index of the step of a path string that holds the byte, counted in the string itself.
std::size_t step_at(std::string_view raw, std::uint32_t offset_in_raw);

}  // namespace cdb::pan::lsp
