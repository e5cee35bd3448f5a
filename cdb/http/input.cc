#include "cdb/http/input.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include <fmt/format.h>

#include "base/profile/json.h"
#include "base/text/text.h"

namespace cdb::http {
namespace {

constexpr std::size_t max_query = 4000;  // bytes of one parameter

using base::Errc;
using base::fail;
using base::profile::Value;

base::Result<> known(std::string_view name, std::initializer_list<std::string_view> allowed, std::string_view what) {
  if (std::find(allowed.begin(), allowed.end(), name) != allowed.end()) return {};
  const std::vector<std::string> names(allowed.begin(), allowed.end());
  const auto shown = std::string(name.substr(0, 60));
  return fail(Errc::invalid, fmt::format("{} has no '{}'{}", what, shown, base::text::did_you_mean_suffix(shown, names)),
              names.empty() ? "nothing is expected here" : "known: " + base::text::join(names, ", "));
}

}  // namespace

base::Result<> only(const Value& object, std::initializer_list<std::string_view> allowed, std::string_view what) {
  if (!object.is_dict()) return fail(Errc::invalid, fmt::format("{} must be an object", what));
  for (const auto& [name, value] : *object.dict()) WEFT_TRY(known(name, allowed, what));
  return {};
}

base::Result<Value> body(const base::http::Request& request, std::size_t limit, std::initializer_list<std::string_view> allowed) {
  if (request.body.size() > limit)
    return fail(Errc::exhausted, fmt::format("the body is larger than {} bytes", limit), "send less in one request");
  base::profile::JsonLimits limits;
  limits.bytes = limit;
  limits.depth = 64;
  auto value = WEFT_TRY(base::profile::parse_json(request.body.empty() ? "{}" : std::string_view(request.body), limits));
  WEFT_TRY(only(value, allowed, "the body"));
  return value;
}

base::Result<std::string> need_string(const Value& object, std::string_view name, std::size_t limit) {
  const auto* value = object.get(name);
  if (!value || !value->is_string() || value->string()->empty())
    return fail(Errc::invalid, fmt::format("'{}' must be a string that is not empty", name));
  return text_or(object, name, "", limit);
}

base::Result<std::string> text_or(const Value& object, std::string_view name, std::string_view fallback, std::size_t limit) {
  const auto* value = object.get(name);
  if (!value || value->is_null()) return std::string(fallback);
  if (!value->is_string()) return fail(Errc::invalid, fmt::format("'{}' must be a string", name));
  if (value->string()->size() > limit) return fail(Errc::invalid, fmt::format("'{}' is longer than {} bytes", name, limit));
  if (value->string()->find('\0') != std::string::npos)
    return fail(Errc::invalid, fmt::format("'{}' holds a NUL character", name));
  return *value->string();
}

base::Result<std::optional<std::int64_t>> integer(const Value& object, std::string_view name, std::int64_t low,
                                                  std::int64_t high) {
  const auto* value = object.get(name);
  if (!value || value->is_null()) return std::optional<std::int64_t>{};
  if (!value->is_integer() || *value->integer() < low || *value->integer() > high) {
    return fail(Errc::invalid, fmt::format("'{}' must be a whole number from {} to {}", name, low, high));
  }
  return std::optional(*value->integer());
}

base::Result<bool> flag(const Value& object, std::string_view name, bool fallback) {
  const auto* value = object.get(name);
  if (!value || value->is_null()) return fallback;
  if (!value->is_boolean()) return fail(Errc::invalid, fmt::format("'{}' must be true or false", name));
  return *value->boolean();
}

base::Result<> only_query(const base::http::Request& request, std::initializer_list<std::string_view> allowed) {
  for (const auto& [name, value] : request.query) {
    WEFT_TRY(known(name, allowed, "the query"));
    if (value.size() > max_query || value.find('\0') != std::string::npos)
      return fail(Errc::invalid, fmt::format("query '{}' is too long or holds a NUL", name));
  }
  return {};
}

std::optional<std::string> query_text(const base::http::Request& request, const std::string& name) {
  const auto place = request.query.find(name);
  if (place == request.query.end()) return std::nullopt;
  return place->second;
}

base::Result<std::int64_t> parse_integer(std::string_view text, std::string_view name, std::int64_t low, std::int64_t high) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high) {
    return fail(Errc::invalid, fmt::format("'{}' must be a whole number from {} to {}", name, low, high));
  }
  return value;
}

base::Result<std::int64_t> query_integer(const base::http::Request& request, const std::string& name, std::int64_t fallback,
                                         std::int64_t low, std::int64_t high) {
  const auto text = query_text(request, name);
  return text ? parse_integer(*text, name, low, high) : fallback;
}

base::Result<std::optional<bool>> query_flag(const base::http::Request& request, const std::string& name) {
  const auto text = query_text(request, name);
  if (!text) return std::optional<bool>{};
  if (*text == "true" || *text == "1") return std::optional(true);
  if (*text == "false" || *text == "0") return std::optional(false);
  return fail(Errc::invalid, fmt::format("'{}' must be true or false", name));
}

bool valid_rfc3339(std::string_view text) {
  static constexpr std::string_view pattern = "dddd-dd-ddTdd:dd:dd";
  if (text.size() < pattern.size() + 1 || text.size() > 40) return false;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == 'd' ? !digit(text[i]) : text[i] != pattern[i]) return false;
  }
  const auto number = [&](std::size_t at) { return (text[at] - '0') * 10 + (text[at + 1] - '0'); };
  if (number(5) < 1 || number(5) > 12 || number(8) < 1 || number(8) > 31 || number(11) > 23 || number(14) > 59 || number(17) > 59)
    return false;
  auto rest = text.substr(pattern.size());
  if (rest.front() == '.') {
    rest.remove_prefix(1);
    const auto fraction = rest.find_first_not_of("0123456789");
    if (fraction == 0 || fraction == std::string_view::npos) return false;
    rest.remove_prefix(fraction);
  }
  if (rest == "Z") return true;
  return rest.size() == 6 && (rest[0] == '+' || rest[0] == '-') && digit(rest[1]) && digit(rest[2]) && rest[3] == ':' &&
         digit(rest[4]) && digit(rest[5]);
}

}  // namespace cdb::http
