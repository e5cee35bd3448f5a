// A machine in memory: planners are tested against it, and acts change it, so "plan, act, plan again: nothing" can be checked.
#pragma once

#include <algorithm>

#include "agent/machine/machine.h"
#include "base/crypto/crypto.h"

namespace agent_test {

using namespace agent;

struct FakeMachine : machine::Machine {
  std::map<std::string, plan::Image> images;
  std::map<std::string, std::string> contents;
  std::map<std::string, plan::UnitState> units;
  std::vector<plan::Package> installed;
  std::map<std::string, plan::Mount> mounted;
  std::string no_services, no_packages, no_mounts;
  std::vector<std::string> done;  // what was acted, as text
  base::Result<plan::PackagePlan> resolution = plan::PackagePlan{};
  plan::PackageRequest asked;

  FakeMachine() { folder("/etc"); }

  void folder(const std::string& path, mode_t mode = 0755) { images[path] = {plan::Kind::folder, mode, "root", "root", {}, {}}; }
  void file(const std::string& path, const std::string& content, mode_t mode = 0644, const std::string& owner = "root") {
    images[path] = {plan::Kind::file, mode, owner, "root", base::crypto::sha256_hex(content), {}};
    contents[path] = content;
  }
  void link(const std::string& path, const std::string& target) { images[path] = {plan::Kind::link, 0, {}, {}, {}, target}; }

  base::Result<plan::Image> image(const std::string& path) override {
    if (path == "/") return plan::Image{plan::Kind::folder, 0755, "root", "root", {}, {}};
    auto it = images.find(path);
    return it == images.end() ? plan::Image{} : it->second;
  }
  base::Result<std::string> content(const std::string& path) override {
    auto it = contents.find(path);
    if (it == contents.end() || image(path)->kind != plan::Kind::file)
      return base::fail(base::Errc::not_found, "reading " + path + ": no file");
    return it->second;
  }
  base::Result<std::vector<std::string>> list(const std::string& folder) override {
    std::vector<std::string> out;
    for (const auto& [path, image] : images)
      if (plan::parent_of(path) == folder && image.kind != plan::Kind::absent) out.push_back(path.substr(path.rfind('/') + 1));
    return out;
  }
  std::string user(std::string_view name) override {
    if (name == "0") return "root";
    return name == "root" || name == "www-data" || name == "alice" ? std::string(name) : std::string();
  }
  std::string group(std::string_view name) override { return user(name); }
  std::string why_no_services() override { return no_services; }
  base::Result<plan::UnitState> unit(const std::string& name) override {
    auto it = units.find(name);
    return it == units.end() ? plan::UnitState{"not-found", "inactive", "", false} : it->second;
  }
  std::string why_no_packages() override { return no_packages; }
  base::Result<std::vector<plan::Package>> packages() override { return installed; }
  base::Result<plan::PackagePlan> resolve(const plan::PackageRequest& request) override {
    asked = request;
    return resolution;
  }
  std::string why_no_mounts() override { return no_mounts; }
  base::Result<std::vector<plan::Mount>> mounts() override {
    std::vector<plan::Mount> out;
    for (const auto& [_, mount] : mounted) out.push_back(mount);
    return out;
  }

  base::Result<> act(const plan::Action& action, const std::string& content) override {
    using plan::Verb;
    done.push_back(std::string(verb_name(action.verb)) + " " + action.target);
    if (plan::is_file_verb(action.verb)) {
      images[action.target] = action.after;
      if (action.verb == Verb::write_file) contents[action.target] = content;
      if (action.after.kind == plan::Kind::absent) images.erase(action.target);
      return {};
    }
    auto& unit = units[action.target];
    switch (action.verb) {
      case Verb::enable: unit.unit_file_state = "enabled"; break;
      case Verb::disable:
      case Verb::unmask: unit.unit_file_state = "disabled"; break;
      case Verb::mask: unit.unit_file_state = unit.load_state = "masked"; break;
      case Verb::start:
      case Verb::restart:
      case Verb::reload: unit.active_state = "active"; break;
      case Verb::stop: unit.active_state = "inactive"; break;
      case Verb::mount: mounted[action.target] = {std::string(action.detail.get_string("device")), action.target, "ext4"}; break;
      case Verb::unmount: mounted.erase(action.target); break;
      default: break;
    }
    return {};
  }
  base::Result<> check(const plan::Action& action) override {
    if (!plan::is_file_verb(action.verb)) return {};
    if (*image(action.target) == action.after) return {};
    return base::fail(base::Errc::conflict, action.target + " differs");
  }
};

}  // namespace agent_test
