// weft template import --git: a git repository, or an SCDB tree in one, becomes a branch.
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "base/crypto/crypto.h"
#include "base/git/repository.h"
#include "base/profile/json.h"
#include "base/text/text.h"
#include "cdb/store/template_path.h"
#include "programs/weft/output.h"
#include "programs/weft/scdb.h"
#include "programs/weft/template.h"

namespace programs::weft {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using base::fail;
using base::cli::Arguments;
using base::profile::Dict;
using base::profile::List;

struct Scratch {
  fs::path path;
  ~Scratch() {
    std::error_code error;
    if (!path.empty()) fs::remove_all(path, error);
  }
};

base::Result<base::git::Repository> open(std::string_view where, Scratch& scratch) {
  if (!base::git::is_remote(where)) return base::git::Repository::open(where);
  auto name = (fs::temp_directory_path() / "weft-git-XXXXXX").string();
  if (!::mkdtemp(name.data())) return fail(Errc::unavailable, "cannot make a folder below " + fs::temp_directory_path().string());
  scratch.path = name;
  Progress progress;
  progress.show(fmt::format("cloning {}", where));
  return base::git::Repository::clone(std::string(where), scratch.path);
}

// The files of one commit as the branch is to have them.
base::Result<base::git::Snapshot> wanted_files(const base::git::Repository& repository, const std::string& id,
                                               const Arguments& arguments) {
  auto snapshot = WEFT_TRY(repository.files(id));
  for (const auto& [path, content] : snapshot.files) WEFT_TRY(cdb::store::valid_template_path(path));
  const auto clusters = scdb_clusters(snapshot.files);
  if (!clusters.empty() && !snapshot.files.contains("weft.yaml"))
    snapshot.files["weft.yaml"] = WEFT_TRY(scdb_settings(clusters, snapshot.files, arguments.get("cluster")));
  if (snapshot.files.empty())
    return fail(Errc::invalid, fmt::format("commit {} holds no files", id.substr(0, 12)), "an import never empties a branch");
  return snapshot;
}

List edits_between(const BranchFiles& branch, const std::map<std::string, std::string>& files) {
  List out;
  for (const auto& [path, content] : files) {
    const auto there = branch.hashes.find(path);
    if (there == branch.hashes.end() || there->second != base::crypto::sha256_hex(content))
      out.emplace_back(Dict{{"path", path}, {"content", content}});
  }
  for (const auto& [path, hash] : branch.hashes) {
    // What claims wrote belongs to nobody's repository.
    if (!files.contains(path) && !path.starts_with("sms/")) out.emplace_back(Dict{{"path", path}, {"content", nullptr}});
  }
  return out;
}

std::string message_of(const base::git::Commit& commit) {
  return fmt::format("{}\n\nGit-Commit: {}\nGit-Author: {} <{}> {}\n", base::text::trim(commit.message).substr(0, 3000),
                     commit.id, commit.author.substr(0, 200), commit.email.substr(0, 200), commit.time);
}

// Commits that do not compile by themselves are joined with the next that does.
base::Result<int> import_history(base::http::Client& client, const base::git::Repository& repository,
                                 const std::vector<base::git::Commit>& commits, BranchFiles branch, const Arguments& arguments) {
  List stored;
  std::string waiting;
  std::size_t joined = 0;
  Exchange last;
  for (const auto& commit : commits) {
    const auto snapshot = wanted_files(repository, commit.id, arguments);
    waiting += (waiting.empty() ? "" : "\n") + message_of(commit);
    if (!snapshot) {
      if (&commit == &commits.back()) return fail(snapshot.error());
      ++joined;
      continue;
    }
    auto edits = edits_between(branch, snapshot->files);
    if (edits.empty()) {
      waiting.clear();
      continue;
    }
    Progress progress;
    progress.show(fmt::format("commit {} of {}", &commit - commits.data() + 1, commits.size()));
    last = WEFT_TRY(exchange(client, "POST", "/v1/change",
                             Dict{{"branch", branch.branch},
                                  {"base", branch.revision},
                                  {"message", waiting.substr(0, 4000)},
                                  {"edits", std::move(edits)}}));
    if (!last.error) {
      if (last.status != 422 && last.status != 400) return fail(last.error.error());
      ++joined;
      if (&commit == &commits.back()) return WEFT_TRY(show_change(last, arguments.has("json"))).exit_code;
      continue;
    }
    branch = WEFT_TRY(fetch_branch(client, branch.branch, 0, false));
    stored.emplace_back(Dict{{"commit", commit.id}, {"revision", last.body.get_integer("revision")}});
    waiting.clear();
  }
  if (arguments.has("json")) {
    print_json(
        Dict{{"branch", branch.branch}, {"revision", branch.revision}, {"imported", std::move(stored)}, {"joined", joined}});
  } else {
    fmt::print("{} commits became {} revisions of {}, now at {}; {} that do not compile were joined with the next\n",
               commits.size(), stored.size(), branch.branch, branch.revision, joined);
  }
  return 0;
}

}  // namespace

base::Result<int> import_git(const Arguments& arguments) {
  Scratch scratch;
  const auto repository = WEFT_TRY(open(arguments.get("git"), scratch));
  const auto id = WEFT_TRY(repository.resolve(arguments.has("rev") ? arguments.get("rev") : "HEAD"));
  const auto snapshot = WEFT_TRY(wanted_files(repository, id, arguments));
  constexpr std::size_t max_named = 20;
  for (std::size_t i = 0; i < std::min(snapshot.left_out.size(), max_named); ++i) {
    if (snapshot.left_out[i].why != "hidden")
      fmt::print(stderr, "left out: {} ({})\n", snapshot.left_out[i].path, snapshot.left_out[i].why);
  }
  if (snapshot.left_out.size() > max_named) fmt::print(stderr, "left out: {} more\n", snapshot.left_out.size() - max_named);
  auto client = WEFT_TRY(connect(arguments));
  auto branch = WEFT_TRY(fetch_branch(client, chosen_branch(arguments), 0, false));
  if (arguments.has("history"))
    return import_history(client, repository, WEFT_TRY(repository.history(id)), std::move(branch), arguments);
  ChangeRequest request{.branch = branch.branch, .message = std::string(arguments.get("message")), .base = branch.revision};
  request.dry_run = arguments.has("dry-run");
  request.json = arguments.has("json");
  request.rollout = arguments.get("rollout");
  if (request.message.empty())
    request.message = fmt::format("import {}\n\n{}", arguments.get("git"), message_of(WEFT_TRY(repository.commit(id))));
  request.edits = edits_between(branch, snapshot.files);
  if (request.edits.empty()) {
    if (request.json) {
      print_json(Dict{{"revision", branch.revision}, {"unchanged", true}});
    } else {
      fmt::print("nothing to do: revision {} of {} has these {} files already\n", branch.revision, branch.branch,
                 snapshot.files.size());
    }
    return 0;
  }
  if (!request.json) fmt::print("{} files of commit {}\n", snapshot.files.size(), id.substr(0, 12));
  return WEFT_TRY(send_change(client, request)).exit_code;
}

}  // namespace programs::weft
