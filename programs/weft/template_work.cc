// weft template status, update, resolve, blame, cherry-pick: work in a folder beside others' work.
#include <set>

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

struct Standing {
  std::string state;          // edited | new | deleted | conflict; "": as fetched
  std::int64_t moved_in = 0;  // revision that changed it on the server since; 0: none
  bool gone = false;          // there
};

base::Result<int> status(const Arguments& arguments) {
  const auto copy = WEFT_TRY(WorkingCopy::open(arguments.get("DIR")));
  std::map<std::string, Standing> files;
  for (const auto& edit : WEFT_TRY(copy.edits()))
    files[edit.path].state = edit.conflict ? "conflict" : edit.removed ? "deleted" : edit.before_hash.empty() ? "new" : "edited";
  auto client = WEFT_TRY(connect(arguments));
  const auto answer = WEFT_TRY(call(client, "GET", "/v1/template?branch=" + url_encode(copy.branch())));
  const auto head = answer.get_integer("revision");
  std::set<std::string> there;
  for (const auto& file : list_of(answer, "files")) {
    const std::string path(file.get_string("path"));
    there.insert(path);
    const auto known = copy.fetched().find(path);
    if (known == copy.fetched().end() || known->second != file.get_string("hash"))
      files[path].moved_in = file.get_integer("revision");
  }
  for (const auto& [path, hash] : copy.fetched()) {
    if (there.contains(path)) continue;
    files[path].moved_in = head;
    files[path].gone = true;
  }
  if (arguments.has("json")) {
    List list;
    for (const auto& [path, standing] : files) {
      list.emplace_back(Dict{{"path", path},
                             {"state", standing.state.empty() ? Value() : Value(standing.state)},
                             {"moved_in", standing.moved_in ? Value(standing.moved_in) : Value()},
                             {"removed_there", standing.gone}});
    }
    print_json(Dict{{"branch", copy.branch()}, {"revision", copy.revision()}, {"head", head}, {"files", std::move(list)}});
    return 0;
  }
  fmt::print("{} at revision {}{}\n", copy.branch(), copy.revision(),
             head == copy.revision() ? std::string() : fmt::format("; the server is at {}", head));
  if (files.empty()) fmt::print("nothing is edited here{}\n", head == copy.revision() ? "" : ", and no file moved on the server");
  bool moved = false;
  for (const auto& [path, standing] : files) {
    const auto colour = standing.state == "conflict" ? Colour::red : standing.state.empty() ? Colour::yellow : Colour::green;
    std::string note;
    if (standing.gone) {
      note = "removed on the server";
    } else if (standing.moved_in > 0) {
      note = fmt::format("moved on the server in revision {}", standing.moved_in);
    }
    moved = moved || !note.empty();
    fmt::print("  {}  {}{}\n", paint(colour, fmt::format("{:8}", standing.state)), path, note.empty() ? "" : "  (" + note + ")");
  }
  if (moved) fmt::print("bring in what moved: weft template update\n");
  return 0;
}

base::Result<int> update(const Arguments& arguments) {
  auto copy = WEFT_TRY(WorkingCopy::open(arguments.get("DIR")));
  auto client = WEFT_TRY(connect(arguments));
  return update_copy(client, copy, arguments.has("json"));
}

base::Result<int> resolve(const Arguments& arguments) {
  auto copy = WEFT_TRY(WorkingCopy::open(arguments.has("dir") ? arguments.get("dir") : "."));
  List done;
  for (const auto& path : arguments.all("PATH")) {
    WEFT_TRY(copy.resolve(path));
    done.emplace_back(path);
  }
  if (arguments.has("json")) {
    print_json(Dict{{"resolved", std::move(done)}});
  } else {
    fmt::print("resolved: {}\n", some_names(done, 20));
  }
  return 0;
}

base::Result<int> blame(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  std::string path = "/v1/blame/" + url_path(arguments.get("FILE")) + "?branch=" + url_encode(chosen_branch(arguments));
  if (arguments.has("revision")) path += "&revision=" + url_encode(arguments.get("revision"));
  const auto answer = WEFT_TRY(call(client, "GET", path));
  if (arguments.has("json")) {
    print_json(answer);
    return 0;
  }
  std::map<std::int64_t, const Value*> revisions;
  std::size_t width = 0;
  for (const auto& r : list_of(answer, "revisions")) {
    revisions[r.get_integer("revision")] = &r;
    width = std::max(width, r.get_string("author").size());
  }
  std::size_t number = 0;
  for (const auto& line : list_of(answer, "lines")) {
    const auto revision = line.get_integer("revision");
    const auto* r = revisions[revision];
    fmt::print("{} {:4}  {}\n",
               paint(Colour::dim, fmt::format("{:6} {:<{}} {}", revision, r ? r->get_string("author") : "", width,
                                              r ? r->get_string("time").substr(0, 16) : "")),
               ++number, line.get_string("text"));
  }
  return 0;
}

