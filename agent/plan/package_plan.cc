#include "agent/plan/observed.h"

#include "base/text/text.h"

namespace agent::plan {

bool satisfies(const Package& have, const Package& want) {
  if (have.name != want.name) return false;
  // A package for all architectures serves each of them.
  if (!want.arch.empty() && have.arch != want.arch && have.arch != "all") return false;
  return want.version.empty() || base::text::glob_match(want.version, have.version);
}

base::profile::Value PackagePlan::to_value() const {
  auto list = [](const std::vector<Package>& packages) {
    base::profile::List out;
    for (const auto& package : packages)
      out.emplace_back(base::profile::Dict{{"name", package.name}, {"version", package.version}, {"arch", package.arch}});
    return out;
  };
  base::profile::Dict out{{"install", list(install)}, {"remove", list(remove)}};
  if (!automatic.empty()) out["automatic"] = base::profile::List(automatic.begin(), automatic.end());
  if (repair) out["repair"] = true;
  return out;
}

}  // namespace agent::plan
