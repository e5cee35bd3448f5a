#include "monitor/http/api.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

#include <fmt/format.h>

#include "base/metrics/metrics.h"
#include "base/profile/json.h"
#include "monitor/metric/text.h"
#include "monitor/sensor/sensor.h"

namespace monitor::http {
namespace {

using base::Errc;
using base::http::Identity;
using base::http::Request;
using base::http::Response;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

constexpr std::size_t most_rows = 100000;
constexpr std::size_t largest_event_body = 4u << 20;

base::Result<> people_and_services(const Request& request) {
  auto kind = request.identity.kind;
  if (kind == Identity::Kind::person || kind == Identity::Kind::service) return {};
  return base::fail(Errc::denied, "this is for people and services", "use a person's or a service's certificate");
}

std::string query(const Request& request, const char* name) {
  auto it = request.query.find(name);
  return it == request.query.end() ? std::string() : it->second;
}

base::Result<> only_known(const Request& request, std::initializer_list<std::string_view> known) {
  for (const auto& [name, unused] : request.query)
    if (std::find(known.begin(), known.end(), name) == known.end())
      return base::fail(Errc::invalid, fmt::format("unknown query parameter '{}'", name.substr(0, 60)));
  return {};
}

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

base::Result<std::vector<gateway::LastValues::Row>> wanted_rows(gateway::Gateway& gateway, const Request& request) {
  auto rows = gateway.last_values().rows(query(request, "node"), query(request, "name"), most_rows, now_ms());
  if (rows.size() > most_rows)
    return base::fail(Errc::exhausted, fmt::format("more than {} series match", most_rows),
                      "narrow by ?node=PATTERN and ?name=PATTERN");
  return rows;
}

base::metrics::Kind kind_of(const sensor::Field* field) {
  if (!field) return base::metrics::Kind::untyped;
  switch (field->kind) {
    case metric::Kind::counter: return base::metrics::Kind::counter;
    case metric::Kind::gauge: return base::metrics::Kind::gauge;
    case metric::Kind::untyped: break;
  }
  return base::metrics::Kind::untyped;
}

base::Result<std::int64_t> number(const Request& request, const char* name, std::int64_t fallback, std::int64_t least,
                                  std::int64_t most) {
  std::string text = query(request, name);
  if (text.empty()) return fallback;
  std::int64_t out = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size() || out < least || out > most)
    return base::fail(Errc::invalid, fmt::format("?{}= must be a whole number from {} to {}", name, least, most));
  return out;
}

}  // namespace

void Api::add_routes(base::http::Server& server) {
  server.route_async("POST", "/api/v1/write",
                     [this](const Request& r, base::http::Pending p) { gateway_.receive(r, std::move(p)); });
  server.route("GET", "/metrics", [this](const Request& r) { return metrics(r); });
  server.route("GET", "/v1/metric", [this](const Request& r) { return metric_list(r); });
  server.route("GET", "/v1/alarm", [this](const Request& r) { return alarm_list(r); });
  server.route("POST", "/v1/alarm", [this](const Request& r) { return alarm_post(r); });
}

Api::Answer Api::metrics(const Request& request) {
  WEFT_TRY(people_and_services(request));
  WEFT_TRY(only_known(request, {"node", "name"}));
  auto rows = WEFT_TRY(wanted_rows(gateway_, request));
  base::metrics::gauge("weft_gateway_nodes", "Nodes whose last values are held.", {},
                       static_cast<double>(gateway_.last_values().nodes()));
  base::metrics::gauge("weft_gateway_series", "Series whose last values are held.", {},
                       static_cast<double>(gateway_.last_values().series()));
  std::vector<base::metrics::Family> families;
  for (const auto& row : rows) {
    if (families.empty() || families.back().name != row.series->name) {
      const auto* field = sensor::find_field(row.series->name);
      families.push_back({row.series->name, field ? std::string(field->help) : std::string(), kind_of(field), {}});
    }
    base::metrics::Sample sample;
    for (const auto& label : row.series->labels) sample.labels.emplace(label.name, label.value);
    sample.labels["instance"] = row.node;
    sample.value = row.value.value;
    sample.timestamp_ms = row.value.timestamp_ms;
    families.back().samples.push_back(std::move(sample));
  }
  Response response = Response::text(base::metrics::serialize(families));
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  return response;
}

Api::Answer Api::metric_list(const Request& request) {
  WEFT_TRY(people_and_services(request));
  WEFT_TRY(only_known(request, {"node", "name"}));
  List list;
  for (const auto& row : WEFT_TRY(wanted_rows(gateway_, request))) {
    Dict labels;
    for (const auto& label : row.series->labels) labels[label.name] = label.value;
    // JSON has no NaN and no infinity; Prometheus' own API writes them as text too.
    Value value = std::isfinite(row.value.value) ? Value(row.value.value) : Value(metric::number_text(row.value.value));
    list.emplace_back(Dict{{"node", row.node},
                           {"name", row.series->name},
                           {"labels", std::move(labels)},
                           {"value", std::move(value)},
                           {"timestamp_ms", row.value.timestamp_ms}});
  }
  return Response::json(Dict{{"metrics", std::move(list)}});
}

Api::Answer Api::alarm_list(const Request& request) {
  WEFT_TRY(people_and_services(request));
  WEFT_TRY(only_known(request, {"node", "rule", "state", "limit", "before"}));
  alarm::Store::Query wanted;
  wanted.node = query(request, "node");
  wanted.rule = query(request, "rule");
  std::string state = query(request, "state");
  if (!state.empty() && state != "raised" && state != "all") return base::fail(Errc::invalid, "?state= must be raised or all");
  wanted.all = state == "all";
  wanted.limit = static_cast<int>(WEFT_TRY(number(request, "limit", 1000, 1, 10000)));
  wanted.before = WEFT_TRY(number(request, "before", 0, 0, INT64_MAX));
  auto alarms = WEFT_TRY(alarms_.alarms(wanted));
  Dict out;
  // A full page says where the next begins.
  if (alarms.size() == static_cast<std::size_t>(wanted.limit)) out["next"] = alarms.back().get_integer("id");
  out["alarms"] = std::move(alarms);
  wanted.before = 0;
  out["runs"] = WEFT_TRY(alarms_.runs(wanted));
  return Response::json(std::move(out));
}

Api::Answer Api::alarm_post(const Request& request) {
  if (request.identity.kind != Identity::Kind::node)
    return base::fail(Errc::denied, "only a node reports its own alarms", "use the node's certificate");
  auto body = base::profile::parse_json(request.body, {.bytes = largest_event_body, .depth = 8});
  auto taken = body ? alarms_.take(request.identity.name, *body) : base::Result<alarm::Store::Taken>(base::fail(body.error()));
  if (taken) {
    base::metrics::count("weft_alarm_events_total", "Alarm and actuator events taken from nodes.", {}, taken->fresh);
    return Response::json(Dict{{"seq", taken->seq}, {"fresh", taken->fresh}});
  }
  Response response = base::http::problem(taken.error());
  // Bad events must not block the good ones behind them for ever; a database that is away says nothing about them.
  if (taken.error().code == Errc::invalid || !body) response.headers.emplace("Weft-Refused", "format");
  return response;
}

}  // namespace monitor::http
