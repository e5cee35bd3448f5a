#include "cdb/build/plan.h"

#include <algorithm>

#include "base/crypto/crypto.h"
#include "base/profile/json.h"
#include "base/profile/path.h"

namespace cdb::build {
namespace {

using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

std::string shortened(std::string text) {
  if (text.size() <= Plan::max_value) return text;
  auto cut = Plan::max_value;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;  // not inside a UTF-8 sequence
  text.resize(cut);
  return text + "…";
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

Value side(const std::string& text) {
  if (text.empty()) return nullptr;
  return text;
}

}  // namespace

std::size_t count_values(const Value& value) {
  std::size_t n = 0;
  if (const auto* dict = value.dict()) {
    for (const auto& [key, child] : *dict) n += count_values(child);
  } else if (const auto* list = value.list()) {
    for (const auto& child : *list) n += count_values(child);
  } else {
    n = 1;
  }
  return n;
}

Difference difference(const Value& before, const Value& after) {
  Difference out;
  base::crypto::Sha256 identity;
  for (const auto& change : base::profile::diff(before, after)) {
    note_components(change, out.components);
    auto path = change.path.display();
    auto old_text = change.before ? base::profile::to_json(*change.before) : std::string();
    auto new_text = change.after ? base::profile::to_json(*change.after) : std::string();
    for (const auto* text : {&path, &old_text, &new_text}) {
      identity.update(*text);
      identity.update(std::string_view("\0", 1));
    }
    if (out.lines.size() < Plan::max_lines) {
      out.lines.push_back({std::move(path), shortened(std::move(old_text)), shortened(std::move(new_text))});
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

Value Plan::json() const {
  std::vector<const Group*> order;
  std::set<std::string> components;
  for (const auto& [identity, group] : groups_) {
    order.push_back(&group);
    components.insert(group.difference.components.begin(), group.difference.components.end());
  }
  const auto first_name = [](const Group* g) { return *std::min_element(g->nodes.begin(), g->nodes.end()); };
  std::sort(order.begin(), order.end(), [&](const Group* a, const Group* b) {
    return a->nodes.size() != b->nodes.size() ? a->nodes.size() > b->nodes.size() : first_name(a) < first_name(b);
  });

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
      changes.emplace_back(Dict{{"path", line.path}, {"before", side(line.before)}, {"after", side(line.after)}});
    }
    groups.emplace_back(Dict{{"nodes", names(sorted)}, {"changes", std::move(changes)}, {"more", group->difference.more}});
  }
  List added;
  for (const auto& [node, values] : added_) added.emplace_back(Dict{{"node", node}, {"values", values}});
  const auto more_groups = order.size() > max_groups ? order.size() - max_groups : 0;
  return Dict{{"compiled", compiled},        {"nodes", nodes()},           {"components", names(components)},
              {"groups", std::move(groups)}, {"more_groups", more_groups}, {"more_nodes", more_nodes},
              {"added", std::move(added)},   {"removed", names(removed_)}};
}

}  // namespace cdb::build
