#include "base/metrics/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <mutex>
#include <sstream>

namespace base::metrics {
namespace {

// What one name may grow to: a label value taken from a request must not fill the memory.
constexpr std::size_t most_children = 10000;
constexpr const char* rejected_name = "weft_metrics_rejected_total";
const prometheus::Histogram::BucketBoundaries seconds_buckets{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                              0.5,   1,      2.5,   5,    10,    30,   60};

bool valid_name(std::string_view name, bool colon) {
  if (name.empty() || name.size() > 200 || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (colon && c == ':');
  });
}

bool valid_labels(const Labels& labels) {
  return std::all_of(labels.begin(), labels.end(),
                     [](const auto& label) { return valid_name(label.first, false) && !label.first.starts_with("__"); });
}

// prometheus-cpp writes HELP as it is given; a line break in it would forge a sample.
std::string escaped_help(std::string_view help) {
  std::string out;
  for (const char c : help) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\\') {
      out += "\\\\";
    } else if (c != '\r') {
      out += c;
    }
  }
  return out;
}

class Own {
 public:
  template <class T, class Build, class Act, class... Arguments>
  void with(std::map<std::string, prometheus::Family<T>*, std::less<>>& families, std::string_view name, std::string_view help,
            const Labels& labels, Build build, Act act, Arguments&&... arguments) {
    const std::lock_guard lock(mutex_);
    auto found = families.find(name);
    if (found == families.end()) {
      // A name keeps the kind it was first used with; the library would throw.
      if (!valid_name(name, true) || !names_.emplace(name, 0).second) return reject();
      auto& family = build().Name(std::string(name)).Help(escaped_help(help)).Register(registry_);
      found = families.emplace(std::string(name), &family).first;
    }
    if (!found->second->Has(labels)) {
      if (!valid_labels(labels) || ++names_[std::string(name)] > most_children) return reject();
    }
    act(found->second->Add(labels, std::forward<Arguments>(arguments)...));
  }

  std::vector<prometheus::MetricFamily> collect() {
    const std::lock_guard lock(mutex_);
    return registry_.Collect();
  }

  void count_rejected() {
    const std::lock_guard lock(mutex_);
    reject();
  }

  std::map<std::string, prometheus::Family<prometheus::Counter>*, std::less<>> counters;
  std::map<std::string, prometheus::Family<prometheus::Gauge>*, std::less<>> gauges;
  std::map<std::string, prometheus::Family<prometheus::Histogram>*, std::less<>> histograms;

 private:
  void reject() {
    if (!rejected_) {
      auto& family = prometheus::BuildCounter()
                         .Name(rejected_name)
                         .Help("Samples dropped for a bad name, another kind or too many label values.")
                         .Register(registry_);
      names_.emplace(rejected_name, 1);
      rejected_ = &family.Add({});
    }
    rejected_->Increment();
  }

  std::mutex mutex_;
  prometheus::Registry registry_;
  std::map<std::string, std::size_t, std::less<>> names_;  // children made per name
  prometheus::Counter* rejected_ = nullptr;
};

Own& own() {
  static Own instance;
  return instance;
}

prometheus::MetricType type_of(Kind kind) {
  switch (kind) {
    case Kind::counter: return prometheus::MetricType::Counter;
    case Kind::gauge: return prometheus::MetricType::Gauge;
    case Kind::untyped: return prometheus::MetricType::Untyped;
  }
  return prometheus::MetricType::Untyped;
}

prometheus::ClientMetric metric_of(const Sample& sample, Kind kind) {
  prometheus::ClientMetric metric;
  for (const auto& [name, value] : sample.labels) metric.label.push_back({name, value});
  metric.timestamp_ms = sample.timestamp_ms;
  switch (kind) {
    case Kind::counter: metric.counter.value = sample.value; break;
    case Kind::gauge: metric.gauge.value = sample.value; break;
    case Kind::untyped: metric.untyped.value = sample.value; break;
  }
  return metric;
}

}  // namespace

void count(std::string_view name, std::string_view help, const Labels& labels, double by) {
  if (!(by >= 0)) return own().count_rejected();  // a counter that falls looks like a restart
  own().with(own().counters, name, help, labels, prometheus::BuildCounter, [&](auto& counter) { counter.Increment(by); });
}

void gauge(std::string_view name, std::string_view help, const Labels& labels, double value) {
  own().with(own().gauges, name, help, labels, prometheus::BuildGauge, [&](auto& gauge) { gauge.Set(value); });
}

void observe_seconds(std::string_view name, std::string_view help, const Labels& labels, double seconds) {
  own().with(
      own().histograms, name, help, labels, prometheus::BuildHistogram, [&](auto& histogram) { histogram.Observe(seconds); },
      seconds_buckets);
}

std::string serialize(const std::vector<Family>& foreign) {
  auto families = own().collect();
  // A name may stand only once in an exposition: samples of a known name join it.
  std::map<std::string, std::size_t, std::less<>> places;
  for (std::size_t i = 0; i < families.size(); ++i) places.emplace(families[i].name, i);
  for (const auto& family : foreign) {
    if (!valid_name(family.name, true)) {
      own().count_rejected();
      continue;
    }
    const auto [place, fresh] = places.emplace(family.name, families.size());
    if (fresh) families.push_back({family.name, escaped_help(family.help), type_of(family.kind), {}});
    auto& target = families[place->second];
    if (target.type != type_of(family.kind)) {
      own().count_rejected();
      continue;
    }
    for (const auto& sample : family.samples) {
      if (valid_labels(sample.labels)) {
        target.metric.push_back(metric_of(sample, family.kind));
      } else {
        own().count_rejected();
      }
    }
  }
  std::erase_if(families, [](const auto& family) { return family.metric.empty(); });
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return std::move(out).str();
}

}  // namespace base::metrics
