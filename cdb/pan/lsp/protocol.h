// Pieces of the Language Server Protocol 3.17 as values: errors, positions, ranges, addresses. Used by the server and its
// features. Pure, any thread. Handlers throw RpcError; it is caught where requests are dispatched and becomes the answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/profile/value.h"
#include "cdb/pan/problem.h"
#include "cdb/pan/syntax/line_index.h"

namespace cdb::pan::lsp {

using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

// JSON-RPC's and the protocol's codes.
enum class RpcCode : int {
  parse_error = -32700,
  invalid_request = -32600,
  method_not_found = -32601,
  invalid_params = -32602,
  internal_error = -32603,
  not_initialized = -32002,
  request_failed = -32803
};

struct RpcError {
  RpcCode code;
  std::string message;
};
[[noreturn]] void invalid_params(std::string message);

// Members of a request's parameters; absent or of another type: RpcError invalid_params with the name.
const Value& need(const Value& from, std::string_view name);
const std::string& need_string(const Value& from, std::string_view name);
std::uint32_t need_number(const Value& from, std::string_view name);
syntax::LinePosition need_position(const Value& from, std::string_view name);

Value position_json(const syntax::LinePosition& position);
Value range_json(const syntax::LineIndex& lines, Span span);
Value location_json(std::string_view uri, Value range);

// "file:///a%20b" and "/a b"; "" when the address names no file. Other addresses (untitled:) stand for themselves.
std::string path_of_uri(std::string_view uri);
std::string uri_of_path(std::string_view path);

enum class DiagnosticSeverity : int { error = 1, warning = 2, information = 3, hint = 4 };
enum class SymbolKind : int {
  file = 1,
  module = 2,
  property = 7,
  field = 8,
  enumeration = 10,
  interface = 11,
  function = 12,
  variable = 13,
  constant = 14,
  key = 20,
  structure = 23
};
enum class CompletionKind : int {
  function = 3,
  field = 5,
  variable = 6,
  module = 9,
  value = 12,
  keyword = 14,
  file = 17,
  structure = 22
};

}  // namespace cdb::pan::lsp
