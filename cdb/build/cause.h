// Which template line makes a value change: the compiler's provenance of one profile, matched with the lines that a change
// edited. Used by Trial for one node of each group of a plan. One thread at a time, under the branch's lock.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/diag/result.h"
#include "base/git/git.h"
#include "cdb/pan/explain.h"

namespace cdb::build {

struct Place {
  std::string file;
  int line = 0;
  std::string text;  // of that line
  friend bool operator==(const Place&, const Place&) = default;
};

struct Cause {
  std::optional<Place> edited;  // the edited line the value comes from; none: it could not be told
  std::optional<Place> set_by;  // the statement that gives the value
};

// The edited files, as line ranges of the new and of the old text.
class EditedLines {
 public:
  // Texts too large to compare count as edited as a whole.
  void add(const std::string& path, std::string_view before, std::string_view after);
  // Is the file edited; in that line? `now`: lines of the new text, else of the old one.
  bool file(const std::string& path) const { return files_.contains(path); }
  bool line(const std::string& path, int line, bool now) const;
  // The one place all edits are at, when they are at one place in one file of `only` (all files when that is empty).
  std::optional<Place> single(const std::set<std::string>& only, bool now) const;

 private:
  struct File {
    std::vector<base::git::Range> ranges;
    std::vector<std::string> before, after;  // lines
    bool whole = false;
  };
  std::map<std::string, File> files_;
};

// Cause of the element at `path` (stored form) from an explanation of its profile: the new one, or for removed values the old
// one.
Cause cause_of(const pan::Explanation& explanation, const std::string& path, const EditedLines& lines, bool now);

}  // namespace cdb::build
