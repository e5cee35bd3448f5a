// Roll-outs: their policies, how far they are, and the buttons.
#include <algorithm>

#include <fmt/format.h>

#include "base/profile/json.h"
#include "base/text/text.h"
#include "cdb/http/api.h"
#include "cdb/http/input.h"
#include "cdb/http/rights.h"
#include "cdb/rollout/policy.h"

namespace cdb::http {
namespace {

using base::Errc;
using base::fail;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;
using store::RolloutState;
using Step = store::Store::RolloutStep;

constexpr std::int64_t max_revision = std::int64_t{1} << 53;
constexpr std::size_t max_reason = 1000;
constexpr std::size_t max_policy = 65536;

Value rollout_json(const store::Rollout& rollout) {
  Dict counts;
  for (const auto& [state, count] : rollout.counts) counts[state] = count;
  List waves;
  for (const auto& name : rollout.names) waves.emplace_back(name);
  return Dict{{"revision", rollout.revision}, {"branch", rollout.branch},   {"author", rollout.author},
              {"message", rollout.message},   {"policy", rollout.policy},   {"state", std::string(name_of(rollout.state))},
              {"reason", rollout.reason},     {"wave", rollout.wave},       {"waves", std::move(waves)},
              {"nodes", std::move(counts)},   {"started", rollout.started}, {"updated", rollout.updated}};
}

Value time_json(const std::optional<store::RolloutNode::Time>& time) {
  return time ? Value(base::text::rfc3339(*time)) : Value();
}

base::Result<std::string> policy_name(const std::string& name) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'; };
  if (name.empty() || name.size() > 64 || !std::all_of(name.begin(), name.end(), good) || name == "none" ||
      name.find_first_of("._-") == 0)
    return fail(Errc::invalid, fmt::format("'{}' cannot be the name of a policy", name.substr(0, 64)),
                "lower-case letters, digits and . _ -; 'none' means at once");
  return name;
}

bool open(RolloutState state) {
  return state != RolloutState::done && state != RolloutState::reverted;
}

// What a button does in the state the roll-out is in.
base::Result<std::optional<Step>> pressed(const std::string& action, const std::string& reason, const std::string& who,
                                          const store::Rollout& rollout, const std::vector<store::RolloutNode>& nodes) {
  const auto refuse = [&](std::string_view hint) {
    return fail(Errc::conflict,
                fmt::format("the roll-out of revision {} is {}: it cannot {}", rollout.revision, name_of(rollout.state), action),
                std::string(hint));
  };
  const auto note = reason.empty() ? fmt::format("by {}", who) : fmt::format("by {}: {}", who, reason);
  if (!open(rollout.state)) return refuse("weft rollout show tells how it ended");
  if (rollout.state == RolloutState::reverting) return refuse("its revert is on the way");
  if (action == "pause") {
    if (rollout.state != RolloutState::running) return refuse("it does not go on as it is; resume lets it");
    return Step{{}, 0, RolloutState::paused, note};
  }
  if (action == "resume") {
    if (rollout.state == RolloutState::running) return refuse("it goes on already");
    // Failures until now are taken for what they are, or it would halt again at once.
    Step step{{}, 0, RolloutState::running, note};
    for (const auto& node : nodes) {
      if (node.state == store::RolloutNode::State::failed)
        step.nodes.push_back(
            {node.name, store::RolloutNode::State::skipped, fmt::format("{} (accepted by {})", node.message, who), true});
    }
    return step;
  }
  if (action == "release") {
    if (rollout.state != RolloutState::running) return refuse("resume it first");
    if (rollout.wave >= rollout.waves) return refuse("all waves are released");
    return Step{{}, rollout.wave + 1, RolloutState::running, note};
  }
  if (action == "finish") return Step{{}, rollout.waves, RolloutState::running, note};
  return Step{{}, 0, RolloutState::reverting, note};  // revert
}

}  // namespace

Api::Answer Api::rollout_list(const Request& request) {
  WEFT_TRY(may_read(request.identity));
  WEFT_TRY(only_query(request, {"open", "before", "limit"}));
  const bool open_only = WEFT_TRY(query_flag(request, "open")).value_or(false);
  const auto before = WEFT_TRY(query_integer(request, "before", 0, 0, max_revision));
  const auto limit = static_cast<int>(WEFT_TRY(query_integer(request, "limit", 50, 1, 1000)));
  List list;
  std::int64_t last = 0;
  for (const auto& rollout : WEFT_TRY(services_.store->rollouts(open_only, before, limit))) {
    list.push_back(rollout_json(rollout));
    last = rollout.revision;
  }
  const bool full = list.size() == static_cast<std::size_t>(limit);
  const auto stop = WEFT_TRY(services_.store->rollout_switch());
  return base::http::Response::json(Dict{
      {"rollouts", std::move(list)},
      {"stopped", stop.stopped ? Value(Dict{{"by", stop.author}, {"reason", stop.reason}, {"since", stop.changed}}) : Value()},
      {"next", full ? Value(last) : Value()}});
}

Api::Answer Api::rollout_one(const Request& request) {
  WEFT_TRY(may_read(request.identity));
  WEFT_TRY(only_query(request, {}));
  const auto revision = WEFT_TRY(parse_integer(request.params.at("revision"), "revision", 1, max_revision));
  const auto rollout = WEFT_TRY(services_.store->rollout(revision));
  auto out = rollout_json(rollout);
  List nodes;
  for (const auto& node : WEFT_TRY(services_.store->rollout_nodes(revision))) {
    nodes.emplace_back(Dict{{"node", node.name},
                            {"wave", node.wave},
                            {"state", std::string(name_of(node.state))},
                            {"message", node.message},
                            {"released", time_json(node.released)},
                            {"changed", time_json(node.changed)}});
  }
  out["node_list"] = std::move(nodes);
  out["document"] = WEFT_TRY(base::profile::parse_json(rollout.document));
  return base::http::Response::json(out);
}

