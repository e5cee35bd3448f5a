// What a difference of profiles makes a machine do: which components act, which units restart, whether a reboot follows. Used by
// Trial and Builder for one node of each group of a plan. Pure, any thread. A forecast by the rules below, from the profile
// alone: what the machine is like is known to its agent only.
//
//   path that changes                                     effect
//   /software/components/C/...                            component C acts (below `active`, `dispatch`: still C)
//   /software/components/filecopy/services/FILE/...       its `restart`: systemctl VERB UNIT, or that command runs
//   /software/components/metaconfig/services/FILE/...     each of its `daemons`: restart, reload
//   /software/components/systemd/unit/U, chkconfig/service/U   unit U: started, stopped, or restarted when its file changes
//   /software/components/C/... elsewhere                  C's own `daemons` (dict unit: action, or list) and `service`,
//   `serviceName` /software/packages/P, /software/repositories/...      component spma acts /system/kernel/...,
//   /software/components/grub/..., /software/components/kernel..., packages kernel*, linux-image*, grub*   reboot
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>

#include "base/profile/path.h"
#include "base/profile/value.h"

namespace cdb::build {

struct Effects {
  std::set<std::string> components;
  std::map<std::string, std::string> units;  // "nginx.service" → "restart", "reload", "start", "stop"
  std::set<std::string> commands;            // that run beside systemctl
  std::set<std::string> reboot;              // paths that ask for one; empty: none follows
};

// `before` or `after` null: the node is new or leaves.
Effects effects(std::span<const base::profile::Path> changed, const base::profile::Value& before,
                const base::profile::Value& after);

base::profile::Value to_json(const Effects& effects);

}  // namespace cdb::build
