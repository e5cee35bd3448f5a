// Packages by APT: plans with libapt-pkg on private lists, executes with apt-get as one transaction. Used by agent/run through
// machine::Packages. Single-threaded. Planning runs in a child process, so its memory is gone afterwards.
#pragma once

#include <filesystem>
#include <memory>

#include "agent/machine/machine.h"

namespace agent::package {

struct AptOptions {
  std::filesystem::path root = "/";  // of the managed system; tests use a chroot tree
  std::filesystem::path state;       // private package lists and sources
};
std::unique_ptr<machine::Packages> make_apt(AptOptions options);

}  // namespace agent::package
