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
  Value body = WEFT_TRY(base::profile::parse_json(request.body, {.bytes = 1u << 20, .depth = 8}));
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
  return *value->string();
}

Result<std::vector<std::string>> list_field(const Value& body, std::string_view key) {
  const Value* value = body.get(key);
  if (!value || !value->is_list()) return fail(Errc::invalid, fmt::format("field '{}' must be a list of texts", key));
  std::vector<std::string> out;
  for (const Value& item : *value->list()) {
    if (!item.is_string() || item.string()->empty())
      return fail(Errc::invalid, fmt::format("field '{}' must be a list of texts", key));
    out.push_back(*item.string());
  }
  return out;
}

bool flag(const Request& request, std::string_view key) {
  auto at = request.query.find(std::string(key));
  return at != request.query.end() && (at->second == "true" || at->second == "1" || at->second.empty());
}

}  // namespace leaf::http
