// The privileged path of actuators, both ends. `ask` is called by the unprivileged daemon from a thread of its own; `serve` is
// what `weft-sensord actuate` does as root, once per connection: it believes nothing but the rule's name, reads the rule from the
// profile itself, keeps its own count of runs, and restarts the one unit that the rule names. See README.md.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/diag/result.h"
#include "monitor/rule/engine.h"

namespace monitor::rule {

// Connects to the socket, sends the rule's name, waits for the answer. Whatever fails is a RunResult "failed" that says why.
RunResult ask(const std::filesystem::path& socket, const std::string& rule, std::chrono::seconds timeout);

struct ActuateOptions {
  std::filesystem::path profile;  // canonical JSON of the current profile
  std::filesystem::path runs;     // own record of runs, root's
  std::function<base::Result<>(const std::string& unit, std::chrono::seconds timeout)> restart;
};
// `request` is one line, "restart RULE". Outcome "refused" when the profile does not allow it or the runs of its window are used
// up.
RunResult serve(std::string_view request, const ActuateOptions& options, std::int64_t now_ms);

std::string to_line(const RunResult& result);  // one line of JSON, for the wire
base::Result<RunResult> from_line(std::string_view line);

}  // namespace monitor::rule
