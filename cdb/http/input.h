// Checked input: JSON bodies with a closed set of members, query parameters, limits. Used by the routes. Pure, any thread.
// Failure is Errc::invalid (or exhausted for a size) and names the member.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/diag/result.h"
#include "base/http/server.h"
#include "base/profile/value.h"

namespace cdb::http {

// An object with no members but `allowed`.
base::Result<base::profile::Value> body(const base::http::Request& request, std::size_t limit,
                                        std::initializer_list<std::string_view> allowed);
base::Result<> only(const base::profile::Value& object, std::initializer_list<std::string_view> allowed, std::string_view what);

base::Result<std::string> need_string(const base::profile::Value& object, std::string_view name, std::size_t limit);
base::Result<std::string> text_or(const base::profile::Value& object, std::string_view name, std::string_view fallback,
                                  std::size_t limit);
base::Result<std::optional<std::int64_t>> integer(const base::profile::Value& object, std::string_view name, std::int64_t low,
                                                  std::int64_t high);
base::Result<bool> flag(const base::profile::Value& object, std::string_view name, bool fallback);

// Refuses parameters other than `allowed`.
base::Result<> only_query(const base::http::Request& request, std::initializer_list<std::string_view> allowed);
std::optional<std::string> query_text(const base::http::Request& request, const std::string& name);
base::Result<std::int64_t> query_integer(const base::http::Request& request, const std::string& name, std::int64_t fallback,
                                         std::int64_t low, std::int64_t high);
base::Result<std::optional<bool>> query_flag(const base::http::Request& request, const std::string& name);
base::Result<std::int64_t> parse_integer(std::string_view text, std::string_view name, std::int64_t low, std::int64_t high);

// "2026-11-23T01:02:03Z", with fraction or offset.
bool valid_rfc3339(std::string_view text);

}  // namespace cdb::http
