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

std::string bytea_array(std::span<const std::string> values) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::size_t size = 2;
  for (const auto& value : values) size += 2 * value.size() + 8;
  std::string out = "{";
  out.reserve(size);
  for (const auto& value : values) {
    out += out.size() > 1 ? ",\"\\\\x" : "\"\\\\x";
    for (const unsigned char c : value) {
      out += digits[c >> 4];
      out += digits[c & 15];
    }
    out += '"';
  }
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

base::Result<base::Error> unknown_branch(base::pg::Transaction& transaction, std::string_view name) {
  const auto all =
      WEFT_TRY(transaction.exec("select name, deleted is not null, cdb.rfc3339(deleted) from cdb.branch order by name"));
  std::vector<std::string> names;
  std::string deleted;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!all.boolean(i, 1)) names.emplace_back(all.text(i, 0));
    if (all.boolean(i, 1) && all.text(i, 0) == name) deleted = all.text(i, 2);
  }
  const auto shown = std::string(name.substr(0, 80));
  if (!deleted.empty()) {
    return base::Error{base::Errc::not_found,
                       fmt::format("branch '{}' was deleted at {}", shown, deleted),
                       "its revisions are kept: weft template log REV",
                       {}};
  }
  if (names.size() > 30) names.resize(30);
  return base::Error{base::Errc::not_found,
                     fmt::format("no branch '{}'{}", shown, base::text::did_you_mean_suffix(shown, names)),
                     "branches: " + base::text::join(names, ", "),
                     {}};
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
