#include "monitor/gateway/gateway.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "base/metrics/metrics.h"

namespace monitor::gateway {
namespace {

using base::Errc;
using base::http::Identity;
using base::http::Request;
using base::http::Response;

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void count_request(const char* outcome) {
  base::metrics::count("weft_gateway_requests_total", "remote_write requests by outcome.", {{"outcome", outcome}});
}

// The samples are at fault: the sender must not repeat them.
Response refuse(const base::Error& error, const char* reason, std::size_t samples) {
  count_request("refused");
  base::metrics::count("weft_gateway_refused_samples_total", "Samples refused for good, by reason.", {{"reason", reason}},
                       static_cast<double>(samples));
  Response response = base::http::problem(error);
  // A limit answers 429 elsewhere, which would make the sender try for ever.
  if (response.status != 403) response.status = error.code == Errc::exhausted ? 413 : 400;
  response.headers.erase("Retry-After");
  response.headers.emplace("Weft-Refused", reason);
  return response;
}

Response come_back(const std::string& why) {
  count_request("away");
  return base::http::problem({Errc::unavailable, why, "keep the samples and try again", {}});
}

std::string_view header(const Request& request, const char* name) {
  auto it = request.headers.find(name);
  return it == request.headers.end() ? std::string_view() : std::string_view(it->second);
}

}  // namespace

Gateway::Gateway(GatewayOptions options) : options_(std::move(options)), last_values_(options_.last_values) {
  if (options_.store.empty()) return;
  options_.forwarder.url = options_.store;
  forwarder_ = std::make_unique<Forwarder>(options_.forwarder);
}

base::Result<wire::Request> Gateway::admit(const Request& request, Response& refusal) {
  auto refused = [&](base::Error error, const char* reason, std::size_t samples) {
    refusal = refuse(error, reason, samples);
    return base::fail(std::move(error));
  };
  const Identity& who = request.identity;
  if (who.kind != Identity::Kind::node && who.kind != Identity::Kind::service) {
    // No Weft-Refused: without identity nothing can be said about the samples.
    base::Error error{Errc::denied, "only nodes and services may write samples", "use the node's certificate", {}};
    count_request("denied");
    refusal = base::http::problem(error);
    return base::fail(std::move(error));
  }
  if (auto coding = header(request, "content-encoding"); !coding.empty() && coding != "snappy")
    return refused({Errc::invalid,
                    fmt::format("content coding {} is not supported", coding),
                    "send remote_write 1.0: protobuf in a snappy block",
                    {}},
                   "format", 0);
  if (header(request, "content-type").find("v2") != std::string_view::npos) {
    base::Error error{Errc::invalid, "remote_write 2.0 is not supported", "send remote_write 1.0", {}};
    refusal = refuse(error, "format", 0);
    refusal.status = 415;  // by which senders of 2.0 fall back to 1.0
    return base::fail(std::move(error));
  }
  auto decoded = wire::decode(request.body, options_.limits);
  if (!decoded) return refused(decoded.error(), decoded.error().code == Errc::exhausted ? "limit" : "format", 0);

  bool absent = false;
  for (const auto& series : decoded->series()) {
    std::string_view instance = series.label("instance");
    absent = absent || instance.empty();
    if (who.kind == Identity::Kind::service ? instance.empty() : (!instance.empty() && instance != who.name))
      return refused(
          {Errc::denied,
           instance.empty() ? "a service must name the instance of each series"
                            : fmt::format("node {} may not write series of instance {}", who.name, instance.substr(0, 200)),
           "set the label instance to the name in the certificate",
           {}},
          "instance", decoded->samples());
  }
  if (!absent) return decoded;
  std::vector<wire::Row> rows;
  rows.reserve(decoded->series().size());
  for (const auto& series : decoded->series()) {
    wire::Row row{{series.labels.begin(), series.labels.end()}, {series.points.begin(), series.points.end()}};
    if (series.label("instance").empty()) {
      auto at = std::lower_bound(row.labels.begin(), row.labels.end(), "instance",
                                 [](const auto& l, std::string_view n) { return l.name < n; });
      row.labels.insert(at, {"instance", who.name});
    }
    rows.push_back(std::move(row));
  }
  return wire::decode(wire::encode(rows), options_.limits);
}

void Gateway::receive(const Request& request, base::http::Pending pending) {
  receive(request, [pending](Response response) { pending.complete(std::move(response)); });
}

void Gateway::receive(const Request& request, std::function<void(Response)> answer) {
  Response refusal;
  auto admitted = admit(request, refusal);
  if (!admitted) {
    if (refusal.status < 400) refusal = refuse(admitted.error(), "limit", 0);
    return answer(std::move(refusal));
  }
  std::size_t samples = admitted->samples();
  // A service speaks for many instances; each is a node of its own here.
  std::int64_t now = now_ms();
  base::Result<> taken;
  if (request.identity.kind == Identity::Kind::node) {
    taken = last_values_.update(request.identity.name, admitted->series(), now);
  } else {
    std::map<std::string, std::vector<wire::SeriesView>> by_instance;
    for (const auto& series : admitted->series()) by_instance[std::string(series.label("instance"))].push_back(series);
    for (const auto& [instance, series] : by_instance)
      if (taken) taken = last_values_.update(instance, series, now);
  }
  if (!taken) return answer(refuse(taken.error(), "limit", samples));
  auto done = [answer, samples](const Forwarded& outcome) {
    if (outcome.state == Forwarded::State::away) return answer(come_back(outcome.reason));
    base::metrics::count("weft_gateway_samples_total", "Samples handed to the store.", {},
                         static_cast<double>(samples - outcome.refused_samples));
    if (outcome.state == Forwarded::State::refused)
      return answer(refuse({Errc::invalid,
                            fmt::format("{} of {} samples were refused: {}", outcome.refused_samples, samples, outcome.reason),
                            "samples that are too old need out_of_order_time_window in the store",
                            {}},
                           "store", outcome.refused_samples));
    count_request("stored");
    answer({204, "", "application/json", {}});
  };
  if (!forwarder_) return done({Forwarded::State::stored, 0, {}});
  if (admitted->series().empty()) return done({Forwarded::State::stored, 0, {}});
  if (!forwarder_->offer(std::move(*admitted), done)) answer(come_back("too many samples wait for the store"));
}

}  // namespace monitor::gateway
