#include "programs/weft/working_copy.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/crypto/crypto.h"
#include "base/file/file.h"
#include "base/git/git.h"
#include "base/profile/json.h"
#include "base/text/text.h"
#include "cdb/store/template_path.h"

namespace programs::weft {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using base::fail;
using base::profile::Dict;
using base::profile::List;

constexpr std::size_t max_file = 8u << 20;

bool left_out(const std::string& name) {
  return name.starts_with('.') || name.ends_with('~');
}

fs::path base_file(const fs::path& folder) {
  return folder / ".weft" / "base.json";
}

bool has_markers(std::string_view content) {
  for (const auto& line : base::text::split(content, '\n')) {
    if (line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ")) return true;
  }
  return false;
}

std::string find(const std::map<std::string, std::string>& hashes, const std::string& path) {
  const auto place = hashes.find(path);
  return place == hashes.end() ? std::string() : place->second;
}

}  // namespace

base::Result<std::map<std::string, LocalFile>> read_folder(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) return fail(Errc::not_found, fmt::format("{} is not a folder", folder.string()));
  std::map<std::string, LocalFile> out;
  fs::recursive_directory_iterator place(folder, error), end;
  for (; !error && place != end; place.increment(error)) {
    const auto name = place->path().filename().string();
    if (left_out(name)) {
      if (place->is_directory(error)) place.disable_recursion_pending();
      continue;
    }
    const auto relative = place->path().lexically_relative(folder).generic_string();
    if (place->is_symlink(error)) {
      return fail(Errc::invalid, fmt::format("{} is a symbolic link", place->path().string()),
                  "a branch holds files only: copy the file here");
    }
    if (place->is_directory(error)) continue;
    if (auto valid = cdb::store::valid_template_path(relative); !valid)
      return fail(std::move(valid.error()).during("reading " + folder.string()));
    LocalFile file;
    file.content = WEFT_TRY(base::file::read(place->path(), max_file));
    if (!base::text::valid_utf8(file.content)) {
      return fail(Errc::invalid, fmt::format("{} is not UTF-8 text", place->path().string()),
                  "a branch holds text; remove the file or move it elsewhere");
    }
    file.hash = base::crypto::sha256_hex(file.content);
    out.emplace(relative, std::move(file));
  }
  if (error) return fail(Errc::unavailable, fmt::format("cannot read {}: {}", folder.string(), error.message()));
  return out;
}

base::Result<WorkingCopy> WorkingCopy::open(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(base_file(folder), error)) {
    if (folder == ".")
      return fail(Errc::not_found, "this folder is not a working copy", "name one, or make it: weft template checkout site");
    return fail(Errc::not_found, fmt::format("{} is not a working copy", folder.string()),
                fmt::format("make one: weft template checkout {}", folder.string()));
  }
  const auto value = WEFT_TRY(base::profile::parse_json(WEFT_TRY(base::file::read(base_file(folder)))));
  WorkingCopy copy(folder, std::string(value.get_string("branch", "main")));
  copy.revision_ = value.get_integer("revision");
  if (const auto* files = value.get("files"); files && files->dict()) {
    for (const auto& [path, hash] : *files->dict()) {
      if (hash.is_string()) copy.files_.emplace(path, *hash.string());
    }
  }
  if (const auto* conflicts = value.get("conflicts"); conflicts && conflicts->list()) {
    for (const auto& path : *conflicts->list()) {
      if (path.is_string()) copy.conflicts_.insert(*path.string());
    }
  }
  return copy;
}

base::Result<WorkingCopy> WorkingCopy::create(const fs::path& folder, std::string branch) {
  std::error_code error;
  if (fs::exists(folder, error) && !fs::is_empty(folder, error)) {
    return fail(Errc::conflict, fmt::format("{} exists and is not empty", folder.string()),
                "choose a new folder, nothing here is overwritten");
  }
  WEFT_TRY(base::file::make_folders(folder / ".weft"));
  WorkingCopy copy(folder, std::move(branch));
  WEFT_TRY(copy.save());
  return copy;
}

base::Result<std::vector<WorkingCopy::Edit>> WorkingCopy::edits() const {
  auto local = WEFT_TRY(read_folder(folder_));
  std::vector<Edit> out;
  for (auto& [path, file] : local) {
    const auto known = find(files_, path);
    const bool conflict = conflicts_.contains(path);
    if (known == file.hash && !conflict) continue;
    out.push_back({path, known, false, conflict, std::move(file.content)});
  }
  for (const auto& [path, hash] : files_) {
    if (!local.contains(path)) out.push_back({path, hash, true, conflicts_.contains(path), {}});
  }
  std::sort(out.begin(), out.end(), [](const Edit& a, const Edit& b) { return a.path < b.path; });
  return out;
}

bool WorkingCopy::has_file(const std::string& path) const {
  std::error_code error;
  return fs::exists(folder_ / path, error);
}

