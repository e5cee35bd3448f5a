// weft template list, show, checkout, diff, log.
#include <cstdio>

#include <fmt/format.h>

#include "base/text/text.h"
#include "programs/weft/output.h"
#include "programs/weft/template.h"

namespace programs::weft {
namespace {

using base::cli::Arguments;
using base::profile::Value;

base::Result<std::int64_t> revision_of(std::string_view text) {
  if (text.empty()) return std::int64_t{0};
  if (text.size() > 15 || text.find_first_not_of("0123456789") != std::string_view::npos) {
    return base::fail(base::Errc::invalid, fmt::format("'{}' is not a revision number", text),
                      "weft template log shows the revisions");
  }
  return std::stoll(std::string(text));
}

base::Result<int> list(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  auto path = fmt::format("/v1/template?branch={}&revision={}", url_encode(chosen_branch(arguments)),
                          WEFT_TRY(revision_of(arguments.get("revision"))));
  if (arguments.has("PREFIX")) path += "&prefix=" + url_encode(arguments.get("PREFIX"));
  const auto answer = WEFT_TRY(call(client, "GET", path));
  if (arguments.has("json")) {
    print_json(answer);
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& file : list_of(answer, "files")) {
    rows.push_back({std::string(file.get_string("path")), std::to_string(file.get_integer("size")),
                    std::to_string(file.get_integer("revision"))});
  }
  fmt::print("{}", base::cli::table({"FILE", "SIZE", "REVISION"}, rows));
  return 0;
}

base::Result<int> show(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto content = WEFT_TRY(fetch_file(client, chosen_branch(arguments), WEFT_TRY(revision_of(arguments.get("revision"))),
                                           std::string(arguments.get("PATH"))));
  if (arguments.has("json")) {
    print_json(base::profile::Dict{{"path", arguments.get("PATH")}, {"content", content}});
  } else {
    fmt::print("{}", content);
  }
  return 0;
}

base::Result<int> checkout(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const std::filesystem::path folder(arguments.get("DIR"));
  std::error_code error;
  if (!std::filesystem::exists(folder / ".weft" / "base.json", error)) {
    const auto name = arguments.has("branch") ? std::string(arguments.get("branch")) : "main";
    WEFT_TRY(call(client, "GET", "/v1/branch/" + url_encode(name)));  // a wrong name must not leave a folder behind
    auto copy = WEFT_TRY(WorkingCopy::create(folder, name));
    return update_copy(client, copy, arguments.has("json"));
  }
  auto copy = WEFT_TRY(WorkingCopy::open(folder));
  if (arguments.has("branch") && arguments.get("branch") != copy.branch()) {
    return base::fail(base::Errc::conflict, fmt::format("{} is a working copy of branch {}", folder.string(), copy.branch()),
                      "check the other branch out into a folder of its own");
  }
  return update_copy(client, copy, arguments.has("json"));
}

base::Result<int> diff(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto copy = WEFT_TRY(WorkingCopy::open(arguments.get("DIR")));
  const auto edits = WEFT_TRY(copy.edits());
  base::profile::List list;
  for (const auto& edit : edits) {
    const auto before =
        edit.before_hash.empty() ? std::string() : WEFT_TRY(fetch_file(client, copy.branch(), copy.revision(), edit.path));
    const auto text = base::text::unified_diff(before, edit.content, edit.before_hash.empty() ? "/dev/null" : "a/" + edit.path,
                                               edit.removed ? "/dev/null" : "b/" + edit.path);
    if (arguments.has("json")) {
      list.emplace_back(base::profile::Dict{
          {"path", edit.path}, {"removed", edit.removed}, {"added", edit.before_hash.empty()}, {"diff", text}});
    } else {
      fmt::print("{}", diff_text(text, ""));
    }
  }
  if (arguments.has("json")) {
    print_json(base::profile::Dict{{"revision", copy.revision()}, {"branch", copy.branch()}, {"edits", std::move(list)}});
  } else if (edits.empty()) {
    fmt::print("no edits since revision {}\n", copy.revision());
  }
  return 0;
}

base::Result<int> log_one(base::http::Client& client, const Arguments& arguments) {
  const auto answer =
      WEFT_TRY(call(client, "GET", fmt::format("/v1/revision/{}", WEFT_TRY(revision_of(arguments.get("REV-OR-FILE"))))));
  if (arguments.has("json")) {
    print_json(answer);
    return 0;
  }
  fmt::print("{} on {} by {} at {}\n\n    {}\n\n",
             paint(Colour::bold, fmt::format("revision {}", answer.get_integer("revision"))), answer.get_string("branch"),
             answer.get_string("author"), answer.get_string("time"), answer.get_string("message"));
  for (const auto& edit : list_of(answer, "edits")) {
    if (const auto text = edit.get_string("diff"); !text.empty()) {
      fmt::print("{}", diff_text(text, ""));
    } else {
      fmt::print("{:8} {}\n", edit.get_string("change"), edit.get_string("path"));
    }
  }
  if (const auto* plan = answer.get("plan")) fmt::print("\n{}", plan_text(*plan));
  return 0;
}

base::Result<int> log(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto what = arguments.get("REV-OR-FILE");
  const bool number = !what.empty() && what.find_first_not_of("0123456789") == std::string_view::npos;
  if (number) return log_one(client, arguments);
  auto path =
      fmt::format("/v1/revision?branch={}&limit={}", url_encode(chosen_branch(arguments)), url_encode(arguments.get("limit")));
  if (!what.empty() && arguments.has("path")) return base::fail(base::Errc::invalid, "give FILE or --path, not both");
  if (!what.empty() || arguments.has("path")) path += "&path=" + url_encode(what.empty() ? arguments.get("path") : what);
  if (arguments.has("node")) path += "&node=" + url_encode(WEFT_TRY(resolve_node(client, arguments.get("node"))));
  const auto answer = WEFT_TRY(call(client, "GET", path));
  if (arguments.has("json")) {
    print_json(answer);
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& r : list_of(answer, "revisions")) {
    const auto message = r.get_string("message");
    rows.push_back({std::to_string(r.get_integer("revision")), std::string(r.get_string("time").substr(0, 19)),
                    std::string(r.get_string("author")), std::to_string(r.get_integer("changed")),
                    std::string(message.substr(0, message.find('\n')))});
  }
  fmt::print("{}", base::cli::table({"REVISION", "TIME (UTC)", "AUTHOR", "NODES", "MESSAGE"}, rows));
  return 0;
}

auto runner(base::Result<int> (*body)(const Arguments&)) {
  return [body](const Arguments& arguments) { return run([&] { return body(arguments); }); };
}

base::cli::Option revision_option() {
  return {.name = "--revision", .value = "REV", .help = "as of this revision (default: now)"};
}

}  // namespace

base::cli::Command template_list() {
  return {
      .name = "list",
      .summary = "files of a branch",
      .description = "",
      .options = with_common({{.name = "[PREFIX]", .help = "only files below this folder"}, branch_option(), revision_option()}),
      .examples = {{"weft template list profiles", "the object templates"}},
      .run = runner(list),
      .commands = {}};
}

base::cli::Command template_show() {
  return {.name = "show",
          .summary = "print one file of a branch",
          .description = "",
          .options = with_common({{.name = "PATH", .help = "file in the branch"}, branch_option(), revision_option()}),
          .examples = {{"weft template show weft.yaml --revision 3", "as it was at revision 3"}},
          .run = runner(show),
          .commands = {}};
}

base::cli::Command template_checkout() {
  return {.name = "checkout",
          .summary = "make or update a working copy",
          .description =
              "Writes the files of the branch to DIR and remembers the revision in DIR/.weft. On an existing working copy it "
              "does what "
              "update does.",
          .options = with_common({{.name = "DIR", .help = "folder of the working copy"}, branch_option()}),
          .examples = {{"weft template checkout site", "a working copy in the folder site"}},
          .run = runner(checkout),
          .commands = {}};
}

base::cli::Command template_diff() {
  return {.name = "diff",
          .summary = "edits of a working copy, line by line",
          .description = "",
          .options = with_common({{.name = "[DIR]", .help = "folder of the working copy", .default_value = "."}}),
          .examples = {{"weft template diff site", "what you changed since the checkout"}},
          .run = runner(diff),
          .commands = {}};
}

base::cli::Command template_log() {
  return {
      .name = "log",
      .summary = "revisions of a branch, or one with its edits and effects",
      .description = "",
      .options = with_common({{.name = "[REV-OR-FILE]", .help = "show this revision, or the revisions that changed this file"},
                              branch_option(),
                              {.name = "--limit", .value = "N", .help = "how many", .default_value = "20"},
                              {.name = "--path", .value = "PATH", .help = "only revisions that changed this file"},
                              {.name = "--node", .value = "NODE", .help = "only revisions that changed this node's profile"}}),
      .examples = {{"weft template log --node disk01", "since when is this node as it is?"},
                   {"weft template log site/messages.pan", "who changed this file, before the branch began too"},
                   {"weft template log 7", "edits and effects of revision 7"}},
      .run = runner(log),
      .commands = {}};
}

}  // namespace programs::weft
