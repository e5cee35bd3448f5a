// `weft rollout`: how revisions reach the nodes in waves, and the buttons.
#include <algorithm>
#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "base/file/file.h"
#include "base/text/text.h"
#include "base/yaml/yaml.h"
#include "programs/weft/output.h"
#include "programs/weft/session.h"

namespace programs::weft {
namespace {

using base::Errc;
using base::fail;
using base::cli::Arguments;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

std::string state_text(const Value& rollout) {
  const auto state = rollout.get_string("state");
  const auto colour = state == "halted" || state == "reverting" || state == "reverted" ? Colour::red
                      : state == "done"                                                ? Colour::green
                      : state == "paused"                                              ? Colour::yellow
                                                                                       : Colour::plain;
  return paint(colour, state);
}

std::string wave_text(const Value& rollout) {
  const auto& waves = list_of(rollout, "waves");
  const auto wave = rollout.get_integer("wave");
  if (wave < 1 || wave > static_cast<std::int64_t>(waves.size())) return fmt::format("0/{}", waves.size());
  const auto& name = waves[static_cast<std::size_t>(wave) - 1];
  return fmt::format("{}/{} {}", wave, waves.size(), name.is_string() ? *name.string() : "");
}

std::string nodes_text(const Value& rollout) {
  const auto* counts = rollout.get("nodes");
  std::string out;
  for (const auto* state : {"applied", "released", "failed", "skipped", "waiting", "superseded"}) {
    const auto count = counts ? counts->get_integer(state) : 0;
    if (count > 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count, state);
  }
  return out.empty() ? "-" : out;
}

base::Result<std::int64_t> revision_of(const Arguments& arguments) {
  const std::string text(arguments.get("REV"));
  if (text.empty() || text.size() > 15 || text.find_first_not_of("0123456789") != std::string::npos)
    return fail(Errc::invalid, fmt::format("'{}' is not a revision number", text), "weft rollout list shows the roll-outs");
  return std::stoll(text);
}

void print_stopped(const Value& answer) {
  const auto* stopped = answer.get("stopped");
  if (!stopped || !stopped->is_dict()) return;
  fmt::print("{} since {} by {}: {}\n", paint(Colour::red, "all roll-outs are stopped"), stopped->get_string("since"),
             stopped->get_string("by"), stopped->get_string("reason"));
}

base::Result<int> list(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto answer = WEFT_TRY(call(client, "GET", arguments.has("open") ? "/v1/rollout?open=true" : "/v1/rollout"));
  if (arguments.has("json")) {
    print_json(answer);
    return 0;
  }
  print_stopped(answer);
  std::vector<std::vector<std::string>> rows;
  for (const auto& rollout : list_of(answer, "rollouts")) {
    rows.push_back({std::to_string(rollout.get_integer("revision")), std::string(rollout.get_string("policy")),
                    state_text(rollout), wave_text(rollout), nodes_text(rollout), std::string(rollout.get_string("author")),
                    std::string(rollout.get_string("message")).substr(0, 40)});
  }
  if (rows.empty()) {
    fmt::print("no roll-outs{}: commits go out at once unless a policy is named\n", arguments.has("open") ? " on the way" : "");
    return 0;
  }
  fmt::print("{}", base::cli::table({"REVISION", "POLICY", "STATE", "WAVE", "NODES", "AUTHOR", "MESSAGE"}, rows));
  return 0;
}

void print_rollout(const Value& rollout, bool all) {
  fmt::print("{}  {} by {}: {}\n", paint(Colour::bold, fmt::format("revision {}", rollout.get_integer("revision"))),
             rollout.get_string("branch"), rollout.get_string("author"), rollout.get_string("message"));
  fmt::print("  policy    {}\n", rollout.get_string("policy"));
  fmt::print("  state     {}{}{}\n", state_text(rollout), rollout.get_string("reason").empty() ? "" : ": ",
             rollout.get_string("reason"));
  fmt::print("  wave      {}\n  nodes     {}\n", wave_text(rollout), nodes_text(rollout));
  std::vector<std::vector<std::string>> rows;
  std::size_t left_out = 0;
  for (const auto& node : list_of(rollout, "node_list")) {
    const auto state = node.get_string("state");
    const bool telling = state == "failed" || state == "released" || state == "skipped";
    if (!all && (!telling || rows.size() >= 20)) {
      ++left_out;
      continue;
    }
    rows.push_back({std::string(node.get_string("node")), std::to_string(node.get_integer("wave")), std::string(state),
                    std::string(node.get_string("changed")).substr(0, 19), std::string(node.get_string("message"))});
  }
  if (!rows.empty()) fmt::print("\n{}", base::cli::table({"NODE", "WAVE", "STATE", "SINCE (UTC)", "WHY"}, rows));
  if (left_out > 0) fmt::print("\n{} more nodes: --all shows them\n", left_out);
}

base::Result<int> show(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto answer = WEFT_TRY(call(client, "GET", fmt::format("/v1/rollout/{}", WEFT_TRY(revision_of(arguments)))));
  if (arguments.has("json")) {
    print_json(answer);
  } else {
    print_rollout(answer, arguments.has("all"));
  }
  return 0;
}

base::Result<int> wait(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto revision = WEFT_TRY(revision_of(arguments));
  const auto timeout = WEFT_TRY(base::text::parse_duration(arguments.get("timeout")));
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  Progress progress;
  for (;;) {
    const auto answer = WEFT_TRY(call(client, "GET", fmt::format("/v1/rollout/{}", revision)));
    const auto state = answer.get_string("state");
    const bool moving = state == "running" || state == "reverting";
    const bool late = std::chrono::steady_clock::now() >= deadline;
    if (moving && !late) {
      progress.show(fmt::format("wave {}, {}; {}", wave_text(answer), nodes_text(answer), answer.get_string("reason")));
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
      continue;
    }
    progress.show("");
    if (arguments.has("json")) {
      print_json(answer);
    } else {
      print_rollout(answer, false);
    }
    return state == "done" ? 0 : 1;
  }
}

template <const char* action>
base::Result<int> press(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto revision = WEFT_TRY(revision_of(arguments));
  Dict body{{"action", action}, {"reason", arguments.get("message")}};
  const auto answer = WEFT_TRY(call(client, "POST", fmt::format("/v1/rollout/{}", revision), body));
  if (arguments.has("json")) {
    print_json(answer);
  } else {
    print_rollout(answer, false);
  }
  return 0;
}

template <bool stopped>
base::Result<int> turn(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto answer =
      WEFT_TRY(call(client, "POST", "/v1/rollout", Dict{{"stopped", stopped}, {"reason", arguments.get("message")}}));
  if (arguments.has("json")) {
    print_json(answer);
  } else {
    fmt::print("{}\n", stopped ? "no wave is released until weft rollout start; commits without a policy still go out at once"
                               : "roll-outs go on");
  }
  return 0;
}

base::Result<int> policy_list(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto answer = WEFT_TRY(call(client, "GET", "/v1/rollout-policy?branch=" + url_encode(arguments.get("branch"))));
  if (arguments.has("json")) {
    print_json(answer);
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& policy : list_of(answer, "policies")) {
    std::string waves;
    const auto* document = policy.get("policy");
    if (document) {
      for (const auto& wave : list_of(*document, "waves"))
        waves += fmt::format("{}{}", waves.empty() ? "" : ", ", wave.get_string("name", "?"));
    }
    rows.push_back({std::string(policy.get_string("name")),
                    policy.get_string("name") == answer.get_string("default") ? std::string("default") : std::string(), waves,
                    std::string(policy.get_string("author")), std::string(policy.get_string("changed")).substr(0, 19)});
  }
  if (rows.empty()) {
    fmt::print("no policies: weft rollout policy set NAME FILE makes one\n");
    return 0;
  }
  fmt::print("{}", base::cli::table({"POLICY", "", "WAVES", "AUTHOR", "CHANGED (UTC)"}, rows));
  return 0;
}

base::Result<int> policy_show(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto answer = WEFT_TRY(call(client, "GET", "/v1/rollout-policy"));
  std::vector<std::string> names;
  for (const auto& policy : list_of(answer, "policies")) {
    if (policy.get_string("name") == arguments.get("NAME")) {
      print_json(policy);
      return 0;
    }
    names.emplace_back(policy.get_string("name"));
  }
  return fail(
      Errc::not_found,
      fmt::format("no policy '{}'{}", arguments.get("NAME"), base::text::did_you_mean_suffix(arguments.get("NAME"), names)),
      "weft rollout policy list shows them");
}

base::Result<int> policy_set(const Arguments& arguments) {
  const std::string file(arguments.get("FILE"));
  const auto document = WEFT_TRY(base::yaml::parse(WEFT_TRY(base::file::read(file, 65536)), file));
  auto client = WEFT_TRY(connect(arguments));
  const auto answer = WEFT_TRY(call(
      client, "PUT",
      fmt::format("/v1/rollout-policy/{}{}", url_encode(arguments.get("NAME")), arguments.has("dry-run") ? "?dry_run=true" : ""),
      document));
  if (arguments.has("json")) {
    print_json(answer);
  } else {
    fmt::print("{} {}\n", answer.get_string("name"),
               answer.get_boolean("stored") ? "stored; roll-outs on the way keep theirs" : "is right");
  }
  return 0;
}

base::Result<int> policy_remove(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto answer = WEFT_TRY(call(client, "DELETE", "/v1/rollout-policy/" + url_encode(arguments.get("NAME"))));
  if (arguments.has("json")) {
    print_json(answer);
  } else {
    fmt::print("{} removed\n", answer.get_string("name"));
  }
  return 0;
}

base::Result<int> policy_default(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const std::string name(arguments.get("NAME"));
  const auto answer =
      WEFT_TRY(call(client, "POST", "/v1/rollout-default",
                    Dict{{"branch", arguments.get("BRANCH")}, {"policy", name == "none" ? Value() : Value(name)}}));
  if (arguments.has("json")) {
    print_json(answer);
  } else if (name == "none") {
    fmt::print("commits to {} go out at once\n", arguments.get("BRANCH"));
  } else {
    fmt::print("commits to {} are rolled out by policy {}\n", arguments.get("BRANCH"), name);
  }
  return 0;
}

base::cli::Command policy_command() {
  const base::cli::Option name{.name = "NAME", .help = "the policy"};
  base::cli::Command command;
  command.name = "policy";
  command.summary = "waves, gates and health bars that roll-outs follow";
  command.examples = {{"weft rollout policy list", "which there are, and the default"}};
  command.commands = {
      verb("list", "the policies, and the default of a branch",
           {{.name = "--branch", .value = "BRANCH", .help = "whose default", .default_value = "main"}},
           {{"weft rollout policy list", "all of them"}}, policy_list),
      verb("show", "one policy as JSON", {name}, {{"weft rollout policy show careful", "its waves and bars"}}, policy_show),
      verb("set", "make or change a policy from a YAML or JSON file",
           {name, {.name = "FILE", .help = "the document"}, {.name = "--dry-run", .help = "check it, store nothing"}},
           {{"weft rollout policy set careful careful.yaml", "canary, a tenth, then rack by rack"}}, policy_set),
      verb("remove", "remove a policy that no branch uses", {name}, {{"weft rollout policy remove old", ""}}, policy_remove),
      verb("default", "the policy of commits to a branch that name none",
           {{.name = "BRANCH", .help = "the branch"}, {.name = "NAME", .help = "the policy, or none: at once"}},
           {{"weft rollout policy default main careful", "every commit to main goes in waves"}}, policy_default)};
  return command;
}

constexpr char pause[] = "pause", resume[] = "resume", release[] = "release", finish[] = "finish", revert[] = "revert";

}  // namespace

base::cli::Command rollout_command() {
  const base::cli::Option revision{.name = "REV", .help = "the revision that is rolled out"};
  const base::cli::Option why{.name = "--message", .value = "TEXT", .help = "why, for the audit"};
  base::cli::Command command;
  command.name = "rollout";
  command.summary = "revisions on their way to the nodes, wave by wave";
  command.description =
      "A commit with a policy reaches the nodes in waves: each waits for the reports of the nodes before it and for what the "
      "policy "
      "asks of their health. Nodes whose wave has not come keep what they have. When too many fail, the roll-out halts or is "
      "reverted.";
  command.examples = {{"weft template commit site -m 'new kernel' --rollout careful", "start one"},
                      {"weft rollout show 12", "how far it is, and what it waits for"},
                      {"weft rollout stop --message 'power cut'", "nothing goes on anywhere"}};
  command.commands = {
      verb("list", "roll-outs, newest first", {{.name = "--open", .help = "only those that are not over"}},
           {{"weft rollout list --open", "what is on the way"}}, list),
      verb("show", "one roll-out: its waves, its nodes, what it waits for", {revision, {.name = "--all", .help = "every node"}},
           {{"weft rollout show 12", "who failed, and why"}}, show),
      verb("wait", "wait until a roll-out is over; exit status 1 unless it is done",
           {revision, {.name = "--timeout", .value = "TIME", .help = "give up after", .default_value = "1h"}},
           {{"weft rollout wait 12", ""}}, wait),
      verb("pause", "let no further wave go", {revision, why}, {{"weft rollout pause 12", ""}}, press<pause>),
      verb("resume", "go on after a pause or a halt; nodes that failed until now no longer count", {revision, why},
           {{"weft rollout resume 12 --message 'the disk was broken before'", ""}}, press<resume>),
      verb("release", "let the next wave go now", {revision, why}, {{"weft rollout release 12", "open a manual gate"}},
           press<release>),
      verb("finish", "let all waves go at once", {revision, why}, {{"weft rollout finish 12", ""}}, press<finish>),
      verb("revert", "take the revision back everywhere", {revision, why}, {{"weft rollout revert 12", ""}}, press<revert>),
      verb("stop", "the stop switch: no roll-out goes on", {why}, {{"weft rollout stop --message 'power cut'", ""}}, turn<true>),
      verb("start", "let roll-outs go on", {why}, {{"weft rollout start", ""}}, turn<false>),
      policy_command()};
  return command;
}

}  // namespace programs::weft
