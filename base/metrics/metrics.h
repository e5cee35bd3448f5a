// Prometheus text: own counters of a program and foreign samples. The only room that includes prometheus-cpp. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace base::metrics {

using Labels = std::map<std::string, std::string>;
enum class Kind { counter, gauge, untyped };

// The program's own registry.
void count(std::string_view name, std::string_view help, const Labels& labels = {}, double by = 1);
void gauge(std::string_view name, std::string_view help, const Labels& labels, double value);
void observe_seconds(std::string_view name, std::string_view help, const Labels& labels, double seconds);  // histogram

struct Sample {
  Labels labels;
  double value = 0;
  std::int64_t timestamp_ms = 0;  // 0: none
};
struct Family {
  std::string name, help;
  Kind kind = Kind::untyped;
  std::vector<Sample> samples;
};
// Text exposition of the own registry followed by `foreign`.
std::string serialize(const std::vector<Family>& foreign = {});

}  // namespace base::metrics
