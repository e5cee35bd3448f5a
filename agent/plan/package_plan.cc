#include "agent/plan/observed.h"

namespace agent::plan {

base::profile::Value PackagePlan::to_value() const {
  auto list = [](const std::vector<Package>& packages) {
    base::profile::List out;
    for (const auto& package : packages)
      out.emplace_back(base::profile::Dict{{"name", package.name}, {"version", package.version}, {"arch", package.arch}});
    return out;
  };
  return base::profile::Dict{{"install", list(install)}, {"remove", list(remove)}};
}

}  // namespace agent::plan
