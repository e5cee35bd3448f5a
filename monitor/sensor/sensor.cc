#include "monitor/sensor/sensor.h"

#include <array>

#include <fmt/format.h>

#include "base/text/text.h"
#include "monitor/sensor/specs.h"

namespace monitor::sensor {

using base::Errc;
using base::profile::Type;
using base::profile::Value;

void Output::put(std::string_view name, metric::Kind kind, double value, std::initializer_list<LabelText> labels) {
  metric::Sample sample;
  sample.series.name = name;
  sample.kind = kind;
  sample.value = value;
  sample.series.labels.reserve(labels.size());
  for (const auto& [label, text] : labels) {
    if (text.empty()) continue;
    std::string content(text);
    if (!base::text::valid_utf8(content))
      for (char& c : content)
        if (static_cast<unsigned char>(c) >= 0x80) c = '?';
    metric::set(sample.series.labels, label, std::move(content));
  }
  samples_.push_back(std::move(sample));
}

std::span<const Spec> catalogue() {
  static const std::array specs{cpu_spec,   memory_spec,  load_spec,  vmstat_spec, pressure_spec,   disk_spec,   time_spec,
                                uname_spec, network_spec, agent_spec, self_spec,   filesystem_spec, systemd_spec};
  return specs;
}

const Spec* find_spec(std::string_view name) {
  for (const Spec& spec : catalogue())
    if (spec.name == name) return &spec;
  return nullptr;
}

const Field* find_field(std::string_view metric_name) {
  const Field* open = nullptr;
  for (const Spec& spec : catalogue()) {
    for (const Field& field : spec.fields) {
      if (field.name == metric_name) return &field;
      // The longest pattern wins: node_memory_*_bytes before node_memory_*.
      if (field.name.find('*') != std::string_view::npos && base::text::glob_match(field.name, metric_name) &&
          (!open || field.name.size() > open->name.size()))
        open = &field;
    }
  }
  return open;
}

std::string_view help(std::string_view metric_name) {
  const Field* field = find_field(metric_name);
  return field ? field->help : std::string_view();
}

base::Result<std::unique_ptr<Sensor>> make(const Spec& spec, const Value& options, const Environment& environment) {
  if (!options.is_null() && !options.is_dict())
    return base::fail(Errc::invalid, fmt::format("sensor {}: options must be a dict", spec.name));
  if (const auto* dict = options.dict()) {
    std::vector<std::string> known;
    for (const auto& option : spec.options) known.emplace_back(option.name);
    for (const auto& [name, value] : *dict) {
      const OptionSpec* match = nullptr;
      for (const auto& option : spec.options)
        if (option.name == name) match = &option;
      if (!match)
        return base::fail(Errc::invalid, fmt::format("sensor {}: unknown option {}{}", spec.name, name,
                                                     base::text::did_you_mean_suffix(name, known)));
      if (value.type() != match->type)
        return base::fail(Errc::invalid,
                          fmt::format("sensor {}: option {} must be a {}, is a {}", spec.name, name,
                                      base::profile::type_name(match->type), base::profile::type_name(value.type())));
    }
  }
  auto sensor = spec.make(options, environment);
  if (!sensor) return base::fail(std::move(sensor).error().during(fmt::format("making sensor {}", spec.name)));
  return sensor;
}

}  // namespace monitor::sensor