base::Result<int> pick(const Arguments& arguments) {
  const std::string text(arguments.get("REV"));
  if (text.empty() || text.size() > 15 || text.find_first_not_of("0123456789") != std::string::npos)
    return fail(Errc::invalid, fmt::format("'{}' is not a revision number", text), "weft template log shows the revisions");
  auto client = WEFT_TRY(connect(arguments));
  Dict body{{"revision", std::stoll(text)}, {"message", arguments.get("message")}, {"dry_run", arguments.has("dry-run")}};
  Exchange exchanged;
  {
    Progress progress;
    progress.show("compiling the profiles it touches");
    exchanged =
        WEFT_TRY(exchange(client, "POST", fmt::format("/v1/branch/{}/cherry-pick", url_encode(chosen_branch(arguments))), body));
  }
  return WEFT_TRY(show_change(exchanged, arguments.has("json"))).exit_code;
}

base::cli::Option folder_option() {
  return {.name = "[DIR]", .help = "folder of the working copy", .default_value = "."};
}

}  // namespace

base::Result<int> update_copy(base::http::Client& client, WorkingCopy& copy, bool json) {
  const auto branch = WEFT_TRY(fetch_branch(client, copy.branch(), 0, copy.revision() == 0));
  const auto update = WEFT_TRY(copy.update(branch.revision, branch.hashes,
                                           [&](const std::string& path, std::int64_t revision) -> base::Result<std::string> {
                                             const auto place = branch.contents.find(path);
                                             if (revision == branch.revision && place != branch.contents.end())
                                               return place->second;
                                             return fetch_file(client, branch.branch, revision, path);
                                           }));
  if (json) {
    const auto names = [](const std::vector<std::string>& paths) { return List(paths.begin(), paths.end()); };
    print_json(Dict{{"branch", copy.branch()},
                    {"revision", branch.revision},
                    {"written", update.written.size()},
                    {"removed", update.removed.size()},
                    {"merged", names(update.merged)},
                    {"conflicts", names(update.conflicts)}});
  } else {
    fmt::print("revision {} of {}: {} files written, {} removed\n", branch.revision, copy.branch(), update.written.size(),
               update.removed.size());
    for (const auto& path : update.merged) fmt::print("{} {}\n", paint(Colour::yellow, "merged  "), path);
    for (const auto& path : update.conflicts) {
      fmt::print("{} {}: {}\n", paint(Colour::red, "conflict"), path,
                 branch.hashes.contains(path) && copy.has_file(path) ? "both changed the same lines; they are marked in the file"
                 : branch.hashes.contains(path)                      ? "you removed it, the server changed it"
                                                                     : "the server removed it, you changed it");
    }
    if (!update.conflicts.empty()) fmt::print("settle them, then: weft template resolve PATH\n");
  }
  return update.conflicts.empty() ? 0 : 1;
}

base::cli::Command template_status() {
  auto command = verb("status", "what is edited here, what conflicts, what moved on the server", {folder_option()},
                      {{"weft template status site", "before plan and commit"}}, status);
  return command;
}

base::cli::Command template_update() {
  auto command = verb("update", "bring in what others committed", {folder_option()},
                      {{"weft template update site", "merges with my edits"}}, update);
  command.description =
      "Files that you did not edit become what the server has. Files that both changed are merged line by line; where both "
      "changed the "
      "same lines the file has conflict markers, and commit is refused until you resolve them. Exit status 1 when there are "
      "conflicts.";
  return command;
}

base::cli::Command template_resolve() {
  return verb("resolve", "say that a conflict is settled by the file as it is",
              {{.name = "PATH...", .help = "file in the branch"},
               {.name = "--dir", .value = "DIR", .help = "folder of the working copy (default: this one)"}},
              {{"weft template resolve site/messages.pan", "after the markers are gone"}}, resolve);
}

base::cli::Command template_blame() {
  return verb("blame", "who wrote each line of a file, in which revision",
              {{.name = "FILE", .help = "file in the branch"},
               branch_option(),
               {.name = "--revision", .value = "REV", .help = "as of this revision (default: now)"}},
              {{"weft template blame site/messages.pan", "revision, author, time, line"}}, blame);
}

base::cli::Command template_pick() {
  auto command = verb("cherry-pick", "bring what one revision changed to another branch",
                      {{.name = "REV", .help = "revision"},
                       branch_option(),
                       message_option(false),
                       {.name = "--dry-run", .help = "show the plan, store nothing"}},
                      {{"weft template cherry-pick 42 --branch stable", "one fix, without what came before it"}}, pick);
  command.description =
      "Merged line by line with what the branch has; the same lines changed on both sides are a conflict and nothing is stored.";
  return command;
}

}  // namespace programs::weft
