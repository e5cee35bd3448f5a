#include "cdb/http/api.h"

namespace cdb::http {

void Api::add_routes(base::http::Server& server) {
  const auto route = [&](const char* method, const char* pattern, Answer (Api::*handler)(const Request&)) {
    server.route(method, pattern, [this, handler](const Request& request) { return (this->*handler)(request); });
  };
  route("GET", "/v1/ca", &Api::ca);
  route("POST", "/v1/enrol", &Api::enrol);
  route("POST", "/v1/enrol/token", &Api::token);
  route("POST", "/v1/enrol/renew", &Api::renew);
  route("GET", "/v1/profile/:node", &Api::profile);
  route("GET", "/v1/profile/:node/manifest", &Api::manifest);
  route("GET", "/v1/profile/:node/explain", &Api::explain);
  route("POST", "/v1/node/:node/report", &Api::report);
  route("GET", "/v1/node", &Api::node_list);
  route("GET", "/v1/node/:node", &Api::node_one);
  route("GET", "/v1/template", &Api::template_list);
  route("GET", "/v1/template/*path", &Api::template_one);
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
  route("POST", "/v1/rollout", &Api::rollout_switch);
  route("GET", "/v1/rollout/:revision", &Api::rollout_one);
  route("POST", "/v1/rollout/:revision", &Api::rollout_action);
  route("GET", "/v1/rollout-policy", &Api::rollout_policy_list);
  route("PUT", "/v1/rollout-policy/:name", &Api::rollout_policy_put);
  route("DELETE", "/v1/rollout-policy/:name", &Api::rollout_policy_delete);
  route("POST", "/v1/rollout-default", &Api::rollout_default);
  server.route_async("GET", "/v1/node/:node/wake",
                     [this](const Request& request, base::http::Pending pending) { wake(request, std::move(pending)); });
}

}  // namespace cdb::http
