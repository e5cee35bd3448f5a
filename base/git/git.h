// Text merging and line comparison by libgit2. Used by cdb/build and `weft`. Pure, any thread. Failure: Errc::exhausted for texts
// larger than `max_text`, Errc::internal when the library refuses.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"

namespace base::git {

constexpr std::size_t max_text = 16u << 20;  // bytes of one side

// Lines that both sides changed, in different ways.
struct Region {
  int line = 0;                    // 1-based, in `mine`
  std::string base, mine, theirs;  // the lines, each with its end
};

struct Merged {
  bool clean = false;
  std::string text;             // clean: the result; else with conflict markers (<<<<<<< ||||||| ======= >>>>>>>)
  std::vector<Region> regions;  // empty when clean
};

// Names stand behind the markers. An absent side is an empty text: the caller decides about removed files.
struct Names {
  std::string base = "base", mine = "mine", theirs = "theirs";
};
Result<Merged> merge_texts(std::string_view base, std::string_view mine, std::string_view theirs, const Names& names = {});

// Lines of `after` that `before` lacks, and how many lines of `before` they replace. 1-based; a pure removal has count 0 and
// stands after line `line`.
struct Range {
  int old_line = 0, old_count = 0;
  int line = 0, count = 0;
};
Result<std::vector<Range>> changed_ranges(std::string_view before, std::string_view after);

}  // namespace base::git
