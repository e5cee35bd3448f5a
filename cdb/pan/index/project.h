// A tree of templates on the disk, with texts that an editor holds in front of them. Used by lint and the Language Server.
// Project is a value; OverlaySource may be read by any thread while one thread changes it. A file that cannot be read is absent.
#pragma once

#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "cdb/pan/compiler.h"

namespace cdb::pan::index {

struct Project {
  std::string root;                       // absolute folder
  std::vector<std::string> include_path;  // absolute folders, in search order; empty: not known
  std::vector<std::string> objects;       // absolute paths of object templates
  bool whole = false;                     // include_path and objects are the site's own: what nobody uses here is unused
};

// "/a/./b/../c" as "/a/c"; relative paths begin at `base`. Symbolic links stay.
std::string absolute_path(std::string_view path, std::string_view base);

// Template files (.pan, .tpl) below a folder, sorted. Folders whose names begin with a dot are left out, links to folders
// followed once.
std::vector<std::string> template_files(const std::string& folder);

// Files by absolute path. What the disk said is kept until forget().
class OverlaySource : public cdb::pan::Source {
 public:
  using Text = std::shared_ptr<const std::string>;
  Text read(std::string_view path) const override;

  void put(const std::string& path, Text text);  // an editor's text hides the disk's
  void drop(const std::string& path);            // the disk counts again, read anew
  void forget(const std::string& path);          // the file changed on the disk
  bool holds(std::string_view path) const;

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, Text, std::less<>> overlay_;
  mutable std::map<std::string, Text, std::less<>> disk_;  // null pointer: no such file
};

}  // namespace cdb::pan::index
