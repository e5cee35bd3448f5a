#include "cdb/fabric/status.h"

#include <algorithm>
#include <ctime>
#include <tuple>

namespace cdb::fabric {
namespace {

using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

constexpr std::size_t max_message = 500;

// Times as cdb.rfc3339 writes them, UTC; seconds are enough here.
std::optional<Time> parse_time(const std::string& text) {
  std::tm parts{};
  if (text.empty() || !::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts)) return std::nullopt;
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

bool of_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

void replace_word(std::string& text, std::string_view word) {
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos;) {
    const auto end = at + word.size();
    if ((at > 0 && of_word(text[at - 1])) || (end < text.size() && of_word(text[end]))) {
      at = end;
      continue;
    }
    text.replace(at, word.size(), "NODE");
    at += 4;
  }
}

Standing standing_of(const store::NodeRow& row, const Limits& limits, Time now) {
  if (row.received.empty()) return Standing::never_reported;
  const auto seen = parse_time(row.last_seen);
  if (!seen || now - *seen > limits.silent) return Standing::silent;
  if (row.outcome == "failed" || row.outcome == "partial") return Standing::failed;
  return row.applied_root == row.root ? Standing::in_sync : Standing::behind;
}

List names(const std::vector<std::string>& nodes) {
  List out;
  for (const auto& node : nodes) out.emplace_back(node);
  return out;
}

}  // namespace

std::string_view word(Standing standing) {
  switch (standing) {
    case Standing::never_reported: return "never_reported";
    case Standing::silent: return "silent";
    case Standing::failed: return "failed";
    case Standing::behind: return "behind";
    case Standing::in_sync: return "in_sync";
  }
  return "";
}

std::string without_name(std::string_view message, std::string_view node) {
  std::string out(message);
  replace_word(out, node);
  replace_word(out, node.substr(0, node.find('.')));
  if (out.size() > max_message) {
    auto end = max_message;
    while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xc0) == 0x80) --end;
    out.resize(end);
    out += "...";
  }
  return out;
}

Summary summarise(std::span<const store::NodeRow> rows, const Limits& limits, Time now) {
  Summary out;
  std::map<std::tuple<std::string, std::string, std::string>, std::vector<std::string>> failures;
  for (const auto standing : {Standing::never_reported, Standing::silent, Standing::failed, Standing::behind, Standing::in_sync})
    out.nodes[standing];
  for (const auto& row : rows) {
    ++out.total;
    const auto standing = standing_of(row, limits, now);
    out.nodes[standing].push_back(row.name);
    auto& applied = out.revisions[row.applied_root ? row.applied_revision : 0];
    ++applied.nodes;
    const bool equal = row.applied_root == row.root;
    applied.in_sync += equal;
    if (row.held_by) out.held.push_back(row.name);
    if (row.report.get_boolean("reboot_needed")) out.reboot_needed.push_back(row.name);
    if (!equal && standing != Standing::never_reported) {
      const auto since = parse_time(row.changed);
      const auto age = since ? std::chrono::duration_cast<std::chrono::seconds>(now - *since) : std::chrono::seconds(0);
      if (age > limits.lag && standing == Standing::behind) out.late.push_back(row.name);
      if (!out.oldest || age > out.oldest->age)
        out.oldest = Summary::Lag{row.name, row.revision, std::max(age, std::chrono::seconds(0))};
    }
    const auto* components = standing == Standing::failed ? row.report.get("components") : nullptr;
    bool named = false;
    for (const auto& component : components && components->list() ? *components->list() : List()) {
      const auto outcome = component.get_string("outcome");
      if (outcome != "failed" && outcome != "dependency-failed") continue;
      named = true;
      failures[{std::string(component.get_string("name")), std::string(outcome),
                without_name(component.get_string("message"), row.name)}]
          .push_back(row.name);
    }
    // A run can fail before any component does: no profile, no disk space.
    if (standing == Standing::failed && !named) failures[{"", row.outcome, ""}].push_back(row.name);
  }
  for (auto& [what, nodes] : failures) {
    const auto& [component, outcome, message] = what;
    out.failures.push_back({component, outcome, message, std::move(nodes)});
  }
  std::stable_sort(out.failures.begin(), out.failures.end(),
                   [](const Failure& a, const Failure& b) { return a.nodes.size() > b.nodes.size(); });
  if (out.failures.size() > Summary::max_failures) {
    out.more_failures = out.failures.size() - Summary::max_failures;
    out.failures.resize(Summary::max_failures);
  }
  out.healthy = out.nodes[Standing::failed].empty() && out.nodes[Standing::silent].empty() && out.late.empty();
  return out;
}

Value Summary::json() const {
  Dict counts, lists;
  for (const auto& [standing, list] : nodes) {
    counts[std::string(word(standing))] = list.size();
    if (standing != Standing::in_sync) lists[std::string(word(standing))] = names(list);
  }
  List applied, failing;
  for (auto place = revisions.rbegin(); place != revisions.rend(); ++place) {
    applied.emplace_back(Dict{{"revision", place->first > 0 ? Value(place->first) : Value()},
                              {"nodes", place->second.nodes},
                              {"in_sync", place->second.in_sync}});
  }
  for (const auto& failure : failures) {
    failing.emplace_back(Dict{{"component", failure.component.empty() ? Value() : Value(failure.component)},
                              {"outcome", failure.outcome},
                              {"message", failure.message},
                              {"nodes", names(failure.nodes)}});
  }
  Value lag;
  if (oldest) lag = Dict{{"node", oldest->node}, {"revision", oldest->revision}, {"seconds", oldest->age.count()}};
  return Dict{{"total", total},
              {"counts", std::move(counts)},
              {"nodes", std::move(lists)},
              {"revisions", std::move(applied)},
              {"oldest_lag", std::move(lag)},
              {"late", names(late)},
              {"failing", std::move(failing)},
              {"more_failing", more_failures},
              {"reboot_needed", names(reboot_needed)},
              {"held", names(held)},
              {"healthy", healthy}};
}

}  // namespace cdb::fabric
