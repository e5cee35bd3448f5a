// weft template import, plan, commit, edit, revert.
#include <fmt/format.h>

#include "base/file/file.h"
#include "base/text/text.h"
#include "programs/weft/output.h"
#include "programs/weft/template.h"

namespace programs::weft {
namespace {

using base::Errc;
using base::fail;
using base::cli::Arguments;
using base::profile::Dict;
using base::profile::List;

Dict edit_of(const std::string& path, std::string content) {
  return {{"path", path}, {"content", std::move(content)}};
}
Dict removal_of(const std::string& path) {
  return {{"path", path}, {"content", nullptr}};
}

struct Source {
  std::filesystem::path folder;
  std::string prefix;  // "" or "a/b"
};

base::Result<std::vector<Source>> sources_of(const Arguments& arguments) {
  std::vector<Source> out;
  const auto all = arguments.all("DIR");
  for (const auto& text : all) {
    const auto equal = text.rfind('=');
    Source source{text.substr(0, equal), equal == std::string::npos ? std::string() : text.substr(equal + 1)};
    if (equal == std::string::npos && arguments.has("prefix")) source.prefix = arguments.get("prefix");
    while (!source.prefix.empty() && source.prefix.back() == '/') source.prefix.pop_back();
    for (const auto& other : out) {
      if (other.prefix == source.prefix) {
        return fail(
            Errc::invalid,
            fmt::format("{} and {} go to the same place '{}/'", other.folder.string(), source.folder.string(), source.prefix),
            "give each folder a prefix of its own: DIR=PREFIX");
      }
    }
    out.push_back(std::move(source));
  }
  return out;
}

bool below(std::string_view path, std::string_view prefix) {
  return prefix.empty() || (path.size() > prefix.size() && path.starts_with(prefix) && path[prefix.size()] == '/');
}

// The source with the longest prefix that holds `path`; null pointer: the import leaves it alone.
const Source* owner_of(const std::vector<Source>& sources, std::string_view path) {
  const Source* best = nullptr;
  for (const auto& source : sources) {
    if (below(path, source.prefix) && (!best || source.prefix.size() > best->prefix.size())) best = &source;
  }
  // What claims wrote is no part of anybody's folder.
  if (best && best->prefix.empty() && path.starts_with("sms/")) return nullptr;
  return best;
}

base::Result<int> import(const Arguments& arguments) {
  for (const auto* only_git : {"rev", "history", "cluster"}) {
    if (arguments.has(only_git) && !arguments.has("git")) return fail(Errc::invalid, fmt::format("--{} needs --git", only_git));
  }
  if (arguments.has("git") == !arguments.all("DIR").empty())
    return fail(Errc::invalid, "give folders to import, or --git URL|DIR");
  if (arguments.has("git")) return import_git(arguments);
  const auto sources = WEFT_TRY(sources_of(arguments));
  std::map<std::string, LocalFile> wanted;
  for (const auto& source : sources) {
    auto files = WEFT_TRY(read_folder(source.folder));
    if (files.empty())
      return fail(Errc::invalid, fmt::format("{} holds no files", source.folder.string()), "an import never empties a branch");
    for (auto& [path, file] : files) {
      auto whole = source.prefix.empty() ? path : source.prefix + "/" + path;
      if (owner_of(sources, whole) != &source && !whole.starts_with("sms/")) {
        return fail(Errc::invalid, fmt::format("{} lies below the prefix of another folder", (source.folder / path).string()),
                    "choose prefixes that do not overlap with files");
      }
      wanted.emplace(std::move(whole), std::move(file));
    }
  }
  auto client = WEFT_TRY(connect(arguments));
  const auto branch = WEFT_TRY(fetch_branch(client, chosen_branch(arguments), 0, false));
  ChangeRequest request{.branch = branch.branch, .message = std::string(arguments.get("message")), .base = branch.revision};
  request.dry_run = arguments.has("dry-run");
  request.json = arguments.has("json");
  request.rollout = arguments.get("rollout");
  if (request.message.empty()) request.message = "import " + base::text::join(arguments.all("DIR"), " ");
  std::size_t added = 0, changed = 0, removed = 0;
  for (auto& [path, file] : wanted) {
    const auto there = branch.hashes.find(path);
    if (there != branch.hashes.end() && there->second == file.hash) continue;
    ++(there == branch.hashes.end() ? added : changed);
    request.edits.emplace_back(edit_of(path, std::move(file.content)));
  }
  for (const auto& [path, hash] : branch.hashes) {
    if (wanted.contains(path) || !owner_of(sources, path)) continue;
    ++removed;
    request.edits.emplace_back(removal_of(path));
  }
  if (request.edits.empty()) {
    if (request.json) {
      print_json(Dict{{"revision", branch.revision}, {"unchanged", true}});
    } else {
      fmt::print("nothing to do: revision {} of {} has these {} files already\n", branch.revision, branch.branch, wanted.size());
    }
    return 0;
  }
  if (!request.json) fmt::print("{} files: {} new, {} changed, {} removed\n", wanted.size(), added, changed, removed);
  return WEFT_TRY(send_change(client, request)).exit_code;
}

base::Result<ChangeRequest> request_of(const WorkingCopy& copy, const Arguments& arguments) {
  auto edits = WEFT_TRY(copy.edits());
  WEFT_TRY(copy.must_be_resolved(edits));
  ChangeRequest request{.branch = copy.branch(), .message = std::string(arguments.get("message")), .base = copy.revision()};
  request.json = arguments.has("json");
  request.rollout = arguments.get("rollout");
  for (auto& edit : edits) {
    request.edits.emplace_back(edit.removed ? removal_of(edit.path) : edit_of(edit.path, std::move(edit.content)));
  }
  return request;
}

int no_edits(const WorkingCopy& copy, bool json) {
  if (json) {
    print_json(Dict{{"revision", copy.revision()}, {"unchanged", true}});
  } else {
    fmt::print("no edits since revision {}\n", copy.revision());
  }
  return 0;
}

base::Result<int> plan(const Arguments& arguments) {
  const auto copy = WEFT_TRY(WorkingCopy::open(arguments.get("DIR")));
  auto request = WEFT_TRY(request_of(copy, arguments));
  if (request.edits.empty()) return no_edits(copy, request.json);
  request.dry_run = true;
  auto client = WEFT_TRY(connect(arguments));
  return WEFT_TRY(send_change(client, request)).exit_code;
}

base::Result<int> commit(const Arguments& arguments) {
  auto copy = WEFT_TRY(WorkingCopy::open(arguments.get("DIR")));
  auto request = WEFT_TRY(request_of(copy, arguments));
  request.propose = arguments.has("propose");
  if (request.edits.empty()) return no_edits(copy, request.json);
  auto client = WEFT_TRY(connect(arguments));
  const auto result = WEFT_TRY(send_change(client, request));
  if (result.exit_code != 0 || request.propose) return result.exit_code;
  // What others committed meanwhile comes along, so that the base of every file is the same revision.
  const auto branch = WEFT_TRY(fetch_branch(client, copy.branch(), 0, false));
  const auto update = WEFT_TRY(copy.update(branch.revision, branch.hashes, [&](const std::string& path, std::int64_t revision) {
    return fetch_file(client, branch.branch, revision, path);
  }));
  if (!request.json && !update.written.empty()) fmt::print("fetched {} files that others changed\n", update.written.size());
  return 0;
}

base::Result<int> edit(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  ChangeRequest request{.branch = chosen_branch(arguments), .message = std::string(arguments.get("message"))};
  request.dry_run = arguments.has("dry-run");
  request.json = arguments.has("json");
  request.rollout = arguments.get("rollout");
  request.propose = arguments.has("propose");
  const std::string path(arguments.get("PATH"));
  const auto head =
      WEFT_TRY(call(client, "GET", fmt::format("/v1/template?branch={}&prefix=weft.yaml", url_encode(request.branch))));
  request.base = head.get_integer("revision");
  if (arguments.has("remove") == arguments.has("set-file")) return fail(Errc::invalid, "give either --set-file FILE or --remove");
  if (arguments.has("remove")) {
    request.edits.emplace_back(removal_of(path));
  } else {
    request.edits.emplace_back(edit_of(path, WEFT_TRY(base::file::read(arguments.get("set-file"), 8u << 20))));
  }
  return WEFT_TRY(send_change(client, request)).exit_code;
}

base::Result<int> revert(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  Dict body{{"dry_run", arguments.has("dry-run")}};
  if (arguments.has("message")) body["message"] = arguments.get("message");
  Exchange exchanged;
  {
    Progress progress;
    progress.show("compiling the profiles it touches");
    exchanged = WEFT_TRY(exchange(client, "POST", fmt::format("/v1/revision/{}/revert", url_encode(arguments.get("REV"))), body));
  }
  return WEFT_TRY(show_change(exchanged, arguments.has("json"))).exit_code;
}

auto runner(base::Result<int> (*body)(const Arguments&)) {
  return [body](const Arguments& arguments) { return run([&] { return body(arguments); }); };
}

base::cli::Option propose_option() {
  return {.name = "--propose", .help = "keep it for others to approve (weft review), commit nothing"};
}

base::cli::Option dry_run_option() {
  return {.name = "--dry-run", .help = "show the plan, store nothing"};
}

}  // namespace

base::cli::Command template_import() {
  return {
      .name = "import",
      .summary = "make a branch equal to folders on disk, in one commit",
      .description =
          "Files that the branch has below a prefix and the folder has not are removed. Files below sms/ belong to claims and "
          "stay, "
          "unless a folder is imported there. Without --message the log says what was imported.\n\n"
          "With --git nothing is checked out: symbolic links, submodules, hidden, binary and very large files are left out and "
          "named. "
          "An SCDB tree (cluster.build.properties) gets its weft.yaml made; clusters with different include paths go to domains "
          "of "
          "their own, one by one with --cluster.",
      .options =
          with_common({{.name = "[DIR...]", .help = "folder, or folder=prefix in the branch"},
                       {.name = "--git", .value = "URL|DIR", .help = "import a git repository instead"},
                       {.name = "--rev", .value = "REV", .help = "with --git: branch, tag or commit (default: HEAD)"},
                       {.name = "--history", .help = "with --git: each commit becomes a revision, with its author and message"},
                       {.name = "--cluster", .value = "NAME", .help = "with --git: this cluster of an SCDB tree"},
                       {.name = "--prefix", .value = "PREFIX", .help = "for folders without one of their own"},
                       branch_option(),
                       message_option(false),
                       rollout_option(),
                       dry_run_option()}),
      .examples = {{"weft template import templates/example schemas/pan=schemas -m \"first import\"", "two folders, one commit"},
                   {"weft template import --git https://example.org/site.git --rev v3 --branch stable",
                    "as it was at the tag v3"}},
      .run = runner(import),
      .commands = {}};
}

base::cli::Command template_plan() {
  return {
      .name = "plan",
      .summary = "what committing a working copy would change; stores nothing",
      .description = "Compiles every profile that the edits can touch and shows each node and value that would change.",
      .options = with_common({{.name = "[DIR]", .help = "folder of the working copy", .default_value = "."}, rollout_option()}),
      .examples = {{"weft template plan site", "nodes, paths, old → new"}},
      .run = runner(plan),
      .commands = {}};
}

base::cli::Command template_commit() {
  return {.name = "commit",
          .summary = "compile, store, sign and publish the edits of a working copy",
          .description =
              "All or nothing: when one profile does not compile, or somebody else changed one of your files since your "
              "checkout, nothing "
              "is stored.",
          .options = with_common({{.name = "[DIR]", .help = "folder of the working copy", .default_value = "."},
                                  message_option(true),
                                  propose_option(),
                                  rollout_option()}),
          .examples = {{"weft template commit site -m \"new message of the day\"", "prints the plan and the revision"}},
          .run = runner(commit),
          .commands = {}};
}

base::cli::Command template_edit() {
  return {
      .name = "edit",
      .summary = "commit one file without a working copy",
      .description = "",
      .options = with_common({{.name = "PATH", .help = "file in the branch"},
                              {.name = "--set-file", .value = "FILE", .help = "its new content"},
                              {.name = "--remove", .help = "remove it"},
                              branch_option(),
                              message_option(true),
                              propose_option(),
                              rollout_option(),
                              dry_run_option()}),
      .examples = {{"weft template edit site/motd.pan --set-file motd.pan -m \"maintenance on Monday\"", "one file, one commit"}},
      .run = runner(edit),
      .commands = {}};
}

base::cli::Command template_revert() {
  return {
      .name = "revert",
      .summary = "commit the exact inverse of a revision",
      .description =
          "Files that moved since: the inverse goes around later edits of other lines, and these files are named; refused where "
          "the same lines changed since. Later work is never undone silently.",
      .options = with_common({{.name = "REV", .help = "revision to take back"}, message_option(false), dry_run_option()}),
      .examples = {{"weft template revert 7", "undo revision 7"}},
      .run = runner(revert),
      .commands = {}};
}

}  // namespace programs::weft
