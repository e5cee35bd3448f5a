#include "programs/weft/scdb.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/text/text.h"

namespace programs::weft {
namespace {

constexpr std::string_view properties = "/cluster.build.properties";

// Java properties as far as SCDB uses them: key=value lines, '#' comments, a backslash at the end goes on.
std::string property(std::string_view text, std::string_view key) {
  std::string joined;
  for (const auto& line : base::text::split(text, '\n')) {
    auto part = base::text::trim(line);
    if (joined.empty() && (part.starts_with('#') || part.starts_with('!'))) continue;
    const bool more = part.ends_with('\\');
    if (more) part.remove_suffix(1);
    joined += part;
    if (more) {
      joined += ' ';
      continue;
    }
    const auto equal = joined.find_first_of("=:");
    if (equal != std::string::npos && base::text::trim(std::string_view(joined).substr(0, equal)) == key)
      return std::string(base::text::trim(std::string_view(joined).substr(equal + 1)));
    joined.clear();
  }
  return {};
}

std::string root_of(const ScdbCluster& cluster) {
  const auto at = cluster.folder.rfind("clusters/" + cluster.name);
  return cluster.folder.substr(0, at);
}

bool holds(const std::map<std::string, std::string>& files, const std::string& folder) {
  const auto place = files.lower_bound(folder + "/");
  return place != files.end() && place->first.starts_with(folder + "/");
}

std::string names_of(const std::vector<ScdbCluster>& clusters) {
  std::vector<std::string> names;
  for (const auto& cluster : clusters) names.push_back(cluster.name);
  return base::text::join(names, ", ");
}

}  // namespace

std::vector<ScdbCluster> scdb_clusters(const std::map<std::string, std::string>& files) {
  std::vector<ScdbCluster> out;
  for (const auto& [path, content] : files) {
    if (!path.ends_with(properties)) continue;
    ScdbCluster cluster;
    cluster.folder = path.substr(0, path.size() - properties.size());
    const auto at = cluster.folder.starts_with("clusters/") ? 0 : cluster.folder.find("/clusters/") + 1;
    if (at == 0 && !cluster.folder.starts_with("clusters/")) continue;
    cluster.name = cluster.folder.substr(at + std::string_view("clusters/").size());
    auto words = base::text::split(property(content, "cluster.pan.includes"), ' ');
    std::erase(words, std::string());
    cluster.includes = std::move(words);
    out.push_back(std::move(cluster));
  }
  return out;
}

base::Result<std::string> scdb_settings(const std::vector<ScdbCluster>& clusters, const std::map<std::string, std::string>& files,
                                        std::string_view name) {
  std::vector<ScdbCluster> wanted;
  for (const auto& cluster : clusters) {
    if (name.empty() || cluster.name == name) wanted.push_back(cluster);
  }
  if (wanted.empty()) {
    std::vector<std::string> names;
    for (const auto& cluster : clusters) names.push_back(cluster.name);
    return base::fail(base::Errc::not_found,
                      fmt::format("there is no cluster '{}'{}", name, base::text::did_you_mean_suffix(name, names)),
                      "clusters: " + names_of(clusters));
  }
  const bool same =
      std::all_of(wanted.begin(), wanted.end(), [&](const auto& c) { return c.includes == wanted.front().includes; });
  if (wanted.size() > 1 && !same) {
    return base::fail(base::Errc::invalid,
                      fmt::format("the clusters {} have different include paths, and a branch has one", names_of(wanted)),
                      "import each into a domain of its own: weft template import --git ... --cluster " + wanted.front().name +
                          " --branch DOMAIN");
  }
  std::vector<std::string> path;
  std::set<std::string> seen;
  std::vector<std::string> objects;
  const auto add = [&](const std::string& folder, bool always) {
    if ((always || holds(files, folder)) && seen.insert(folder).second) path.push_back(folder);
  };
  for (const auto& cluster : wanted) {
    add(cluster.folder, true);
    add(cluster.folder + "/profiles", false);
    add(cluster.folder + "/site", false);
    objects.push_back(cluster.folder + "/profiles/*.pan");
    const auto old = std::any_of(files.begin(), files.end(), [&](const auto& file) {
      return file.first.starts_with(cluster.folder + "/profiles/") && file.first.ends_with(".tpl");
    });
    if (old) objects.push_back(cluster.folder + "/profiles/*.tpl");
  }
  for (const auto& include : wanted.front().includes) {
    auto folder = root_of(wanted.front()) + include;
    while (folder.ends_with('/') || folder.ends_with("/*") || folder.ends_with("/**"))
      folder = folder.substr(0, folder.rfind('/'));
    if (!holds(files, folder)) {
      return base::fail(
          base::Errc::invalid,
          fmt::format("{}: the include folder '{}' is not in the tree", wanted.front().folder + std::string(properties), folder),
          "import the template library with it: the tree must be complete");
    }
    add(folder, true);
  }
  std::string out = "# Made from cluster.build.properties by weft template import.\ninclude_path:\n";
  for (const auto& folder : path) out += fmt::format("  - \"{}\"\n", folder);
  out += "objects:\n";
  for (const auto& pattern : objects) out += fmt::format("  - \"{}\"\n", pattern);
  return out;
}

}  // namespace programs::weft
