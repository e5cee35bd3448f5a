// Is what a dependency database says of a profile still true? Looks at files through FileStates and reads content only where a
// stamp proves nothing. Used by programs/panc. One thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cdb/pan/depend_db.h"
#include "cdb/pan/value.h"

namespace cdb::pan {

// Files as one run sees them: the first answer for a path is the answer for the whole run.
class FileStates {
 public:
  virtual ~FileStates() = default;
  virtual FileStamp stamp(const std::string& path) = 0;
  // Of the content as it was or would be read now; none: it cannot be read.
  virtual std::optional<Digest> digest(const std::string& path) = 0;
  // Was it left alone long enough for an equal stamp to mean equal content?
  virtual bool settled(const FileStamp& stamp) = 0;
};

class DependCheck {
 public:
  // `given`: object templates named on the command line and their files. Both must outlive the check; stamps of files that
  // turned out unchanged are brought up to date in `db`.
  DependCheck(DependDb& db, FileStates& states, std::vector<std::string> include_path,
              const std::map<std::string, std::string, std::less<>>& given);

  // "" when nothing changed that this profile read and its outputs are there; else one reason: "roles/disk.pan changed".
  // References to other objects are the caller's to follow.
  std::string why(const DependDb::Object& object);
  // The file where a look-up ends now; "" when there is none.
  std::string resolve(Read::Kind kind, const std::string& name, std::int32_t root);
  bool same(std::uint32_t file);
  // Was any stamp brought up to date?
  bool refreshed() const { return refreshed_; }

 private:
  const std::string& lookup(std::uint32_t index);
  std::string shown(const DependDb::Lookup& lookup, const std::string& path) const;

  DependDb& db_;
  FileStates& states_;
  std::vector<std::string> include_path_;
  const std::map<std::string, std::string, std::less<>>& given_;
  std::vector<signed char> files_;                   // -1: not looked at yet
  std::vector<std::optional<std::string>> lookups_;  // reasons
  bool refreshed_ = false;
};

// Of a value that was read from another object; zeros for none.
Digest digest_of(const Value* value);

}  // namespace cdb::pan
