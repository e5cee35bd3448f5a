// `weft template`: the group, and what its verbs share.
#include "programs/weft/template.h"

#include <fmt/format.h>

#include "programs/weft/output.h"
#include "programs/weft/rights_text.h"

namespace programs::weft {

using base::profile::Dict;
using base::profile::Value;

base::cli::Option branch_option() {
  return {
      .name = "--branch", .value = "BRANCH", .help = "branch of templates (default: that of the working copy here, else main)"};
}

std::string chosen_branch(const base::cli::Arguments& arguments) {
  if (arguments.has("branch")) return std::string(arguments.get("branch"));
  const auto here = WorkingCopy::open(".");
  return here ? here->branch() : "main";
}

std::string url_path(std::string_view path) {
  std::string encoded;
  for (const char c : path) encoded += c == '/' ? std::string("/") : url_encode(std::string_view(&c, 1));
  return encoded;
}

base::cli::Option message_option(bool required) {
  return {.name = "--message,-m", .value = "TEXT", .help = "why, in one sentence, for the log", .required = required};
}

base::Result<BranchFiles> fetch_branch(base::http::Client& client, std::string_view branch, std::int64_t revision, bool content) {
  auto path = fmt::format("/v1/template?branch={}", url_encode(branch));
  if (revision > 0) path += fmt::format("&revision={}", revision);
  if (content) path += "&content=true";
  const auto answer = WEFT_TRY(call(client, "GET", path));
  BranchFiles out;
  out.branch = branch;
  out.revision = answer.get_integer("revision");
  for (const auto& file : list_of(answer, "files")) {
    const std::string name(file.get_string("path"));
    out.hashes[name] = file.get_string("hash");
    if (content) out.contents[name] = file.get_string("content");
  }
  return out;
}

base::Result<std::string> fetch_file(base::http::Client& client, std::string_view branch, std::int64_t revision,
                                     const std::string& path) {
  auto request = fmt::format("/v1/template/{}?branch={}", url_path(path), url_encode(branch));
  if (revision > 0) request += fmt::format("&revision={}", revision);
  const auto answer = WEFT_TRY(call(client, "GET", request));
  return std::string(answer.get_string("content"));
}

base::Result<ChangeResult> show_change(const Exchange& exchange, bool json) {
  ChangeResult result;
  const auto* rights = exchange.body.get("rights");
  if (!exchange.error && rights) {
    if (json) {
      print_json(exchange.body);
    } else {
      fmt::print(stderr, "{}", rights_text(*rights, true));
    }
    result.exit_code = base::cli::report("weft", exchange.error.error());
    return result;
  }
  if (!exchange.error) {
    const bool refused = exchange.status == 422 && exchange.body.get("diagnostics");
    const bool conflict = exchange.status == 409 && exchange.body.get("conflicts");
    if (!refused && !conflict) return base::fail(exchange.error.error());
    if (json) {
      print_json(exchange.body);
    } else {
      fmt::print(stderr, "{}\n", refused ? diagnostics_text(exchange.body) : conflicts_text(exchange.body));
      base::cli::report("weft", exchange.error.error());
    }
    result.exit_code = 1;
    return result;
  }
  result.revision = exchange.body.get_integer("revision");
  if (json) {
    print_json(exchange.body);
    return result;
  }
  if (const auto warnings = diagnostics_text(exchange.body); !warnings.empty()) fmt::print(stderr, "{}\n", warnings);
  if (exchange.body.get_boolean("unchanged")) {
    fmt::print("nothing to do: revision {} has this content already\n", result.revision);
    return result;
  }
  if (const auto* plan = exchange.body.get("plan")) fmt::print("{}", plan_text(*plan));
  for (const auto& path : list_of(exchange.body, "merged")) {
    if (path.is_string())
      fmt::print("{} {}: both sides changed it, in different lines\n", paint(Colour::yellow, "merged"), *path.string());
  }
  if (const auto proposal = exchange.body.get_integer("proposal"); proposal > 0) {
    if (rights) fmt::print("\n{}", rights_text(*rights, false));
    fmt::print("\n{} is kept; others look at it with weft review show {}\n",
               paint(Colour::bold, fmt::format("proposal {}", proposal)), proposal);
    return result;
  }
  const auto took = exchange.body.get_integer("took_ms");
  if (exchange.body.get_boolean("dry_run")) {
    if (const auto missing = rights ? rights_text(*rights, false) : std::string(); !missing.empty()) fmt::print("\n{}", missing);
    fmt::print("\nplanned on revision {} in {} ms; nothing was stored\n", result.revision, took);
  } else {
    fmt::print("\n{} in {} ms\n", paint(Colour::bold, fmt::format("revision {}", result.revision)), took);
  }
  return result;
}

base::Result<ChangeResult> send_change(base::http::Client& client, const ChangeRequest& request) {
  Exchange exchanged;
  {
    Progress progress;
    progress.show(fmt::format("{} {} files, compiling the profiles they touch", request.dry_run ? "planning" : "sending",
                              request.edits.size()));
    Dict body{{"branch", request.branch},
              {"base", request.base},
              {"message", request.message},
              {"edits", request.edits},
              {"dry_run", request.dry_run}};
    if (!request.rollout.empty()) body["rollout"] = request.rollout;
    exchanged = WEFT_TRY(exchange(client, "POST", request.propose ? "/v1/proposal" : "/v1/change", body));
  }
  return show_change(exchanged, request.json);
}

base::cli::Option rollout_option() {
  return {.name = "--rollout",
          .value = "POLICY",
          .help = "how it reaches the nodes: a policy of weft rollout policy list, or none: at once (default: the branch's)"};
}

base::cli::Command template_command() {
  return {
      .name = "template",
      .summary = "read and change the templates that describe the machines",
      .description =
          "Templates live in branches on the server. A change is compiled before it is stored: all profiles it touches must be "
          "right, or nothing happens.",
      .options = {},
      .examples = {{"weft template checkout site", "a working copy in the folder site"},
                   {"weft template plan site", "which nodes and values my edits would change"},
                   {"weft template commit site -m \"new message of the day\"", "store, sign and publish"},
                   {"weft template revert 7", "the exact inverse of revision 7"}},
      .run = {},
      .commands = {template_checkout(), template_status(), template_diff(), template_plan(), template_commit(), template_update(),
                   template_resolve(), template_log(), template_blame(), template_revert(), template_pick(), template_list(),
                   template_show(), template_edit(), template_import()}};
}

}  // namespace programs::weft
