#include "leaf/workflow/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "base/diag/fail_point.h"
#include "leaf/workflow/heartbeat.h"
#include "leaf/workflow/work_order.h"

namespace leaf::workflow {

using base::Errc;
using base::Error;
using base::fail;
using base::fail_point;
using base::Result;
using base::profile::Dict;
using base::profile::Value;

struct Engine::Turn {
  Lease lease;
  Instance run;
  Definition definition;
  const StepDefinition* step = nullptr;
  StepKind* kind = nullptr;
  StepContext context;
  Heartbeat* heartbeat = nullptr;
  int position = 0;
  bool past_return = false;
};

namespace {

double real_random() {
  thread_local std::mt19937_64 engine{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(engine);
}

// Worth another try by itself; everything else needs a person.
bool transient(Errc code) {
  return code == Errc::unavailable || code == Errc::timeout || code == Errc::exhausted || code == Errc::conflict ||
         code == Errc::denied;
}

}  // namespace

Engine::Engine(RunStore& store, Registry registry, EngineOptions options)
    : store_(store), registry_(std::move(registry)), options_(std::move(options)) {
  if (!options_.random) options_.random = real_random;
}

Vocabulary Engine::vocabulary() const {
  Vocabulary words;
  for (const auto& [name, kind] : registry_.kinds) words.kinds.push_back(name);
  for (const auto& [name, guard] : registry_.guards) words.guards.push_back(name);
  return words;
}

Result<Definition> Engine::definition_of(const Instance& run) {
  std::string source = WEFT_TRY(store_.definition_source(run.definition, run.version, run.sha256));
  return parse_definition(source, fmt::format("{} version {}", run.definition, run.version), vocabulary());
}

namespace {

const StepDefinition* past_return(const Definition& definition, const Instance& run) {
  for (const StepDefinition& step : definition.steps) {
    const StepRow* row = run.row(step.name);
    if (step.point_of_no_return && row && row->state != "skipped") return &step;
  }
  return nullptr;
}

}  // namespace

Result<> Engine::cancel(std::int64_t id, std::string_view who, std::string_view why) {
  Instance run = WEFT_TRY(store_.load(id));
  if (run.finished()) return fail(Errc::conflict, fmt::format("workflow {} is over ({}): nothing to cancel", id, run.state));
  Definition definition = WEFT_TRY(definition_of(run));
  if (const StepDefinition* step = past_return(definition, run)) {
    return fail(Errc::conflict, fmt::format("workflow {} is past its point of no return, step {}", id, step->name),
                "Close its work order, or clear the claim: the node then returns when it is verified");
  }
  return store_.cancel(id, who, why);
}

Result<bool> Engine::turn(std::string_view owner) {
  std::optional<Lease> lease = WEFT_TRY(store_.claim(owner, options_.lease));
  if (!lease) return false;
  Heartbeat heartbeat(store_, *lease, options_.lease, options_.heartbeat);
  Turn turn;
  turn.lease = *lease;
  turn.heartbeat = &heartbeat;
  auto next = drive(turn);
  if (!next) {
    if (options_.on_error) options_.on_error(lease->instance, next.error());
    // When the lease is still ours this names the trouble in the run; when it is not, it changes nothing.
    (void)store_.park(*lease, std::chrono::seconds(5), next.error().message, {});
  }
  return true;
}

Result<Engine::Next> Engine::drive(Turn& turn) {
  Next next = Next::again;
  while (next == Next::again) {
    if (turn.heartbeat->lost()) return fail(Errc::conflict, "the lease is lost");
    turn.run = WEFT_TRY(store_.load(turn.lease.instance));
    if (turn.run.finished()) return Next::parked;
    if (turn.definition.steps.empty()) turn.definition = WEFT_TRY(definition_of(turn.run));
    if (turn.run.step.empty()) {
      Transition first{.kind = "step"};
      first.next_step = turn.definition.steps.front().name;
      first.deadline = turn.definition.steps.front().timeout;
      WEFT_TRY(store_.apply(turn.lease, turn.run, first));
      continue;
    }
    turn.position = turn.definition.find(turn.run.step);
    if (turn.position < 0)
      return fail(Errc::internal, fmt::format("workflow {} is at an unknown step {}", turn.run.id, turn.run.step));
    turn.step = &turn.definition.steps[static_cast<std::size_t>(turn.position)];
    turn.kind = registry_.kinds.find(turn.step->kind)->second.get();

    turn.past_return = past_return(turn.definition, turn.run) != nullptr;
    StepContext& context = turn.context;
    context = StepContext{};
    context.instance = turn.run.id;
    context.fence = turn.lease.fence;
    context.subject = turn.run.subject;
    context.step = turn.step->name;
    context.idem_key = fmt::format("weft-{}/{}", turn.run.id, turn.step->name);
    context.created_by = turn.run.created_by;
    context.vars = turn.run.vars;
    context.input = turn.step->input;
    bool cancel_matters = !turn.past_return && turn.run.state != "compensating";
    context.may_act = [this, &turn, cancel_matters]() -> Result<> {
      if (turn.heartbeat->lost()) return fail(Errc::conflict, "the lease is lost");
      return store_.may_act(turn.lease, cancel_matters);
    };
    context.progress = [this, &turn](const Value& result) { return store_.progress(turn.lease, turn.context.step, result); };
    const StepRow* row = turn.run.row(turn.step->name);
    if (row) {
      context.attempts = row->attempts;
      context.before = row->before;
      context.result = row->result;
    }

    if (turn.run.state == "compensating") {
      next = WEFT_TRY(compensate(turn));
      continue;
    }
    if (turn.run.cancel_by && !turn.past_return) {
      Transition change{.kind = "cancel"};
      change.body["by"] = *turn.run.cancel_by;
      change.body["why"] = turn.run.cancel_why;
      change.state = "compensating";
      change.message = fmt::format("cancelled by {}, undoing", *turn.run.cancel_by);
      WEFT_TRY(store_.apply(turn.lease, turn.run, change));
      continue;
    }
    if (!turn.step->guard.empty()) {
      auto needed = registry_.guards.find(turn.step->guard)->second(context);
      if (!needed) {
        next = WEFT_TRY(retry_later(turn, needed.error()));
        continue;
      }
      if (!*needed) {
        if (row) WEFT_TRY(turn.kind->abandon(context));
        next = WEFT_TRY(finish_step(turn, "skipped", "skipped",
                                    fmt::format("not needed any more: {} no longer holds", turn.step->guard), {}, {}));
        continue;
      }
    }
    if (turn.run.state == "blocked") {
      next = WEFT_TRY(blocked(turn));
      continue;
    }
    if (std::find(turn.run.fired_timers.begin(), turn.run.fired_timers.end(), "deadline:" + turn.step->name) !=
        turn.run.fired_timers.end()) {
      next = WEFT_TRY(
          give_up(turn,
                  Error{Errc::timeout,
                        fmt::format("step {} did not come to its end in time; last word: {}", turn.step->name, turn.run.message),
                        "",
                        {}},
                  "failed"));
      continue;
    }
    if (!row)
      next = WEFT_TRY(begin(turn));
    else if (row->state == "intent")
      next = WEFT_TRY(recover(turn));
    else
      next = WEFT_TRY(check(turn));
  }
  return next;
}

Result<Engine::Next> Engine::begin(Turn& turn) {
  // Fail closed: an unreadable switch starts nothing.
  if (auto allowed = turn.context.may_act(); !allowed) return retry_later(turn, allowed.error());
  auto ready = turn.kind->ready(turn.context);
  if (!ready) return retry_later(turn, ready.error());
  if (!ready->done) return park(turn, turn.step->poll, ready->message);
  auto before = turn.kind->before(turn.context);
  if (!before) return retry_later(turn, before.error());
  turn.context.before = *before;

  Transition intent{.kind = "intent"};
  intent.step = StepChange{.step = turn.step->name, .state = "intent", .position = turn.position, .new_attempt = true};
  intent.step->input = turn.step->input;
  intent.step->before = *before;
  intent.message = turn.step->why;
  Error refused;
  intent.hook = [&](base::pg::Transaction& tx) -> Result<> {
    auto reserved = turn.kind->reserve(tx, turn.context);
    if (!reserved) refused = reserved.error();
    return reserved;
  };
  auto stored = store_.apply(turn.lease, turn.run, intent);
  if (!stored && stored.error().code == Errc::exhausted && !refused.message.empty())
    return park(turn, turn.step->poll, refused.message);
  if (!stored) return fail(std::move(stored.error()));
  WEFT_TRY(fail_point("leaf.step.intent"));
  turn.run = WEFT_TRY(store_.load(turn.lease.instance));
  turn.context.attempts = 1;
  return run_act(turn);
}

Result<Engine::Next> Engine::run_act(Turn& turn) {
  if (auto allowed = turn.context.may_act(); !allowed) return retry_later(turn, allowed.error());
  auto acted = turn.kind->act(turn.context);
  if (!acted) {
    if (turn.heartbeat->lost()) return fail(Errc::conflict, "the lease is lost");
    if (transient(acted.error().code) && turn.context.attempts < turn.step->retry.attempts)
      return retry_later(turn, acted.error());
    return give_up(turn, acted.error(), "failed");
  }
  WEFT_TRY(fail_point("leaf.step.acted"));
  Transition change{.kind = "acted"};
  change.step = StepChange{.step = turn.step->name, .state = "acted", .position = turn.position};
  WEFT_TRY(store_.apply(turn.lease, turn.run, change));
  return Next::again;
}

Result<Engine::Next> Engine::recover(Turn& turn) {
  // Whoever wrote this intent may have acted or not: look, never assume.
  auto seen = turn.kind->observe(turn.context);
  if (!seen) return retry_later(turn, seen.error());
  if (*seen == Seen::done) {
    Transition change{.kind = "found-done"};
    change.step = StepChange{.step = turn.step->name, .state = "acted", .position = turn.position};
    WEFT_TRY(store_.apply(turn.lease, turn.run, change));
    return Next::again;
  }
  if (*seen == Seen::unknown && !turn.kind->idempotent()) {
    return give_up(turn,
                   Error{Errc::timeout,
                         fmt::format("nobody can tell whether step {} acted before it was interrupted", turn.step->name),
                         "Look at the machine, then close this order with outcome 'acted' or 'retry'",
                         {}},
                   "unknown");
  }
  Transition change{.kind = "retry"};
  change.step = StepChange{.step = turn.step->name, .state = "intent", .position = turn.position, .new_attempt = true};
  WEFT_TRY(store_.apply(turn.lease, turn.run, change));
  turn.run = WEFT_TRY(store_.load(turn.lease.instance));
  turn.context.attempts += 1;
  return run_act(turn);
}

Result<Engine::Next> Engine::check(Turn& turn) {
  if (auto allowed = turn.context.may_act(); !allowed) return retry_later(turn, allowed.error());
  auto verdict = turn.kind->verify(turn.context);
  if (!verdict) {
    if (turn.heartbeat->lost()) return fail(Errc::conflict, "the lease is lost");
    if (transient(verdict.error().code)) return retry_later(turn, verdict.error());
    return give_up(turn, verdict.error(), "failed");
  }
  std::optional<Value> result;
  if (!verdict->result.is_null()) result = verdict->result;
  if (!verdict->done) return park(turn, turn.step->poll, verdict->message, result);
  WEFT_TRY(fail_point("leaf.step.verified"));
  return finish_step(turn, "verified", "verified", verdict->message, result,
                     [&](base::pg::Transaction& tx) { return turn.kind->conclude(tx, turn.context); });
}

Result<Engine::Next> Engine::finish_step(Turn& turn, std::string_view state, std::string_view kind, std::string message,
                                         std::optional<Value> result, Hook hook) {
  Transition change{.kind = std::string(kind)};
  change.body["step"] = turn.step->name;
  change.body["message"] = message;
  change.step = StepChange{.step = turn.step->name, .state = std::string(state), .position = turn.position, .message = message};
  change.step->result = std::move(result);
  change.hook = std::move(hook);
  change.state = "running";
  change.message = "";
  auto following = static_cast<std::size_t>(turn.position) + 1;
  if (following < turn.definition.steps.size()) {
    change.next_step = turn.definition.steps[following].name;
    change.deadline = turn.definition.steps[following].timeout;
  } else {
    change.state = "done";
    change.message = message;
  }
  auto stored = store_.apply(turn.lease, turn.run, change);
  // A conclusion may find that it is too early (a claim came in between): the step waits on.
  if (!stored && stored.error().code == Errc::exhausted) return park(turn, turn.step->poll, stored.error().message);
  if (!stored) return fail(std::move(stored.error()));
  return change.state == "done" ? Next::parked : Next::again;
}

Result<Engine::Next> Engine::give_up(Turn& turn, const Error& error, std::string_view state) {
  Transition change{.kind = std::string(state)};
  change.body["step"] = turn.step->name;
  change.body["error"] = error.text();
  change.step =
      StepChange{.step = turn.step->name, .state = std::string(state), .position = turn.position, .message = error.message};
  bool undo = turn.step->on_failure == OnFailure::compensate;
  change.state = undo ? "compensating" : "blocked";
  change.message = undo ? "failed, undoing: " + error.message : "a person must decide: " + error.message;
  change.hook = [&](base::pg::Transaction& tx) -> Result<> {
    WEFT_TRY(turn.kind->gave_up(tx, turn.context, error));
    if (!undo) WEFT_TRY(ask_decision(tx, turn.run, turn.step->name, error));
    return {};
  };
  WEFT_TRY(store_.apply(turn.lease, turn.run, change));
  return Next::again;
}

Result<Engine::Next> Engine::blocked(Turn& turn) {
  const Instance::Signal* answer = nullptr;
  std::string wanted = "decision:" + turn.step->name;
  for (const auto& signal : turn.run.signals) {
    if (signal.name == wanted) answer = &signal;
  }
  if (!answer) return park(turn, std::chrono::hours(1), turn.run.message);
  bool acted = answer->body.get_string("outcome") == "acted";
  Transition change{.kind = "decided"};
  change.body["answer"] = answer->body;
  const StepRow* row = turn.run.row(turn.step->name);
  // "retry" goes back to the intent, so the next thing is to look whether it was done after all.
  change.step =
      StepChange{.step = turn.step->name, .state = acted ? "acted" : "intent", .position = turn.position, .reset_attempts = true};
  if (!row) change.step->state = "intent";
  change.state = "running";
  change.message = fmt::format("{} decided: {}", answer->body.get_string("who"), acted ? "it was done" : "try again");
  change.deadline = turn.step->timeout;
  change.consume = wanted;
  WEFT_TRY(store_.apply(turn.lease, turn.run, change));
  return Next::again;
}

Result<Engine::Next> Engine::compensate(Turn& turn) {
  for (auto i = turn.definition.steps.size(); i-- > 0;) {
    const StepDefinition& step = turn.definition.steps[i];
    const StepRow* row = turn.run.row(step.name);
    if (!row || row->state == "compensated" || row->state == "skipped") continue;
    if (step.compensate) {
      StepContext context = turn.context;
      context.step = step.name;
      context.idem_key = row->idem_key;
      context.input = step.input;
      context.before = row->before;
      context.result = row->result;
      context.attempts = row->attempts;
      if (auto allowed = context.may_act(); !allowed) return retry_later(turn, allowed.error());
      auto undone = registry_.kinds.find(step.kind)->second->compensate(context);
      if (!undone) return park(turn, step.retry.cap / 4, fmt::format("undoing {}: {}", step.name, undone.error().message));
    }
    Transition change{.kind = "compensated"};
    change.body["step"] = step.name;
    change.step = StepChange{.step = step.name, .state = "compensated", .position = static_cast<int>(i)};
    WEFT_TRY(store_.apply(turn.lease, turn.run, change));
    return Next::again;
  }
  Transition end{.kind = "ended"};
  end.state = turn.run.cancel_by ? "cancelled" : "failed";
  end.message = turn.run.cancel_by ? fmt::format("cancelled by {}", *turn.run.cancel_by) : turn.run.message;
  WEFT_TRY(store_.apply(turn.lease, turn.run, end));
  return Next::parked;
}

Result<Engine::Next> Engine::retry_later(Turn& turn, const Error& error) {
  if (turn.heartbeat->lost()) return fail(Errc::conflict, "the lease is lost");
  if (error.code == Errc::denied) return park(turn, options_.stopped_poll, error.message);
  return park(turn, turn.step->retry.delay(std::max(1, turn.context.attempts), options_.random()), error.message);
}

Result<Engine::Next> Engine::park(Turn& turn, std::chrono::milliseconds wait, std::string_view message,
                                  const std::optional<Value>& result) {
  WEFT_TRY(store_.park(turn.lease, wait, message, result));
  return Next::parked;
}

}  // namespace leaf::workflow
