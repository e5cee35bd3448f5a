#include "base/git/repository.h"

#include <git2.h>

#include <algorithm>
#include <array>
#include <chrono>

#include <fmt/format.h>

#include "base/git/library.h"
#include "base/text/text.h"

namespace base::git {
namespace {

template <class T, void (*release)(T*)>
struct Release {
  void operator()(T* object) const { release(object); }
};
using CommitHandle = std::unique_ptr<git_commit, Release<git_commit, git_commit_free>>;
using TreeHandle = std::unique_ptr<git_tree, Release<git_tree, git_tree_free>>;
using BlobHandle = std::unique_ptr<git_blob, Release<git_blob, git_blob_free>>;
using ObjectHandle = std::unique_ptr<git_object, Release<git_object, git_object_free>>;
using WalkHandle = std::unique_ptr<git_revwalk, Release<git_revwalk, git_revwalk_free>>;
using OdbHandle = std::unique_ptr<git_odb, Release<git_odb, git_odb_free>>;

std::string text_of(const git_oid& id) {
  std::array<char, GIT_OID_HEXSZ + 1> out{};
  git_oid_tostr(out.data(), out.size(), &id);
  return out.data();
}

Result<CommitHandle> find_commit(git_repository* repository, std::string_view id) {
  git_oid oid;
  git_commit* commit = nullptr;
  if (git_oid_fromstrn(&oid, id.data(), id.size()) != 0 || git_commit_lookup(&commit, repository, &oid) != 0)
    return library_failure(fmt::format("reading commit {}", id.substr(0, 40)));
  return CommitHandle(commit);
}

Commit read_commit(const git_commit* commit) {
  Commit out;
  out.id = text_of(*git_commit_id(commit));
  if (const auto* author = git_commit_author(commit)) {
    out.author = author->name ? author->name : "";
    out.email = author->email ? author->email : "";
    out.time = text::rfc3339(std::chrono::system_clock::from_time_t(static_cast<std::time_t>(author->when.time)));
  }
  out.message = git_commit_message(commit) ? git_commit_message(commit) : "";
  return out;
}

// Names that would lead out of a folder, or into git's own, wherever they are written to.
bool hostile(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name.empty() || name == "." || name == ".." || lower == ".git" || name.find('/') != std::string_view::npos ||
         name.find('\\') != std::string_view::npos;
}

// Names from outside are shown without control bytes.
std::string shown(std::string_view name) {
  std::string out(name.substr(0, 200));
  for (auto& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return out;
}

struct Reading {
  git_repository* repository = nullptr;
  git_odb* odb = nullptr;
  Snapshot out;
  std::size_t total = 0, entries = 0;
  Result<> result;
};

int stop(Reading& reading, Errc code, std::string message, std::string hint) {
  reading.result = fail(code, std::move(message), std::move(hint));
  return -1;
}

int read_entry(const char* folder, const git_tree_entry* entry, void* payload) {
  auto& reading = *static_cast<Reading*>(payload);
  const std::string_view name = git_tree_entry_name(entry);
  const auto path = std::string(folder) + std::string(name);
  if (++reading.entries > Repository::max_entries)
    return stop(reading, Errc::exhausted, fmt::format("the tree has more than {} entries", Repository::max_entries),
                "import a part of it");
  if (hostile(name))
    return stop(reading, Errc::invalid, fmt::format("the tree holds an entry named '{}' in '{}'", shown(name), shown(folder)),
                "no honest repository has one: nothing was imported");
  const auto leave = [&](const char* why) { reading.out.left_out.push_back({shown(path), why}); };
  const auto mode = git_tree_entry_filemode(entry);
  if (name.front() == '.') {
    leave("hidden");
    return 1;  // nor what is below
  }
  if (mode == GIT_FILEMODE_TREE) return 0;
  if (mode == GIT_FILEMODE_LINK || mode == GIT_FILEMODE_COMMIT) {
    leave(mode == GIT_FILEMODE_LINK ? "symbolic link" : "submodule");
    return 0;
  }
  std::size_t size = 0;
  git_object_t type = GIT_OBJECT_INVALID;
  if (git_odb_read_header(&size, &type, reading.odb, git_tree_entry_id(entry)) != 0 || type != GIT_OBJECT_BLOB) {
    reading.result = library_failure("reading " + path);
    return -1;
  }
  if (size > Repository::max_file) {
    leave("larger than 8 MiB");
    return 0;
  }
  reading.total += size;
  if (reading.total > Repository::max_total)
    return stop(reading, Errc::exhausted, fmt::format("the files are larger than {} MiB together", Repository::max_total >> 20),
                "import a part of the tree");
  git_blob* raw = nullptr;
  if (git_blob_lookup(&raw, reading.repository, git_tree_entry_id(entry)) != 0) {
    reading.result = library_failure("reading " + path);
    return -1;
  }
  const BlobHandle blob(raw);
  std::string content(static_cast<const char*>(git_blob_rawcontent(raw)), static_cast<std::size_t>(git_blob_rawsize(raw)));
  if (!text::valid_utf8(content) || content.find('\0') != std::string::npos) {
    leave("not UTF-8 text");
    return 0;
  }
  reading.out.files.emplace(path, std::move(content));
  return 0;
}

int credentials(git_credential** out, const char*, const char* user, unsigned int allowed, void* payload) {
  auto& tries = *static_cast<int*>(payload);
  if (++tries > 2 || !(allowed & GIT_CREDENTIAL_SSH_KEY)) return GIT_EAUTH;
  return git_credential_ssh_key_from_agent(out, user ? user : "git");
}

}  // namespace

bool is_remote(std::string_view text) {
  if (text.find("://") != std::string_view::npos) return true;
  const auto colon = text.find(':');
  return colon != std::string_view::npos && text.find('/') > colon && text.find('@') < colon;
}

Repository::Repository(git_repository* repository) : repository_(repository, git_repository_free) {}

Result<Repository> Repository::open(const std::filesystem::path& folder) {
  WEFT_TRY(library());
  git_repository* raw = nullptr;
  const auto code = git_repository_open_ext(&raw, folder.c_str(), GIT_REPOSITORY_OPEN_NO_SEARCH, nullptr);
  if (code == GIT_ENOTFOUND) {
    return fail(Errc::not_found, fmt::format("{} is no git repository", folder.string()),
                "give the folder that holds .git, a bare repository, or leave --git out to import files");
  }
  if (code != 0) return library_failure("opening " + folder.string());
  return Repository(raw);
}

Result<Repository> Repository::clone(const std::string& url, const std::filesystem::path& folder) {
  WEFT_TRY(library());
  if (const auto scheme = url.substr(0, url.find("://")); url.find("://") != std::string::npos) {
    static constexpr std::array<std::string_view, 5> known{"https", "http", "ssh", "git", "file"};
    if (std::find(known.begin(), known.end(), scheme) == known.end())
      return fail(Errc::invalid, fmt::format("'{}' is no address that can be cloned", url.substr(0, 100)),
                  "use https, ssh, git or file");
  }
  int tries = 0;
  git_clone_options options = GIT_CLONE_OPTIONS_INIT;
  options.bare = 1;
  options.fetch_opts.callbacks.credentials = credentials;
  options.fetch_opts.callbacks.payload = &tries;
  git_repository* raw = nullptr;
  if (git_clone(&raw, url.c_str(), folder.c_str(), &options) != 0) return library_failure("cloning " + url.substr(0, 200));
  return Repository(raw);
}

Result<std::string> Repository::resolve(std::string_view revision) const {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-/+~^@").find(c) != std::string_view::npos;
  };
  if (revision.empty() || revision.size() > 200 || revision.front() == '-' ||
      !std::all_of(revision.begin(), revision.end(), plain) || revision.find("..") != std::string_view::npos ||
      revision.find("@{") != std::string_view::npos)
    return fail(Errc::invalid, "this is no git revision", "give a branch, a tag or a commit id");
  for (const auto* prefix : {"", "refs/remotes/origin/"}) {
    git_object* raw = nullptr;
    if (git_revparse_single(&raw, repository_.get(), (prefix + std::string(revision)).c_str()) != 0) continue;
    const ObjectHandle object(raw);
    git_object* peeled = nullptr;
    if (git_object_peel(&peeled, raw, GIT_OBJECT_COMMIT) != 0) continue;
    const ObjectHandle commit(peeled);
    return text_of(*git_object_id(peeled));
  }
  return fail(Errc::not_found, fmt::format("the repository has no revision '{}'", revision),
              "git log and git tag show what there is");
}

Result<Commit> Repository::commit(std::string_view id) const {
  return read_commit(WEFT_TRY(find_commit(repository_.get(), id)).get());
}

Result<std::vector<Commit>> Repository::history(std::string_view id) const {
  git_revwalk* raw = nullptr;
  if (git_revwalk_new(&raw, repository_.get()) != 0) return library_failure("reading the history");
  const WalkHandle walk(raw);
  git_revwalk_sorting(raw, GIT_SORT_TOPOLOGICAL);
  git_revwalk_simplify_first_parent(raw);
  git_oid oid;
  if (git_oid_fromstrn(&oid, id.data(), id.size()) != 0 || git_revwalk_push(raw, &oid) != 0)
    return library_failure("reading the history");
  std::vector<Commit> out;
  int code = 0;
  while ((code = git_revwalk_next(&oid, raw)) == 0) {
    if (out.size() == max_commits)
      return fail(Errc::exhausted, fmt::format("the history has more than {} commits", max_commits), "import without --history");
    out.push_back(WEFT_TRY(commit(text_of(oid))));
  }
  if (code != GIT_ITEROVER) return library_failure("reading the history");
  std::reverse(out.begin(), out.end());
  return out;
}

Result<Snapshot> Repository::files(std::string_view id) const {
  const auto commit = WEFT_TRY(find_commit(repository_.get(), id));
  git_tree* raw = nullptr;
  if (git_commit_tree(&raw, commit.get()) != 0) return library_failure("reading the tree");
  const TreeHandle tree(raw);
  git_odb* odb = nullptr;
  if (git_repository_odb(&odb, repository_.get()) != 0) return library_failure("reading the tree");
  const OdbHandle owner(odb);
  Reading reading{.repository = repository_.get(), .odb = odb};
  const auto code = git_tree_walk(raw, GIT_TREEWALK_PRE, read_entry, &reading);
  if (!reading.result) return fail(std::move(reading.result.error()));
  if (code < 0) return library_failure("reading the tree");
  return std::move(reading.out);
}

}  // namespace base::git
