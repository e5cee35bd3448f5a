#include "agent/machine/tree.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>

#include "base/crypto/crypto.h"
#include "base/text/text.h"

namespace agent::machine {

using base::Errc;
using base::fail;
using base::Result;
using base::file::Fd;
using plan::Image;
using plan::Kind;

namespace {

tl::unexpected<base::Error> failed(std::string_view what, const std::string& path, int error) {
  auto code = error == ENOENT || error == ENOTDIR     ? Errc::not_found
              : error == ENOSPC || error == EDQUOT    ? Errc::exhausted
              : error == EACCES || error == EPERM     ? Errc::denied
              : error == EROFS || error == EBUSY      ? Errc::unavailable
              : error == ENOTEMPTY || error == EEXIST ? Errc::conflict
                                                      : Errc::internal;
  return fail(code, fmt::format("{} {}: {}", what, path, std::strerror(error)));
}

bool ours(uid_t uid) {
  return uid == 0 || uid == geteuid();
}

// Only root or we can place or exchange things in this folder.
bool trusted(const struct stat& folder) {
  return ours(folder.st_uid) && (!(folder.st_mode & 0022) || (folder.st_mode & S_ISVTX));
}

Result<std::string> slurp(int fd, const std::string& path, std::size_t limit) {
  std::string text;
  char buffer[65536];
  for (;;) {
    auto count = ::read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("reading", path, errno);
    if (count == 0) return text;
    if (text.size() + static_cast<std::size_t>(count) > limit)
      return fail(Errc::exhausted, fmt::format("{} is larger than {} bytes", path, limit));
    text.append(buffer, static_cast<std::size_t>(count));
  }
}

Result<std::string> digest(int fd, const std::string& path) {
  base::crypto::Sha256 sum;
  char buffer[65536];
  for (;;) {
    auto count = ::read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("reading", path, errno);
    if (count == 0) break;
    sum.update({buffer, static_cast<std::size_t>(count)});
  }
  std::string hex;
  for (auto byte : sum.finish()) hex += fmt::format("{:02x}", byte);
  return hex;
}

Result<> sync_folder(int fd, const std::string& path) {
  Fd real(::openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!real || ::fsync(real.get()) != 0) return failed("syncing the folder of", path, errno);
  return {};
}

constexpr std::string_view temporary_suffix = ".weft-new";

std::string temporary_for(const std::string& name) {
  return "." + name.substr(0, 255 - temporary_suffix.size() - 1) + std::string(temporary_suffix);
}

}  // namespace

Result<Tree> Tree::open(const std::filesystem::path& root) {
  Tree tree;
  std::error_code error;
  tree.root_ = std::filesystem::weakly_canonical(root, error);
  if (error || tree.root_.empty()) return fail(Errc::not_found, "root folder " + root.string() + " cannot be resolved");
  tree.fd_ = Fd(::open(tree.root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!tree.fd_) return failed("opening the root folder", tree.root_, errno);
  if (!tree.is_whole_machine()) {
    tree.own_names_ = ::access((tree.root_ / "etc/passwd").c_str(), R_OK) == 0;
    tree.ignore_owner_ = geteuid() != 0;
    if (tree.own_names_) {
      tree.load("/etc/passwd", tree.users_);
      tree.load("/etc/group", tree.groups_);
    }
  }
  return tree;
}

void Tree::load(const char* file, Ids& ids) const {
  auto text = content(file);
  if (!text) return;
  for (const auto& line : base::text::split(*text, '\n')) {
    auto fields = base::text::split(line, ':');
    if (fields.size() < 3 || fields[0].empty() || fields[2].empty() || fields[2].size() > 9) continue;
    if (!std::all_of(fields[2].begin(), fields[2].end(), [](char c) { return c >= '0' && c <= '9'; })) continue;
    auto number = static_cast<unsigned>(std::stoul(fields[2]));
    ids.by_name.try_emplace(fields[0], number);
    ids.by_id.try_emplace(number, fields[0]);
  }
}

Result<Tree::Place> Tree::place(const std::string& path) const {
  std::deque<std::string> todo;
  for (auto& part : base::text::split(path, '/'))
    if (!part.empty()) todo.push_back(std::move(part));
  if (path.empty() || path[0] != '/' || todo.empty()) return fail(Errc::invalid, "'" + path + "' names no place below the root");
  std::vector<Fd> way;
  auto here = [&] { return way.empty() ? fd_.get() : way.back().get(); };
  int links = 0;
  while (todo.size() > 1) {
    auto part = std::move(todo.front());
    todo.pop_front();
    if (part == ".") continue;
    if (part == "..") {
      if (!way.empty()) way.pop_back();
      continue;
    }
    Fd next(::openat(here(), part.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!next) return failed("reaching", path, errno);
    struct stat at {
    }, folder{};
    if (::fstat(next.get(), &at) != 0 || ::fstat(here(), &folder) != 0) return failed("reaching", path, errno);
    if (S_ISDIR(at.st_mode)) {
      way.push_back(std::move(next));
      continue;
    }
    if (!S_ISLNK(at.st_mode)) return failed("reaching", path, ENOTDIR);
    if (!ours(at.st_uid) || !trusted(folder))
      return fail(Errc::denied,
                  fmt::format("{} leads through the link '{}', which user {} can change: not followed", path, part,
                              ours(at.st_uid) ? folder.st_uid : at.st_uid),
                  "manage the real path, or give the folder to root");
    if (++links > 40) return failed("reaching", path, ELOOP);
    char target[4097];
    auto length = ::readlinkat(next.get(), "", target, sizeof target - 1);
    if (length < 0) return failed("reading a link in", path, errno);
    std::string_view text(target, static_cast<std::size_t>(length));
    if (text.starts_with('/')) way.clear();
    auto parts = base::text::split(text, '/');
    for (auto it = parts.rbegin(); it != parts.rend(); ++it)
      if (!it->empty()) todo.push_front(std::move(*it));
  }
  Place place;
  place.name = todo.front();
  if (place.name == "." || place.name == "..") return fail(Errc::invalid, "'" + path + "' ends in a '" + place.name + "' part");
  place.folder = Fd(::openat(here(), ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!place.folder) return failed("reaching", path, errno);
  return place;
}

Result<Image> Tree::image(const std::string& path) const {
  Image image;
  if (path == "/") {
    image.kind = Kind::folder;
    image.mode = 0755;
    image.owner = user("0");
    image.group = group("0");
    return image;
  }
  auto at = place(path);
  if (!at) {
    if (at.error().code == Errc::not_found) return image;
    return fail(std::move(at).error());
  }
  struct stat info {};
  if (::fstatat(at->folder.get(), at->name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return image;
    return failed("looking at", path, errno);
  }
  if (S_ISLNK(info.st_mode)) {
    char target[4097];
    auto length = ::readlinkat(at->folder.get(), at->name.c_str(), target, sizeof target - 1);
    if (length < 0) return failed("reading link", path, errno);
    image.kind = Kind::link;
    image.target.assign(target, static_cast<std::size_t>(length));
    return image;
  }
  image.mode = info.st_mode & 07777;
  image.owner = ignore_owner_ ? user("0") : name(true, info.st_uid);
  image.group = ignore_owner_ ? group("0") : name(false, info.st_gid);
  if (S_ISDIR(info.st_mode)) {
    image.kind = Kind::folder;
    return image;
  }
  if (!S_ISREG(info.st_mode)) {
    image = {};
    image.kind = Kind::other;
    return image;
  }
  Fd file(::openat(at->folder.get(), at->name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) return failed("reading", path, errno);
  image.kind = Kind::file;
  image.sha256 = WEFT_TRY(digest(file.get(), path));
  return image;
}

Result<std::string> Tree::content(const std::string& path, std::size_t limit) const {
  auto at = WEFT_TRY(place(path));
  Fd file(::openat(at.folder.get(), at.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) return failed("reading", path, errno);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return failed("looking at", path, errno);
  if (!S_ISREG(info.st_mode)) return fail(Errc::invalid, path + " is not a regular file");
  return slurp(file.get(), path, limit);
}

Result<std::vector<std::string>> Tree::list(const std::string& folder) const {
  Fd fd;
  if (folder == "/") {
    fd = Fd(::openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  } else {
    auto at = WEFT_TRY(place(folder));
    fd = Fd(::openat(at.folder.get(), at.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  }
  if (!fd) return failed("listing", folder, errno);
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator it(fmt::format("/proc/self/fd/{}", fd.get()), error), end; !error && it != end;
       it.increment(error)) {
    auto name = it->path().filename().string();
    if (name.size() > temporary_suffix.size() && name[0] == '.' && name.ends_with(temporary_suffix)) continue;
    names.push_back(std::move(name));
  }
  if (error) return fail(Errc::internal, fmt::format("listing {}: {}", folder, error.message()));
  std::sort(names.begin(), names.end());
  return names;
}

Result<> Tree::own(int fd, const std::string& path, const Image& after) const {
  if (!ignore_owner_) {
    auto uid = WEFT_TRY(id(true, after.owner));
    auto gid = WEFT_TRY(id(false, after.group));
    if (::fchown(fd, uid, gid) != 0) return failed("giving away", path, errno);
  }
  // After the owner, because a change of owner drops the set-id bits.
  if (::fchmod(fd, after.mode) != 0) return failed("setting the mode of", path, errno);
  return {};
}

Result<> Tree::write(const std::string& path, std::string_view content, const Image& after) const {
  auto at = WEFT_TRY(place(path));
  auto temporary = temporary_for(at.name);
  // Left over when we were killed: a name of ours, in a folder that we are about to write to.
  ::unlinkat(at.folder.get(), temporary.c_str(), 0);
  Fd file(::openat(at.folder.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return failed("writing", path, errno);
  auto give_up = [&](tl::unexpected<base::Error> error) {
    ::unlinkat(at.folder.get(), temporary.c_str(), 0);
    return error;
  };
  while (!content.empty()) {
    auto count = ::write(file.get(), content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return give_up(failed("writing", path, errno));
    content.remove_prefix(static_cast<std::size_t>(count));
  }
  if (auto owned = own(file.get(), path, after); !owned) return give_up(fail(std::move(owned).error()));
  if (::fsync(file.get()) != 0) return give_up(failed("syncing", path, errno));
  if (::renameat(at.folder.get(), temporary.c_str(), at.folder.get(), at.name.c_str()) != 0)
    return give_up(failed("replacing", path, errno));
  return sync_folder(at.folder.get(), path);
}

Result<> Tree::remove(const std::string& path) const {
  auto at = place(path);
  if (!at && at.error().code == Errc::not_found) return {};
  if (!at) return fail(std::move(at).error());
  struct stat info {};
  if (::fstatat(at->folder.get(), at->name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return {};
    return failed("removing", path, errno);
  }
  if (::unlinkat(at->folder.get(), at->name.c_str(), S_ISDIR(info.st_mode) ? AT_REMOVEDIR : 0) != 0)
    return failed("removing", path, errno);
  return sync_folder(at->folder.get(), path);
}

Result<> Tree::link(const std::string& path, const std::string& target) const {
  auto at = WEFT_TRY(place(path));
  auto temporary = temporary_for(at.name);
  ::unlinkat(at.folder.get(), temporary.c_str(), 0);
  struct stat info {};
  if (::fstatat(at.folder.get(), at.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode) &&
      ::unlinkat(at.folder.get(), at.name.c_str(), AT_REMOVEDIR) != 0)
    return failed("replacing folder", path, errno);
  if (::symlinkat(target.c_str(), at.folder.get(), temporary.c_str()) != 0) return failed("linking", path, errno);
  if (::renameat(at.folder.get(), temporary.c_str(), at.folder.get(), at.name.c_str()) != 0) {
    int error = errno;
    ::unlinkat(at.folder.get(), temporary.c_str(), 0);
    return failed("replacing", path, error);
  }
  return sync_folder(at.folder.get(), path);
}

Result<> Tree::make_folder(const std::string& path, const Image& after) const {
  auto at = WEFT_TRY(place(path));
  struct stat info {};
  if (::fstatat(at.folder.get(), at.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(info.st_mode) &&
      ::unlinkat(at.folder.get(), at.name.c_str(), 0) != 0)
    return failed("replacing", path, errno);
  if (::mkdirat(at.folder.get(), at.name.c_str(), 0700) != 0 && errno != EEXIST) return failed("making folder", path, errno);
  Fd folder(::openat(at.folder.get(), at.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder) return failed("opening folder", path, errno);
  WEFT_TRY(own(folder.get(), path, after));
  return sync_folder(at.folder.get(), path);
}

Result<> Tree::set_attributes(const std::string& path, const Image& after) const {
  auto at = WEFT_TRY(place(path));
  Fd file(::openat(at.folder.get(), at.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) return failed("opening", path, errno);
  struct stat info {
  }, folder{};
  if (::fstat(file.get(), &info) != 0 || ::fstat(at.folder.get(), &folder) != 0) return failed("looking at", path, errno);
  if (S_ISREG(info.st_mode) && info.st_nlink > 1 && !trusted(folder))
    return fail(
        Errc::denied,
        fmt::format("{} has {} hard links and lies in a folder that user {} can write: its mode and owner are not changed", path,
                    info.st_nlink, folder.st_uid),
        "remove the other links, or give the folder to root");
  WEFT_TRY(own(file.get(), path, after));
  if (::fsync(file.get()) != 0) return failed("syncing", path, errno);
  return {};
}

Result<unsigned> Tree::id(bool user, const std::string& name) const {
  if (!name.empty() && name.size() <= 9 && std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return static_cast<unsigned>(std::stoul(name));
  if (own_names_) {
    const auto& ids = user ? users_ : groups_;
    if (auto it = ids.by_name.find(name); it != ids.by_name.end()) return it->second;
  } else if (user) {
    if (const auto* entry = ::getpwnam(name.c_str())) return entry->pw_uid;
  } else if (const auto* entry = ::getgrnam(name.c_str())) {
    return entry->gr_gid;
  }
  return fail(Errc::not_found, fmt::format("{} '{}' does not exist on this node", user ? "user" : "group", name),
              "create it first (a package, or the component that makes accounts)");
}

std::string Tree::name(bool user, unsigned id) const {
  auto& ids = user ? users_ : groups_;
  if (auto it = ids.by_id.find(id); it != ids.by_id.end()) return it->second;
  std::string text = std::to_string(id);
  if (own_names_) return text;
  if (user) {
    if (const auto* entry = ::getpwuid(id)) text = entry->pw_name;
  } else if (const auto* entry = ::getgrgid(id)) {
    text = entry->gr_name;
  }
  // Only what has a name is remembered: a package may give the number one.
  if (text != std::to_string(id)) ids.by_id[id] = text;
  return text;
}

std::string Tree::user(std::string_view name) const {
  if (ignore_owner_) return this->name(true, geteuid());
  auto number = id(true, std::string(name));
  return number ? this->name(true, *number) : std::string();
}

std::string Tree::group(std::string_view name) const {
  if (ignore_owner_) return this->name(false, getegid());
  auto number = id(false, std::string(name));
  return number ? this->name(false, *number) : std::string();
}

}  // namespace agent::machine
