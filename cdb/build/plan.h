// What a change does to the fleet: nodes that change, grouped by identical difference. Built by Builder while profiles are
// compiled, stored with the revision as JSON, shown by `weft`. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/profile/hash.h"
#include "base/profile/path.h"
#include "base/profile/value.h"
#include "cdb/build/cause.h"
#include "cdb/build/effect.h"

namespace cdb::build {

// One line of a difference, ready to show: values as shortened canonical JSON.
struct PlanLine {
  std::string path;
  std::string before, after;  // "" : absent; long ones are cut around what differs
  std::string diff;           // texts of several lines: the lines that differ, marked - and +
  Cause cause;                // filled by Trial::describe()
};
PlanLine plan_line(const base::profile::Change& change);

// The difference of one node, with an identity that is equal when everything that changes is equal.
struct Difference {
  base::profile::Hash identity;
  std::vector<PlanLine> lines;             // at most Plan::max_lines
  std::vector<base::profile::Path> paths;  // of the lines
  std::size_t more = 0;
  std::set<std::string> components;  // names below /software/components that it touches
};
Difference difference(const std::vector<base::profile::Change>& changes);

class Plan {
 public:
  static constexpr std::size_t max_lines = 200;   // per group
  static constexpr std::size_t max_groups = 100;  // in the JSON, those with most nodes first
  static constexpr std::size_t max_value = 160;   // bytes of a shown value

  void changed(const std::string& node, Difference difference);
  void added(const std::string& node, std::size_t values) { added_[node] = values; }
  void removed(const std::string& node) { removed_.insert(node); }
  std::size_t nodes() const;

  struct Group {
    Difference difference;  // as its first node has it
    std::vector<std::string> nodes;
    Effects effects;
  };
  // Those that json() shows, most nodes first. Nodes of each in the order they were added.
  std::vector<Group*> largest();
  // One node of the branch that stands at `name` of `attribute` ("": nowhere).
  void reach(const std::string& attribute, const std::string& name, bool changed);

  std::size_t compiled = 0;
  // {compiled, nodes, components, units: [{unit, action, nodes}], commands, reboot: {nodes, paths},
  //  reach: {cluster, rack, role: [{name, changed, of}]},
  //  groups: [{nodes, changes: [{path, before, after, diff, cause, set_by}], more, effects}], more_groups, more_nodes,
  //  added: [{node, values}], removed: [node]}; cause and set_by are {file, line, text}
  base::profile::Value json() const;

 private:
  std::vector<const Group*> ordered() const;
  std::map<base::profile::Hash, Group> groups_;
  std::map<std::string, std::size_t> added_;
  std::set<std::string> removed_;
  struct Reach {
    std::size_t changed = 0, of = 0;
  };
  std::map<std::string, std::map<std::string, Reach>> reach_;  // attribute → name
};

}  // namespace cdb::build
