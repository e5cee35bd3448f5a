// `weft rights`: the policy, and what it means for somebody.
#include <fmt/format.h>

#include "base/file/file.h"
#include "base/text/text.h"
#include "cdb/build/attributes.h"
#include "cdb/rights/policy.h"
#include "programs/weft/output.h"
#include "programs/weft/rights_text.h"
#include "programs/weft/session.h"

namespace programs::weft {
namespace {

using base::Errc;
using base::fail;
using base::cli::Arguments;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

std::string words(const List& list, std::string_view none) {
  return list.empty() ? std::string(none) : some_names(list, list.size());
}

base::Result<int> show(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto number = arguments.get("NUMBER");
  const auto answer = WEFT_TRY(call(client, "GET", number.empty() ? "/v1/rights" : "/v1/rights?number=" + url_encode(number)));
  if (arguments.has("json")) {
    print_json(answer);
    return 0;
  }
  const auto text = answer.get_string("text");
  fmt::print(stderr, "policy {}, {} by {}: {}\n", answer.get_integer("number"), answer.get_string("time"),
             answer.get_string("author"), answer.get_string("message"));
  fmt::print("{}{}", text, text.ends_with('\n') ? "" : "\n");
  return 0;
}

base::Result<int> log(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto answer = WEFT_TRY(call(client, "GET", "/v1/rights/log?limit=1000"));
  if (arguments.has("json")) {
    print_json(answer);
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& one : list_of(answer, "policies")) {
    rows.push_back({std::to_string(one.get_integer("number")), std::string(one.get_string("time")),
                    std::string(one.get_string("author")), std::string(one.get_string("message"))});
  }
  if (rows.empty()) {
    fmt::print("no policy was ever set: every person may do everything\n");
    return 0;
  }
  fmt::print("{}", base::cli::table({"POLICY", "TIME", "AUTHOR", "WHY"}, rows));
  return 0;
}

base::Result<int> check(const Arguments& arguments) {
  const std::string file(arguments.get("FILE"));
  const auto text = WEFT_TRY(base::file::read(file, cdb::rights::max_policy));
  const auto policy = cdb::rights::parse_policy(text, cdb::build::attribute_names());
  if (!policy) {
    auto error = policy.error();
    return fail(std::move(error).during("reading " + file));
  }
  const auto found = cdb::rights::warnings(*policy);
  if (arguments.has("json")) {
    print_json(Dict{{"rules", policy->rules.size()},
                    {"owners", policy->owners.size()},
                    {"approvals", policy->approvals.size()},
                    {"warnings", List(found.begin(), found.end())}});
    return 0;
  }
  for (const auto& one : found) fmt::print("{} {}\n", paint(Colour::yellow, "warning:"), one);
  fmt::print("{} is right: {} groups, {} rules, {} owners, {} approvals\n", file, policy->groups.size(), policy->rules.size(),
             policy->owners.size(), policy->approvals.size());
  return 0;
}

base::Result<int> set(const Arguments& arguments) {
  const std::string file(arguments.get("FILE"));
  const bool dry_run = arguments.has("dry-run");
  Dict body{{"text", WEFT_TRY(base::file::read(file, cdb::rights::max_policy))},
            {"message", std::string(arguments.get("message"))},
            {"dry_run", dry_run}};
  if (!dry_run && !arguments.has("message")) return fail(Errc::invalid, "a policy needs a message", "say why: -m TEXT");
  if (arguments.has("base")) {
    const std::string base(arguments.get("base"));
    if (base.empty() || base.size() > 15 || base.find_first_not_of("0123456789") != std::string::npos)
      return fail(Errc::invalid, fmt::format("--base '{}' is no number of a policy", base), "weft rights log shows them");
    body["base"] = std::stoll(base);
  }
  auto client = WEFT_TRY(connect(arguments));
  const auto answer = WEFT_TRY(call(client, "POST", "/v1/rights", body));
  if (arguments.has("json")) {
    print_json(answer);
    return 0;
  }
  fmt::print("{}", diff_text(answer.get_string("diff"), ""));
  for (const auto& one : list_of(answer, "warnings")) {
    if (one.is_string()) fmt::print("{} {}\n", paint(Colour::yellow, "warning:"), *one.string());
  }
  if (answer.get_boolean("unchanged")) {
    fmt::print("policy {} is this already\n", answer.get_integer("number"));
  } else if (dry_run) {
    fmt::print("{} is right; nothing was set\n", file);
  } else {
    fmt::print("policy {} is in force\n", answer.get_integer("number"));
  }
  return 0;
}

void print_rule(const Value& rule) {
  auto what = words(list_of(rule, "set"), "");
  if (rule.get_boolean("add_nodes")) what += what.empty() ? "add nodes" : ", add nodes";
  if (rule.get_boolean("remove_nodes")) what += what.empty() ? "remove nodes" : ", remove nodes";
  fmt::print("  {} {}: {} on {}\n", rule.get_string("effect"), rule.get_string("name"), what, rule.get_string("nodes"));
}

base::Result<int> whoami(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto answer = WEFT_TRY(call(client, "GET", "/v1/rights/whoami"));
  if (arguments.has("json")) {
    print_json(answer);
    return 0;
  }
  fmt::print("{} {}\n", answer.get_string("kind"), paint(Colour::bold, answer.get_string("name")));
  if (answer.get_integer("policy") == 0) {
    fmt::print("no policy is set: every person may do everything\n");
    return 0;
  }
  fmt::print("roles   {}\n", words(list_of(answer, "roles"), "none: you may do nothing"));
  fmt::print("groups  {}\n", words(list_of(answer, "groups"), "none"));
  if (answer.get_boolean("unlimited")) {
    fmt::print("may set everything\n");
  } else if (list_of(answer, "rules").empty()) {
    fmt::print("may set no value: no rule is for you\n");
  } else {
    fmt::print("rules for you (policy {}):\n", answer.get_integer("policy"));
    for (const auto& rule : list_of(answer, "rules")) print_rule(rule);
  }
  return 0;
}

base::Result<int> explain(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const bool add = arguments.has("add"), remove = arguments.has("remove");
  if (arguments.has("path") + add + remove != 1)
    return fail(Errc::invalid, "give either --path PATH, --add or --remove", "--path /system/kernel");
  auto request =
      fmt::format("/v1/rights/explain?node={}&act={}", url_encode(WEFT_TRY(resolve_node(client, arguments.get("node")))),
                  add      ? "add_node"
                  : remove ? "remove_node"
                           : "set");
  if (arguments.has("path")) request += "&path=" + url_encode(arguments.get("path"));
  if (arguments.has("as")) request += "&person=" + url_encode(arguments.get("as"));
  const auto answer = WEFT_TRY(call(client, "GET", request));
  const bool allowed = answer.get_boolean("allowed");
  if (arguments.has("json")) {
    print_json(answer);
    return allowed ? 0 : 3;
  }
  const auto act = add      ? std::string("add")
                   : remove ? std::string("remove")
                            : fmt::format("set {} of", answer.get_string("path"));
  fmt::print("{} {} {} {} {}\n  {}\n", answer.get_string("kind"), answer.get_string("name"),
             allowed ? paint(Colour::green, "may") : paint(Colour::red, "may not"), act, answer.get_string("node"),
             answer.get_string("reason"));
  fmt::print("  roles {}; groups {}; policy {}\n", words(list_of(answer, "roles"), "none"),
             words(list_of(answer, "groups"), "none"), answer.get_integer("policy"));
  std::vector<std::vector<std::string>> rows;
  const auto tick = [](const Value& step, std::string_view key) { return std::string(step.get_boolean(key) ? "yes" : "-"); };
  for (const auto& step : list_of(answer, "steps")) {
    const Value none, *rule = step.get("rule");
    const auto& r = rule ? *rule : none;
    rows.push_back({std::string(r.get_string("name")), std::string(r.get_string("effect")), tick(step, "person"),
                    tick(step, "node"), tick(step, "value")});
  }
  if (!rows.empty()) fmt::print("{}", base::cli::table({"RULE", "EFFECT", "FOR HIM", "THE NODE", "THE VALUE"}, rows));
  if (!allowed) {
    fmt::print("who could: ");
    for (const auto& one : list_of(answer, "could")) {
      if (one.is_string()) fmt::print("{}; ", *one.string());
    }
    fmt::print("an administrator\n");
  }
  return allowed ? 0 : 3;
}

}  // namespace

base::cli::Command rights_command() {
  base::cli::Command command;
  command.name = "rights";
  command.summary = "who may change which values of which nodes";
  command.description =
      "The policy is one YAML document on the server: groups, roles, rules, owners of templates, approvals. Without one every "
      "person "
      "may do everything; with one what no rule allows is refused. Only administrators set it, and every policy is kept.";
  command.examples = {{"weft rights whoami", "my roles, groups and rules"},
                      {"weft rights explain --as bob --node disk01 --path /system/kernel", "may bob, and why or why not"}};
  command.commands = {
      verb("show", "the policy in force, or an older one", {{.name = "[NUMBER]", .help = "of a policy (weft rights log)"}},
           {{"weft rights show > rights.yaml", "to edit it"}}, show),
      verb("check", "look for mistakes in a file; asks no server", {{.name = "FILE", .help = "a policy", .required = true}},
           {{"weft rights check rights.yaml", "errors with their place, and what has no effect"}}, check),
      verb("set", "put a policy into force",
           {{.name = "FILE", .help = "a policy", .required = true},
            {.name = "--message,-m", .value = "TEXT", .help = "why, in one sentence, for the log"},
            {.name = "--base", .value = "NUMBER", .help = "refuse when another policy than this is in force by now"},
            {.name = "--dry-run", .help = "show the difference and warnings, set nothing"}},
           {{"weft rights set rights.yaml --base 3 -m 'storage gets its own components'",
             "the policy that was edited was policy 3"}},
           set),
      verb("log", "all policies, newest first", {}, {{"weft rights log", "who changed the rights, when and why"}}, log),
      verb("whoami", "my roles, groups and rules", {}, {{"weft rights whoami", "as the server sees my certificate"}}, whoami),
      verb("explain", "may somebody do this, and which rules decide; exit code 3 when not",
           {{.name = "--node", .value = "NODE", .help = "the node", .required = true},
            {.name = "--path", .value = "PATH", .help = "the value to set"},
            {.name = "--add", .help = "add a node like this one"},
            {.name = "--remove", .help = "remove the node"},
            {.name = "--as", .value = "PERSON", .help = "for somebody else"}},
           {{"weft rights explain --node disk01 --path /software/components/ntp", "may I"}}, explain),
  };
  return command;
}

}  // namespace programs::weft
