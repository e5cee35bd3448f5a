#include "agent/journal/executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/diag/fail_point.h"
#include "base/text/text.h"

namespace agent::journal {

using base::Errc;
using base::fail;
using base::Result;
using plan::Action;
using plan::Kind;
using plan::Verb;

std::string_view outcome_name(Outcome outcome) {
  static constexpr std::array<std::string_view, 5> names{"unchanged", "changed", "failed", "held", "dependency-failed"};
  return names[static_cast<std::size_t>(outcome)];
}

namespace {

class Executor {
 public:
  Executor(plan::Plan& plan, machine::Machine& machine, Journal& journal, const Objects& objects)
      : plan_(plan), machine_(machine), journal_(journal), objects_(objects), marks_(plan.actions.size(), Mark::none) {
    for (const auto& row : plan.components) {
      auto& report = reports_[row.component];
      report.failed = row.status == plan::Status::failed || !row.problems.empty();
      report.messages = row.problems;
    }
  }

  Result<> run() {
    for (std::size_t i = 0; i < plan_.actions.size(); ++i) {
      auto& action = plan_.actions[i];
      auto& report = reports_[action.component];
      if (auto need = failed_need(action.component); !need.empty()) {
        report.waits_for = need;
        continue;
      }
      if (!triggered(action)) continue;
      if (auto saved = save_before(action); !saved) {
        report.failed = true;
        report.messages.push_back(saved.error().text());
        continue;
      }
      WEFT_TRY(journal_.mark(i, Mark::intent, true));
      marks_[i] = Mark::intent;
      auto done = perform(action);
      if (done) {
        ++report.done;
        if (action.verb == Verb::packages) packages_done_ = true;
      } else {
        report.failed = true;
        report.messages.push_back(describe(action) + ": " + done.error().text());
      }
      marks_[i] = done ? Mark::done : Mark::failed;
      WEFT_TRY(journal_.mark(i, marks_[i], !plan::is_file_verb(action.verb)));
    }
    return {};
  }

  Execution result() const {
    Execution out;
    for (const auto& row : plan_.components) {
      const auto& report = reports_.at(row.component);
      ComponentOutcome component;
      component.name = row.component;
      component.actions = report.done;
      out.done += report.done;
      std::vector<std::string> texts;
      if (row.status == plan::Status::held) {
        component.outcome = Outcome::held;
      } else if (!report.waits_for.empty()) {
        component.outcome = Outcome::dependency_failed;
        texts.push_back("not done because component '" + report.waits_for + "' failed");
        out.ok = false;
      } else if (report.failed) {
        component.outcome = Outcome::failed;
        out.ok = false;
      } else if (report.done > 0) {
        component.outcome = Outcome::changed;
      }
      texts.insert(texts.end(), report.messages.begin(), report.messages.end());
      texts.insert(texts.end(), row.notes.begin(), row.notes.end());
      if (texts.size() > 6) {
        auto more = texts.size() - 6;
        texts.resize(6);
        texts.push_back(fmt::format("and {} more", more));
      }
      component.message = base::text::join(texts, "; ");
      out.components.push_back(std::move(component));
    }
    return out;
  }

  const std::vector<Mark>& marks() const { return marks_; }

 private:
  struct Report {
    bool failed = false;
    int done = 0;
    std::string waits_for;
    std::vector<std::string> messages;
  };

  std::string failed_need(const std::string& component) const {
    for (const auto& row : plan_.components)
      if (row.component == component)
        for (const auto& need : row.needs)
          if (auto it = reports_.find(need); it != reports_.end() && (it->second.failed || !it->second.waits_for.empty()))
            return need;
    return {};
  }

  bool triggered(const Action& action) const {
    return action.triggers.empty() || std::any_of(action.triggers.begin(), action.triggers.end(), [&](int index) {
             return index >= 0 && static_cast<std::size_t>(index) < marks_.size() &&
                    marks_[static_cast<std::size_t>(index)] == Mark::done;
           });
  }

