#include "cdb/build/inverse.h"

#include <map>
#include <string>
#include <vector>

namespace cdb::build {
namespace {

using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

constexpr std::size_t max_shown = 100;

struct Group {
  std::map<std::string, const Value*> changes;  // by path
  bool whole = true;
};

struct Plan {
  std::vector<Group> groups;
  std::map<std::string, std::size_t> group_of;  // by node
  bool whole = true;
};

const List& list(const Value& value, std::string_view name) {
  static const List none;
  const auto* member = value.get(name);
  return member && member->list() ? *member->list() : none;
}

Plan read(const Value& json) {
  Plan out;
  out.whole = json.get_integer("more_groups") == 0;
  for (const auto& group : list(json, "groups")) {
    Group one;
    one.whole = group.get_integer("more") == 0;
    for (const auto& change : list(group, "changes")) one.changes.emplace(change.get_string("path"), &change);
    for (const auto& node : list(group, "nodes")) {
      if (node.is_string()) out.group_of.emplace(*node.string(), out.groups.size());
    }
    out.groups.push_back(std::move(one));
  }
  return out;
}

bool inverse(const Value& done, const Value& undone) {
  const auto same = [](const Value* a, const Value* b) { return a && b && *a == *b; };
  return same(done.get("before"), undone.get("after")) && same(done.get("after"), undone.get("before"));
}

}  // namespace

List not_inverse(const Value& done, const Value& undone) {
  const auto before = read(done), after = read(undone);
  constexpr auto none = static_cast<std::size_t>(-1);
  // How many nodes are in each pair of groups: all of them behave alike.
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> pairs;
  for (const auto& [node, group] : before.group_of) {
    const auto place = after.group_of.find(node);
    ++pairs[{group, place == after.group_of.end() ? none : place->second}];
  }
  for (const auto& [node, group] : after.group_of) {
    if (!before.group_of.contains(node)) ++pairs[{none, group}];
  }
  std::map<std::pair<std::string, std::string>, std::size_t> found;  // path, what
  const Group nothing;
  for (const auto& [pair, nodes] : pairs) {
    if ((pair.first == none && !before.whole) || (pair.second == none && !after.whole)) continue;
    const auto& then = pair.first == none ? nothing : before.groups[pair.first];
    const auto& now = pair.second == none ? nothing : after.groups[pair.second];
    for (const auto& [path, change] : now.changes) {
      const auto place = then.changes.find(path);
      if (place == then.changes.end()) {
        if (then.whole) found[{path, "more"}] += nodes;
      } else if (!inverse(*place->second, *change)) {
        found[{path, "another"}] += nodes;
      }
    }
    for (const auto& [path, change] : then.changes) {
      if (now.whole && !now.changes.contains(path)) found[{path, "kept"}] += nodes;
    }
  }
  List out;
  for (const auto& [key, nodes] : found) {
    if (out.size() == max_shown) break;
    out.emplace_back(Dict{{"path", key.first}, {"nodes", nodes}, {"what", key.second}});
  }
  return out;
}

}  // namespace cdb::build
