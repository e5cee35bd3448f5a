// Receives remote_write from nodes: identity, limits, last values, store. Owned by weftd's role monitor; receive() from any
// worker.
#pragma once

#include <memory>

#include "base/http/server.h"
#include "monitor/gateway/forwarder.h"
#include "monitor/gateway/last_values.h"

namespace monitor::gateway {

struct GatewayOptions {
  std::string store;  // URL of the receiver; empty: last values only, no history
  wire::Limits limits;
  LastValuesLimits last_values;
  ForwarderOptions forwarder;
};

class Gateway {
 public:
  explicit Gateway(GatewayOptions options);

  // Answers `pending` when the store has the samples, or why not: 204; 400/413 with the header Weft-Refused when the samples are
  // at fault and must not come again; 403 with it when a node speaks for another; 503 when they must come again.
  void receive(const base::http::Request& request, base::http::Pending pending);
  // The same for callers without a Pending (tests, benchmarks): `answer` is called once.
  void receive(const base::http::Request& request, std::function<void(base::http::Response)> answer);

  LastValues& last_values() { return last_values_; }

 private:
  base::Result<wire::Request> admit(const base::http::Request& request, base::http::Response& refusal);

  GatewayOptions options_;
  LastValues last_values_;
  std::unique_ptr<Forwarder> forwarder_;
};

}  // namespace monitor::gateway
