#include "agent/fetch/cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/diag/fail_point.h"
#include "base/file/file.h"
#include "base/profile/hash.h"
#include "base/profile/json.h"

namespace agent::fetch {

using base::Errc;
using base::fail;
using base::Result;

namespace {

bool is_root_hash(std::string_view text) {
  return text.size() == 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

base::file::WriteOptions for_group() {
  base::file::WriteOptions options;
  options.mode = 0640;
  if (geteuid() == 0) options.group = weft_group();
  return options;
}

Result<> give_to_group(const std::filesystem::path& folder) {
  auto group = weft_group();
  if (geteuid() != 0 || !group) return {};
  if (::chown(folder.c_str(), static_cast<uid_t>(-1), *group) != 0 || ::chmod(folder.c_str(), 0750) != 0)
    return fail(Errc::denied, fmt::format("giving {} to group weft: {}", folder.string(), std::strerror(errno)));
  return {};
}

}  // namespace

std::optional<unsigned> weft_group() {
  if (const auto* entry = ::getgrnam("weft")) return entry->gr_gid;
  return std::nullopt;
}

Result<Cache> Cache::open(std::filesystem::path folder) {
  WEFT_TRY(base::file::make_folders(folder, 0750));
  WEFT_TRY(give_to_group(folder));
  return Cache(std::move(folder));
}

Result<Manifest> Cache::manifest(const std::string& which) const {
  auto file = folder_ / which / "manifest";
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return fail(Errc::not_found, "no " + which + " profile in " + folder_.string());
  return parse_manifest(WEFT_TRY(base::file::read(file, 8192)));
}

Result<Cached> Cache::load(const std::string& which) const {
  if (which != "current" && which != "previous" && !is_root_hash(which))
    return fail(Errc::invalid, "'" + which + "' is no root hash");
  Cached out;
  out.manifest = WEFT_TRY(manifest(which));
  out.json = WEFT_TRY(base::file::read(folder_ / which / "profile.json"));
  auto value = base::profile::parse_json(out.json);
  if (!value) return fail(std::move(value).error().during("reading the cached profile " + which));
  out.profile = std::move(*value);
  if (base::profile::merkle(out.profile).hex() != out.manifest.root)
    return fail(Errc::corrupt,
                fmt::format("the cached profile {} does not have the root hash of its manifest", (folder_ / which).string()),
                "remove that folder; the agent fetches the profile again");
  return out;
}

Result<std::int64_t> Cache::newest_revision() const {
  auto file = folder_ / "newest-revision";
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return 0;
  auto value = base::profile::parse_json(WEFT_TRY(base::file::read(file, 4096)));
  const auto* revision = value ? value->get("revision") : nullptr;
  if (!revision || !revision->integer())
    return fail(Errc::corrupt, file.string() + " is damaged, so older profiles could not be told from newer ones",
                "write {\"revision\": N} into it with the revision that weft-agent status shows");
  return *revision->integer();
}

Result<> Cache::flip(const std::string& link, const std::string& target) const {
  auto temporary = folder_ / ("." + link + ".new");
  ::unlink(temporary.c_str());
  if (::symlink(target.c_str(), temporary.c_str()) != 0 || ::rename(temporary.c_str(), (folder_ / link).c_str()) != 0)
    return fail(Errc::exhausted, fmt::format("flipping {}: {}", (folder_ / link).string(), std::strerror(errno)));
  base::file::Fd folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.get()) != 0)
    return fail(Errc::exhausted, fmt::format("syncing {}: {}", folder_.string(), std::strerror(errno)));
  return {};
}

Result<> Cache::store(const Manifest& manifest, std::string_view json) const {
  auto place = folder_ / manifest.root;
  WEFT_TRY(base::file::make_folders(place, 0750));
  WEFT_TRY(give_to_group(place));
  WEFT_TRY(base::file::write_atomic(place / "profile.json", json, for_group()));
  WEFT_TRY(base::file::write_atomic(place / "manifest", manifest.text + "\n", for_group()));
  // Before the flip: once this revision may be seen as current, an older one never passes again.
  if (manifest.revision > WEFT_TRY(newest_revision()))
    WEFT_TRY(base::file::write_atomic(folder_ / "newest-revision", fmt::format("{{\"revision\": {}}}\n", manifest.revision)));
  auto old = current();
  if (old && old->root != manifest.root) {
    WEFT_TRY(flip("previous", old->root));
    WEFT_TRY(flip("previous.json", "previous/profile.json"));
    WEFT_TRY(flip("previous.manifest", "previous/manifest"));
  }
  WEFT_TRY(flip("current.json", "current/profile.json"));
  WEFT_TRY(flip("current.manifest", "current/manifest"));
  WEFT_TRY(flip("current", manifest.root));
  return base::fail_point("agent.cache.stored");
}

void Cache::keep_only(std::set<std::string> roots) const {
  for (const auto* link : {"current", "previous"}) {
    std::error_code error;
    auto target = std::filesystem::read_symlink(folder_ / link, error);
    if (!error) roots.insert(target.string());
  }
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    auto name = it->path().filename().string();
    std::error_code ignored;
    if (is_root_hash(name) && !roots.contains(name)) std::filesystem::remove_all(it->path(), ignored);
  }
}

}  // namespace agent::fetch
