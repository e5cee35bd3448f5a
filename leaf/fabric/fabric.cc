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
    std::size_t before = chosen.size();
    bool hit = false;
    for (const std::string& name : names) {
      if (base::text::glob_match(pattern, name)) {
        chosen.insert(name);
        hit = true;
      }
    }
    if (!hit && before == chosen.size()) {
      return fail(Errc::invalid, fmt::format("no node matches '{}'{}", pattern, base::text::did_you_mean_suffix(pattern, names)),
                  "List the nodes with: weft node list");
    }
  }
  return std::vector<std::string>(chosen.begin(), chosen.end());
}

}  // namespace leaf::fabric
