#include "monitor/rule/engine.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/text/text.h"

namespace monitor::rule {
namespace {

using base::profile::Dict;

constexpr std::size_t most_subjects = 100;  // of one rule; a rule that fires for more is one alarm for "many"
constexpr std::size_t most_events = 1000;

std::string rfc3339(std::int64_t ms) {
  return base::text::rfc3339(std::chrono::system_clock::time_point(std::chrono::milliseconds(ms)));
}

// Start times within the window that ends now. A clock that was set back must not let old runs block for ever.
int runs_within(const std::vector<std::int64_t>& runs, std::int64_t now_ms, std::chrono::seconds window) {
  auto span = std::chrono::duration_cast<std::chrono::milliseconds>(window).count();
  return static_cast<int>(
      std::count_if(runs.begin(), runs.end(), [&](std::int64_t t) { return t > now_ms - span && t <= now_ms + span; }));
}

}  // namespace

void Engine::emit(Dict body, std::int64_t now_ms) {
  body["seq"] = ++seq_;
  body["time"] = rfc3339(now_ms);
  Event& event = outbox_.emplace_back();
  event.seq = seq_;
  event.body = std::move(body);
  if (outbox_.size() > most_events) {
    outbox_.pop_front();
    ++dropped_events_;
  }
}

void Engine::raise(const Rule& rule, const std::string& subject, double value, std::int64_t now_ms, const std::string& why) {
  emit(Dict{{"kind", "alarm"},
            {"state", "raised"},
            {"rule", rule.name},
            {"subject", subject},
            {"severity", rule.severity},
            {"text", rule.text},
            {"procedure", rule.procedure},
            {"owner", rule.owner},
            {"condition", rule.condition.text()},
            {"value", fmt::format("{}", value)},
            {"why", why}},
       now_ms);
}

void Engine::clear(const std::string& rule, const std::string& subject, std::int64_t now_ms, const std::string& why) {
  emit(Dict{{"kind", "alarm"}, {"state", "cleared"}, {"rule", rule}, {"subject", subject}, {"why", why}}, now_ms);
}

base::Result<> Engine::set_rules(std::vector<Rule> rules, std::int64_t now_ms) {
  std::erase_if(rules, [](const Rule& rule) { return !rule.active; });
  std::set<std::string> names;
  for (auto& rule : rules) {
    names.insert(rule.name);
    // An unchanged condition keeps how long it has been true: a new profile must not restart every `for`.
    for (auto& old : rules_)
      if (old.name == rule.name && old.condition.text() == rule.condition.text()) rule.condition = std::move(old.condition);
  }
  bool changed = false;
  for (auto it = states_.begin(); it != states_.end();) {
    if (names.contains(it->first)) {
      ++it;
      continue;
    }
    for (const auto& [subject, state] : it->second.subjects)
      if (state.raised) clear(it->first, subject, now_ms, "the rule is no longer in the profile");
    it = states_.erase(it);
    changed = true;
  }
  rules_ = std::move(rules);
  std::erase_if(due_, [&](const auto& entry) { return !names.contains(entry.first); });
  errors_.clear();
  for (const auto& rule : rules_) due_.try_emplace(rule.name, now_ms);
  return changed ? save() : base::Result<>();
}

std::optional<std::int64_t> Engine::next_due_ms() const {
  std::optional<std::int64_t> out;
  for (const auto& [name, due] : due_)
    if (!out || due < *out) out = due;
  return out;
}

base::Result<std::vector<const Rule*>> Engine::evaluate(const Latest& latest, std::int64_t now_ms) {
  std::vector<const Rule*> starts;
  bool changed = false;
  for (auto& rule : rules_) {
    auto& due = due_[rule.name];
    auto period = std::chrono::duration_cast<std::chrono::milliseconds>(rule.period).count();
    if (due > now_ms && due <= now_ms + period) continue;  // the second half: the clock was set back
    due = now_ms + period;
    changed = one_rule(rule, latest, now_ms, starts) || changed;
  }
  // Nothing starts that is not on disk: a run that we forget by dying would not count against max_runs.
  if (changed) {
    if (auto saved = save(); !saved) {
      for (const auto* rule : starts) {
        State& state = states_[rule->name];
        state.running = false;
        state.runs.pop_back();
        --state.total_runs;
      }
      return base::fail(std::move(saved).error().during("saving the rules' state; no actuator was started"));
    }
  }
  return starts;
}

bool Engine::one_rule(Rule& rule, const Latest& latest, std::int64_t now_ms, std::vector<const Rule*>& starts) {
  auto matches = rule.condition.evaluate(latest, now_ms);
  if (!matches) {
    errors_[rule.name] = matches.error().text();
    return false;
  }
  errors_.erase(rule.name);
  State& state = states_[rule.name];
  state.holds = !matches->empty();
  if (!rule.actuator) return settle(rule, state, *matches, now_ms);

  const Actuator& actuator = *rule.actuator;
  auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(actuator.wait).count();
  if (state.running) return false;
  // After a run the machine gets its time before the condition counts again.
  if (state.last_run != 0 && now_ms >= state.last_run && now_ms - state.last_run < wait) return false;
  if (matches->empty() || runs_within(state.runs, now_ms, actuator.window) >= actuator.max_runs) {
    // Recovered, or used up: only now it becomes an alarm, for a person.
    return settle(rule, state, *matches, now_ms);
  }
  if (std::any_of(state.subjects.begin(), state.subjects.end(), [](const auto& s) { return s.second.raised; }))
    return settle(rule, state, *matches, now_ms);  // escalated: a person has it until the condition has cleared
  std::erase_if(state.runs, [&](std::int64_t t) { return t < now_ms - 604800000; });
  state.runs.push_back(now_ms);
  ++state.total_runs;
  state.running = true;
  starts.push_back(&rule);
  return true;
}

bool Engine::settle(const Rule& rule, State& state, const std::vector<Match>& matches, std::int64_t now_ms) {
  bool changed = false;
  std::map<std::string, double> now_true;
  for (const auto& match : matches) now_true.emplace(metric::Series{"", match.labels}.text(), match.value);
  if (now_true.size() > most_subjects) {
    double count = static_cast<double>(now_true.size());
    now_true = {{"{many}", count}};
  }
  for (const auto& [subject, value] : now_true) {
    Subject& s = state.subjects[subject];
    s.false_since = 0;
    if (s.raised) continue;
    s.raised = changed = true;
    std::string why = "the condition holds";
    if (rule.actuator)
      why = fmt::format("the condition still holds after {} of {} allowed restarts of {} within {} s",
                        runs_within(state.runs, now_ms, rule.actuator->window), rule.actuator->max_runs, rule.actuator->unit,
                        rule.actuator->window.count());
    raise(rule, subject, value, now_ms, why);
  }
  auto clear_after = std::chrono::duration_cast<std::chrono::milliseconds>(rule.clear_after).count();
  for (auto it = state.subjects.begin(); it != state.subjects.end();) {
    if (now_true.contains(it->first)) {
      ++it;
      continue;
    }
    Subject& s = it->second;
    if (s.false_since == 0 || s.false_since > now_ms) s.false_since = now_ms;
    if (now_ms - s.false_since < clear_after) {
      ++it;
      continue;
    }
    if (s.raised) clear(rule.name, it->first, now_ms, "the condition no longer holds");
    it = state.subjects.erase(it);
    changed = true;
  }
  return changed;
}

base::Result<> Engine::finished(const std::string& name, const RunResult& result, std::int64_t now_ms) {
  auto rule = std::find_if(rules_.begin(), rules_.end(), [&](const Rule& r) { return r.name == name; });
  auto state = states_.find(name);
  if (state == states_.end()) return {};  // the rule left the profile while its run was under way
  state->second.running = false;
  state->second.last_run = now_ms;
  bool known = rule != rules_.end() && rule->actuator;
  emit(Dict{{"kind", "run"},
            {"rule", name},
            {"unit", known ? rule->actuator->unit : std::string()},
            {"run", known ? runs_within(state->second.runs, now_ms, rule->actuator->window) : 0},
            {"of", known ? rule->actuator->max_runs : 0},
            {"outcome", result.outcome},
            {"message", result.message}},
       now_ms);
  return save();
}

std::vector<Event> Engine::pending(std::size_t limit) const {
  return {outbox_.begin(), outbox_.begin() + static_cast<std::ptrdiff_t>(std::min(limit, outbox_.size()))};
}

base::Result<> Engine::acknowledge(std::int64_t seq) {
  bool changed = false;
  while (!outbox_.empty() && outbox_.front().seq <= seq) {
    outbox_.pop_front();
    changed = true;
  }
  return changed ? save() : base::Result<>();
}

std::vector<Engine::Summary> Engine::summaries() const {
  std::vector<Summary> out;
  for (const auto& rule : rules_) {
    Summary summary{rule.name, false, 0, 0};
    if (auto it = states_.find(rule.name); it != states_.end()) {
      summary.holds = it->second.holds;
      summary.runs = it->second.total_runs;
      for (const auto& [subject, s] : it->second.subjects) summary.raised += s.raised;
    }
    out.push_back(std::move(summary));
  }
  return out;
}

}  // namespace monitor::rule
