#include <filesystem>

#include "agent/package/apt.h"
#include "agent/run/runner.h"

namespace agent::run {

base::Result<std::unique_ptr<machine::Machine>> real_machine(const Settings& settings) {
  auto tree = WEFT_TRY(machine::Tree::open(settings.root));
  std::unique_ptr<machine::Services> services;
  std::unique_ptr<machine::Packages> packages;
  std::string why = "applied under --root " + settings.root.string();
  if (tree.is_whole_machine()) {
    why = "neither systemd nor dpkg is on this machine";
    std::error_code error;
    if (std::filesystem::exists("/run/systemd/system", error)) {
      services = machine::systemd_services();
      why = "dpkg is not on this machine";
    }
    if (std::filesystem::exists("/var/lib/dpkg/status", error)) {
      packages = package::make_apt({.state = settings.state / "apt"});
      if (!services) why = "systemd does not run on this machine";
    }
  }
  return std::make_unique<machine::NodeMachine>(std::move(tree), std::move(services), std::move(packages), std::move(why));
}

}  // namespace agent::run