  // The content that is about to be replaced or removed is safe first. What is neither as planned nor as wanted has been changed
  // by somebody meanwhile: that is planned anew, except for what our own package transaction has just brought.
  Result<> save_before(Action& action) {
    if (!plan::is_file_verb(action.verb)) return {};
    auto now = WEFT_TRY(machine_.image(action.target));
    if (now != action.before && now != action.after) {
      if (!packages_done_)
        return fail(Errc::conflict, fmt::format("{} changed since the plan was made: it is {}", action.target, describe(now)),
                    "nothing to do: the next run plans again");
      if (now.kind == Kind::folder && action.after.kind != Kind::folder)
        return fail(Errc::conflict, action.target + " is a folder now", "manage another path, or move it away");
      for (auto& claim : plan_.claims)
        if (claim.key == "path:" + action.target && claim.before == plan::to_value(action.before))
          claim.before = plan::to_value(now);
      action.before = now;
    }
    if (now.kind == Kind::file && now != action.after) return objects_.put(now.sha256, WEFT_TRY(machine_.content(action.target)));
    return {};
  }

  Result<> perform(const Action& action) {
    WEFT_TRY(base::fail_point("agent.action.before"));
    bool already = plan::is_file_verb(action.verb) && machine_.check(action).has_value();
    if (!already) {
      static const std::string none;
      const auto* content = &none;
      if (action.verb == Verb::write_file) {
        auto blob = plan_.blobs.find(action.after.sha256);
        if (blob == plan_.blobs.end()) return fail(Errc::internal, "the plan lost the content of " + action.target);
        content = &blob->second;
      }
      WEFT_TRY(machine_.act(action, *content));
    }
    WEFT_TRY(base::fail_point("agent.action.after"));
    return machine_.check(action);
  }

  plan::Plan& plan_;
  machine::Machine& machine_;
  Journal& journal_;
  const Objects& objects_;
  std::vector<Mark> marks_;
  std::map<std::string, Report> reports_;
  bool packages_done_ = false;
};

// A file that is claimed for the first time may be changed by somebody before we ever write it: its content is kept now.
Result<> save_first_images(const plan::Plan& plan, machine::Machine& machine, const Objects& objects, const State& state) {
  for (const auto& claim : plan.claims) {
    if (state.tracked.contains(claim.key) || claim.before.get_string("kind") != kind_name(Kind::file)) continue;
    auto path = claim.key.substr(claim.key.find(':') + 1);
    auto now = machine.image(path);
    if (!now || now->sha256 != claim.before.get_string("sha256")) continue;
    if (auto content = machine.content(path)) WEFT_TRY(objects.put(now->sha256, *content));
  }
  return {};
}

}  // namespace

Result<Execution> execute(plan::Plan& plan, machine::Machine& machine, Journal& journal, const Objects& objects, State& state,
                          const std::filesystem::path& state_file) {
  WEFT_TRY(save_first_images(plan, machine, objects, state));
  Executor executor(plan, machine, journal, objects);
  bool journaled = !plan.actions.empty();
  if (journaled) {
    WEFT_TRY(journal.begin(plan));
    WEFT_TRY(executor.run());
  }
  auto before = state;
  settle(plan, executor.marks(), state);
  if (before.tracked != state.tracked || before.owed.size() != state.owed.size() || journaled) {
    WEFT_TRY(save_state(state_file, state));
    objects.keep_only(state.objects());
  }
  if (journaled) WEFT_TRY(journal.close());
  return executor.result();
}

Execution outcomes_without_running(const plan::Plan& plan, const std::string& reason) {
  Execution out;
  for (const auto& row : plan.components) {
    ComponentOutcome component;
    component.name = row.component;
    std::vector<std::string> texts = row.problems;
    texts.insert(texts.end(), row.notes.begin(), row.notes.end());
    bool failed = row.status == plan::Status::failed || !row.problems.empty();
    component.outcome = row.status == plan::Status::held || !reason.empty() ? Outcome::held
                        : failed                                            ? Outcome::failed
                                                                            : Outcome::unchanged;
    if (failed) out.ok = false;
    auto planned =
        std::count_if(plan.actions.begin(), plan.actions.end(), [&](const Action& a) { return a.component == row.component; });
    if (!reason.empty()) texts.insert(texts.begin(), reason);
    if (planned) texts.push_back(fmt::format("{} action{} planned", planned, planned == 1 ? "" : "s"));
    component.message = base::text::join(texts, "; ");
    out.components.push_back(std::move(component));
  }
  return out;
}

}  // namespace agent::journal
