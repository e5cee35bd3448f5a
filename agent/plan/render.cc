#include <fmt/format.h>

#include "agent/plan/planner.h"
#include "base/text/text.h"

namespace agent::plan {

namespace {

constexpr std::size_t diff_limit = 64u << 10;

std::string indent(std::string_view text) {
  std::string out;
  for (std::size_t start = 0; start < text.size();) {
    auto end = std::min(text.find('\n', start), text.size());
    out += "      " + std::string(text.substr(start, end - start)) + "\n";
    start = end + 1;
  }
  return out;
}

std::string difference(const Plan& plan, const Action& action, Observed& machine) {
  bool old_file = action.before.kind == Kind::file;
  bool new_file = action.after.kind == Kind::file;
  if (!old_file && !new_file) return {};
  if (action.verb == Verb::set_attributes) return {};
  if (action.secret) return "      (content is secret: not shown)\n";
  std::string before, after;
  if (old_file) {
    auto text = machine.content(action.target);
    if (!text) return fmt::format("      (cannot show: {})\n", text.error().message);
    before = std::move(*text);
  }
  if (new_file)
    if (auto blob = plan.blobs.find(action.after.sha256); blob != plan.blobs.end()) after = blob->second;
  if (before.size() + after.size() > diff_limit || !base::text::valid_utf8(before) || !base::text::valid_utf8(after) ||
      before.find('\0') != before.npos || after.find('\0') != after.npos)
    return fmt::format("      ({} -> {} bytes, too long or not text: not shown)\n", before.size(), after.size());
  return indent(
      base::text::unified_diff(before, after, old_file ? action.target : "/dev/null", new_file ? action.target : "/dev/null"));
}

}  // namespace

std::string render(const Plan& plan, Observed& machine) {
  std::string out = fmt::format("plan for profile {} revision {}: {} action{}\n", plan.root.substr(0, 12), plan.revision,
                                plan.actions.size(), plan.actions.size() == 1 ? "" : "s");
  for (const auto& row : plan.components) {
    std::size_t count = 0;
    for (const auto& action : plan.actions) count += action.component == row.component;
    auto state = row.status == Status::held     ? std::string("held")
                 : row.status == Status::failed ? std::string("cannot be planned")
                 : count                        ? fmt::format("{} action{}", count, count == 1 ? "" : "s")
                                                : std::string("nothing to do");
    out += fmt::format("{}: {}\n", row.component, state);
    for (const auto& problem : row.problems) out += "  ! " + problem + "\n";
    for (const auto& note : row.notes) out += "  - " + note + "\n";
    for (const auto& action : plan.actions) {
      if (action.component != row.component) continue;
      out += "  " + describe(action) + "\n" + difference(plan, action, machine);
    }
  }
  return out;
}

}  // namespace agent::plan
