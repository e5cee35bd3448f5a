// What somebody is under a policy, and single questions with every rule that was looked at. Used by cdb/http and Check. Pure, any
// thread; a Standing points into its policy.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cdb/rights/policy.h"

namespace cdb::rights {

struct Subject {
  std::string kind, name;  // person | service
};

struct Standing {
  Subject subject;
  std::set<Role> roles;  // with those that a higher one includes
  std::vector<std::string> groups;
  std::vector<const Rule*> rules;  // that count for him
  bool unlimited = false;          // no rule binds him

  bool has(Role role) const { return roles.contains(role); }
};

// A null policy: none was ever set. Then persons are unlimited. Services are unlimited until a rule names them.
Standing standing(const Policy* policy, const Subject& subject);
bool is_one_of(const Who& who, const Standing& standing);

enum class Act { set, add_node, remove_node };

// May he do this to the node as it was and as it will be? `parts`: the path, for Act::set.
struct Verdict {
  bool allowed = false;
  const Rule* rule = nullptr;  // that decided; null pointer: unlimited, or no rule allows it
};

// The rules of one standing that are about one node: before and after the change. Made once per node, asked for each path.
class NodeRights {
 public:
  // Null pointers: the node is added or removed.
  NodeRights(const Standing& standing, const NodeView* before, const NodeView* after);
  Verdict may(Act act, const std::vector<std::string>& parts) const;

 private:
  const Standing& standing_;
  bool has_before_, has_after_;
  std::vector<const Rule*> deny_, before_, after_;
};

bool covers(const Rule& rule, Act act, const std::vector<std::string>& parts);

// "rule 'storage': group storage" for each rule that would allow it to somebody; at most five.
std::vector<std::string> who_could(const Policy& policy, Act act, const NodeView* before, const NodeView* after,
                                   const std::vector<std::string>& parts);

struct Explained {
  Verdict verdict;
  std::string reason;  // one sentence
  struct Step {
    const Rule* rule = nullptr;
    bool person = false, node = false, value = false;  // is it for him, about the node, about the value?
  };
  std::vector<Step> steps;         // all rules, in their order
  std::vector<std::string> could;  // when refused
};
Explained explain(const Policy* policy, const Subject& subject, Act act, const NodeView& node,
                  const std::vector<std::string>& parts);

// "rule 'x' allows it", "rule 'x' denies it", "no rule allows it to person bob".
std::string reason_of(const Standing& standing, const Verdict& verdict);

}  // namespace cdb::rights
