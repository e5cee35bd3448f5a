#include "programs/weft/pan_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

namespace programs::weft {
namespace {

namespace fs = std::filesystem;

base::Result<std::vector<std::string>> below(const std::string& folder) {
  std::vector<std::string> out;
  std::error_code error;
  fs::recursive_directory_iterator at(folder, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    const fs::path& path = at->path();
    const bool hidden = path.filename().string().starts_with(".");
    std::error_code ignored;
    if (at->is_directory(ignored) && !at->is_symlink(ignored)) {
      if (hidden) at.disable_recursion_pending();
    } else if (!hidden && at->is_regular_file(ignored) && !at->is_symlink(ignored) &&
               (path.extension() == ".pan" || path.extension() == ".tpl")) {
      out.push_back(path.string());
    }
  }
  if (error)
    return base::fail(base::Errc::denied, fmt::format("{} cannot be read: {}", folder, error.message()), "check its permissions");
  if (out.empty())
    return base::fail(base::Errc::not_found, fmt::format("there is no template (*.pan, *.tpl) below {}", folder),
                      "name a folder that has some, or the files");
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

base::Result<std::vector<std::string>> named_templates(const std::vector<std::string>& names) {
  std::vector<std::string> out;
  std::set<std::string> seen;
  const auto add = [&](std::string file) {
    std::error_code ignored;
    if (seen.insert(fs::weakly_canonical(file, ignored).string()).second) out.push_back(std::move(file));
  };
  for (const std::string& name : names) {
    std::error_code error;
    if (fs::is_directory(name, error)) {
      for (std::string& file : WEFT_TRY(below(name))) add(std::move(file));
    } else if (fs::is_regular_file(name, error)) {
      add(name);
    } else {
      return base::fail(base::Errc::not_found, fmt::format("{}: no such file or folder", name), "check the name");
    }
  }
  return out;
}

}  // namespace programs::weft
