#include "cdb/store/sql.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "base/crypto/crypto.h"
#include "base/text/text.h"

namespace cdb::store {

Digest digest(std::string_view content) {
  return Digest{base::crypto::sha256(content)};
}

std::string text_array(std::span<const std::string> values) {
  std::string out = "{";
  for (const auto& value : values) {
    if (out.size() > 1) out += ',';
    out += '"';
    for (const char c : value) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out + "}";
}

std::string bytea_array(std::span<const Digest> values) {
  std::string out = "{";
  for (const auto& value : values) out += fmt::format("{}\"\\\\x{}\"", out.size() > 1 ? "," : "", value.hex());
  return out + "}";
}

base::pg::Bytes bytes(const Digest& digest) {
  return {std::string(reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size())};
}

base::pg::Param bytes(const std::optional<Digest>& digest) {
  if (!digest) return nullptr;
  return bytes(*digest);
}

Digest digest_at(const base::pg::Rows& rows, std::size_t row, std::size_t column) {
  Digest out;
  const auto raw = rows.bytes(row, column);
  std::memcpy(out.bytes.data(), raw.data(), std::min(raw.size(), out.bytes.size()));
  return out;
}

std::optional<Digest> optional_digest_at(const base::pg::Rows& rows, std::size_t row, std::size_t column) {
  if (rows.is_null(row, column)) return std::nullopt;
  return digest_at(rows, row, column);
}

std::string like(std::string_view pattern) {
  std::string out;
  for (const char c : pattern) {
    if (c == '*') {
      out += '%';
    } else if (c == '?') {
      out += '_';
    } else {
      if (c == '%' || c == '_' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out;
}

base::Result<base::Error> unknown_node(base::pg::Transaction& transaction, std::string_view name) {
  const auto rows = WEFT_TRY(transaction.exec("select name from cdb.node where root is not null order by name limit 20000"));
  std::vector<std::string> names;
  const bool short_name = name.find('.') == std::string_view::npos;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto full = rows.text(i, 0);
    names.emplace_back(short_name ? full.substr(0, full.find('.')) : full);
  }
  const auto shown = std::string(name.substr(0, 120));
  return base::Error{
      base::Errc::not_found,
      fmt::format("no node '{}' in the configuration database{}", shown, base::text::did_you_mean_suffix(shown, names)),
      "weft node list shows the nodes; a node exists once its object template is committed",
      {}};
}

}  // namespace cdb::store
