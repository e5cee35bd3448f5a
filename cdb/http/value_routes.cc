// Values of all nodes, now and in the past; the history of one.
#include <map>

#include <fmt/format.h>

#include "base/profile/path.h"
#include "base/text/text.h"
#include "cdb/http/api.h"
#include "cdb/http/input.h"
#include "cdb/http/rights.h"
#include "cdb/http/selection.h"

namespace cdb::http {
namespace {

using base::Errc;
using base::fail;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

constexpr std::size_t max_patterns = 20;
constexpr std::size_t max_paths = 500;
constexpr std::size_t max_values = 1'000'000;

// "path=/a,/b/*": texts of paths hold no comma.
base::Result<std::vector<std::string>> patterns_of(const base::http::Request& request) {
  std::vector<std::string> out;
  for (const auto& text : base::text::split(query_text(request, "path").value_or(""), ',')) {
    auto path = base::profile::Path::parse(text);
    if (!path) {
      return fail(Errc::invalid, fmt::format("'{}' is no path of a value", text.substr(0, 200)),
                  "path=/system/kernel/version; several are separated by commas; * and ? match within one part");
    }
    out.push_back(path->text());
  }
  if (out.size() > max_patterns)
    return fail(Errc::invalid, fmt::format("more than {} paths", max_patterns), "use * for parts that differ");
  return out;
}

Value optional_value(const std::optional<Value>& value) {
  return value ? *value : Value();
}

}  // namespace

Api::Answer Api::value_list(const Request& request) {
  WEFT_TRY(may_read(request.identity));
  WEFT_TRY(only_query(request, {"select", "path", "at"}));
  const auto patterns = WEFT_TRY(patterns_of(request));
  const auto at = WEFT_TRY(query_at(services_, request));
  WEFT_TRY(services_.values->catch_up());
  const auto expression = query_text(request, "select").value_or("name=*");
  const auto names = WEFT_TRY(select_nodes(services_, expression, at));
  const auto paths = WEFT_TRY(services_.store->value_paths(patterns));
  if (paths.size() > max_paths) {
    return fail(Errc::invalid, fmt::format("the paths match {} values of a profile, {} are allowed", paths.size(), max_paths),
                "narrow the pattern; docs/queries.md tells how to ask with SQL");
  }
  List nodes;
  const auto values = WEFT_TRY(services_.store->values(paths, at));
  if (values.size() > max_values)
    return fail(Errc::exhausted, fmt::format("{} values are too many for one answer", values.size()),
                "narrow paths or selection");
  std::map<std::string_view, Dict> of;
  for (const auto& value : values) of[value.node][value.path] = value.value;
  for (const auto& name : names) nodes.emplace_back(Dict{{"node", name}, {"values", std::move(of[name])}});
  List shown;
  for (const auto& path : paths) shown.emplace_back(path);
  return base::http::Response::json(Dict{{"revision", at > 0 ? at : WEFT_TRY(services_.store->values_revision())},
                                         {"paths", std::move(shown)},
                                         {"nodes", std::move(nodes)}});
}

Api::Answer Api::value_history(const Request& request) {
  WEFT_TRY(may_read(request.identity));
  WEFT_TRY(only_query(request, {"path", "limit"}));
  const auto& node = request.params.at("node");
  const auto text = query_text(request, "path").value_or("");
  const auto path = base::profile::Path::parse(text);
  if (!path || path->parts().empty())
    return fail(Errc::invalid, fmt::format("'{}' is no path of a value", text.substr(0, 200)),
                "for example path=/system/kernel/version");
  const auto limit = static_cast<int>(WEFT_TRY(query_integer(request, "limit", 100, 1, 10000)));
  WEFT_TRY(services_.values->catch_up());
  const auto moves = WEFT_TRY(services_.store->value_history(node, path->text(), limit));
  if (moves.empty()) {
    if (WEFT_TRY(services_.store->history(node, 1)).empty()) WEFT_TRY(services_.store->node(node));  // says what it is called
    const auto wanted = path->text();
    WEFT_TRY(services_.store->value_paths(std::span(&wanted, 1)));
    return fail(Errc::not_found, fmt::format("node {} never had a value at {}", node, path->display()),
                fmt::format("weft query --path {} shows who has one", path->display()));
  }
  List changes;
  for (const auto& move : moves) {
    Dict one{{"revision", move.revision},
             {"path", move.path},
             {"time", move.time},
             {"author", move.author},
             {"message", move.message},
             {"before", optional_value(move.before)},
             {"after", optional_value(move.after)},
             {"change", !move.before  ? "added"
                        : !move.after ? "removed"
                                      : "changed"},
             {"reverts", move.reverts ? Value(*move.reverts) : Value()},
             {"reverted_by", move.reverted_by ? Value(*move.reverted_by) : Value()}};
    changes.emplace_back(std::move(one));
  }
  const bool full = changes.size() == static_cast<std::size_t>(limit);
  return base::http::Response::json(
      Dict{{"node", node}, {"path", path->text()}, {"changes", std::move(changes)}, {"more", full}});
}

}  // namespace cdb::http
