// Profiles, manifests and the wake long poll: what nodes ask for.
#include <fmt/format.h>

#include "base/compress/compress.h"
#include "base/metrics/metrics.h"
#include "base/text/text.h"
#include "cdb/http/api.h"
#include "cdb/http/input.h"
#include "cdb/http/rights.h"
#include "cdb/http/selection.h"
#include "cdb/pan/explain.h"

namespace cdb::http {
namespace {

using base::profile::Dict;

constexpr std::int64_t max_revision = std::int64_t{1} << 53;
constexpr std::int64_t max_wait = 55;  // seconds

// Does If-None-Match name this root?
bool holds(const base::http::Request& request, const std::string& root) {
  const auto header = request.headers.find("if-none-match");
  if (header == request.headers.end()) return false;
  for (const auto& part : base::text::split(header->second, ',')) {
    auto tag = base::text::trim(part);
    if (tag == "*") return true;
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"' && tag.substr(1, tag.size() - 2) == root) return true;
  }
  return false;
}

}  // namespace

base::Result<store::Desired> Api::wanted_profile(const Request& request) const {
  const auto& node = request.params.at("node");
  WEFT_TRY(may_read_profile(request.identity, node));
  if (request.identity.kind == Identity::Kind::node) services_.presence->note(node);
  WEFT_TRY(only_query(request, {"root", "revision", "at"}));
  if (request.query.contains("at")) {
    if (request.query.contains("root") || request.query.contains("revision"))
      return base::fail(base::Errc::invalid, "give root, revision or at, one of them");
    WEFT_TRY(may_read(request.identity));  // a moment's revision says what others changed
    return services_.store->desired_at(node, WEFT_TRY(query_at(services_, request)));
  }
  if (const auto root = query_text(request, "root")) {
    if (request.query.contains("revision")) return base::fail(base::Errc::invalid, "give root or revision, not both");
    return services_.store->desired_with(node, WEFT_TRY(store::Digest::parse(*root)));
  }
  if (request.query.contains("revision")) {
    return services_.store->desired_at(node, WEFT_TRY(query_integer(request, "revision", 0, 1, max_revision)));
  }
  // Most requests end here: ten thousand nodes that were woken need no database.
  if (auto known = services_.wake->desired(node)) return std::move(*known);
  return services_.store->desired(node);
}

Api::Answer Api::profile(const Request& request) {
  const auto desired = WEFT_TRY(wanted_profile(request));
  const auto root = desired.root->hex();
  const auto finish = [&](base::http::Response response, std::string_view outcome) -> Answer {
    response.headers.emplace("ETag", '"' + root + '"');
    response.headers.emplace("Vary", "Accept-Encoding");
    response.headers.emplace("Cache-Control", "private, no-cache");
    response.headers.emplace("Weft-Manifest", WEFT_TRY(services_.publisher->manifest(desired)));
    base::metrics::count("weft_cdb_profile_requests_total", "Profile requests by outcome.", {{"outcome", std::string(outcome)}});
    return response;
  };
  if (holds(request, root)) {
    base::http::Response response;
    response.status = 304;
    return finish(std::move(response), "not_modified");
  }
  const auto accept = request.headers.find("accept-encoding");
  const auto coding =
      publish::choose_coding(accept == request.headers.end() ? std::string_view{} : std::string_view(accept->second));
  if (coding == publish::Coding::identity) {
    base::http::Response response;
    response.body = WEFT_TRY(base::compress::unzstd(WEFT_TRY(services_.store->profile_data(*desired.root))));
    return finish(std::move(response), "sent");
  }
  auto response = base::http::Response::file(WEFT_TRY(services_.publisher->file(*desired.root, coding)), "application/json");
  response.headers.emplace("Content-Encoding", coding == publish::Coding::zstd ? "zstd" : "gzip");
  return finish(std::move(response), "sent");
}

Api::Answer Api::manifest(const Request& request) {
  const auto desired = WEFT_TRY(wanted_profile(request));
  return base::http::Response::text(WEFT_TRY(services_.publisher->manifest(desired)) + "\n");
}

// Shows lines of templates, which nodes may not read.
Api::Answer Api::explain(const Request& request) {
  WEFT_TRY(may_read(request.identity));
  WEFT_TRY(only_query(request, {"path"}));
  const auto& node = request.params.at("node");
  const auto path = query_text(request, "path");
  if (!path || !path->starts_with('/')) {
    return base::fail(base::Errc::invalid, "path must be given and begin with /", "path=/ is the whole profile");
  }
  const auto row = WEFT_TRY(services_.store->node(node));
  return base::http::Response::json(pan::to_value(WEFT_TRY(services_.builder->explain(row.branch, node, std::span(&*path, 1)))));
}

void Api::wake(const Request& request, base::http::Pending pending) {
  struct Wish {
    std::string node;
    std::optional<store::Digest> have;
    std::chrono::seconds timeout;
  };
  const auto parse = [&]() -> base::Result<Wish> {
    const auto& node = request.params.at("node");
    WEFT_TRY(must_be_node(request.identity, node));
    services_.presence->note(node);
    WEFT_TRY(only_query(request, {"root", "timeout"}));
    Wish wish{node, std::nullopt, std::chrono::seconds(WEFT_TRY(query_integer(request, "timeout", 30, 0, max_wait)))};
    // A node that holds nothing yet sends no root.
    if (const auto root = query_text(request, "root"); root && !root->empty()) wish.have = WEFT_TRY(store::Digest::parse(*root));
    return wish;
  };
  const auto wish = parse();
  if (!wish) {
    pending.complete(base::http::problem(wish.error()));
    return;
  }
  services_.wake->wait(
      wish->node, wish->have, wish->timeout, [pending, node = wish->node](const publish::WakeHub::Answer& answer) {
        using Kind = publish::WakeHub::Answer::Kind;
        if (answer.kind == Kind::changed) {
          pending.complete(
              base::http::Response::json(Dict{{"root", answer.desired.root->hex()}, {"revision", answer.desired.revision}}));
        } else if (answer.kind == Kind::gone) {
          pending.complete(base::http::problem({base::Errc::not_found,
                                                fmt::format("node {} is not in the configuration database", node),
                                                "its object template was removed, or not committed yet",
                                                {}}));
        } else {
          base::http::Response response;
          response.status = 204;
          pending.complete(std::move(response));
        }
      });
}

}  // namespace cdb::http
