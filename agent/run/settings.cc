#include "agent/run/settings.h"

#include <fmt/format.h>

#include <array>

#include "base/file/file.h"
#include "base/text/text.h"
#include "base/yaml/yaml.h"

namespace agent::run {

using base::Errc;
using base::fail;
using base::Result;
namespace fs = std::filesystem;

fs::path config_file(const fs::path& root, const fs::path& config) {
  return config.empty() ? root / "etc/weft/agent.yaml" : config;
}

Settings default_settings(const fs::path& root, const fs::path& state) {
  Settings settings;
  settings.root = root;
  settings.state = state.empty() ? root / "var/lib/weft-agent" : state;
  settings.metrics = root / "run/weft/agent.prom";
  return settings;
}

Result<Settings> load_settings(const fs::path& root, const fs::path& config, const fs::path& state) {
  auto settings = default_settings(root, state);
  auto file = config_file(root, config);
  std::error_code error;
  if (!fs::exists(file, error))
    return fail(Errc::not_found, "no settings: " + file.string() + " does not exist",
                "run: weft-agent enrol --server URL --node NAME --token TOKEN");
  auto value = WEFT_TRY(base::yaml::parse(WEFT_TRY(base::file::read(file, 1u << 20)), file.string()));
  if (!value.is_dict()) return fail(Errc::invalid, file.string() + ": expected fields 'server' and 'node'");
  const std::vector<std::string> known{"server", "node", "state", "poll", "converge"};
  for (const auto& [key, field] : *value.dict()) {
    if (std::find(known.begin(), known.end(), key) == known.end())
      return fail(Errc::invalid,
                  fmt::format("{}: unknown field '{}'{}", file.string(), key, base::text::did_you_mean_suffix(key, known)));
    if (!field.string())
      return fail(Errc::invalid,
                  fmt::format("{}: field '{}' is a {}, expected a string", file.string(), key, type_name(field.type())));
  }
  settings.server = value.get_string("server");
  while (settings.server.ends_with('/')) settings.server.pop_back();
  settings.node = value.get_string("node");
  if (settings.server.empty() || settings.node.empty())
    return fail(Errc::invalid, file.string() + ": fields 'server' and 'node' are needed");
  if (auto folder = value.get_string("state"); !folder.empty() && state.empty()) {
    if (folder[0] != '/') return fail(Errc::invalid, fmt::format("{}: state '{}' is not absolute", file.string(), folder));
    settings.state = root / folder.substr(1);
  }
  for (auto [key, field] : {std::pair{"poll", &settings.poll}, std::pair{"converge", &settings.converge}})
    if (auto text = value.get_string(key); !text.empty()) {
      auto duration = base::text::parse_duration(text);
      if (!duration) return fail(std::move(duration).error().during(fmt::format("reading '{}' in {}", key, file.string())));
      if (*duration < std::chrono::seconds(1))
        return fail(Errc::invalid, fmt::format("{}: '{}' must be at least 1s", file.string(), key));
      *field = *duration;
    }
  return settings;
}

Result<> save_settings(const Settings& settings, const fs::path& config) {
  std::error_code error;
  if (fs::exists(config, error)) {
    auto old = load_settings(settings.root, config, settings.state);
    if (old && old->server == settings.server && old->node == settings.node) return {};
    if (old)
      return fail(Errc::conflict,
                  fmt::format("{} names server {} and node {}, but this node enrolled as {} at {}", config.string(), old->server,
                              old->node, settings.node, settings.server),
                  "correct the file by hand");
    return fail(std::move(old).error());
  }
  WEFT_TRY(base::file::make_folders(config.parent_path()));
  base::profile::Dict out{{"server", settings.server}, {"node", settings.node}};
  return base::file::write_atomic(config, base::yaml::render(out));
}

}  // namespace agent::run
