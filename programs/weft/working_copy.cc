#include "programs/weft/working_copy.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/crypto/crypto.h"
#include "base/file/file.h"
#include "base/profile/json.h"
#include "base/text/text.h"
#include "cdb/store/template_path.h"

namespace programs::weft {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using base::fail;
using base::profile::Dict;

constexpr std::size_t max_file = 8u << 20;

bool left_out(const std::string& name) {
  return name.starts_with('.') || name.ends_with('~') || name.ends_with(".mine");
}

fs::path base_file(const fs::path& folder) {
  return folder / ".weft" / "base.json";
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
    const auto known = files_.find(path);
    if (known != files_.end() && known->second == file.hash) continue;
    out.push_back({path, known == files_.end() ? std::string() : known->second, false, std::move(file.content)});
  }
  for (const auto& [path, hash] : files_) {
    if (!local.contains(path)) out.push_back({path, hash, true, {}});
  }
  std::sort(out.begin(), out.end(), [](const Edit& a, const Edit& b) { return a.path < b.path; });
  return out;
}

base::Result<WorkingCopy::Update> WorkingCopy::update(std::int64_t revision, const std::map<std::string, std::string>& files,
                                                      const Fetch& fetch) {
  Update update;
  auto local = WEFT_TRY(read_folder(folder_));
  const auto here = [&](const std::string& path) {
    const auto place = local.find(path);
    return place == local.end() ? std::string() : place->second.hash;
  };
  const auto fetched = [&](const std::string& path) {
    const auto place = files_.find(path);
    return place == files_.end() ? std::string() : place->second;
  };
  std::set<std::string> paths;
  for (const auto& [path, hash] : files) paths.insert(path);
  for (const auto& [path, hash] : files_) paths.insert(path);
  for (const auto& path : paths) {
    const auto there = files.find(path);
    const auto hash = there == files.end() ? std::string() : there->second;
    if (hash == fetched(path) || hash == here(path)) continue;  // not moved, or the same already
    // Names come from a server: the branch's rules keep them inside the folder.
    WEFT_TRY(cdb::store::valid_template_path(path));
    if (here(path) != fetched(path)) {
      update.conflicts.push_back(path);
      if (!here(path).empty()) WEFT_TRY(base::file::write_atomic(folder_ / (path + ".mine"), local.at(path).content));
    }
    if (hash.empty()) {
      std::error_code error;
      fs::remove(folder_ / path, error);
      update.removed.push_back(path);
      continue;
    }
    const auto content = WEFT_TRY(fetch(path));
    WEFT_TRY(base::file::make_folders((folder_ / path).parent_path()));
    base::file::WriteOptions options;
    options.durable = false;
    WEFT_TRY(base::file::write_atomic(folder_ / path, content, options));
    update.written.push_back(path);
  }
  revision_ = revision;
  files_ = files;
  WEFT_TRY(save());
  return update;
}

base::Result<> WorkingCopy::save() const {
  Dict files;
  for (const auto& [path, hash] : files_) files[path] = hash;
  return base::file::write_atomic(
      base_file(folder_),
      base::profile::to_json_pretty(Dict{{"branch", branch_}, {"revision", revision_}, {"files", std::move(files)}}));
}

}  // namespace programs::weft
