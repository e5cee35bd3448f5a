// The CDB's HTTP routes. Made once by role cdb, before the server starts; must outlive it. Handlers run on the server's workers
// and may block on SQL; long polls return at once.
#pragma once

#include <functional>
#include <memory>

#include "base/http/server.h"
#include "cdb/build/builder.h"
#include "cdb/enrol/enrolment.h"
#include "cdb/publish/presence.h"
#include "cdb/publish/publisher.h"
#include "cdb/publish/wake.h"
#include "cdb/rollout/engine.h"
#include "cdb/store/reviews.h"
#include "cdb/store/store.h"
#include "cdb/values/recorder.h"

namespace cdb::http {

struct Services {
  std::shared_ptr<store::Store> store;
  build::Builder* builder = nullptr;
  publish::Publisher* publisher = nullptr;
  publish::WakeHub* wake = nullptr;
  publish::Presence* presence = nullptr;
  enrol::Enrolment* enrolment = nullptr;
  rollout::Engine* rollout = nullptr;
  std::shared_ptr<store::Reviews> reviews = nullptr;
  values::Recorder* values = nullptr;
};

class Api {
 public:
  explicit Api(Services services) : services_(std::move(services)) {}
  void add_routes(base::http::Server& server);

  // One by one for tests; each is the handler of the route that its name tells.
  using Request = base::http::Request;
  using Answer = base::Result<base::http::Response>;
  Answer change(const Request& request);
  Answer revert(const Request& request);
  Answer template_list(const Request& request);
  Answer template_one(const Request& request);
  Answer blame(const Request& request);
  Answer branch_list(const Request& request);
  Answer branch_one(const Request& request);
  Answer branch_create(const Request& request);
  Answer branch_delete(const Request& request);
  Answer branch_merge(const Request& request);
  Answer branch_pick(const Request& request);
  Answer branch_move(const Request& request);
  Answer revision_list(const Request& request);
  Answer revision_one(const Request& request);
  Answer profile(const Request& request);
  Answer manifest(const Request& request);
  Answer explain(const Request& request);
  Answer node_list(const Request& request);
  Answer node_one(const Request& request);
  Answer report(const Request& request);
  Answer value_list(const Request& request);
  Answer value_history(const Request& request);
  Answer audit(const Request& request);
  Answer rights_show(const Request& request);
  Answer rights_log(const Request& request);
  Answer rights_set(const Request& request);
  Answer rights_explain(const Request& request);
  Answer whoami(const Request& request);
  Answer proposal_list(const Request& request);
  Answer proposal_one(const Request& request);
  Answer proposal_review(const Request& request);
  Answer proposal_withdraw(const Request& request);
  Answer proposal_commit(const Request& request);
  Answer audit_verify(const Request& request);
  Answer audit_export(const Request& request);
  Answer fabric_status(const Request& request);
  Answer ca(const Request& request);
  Answer enrol(const Request& request);
  Answer renew(const Request& request);
  Answer token(const Request& request);
  Answer rollout_list(const Request& request);
  Answer rollout_one(const Request& request);
  Answer rollout_action(const Request& request);
  Answer rollout_switch(const Request& request);
  Answer rollout_policy_list(const Request& request);
  Answer rollout_policy_put(const Request& request);
  Answer rollout_policy_delete(const Request& request);
  Answer rollout_default(const Request& request);
  void wake(const Request& request, base::http::Pending pending);

 private:
  // Persons need this role under the policy in force; the handler says what nodes and services may.
  base::Result<> admit(const Request& request, rights::Role need) const;
  Answer propose(build::Change change);
  base::Result<base::http::Response> answer(base::Result<build::Outcome> outcome, double seconds) const;
  base::Result<store::Desired> wanted_profile(const Request& request) const;

  Services services_;
};

}  // namespace cdb::http
