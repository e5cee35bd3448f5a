// Solves a package request with libapt-pkg. Used by Apt and tests. libapt-pkg keeps global state and tens of megabytes, so it
// works in a child process that ends with the answer.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "agent/plan/observed.h"

namespace agent::package {

struct Places {
  std::filesystem::path root;   // of the system whose packages are planned
  std::filesystem::path state;  // private sources.list, sources.d, lists, cache
};

// Dir::* and the like, for libapt-pkg and apt-get alike.
std::vector<std::pair<std::string, std::string>> apt_settings(const Places& places);

// Errc::not_found: a package or version is in no repository; Errc::conflict: the wishes exclude each other.
base::Result<plan::PackagePlan> resolve_apart(const Places& places, const plan::PackageRequest& request);

}  // namespace agent::package
