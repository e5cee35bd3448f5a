// What a Java character class matches, as a set with union, intersection and complement, and as a PCRE2 pattern for one
// character. Room-internal; a plain value, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cdb::pan::java {

class CharSet {
 public:
  CharSet() = default;
  static CharSet of(char32_t first, char32_t last);
  static CharSet of(std::string_view ascii_ranges);  // pairs: "azAZ09"
  static CharSet property(std::string escape);       // usable inside [...]: "\\p{L}"
  static CharSet all();

  void add(char32_t first, char32_t last);
  void unite(const CharSet& other);
  void intersect(const CharSet& other);
  void complement();
  // Adds other cases of the characters listed (properties stay): ASCII letters only, or as Unicode's simple mappings say.
  void add_cases(bool unicode);

  // Matches exactly one character; needs PCRE2_DOTALL. May be quantified.
  std::string pattern() const;

 private:
  struct Range {
    char32_t first, last;
  };
  bool listed() const { return properties_.empty() && patterns_.empty(); }
  bool has(char32_t code) const;
  void normalize();
  std::string bracket_body() const;

  std::vector<Range> ranges_;            // sorted, disjoint, not adjacent
  std::vector<std::string> properties_;  // \p{..}: contents unknown to us
  std::vector<std::string> patterns_;    // each matches one character
};

}  // namespace cdb::pan::java
