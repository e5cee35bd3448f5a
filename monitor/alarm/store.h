// Alarms and actuator runs in PostgreSQL. Used by monitor/http and by weftd's role monitor; any thread. Every change is one
// transaction; errors of the database come through as base/pg gives them.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/diag/result.h"
#include "base/pg/pg.h"
#include "base/profile/value.h"

namespace monitor::alarm {

// The rule name under which the server itself tells that a node is silent.
inline constexpr std::string_view no_contact = "no_contact";

class Store {
 public:
  // Brings the schema up to date.
  static base::Result<std::unique_ptr<Store>> open(std::shared_ptr<base::pg::Pool> pool);

  // What one node may have in the database. Past it: the newest open alarms, the oldest history and runs, the oldest epochs go.
  static constexpr int most_open = 1000, most_cleared = 5000, most_runs = 1000, most_epochs = 20;

  struct Taken {
    std::int64_t seq = 0;  // the greatest number taken from this sender, now or before
    int fresh = 0;         // events that were new
  };
  // {epoch, events: [...]} as POST /v1/alarm brings it. All or nothing; Errc::invalid names the event and the member. What was
  // taken before is passed over.
  base::Result<Taken> take(const std::string& node, const base::profile::Value& body);

  struct Query {
    std::string node, rule;  // patterns; empty: all
    bool all = false;        // cleared ones too
    int limit = 1000;
    std::int64_t before = 0;  // only smaller ids; 0: from the newest
  };
  base::Result<base::profile::List> alarms(const Query& query);  // newest first
  base::Result<base::profile::List> runs(const Query& query);

  // Notes who was heard when, and raises or clears `no_contact` for every node that any gateway has ever heard. Several gateways
  // may do this at the same time. Returns how many were raised.
  base::Result<int> check_contacts(const std::vector<std::pair<std::string, std::int64_t>>& heard_ms,
                                   std::chrono::seconds silent_after);
  // Removes cleared alarms and runs older than `age`.
  base::Result<> prune(std::chrono::hours age);

 private:
  explicit Store(std::shared_ptr<base::pg::Pool> pool) : pool_(std::move(pool)) {}
  std::shared_ptr<base::pg::Pool> pool_;
};

}  // namespace monitor::alarm
