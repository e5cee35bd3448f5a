// Finds templates and text files along include path and LOADPATH, parses each file once and keeps it for all objects and threads.
// Used by the Engine and object contexts. Any thread; a template that does not parse gives the same Failure to everybody who
// asks.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cdb/pan/compiler.h"
#include "cdb/pan/template.h"

namespace cdb::pan {

// One look-up as the dependency file and the reads of a profile need it.
struct Lookup {
  std::string name;        // as asked for
  std::string prefix;      // LOADPATH entry where it was found
  std::int32_t root = -1;  // include path index; -1: absent
  bool text = false;
  bool only = false;  // if_exists() and the like: found, but not loaded
  bool tpl = false;   // found with the old suffix .tpl
  bool operator==(const Lookup&) const = default;
  auto operator<=>(const Lookup&) const = default;
};

// Malformed UTF-8 becomes U+FFFD, as Java's reader does.
std::string clean_utf8(std::string_view text);

class Repository {
 public:
  Repository(std::shared_ptr<const Source> source, const Options& options, Names& names);

  struct Found {
    Lookup lookup;
    std::string path;  // "" when absent
  };
  // This template is in this file, wherever the include path would find it: files named on a command line. Before the first
  // find(); `path` ends in "/<name>.pan" or ".tpl", what is before it is the template's root. The path in force: the first given.
  std::string give(const std::string& name, const std::string& path);
  // Where a template or text file is, nothing read yet. Valid until invalidate().
  const Found& find(std::string_view name, const std::vector<std::string>& loadpath, bool text);
  // The parsed template of a file. Throws Failure when it does not parse.
  std::shared_ptr<const Template> parsed(const std::string& path);
  std::shared_ptr<const std::string> content(const std::string& path) const { return source_->read(path); }
  // These files came, went or changed: forgets what was parsed from them, and the look-ups of their names. No object is being
  // compiled meanwhile.
  void invalidate(std::span<const std::string> paths);
  // Frees what was parsed of these object templates; the next one to ask parses them again. No object is being compiled
  // meanwhile.
  void forget(std::span<const std::string> objects);
  const std::vector<std::string>& include_path() const { return options_.include_path; }
  // The include path and behind it the roots of given files: what Lookup.root counts.
  std::vector<std::string> roots() const;

 private:
  struct Parsed {
    std::once_flag once;
    std::shared_ptr<const Template> result;
    std::shared_ptr<Problem> problem;
  };
  static bool debug_enabled(const void* self, std::string_view name);

  std::shared_ptr<const Source> source_;
  const Options& options_;
  Names& names_;
  struct DebugFilter;
  std::shared_ptr<const DebugFilter> debug_;
  mutable std::shared_mutex mutex_;
  using FoundMap = std::unordered_map<std::string, Found>;
  FoundMap found_;
  std::unordered_multimap<std::size_t, const FoundMap::value_type*> by_last_;  // hash of the name's last segment
  std::unordered_map<std::string, Found> given_;
  std::vector<std::string> given_roots_;
  std::unordered_map<std::string, std::shared_ptr<Parsed>> parsed_;
};

}  // namespace cdb::pan
