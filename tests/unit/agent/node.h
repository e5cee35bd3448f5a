// A node in a temporary folder: real files, the real runner and journal, units kept in files so that they outlive a killed child.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "agent/run/runner.h"
#include "base/crypto/crypto.h"
#include "base/diag/fail_point.h"
#include "base/profile/hash.h"
#include "planning.h"
#include "temporary_folder.h"

namespace agent_test {

namespace fs = std::filesystem;

inline std::string read(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void put(const fs::path& path, const std::string& text, int mode = 0644) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
  fs::permissions(path, static_cast<fs::perms>(mode));
}

// Each unit is a file "file_state active_state"; restarts are logged with the content of /etc/web.conf at that moment.
struct FileServices : machine::Services {
  fs::path folder, root;
  FileServices(fs::path folder, fs::path root) : folder(std::move(folder)), root(std::move(root)) {}
  base::Result<plan::UnitState> unit(const std::string& name) override {
    plan::UnitState state{"not-found", "inactive", "", false};
    std::ifstream in(folder / name);
    if (in >> state.unit_file_state >> state.active_state) state.load_state = "loaded";
    return state;
  }
  base::Result<> act(plan::Verb verb, const std::string& name) override {
    using plan::Verb;
    if (fs::exists(folder / "broken")) return base::fail(base::Errc::unavailable, "unit " + name + " does not start");
    if (verb == Verb::reload_units) return {};
    auto state = *unit(name);
    if (verb == Verb::enable) state.unit_file_state = "enabled";
    if (verb == Verb::disable || verb == Verb::unmask) state.unit_file_state = "disabled";
    if (verb == Verb::mask) state.unit_file_state = "masked";
    if (verb == Verb::stop) state.active_state = "inactive";
    if (verb == Verb::start || verb == Verb::restart || verb == Verb::reload) {
      state.active_state = "active";
      std::ofstream(folder / "log", std::ios::app)
          << verb_name(verb) << " " << name << " " << read(root / "etc/web.conf") << "\n";
    }
    std::ofstream(folder / name) << state.unit_file_state << " " << state.active_state;
    return {};
  }
};

struct Node {
  TemporaryFolder folder;
  fs::path root = folder.path / "root", units = folder.path / "units";
  std::int64_t revision = 0;

  Node() {
    fs::create_directories(root / "etc");
    fs::create_directories(units);
  }
  run::Settings settings() const {
    auto settings = run::default_settings(root, folder.path / "state");
    settings.node = "n";
    settings.server = "https://127.0.0.1:1";
    return settings;
  }
  run::Runner runner() const {
    auto made =
        run::Runner::open(settings(), [this](const run::Settings& settings) -> base::Result<std::unique_ptr<machine::Machine>> {
          return std::make_unique<machine::NodeMachine>(WEFT_TRY(machine::Tree::open(settings.root)),
                                                        std::make_unique<FileServices>(units, root), nullptr, "a test");
        });
    REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().text()));
    return std::move(*made);
  }
  // Makes it the current profile, as a fetch would.
  std::string publish(const base::profile::Value& profile) {
    auto hash = base::profile::merkle(profile).hex();
    auto text = "v=1;node=n;revision=" + std::to_string(++revision) + ";root=" + hash +
                ";sig=" + base::crypto::base64(std::string(64, 'x'));
    auto manifest = fetch::parse_manifest(text);
    REQUIRE(manifest.has_value());
    REQUIRE(runner().cache().store(*manifest, base::profile::to_json(profile)).has_value());
    return hash;
  }
  std::string publish(const char* components) { return publish(profile_of(components)); }
  run::RunReport apply() const {
    auto report = runner().apply();
    REQUIRE_MESSAGE(report.has_value(), (report ? "" : report.error().text()));
    return *report;
  }
  // In a child that the fail points kill. True: it was killed.
  bool apply_killed(const std::string& points) const {
    auto child = fork();
    if (child == 0) {
      base::set_fail_points(points);
      auto report = runner().apply();
      _exit(report && report->outcome == "ok" ? 0 : 1);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return true;
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    return false;
  }
  // Every path below the root with kind, mode, owner and content.
  std::map<std::string, std::string> picture() const {
    std::map<std::string, std::string> out;
    auto tree = machine::Tree::open(root);
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      auto path = "/" + fs::relative(entry.path(), root).string();
      auto image = tree->image(path);
      out[path] = image ? base::profile::to_json(plan::to_value(*image)) : image.error().message;
    }
    return out;
  }
  std::string last_service_event() const {
    auto log = read(units / "log");
    if (log.empty()) return {};
    log.pop_back();
    auto line = log.rfind('\n');
    return line == log.npos ? log : log.substr(line + 1);
  }
};

inline const journal::ComponentOutcome& outcome(const run::RunReport& report, std::string_view component) {
  for (const auto& row : report.components)
    if (row.name == component) return row;
  FAIL("no outcome of " << std::string(component));
  return report.components.front();
}

}  // namespace agent_test
