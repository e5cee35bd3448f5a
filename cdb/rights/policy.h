// The policy: who may change what. Stored whole, with a number, by cdb/store; parsed here. Used by cdb/build, cdb/http and `weft
// rights check`. Plain values, any thread.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "cdb/rights/pattern.h"

namespace cdb::rights {

// The person whose certificate weftd makes: administrator under every policy, so that nobody is locked out.
constexpr std::string_view first_administrator = "admin";

// Each includes reading. What else: docs/rights.md.
enum class Role { viewer, technician, operations, editor, administrator };
std::string_view role_name(Role role);  // "operator" for operations
const std::vector<std::string>& role_names();

struct Who {
  std::vector<std::string> persons;  // "*": everybody with a person's certificate
  std::vector<std::string> groups;
  std::vector<std::string> services;
  std::vector<Role> roles;
  bool empty() const { return persons.empty() && groups.empty() && services.empty() && roles.empty(); }
  std::string text() const;  // "group storage, alice"
};

struct Rule {
  std::string name;
  bool deny = false;
  Who who;
  std::vector<PathPattern> set;
  bool add_nodes = false, remove_nodes = false;
  Selector nodes;
};

// Files that only their owners (and administrators) may edit.
struct Ownership {
  std::vector<FilePattern> templates;
  Who owners;
};

// A change that touches these values of these nodes needs the approval of others.
struct Approval {
  std::string name;
  std::vector<PathPattern> paths;  // empty: all
  Selector nodes;
  // It applies when the change touches more than this of any of them; none given: always.
  std::optional<std::size_t> more_nodes, more_racks, more_clusters;
  std::size_t needs = 1;
  Who from;
};

struct Policy {
  std::map<std::string, std::set<std::string>> groups;
  std::map<Role, Who> roles;
  std::vector<Rule> rules;
  std::vector<Ownership> owners;
  std::vector<Approval> approvals;

  bool names_service(std::string_view service) const;  // some rule is about this service
};

constexpr std::size_t max_policy = 1u << 20;  // bytes

// `attributes`: what nodes may be selected by, but for "name". Errc::invalid names the place in the document and what is wrong.
base::Result<Policy> parse_policy(std::string_view text, std::span<const std::string> attributes);
// What is allowed but probably not meant, one sentence each.
std::vector<std::string> warnings(const Policy& policy);

}  // namespace cdb::rights
