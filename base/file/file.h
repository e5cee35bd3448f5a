// Files: whole reads, atomic durable writes, descriptors. Used everywhere. Any thread. Errors carry the path and strerror text.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/diag/result.h"

namespace base::file {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

Result<std::string> read(const std::filesystem::path& path, std::size_t limit = 256u << 20);
struct WriteOptions {
  mode_t mode = 0644;
  std::optional<uid_t> owner;
  std::optional<gid_t> group;
  bool durable = true;  // fsync file and folder
};
// Temporary file beside the target, fsync, rename, fsync folder. A reader sees the old or the new content, never a part.
Result<> write_atomic(const std::filesystem::path& path, std::string_view content, const WriteOptions& options = {});
Result<> make_folders(const std::filesystem::path& path, mode_t mode = 0755);
// An exclusive flock on `path` (created); Errc::conflict with the holder's pid when taken.
Result<Fd> lock(const std::filesystem::path& path);

// Whether the account may enter every folder above `path`. Errc::denied names the first that it may not, and what to do.
Result<> may_reach(const std::filesystem::path& path, const std::string& account);

}  // namespace base::file
