#include "agent/plan/image.h"

#include <fmt/format.h>

#include <array>

namespace agent::plan {

namespace {
constexpr std::array<std::string_view, 5> kind_names{"absent", "file", "link", "folder", "other"};
constexpr std::array<std::string_view, 3> forbidden{"/proc", "/sys", "/var/lib/weft-agent"};
}  // namespace

std::string_view kind_name(Kind kind) {
  return kind_names[static_cast<std::size_t>(kind)];
}

base::profile::Value to_value(const Image& image) {
  base::profile::Dict out;
  out["kind"] = kind_name(image.kind);
  if (image.kind == Kind::file || image.kind == Kind::folder) {
    out["mode"] = static_cast<std::int64_t>(image.mode);
    out["owner"] = image.owner;
    out["group"] = image.group;
  }
  if (image.kind == Kind::file) out["sha256"] = image.sha256;
  if (image.kind == Kind::link) out["target"] = image.target;
  return out;
}

base::Result<Image> image_from(const base::profile::Value& value) {
  Image image;
  auto name = value.get_string("kind");
  bool known = false;
  for (std::size_t i = 0; i < kind_names.size(); ++i)
    if (kind_names[i] == name) {
      image.kind = static_cast<Kind>(i);
      known = true;
    }
  if (!known) return base::fail(base::Errc::corrupt, fmt::format("'{}' is no kind of path", name));
  image.mode = static_cast<mode_t>(value.get_integer("mode"));
  image.owner = value.get_string("owner");
  image.group = value.get_string("group");
  image.sha256 = value.get_string("sha256");
  image.target = value.get_string("target");
  return image;
}

std::string octal(mode_t mode) {
  return fmt::format("{:04o}", mode & 07777);
}

std::string describe(const Image& image) {
  switch (image.kind) {
    case Kind::absent: return "absent";
    case Kind::file: return fmt::format("file {} {}:{}", octal(image.mode), image.owner, image.group);
    case Kind::folder: return fmt::format("folder {} {}:{}", octal(image.mode), image.owner, image.group);
    case Kind::link: return "link -> " + image.target;
    case Kind::other: return "neither file, folder nor link";
  }
  return "unknown";
}

base::Result<> check_path(std::string_view path) {
  auto refuse = [&](std::string_view why) {
    return base::fail(base::Errc::invalid, fmt::format("path '{}' {}", path, why), "name an absolute path without . or .. parts");
  };
  if (path.empty() || path[0] != '/') return refuse("is not absolute");
  if (path == "/") return refuse("is the root folder");
  if (path.size() > 4000) return refuse("is longer than 4000 bytes");
  if (path.find('\0') != path.npos || path.find('\n') != path.npos) return refuse("holds a NUL or a newline");
  std::size_t start = 1;
  while (start <= path.size()) {
    auto end = std::min(path.find('/', start), path.size());
    auto part = path.substr(start, end - start);
    if (part.empty()) return refuse("has an empty part");
    if (part == "." || part == "..") return refuse("holds a part '" + std::string(part) + "'");
    if (part.size() > 255) return refuse("has a part longer than 255 bytes");
    start = end + 1;
  }
  for (auto tree : forbidden)
    if (path == tree || (path.starts_with(tree) && path[tree.size()] == '/'))
      return refuse("is inside " + std::string(tree) + ", which no profile may manage");
  return {};
}

std::string parent_of(std::string_view path) {
  auto slash = path.rfind('/');
  if (slash == path.npos || slash == 0) return "/";
  return std::string(path.substr(0, slash));
}

}  // namespace agent::plan
