// When a sensor is due: every tick of a period lies on one grid through time, shifted by a phase that is fixed for the node. So
// stamps of a series are exactly one period apart (stores compress that well), and thousands of nodes spread over the period.
// Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace monitor::sensord {

// 0 <= phase < period, from the node's name; equal for all sensors of one period, so their samples share stamps.
std::int64_t phase_ms(std::string_view node, std::int64_t period_ms);
// The first tick strictly after `now`.
std::int64_t next_tick_ms(std::int64_t now_ms, std::int64_t period_ms, std::int64_t phase_ms);

}  // namespace monitor::sensord
