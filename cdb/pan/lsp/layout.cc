// Formatting: the whole document in canonical layout.
#include <fmt/format.h>

#include "cdb/pan/format/format.h"
#include "cdb/pan/lsp/answers.h"

namespace cdb::pan::lsp::features {

Value formatting(const Session& session, const Value& params) {
  const Document& document = session.document(params);
  if (!document.tree().errors().empty())
    throw RpcError{RpcCode::request_failed, fmt::format("the text cannot be formatted before its mistakes are mended: {}",
                                                        document.tree().errors().front().message)};
  const auto text = format::formatted(document.tree());
  if (!text) throw RpcError{RpcCode::internal_error, text.error().text()};
  if (*text == document.text()) return List{};
  // Only the lines that differ, so that the editor keeps its marks.
  const std::string& old = document.text();
  std::size_t begin = 0, tail = 0;
  while (begin < old.size() && begin < text->size() && old[begin] == (*text)[begin]) ++begin;
  while (begin > 0 && old[begin - 1] != '\n') --begin;
  while (tail < old.size() - begin && tail < text->size() - begin &&
         old[old.size() - 1 - tail] == (*text)[text->size() - 1 - tail])
    ++tail;
  while (tail > 0 && old[old.size() - tail - 1] != '\n') --tail;
  const Span span{static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(old.size() - tail)};
  return List{Dict{{"range", document.range(span)}, {"newText", text->substr(begin, text->size() - tail - begin)}}};
}

}  // namespace cdb::pan::lsp::features
