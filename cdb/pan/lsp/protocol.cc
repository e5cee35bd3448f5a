#include "cdb/pan/lsp/protocol.h"

#include <fmt/format.h>

#include <limits>

#include "cdb/pan/index/project.h"

namespace cdb::pan::lsp {
namespace {

constexpr std::string_view kFile = "file://";

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

void invalid_params(std::string message) {
  throw RpcError{RpcCode::invalid_params, std::move(message)};
}

const Value& need(const Value& from, std::string_view name) {
  const Value* value = from.get(name);
  if (value == nullptr) invalid_params(fmt::format("'{}' is missing", name));
  return *value;
}

const std::string& need_string(const Value& from, std::string_view name) {
  const std::string* text = need(from, name).string();
  if (text == nullptr) invalid_params(fmt::format("'{}' must be a string", name));
  return *text;
}

std::uint32_t need_number(const Value& from, std::string_view name) {
  const std::int64_t* number = need(from, name).integer();
  if (number == nullptr || *number < 0) invalid_params(fmt::format("'{}' must be a number from 0", name));
  return static_cast<std::uint32_t>(std::min<std::int64_t>(*number, std::numeric_limits<std::int32_t>::max()));
}

syntax::LinePosition need_position(const Value& from, std::string_view name) {
  const Value& position = need(from, name);
  return {need_number(position, "line"), need_number(position, "character")};
}

Value position_json(const syntax::LinePosition& position) {
  return Dict{{"line", position.line}, {"character", position.column}};
}

Value range_json(const syntax::LineIndex& lines, Span span) {
  return Dict{{"start", position_json(lines.position(span.begin, syntax::Columns::utf16))},
              {"end", position_json(lines.position(span.end, syntax::Columns::utf16))}};
}

Value location_json(std::string_view uri, Value range) {
  return Dict{{"uri", uri}, {"range", std::move(range)}};
}

std::string path_of_uri(std::string_view uri) {
  if (!uri.starts_with(kFile)) return std::string(uri);
  std::string_view rest = uri.substr(kFile.size());
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos) return {};
  // An authority ("localhost") before the path does not matter.
  std::string path = decoded(rest.substr(slash));
  if (path.find('\0') != std::string::npos) return {};
  return index::absolute_path(path, "/");
}

std::string uri_of_path(std::string_view path) {
  if (!path.starts_with('/')) return std::string(path);
  std::string out(kFile);
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("/-._~").find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace cdb::pan::lsp
