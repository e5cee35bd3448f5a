// The engine's state file.
#include <unistd.h>

#include "base/crypto/crypto.h"
#include "base/diag/fail_point.h"
#include "base/file/file.h"
#include "base/profile/json.h"
#include "monitor/rule/engine.h"

namespace monitor::rule {
namespace {

using base::Errc;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

constexpr std::int64_t format_version = 1;

}  // namespace

base::Result<Engine> Engine::open(std::filesystem::path file) {
  Engine engine(std::move(file));
  engine.epoch_ = base::crypto::random_token(12);
  std::error_code error;
  if (!std::filesystem::exists(engine.file_, error)) {
    WEFT_TRY(engine.save());
    return engine;
  }
  auto text = WEFT_TRY(base::file::read(engine.file_, 16u << 20));
  auto value = base::profile::parse_json(text);
  auto loaded = value ? engine.load(*value) : base::Result<>(base::fail(value.error()));
  if (loaded) return engine;
  // Starting without memory of alarms beats not starting; the damaged file stays for whoever asks why.
  Engine fresh(engine.file_);
  fresh.epoch_ = base::crypto::random_token(12);
  fresh.damaged_ = loaded.error().text();
  std::filesystem::rename(fresh.file_, fresh.file_.string() + ".damaged", error);
  WEFT_TRY(fresh.save());
  return fresh;
}

base::Result<> Engine::load(const Value& value) {
  auto damaged = [](const char* what) { return base::fail(Errc::corrupt, std::string("rule state: ") + what); };
  if (value.get_integer("version") != format_version) return damaged("unknown version");
  const Value *states = value.get("states"), *outbox = value.get("outbox");
  if (value.get_string("epoch").empty() || !states || !states->is_dict() || !outbox || !outbox->is_list())
    return damaged("fields are missing");
  epoch_ = value.get_string("epoch");
  seq_ = value.get_integer("seq");
  dropped_events_ = value.get_integer("dropped");
  std::vector<std::pair<std::string, std::int64_t>> cut_off;
  for (const auto& [name, item] : *states->dict()) {
    State& state = states_[name];
    state.total_runs = item.get_integer("total_runs");
    state.last_run = item.get_integer("last_run");
    const Value *runs = item.get("runs"), *subjects = item.get("subjects");
    if (!runs || !runs->is_list() || !subjects || !subjects->is_dict()) return damaged("a rule's state is incomplete");
    for (const auto& run : *runs->list()) {
      if (!run.integer()) return damaged("a run without time");
      state.runs.push_back(*run.integer());
    }
    // A run that was under way when we died has been counted; what came of it nobody knows.
    if (item.get_boolean("running") && !state.runs.empty()) {
      state.last_run = std::max(state.last_run, state.runs.back());
      cut_off.emplace_back(name, state.last_run);
    }
    for (const auto& [subject, s] : *subjects->dict())
      state.subjects[subject] = {s.get_boolean("raised"), s.get_integer("false_since")};
  }
  for (const auto& item : *outbox->list()) {
    if (item.get_integer("seq") <= 0) return damaged("an event without number");
    Event& event = outbox_.emplace_back();
    event.seq = item.get_integer("seq");
    event.body = item;
  }
  for (const auto& [name, time] : cut_off)
    emit(Dict{{"kind", "run"},
              {"rule", name},
              {"outcome", "unknown"},
              {"message", "weft-sensord ended while the run was under way"}},
         time);
  return {};
}

base::Result<> Engine::save() {
  Dict states;
  for (const auto& [name, state] : states_) {
    Dict subjects;
    List runs;
    for (const auto& [subject, s] : state.subjects)
      subjects[subject] = Dict{{"raised", s.raised}, {"false_since", s.false_since}};
    for (std::int64_t run : state.runs) runs.emplace_back(run);
    states[name] = Dict{{"total_runs", state.total_runs},
                        {"last_run", state.last_run},
                        {"running", state.running},
                        {"runs", std::move(runs)},
                        {"subjects", std::move(subjects)}};
  }
  List outbox;
  for (const auto& event : outbox_) outbox.push_back(event.body);
  Dict whole{
      {"version", format_version},  {"epoch", epoch_}, {"seq", seq_}, {"dropped", dropped_events_}, {"states", std::move(states)},
      {"outbox", std::move(outbox)}};
  WEFT_TRY(base::fail_point("monitor.rule.save"));
  auto written = base::file::write_atomic(file_, base::profile::to_json(Value(std::move(whole))), {.mode = 0640});
  WEFT_TRY(base::fail_point("monitor.rule.saved"));
  return written;
}

}  // namespace monitor::rule
