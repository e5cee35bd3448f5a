// The HTTP routes of monitoring (ARCHITECTURE.md, "HTTP interfaces"). Made once by role monitor, before the server starts; must
// outlive it. Handlers run on the server's workers and may block on SQL; samples are answered when the store has them.
#pragma once

#include "base/http/server.h"
#include "monitor/alarm/store.h"
#include "monitor/gateway/gateway.h"

namespace monitor::http {

class Api {
 public:
  Api(gateway::Gateway& gateway, alarm::Store& alarms) : gateway_(gateway), alarms_(alarms) {}
  void add_routes(base::http::Server& server);

  // One by one for tests.
  using Answer = base::Result<base::http::Response>;
  Answer metrics(const base::http::Request& request);
  Answer metric_list(const base::http::Request& request);
  Answer alarm_list(const base::http::Request& request);
  Answer alarm_post(const base::http::Request& request);

 private:
  gateway::Gateway& gateway_;
  alarm::Store& alarms_;
};

}  // namespace monitor::http
