#include <algorithm>

#include "agent/journal/executor.h"

namespace agent::journal {

namespace {

bool touched(Mark mark) {
  return mark != Mark::none;
}

// The agent restarts itself by a job that ends it: having been restarted is having done it.
bool ended_us(const plan::Action& action) {
  return action.target == "weft-agent.service" && (action.verb == plan::Verb::restart || action.verb == plan::Verb::reload);
}

bool same(const plan::Owed& owed, const plan::Action& action) {
  return owed.component == action.component && owed.action.verb == action.verb && owed.action.target == action.target &&
         owed.action.detail == action.detail;
}

bool concerns(const plan::Action& action, const std::string& key) {
  if (plan::is_owed_verb(action.verb)) return false;
  if (key.starts_with("package:")) return action.verb == plan::Verb::packages;
  return action.target == std::string_view(key).substr(key.find(':') + 1);
}

}  // namespace

void settle(const plan::Plan& plan, const std::vector<Mark>& marks, State& state) {
  for (const auto& claim : plan.claims) {
    bool planned = false, done_anything = false;
    for (std::size_t i = 0; i < plan.actions.size(); ++i)
      if (concerns(plan.actions[i], claim.key)) {
        planned = true;
        done_anything = done_anything || touched(marks[i]);
      }
    // Never touched: how it was before is to be seen when it is.
    if (planned && !done_anything && !state.tracked.contains(claim.key)) continue;
    state.tracked[claim.key] = claim;
  }
  for (const auto& key : plan.released) {
    bool whole = true;
    for (std::size_t i = 0; i < plan.actions.size(); ++i)
      if (concerns(plan.actions[i], key)) whole = whole && marks[i] == Mark::done;
    if (whole) state.tracked.erase(key);
  }
  for (std::size_t i = 0; i < plan.actions.size(); ++i) {
    const auto& action = plan.actions[i];
    if (!plan::is_owed_verb(action.verb)) continue;
    bool done = marks[i] == Mark::done || (marks[i] == Mark::intent && ended_us(action));
    bool caused =
        action.triggers.empty() || std::any_of(action.triggers.begin(), action.triggers.end(), [&](int index) {
          // An act that failed its read-back, or whose end we did not see, may have happened.
          return index >= 0 && static_cast<std::size_t>(index) < marks.size() && touched(marks[static_cast<std::size_t>(index)]);
        });
    auto old = std::find_if(state.owed.begin(), state.owed.end(), [&](const plan::Owed& owed) { return same(owed, action); });
    if (done && old != state.owed.end()) state.owed.erase(old);
    if (!done && caused && old == state.owed.end()) {
      auto debt = action;
      debt.triggers.clear();
      state.owed.push_back({action.component, std::move(debt)});
    }
  }
}

base::Result<bool> recover(Journal& journal, State& state, const std::filesystem::path& state_file) {
  auto unfinished = WEFT_TRY(journal.unfinished());
  if (!unfinished) return false;
  settle(unfinished->plan, unfinished->marks, state);
  WEFT_TRY(save_state(state_file, state));
  WEFT_TRY(journal.close());
  return true;
}

}  // namespace agent::journal
