// Where a template tree is and how it compiles, for the tools that work on folders: weft.yaml in a folder or above it, or an
// include path by hand. Used by the verbs of `weft pan`. Single-threaded.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "cdb/pan/index/project.h"

namespace programs::weft {

struct ProjectRequest {
  std::string start;                      // a file or folder
  std::vector<std::string> include_path;  // not empty: instead of weft.yaml's; relative to `base`
  std::vector<std::string> objects;       // not empty: patterns instead of weft.yaml's
  std::string base;                       // absolute folder
};

struct FoundProject {
  cdb::pan::index::Project project;
  std::vector<std::string> missing;  // folders of the include path that do not exist
};

// Without weft.yaml and include path: the root is the folder, the include path is not known. Errors name what is wrong in
// weft.yaml.
base::Result<FoundProject> find_project(const ProjectRequest& request);

}  // namespace programs::weft
