#include "cdb/build/plan.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/crypto/crypto.h"
#include "base/profile/json.h"
#include "base/profile/path.h"
#include "base/text/text.h"

namespace cdb::build {
namespace {

using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

constexpr std::size_t max_diff_lines = 40;
constexpr std::size_t max_reach = 50;  // names of one attribute

bool inside_sequence(const std::string& text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
}

// `text` without what lies more than a few words before `from`, and at most max_value bytes long.
std::string cut(const std::string& text, std::size_t from) {
  constexpr std::size_t context = 24;
  auto start = text.size() <= Plan::max_value || from < 2 * context ? 0 : from - context;
  while (start > 0 && inside_sequence(text, start)) --start;
  auto end = std::min(text.size(), start + Plan::max_value);
  while (end > start && inside_sequence(text, end)) --end;
  return (start > 0 ? "…" : "") + text.substr(start, end - start) + (end < text.size() ? "…" : "");
}

std::size_t first_difference(const std::string& a, const std::string& b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

// The lines that differ between two texts, marked - and +, without what surrounds them: the same edit in texts that otherwise
// differ from node to node is one group. Empty unless both are strings and one has several lines.
std::string changed_lines(const base::profile::Change& change) {
  const auto* before = change.before ? change.before->string() : nullptr;
  const auto* after = change.after ? change.after->string() : nullptr;
  if (!before || !after || (before->find('\n') == std::string::npos && after->find('\n') == std::string::npos)) return {};
  std::string out;
  for (const auto& line : base::text::split(base::text::unified_diff(*before, *after, "a", "b"), '\n')) {
    const bool mark = !line.empty() && (line[0] == '-' || line[0] == '+');
    if (mark && line != "--- a" && line != "+++ b") out += line + "\n";
  }
  return out;
}

std::string few_lines(const std::string& text) {
  std::string out;
  std::size_t lines = 0, dropped = 0;
  for (const auto& line : base::text::split(text, '\n')) {
    if (line.empty()) continue;
    if (lines++ < max_diff_lines) {
      out += cut(line, 0) + "\n";
    } else {
      ++dropped;
    }
  }
  return dropped > 0 ? out + fmt::format("... {} more lines\n", dropped) : out;
}

void note_components(const base::profile::Change& change, std::set<std::string>& components) {
  const auto& parts = change.path.parts();
  const std::vector<std::string> prefix{"software", "components"};
  if (!std::equal(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(2, parts.size())),
                  prefix.begin()))
    return;
  if (parts.size() > 2) {
    components.insert(parts[2]);
    return;
  }
  // The whole folder came or went: all of its children.
  for (const auto* side : {change.before, change.after}) {
    if (!side) continue;
    std::string below;
    for (auto i = parts.size(); i < 2; ++i) below += "/" + prefix[i];
    const auto* folder = below.empty() ? side : base::profile::find(*side, below);
    if (!folder || !folder->is_dict()) continue;
    for (const auto& [name, value] : *folder->dict()) components.insert(name);
  }
}

List names(const auto& values) {
  List out;
  for (const auto& value : values) out.emplace_back(value);
  return out;
}

Value place_json(const Place& place) {
  return Dict{{"file", place.file}, {"line", place.line}, {"text", place.text}};
}

Value side(const std::string& text) {
  if (text.empty()) return nullptr;
  return text;
}

}  // namespace

PlanLine plan_line(const base::profile::Change& change) {
  PlanLine line;
  line.path = change.path.display();
  const auto before = change.before ? base::profile::to_json(*change.before) : std::string();
  const auto after = change.after ? base::profile::to_json(*change.after) : std::string();
  const auto from = change.before && change.after ? first_difference(before, after) : 0;
  line.before = cut(before, from);
  line.after = cut(after, from);
  line.diff = few_lines(changed_lines(change));
  return line;
}

Difference difference(const std::vector<base::profile::Change>& changes) {
  Difference out;
  base::crypto::Sha256 identity;
  for (const auto& change : changes) {
    note_components(change, out.components);
    const auto path = change.path.display();
    const auto lines = changed_lines(change);
    const auto old_text = !lines.empty() || !change.before ? std::string() : base::profile::to_json(*change.before);
    const auto new_text = !lines.empty() ? lines : change.after ? base::profile::to_json(*change.after) : std::string();
    for (const auto* text : {&path, &old_text, &new_text}) {
      identity.update(*text);
      identity.update(std::string_view("\0", 1));
    }
    if (out.lines.size() < Plan::max_lines) {
      out.lines.push_back(plan_line(change));
      out.paths.push_back(change.path);
    } else {
      ++out.more;
    }
  }
  out.identity = {identity.finish()};
  return out;
}

void Plan::changed(const std::string& node, Difference difference) {
  const auto identity = difference.identity;
  auto& group = groups_[identity];
  if (group.nodes.empty()) group.difference = std::move(difference);
  group.nodes.push_back(node);
}

std::size_t Plan::nodes() const {
  std::size_t n = added_.size() + removed_.size();
  for (const auto& [identity, group] : groups_) n += group.nodes.size();
  return n;
}

std::vector<const Plan::Group*> Plan::ordered() const {
  std::vector<const Group*> order;
  for (const auto& [identity, group] : groups_) order.push_back(&group);
  const auto first_name = [](const Group* g) { return *std::min_element(g->nodes.begin(), g->nodes.end()); };
  std::sort(order.begin(), order.end(), [&](const Group* a, const Group* b) {
    return a->nodes.size() != b->nodes.size() ? a->nodes.size() > b->nodes.size() : first_name(a) < first_name(b);
  });
  return order;
}

std::vector<Plan::Group*> Plan::largest() {
  std::vector<Group*> out;
  for (const auto* group : ordered()) {
    if (out.size() == max_groups) break;
    out.push_back(const_cast<Group*>(group));
  }
  return out;
}

void Plan::reach(const std::string& attribute, const std::string& name, bool changed) {
  if (name.empty()) return;
  auto& place = reach_[attribute][name];
  ++place.of;
  place.changed += changed;
}

Value Plan::json() const {
  const auto order = ordered();
  std::set<std::string> components, commands, reboot_paths;
  std::map<std::pair<std::string, std::string>, std::size_t> units;
  std::size_t reboot = 0;
  for (const auto* group : order) {
    components.insert(group->difference.components.begin(), group->difference.components.end());
    components.insert(group->effects.components.begin(), group->effects.components.end());
    commands.insert(group->effects.commands.begin(), group->effects.commands.end());
    for (const auto& unit : group->effects.units) units[unit] += group->nodes.size();
    if (!group->effects.reboot.empty()) reboot += group->nodes.size();
    for (const auto& path : group->effects.reboot) {
      if (reboot_paths.size() < max_lines) reboot_paths.insert(path);
    }
  }

  List groups;
  std::size_t more_nodes = 0;
  for (const auto* group : order) {
    if (groups.size() == max_groups) {
      more_nodes += group->nodes.size();
      continue;
    }
    auto sorted = group->nodes;
    std::sort(sorted.begin(), sorted.end());
    List changes;
    for (const auto& line : group->difference.lines) {
      Dict one{{"path", line.path}, {"before", side(line.before)}, {"after", side(line.after)}};
      if (!line.diff.empty()) one["diff"] = line.diff;
      if (line.cause.edited) one["cause"] = place_json(*line.cause.edited);
      if (line.cause.set_by) one["set_by"] = place_json(*line.cause.set_by);
      changes.emplace_back(std::move(one));
    }
    groups.emplace_back(Dict{{"nodes", names(sorted)},
                             {"changes", std::move(changes)},
                             {"more", group->difference.more},
                             {"effects", to_json(group->effects)}});
  }
  List added, acting;
  for (const auto& [node, values] : added_) added.emplace_back(Dict{{"node", node}, {"values", values}});
  for (const auto& [unit, count] : units)
    acting.emplace_back(Dict{{"unit", unit.first}, {"action", unit.second}, {"nodes", count}});
  Dict reach;
  for (const auto& [attribute, all] : reach_) {
    List list;
    for (const auto& [name, place] : all) {
      if (place.changed > 0) list.emplace_back(Dict{{"name", name}, {"changed", place.changed}, {"of", place.of}});
    }
    std::stable_sort(list.begin(), list.end(),
                     [](const Value& a, const Value& b) { return a.get_integer("changed") > b.get_integer("changed"); });
    const auto more = list.size() > max_reach ? list.size() - max_reach : 0;
    if (more > 0) list.resize(max_reach);
    reach[attribute] = std::move(list);
    if (more > 0) reach["more_" + attribute] = more;
  }
  const auto more_groups = order.size() > max_groups ? order.size() - max_groups : 0;
  return Dict{{"compiled", compiled},
              {"nodes", nodes()},
              {"components", names(components)},
              {"units", std::move(acting)},
              {"commands", names(commands)},
              {"reboot", Dict{{"nodes", reboot}, {"paths", names(reboot_paths)}}},
              {"reach", std::move(reach)},
              {"groups", std::move(groups)},
              {"more_groups", more_groups},
              {"more_nodes", more_nodes},
              {"added", std::move(added)},
              {"removed", names(removed_)}};
}

}  // namespace cdb::build
