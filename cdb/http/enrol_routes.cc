// The CA, tokens, enrolment, renewal.
#include <fmt/format.h>

#include "base/text/text.h"
#include "cdb/http/api.h"
#include "cdb/http/input.h"
#include "cdb/http/rights.h"

namespace cdb::http {
namespace {

using base::profile::Dict;

constexpr std::size_t max_body = 65536;

base::http::Response issued_json(enrol::Enrolment::Issued issued) {
  return base::http::Response::json(Dict{{"certificate", std::move(issued.certificate)},
                                         {"ca", std::move(issued.ca)},
                                         {"signing_key", std::move(issued.signing_key)}});
}

}  // namespace

Api::Answer Api::ca(const Request& request) {
  WEFT_TRY(only_query(request, {}));
  return base::http::Response::text(services_.enrolment->ca());
}

Api::Answer Api::enrol(const Request& request) {
  WEFT_TRY(only_query(request, {}));
  const auto value = WEFT_TRY(body(request, max_body, {"node", "token", "csr"}));
  return issued_json(
      WEFT_TRY(services_.enrolment->enrol(WEFT_TRY(need_string(value, "node", 253)), WEFT_TRY(need_string(value, "token", 300)),
                                          WEFT_TRY(need_string(value, "csr", enrol::Enrolment::max_request)))));
}

Api::Answer Api::renew(const Request& request) {
  if (request.identity.kind != Identity::Kind::node) {
    return base::fail(base::Errc::denied, "only a node renews its certificate",
                      "ask with the node's own valid certificate, or enrol with a token");
  }
  WEFT_TRY(only_query(request, {}));
  const auto value = WEFT_TRY(body(request, max_body, {"csr"}));
  return issued_json(WEFT_TRY(
      services_.enrolment->renew(request.identity.name, WEFT_TRY(need_string(value, "csr", enrol::Enrolment::max_request)))));
}

Api::Answer Api::token(const Request& request) {
  WEFT_TRY(must_be_person(request.identity, "make enrolment tokens"));
  WEFT_TRY(only_query(request, {}));
  const auto value = WEFT_TRY(body(request, max_body, {"node", "ttl"}));
  // Seconds as a number, or "1h".
  auto ttl = std::chrono::seconds(3600);
  if (const auto* given = value.get("ttl"); given && given->is_string()) {
    ttl = WEFT_TRY(base::text::parse_duration(*given->string()));
  } else {
    ttl = std::chrono::seconds(WEFT_TRY(integer(value, "ttl", 1, enrol::Enrolment::max_ttl.count())).value_or(3600));
  }
  const auto node = WEFT_TRY(need_string(value, "node", 253));
  const auto token = WEFT_TRY(services_.enrolment->token(actor(request.identity), node, ttl));
  auto response = base::http::Response::json(Dict{{"node", node}, {"token", token}, {"ttl", ttl.count()}});
  response.headers.emplace("Cache-Control", "no-store");
  return response;
}

}  // namespace cdb::http
