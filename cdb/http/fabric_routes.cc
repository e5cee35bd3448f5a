// The whole fabric at a glance.
#include <chrono>
#include <limits>

#include "cdb/fabric/status.h"
#include "cdb/http/api.h"
#include "cdb/http/input.h"
#include "cdb/http/rights.h"
#include "cdb/http/selection.h"

namespace cdb::http {

Api::Answer Api::fabric_status(const Request& request) {
  WEFT_TRY(may_read(request.identity));
  WEFT_TRY(only_query(request, {"select", "silent_after", "max_lag"}));
  constexpr std::int64_t month = 31 * 86400;
  fabric::Limits limits;
  limits.silent = std::chrono::seconds(WEFT_TRY(query_integer(request, "silent_after", limits.silent.count(), 60, month)));
  limits.lag = std::chrono::seconds(WEFT_TRY(query_integer(request, "max_lag", limits.lag.count(), 0, month)));
  store::NodeFilter filter;
  filter.reports = false;
  filter.limit = std::numeric_limits<int>::max();
  if (const auto expression = query_text(request, "select")) {
    filter.names = WEFT_TRY(select_nodes(services_, *expression, 0));
    // A check of nothing would always be well.
    if (filter.names->empty()) {
      return base::fail(base::Errc::not_found, "the selection matches no node; that never means all",
                        "weft node list --select tries a selection");
    }
  }
  const auto rows = WEFT_TRY(services_.store->nodes(filter));
  return base::http::Response::json(fabric::summarise(rows, limits, std::chrono::system_clock::now()).json());
}

}  // namespace cdb::http
