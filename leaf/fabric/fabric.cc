#include "leaf/fabric/fabric.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text/text.h"

namespace leaf::fabric {

using base::Errc;
using base::fail;
using base::Result;

std::string Node::complaint(std::chrono::seconds patience) const {
  if (applied_root.empty()) return "its agent never applied a profile";
  if (!seen_ago) return "its agent was never heard of";
  if (*seen_ago > patience) {
    return fmt::format("its agent was last heard of {} ago", base::text::human_duration(std::chrono::milliseconds(*seen_ago)));
  }
  if (last_outcome != "ok" && last_outcome != "noaction") return fmt::format("its last run ended with '{}'", last_outcome);
  if (applied_root != desired_root) return "it has not applied its newest profile yet";
  return "";
}

bool Node::healthy(std::chrono::seconds patience) const {
  return complaint(patience).empty();
}

Result<std::vector<std::string>> select(const std::vector<Node>& nodes, const std::vector<std::string>& patterns) {
  if (patterns.empty()) return fail(Errc::invalid, "no node was named", "Name nodes or globs; nothing never means all");
  std::vector<std::string> names;
  for (const Node& node : nodes) names.push_back(node.name);
  std::set<std::string> chosen;
  for (const std::string& pattern : patterns) {
    std::vector<std::string> hits;
    for (const std::string& name : names) {
      if (base::text::glob_match(pattern, name)) hits.push_back(name);
    }
    if (hits.empty() && pattern.find_first_of("*?") == std::string::npos) {
      // "disk01" for disk01.example.org, when that is the only one.
      for (const std::string& name : names) {
        if (name.starts_with(pattern + ".")) hits.push_back(name);
      }
      if (hits.size() > 1)
        return fail(Errc::invalid, fmt::format("'{}' could be {} or {}", pattern, hits[0], hits[1]), "Give the full name");
    }
    if (hits.empty()) {
      return fail(Errc::invalid, fmt::format("no node matches '{}'{}", pattern, base::text::did_you_mean_suffix(pattern, names)),
                  "List the nodes with: weft node list");
    }
    chosen.insert(hits.begin(), hits.end());
  }
  return std::vector<std::string>(chosen.begin(), chosen.end());
}

}  // namespace leaf::fabric
