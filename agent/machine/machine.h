// The machine that the agent changes: Observed plus the acts, and the check that reads back what an act claims to have done. The
// real form is NodeMachine; services and packages are behind interfaces so that tests can stand in. Single-threaded.
#pragma once

#include <memory>

#include "agent/machine/tree.h"
#include "agent/plan/action.h"
#include "agent/plan/observed.h"

namespace agent::machine {

class Machine : public plan::Observed {
 public:
  // Does it, whatever the present state is: acts are idempotent. `content` of a file to write.
  virtual base::Result<> act(const plan::Action& action, const std::string& content) = 0;
  // Reads back; an error says what is not as it should be.
  virtual base::Result<> check(const plan::Action& action) = 0;
};

class Services {
 public:
  virtual ~Services() = default;
  virtual base::Result<plan::UnitState> unit(const std::string& name) = 0;
  virtual base::Result<> act(plan::Verb verb, const std::string& unit) = 0;
};
// systemd on the system bus; connects at first use, again after a broken connection.
std::unique_ptr<Services> systemd_services();

class Packages {
 public:
  virtual ~Packages() = default;
  virtual base::Result<std::vector<plan::Package>> installed() = 0;
  virtual base::Result<plan::PackagePlan> resolve(const plan::PackageRequest& request) = 0;
  virtual base::Result<> execute(const base::profile::Value& transaction) = 0;
};

class NodeMachine final : public Machine {
 public:
  // A null pointer for services or packages means that they cannot be managed here, with the reason in `why`.
  NodeMachine(Tree tree, std::unique_ptr<Services> services, std::unique_ptr<Packages> packages, std::string why);

  base::Result<plan::Image> image(const std::string& path) override { return tree_.image(path); }
  base::Result<std::string> content(const std::string& path) override { return tree_.content(path); }
  base::Result<std::vector<std::string>> list(const std::string& folder) override { return tree_.list(folder); }
  std::string user(std::string_view name) override { return tree_.user(name); }
  std::string group(std::string_view name) override { return tree_.group(name); }
  std::string why_no_services() override { return services_ ? std::string() : "no service manager: " + why_; }
  base::Result<plan::UnitState> unit(const std::string& name) override;
  std::string why_no_packages() override { return packages_ ? std::string() : "no package manager: " + why_; }
  base::Result<std::vector<plan::Package>> packages() override;
  base::Result<plan::PackagePlan> resolve(const plan::PackageRequest& request) override;
  std::string why_no_mounts() override { return tree_.is_whole_machine() ? std::string() : "no mounts: " + why_; }
  base::Result<std::vector<plan::Mount>> mounts() override;
  base::Result<> act(const plan::Action& action, const std::string& content) override;
  base::Result<> check(const plan::Action& action) override;

 private:
  base::Result<> check_unit(const plan::Action& action);
  base::Result<> check_packages(const plan::Action& action);

  Tree tree_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<Packages> packages_;
  std::string why_;
};

}  // namespace agent::machine
