// Settings of the agent: /etc/weft/agent.yaml below the root, and the places that follow from them. Plain values.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "agent/fetch/fetch.h"

namespace agent::run {

struct Settings {
  std::filesystem::path root = "/";  // everything is applied below it
  std::string server, node;
  std::filesystem::path state;          // <root>/var/lib/weft-agent
  std::chrono::seconds poll{900};       // safety net beside the wake call
  std::chrono::seconds converge{1800};  // plan again although nothing is new: drift
  std::filesystem::path metrics;        // <root>/run/weft/agent.prom

  fetch::Server server_settings() const { return {server, node, state / "identity"}; }
  std::filesystem::path state_file() const { return state / "state.json"; }
};

// `config` and `state` are what the command line says, empty: the defaults. Unknown fields are errors.
base::Result<Settings> load_settings(const std::filesystem::path& root, const std::filesystem::path& config,
                                     const std::filesystem::path& state);
// The same without a file, for enrolling the first time.
Settings default_settings(const std::filesystem::path& root, const std::filesystem::path& state);
// Writes server and node unless the file says so already.
base::Result<> save_settings(const Settings& settings, const std::filesystem::path& config);
std::filesystem::path config_file(const std::filesystem::path& root, const std::filesystem::path& config);

}  // namespace agent::run
