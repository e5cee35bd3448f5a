// The texts an editor has open, with their syntax trees. Owned by Server, used by its one thread. A change that does not fit the
// text is put at its nearest place: the next whole text mends what differs.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "cdb/pan/lsp/protocol.h"
#include "cdb/pan/syntax/tree.h"

namespace cdb::pan::lsp {

class Document {
 public:
  Document(std::string uri, std::int64_t version, std::string text);

  const std::string& uri() const { return uri_; }
  const std::string& path() const { return path_; }  // the uri when it is no file
  std::int64_t version() const { return version_; }
  const syntax::Tree& tree() const { return *tree_; }
  const std::string& text() const { return tree_->text(); }
  const syntax::LineIndex& lines() const { return *lines_; }

  // "contentChanges" of didChange. RpcError invalid_params when they are malformed; then nothing is changed.
  void change(std::int64_t version, const List& changes);

  std::uint32_t offset(const syntax::LinePosition& position) const { return lines_->offset(position, syntax::Columns::utf16); }
  Value range(Span span) const { return range_json(*lines_, span); }

 private:
  void set_text(std::string text);

  std::string uri_, path_;
  std::int64_t version_;
  std::unique_ptr<const syntax::Tree> tree_;
  std::unique_ptr<const syntax::LineIndex> lines_;
};

}  // namespace cdb::pan::lsp
