// The loop of `weft-agent run`: apply from the cache at start, then follow the server: long poll, jittered poll as a safety net,
// back-off when it is away, retry of failed runs, drift repair, renewal of the certificate. Logs. Single-threaded.
#pragma once

#include <atomic>

#include "agent/run/runner.h"

namespace agent::run {

// One round for `weft-agent once`: fetch, apply, report.
struct Round {
  std::optional<base::Error> fetch_error;  // the cache was applied nevertheless
  RunReport report;
};
base::Result<Round> run_once(Runner& runner);

// Until `stop` is set; `hurry` asks for a run now. Errors are those that no waiting heals.
base::Result<> run_daemon(Runner& runner, const std::atomic<bool>& stop, std::atomic<bool>& hurry);

}  // namespace agent::run
