// The machine with the effects of already planned actions laid over it, so that one plan covers components that build on each
// other. Copyable: the planner keeps a copy to forget a component that failed. Single-threaded; outlived by what it wraps.
#pragma once

#include <map>
#include <string>

#include "agent/plan/action.h"
#include "agent/plan/observed.h"

namespace agent::plan {

class Overlay final : public Observed {
 public:
  explicit Overlay(Observed& below) : below_(&below) {}
  // `content` of a written file.
  void apply(const Action& action, const std::string& content = {});
  // A package transaction is planned: users, units and files may appear that nobody can see yet.
  bool packages_pending() const { return packages_pending_; }

  base::Result<Image> image(const std::string& path) override;
  base::Result<std::string> content(const std::string& path) override;
  base::Result<std::vector<std::string>> list(const std::string& folder) override;
  std::string user(std::string_view name) override { return below_->user(name); }
  std::string group(std::string_view name) override { return below_->group(name); }
  std::string why_no_services() override { return below_->why_no_services(); }
  base::Result<UnitState> unit(const std::string& name) override;
  std::string why_no_packages() override { return below_->why_no_packages(); }
  base::Result<std::vector<Package>> packages() override { return below_->packages(); }
  base::Result<PackagePlan> resolve(const PackageRequest& request) override { return below_->resolve(request); }
  std::string why_no_mounts() override { return below_->why_no_mounts(); }
  base::Result<std::vector<Mount>> mounts() override;

 private:
  Observed* below_;
  std::map<std::string, Image> images_;
  std::map<std::string, std::string> contents_;
  std::map<std::string, UnitState> units_;
  std::map<std::string, Mount> mounts_;
  std::map<std::string, bool> unmounted_;
  bool packages_pending_ = false;
};

}  // namespace agent::plan
