// The machine as planners see it: read-only. The real form is agent/machine, the tests have a fake one, plan::Overlay adds the
// effects of actions that are already planned. Single-threaded. A missing capability is a reason in words, never silence.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/plan/image.h"

namespace agent::plan {

struct UnitState {
  std::string load_state;       // loaded, not-found, masked, ...
  std::string active_state;     // active, inactive, failed, ...
  std::string unit_file_state;  // enabled, disabled, static, masked, "" ...
  bool runs_once = false;       // inactive again when it has succeeded: being inactive is no drift
  bool exists() const { return !load_state.empty() && load_state != "not-found"; }
  bool active() const { return active_state == "active" || active_state == "reloading" || active_state == "activating"; }
};

struct Package {
  std::string name, version, arch;
  friend bool operator==(const Package&, const Package&) = default;
};

// Empty version or arch of `want`: any; the version may hold * and ?.
bool satisfies(const Package& have, const Package& want);

// What the profile wants of packages.
struct PackageRequest {
  std::vector<Package> want;
  std::vector<std::string> remove;             // names that must go
  bool only_wanted = false;                    // userpkgs = no: whatever is neither wanted nor needed goes ...
  std::vector<std::string> keep;               // ... except what matches these patterns
  std::map<std::string, std::string> sources;  // file name in sources.list.d -> text, as they will be after this plan
  bool only_sources = false;                   // userrepos = no: no other source counts
};

// The whole transaction that satisfies a request: dependencies included, versions exact.
struct PackagePlan {
  std::vector<Package> install;  // also upgrades and downgrades
  std::vector<Package> remove;
  std::vector<std::string> automatic;  // of install: only needed by others
  bool repair = false;                 // a killed transaction must be finished first
  bool empty() const { return install.empty() && remove.empty() && !repair; }
  base::profile::Value to_value() const;
};

struct Mount {
  std::string device, point, type;
};

class Observed {
 public:
  virtual ~Observed() = default;
  // The path itself, a final link is not followed. Errc::denied when an unsafe link stands in the way.
  virtual base::Result<Image> image(const std::string& path) = 0;
  virtual base::Result<std::string> content(const std::string& path) = 0;  // regular files only
  virtual base::Result<std::vector<std::string>> list(const std::string& folder) = 0;
  // Canonical name of a user or group given by name or number; "" when unknown.
  virtual std::string user(std::string_view name) = 0;
  virtual std::string group(std::string_view name) = 0;

  virtual std::string why_no_services() = 0;  // "" when services can be managed
  virtual base::Result<UnitState> unit(const std::string& name) = 0;

  virtual std::string why_no_packages() = 0;  // "" when packages can be managed
  virtual base::Result<std::vector<Package>> packages() = 0;
  virtual base::Result<PackagePlan> resolve(const PackageRequest& request) = 0;

  virtual std::string why_no_mounts() = 0;
  virtual base::Result<std::vector<Mount>> mounts() = 0;
};

}  // namespace agent::plan
