// Work orders: what people have to do, and their answer, which is a signal to the run. Two kinds: "work" (a step of its own) and
// "decision" (a step failed and nothing can be done without a person). Used by the engine and the API; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "base/pg/pg.h"
#include "base/profile/value.h"
#include "leaf/fabric/fabric.h"
#include "leaf/workflow/step_kind.h"
#include "leaf/workflow/store.h"

namespace leaf::workflow {

// Opens the decision order of a failed step, in the transaction that marks the failure.
base::Result<> ask_decision(base::pg::Transaction& tx, const Instance& run, std::string_view step, const base::Error& error);

struct Answer {
  std::string who;
  std::string client_event;           // the same for every repetition of one person's click
  std::string outcome = "retry";      // for decisions: retry or acted
  std::optional<std::string> serial;  // compared with the order's when given
  std::string note;
};

class WorkOrders {
 public:
  explicit WorkOrders(std::shared_ptr<base::pg::Pool> pool) : pool_(std::move(pool)) {}
  base::Result<std::vector<base::profile::Value>> list(bool closed_too, int limit);
  base::Result<base::profile::Value> get(std::int64_t id);
  // Closes the order and signals its run. Repeating a client event changes nothing and succeeds (`replayed` true in the answer).
  // Errc::conflict: wrong serial (nothing changed but the attempt is on record), or closed by somebody else.
  base::Result<base::profile::Value> done(std::int64_t id, const Answer& answer);

 private:
  std::shared_ptr<base::pg::Pool> pool_;
};

// Step kind "work-order": opens an order with the machine's place and serial number as they are in the fabric now.
std::shared_ptr<StepKind> make_work_order_step(std::shared_ptr<base::pg::Pool> pool, std::shared_ptr<fabric::Fabric> fabric);

}  // namespace leaf::workflow
