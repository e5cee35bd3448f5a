// `weft branch` and `weft node move`: lines of work, and which of them nodes follow.
#include <unistd.h>

#include <cstdio>
#include <iostream>

#include <fmt/format.h>

#include "programs/weft/output.h"
#include "programs/weft/template.h"

namespace programs::weft {
namespace {

using base::Errc;
using base::fail;
using base::cli::Arguments;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

std::string origin(const Value& branch) {
  const auto source = branch.get_string("source");
  return source.empty() ? "-" : fmt::format("{}@{}", source, branch.get_integer("source_revision"));
}

std::string path_of(std::string_view branch, std::string_view verb = "") {
  return fmt::format("/v1/branch/{}{}{}", url_encode(branch), verb.empty() ? "" : "/", verb);
}

base::Result<int> list(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto answer = WEFT_TRY(call(client, "GET", "/v1/branch"));
  if (arguments.has("json")) {
    print_json(answer);
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& b : list_of(answer, "branches")) {
    const auto owner = b.get_string("owner");
    rows.push_back({std::string(b.get_string("name")), std::string(b.get_string("kind")), std::to_string(b.get_integer("head")),
                    origin(b), std::to_string(b.get_integer("followers")), owner.empty() ? "-" : std::string(owner),
                    std::string(b.get_string("description"))});
  }
  fmt::print("{}", base::cli::table({"BRANCH", "KIND", "HEAD", "FROM", "NODES", "OWNER", "DESCRIPTION"}, rows));
  return 0;
}

base::Result<int> show(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto b = WEFT_TRY(call(client, "GET", path_of(arguments.get("BRANCH"))));
  if (arguments.has("json")) {
    print_json(b);
    return 0;
  }
  fmt::print("{} ({})\n", paint(Colour::bold, b.get_string("name")), b.get_string("kind"));
  if (const auto text = b.get_string("description"); !text.empty()) fmt::print("  {}\n", text);
  fmt::print("  head      revision {}\n  profiles  {}, {} nodes follow\n", b.get_integer("head"), b.get_integer("objects"),
             b.get_integer("followers"));
  if (origin(b) == "-") return 0;
  fmt::print("  from      {} by {} at {}\n", origin(b), b.get_string("owner"), b.get_string("created"));
  const auto& changes = list_of(b, "changes");
  fmt::print("\n{}\n", changes.empty() ? "no file differs from where it began" : "files that differ from where it began:");
  for (const auto& change : changes) fmt::print("  {:8} {}\n", change.get_string("change"), change.get_string("path"));
  return 0;
}

base::Result<int> create(const Arguments& arguments) {
  Dict body{{"name", arguments.get("NAME")}, {"kind", arguments.get("kind")}, {"description", arguments.get("description")}};
  const auto from = arguments.get("from");
  const auto at = from.find('@');
  body["from"] = from.substr(0, at);
  if (at != std::string_view::npos) {
    const auto text = from.substr(at + 1);
    if (text.empty() || text.size() > 15 || text.find_first_not_of("0123456789") != std::string_view::npos)
      return fail(Errc::invalid, fmt::format("'{}' is not BRANCH@REVISION", from), "for example --from main@12");
    body["revision"] = std::stoll(std::string(text));
  }
  auto client = WEFT_TRY(connect(arguments));
  auto exchanged = WEFT_TRY(exchange(client, "POST", "/v1/branch", body));
  if (!exchanged.error) return WEFT_TRY(show_change(exchanged, arguments.has("json"))).exit_code;
  const auto& b = exchanged.body;
  if (arguments.has("json")) {
    print_json(b);
  } else {
    fmt::print("{} {} from {}: {} profiles, revision {}\n", b.get_string("kind"), paint(Colour::bold, b.get_string("name")),
               origin(b), b.get_integer("objects"), b.get_integer("head"));
  }
  return 0;
}

base::Result<int> remove(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto answer = WEFT_TRY(call(client, "DELETE", path_of(arguments.get("BRANCH"))));
  if (arguments.has("json")) {
    print_json(answer);
  } else {
    fmt::print("{} is deleted; its revisions are kept\n", arguments.get("BRANCH"));
  }
  return 0;
}

base::Result<int> merge(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  Dict body{{"source", arguments.get("SOURCE")}, {"message", arguments.get("message")}, {"dry_run", arguments.has("dry-run")}};
  Exchange exchanged;
  {
    Progress progress;
    progress.show("merging, compiling the profiles it touches");
    exchanged = WEFT_TRY(exchange(client, "POST", path_of(arguments.get("TARGET"), "merge"), body));
  }
  return WEFT_TRY(show_change(exchanged, arguments.has("json"))).exit_code;
}

// The plan that was shown is the one that is carried out: its revision goes with the second request.
base::Result<int> move(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  List nodes;
  for (const auto& name : arguments.all("NODE")) nodes.emplace_back(WEFT_TRY(resolve_node(client, name)));
  const bool json = arguments.has("json");
  Dict body{{"nodes", std::move(nodes)}, {"message", arguments.get("message")}, {"dry_run", true}};
  const auto path = path_of(arguments.get("branch"), "move");
  auto planned = WEFT_TRY(exchange(client, "POST", path, body));
  WEFT_TRY(std::move(planned.error));
  const bool nothing = planned.body.get_boolean("unchanged");
  if (arguments.has("dry-run") || nothing) {
    if (nothing && !json) {
      fmt::print("nothing to do: they follow {} already\n", arguments.get("branch"));
      return 0;
    }
    return WEFT_TRY(show_change(planned, json)).exit_code;
  }
  if (!json) {
    if (const auto* plan = planned.body.get("plan")) fmt::print("{}\n", plan_text(*plan));
  }
  if (!arguments.has("yes")) {
    if (json || !::isatty(STDIN_FILENO))
      return fail(Errc::denied, "nothing was moved: nobody was asked",
                  "say --yes to go ahead, or --dry-run to see the plan only");
    fmt::print("Move? [y/N] ");
    std::fflush(stdout);
    std::string answer;
    std::getline(std::cin, answer);
    if (answer != "y" && answer != "Y" && answer != "yes") {
      fmt::print("nothing was moved\n");
      return 1;
    }
  }
  body["dry_run"] = false;
  body["base"] = planned.body.get_integer("revision");
  auto done = WEFT_TRY(exchange(client, "POST", path, body));
  if (json || !done.error) return WEFT_TRY(show_change(done, json)).exit_code;
  fmt::print("{}: {} nodes follow {} now\n", paint(Colour::bold, fmt::format("revision {}", done.body.get_integer("revision"))),
             done.body.get("plan") ? list_of(*done.body.get("plan"), "moves").size() : 0, arguments.get("branch"));
  return 0;
}

}  // namespace

base::cli::Command branch_command() {
  auto list_command = verb("list", "branches with their kind, head and the nodes that follow them", {},
                           {{"weft branch list", "all of them"}}, list);
  auto show_command =
      verb("show", "one branch: where it began and which files differ from there", {{.name = "BRANCH", .help = "branch"}},
           {{"weft branch show alice-ntp", "what did I change there?"}}, show);
  auto create_command =
      verb("create", "begin a sandbox or a domain",
           {{.name = "NAME", .help = "small letters, digits and '.', '_', '-'"},
            {.name = "--from",
             .value = "BRANCH[@REV]",
             .help = "copy this branch, as of now or of a revision",
             .default_value = "main"},
            {.name = "--kind",
             .value = "KIND",
             .help = "sandbox: somebody's work, no node follows it by itself; domain: what nodes follow",
             .default_value = "sandbox",
             .choices = {"sandbox", "domain"}},
            {.name = "--description", .value = "TEXT", .help = "what it is for"}},
           {{"weft branch create alice-ntp", "a sandbox on what main is now"},
            {"weft branch create stable --kind domain --from main@120", "a domain on what main was at revision 120"}},
           create);
  auto delete_command =
      verb("delete", "delete a branch that no node follows; its revisions are kept", {{.name = "BRANCH", .help = "branch"}},
           {{"weft branch delete alice-ntp", "the work is merged"}}, remove);
  auto merge_command = verb("merge", "take what one branch changed into another one",
                            {{.name = "SOURCE", .help = "branch with the changes"},
                             {.name = "INTO", .help = "the word into", .choices = {"into"}},
                             {.name = "TARGET", .help = "branch that takes them"},
                             message_option(false),
                             {.name = "--dry-run", .help = "show the plan, store nothing"}},
                            {{"weft branch merge alice-ntp into main --dry-run", "which nodes would change?"},
                             {"weft branch merge main into alice-ntp -m \"catch up\"", "what others did meanwhile"}},
                            merge);
  merge_command.description =
      "Files that one side changed are taken; files that both changed are merged line by line. Where both changed the same lines "
      "nothing "
      "is stored, and each place is shown as it was, as it is here and there, with who changed it when.";
  return {.name = "branch",
          .summary = "domains and sandboxes: lines of templates beside each other",
          .description =
              "A domain is what nodes follow. A sandbox is somebody's work: compiled and planned like any branch, but a node "
              "follows it only when it was moved there by name (weft node move).",
          .options = {},
          .examples = {{"weft branch create alice-ntp", "then: weft template checkout site --branch alice-ntp"}},
          .run = {},
          .commands = {std::move(list_command), std::move(show_command), std::move(create_command), std::move(merge_command),
                       std::move(delete_command)}};
}

base::cli::Command node_move_command() {
  auto command =
      verb("move", "let nodes follow another branch",
           {{.name = "NODE...", .help = "nodes, or the beginnings of their names up to a dot"},
            {.name = "--branch", .value = "BRANCH", .help = "domain, or a sandbox to try it on these nodes", .required = true},
            {.name = "--message,-m", .value = "TEXT", .help = "why, in one sentence, for the log"},
            {.name = "--dry-run", .help = "show the plan, move nothing"},
            {.name = "--yes,-y", .help = "do not ask"}},
           {{"weft node move disk01 disk02 --branch stable", "shows what changes for them, and asks"},
            {"weft node move disk01 disk02 --branch main --yes", "and back"}},
           move);
  command.description = "All nodes or none. The plan is shown first. Move them back to undo it.";
  return command;
}

}  // namespace programs::weft
