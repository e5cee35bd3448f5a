#include "programs/weft/pan_project.h"

#include <filesystem>
#include <optional>

#include "base/file/file.h"
#include "cdb/build/site.h"

namespace programs::weft {
namespace {

namespace fs = std::filesystem;
using cdb::build::Site;
using cdb::pan::index::absolute_path;

// The nearest folder with a weft.yaml, from `start` upwards.
std::optional<fs::path> site_folder(const fs::path& start) {
  std::error_code ignored;
  for (fs::path folder = fs::is_directory(start, ignored) ? start : start.parent_path();; folder = folder.parent_path()) {
    if (fs::is_regular_file(folder / Site::file, ignored)) return folder;
    if (folder == folder.parent_path()) return std::nullopt;
  }
}

}  // namespace

base::Result<FoundProject> find_project(const ProjectRequest& request) {
  FoundProject out;
  const std::string start = absolute_path(request.start, request.base);
  Site site;
  const auto folder = site_folder(start);
  std::error_code ignored;
  if (folder) {
    out.project.root = folder->string();
    const auto text = WEFT_TRY(base::file::read(*folder / Site::file));
    auto parsed = cdb::build::parse_site(text);
    if (!parsed) return base::fail(std::move(parsed.error()).during("reading " + (*folder / Site::file).string()));
    site = std::move(*parsed);
  } else {
    out.project.root = fs::is_directory(start, ignored) ? start : fs::path(start).parent_path().string();
  }
  const bool by_hand = !request.include_path.empty();
  for (const std::string& entry : by_hand ? request.include_path : site.include_path) {
    std::string path = absolute_path(entry, by_hand ? request.base : out.project.root);
    if (fs::is_directory(path, ignored)) {
      out.project.include_path.push_back(std::move(path));
    } else {
      out.missing.push_back(std::move(path));
    }
  }
  if (!request.objects.empty()) site.objects = request.objects;
  if (!site.objects.empty()) {
    for (std::string& file : cdb::pan::index::template_files(out.project.root))
      if (site.is_object(file.substr(out.project.root.size() + 1))) out.project.objects.push_back(std::move(file));
  }
  out.project.whole = folder.has_value() && out.missing.empty();
  return out;
}

}  // namespace programs::weft
