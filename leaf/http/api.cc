#include "leaf/http/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text/text.h"
#include "leaf/http/input.h"
#include "leaf/sms/fragment.h"

namespace leaf::http {

using base::Errc;
using base::fail;
using base::Result;
using base::http::Response;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

void Api::add_routes(base::http::Server& server) {
  auto route = [&](const char* method, const char* pattern, Answer (Api::*handler)(const Request&)) {
    server.route(method, pattern, [this, handler](const Request& request) -> Answer {
      WEFT_TRY(actor(request));
      return (this->*handler)(request);
    });
  };
  route("GET", "/v1/claim", &Api::claim_list);
  route("POST", "/v1/claim", &Api::claim_set);
  route("POST", "/v1/claim/clear", &Api::claim_clear);
  route("DELETE", "/v1/claim/:id", &Api::claim_delete);
  route("GET", "/v1/workflow", &Api::workflow_list);
  route("GET", "/v1/workflow/:id", &Api::workflow_one);
  route("POST", "/v1/workflow/:id/cancel", &Api::workflow_cancel);
  route("POST", "/v1/workflow/stop", &Api::workflow_stop);
  route("POST", "/v1/workflow/start", &Api::workflow_start);
  route("GET", "/v1/work-order", &Api::order_list);
  route("GET", "/v1/work-order/:id", &Api::order_one);
  route("POST", "/v1/work-order/:id/done", &Api::order_done);
  route("GET", "/v1/storage", &Api::storage_pools);
  route("GET", "/v1/storage/:pool", &Api::storage_list);
  route("GET", "/v1/storage/:pool/check", &Api::storage_check);
  route("PUT", "/v1/storage/:pool/file/:name", &Api::storage_put);
  route("GET", "/v1/storage/:pool/file/:name", &Api::storage_get);
  route("DELETE", "/v1/storage/directory/:node/:fs", &Api::storage_forget);
}

namespace {

struct Permit {
  explicit Permit(std::counting_semaphore<8>& semaphore) : semaphore_(semaphore) { semaphore_.acquire(); }
  ~Permit() { semaphore_.release(); }
  std::counting_semaphore<8>& semaphore_;
};

// Globs and large selections must say how many nodes they mean, so that a pattern that grew does not take the fabric along.
Result<> expected(const Value& body, const std::vector<std::string>& patterns, std::size_t count) {
  const Value* expect = body.get("expect");
  bool glob = std::any_of(patterns.begin(), patterns.end(),
                          [](const std::string& p) { return p.find_first_of("*?") != std::string::npos; });
  if (!expect || expect->is_null()) {
    if (!glob && count <= 5) return {};
    return fail(Errc::denied, fmt::format("the selection is {} nodes: say that you expect that", count),
                fmt::format("Repeat with --expect {} (field 'expect')", count));
  }
  if (!expect->is_integer()) return fail(Errc::invalid, "field 'expect' must be a number");
  if (*expect->integer() == static_cast<std::int64_t>(count)) return {};
  return fail(Errc::denied,
              fmt::format("{} nodes were expected, the selection is {}: nothing was done", *expect->integer(), count),
              "Look at the selection with: weft node list");
}

}  // namespace

Api::Answer Api::claim_list(const Request& request) {
  auto node = request.query.find("node");
  std::vector<sms::Claim> claims =
      WEFT_TRY(services_.claims->list(node == request.query.end() ? std::string() : node->second, flag(request, "history")));
  List list;
  std::map<std::string, std::vector<sms::Claim>> by_node;
  for (const sms::Claim& claim : claims) {
    list.push_back(claim.to_value());
    by_node[claim.node].push_back(claim);
  }
  Dict states;
  if (!flag(request, "history")) {
    for (const auto& [name, held] : by_node) states.emplace(name, sms::effective_state(held));
  }
  return Response::json(Dict{{"claims", std::move(list)}, {"states", std::move(states)}});
}

Api::Answer Api::claim_set(const Request& request) {
  Value body = WEFT_TRY(
      body_of(request, {"nodes", "state", "reason", "category", "ticket", "drain", "duration", "starts_after", "expect"}));
  sms::ClaimRequest claim;
  std::vector<std::string> patterns = WEFT_TRY(list_field(body, "nodes"));
  claim.state = WEFT_TRY(text_field(body, "state", true));
  claim.reason = WEFT_TRY(text_field(body, "reason", true));
  if (std::string category = WEFT_TRY(text_field(body, "category", false)); !category.empty()) claim.category = category;
  if (std::string ticket = WEFT_TRY(text_field(body, "ticket", false)); !ticket.empty()) claim.ticket = ticket;
  if (std::string drain = WEFT_TRY(text_field(body, "drain", false)); !drain.empty()) claim.drain = drain;
  if (std::string text = WEFT_TRY(text_field(body, "duration", false)); !text.empty())
    claim.duration = WEFT_TRY(base::text::parse_duration(text));
  if (std::string text = WEFT_TRY(text_field(body, "starts_after", false)); !text.empty()) {
    claim.starts_after = WEFT_TRY(base::text::parse_duration(text));
  }
  claim.owner = WEFT_TRY(actor(request));
  {
    Permit permit(asking_);
    claim.nodes = WEFT_TRY(fabric::select(WEFT_TRY(services_.fabric->nodes()), patterns));
  }
  WEFT_TRY(expected(body, patterns, claim.nodes.size()));
  std::vector<Value> made = WEFT_TRY(services_.claims->set(claim));
  return Response::json(Dict{{"claims", List(made.begin(), made.end())}}, 201);
}

Api::Answer Api::claim_clear(const Request& request) {
  Value body = WEFT_TRY(body_of(request, {"nodes", "state", "reason", "owner", "expect"}));
  std::vector<std::string> patterns = WEFT_TRY(list_field(body, "nodes"));
  std::string state = WEFT_TRY(text_field(body, "state", true)), reason = WEFT_TRY(text_field(body, "reason", true));
  std::string who = WEFT_TRY(actor(request)), owner = WEFT_TRY(text_field(body, "owner", false));
  if (owner.empty()) owner = who;
  std::vector<fabric::Node> nodes;
  {
    Permit permit(asking_);
    nodes = WEFT_TRY(services_.fabric->nodes());
  }
  // Nodes that left the configuration may still hold claims, and those must be clearable.
  std::set<std::string> known;
  for (const fabric::Node& node : nodes) known.insert(node.name);
  for (const sms::Claim& claim : WEFT_TRY(services_.claims->list("", false))) {
    if (!known.insert(claim.node).second) continue;
    nodes.emplace_back().name = claim.node;
  }
  std::vector<std::string> chosen = WEFT_TRY(fabric::select(nodes, patterns));
  WEFT_TRY(expected(body, patterns, chosen.size()));
  sms::Cleared cleared = WEFT_TRY(services_.claims->clear(chosen, state, reason, owner, who));
  Value answer = Dict{{"cleared", cleared.count}, {"nodes", List(chosen.begin(), chosen.end())}};
  if (cleared.count == 0)
    answer["note"] = fmt::format("{} had no claim '{}' for '{}' of {}: nothing to clear", base::text::join(chosen, ", "), state,
                                 reason, owner);
  return Response::json(answer);
}

Api::Answer Api::claim_delete(const Request& request) {
  sms::Cleared cleared = WEFT_TRY(services_.claims->clear(WEFT_TRY(id_of(request)), WEFT_TRY(actor(request))));
  Value answer = Dict{{"cleared", cleared.count}};
  if (cleared.count == 0) answer["note"] = "it was cleared before";
  return Response::json(answer);
}

Api::Answer Api::workflow_list(const Request& request) {
  List list;
  auto node = request.query.find("node");
  const std::string subject = node == request.query.end() ? std::string() : node->second;
  for (const workflow::Instance& run : WEFT_TRY(services_.store->list(flag(request, "all"), subject, 1000))) {
    list.push_back(run.to_value());
  }
  workflow::StopSwitch stop = WEFT_TRY(services_.store->stop_switch());
  return Response::json(Dict{{"workflows", std::move(list)},
                             {"stop", Dict{{"stopped", stop.stopped}, {"who", stop.who}, {"why", stop.why}, {"at", stop.at}}}});
}

Api::Answer Api::workflow_one(const Request& request) {
  std::int64_t id = WEFT_TRY(id_of(request));
  workflow::Instance run = WEFT_TRY(services_.store->load(id));
  Value out = run.to_value();
  auto parsed = workflow::parse_definition(WEFT_TRY(services_.store->definition_source(run.definition, run.version, run.sha256)),
                                           run.definition, services_.engine->vocabulary());
  if (parsed) {
    List plan;
    for (const workflow::StepDefinition& step : parsed->steps) {
      plan.push_back(
          Dict{{"step", step.name}, {"kind", step.kind}, {"why", step.why}, {"point_of_no_return", step.point_of_no_return}});
    }
    out["plan"] = std::move(plan);
  }
  List events;
  for (const workflow::Event& event : WEFT_TRY(services_.store->events(id))) {
    events.push_back(Dict{{"rev", event.rev},
                          {"at", event.at},
                          {"actor", event.actor},
                          {"kind", event.kind},
                          {"body", event.body},
                          {"hash", event.hash}});
  }
  out["events"] = std::move(events);
  auto audit = services_.store->audit(id);
  out["audit"] = audit ? Value("ok") : Value(audit.error().message);
  return Response::json(out);
}

Api::Answer Api::workflow_cancel(const Request& request) {
  Value body = WEFT_TRY(body_of(request, {"why"}));
  WEFT_TRY(
      services_.engine->cancel(WEFT_TRY(id_of(request)), WEFT_TRY(actor(request)), WEFT_TRY(text_field(body, "why", false))));
  return Response::json(Dict{{"cancelling", true}});
}

Api::Answer Api::workflow_stop(const Request& request) {
  Value body = WEFT_TRY(body_of(request, {"why"}));
  WEFT_TRY(services_.store->set_stop(true, WEFT_TRY(actor(request)), WEFT_TRY(text_field(body, "why", true))));
  return Response::json(Dict{{"stopped", true}});
}

Api::Answer Api::workflow_start(const Request& request) {
  WEFT_TRY(body_of(request, {}));
  WEFT_TRY(services_.store->set_stop(false, WEFT_TRY(actor(request)), ""));
  return Response::json(Dict{{"stopped", false}});
}

Api::Answer Api::order_list(const Request& request) {
  std::vector<Value> orders = WEFT_TRY(services_.orders->list(flag(request, "all"), 1000));
  return Response::json(Dict{{"work_orders", List(orders.begin(), orders.end())}});
}

Api::Answer Api::order_one(const Request& request) {
  return Response::json(WEFT_TRY(services_.orders->get(WEFT_TRY(id_of(request)))));
}

Api::Answer Api::order_done(const Request& request) {
  Value body = WEFT_TRY(body_of(request, {"client_event", "outcome", "serial", "note"}));
  workflow::Answer answer;
  answer.who = WEFT_TRY(actor(request));
  answer.client_event = WEFT_TRY(text_field(body, "client_event", true));
  if (std::string outcome = WEFT_TRY(text_field(body, "outcome", false)); !outcome.empty()) answer.outcome = outcome;
  if (std::string serial = WEFT_TRY(text_field(body, "serial", false)); !serial.empty()) answer.serial = serial;
  answer.note = WEFT_TRY(text_field(body, "note", false));
  if (answer.note.size() > 4000) return fail(Errc::invalid, "the note is longer than 4000 bytes");
  return Response::json(WEFT_TRY(services_.orders->done(WEFT_TRY(id_of(request)), answer)));
}

}  // namespace leaf::http
