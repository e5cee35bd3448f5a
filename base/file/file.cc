#include "base/file/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "base/diag/fail_point.h"

namespace base::file {
namespace {

Errc code_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR: return Errc::not_found;
    case EACCES:
    case EPERM:
    case EROFS: return Errc::denied;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EFBIG: return Errc::exhausted;
    case EEXIST:
    case EBUSY:
    case ETXTBSY: return Errc::conflict;
    case EIO: return Errc::corrupt;
    case ENAMETOOLONG:
    case EISDIR:
    case ELOOP:
    case EINVAL: return Errc::invalid;
    default: return Errc::unavailable;
  }
}

tl::unexpected<Error> failed(std::string_view doing, const std::filesystem::path& path, int error) {
  const auto code = code_of(error);
  const std::string hint =
      error == ENOSPC || error == EDQUOT ? "free space on the file system of " + path.parent_path().string() : "";
  return fail(code, fmt::format("cannot {} {}: {}", doing, path.string(), std::strerror(error)), hint);
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  const auto folder = path.parent_path();
  return folder.empty() ? std::filesystem::path(".") : folder;
}

Result<> write_all(int fd, std::string_view content, const std::filesystem::path& path) {
  while (!content.empty()) {
    const auto written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed("write", path, errno);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<> sync_folder(const std::filesystem::path& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return failed("open folder", folder, errno);
  // Some file systems (FUSE, 9p) cannot sync folders and say EINVAL; they have no better promise to give.
  if (::fsync(fd.get()) != 0 && errno != EINVAL) return failed("sync folder", folder, errno);
  return {};
}

// Removes the temporary file unless it has become the target.
class Temporary {
 public:
  explicit Temporary(std::filesystem::path path) : path_(std::move(path)) {}
  Temporary(const Temporary&) = delete;
  ~Temporary() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  const std::filesystem::path& path() const { return path_; }
  void keep() { path_.clear(); }

 private:
  std::filesystem::path path_;
};

Result<> fill(int fd, std::string_view content, const WriteOptions& options, const std::filesystem::path& path) {
  WEFT_TRY(fail_point("file.write"));
  WEFT_TRY(write_all(fd, content, path));
  // Owner before mode: chown clears set-uid bits, and the wider mode must never meet the wrong owner.
  if (options.owner || options.group) {
    if (::fchown(fd, options.owner.value_or(static_cast<uid_t>(-1)), options.group.value_or(static_cast<gid_t>(-1))) != 0)
      return failed("set the owner of", path, errno);
  }
  if (::fchmod(fd, options.mode) != 0) return failed("set the mode of", path, errno);
  if (options.durable && ::fsync(fd) != 0) return failed("sync", path, errno);
  return {};
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

Result<std::string> read(const std::filesystem::path& path, std::size_t limit) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return failed("open", path, errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return failed("look at", path, errno);
  if (S_ISDIR(status.st_mode)) return failed("read", path, EISDIR);
  const auto too_long = [&] {
    return fail(Errc::exhausted, fmt::format("{} is longer than the {} bytes allowed here", path.string(), limit));
  };
  std::string content;
  if (status.st_size > 0 && static_cast<std::uintmax_t>(status.st_size) > limit) return too_long();
  // The size is only a hint: /proc files say 0 and others grow while we read. What is behind it goes to a small buffer first, so
  // that asking for the end does not make the text grow.
  const std::size_t expected = static_cast<std::size_t>(std::max<off_t>(status.st_size, 0));
  content.resize(expected);
  std::size_t used = 0;
  char more[16384];
  for (;;) {
    const bool known = used < expected;
    const auto got = known ? ::read(fd.get(), content.data() + used, expected - used) : ::read(fd.get(), more, sizeof more);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read", path, errno);
    if (got == 0) break;
    if (!known) content.append(more, static_cast<std::size_t>(got));
    used += static_cast<std::size_t>(got);
    if (used > limit) return too_long();
  }
  content.resize(used);
  return content;
}

Result<> write_atomic(const std::filesystem::path& path, std::string_view content, const WriteOptions& options) {
  static std::atomic<unsigned> serial{0};
  if (path.filename().empty())
    return fail(Errc::invalid, fmt::format("cannot write '{}': the path names no file", path.string()));
  const auto folder = folder_of(path);
  // The process id and a serial make the name ours; O_EXCL catches a name left by a killed process with the same id.
  Fd fd;
  std::filesystem::path name;
  for (int attempt = 0; attempt < 100; ++attempt) {
    name = folder / fmt::format(".weft-tmp.{}.{}", ::getpid(), serial.fetch_add(1, std::memory_order_relaxed));
    fd = Fd(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (fd || errno != EEXIST) break;
  }
  if (!fd) return failed("create a temporary file for", path, errno);
  Temporary temporary(name);
  WEFT_TRY(fill(fd.get(), content, options, path));
  WEFT_TRY(fail_point("file.rename"));
  // close() reports write errors that NFS and quotas kept back; after fsync there are none.
  if (::close(fd.release()) != 0 && errno != EINTR) return failed("close", path, errno);
  if (::rename(temporary.path().c_str(), path.c_str()) != 0) return failed("replace", path, errno);
  temporary.keep();
  WEFT_TRY(fail_point("file.renamed"));
  if (options.durable) return sync_folder(folder);
  return {};
}

Result<> make_folders(const std::filesystem::path& path, mode_t mode) {
  if (path.empty()) return fail(Errc::invalid, "cannot make a folder without a name");
  std::filesystem::path so_far;
  for (const auto& part : path) {
    so_far /= part;
    if (::mkdir(so_far.c_str(), mode) == 0) {
      // Set again because of the umask: a folder asked for with 0775 must not become 0755.
      if (::chmod(so_far.c_str(), mode) != 0) return failed("set the mode of", so_far, errno);
      continue;
    }
    const int error = errno;
    struct stat status {};
    if (::stat(so_far.c_str(), &status) == 0) {
      if (S_ISDIR(status.st_mode)) continue;
      return fail(Errc::conflict, fmt::format("cannot make folder {}: a file of that name exists", so_far.string()));
    }
    return failed("make folder", so_far, error);
  }
  return {};
}

Result<Fd> lock(const std::filesystem::path& path) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd) return failed("open lock", path, errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return failed("lock", path, errno);
    char text[32] = {};
    const auto size = ::pread(fd.get(), text, sizeof text - 1, 0);
    const std::string holder(text, size > 0 ? std::strcspn(text, "\n") : 0);
    return fail(Errc::conflict, fmt::format("{} is locked by process {}", path.string(), holder.empty() ? "unknown" : holder),
                "wait for that process or stop it");
  }
  // The pid is only for people; the lock itself dies with the descriptor.
  const auto pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return failed("write lock", path, errno);
  return fd;
}

}  // namespace base::file
