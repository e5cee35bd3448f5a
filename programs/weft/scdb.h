// An SCDB tree (Quattor's oldest layout: cfg/clusters/*, cfg/sites, cfg/standard, one cluster.build.properties for each cluster)
// as a branch: weft.yaml is made from the properties. Used by `weft template import --git`. Pure, any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"

namespace programs::weft {

struct ScdbCluster {
  std::string name, folder;           // "grid/umd4", "cfg/clusters/grid/umd4"
  std::vector<std::string> includes;  // cluster.pan.includes, below the folder that holds clusters/
};
// Clusters of a tree, by name. Empty: it is no SCDB tree.
std::vector<ScdbCluster> scdb_clusters(const std::map<std::string, std::string>& files);

// weft.yaml for one cluster: its own folders first, then its includes, as Quattor's build does. `name` "": the only one, or all
// when they have the same includes. Errc::invalid names the clusters when they cannot share a branch: a branch has one include
// path.
base::Result<std::string> scdb_settings(const std::vector<ScdbCluster>& clusters, const std::map<std::string, std::string>& files,
                                        std::string_view name);

}  // namespace programs::weft
