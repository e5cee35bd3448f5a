// What a path on the machine is: the before- and after-image of every file action. Used by all rooms of the agent. Plain values,
// any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/profile/value.h"

namespace agent::plan {

enum class Kind { absent, file, link, folder, other };

struct Image {
  Kind kind = Kind::absent;
  mode_t mode = 0;           // 07777 bits; files and folders
  std::string owner, group;  // names, or numbers where no name is known; files and folders
  std::string sha256;        // of a file's content, hex
  std::string target;        // of a link
  friend bool operator==(const Image&, const Image&) = default;
};

std::string_view kind_name(Kind kind);
base::profile::Value to_value(const Image& image);
base::Result<Image> image_from(const base::profile::Value& value);
// "file 0644 root:root", "link -> /x", "absent".
std::string describe(const Image& image);
std::string octal(mode_t mode);

// An absolute path that a profile may name: no "." or ".." part, no "//", no NUL or newline, not "/" itself, and not below /proc,
// /sys or the agent's own state.
base::Result<> check_path(std::string_view path);
std::string parent_of(std::string_view path);

}  // namespace agent::plan
