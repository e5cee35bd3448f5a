#include <fmt/format.h>

#include "base/http/client.h"
#include "base/http/server.h"
#include "base/http/wire.h"
#include "base/profile/json.h"

namespace base::http {
namespace {

constexpr std::string_view urn = "urn:weft:error:";

Errc code_from(std::string_view type, int status) {
  if (type.starts_with(urn)) {
    type.remove_prefix(urn.size());
    for (const auto code : {Errc::invalid, Errc::not_found, Errc::conflict, Errc::denied, Errc::unavailable, Errc::timeout,
                            Errc::corrupt, Errc::exhausted, Errc::internal}) {
      if (errc_name(code) == type) return code;
    }
  }
  return code_of(status);
}

}  // namespace

Response Response::json(const profile::Value& value, int status) {
  Response response;
  response.status = status;
  response.body = profile::to_json(value);
  return response;
}

Response Response::text(std::string body, int status) {
  Response response;
  response.status = status;
  response.body = std::move(body);
  response.content_type = "text/plain; charset=utf-8";
  return response;
}

Response Response::file(std::string path_below_root, std::string content_type) {
  Response response;
  response.content_type = std::move(content_type);
  std::string encoded(internal_files);
  for (const unsigned char c : path_below_root) {  // nginx decodes it
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
                       c == '.' || c == '/';
    encoded += plain ? std::string(1, static_cast<char>(c)) : fmt::format("%{:02X}", c);
  }
  response.headers.emplace("X-Accel-Redirect", std::move(encoded));
  return response;
}

Response problem(const Error& error, const profile::Dict& extra) {
  const int status = status_of(error.code);
  profile::Dict body = extra;
  body["type"] = std::string(urn) + std::string(errc_name(error.code));
  body["title"] = errc_name(error.code);
  body["status"] = status;
  body["detail"] = error.message;
  if (!error.hint.empty()) body["hint"] = error.hint;
  if (!error.chain.empty()) {
    profile::List chain;
    for (const auto& circumstance : error.chain) chain.emplace_back(circumstance);
    body["chain"] = std::move(chain);
  }
  auto response = Response::json(profile::Value(std::move(body)), status);
  response.content_type = "application/problem+json";
  if (status == 503 || status == 429) response.headers.emplace("Retry-After", "1");
  return response;
}

Result<ClientResponse> expect_ok(Result<ClientResponse> response) {
  if (!response || response->status < 400) return response;
  Error error;
  error.code = code_of(response->status);
  const auto type = response->headers.find("content-type");
  const bool json = type != response->headers.end() && type->second.find("json") != std::string::npos;
  if (auto body = json ? profile::parse_json(response->body) : Result<profile::Value>(profile::Value())) {
    error.code = code_from(body->get_string("type"), response->status);
    error.message = body->get_string("detail");
    error.hint = body->get_string("hint");
    if (const auto* chain = body->get("chain"); chain && chain->list()) {
      for (const auto& circumstance : *chain->list()) {
        if (circumstance.string()) error.chain.push_back(*circumstance.string());
      }
    }
  }
  if (error.message.empty()) error.message = fmt::format("the server answered {} {}", response->status, reason(response->status));
  return fail(std::move(error));
}

}  // namespace base::http
