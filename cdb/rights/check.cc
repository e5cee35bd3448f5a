#include "cdb/rights/check.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/profile/json.h"

namespace cdb::rights {
namespace {

using base::profile::Value;

// Compiles the tree for everybody; what it makes of the nodes is checked as of any template.
constexpr std::string_view site_file = "weft.yaml";

bool inside_character(const std::string& text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
}

// `text` cut to what begins a few words before `from`.
std::string shortened(const std::string& text, std::size_t from) {
  constexpr std::size_t context = 24;
  auto start = text.size() <= Check::max_value || from < 2 * context ? 0 : from - context;
  while (start > 0 && inside_character(text, start)) --start;
  auto end = std::min(text.size(), start + Check::max_value);
  while (end > start && inside_character(text, end)) --end;
  return (start > 0 ? "…" : "") + text.substr(start, end - start) + (end < text.size() ? "…" : "");
}

// Both sides as JSON, long ones cut around what differs.
std::pair<std::string, std::string> shown(const Value* before, const Value* after) {
  const auto then = before ? base::profile::to_json(*before) : std::string();
  const auto now = after ? base::profile::to_json(*after) : std::string();
  std::size_t from = 0;
  if (before && after) {
    while (from < then.size() && from < now.size() && then[from] == now[from]) ++from;
  }
  return {shortened(then, from), shortened(now, from)};
}

bool empty_or_leaf(const Value& value) {
  return value.is_dict() ? value.dict()->empty() : value.is_list() ? value.list()->empty() : true;
}

// Every leaf of one side, by path. `parts` is as it was afterwards.
template <class Sink>
void leaves(const Value& value, std::vector<std::string>& parts, const Sink& sink) {
  if (empty_or_leaf(value)) {
    sink(value);
    return;
  }
  const auto below = [&](std::string part, const Value& child) {
    parts.push_back(std::move(part));
    leaves(child, parts, sink);
    parts.pop_back();
  };
  if (const auto* dict = value.dict()) {
    for (const auto& [key, child] : *dict) below(key, child);
  } else {
    for (std::size_t i = 0; i < value.list()->size(); ++i) below(std::to_string(i), (*value.list())[i]);
  }
}

// sink(parts, before, after) for each value that one difference alters.
template <class Sink>
void values(const base::profile::Change& change, const Sink& sink) {
  auto parts = change.path.parts();
  if (change.before && change.after && empty_or_leaf(*change.before) && empty_or_leaf(*change.after)) {
    sink(parts, change.before, change.after);
    return;
  }
  if (change.before) leaves(*change.before, parts, [&](const Value& value) { sink(parts, &value, nullptr); });
  if (change.after) leaves(*change.after, parts, [&](const Value& value) { sink(parts, nullptr, &value); });
}

std::string display(const std::vector<std::string>& parts) {
  base::profile::Path path;
  for (const auto& part : parts) path = path / part;
  return path.display();
}

bool about(const Approval& approval, const std::vector<std::string>& parts) {
  return approval.paths.empty() ||
         std::any_of(approval.paths.begin(), approval.paths.end(), [&](const auto& pattern) { return pattern.matches(parts); });
}

bool selects(const Approval& approval, const NodeView* before, const NodeView* after) {
  return (before && approval.nodes.matches(*before)) || (after && approval.nodes.matches(*after));
}

}  // namespace

bool Report::approved() const {
  return std::all_of(approvals.begin(), approvals.end(), [](const Needed& one) { return one.has >= one.needs; });
}

Value to_json(const Report& report) {
  using base::profile::Dict;
  using base::profile::List;
  const auto names = [](const std::vector<std::string>& all) { return List(all.begin(), all.end()); };
  const auto side = [](const std::string& text) { return text.empty() ? Value() : Value(text); };
  List refusals, approvals;
  for (const auto& one : report.refusals) {
    refusals.emplace_back(Dict{{"act", one.act},
                               {"path", side(one.path)},
                               {"before", side(one.before)},
                               {"after", side(one.after)},
                               {"reason", one.reason},
                               {"could", names(one.could)},
                               {"nodes", names(one.nodes)},
                               {"node_count", one.node_count}});
  }
  for (const auto& one : report.approvals) {
    approvals.emplace_back(Dict{{"name", one.name},
                                {"needs", one.needs},
                                {"has", one.has},
                                {"approved_by", names(one.approved_by)},
                                {"from", one.from},
                                {"nodes", one.nodes},
                                {"racks", one.racks},
                                {"clusters", one.clusters}});
  }
  return Dict{{"allowed", report.allowed()},
              {"approved", report.approved()},
              {"refusals", std::move(refusals)},
              {"more_refusals", report.more_refusals},
              {"approvals", std::move(approvals)}};
}

Check::Check(std::shared_ptr<const Policy> policy, const Subject& author, const std::vector<std::string>& approvers)
    : policy_(std::move(policy)) {
  people_.push_back(standing(policy_.get(), author));
  for (const auto& name : approvers) {
    if (author.kind != "person" || author.name != name) people_.push_back(standing(policy_.get(), {"person", name}));
  }
  unlimited_ = std::any_of(people_.begin(), people_.end(), [](const Standing& one) { return one.unlimited; });
  if (policy_ && author.kind == "person") {
    for (const auto& approval : policy_->approvals) approvals_.push_back(&approval);
  }
  radius_.resize(approvals_.size());
}

void Check::changed(const NodeView& before, const NodeView& after, std::span<const base::profile::Change> changes) {
  if (idle()) return;
  std::vector<NodeRights> rights;
  if (!unlimited_) {
    for (const auto& one : people_) rights.emplace_back(one, &before, &after);
  }
  std::set<std::size_t> touched, open;
  for (std::size_t i = 0; i < approvals_.size(); ++i) {
    if (selects(*approvals_[i], &before, &after)) open.insert(i);
  }
  for (const auto& change : changes) {
    values(change, [&](const std::vector<std::string>& parts, const Value* then, const Value* now) {
      for (auto i = open.begin(); i != open.end();) {
        if (about(*approvals_[*i], parts)) {
          touched.insert(*i);
          i = open.erase(i);
        } else {
          ++i;
        }
      }
      if (unlimited_) return;
      Verdict verdict;
      for (std::size_t i = rights.size(); i-- > 0 && !verdict.allowed;) {
        const auto one = rights[i].may(Act::set, parts);
        if (one.allowed || i == 0) verdict = one;  // refused: the author's own reason
      }
      if (verdict.allowed) return;
      auto [old_text, new_text] = shown(then, now);
      Refusal refusal{"set", display(parts), std::move(old_text), std::move(new_text), {}, {}, {}, 0};
      refusal.reason = reason_of(people_.front(), verdict);
      refusal.could = who_could(*policy_, Act::set, &before, &after, parts);
      refuse(std::move(refusal), after.name);
    });
  }
  touch(&before, &after, touched);
}

void Check::node(Act act, const NodeView* before, const NodeView* after) {
  if (idle()) return;
  std::set<std::size_t> touched;
  for (std::size_t i = 0; i < approvals_.size(); ++i) {
    if (selects(*approvals_[i], before, after)) touched.insert(i);
  }
  touch(before, after, touched);
  if (unlimited_) return;
  Verdict verdict;
  for (std::size_t i = people_.size(); i-- > 0 && !verdict.allowed;) {
    const auto one = NodeRights(people_[i], before, after).may(act, {});
    if (one.allowed || i == 0) verdict = one;
  }
  if (verdict.allowed) return;
  refuse({act == Act::add_node ? "add_node" : "remove_node",
          "",
          "",
          "",
          reason_of(people_.front(), verdict),
          who_could(*policy_, act, before, after, {}),
          {},
          0},
         (after ? after : before)->name);
}

void Check::added(const NodeView& node) {
  this->node(Act::add_node, nullptr, &node);
}

void Check::removed(const NodeView& node) {
  this->node(Act::remove_node, &node, nullptr);
}

void Check::edited(const std::string& template_path) {
  if (unlimited_ || !policy_ || people_.front().subject.kind != "person") return;
  std::vector<std::string> owners;
  bool owned = false;
  for (const auto& one : policy_->owners) {
    if (std::none_of(one.templates.begin(), one.templates.end(), [&](const auto& p) { return p.matches(template_path); }))
      continue;
    owned = true;
    owners.push_back(one.owners.text());
    if (std::any_of(people_.begin(), people_.end(), [&](const Standing& who) { return is_one_of(one.owners, who); })) return;
  }
  if (!owned && template_path != site_file) return;
  const auto reason = owned ? "the file has owners, person {} is none of them"
                            : "administrators own it unless the policy names other owners; person {} is none";
  refuse({"edit_template",
          template_path,
          "",
          "",
          fmt::format(fmt::runtime(reason), people_.front().subject.name),
          std::move(owners),
          {},
          0},
         "");
}

void Check::note(const NodeView& node, Radius& radius) const {
  radius.nodes.emplace(node.name);
  if (auto rack = attribute_text(node.attributes, "rack"); !rack.empty()) radius.racks.insert(std::move(rack));
  if (auto cluster = attribute_text(node.attributes, "cluster"); !cluster.empty()) radius.clusters.insert(std::move(cluster));
}

void Check::touch(const NodeView* before, const NodeView* after, const std::set<std::size_t>& approvals) {
  if (approvals.empty()) return;
  const std::scoped_lock lock(mutex_);
  for (const auto i : approvals) {
    if (before) note(*before, radius_[i]);
    if (after) note(*after, radius_[i]);
  }
}

void Check::refuse(Refusal refusal, std::string_view node) {
  const auto key = fmt::format("{}\n{}\n{}\n{}\n{}", refusal.act, refusal.path, refusal.before, refusal.after, refusal.reason);
  const std::scoped_lock lock(mutex_);
  const auto [place, fresh] = places_.emplace(key, refusals_.size());
  if (fresh && refusals_.size() == max_refusals) {
    places_.erase(place);
    ++more_;
    return;
  }
  if (fresh) refusals_.push_back(std::move(refusal));
  auto& one = refusals_[place->second];
  if (node.empty()) return;
  ++one.node_count;
  // The first by name, whatever the order of the threads.
  one.nodes.insert(std::upper_bound(one.nodes.begin(), one.nodes.end(), node), std::string(node));
  if (one.nodes.size() > max_nodes) one.nodes.pop_back();
}

Report Check::report() const {
  Report out;
  out.refusals = refusals_;
  out.more_refusals = more_;
  std::sort(out.refusals.begin(), out.refusals.end(), [](const Refusal& a, const Refusal& b) {
    return std::tie(a.act, a.path, a.before, a.after) < std::tie(b.act, b.path, b.before, b.after);
  });
  for (std::size_t i = 0; i < approvals_.size(); ++i) {
    const auto& rule = *approvals_[i];
    const auto& radius = radius_[i];
    if (radius.nodes.empty()) continue;
    const auto more = [](const std::optional<std::size_t>& limit, std::size_t value) { return limit && value > *limit; };
    const bool always = !rule.more_nodes && !rule.more_racks && !rule.more_clusters;
    if (!always && !more(rule.more_nodes, radius.nodes.size()) && !more(rule.more_racks, radius.racks.size()) &&
        !more(rule.more_clusters, radius.clusters.size()))
      continue;
    Needed needed{
        rule.name, rule.needs, 0, {}, rule.from.text(), radius.nodes.size(), radius.racks.size(), radius.clusters.size()};
    for (std::size_t p = 1; p < people_.size(); ++p) {
      if (is_one_of(rule.from, people_[p])) needed.approved_by.push_back(people_[p].subject.name);
    }
    needed.has = needed.approved_by.size();
    out.approvals.push_back(std::move(needed));
  }
  return out;
}

}  // namespace cdb::rights
