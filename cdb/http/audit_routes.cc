// The audit: reading, checking and exporting the chain.
#include <fmt/format.h>

#include "cdb/http/api.h"
#include "cdb/http/input.h"
#include "cdb/http/rights.h"

namespace cdb::http {
namespace {

using base::Errc;
using base::fail;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

constexpr std::int64_t max_id = std::int64_t{1} << 53;

// "ID:HASH" as an earlier check printed it.
base::Result<std::optional<store::AuditMark>> known_mark(const base::http::Request& request) {
  const auto text = query_text(request, "known");
  if (!text) return std::optional<store::AuditMark>{};
  const auto colon = text->find(':');
  auto hash = store::Digest::parse(colon == std::string::npos ? std::string_view() : std::string_view(*text).substr(colon + 1));
  if (!hash) return fail(Errc::invalid, "'known' must be RECORD:HASH", "as weft audit verify printed it earlier");
  const auto id = WEFT_TRY(parse_integer(std::string_view(*text).substr(0, colon), "known", 1, max_id));
  return std::optional(store::AuditMark{id, *hash});
}

}  // namespace

Api::Answer Api::audit(const Request& request) {
  WEFT_TRY(must_be_person(request.identity, "read the audit"));
  WEFT_TRY(only_query(request, {"before", "limit", "actor", "action", "since"}));
  store::AuditFilter filter;
  filter.before = WEFT_TRY(query_integer(request, "before", 0, 0, max_id));
  filter.limit = static_cast<int>(WEFT_TRY(query_integer(request, "limit", 50, 1, 1000)));
  filter.actor = query_text(request, "actor");
  filter.action = query_text(request, "action");
  filter.since = query_text(request, "since");
  if (filter.since && !valid_rfc3339(*filter.since))
    return fail(Errc::invalid, "'since' must be a time like 2026-11-23T01:02:03Z");
  List rows;
  Value next;
  auto entries = WEFT_TRY(services_.store->audit(filter));
  if (entries.size() == static_cast<std::size_t>(filter.limit)) next = entries.back().id;
  for (auto& entry : entries) rows.push_back(std::move(entry.record));
  return base::http::Response::json(Dict{{"audit", std::move(rows)}, {"next", std::move(next)}});
}

Api::Answer Api::audit_verify(const Request& request) {
  WEFT_TRY(must_be_person(request.identity, "read the audit"));
  WEFT_TRY(only_query(request, {"known"}));
  const auto check = WEFT_TRY(services_.store->verify_audit(WEFT_TRY(known_mark(request))));
  return base::http::Response::json(Dict{{"verified", !check.broken},
                                         {"records", check.records},
                                         {"head", check.head.hex()},
                                         {"broken", check.broken ? Value(*check.broken) : Value()},
                                         {"what", check.what},
                                         {"meaning", check.meaning}});
}

// Records as their very bytes, so that anybody can check the chain without Weft.
Api::Answer Api::audit_export(const Request& request) {
  WEFT_TRY(must_be_person(request.identity, "read the audit"));
  WEFT_TRY(only_query(request, {"after", "limit"}));
  const auto after = WEFT_TRY(query_integer(request, "after", 0, 0, max_id));
  const auto limit = static_cast<int>(WEFT_TRY(query_integer(request, "limit", 1000, 1, 10000)));
  List rows;
  const auto links = WEFT_TRY(services_.store->audit_links(after, limit));
  for (const auto& link : links) {
    rows.emplace_back(
        Dict{{"id", link.id}, {"record", link.record}, {"previous", link.previous.hex()}, {"hash", link.hash.hex()}});
  }
  const bool full = links.size() == static_cast<std::size_t>(limit);
  return base::http::Response::json(Dict{{"records", std::move(rows)}, {"next", full ? Value(links.back().id) : Value()}});
}

}  // namespace cdb::http
