#include "agent/journal/state.h"

#include "base/file/file.h"
#include "base/profile/json.h"

namespace agent::journal {

using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

namespace {

Value to_value(const Applied& applied) {
  return Dict{{"root", Value(applied.root)}, {"revision", Value(applied.revision)}};
}

Applied applied_from(const Value* value) {
  if (!value) return {};
  return {std::string(value->get_string("root")), value->get_integer("revision")};
}

}  // namespace

std::set<std::string> State::objects() const {
  std::set<std::string> out;
  for (const auto& [_, claim] : tracked)
    if (auto hash = claim.before.get_string("sha256"); !hash.empty()) out.emplace(hash);
  return out;
}

base::Result<State> load_state(const std::filesystem::path& file) {
  State state;
  std::error_code error;
  if (!std::filesystem::exists(file, error) && !error) return state;
  auto text = WEFT_TRY(base::file::read(file));
  auto damaged = [&](base::Error cause) {
    cause.code = base::Errc::corrupt;
    cause.hint = "restore the file from a backup, or move it away: then the agent forgets what it could undo";
    return base::fail(std::move(cause).during("reading the agent's state " + file.string()));
  };
  auto value = base::profile::parse_json(text);
  if (!value) return damaged(std::move(value).error());
  state.applied = applied_from(value->get("applied"));
  state.previous = applied_from(value->get("previous"));
  state.pinned = applied_from(value->get("pinned"));
  state.pinned_instead = value->get_string("pinned_instead");
  if (const auto* tracked = value->get("tracked"); tracked && tracked->list())
    for (const auto& item : *tracked->list()) {
      auto claim = plan::claim_from(item);
      if (!claim) return damaged(std::move(claim).error());
      auto key = claim->key;
      state.tracked[key] = std::move(*claim);
    }
  if (const auto* owed = value->get("owed"); owed && owed->list())
    for (const auto& item : *owed->list()) {
      auto action = plan::action_from(item);
      if (!action) return damaged(std::move(action).error());
      state.owed.push_back({action->component, std::move(*action)});
    }
  return state;
}

base::Result<> save_state(const std::filesystem::path& file, const State& state) {
  List tracked, owed;
  for (const auto& [_, claim] : state.tracked) tracked.push_back(plan::to_value(claim));
  for (const auto& item : state.owed) owed.push_back(plan::to_value(item.action));
  Dict out{{"applied", to_value(state.applied)},   {"previous", to_value(state.previous)},
           {"pinned", to_value(state.pinned)},     {"pinned_instead", Value(state.pinned_instead)},
           {"tracked", Value(std::move(tracked))}, {"owed", Value(std::move(owed))}};
  base::file::WriteOptions options;
  options.mode = 0600;
  return base::file::write_atomic(file, base::profile::to_json(Value(std::move(out))) + "\n", options);
}

}  // namespace agent::journal