Api::Answer Api::rollout_action(const Request& request) {
  WEFT_TRY(must_be_person(request.identity, "steer a roll-out"));
  WEFT_TRY(only_query(request, {}));
  const auto revision = WEFT_TRY(parse_integer(request.params.at("revision"), "revision", 1, max_revision));
  const auto value = WEFT_TRY(body(request, 65536, {"action", "reason"}));
  const auto action = WEFT_TRY(need_string(value, "action", 32));
  const std::vector<std::string> actions{"pause", "resume", "release", "finish", "revert"};
  if (std::find(actions.begin(), actions.end(), action) == actions.end())
    return fail(Errc::invalid, fmt::format("no action '{}'{}", action, base::text::did_you_mean_suffix(action, actions)),
                "one of: " + base::text::join(actions, ", "));
  const auto reason = WEFT_TRY(text_or(value, "reason", "", max_reason));
  WEFT_TRY(services_.store->step_rollout(actor(request.identity), revision,
                                         [&](const store::Rollout& rollout, const std::vector<store::RolloutNode>& nodes) {
                                           return pressed(action, reason, request.identity.name, rollout, nodes);
                                         }));
  if (services_.rollout) services_.rollout->hint();
  return base::http::Response::json(rollout_json(WEFT_TRY(services_.store->rollout(revision))));
}

Api::Answer Api::rollout_switch(const Request& request) {
  WEFT_TRY(must_be_person(request.identity, "stop or start all roll-outs"));
  WEFT_TRY(only_query(request, {}));
  const auto value = WEFT_TRY(body(request, 65536, {"stopped", "reason"}));
  if (!value.get("stopped"))
    return fail(Errc::invalid, "'stopped' is missing", "true stops all roll-outs, false lets them go on");
  const bool stopped = WEFT_TRY(flag(value, "stopped", false));
  const auto reason = WEFT_TRY(text_or(value, "reason", "", max_reason));
  WEFT_TRY(services_.store->set_rollout_switch(actor(request.identity), stopped, reason));
  if (services_.rollout) services_.rollout->hint();
  return base::http::Response::json(Dict{{"stopped", stopped}});
}

Api::Answer Api::rollout_policy_list(const Request& request) {
  WEFT_TRY(may_read(request.identity));
  WEFT_TRY(only_query(request, {"branch"}));
  List list;
  for (const auto& policy : WEFT_TRY(services_.store->rollout_policies())) {
    list.emplace_back(Dict{{"name", policy.name},
                           {"policy", WEFT_TRY(base::profile::parse_json(policy.document))},
                           {"author", policy.author},
                           {"changed", policy.changed}});
  }
  const auto branch = query_text(request, "branch").value_or("main");
  const auto standard = WEFT_TRY(services_.store->rollout_default(branch));
  return base::http::Response::json(
      Dict{{"policies", std::move(list)}, {"branch", branch}, {"default", standard.empty() ? Value() : Value(standard)}});
}

Api::Answer Api::rollout_policy_put(const Request& request) {
  WEFT_TRY(must_be_person(request.identity, "change a roll-out policy"));
  WEFT_TRY(only_query(request, {"dry_run"}));
  const auto name = WEFT_TRY(policy_name(request.params.at("name")));
  if (request.body.size() > max_policy) return fail(Errc::exhausted, fmt::format("a policy has at most {} bytes", max_policy));
  const auto document = WEFT_TRY(base::profile::parse_json(request.body));
  WEFT_TRY(rollout::parse_policy(document));
  if (WEFT_TRY(query_flag(request, "dry_run")).value_or(false))
    return base::http::Response::json(Dict{{"name", name}, {"stored", false}});
  WEFT_TRY(services_.store->set_rollout_policy(actor(request.identity), name, base::profile::to_json(document)));
  return base::http::Response::json(Dict{{"name", name}, {"stored", true}});
}

Api::Answer Api::rollout_policy_delete(const Request& request) {
  WEFT_TRY(must_be_person(request.identity, "remove a roll-out policy"));
  WEFT_TRY(only_query(request, {}));
  const auto& name = request.params.at("name");
  WEFT_TRY(services_.store->set_rollout_policy(actor(request.identity), name, std::nullopt));
  return base::http::Response::json(Dict{{"name", name}, {"removed", true}});
}

Api::Answer Api::rollout_default(const Request& request) {
  WEFT_TRY(must_be_person(request.identity, "choose the roll-out policy of a branch"));
  WEFT_TRY(only_query(request, {}));
  const auto value = WEFT_TRY(body(request, 65536, {"branch", "policy"}));
  const auto branch = WEFT_TRY(need_string(value, "branch", 64));
  const auto* policy = value.get("policy");
  if (!policy) return fail(Errc::invalid, "'policy' is missing", "the name of one, or null: commits go out at once");
  const auto name = policy->is_null() ? std::string() : WEFT_TRY(need_string(value, "policy", 64));
  WEFT_TRY(services_.store->set_rollout_default(actor(request.identity), branch, name));
  return base::http::Response::json(Dict{{"branch", branch}, {"policy", name.empty() ? Value() : Value(name)}});
}

}  // namespace cdb::http
