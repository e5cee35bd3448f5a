// Prometheus text exposition (0.0.4) of samples, out for `weft-sensord once` and in for text files that other programs leave
// (/run/weft/agent.prom). Used by monitor/sensor, monitor/sensord and programs. Pure functions, any thread. The servers' /metrics
// is base/metrics; this writer exists because the node's daemon must stay small.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "monitor/metric/sample.h"

namespace monitor::metric {

// Samples grouped by name in first-seen order, each group with its TYPE line and, when `help` knows one, its HELP line.
std::string to_text(const std::vector<Sample>& samples, const std::function<std::string_view(std::string_view name)>& help = {});

// Shortest text that reads back as the same double; NaN, +Inf, -Inf in Prometheus' spelling.
std::string number_text(double value);

struct TextLimits {
  std::size_t samples = 2000;
  std::size_t line = 4096;
};
// Refuses the whole text (Errc::invalid with the line number, Errc::exhausted past a limit): a half-read file would look like
// vanished series. Time stamps are accepted and dropped; histogram and summary parts come out untyped.
base::Result<std::vector<Sample>> parse_text(std::string_view text, const TextLimits& limits = {});

}  // namespace monitor::metric
