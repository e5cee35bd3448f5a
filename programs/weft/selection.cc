#include "programs/weft/selection.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text/text.h"
#include "programs/weft/output.h"

namespace programs::weft {
namespace {

using base::Errc;
using base::fail;

constexpr std::string_view moment_hint = "a revision, 2026-11-23T14:00:00Z, '2026-11-23 14:00' (UTC), 2h, or '2 days ago'";

bool shaped(std::string_view text, std::string_view pattern) {
  return text.size() == pattern.size() && std::equal(text.begin(), text.end(), pattern.begin(),
                                                     [](char c, char p) { return p == 'd' ? c >= '0' && c <= '9' : c == p; });
}

// "2 days" → "2d"
std::string short_duration(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, char>, 6> units{
      {{"second", 's'}, {"sec", 's'}, {"minute", 'm'}, {"min", 'm'}, {"hour", 'h'}, {"day", 'd'}}};
  const auto digits = text.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos) return std::string(text);
  auto unit = base::text::trim(text.substr(digits));
  if (unit == "week" || unit == "weeks") {
    const auto weeks = std::string(text.substr(0, std::min<std::size_t>(digits, 4)));
    return std::to_string(std::stol(weeks) * 7) + "d";
  }
  if (unit.size() > 1 && unit.ends_with('s')) unit.remove_suffix(1);
  for (const auto& [word, letter] : units) {
    if (unit == word) return std::string(text.substr(0, digits)) + letter;
  }
  return std::string(text);
}

}  // namespace

base::cli::Option select_option() {
  return {
      .name = "--select", .value = "EXPRESSION", .help = "nodes by what they are: 'role=disk and rack=R1*' (docs/queries.md)"};
}

base::cli::Option at_option(std::string help) {
  return {.name = "--at", .value = "TIME", .help = std::move(help)};
}

base::Result<base::profile::List> fetch_nodes(base::http::Client& client, const std::string& query) {
  base::profile::List out;
  std::string after;
  for (;;) {
    auto answer = WEFT_TRY(call(client, "GET", "/v1/node?" + query + (after.empty() ? "" : "&after=" + url_encode(after))));
    for (const auto& node : list_of(answer, "nodes")) out.push_back(node);
    const auto next = answer.get_string("next");
    if (next.empty()) return out;
    after = next;
  }
}

base::Result<std::vector<std::string>> chosen_nodes(base::http::Client& client, const base::cli::Arguments& arguments,
                                                    const std::vector<std::string>& given, bool resolve) {
  std::vector<std::string> out;
  for (const auto& name : given) out.push_back(resolve ? WEFT_TRY(resolve_node(client, name)) : name);
  if (arguments.has("select")) {
    const auto nodes = WEFT_TRY(fetch_nodes(client, "limit=10000&select=" + url_encode(arguments.get("select"))));
    if (nodes.empty()) {
      return fail(Errc::not_found,
                  fmt::format("the selection '{}' matches no node; that never means all", arguments.get("select")),
                  fmt::format("try it with: weft node list --select '{}'", arguments.get("select")));
    }
    for (const auto& node : nodes) out.emplace_back(node.get_string("name"));
  }
  if (out.empty()) return fail(Errc::invalid, "no nodes are named", "name nodes, or select them with --select EXPRESSION");
  std::vector<std::string> once;
  for (auto& name : out) {
    if (std::find(once.begin(), once.end(), name) == once.end()) once.push_back(std::move(name));
  }
  return once;
}

base::Result<std::string> moment(std::string_view text, std::chrono::system_clock::time_point now) {
  text = base::text::trim(text);
  if (!text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos) return std::string(text);
  if (shaped(text, "dddd-dd-dd")) return std::string(text) + "T00:00:00Z";
  if (shaped(text, "dddd-dd-dd dd:dd") || shaped(text, "dddd-dd-ddTdd:dd"))
    return fmt::format("{}T{}:00Z", text.substr(0, 10), text.substr(11));
  if (shaped(text, "dddd-dd-dd dd:dd:dd") || shaped(text, "dddd-dd-ddTdd:dd:dd"))
    return fmt::format("{}T{}Z", text.substr(0, 10), text.substr(11));
  if (text.size() > 19 && shaped(text.substr(0, 11), "dddd-dd-ddT")) return std::string(text);  // the server reads the rest
  if (text.ends_with(" ago")) text = base::text::trim(text.substr(0, text.size() - 4));
  const auto duration = base::text::parse_duration(short_duration(text));
  if (!duration) return fail(Errc::invalid, fmt::format("'{}' is no moment", text), std::string(moment_hint));
  return base::text::rfc3339(now - *duration);
}

base::Result<std::string> at_of(const base::cli::Arguments& arguments) {
  if (!arguments.has("at")) return std::string();
  return moment(arguments.get("at"), std::chrono::system_clock::now());
}

}  // namespace programs::weft
