// Absolute paths into a profile: "/software/components/filecopy/services/{/etc/motd}". A part in braces is stored
// Quattor-escaped. Pure values, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/profile/value.h"

namespace base::profile {

// Quattor's escape: every byte outside [A-Za-z0-9], and a leading digit, becomes _xx (lower-case hex); "" becomes "_".
std::string escape(std::string_view raw);
// The inverse; malformed sequences are kept as they stand.
std::string unescape(std::string_view escaped);

class Path {
 public:
  Path() = default;                                  // the root, "/"
  static Result<Path> parse(std::string_view text);  // must begin with '/', no empty part
  const std::vector<std::string>& parts() const { return parts_; }
  Path operator/(std::string_view part) const;
  Path parent() const;
  bool starts_with(const Path& prefix) const;
  std::string text() const;     // stored form, "/a/_2fetc"
  std::string display() const;  // for people: parts that unescape to something else in braces, "/a/{/etc}"
  friend auto operator<=>(const Path&, const Path&) = default;

 private:
  std::vector<std::string> parts_;
};

// A list part as an index: decimal digits without leading zeros.
std::optional<std::size_t> list_index(std::string_view part);
// Null pointer when any part is missing. List parts are list_index().
const Value* find(const Value& root, const Path& path);
const Value* find(const Value& root, std::string_view path);
// Creates dicts on the way. Errc::invalid when a leaf or list stands in the way.
Result<> set(Value& root, const Path& path, Value value);
// True when something was removed.
bool erase(Value& root, const Path& path);

}  // namespace base::profile
