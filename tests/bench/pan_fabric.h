// A folder of templates for the benches of the Pan compiler: read into memory, its object templates named, edits written. Used by
// tests/bench/pan_*.cc; ends the program with a message when something is wrong, as nothing can be measured then.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/file/file.h"
#include "base/text/text.h"
#include "cdb/build/tree.h"

namespace bench {

[[noreturn]] inline void stop(const std::string& why) {
  std::fprintf(stderr, "bench pan: %s\n", why.c_str());
  std::exit(1);
}

struct Fabric {
  std::shared_ptr<cdb::build::Tree> tree = std::make_shared<cdb::build::Tree>();
  std::vector<std::string> include_path;
  std::vector<std::string> nodes;  // object templates: the files below profiles/
  std::vector<std::string> paths;  // all files, sorted

  Fabric(const std::string& folder, const std::string& include) : include_path(base::text::split(include, ':')) {
    namespace fs = std::filesystem;
    if (!fs::is_directory(folder)) stop("there is no folder " + folder);
    for (const auto& file : fs::recursive_directory_iterator(folder)) {
      if (!file.is_regular_file() || file.path().extension() != ".pan") continue;
      auto content = base::file::read(file.path());
      if (!content) stop(content.error().message);
      paths.push_back(fs::relative(file.path(), folder));
      put(paths.back(), std::move(*content));
    }
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths)
      if (path.starts_with("profiles/")) nodes.push_back(path.substr(9, path.size() - 13));
    if (nodes.empty()) stop("there are no object templates in " + folder + "/profiles");
  }

  void put(const std::string& path, std::string content) {
    tree->put(path, {std::make_shared<const std::string>(std::move(content)), {}});
  }
  const std::string& content(const std::string& path) const {
    const auto* file = tree->find(path);
    if (!file) stop("the fabric has no file " + path);
    return *file->content;
  }
  // Adds a statement at the end, another one in each round: "'/system/bench' = '%d';".
  void append(const std::string& path, const std::string& original, std::string statement, int round) {
    const auto at = statement.find("%d");
    if (at == std::string::npos) stop("the statement to add must hold %d, so that each round's differs");
    put(path, original + "\n" + statement.replace(at, 2, std::to_string(round)) + "\n");
  }
};

}  // namespace bench
