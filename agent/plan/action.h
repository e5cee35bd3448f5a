// A plan: typed actions with their before-images, the claims a profile makes on the machine, and one row for each component. Made
// by the planner, shown to people, journaled and executed unchanged. Plain values, any thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/plan/image.h"

namespace agent::plan {

enum class Verb {
  write_file,      // target, after (content by sha256 in Plan::blobs)
  remove,          // target: a file, a link or an empty folder
  link,            // target, after.target
  make_folder,     // target, after
  set_attributes,  // target: mode and owner only
  reload_units,    // systemd daemon-reload
  enable,
  disable,
  mask,
  unmask,
  start,
  stop,
  restart,
  reload,    // only when one of `triggers` was done
  packages,  // detail: PackagePlan
  mount,
  unmount,  // target: mount point; detail: device, type, options
  command,  // detail.argv; only when one of `triggers` was done
};
std::string_view verb_name(Verb verb);
bool is_file_verb(Verb verb);
// Verbs that are owed once what triggers them has happened: kept over failures and restarts of the agent until done.
bool is_owed_verb(Verb verb);

struct Action {
  Verb verb = Verb::write_file;
  std::string component;
  std::string target;  // path, unit, "packages", mount point or command name
  Image before, after;
  base::profile::Value detail;
  std::vector<int> triggers;  // indices in the plan: done when at least one of them was; empty: always
  std::string why;            // for people: "because /etc/x changed"
  bool secret = false;        // content is never shown
};

// Something to do when a claimed thing goes away (the daemon that read the file must learn of it).
struct Notify {
  Verb verb = Verb::restart;
  std::string target;
  friend bool operator==(const Notify&, const Notify&) = default;
};

// A thing that the profile governs. Kept in the agent's state from the first plan that claims it until the profile drops it.
// Keys: "path:/etc/motd", "unit:sshd.service", "package:curl", "mount:/data".
struct Claim {
  std::string key;
  std::string component;
  base::profile::Value before;  // how it was when it was first claimed
  std::vector<Notify> notify;
  bool secret = false;
  friend bool operator==(const Claim&, const Claim&) = default;
};
using Tracked = std::map<std::string, Claim, std::less<>>;

enum class Status { ready, held, failed };

struct Row {
  std::string component;
  Status status = Status::ready;
  std::vector<std::string> needs;     // components that must not have failed
  std::vector<std::string> problems;  // parts refused; the other parts are still done, the component counts as failed
  std::vector<std::string> notes;     // why held; what was left out
};

struct Plan {
  std::string root;  // of the profile, hex
  std::int64_t revision = 0;
  std::vector<Row> components;               // in order of execution
  std::vector<Action> actions;               // in order of execution
  std::vector<Claim> claims;                 // all of them; `before` filled
  std::vector<std::string> released;         // tracked keys that this plan gives up
  std::map<std::string, std::string> blobs;  // sha256 -> content of the files to write; not part of the JSON form
};

base::profile::Value to_value(const Action& action);
base::Result<Action> action_from(const base::profile::Value& value);
base::profile::Value to_value(const Claim& claim);
base::Result<Claim> claim_from(const base::profile::Value& value);
base::profile::Value to_value(const Plan& plan);
base::Result<Plan> plan_from(const base::profile::Value& value);

// One line: "write /etc/motd (file 0644 root:root)".
std::string describe(const Action& action);

}  // namespace agent::plan
