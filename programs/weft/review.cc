// `weft review`: changes that wait for others.
#include <fmt/format.h>

#include "programs/weft/output.h"
#include "programs/weft/rights_text.h"
#include "programs/weft/session.h"
#include "programs/weft/template.h"

namespace programs::weft {
namespace {

using base::cli::Arguments;
using base::profile::Dict;
using base::profile::Value;

std::string path_of(const Arguments& arguments, std::string_view verb = {}) {
  return fmt::format("/v1/proposal/{}{}", url_encode(arguments.get("ID")), verb);
}

base::Result<int> list(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto answer =
      WEFT_TRY(call(client, "GET", arguments.has("all") ? "/v1/proposal?all=true&limit=1000" : "/v1/proposal?limit=1000"));
  if (arguments.has("json")) {
    print_json(answer);
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& one : list_of(answer, "proposals")) {
    rows.push_back({std::to_string(one.get_integer("proposal")), std::string(one.get_string("state")),
                    std::string(one.get_string("author")), std::string(one.get_string("created")),
                    std::string(one.get_string("branch")), std::string(one.get_string("message"))});
  }
  if (rows.empty()) {
    fmt::print("no {}proposals\n", arguments.has("all") ? "" : "open ");
    return 0;
  }
  fmt::print("{}", base::cli::table({"PROPOSAL", "STATE", "AUTHOR", "MADE", "BRANCH", "WHY"}, rows));
  return 0;
}

void print_proposal(const Value& one) {
  fmt::print("{}\n", paint(Colour::bold, fmt::format("proposal {} by {}: {}", one.get_integer("proposal"),
                                                     one.get_string("author"), one.get_string("message"))));
  fmt::print("  {} since {}, branch {}", one.get_string("state"), one.get_string("created"), one.get_string("branch"));
  if (const auto revision = one.get_integer("revision"); revision > 0) fmt::print(", revision {}", revision);
  fmt::print("\n");
  for (const auto& edit : list_of(one, "edits")) fmt::print("  edits {}\n", edit.get_string("path"));
  for (const auto& review : list_of(one, "reviews")) {
    fmt::print("  {} {}s{}: {}\n", review.get_string("person"), review.get_string("verdict"),
               review.get_boolean("counts") ? "" : " (an earlier plan: does not count)", review.get_string("comment", "-"));
  }
  if (const auto* plan = one.get("plan")) fmt::print("\n{}", plan_text(*plan));
  if (const auto* rights = one.get("rights")) fmt::print("\n{}", rights_text(*rights, false));
}

base::Result<int> show(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto answer = WEFT_TRY(call(client, "GET", path_of(arguments)));
  if (arguments.has("json")) {
    print_json(answer);
  } else {
    print_proposal(answer);
  }
  return 0;
}

base::Result<int> say(const Arguments& arguments, std::string_view verdict) {
  auto client = WEFT_TRY(connect(arguments));
  auto effect = std::string(arguments.get("effect"));
  if (effect.empty()) effect = WEFT_TRY(call(client, "GET", path_of(arguments))).get_string("effect");
  Dict body{{"effect", effect}, {"comment", std::string(arguments.get("message"))}};
  const auto answer = WEFT_TRY(call(client, "POST", path_of(arguments, fmt::format("/{}", verdict)), body));
  if (arguments.has("json")) {
    print_json(answer);
  } else {
    fmt::print("proposal {}: {}\n", answer.get_integer("proposal"), verdict == "approve" ? "approved" : "rejected");
  }
  return 0;
}

base::Result<int> approve(const Arguments& arguments) {
  return say(arguments, "approve");
}

base::Result<int> reject(const Arguments& arguments) {
  return say(arguments, "reject");
}

base::Result<int> withdraw(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto answer = WEFT_TRY(call(client, "POST", path_of(arguments, "/withdraw"), Dict{}));
  if (arguments.has("json")) {
    print_json(answer);
  } else {
    fmt::print("proposal {} is withdrawn\n", answer.get_integer("proposal"));
  }
  return 0;
}

base::Result<int> commit(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  Exchange exchanged;
  {
    Progress progress;
    progress.show("compiling the profiles it touches");
    exchanged = WEFT_TRY(exchange(client, "POST", path_of(arguments, "/commit"), Dict{}));
  }
  return WEFT_TRY(show_change(exchanged, arguments.has("json"))).exit_code;
}

}  // namespace

base::cli::Command review_command() {
  const base::cli::Option id{.name = "ID", .help = "number of the proposal", .required = true};
  const base::cli::Option effect{.name = "--effect",
                                 .value = "HASH",
                                 .help = "of the plan you saw (weft review show --json); refused when it is another by now"};
  base::cli::Command command;
  command.name = "review";
  command.summary = "changes that wait for the approval of others";
  command.description =
      "weft template commit --propose keeps a change with its plan. Who approves lends it his own rights and counts for the "
      "approval rules "
      "of the policy; nobody approves his own. It is committed when it still does what was approved, else it is planned again.";
  command.examples = {{"weft review list", "what waits"}, {"weft review show 3", "what it would change, and what is missing"}};
  command.commands = {
      verb("list", "open proposals", {{.name = "--all", .help = "closed ones too"}}, {{"weft review list", "what waits"}}, list),
      verb("show", "one: edits, plan, reviews, what is missing", {id}, {{"weft review show 3", "before you approve it"}}, show),
      verb("approve", "say that it is good", {id, effect, message_option(false)},
           {{"weft review approve 3 -m 'tried on disk01'", "lends it your rights"}}, approve),
      verb("reject", "say what is wrong; closes it", {id, effect, message_option(true)},
           {{"weft review reject 3 -m 'breaks the proxies'", "the author makes another one"}}, reject),
      verb("commit", "commit it, when all approvals are there", {id}, {{"weft review commit 3", "as its author's change"}},
           commit),
      verb("withdraw", "take your own back", {id}, {{"weft review withdraw 3", "closes it"}}, withdraw),
  };
  return command;
}

}  // namespace programs::weft
