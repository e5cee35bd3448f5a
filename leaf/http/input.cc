#include "leaf/http/input.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/profile/json.h"
#include "base/text/text.h"

namespace leaf::http {

using base::Errc;
using base::fail;
using base::Result;
using base::http::Identity;
using base::http::Request;
using base::profile::Value;

namespace {

constexpr std::size_t max_body = 1u << 20, max_text = 4096, max_list = 20000, max_item = 253;

// These texts reach events, messages and terminals: no control characters but line breaks and tabs, and no more than a person
// says.
Result<> tame(std::string_view key, const std::string& text, std::size_t limit) {
  if (text.size() > limit) return fail(Errc::invalid, fmt::format("field '{}' is longer than {} bytes", key, limit));
  const bool odd =
      std::any_of(text.begin(), text.end(), [](unsigned char c) { return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f; });
  if (odd) return fail(Errc::invalid, fmt::format("field '{}' holds a control character", key), "Send plain text");
  return {};
}

}  // namespace

Result<std::string> actor(const Request& request) {
  if (request.identity.kind == Identity::Kind::person) return request.identity.name;
  if (request.identity.kind == Identity::Kind::service) return "service/" + request.identity.name;
  return fail(Errc::denied, "only persons and services may do this",
              "Use the certificate of a person: weft reads it from client.yaml");
}

Result<std::int64_t> id_of(const Request& request) {
  const std::string& text = request.params.at("id");
  std::int64_t id = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id < 1)
    return fail(Errc::invalid, fmt::format("'{}' is no id", text));
  return id;
}

Result<Value> body_of(const Request& request, const std::vector<std::string>& keys) {
  if (request.body.empty()) return Value(base::profile::Dict{});
  Value body = WEFT_TRY(base::profile::parse_json(request.body, {.bytes = max_body, .depth = 8}));
  if (!body.is_dict()) return fail(Errc::invalid, "the body must be a JSON object");
  for (const auto& [key, value] : *body.dict()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      return fail(Errc::invalid, fmt::format("unknown field '{}'{}", key, base::text::did_you_mean_suffix(key, keys)));
    }
  }
  return body;
}

Result<std::string> text_field(const Value& body, std::string_view key, bool required) {
  const Value* value = body.get(key);
  if ((!value || value->is_null()) && !required) return std::string();
  if (!value || !value->is_string() || (required && value->string()->empty()))
    return fail(Errc::invalid, fmt::format("field '{}' must be a text", key));
  WEFT_TRY(tame(key, *value->string(), max_text));
  return *value->string();
}

Result<std::vector<std::string>> list_field(const Value& body, std::string_view key) {
  const Value* value = body.get(key);
  if (!value || !value->is_list()) return fail(Errc::invalid, fmt::format("field '{}' must be a list of texts", key));
  if (value->list()->size() > max_list)
    return fail(Errc::invalid, fmt::format("field '{}' has more than {} items", key, max_list));
  std::vector<std::string> out;
  for (const Value& item : *value->list()) {
    if (!item.is_string() || item.string()->empty())
      return fail(Errc::invalid, fmt::format("field '{}' must be a list of texts", key));
    WEFT_TRY(tame(key, *item.string(), max_item));
    out.push_back(*item.string());
  }
  return out;
}

bool flag(const Request& request, std::string_view key) {
  auto at = request.query.find(std::string(key));
  return at != request.query.end() && (at->second == "true" || at->second == "1" || at->second.empty());
}

}  // namespace leaf::http
