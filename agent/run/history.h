// Runs that changed or tried something, one JSON line each, the last thousand; the report that the server has not got yet; the
// metrics file. Used by the runner and the daemon. Single-threaded.
#pragma once

#include <filesystem>
#include <vector>

#include "agent/run/runner.h"
#include "base/http/client.h"

namespace agent::run {

base::Result<> add_history(const std::filesystem::path& state, const RunReport& report);
// Newest last; damaged lines are left out.
base::Result<std::vector<base::profile::Value>> read_history(const std::filesystem::path& state);

// Kept until the server has it: the last one counts.
base::Result<> queue_report(const std::filesystem::path& state, const RunReport& report);
base::Result<> send_queued_report(base::http::Client& client, const Settings& settings);

// Prometheus text for the sensor `agent`, written atomically.
base::Result<> write_metrics(const Settings& settings, const journal::State& state, const RunReport* last, bool server_reached);

}  // namespace agent::run
