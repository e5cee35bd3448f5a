// One change of templates against the rights of its people: all values of all nodes that it alters, however they came about. Made
// by Builder for each change; changed() is called from several threads at once, the rest from one.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/profile/hash.h"
#include "cdb/rights/standing.h"

namespace cdb::rights {

// Something that nobody of the change's people may do, with the nodes it would happen to.
struct Refusal {
  std::string act;            // set | add_node | remove_node | edit_template
  std::string path;           // of the value or the template; "" for nodes
  std::string before, after;  // values as shortened JSON; "": absent
  std::string reason;
  std::vector<std::string> could;  // who could, with the rule
  std::vector<std::string> nodes;  // the first max_nodes
  std::size_t node_count = 0;
};

// An approval rule that the change falls under.
struct Needed {
  std::string name;
  std::size_t needs = 0, has = 0;
  std::vector<std::string> approved_by;
  std::string from;  // who may approve
  std::size_t nodes = 0, racks = 0, clusters = 0;
};

struct Report {
  std::vector<Refusal> refusals;
  std::size_t more_refusals = 0;  // beyond max_refusals
  std::vector<Needed> approvals;  // also those that have enough
  bool allowed() const { return refusals.empty(); }
  bool approved() const;
};

// {allowed, approved, refusals: [...], more_refusals, approvals: [...]} with the members' names.
base::profile::Value to_json(const Report& report);

class Check {
 public:
  static constexpr std::size_t max_refusals = 200;
  static constexpr std::size_t max_nodes = 20;   // names kept per refusal
  static constexpr std::size_t max_value = 160;  // bytes of a shown value

  // `policy` null: none is set. `approvers`: persons who approved; what they may do themselves counts for the change, and
  // they count for approval rules unless they are the author.
  Check(std::shared_ptr<const Policy> policy, const Subject& author, const std::vector<std::string>& approvers);
  Check(const Check&) = delete;

  // True when nothing can be refused: no need to work out what removed and returning nodes were.
  bool idle() const { return unlimited_ && approvals_.empty(); }

  // A node whose profile changes. A node that comes back is added() and, with its last profile, changed().
  void changed(const NodeView& before, const NodeView& after, std::span<const base::profile::Change> changes);
  void added(const NodeView& node);
  void removed(const NodeView& node);
  void edited(const std::string& template_path);

  Report report() const;

 private:
  struct Radius {
    std::set<std::string> nodes, racks, clusters;
  };
  void note(const NodeView& node, Radius& radius) const;
  void touch(const NodeView* before, const NodeView* after, const std::set<std::size_t>& approvals);
  void node(Act act, const NodeView* before, const NodeView* after);
  void refuse(Refusal refusal, std::string_view node);

  std::shared_ptr<const Policy> policy_;
  std::vector<Standing> people_;  // the author first
  bool unlimited_ = false;
  std::vector<const Approval*> approvals_;
  std::mutex mutex_;
  std::vector<Radius> radius_;  // per approval rule
  std::map<std::string, std::size_t> places_;
  std::vector<Refusal> refusals_;
  std::size_t more_ = 0;
};

}  // namespace cdb::rights
