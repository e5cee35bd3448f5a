#include "base/http/router.h"

#include <algorithm>
#include <optional>

namespace base::http {
namespace {

std::vector<std::string> pattern_parts(std::string_view pattern) {
  std::vector<std::string> out;
  while (pattern.starts_with('/')) {
    pattern.remove_prefix(1);
    out.emplace_back(pattern.substr(0, pattern.find('/')));
    pattern.remove_prefix(out.back().size());
  }
  return out;
}

// One letter per part, so that the more particular pattern compares lower; nothing when it does not match.
std::optional<std::string> fit(const Route& route, const std::vector<std::string>& parts) {
  std::string rank;
  for (std::size_t i = 0; i < route.parts.size(); ++i) {
    const auto& wanted = route.parts[i];
    if (wanted.starts_with('*')) return i < parts.size() && !parts[i].empty() ? std::optional(rank + "c") : std::nullopt;
    if (i >= parts.size()) return std::nullopt;
    if (wanted.starts_with(':')) {
      if (parts[i].empty()) return std::nullopt;
      rank += 'b';
    } else {
      if (wanted != parts[i]) return std::nullopt;
      rank += 'a';
    }
  }
  return route.parts.size() == parts.size() ? std::optional(rank) : std::nullopt;
}

}  // namespace

void Router::add(Route route) {
  route.parts = pattern_parts(route.pattern);
  routes_.push_back(std::move(route));
}

Router::Match Router::find(std::string_view method, const std::vector<std::string>& parts) const {
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  Match match;
  std::string best;
  for (const auto& route : routes_) {
    const auto rank = fit(route, parts);
    if (!rank) continue;
    if (route.method != wanted) {
      if (match.allow.find(route.method) == std::string::npos) match.allow += (match.allow.empty() ? "" : ", ") + route.method;
      continue;
    }
    if (match.route && *rank >= best) continue;
    match.route = &route;
    best = *rank;
  }
  if (!match.route) return match;
  for (std::size_t i = 0; i < match.route->parts.size(); ++i) {
    const auto& part = match.route->parts[i];
    if (part.starts_with(':')) match.params[part.substr(1)] = parts[i];
    if (!part.starts_with('*')) continue;
    std::string rest;
    for (auto k = i; k < parts.size(); ++k) rest += (k == i ? "" : "/") + parts[k];
    match.params[part.substr(1)] = rest;
  }
  return match;
}

}  // namespace base::http