base::Result<> WorkingCopy::must_be_resolved(const std::vector<Edit>& edits) const {
  std::vector<std::string> open, marked;
  for (const auto& edit : edits) {
    if (edit.conflict) open.push_back(edit.path);
    if (!edit.conflict && !edit.removed && has_markers(edit.content)) marked.push_back(edit.path);
  }
  if (!open.empty()) {
    return fail(Errc::conflict, "not resolved yet: " + base::text::join(open, ", "),
                fmt::format("edit {}, then say so: weft template resolve {}", open.size() == 1 ? "it" : "them",
                            base::text::join(open, " ")));
  }
  if (!marked.empty())
    return fail(Errc::conflict, "conflict markers are left in " + base::text::join(marked, ", "),
                "remove the lines with <<<<<<< and >>>>>>>");
  return {};
}

base::Result<> WorkingCopy::resolve(const std::string& path) {
  if (!conflicts_.contains(path)) {
    const std::vector<std::string> names(conflicts_.begin(), conflicts_.end());
    return fail(Errc::not_found, fmt::format("'{}' has no conflict{}", path, base::text::did_you_mean_suffix(path, names)),
                names.empty() ? "nothing is to be resolved" : "conflicts: " + base::text::join(names, ", "));
  }
  std::error_code error;
  if (fs::exists(folder_ / path, error) && has_markers(WEFT_TRY(base::file::read(folder_ / path, max_file)))) {
    return fail(Errc::conflict, fmt::format("{} still has conflict markers", path),
                "keep the lines that are right and remove those with <<<<<<<, |||||||, =======, >>>>>>>");
  }
  conflicts_.erase(path);
  return save();
}

base::Result<WorkingCopy::Update> WorkingCopy::update(std::int64_t revision, const std::map<std::string, std::string>& files,
                                                      const Fetch& fetch) {
  Update update;
  if (!conflicts_.empty()) {
    const std::vector<std::string> names(conflicts_.begin(), conflicts_.end());
    return fail(Errc::conflict, "not resolved yet: " + base::text::join(names, ", "),
                "weft template resolve PATH, then update again");
  }
  const auto local = WEFT_TRY(read_folder(folder_));
  std::set<std::string> paths;
  for (const auto& [path, hash] : files) paths.insert(path);
  for (const auto& [path, hash] : files_) paths.insert(path);

  std::map<std::string, std::optional<std::string>> results;  // none: to be removed
  for (const auto& path : paths) {
    const auto there = find(files, path), before = find(files_, path);
    const auto file = local.find(path);
    const auto here = file == local.end() ? std::string() : file->second.hash;
    if (there == before || there == here) continue;  // not moved, or the same already
    // Names come from a server: the branch's rules keep them inside the folder.
    WEFT_TRY(cdb::store::valid_template_path(path));
    if (here == before) {
      results[path] = there.empty() ? std::nullopt : std::optional(WEFT_TRY(fetch(path, revision)));
      (there.empty() ? update.removed : update.written).push_back(path);
      continue;
    }
    if (there.empty() || here.empty()) {  // removed on one side: what is here stays until somebody decides
      update.conflicts.push_back(path);
      continue;
    }
    const auto base = before.empty() ? std::string() : WEFT_TRY(fetch(path, revision_));
    auto merged = WEFT_TRY(base::git::merge_texts(
        base, file->second.content, WEFT_TRY(fetch(path, revision)),
        {.base = fmt::format("{}@{}", branch_, revision_), .mine = "mine", .theirs = fmt::format("{}@{}", branch_, revision)}));
    (merged.clean ? update.merged : update.conflicts).push_back(path);
    results[path] = std::move(merged.text);
  }

  // A full disk is met before the first file is another one.
  const auto staged = folder_ / ".weft" / "staged";
  std::error_code error;
  fs::remove_all(staged, error);
  WEFT_TRY(base::file::make_folders(staged));
  std::vector<std::pair<fs::path, fs::path>> moves;
  base::file::WriteOptions options;
  options.durable = false;
  for (const auto& [path, content] : results) {
    if (!content) continue;
    moves.emplace_back(staged / std::to_string(moves.size()), folder_ / path);
    WEFT_TRY(base::file::write_atomic(moves.back().first, *content, options));
    WEFT_TRY(base::file::make_folders(moves.back().second.parent_path()));
  }
  for (const auto& [from, to] : moves) {
    fs::rename(from, to, error);
    if (error)
      return fail(Errc::unavailable, fmt::format("cannot write {}: {}", to.string(), error.message()),
                  "mend that and update again: nothing is lost");
  }
  for (const auto& [path, content] : results) {
    if (!content) fs::remove(folder_ / path, error);
  }
  fs::remove_all(staged, error);
  revision_ = revision;
  files_ = files;
  conflicts_ = {update.conflicts.begin(), update.conflicts.end()};
  WEFT_TRY(save());
  return update;
}

base::Result<> WorkingCopy::save() const {
  Dict files;
  for (const auto& [path, hash] : files_) files[path] = hash;
  List conflicts(conflicts_.begin(), conflicts_.end());
  return base::file::write_atomic(
      base_file(folder_),
      base::profile::to_json_pretty(
          Dict{{"branch", branch_}, {"revision", revision_}, {"files", std::move(files)}, {"conflicts", std::move(conflicts)}}));
}

}  // namespace programs::weft
