#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include <algorithm>
#include <vector>

#include "base/file/file.h"

namespace base::file {
namespace {

bool may_enter(const struct stat& folder, uid_t user, const std::vector<gid_t>& groups) {
  if (user == 0) return true;
  if (folder.st_uid == user) return (folder.st_mode & S_IXUSR) != 0;
  if (std::ranges::find(groups, folder.st_gid) != groups.end()) return (folder.st_mode & S_IXGRP) != 0;
  return (folder.st_mode & S_IXOTH) != 0;
}

}  // namespace

Result<> may_reach(const std::filesystem::path& path, const std::string& account) {
  const passwd* entry = ::getpwnam(account.c_str());
  if (!entry) return fail(Errc::not_found, fmt::format("there is no account {}", account));
  const auto user = entry->pw_uid;
  std::vector<gid_t> groups(256);
  int count = static_cast<int>(groups.size());
  if (::getgrouplist(account.c_str(), entry->pw_gid, groups.data(), &count) < 0) count = static_cast<int>(groups.size());
  groups.resize(static_cast<std::size_t>(std::max(count, 0)));
  for (auto at = std::filesystem::absolute(path).lexically_normal().parent_path();; at = at.parent_path()) {
    struct stat folder {};
    if (::stat(at.c_str(), &folder) == 0 && !may_enter(folder, user, groups)) {
      return fail(Errc::denied,
                  fmt::format("{} is used by the account {}, which may not enter {} (mode {:04o})", path.string(), account,
                              at.string(), folder.st_mode & 07777U),
                  fmt::format("Choose another place, or allow it with: chmod o+x {}", at.string()));
    }
    if (at == at.parent_path()) return {};
  }
}

}  // namespace base::file
