// LEAF's routes. Owned by the role; handlers run on the server's worker threads, so everything here is shared and stateless.
// Errors go out as problem+json.
#pragma once

#include <memory>
#include <semaphore>
#include <string>
#include <vector>

#include "base/diag/result.h"
#include "base/http/server.h"
#include "leaf/fabric/fabric.h"
#include "leaf/sms/claims.h"
#include "leaf/storage/dirpool.h"
#include "leaf/workflow/engine.h"
#include "leaf/workflow/work_order.h"

namespace leaf::http {

struct Services {
  std::shared_ptr<base::pg::Pool> pool;
  std::shared_ptr<fabric::Fabric> fabric;
  workflow::RunStore* store = nullptr;
  workflow::Engine* engine = nullptr;
  std::shared_ptr<sms::Claims> claims;
  std::shared_ptr<workflow::WorkOrders> orders;
  std::shared_ptr<storage::Dirpool> dirpool;
  std::shared_ptr<storage::PgIdentities> identities;
};

class Api {
 public:
  explicit Api(Services services) : services_(std::move(services)) {}
  void add_routes(base::http::Server& server);

 private:
  using Request = base::http::Request;
  using Answer = base::Result<base::http::Response>;
  Answer claim_list(const Request& request);
  Answer claim_set(const Request& request);
  Answer claim_clear(const Request& request);
  Answer claim_delete(const Request& request);
  Answer workflow_list(const Request& request);
  Answer workflow_one(const Request& request);
  Answer workflow_cancel(const Request& request);
  Answer workflow_stop(const Request& request);
  Answer workflow_start(const Request& request);
  Answer order_list(const Request& request);
  Answer order_one(const Request& request);
  Answer order_done(const Request& request);
  Answer storage_pools(const Request& request);
  Answer storage_list(const Request& request);
  Answer storage_check(const Request& request);
  Answer storage_put(const Request& request);
  Answer storage_get(const Request& request);
  Answer storage_forget(const Request& request);

  Services services_;
  // Handlers that ask the configuration database do so through the same server: more than a few at once could leave no worker for
  // it.
  std::counting_semaphore<8> asking_{3};
};

}  // namespace leaf::http
