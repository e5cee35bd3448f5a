// One run through a Java pattern, writing PCRE2 as it goes. Only for regex_translate.cc and regex_class.cc; single thread, one
// use. Errors leave by exception inside these two files and become a Result in translate_regex.
#pragma once

#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cdb/pan/java/char_set.h"

namespace cdb::pan::java {

struct RegexFlags {
  bool i = false, d = false, m = false, s = false, u = false, x = false;
};

class RegexParser {
 public:
  // total_groups: known on the second run; decides whether a back reference can ever match.
  RegexParser(std::string_view pattern, RegexFlags flags, int total_groups);
  std::string run();
  int groups() const { return groups_; }
  const std::map<std::string, int, std::less<>>& names() const { return names_; }

  struct Failure {
    std::string message, hint;
  };

 private:
  // Characters of the pattern; quoted ones (\Q..\E) are never special.
  struct Token {
    char32_t code;
    bool quoted;
  };
  static constexpr char32_t kEnd = std::numeric_limits<char32_t>::max();

  // Special character at the position (after blanks and comments under the flag x), kEnd at the end, 0 for a quoted one.
  char32_t peek();
  char32_t raw(std::size_t ahead = 0) const;
  bool at_end() const { return position_ >= tokens_.size(); }
  bool accept(char32_t special);
  [[noreturn]] void fail(std::string what, std::string hint = {}) const;

  std::string alternatives();
  std::string sequence();
  std::string atom();
  std::string group();
  std::string quantified(std::string unit);
  std::string literal(char32_t code) const;
  std::string escape_outside();
  std::string back_reference();
  std::string named_reference();
  std::string line_begin() const;
  std::string line_end(bool multiline) const;
  std::string dot() const;
  static std::string word_boundary(bool inverse);
  bool set_flags(RegexFlags& flags);
  std::string group_name();

  CharSet char_class(bool nested_consumes);
  void class_item(CharSet& set, bool& any);
  CharSet class_property();
  // The character an escape stands for; what follows the backslash is next. kEnd when it stands for none.
  char32_t escaped_character();
  // \d \w and the like; false when the letter is none of them.
  static bool predefined(char32_t letter, CharSet& set);

  std::vector<Token> tokens_;
  std::size_t position_ = 0;
  RegexFlags flags_;
  int groups_ = 0, total_groups_, depth_ = 0;
  std::map<std::string, int, std::less<>> names_;
};

}  // namespace cdb::pan::java
