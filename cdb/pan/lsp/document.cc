#include "cdb/pan/lsp/document.h"

#include <algorithm>

namespace cdb::pan::lsp {

Document::Document(std::string uri, std::int64_t version, std::string text)
    : uri_(std::move(uri)), path_(path_of_uri(uri_)), version_(version) {
  set_text(std::move(text));
}

void Document::set_text(std::string text) {
  lines_.reset();
  tree_ = std::make_unique<syntax::Tree>(syntax::Tree::parse(std::move(text)));
  lines_ = std::make_unique<syntax::LineIndex>(tree_->text());
}

void Document::change(std::int64_t version, const List& changes) {
  std::string text = this->text();
  for (const Value& change : changes) {
    const std::string& inserted = need_string(change, "text");
    const Value* range = change.get("range");
    if (range == nullptr || range->is_null()) {
      text = inserted;
      continue;
    }
    const syntax::LineIndex lines(text);
    const std::uint32_t from = lines.offset(need_position(*range, "start"), syntax::Columns::utf16);
    const std::uint32_t to = lines.offset(need_position(*range, "end"), syntax::Columns::utf16);
    text.replace(std::min(from, to), std::max(from, to) - std::min(from, to), inserted);
  }
  set_text(std::move(text));
  version_ = version;
}

}  // namespace cdb::pan::lsp
