// Reading requests: who asks, ids, fields of a body. Used by leaf/http only. Every refusal names the field.
// Texts and lists have limits and no control characters: what is read here is stored and shown to people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "base/http/server.h"

namespace leaf::http {

// "ann" for a person, "service/monitor" for a service; Errc::denied for anybody else.
base::Result<std::string> actor(const base::http::Request& request);
base::Result<std::int64_t> id_of(const base::http::Request& request);
// The body as a JSON object with no other keys than these; an empty body is an empty object.
base::Result<base::profile::Value> body_of(const base::http::Request& request, const std::vector<std::string>& keys);
base::Result<std::string> text_field(const base::profile::Value& body, std::string_view key, bool required);
base::Result<std::vector<std::string>> list_field(const base::profile::Value& body, std::string_view key);
bool flag(const base::http::Request& request, std::string_view key);

}  // namespace leaf::http
