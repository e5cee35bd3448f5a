#include "monitor/sensord/config.h"

#include <fmt/format.h>

#include "base/file/file.h"
#include "base/profile/json.h"
#include "base/profile/path.h"
#include "base/text/text.h"

namespace monitor::sensord {
namespace {

using base::profile::Type;
using base::profile::Value;

// Walks one dict of the tree; complaints go to `errors` and the default stays.
class Section {
 public:
  Section(std::string path, const Value* value, std::vector<std::string>& errors)
      : path_(std::move(path)), value_(value), errors_(errors) {
    if (value_ && !value_->is_dict()) {
      complain("", "must be a dict");
      value_ = nullptr;
    }
  }

  const Value* get(std::string_view field, Type type) {
    known_.emplace_back(field);
    const Value* v = value_ ? value_->get(field) : nullptr;
    if (!v || v->type() == type) return v;
    complain(field, fmt::format("must be a {}, is a {}", base::profile::type_name(type), base::profile::type_name(v->type())));
    return nullptr;
  }
  // Any type: checked further down.
  const Value* below(std::string_view field) {
    known_.emplace_back(field);
    return value_ ? value_->get(field) : nullptr;
  }
  void flag(std::string_view field, bool& out) {
    if (const Value* v = get(field, Type::boolean)) out = *v->boolean();
  }
  void integer(std::string_view field, std::int64_t& out, std::int64_t least, std::int64_t most) {
    const Value* v = get(field, Type::integer);
    if (!v) return;
    if (*v->integer() < least || *v->integer() > most)
      return complain(field, fmt::format("must be {} to {}, is {}", least, most, *v->integer()));
    out = *v->integer();
  }
  void seconds(std::string_view field, std::chrono::seconds& out, std::int64_t least, std::int64_t most) {
    std::int64_t n = out.count();
    integer(field, n, least, most);
    out = std::chrono::seconds(n);
  }
  void complain(std::string_view field, std::string what) {
    errors_.push_back(fmt::format("{}{}{}: {}", path_, field.empty() ? "" : "/", field, what));
  }
  void unknown_fields() {
    if (!value_) return;
    for (const auto& [field, unused] : *value_->dict())
      if (std::find(known_.begin(), known_.end(), field) == known_.end())
        complain(field, "unknown field" + base::text::did_you_mean_suffix(field, known_));
  }

 private:
  std::string path_;
  const Value* value_;
  std::vector<std::string>& errors_;
  std::vector<std::string> known_;
};

constexpr const char* top = "/system/monitoring";

void read_push(const Value* push, Config& out) {
  Section section(std::string(top) + "/push", push, out.errors);
  if (const Value* url = section.get("url", Type::string)) {
    const std::string& text = *url->string();
    // Plain http is for loopback only: node certificates and samples do not travel in clear.
    if (text.starts_with("https://") || text.starts_with("http://127.") || text.starts_with("http://[::1]"))
      out.push_url = text;
    else
      section.complain("url", "must begin with https:// (http:// only for loopback)");
  }
  section.seconds("period", out.push_period, 1, 3600);
  const Value* labels = section.get("labels", Type::dict);
  if (labels) {
    for (const auto& [name, value] : *labels->dict()) {
      if (!metric::valid_label_name(name) || name == "instance" || name == "job" || name.starts_with("__"))
        section.complain("labels/" + name, "is not a label that may be set here");
      else if (!value.is_string() || value.string()->empty() || value.string()->size() > 1024)
        section.complain("labels/" + name, "must be a string of 1 to 1024 bytes");
      else
        metric::set(out.labels, name, *value.string());
    }
  }
  section.unknown_fields();
}

void read_sensors(const Value* sensors, const sensor::Environment& environment, Config& out) {
  std::string path = std::string(top) + "/sensors";
  if (sensors && !sensors->is_dict()) {
    out.errors.push_back(path + ": must be a dict");
    sensors = nullptr;
  }
  std::vector<std::string> names;
  for (const auto& spec : sensor::catalogue()) names.emplace_back(spec.name);
  if (sensors)
    for (const auto& [name, unused] : *sensors->dict())
      if (!sensor::find_spec(name))
        out.errors.push_back(
            fmt::format("{}/{}: there is no such sensor{}", path, name, base::text::did_you_mean_suffix(name, names)));
  for (const auto& spec : sensor::catalogue()) {
    std::size_t before = out.errors.size();
    Section section(fmt::format("{}/{}", path, spec.name), sensors ? sensors->get(spec.name) : nullptr, out.errors);
    bool active = true;
    SensorConfig config{&spec, std::chrono::seconds(spec.period), {}};
    section.flag("active", active);
    section.seconds("period", config.period, 1, 86400);
    if (const Value* options = section.below("options")) config.options = *options;
    section.unknown_fields();
    auto trial = sensor::make(spec, config.options, environment);
    if (!trial) section.complain("options", trial.error().message);
    // A sensor that was described wrongly does not run by accident with settings nobody asked for.
    if (active && out.errors.size() == before) out.sensors.push_back(std::move(config));
  }
}

void read_rules(const Value* rules, Config& out) {
  std::string path = std::string(top) + "/rules";
  if (!rules) return;
  if (!rules->is_dict()) {
    out.errors.push_back(path + ": must be a dict");
    return;
  }
  for (const auto& [name, value] : *rules->dict()) {
    auto rule = rule::read_rule(name, value);
    if (rule)
      out.rules.push_back(std::move(*rule));
    else
      out.errors.push_back(path + ": " + rule.error().text());
  }
}

}  // namespace

Config read_config(const Value* monitoring, const sensor::Environment& environment) {
  Config out;
  Section section(top, monitoring, out.errors);
  section.flag("active", out.active);
  read_push(section.below("push"), out);
  Section spool(std::string(top) + "/spool", section.below("spool"), out.errors);
  std::int64_t bytes = static_cast<std::int64_t>(out.spool_bytes);
  spool.integer("bytes", bytes, 1 << 20, std::int64_t(1) << 40);
  out.spool_bytes = static_cast<std::size_t>(bytes);
  spool.unknown_fields();
  read_sensors(section.below("sensors"), environment, out);
  read_rules(section.below("rules"), out);
  section.unknown_fields();
  return out;
}

base::Result<ProfileTree> read_profile(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::exists(file, error) && !error) return ProfileTree{};
  auto text = WEFT_TRY(base::file::read(file));
  auto profile = base::profile::parse_json(text);
  if (!profile) return base::fail(std::move(profile).error().during("reading " + file.string()));
  ProfileTree out;
  out.present = true;
  if (const Value* found = base::profile::find(*profile, "/system/monitoring")) out.monitoring = *found;
  return out;
}

}  // namespace monitor::sensord
