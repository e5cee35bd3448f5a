#include "cdb/http/api.h"

namespace cdb::http {

void Api::add_routes(base::http::Server& server) {
  using rights::Role;
  const auto guarded = [&](const char* method, const char* pattern, Role need, Answer (Api::*handler)(const Request&)) {
    server.route(method, pattern, [this, need, handler](const Request& request) -> Answer {
      WEFT_TRY(admit(request, need));
      return (this->*handler)(request);
    });
  };
  // Who reads needs a role at all, who writes is an editor, unless the route says otherwise.
  const auto route = [&](const char* method, const char* pattern, Answer (Api::*handler)(const Request&)) {
    guarded(method, pattern, std::string_view(method) == "GET" ? Role::viewer : Role::editor, handler);
  };
  route("GET", "/v1/ca", &Api::ca);
  route("POST", "/v1/enrol", &Api::enrol);
  guarded("POST", "/v1/enrol/token", Role::operations, &Api::token);
  route("POST", "/v1/enrol/renew", &Api::renew);
  route("GET", "/v1/profile/:node", &Api::profile);
  route("GET", "/v1/profile/:node/manifest", &Api::manifest);
  route("GET", "/v1/profile/:node/explain", &Api::explain);
  route("POST", "/v1/node/:node/report", &Api::report);
  route("GET", "/v1/node", &Api::node_list);
  route("GET", "/v1/node/:node", &Api::node_one);
  route("GET", "/v1/node/:node/history", &Api::value_history);
  route("GET", "/v1/value", &Api::value_list);
  route("GET", "/v1/template", &Api::template_list);
  route("GET", "/v1/template/*path", &Api::template_one);
  route("GET", "/v1/blame/*path", &Api::blame);
  route("GET", "/v1/branch", &Api::branch_list);
  route("POST", "/v1/branch", &Api::branch_create);
  route("GET", "/v1/branch/:branch", &Api::branch_one);
  route("DELETE", "/v1/branch/:branch", &Api::branch_delete);
  route("POST", "/v1/branch/:branch/merge", &Api::branch_merge);
  route("POST", "/v1/branch/:branch/cherry-pick", &Api::branch_pick);
  route("POST", "/v1/branch/:branch/move", &Api::branch_move);
  route("POST", "/v1/change", &Api::change);
  route("GET", "/v1/revision", &Api::revision_list);
  route("GET", "/v1/revision/:number", &Api::revision_one);
  route("POST", "/v1/revision/:number/revert", &Api::revert);
  route("GET", "/v1/audit", &Api::audit);
  route("GET", "/v1/rollout", &Api::rollout_list);
  guarded("POST", "/v1/rollout", Role::operations, &Api::rollout_switch);
  route("GET", "/v1/rollout/:revision", &Api::rollout_one);
  guarded("POST", "/v1/rollout/:revision", Role::operations, &Api::rollout_action);
  route("GET", "/v1/rollout-policy", &Api::rollout_policy_list);
  guarded("PUT", "/v1/rollout-policy/:name", Role::administrator, &Api::rollout_policy_put);
  guarded("DELETE", "/v1/rollout-policy/:name", Role::administrator, &Api::rollout_policy_delete);
  guarded("POST", "/v1/rollout-default", Role::administrator, &Api::rollout_default);
  route("POST", "/v1/proposal", &Api::change);
  route("GET", "/v1/proposal", &Api::proposal_list);
  route("GET", "/v1/proposal/:id", &Api::proposal_one);
  guarded("POST", "/v1/proposal/:id/approve", Role::viewer, &Api::proposal_review);
  guarded("POST", "/v1/proposal/:id/reject", Role::viewer, &Api::proposal_review);
  route("POST", "/v1/proposal/:id/withdraw", &Api::proposal_withdraw);
  route("POST", "/v1/proposal/:id/commit", &Api::proposal_commit);
  route("GET", "/v1/rights", &Api::rights_show);
  route("GET", "/v1/rights/log", &Api::rights_log);
  route("GET", "/v1/rights/explain", &Api::rights_explain);
  guarded("POST", "/v1/rights", Role::administrator, &Api::rights_set);
  // Anybody may know what he is, also without a role.
  server.route("GET", "/v1/rights/whoami", [this](const Request& request) { return whoami(request); });
  route("GET", "/v1/audit/verify", &Api::audit_verify);
  route("GET", "/v1/audit/export", &Api::audit_export);
  route("GET", "/v1/fabric/status", &Api::fabric_status);
  server.route_async("GET", "/v1/node/:node/wake",
                     [this](const Request& request, base::http::Pending pending) { wake(request, std::move(pending)); });
}

}  // namespace cdb::http
