#include <git2.h>

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "base/git/git.h"
#include "base/git/library.h"

namespace base::git {
namespace {

Result<> fits(std::string_view text) {
  if (text.size() <= max_text) return {};
  return fail(Errc::exhausted,
              fmt::format("a text of {} bytes is too large to compare line by line (at most {})", text.size(), max_text),
              "split the file");
}

struct FreeResult {
  void operator()(git_merge_file_result* result) const {
    git_merge_file_result_free(result);
    delete result;
  }
};
using FileResult = std::unique_ptr<git_merge_file_result, FreeResult>;

git_merge_file_input input_of(std::string_view text) {
  git_merge_file_input input = GIT_MERGE_FILE_INPUT_INIT;
  input.ptr = text.data();
  input.size = text.size();
  input.path = "file";
  input.mode = GIT_FILEMODE_BLOB;
  return input;
}

Result<FileResult> merge(std::string_view base, std::string_view mine, std::string_view theirs, const Names& names,
                         unsigned short marker) {
  git_merge_file_options options = GIT_MERGE_FILE_OPTIONS_INIT;
  options.ancestor_label = names.base.c_str();
  options.our_label = names.mine.c_str();
  options.their_label = names.theirs.c_str();
  options.flags = GIT_MERGE_FILE_STYLE_DIFF3;
  options.marker_size = marker;
  const auto a = input_of(base), m = input_of(mine), t = input_of(theirs);
  FileResult result(new git_merge_file_result{});
  if (git_merge_file(result.get(), &a, &m, &t, &options) != 0) return library_failure("merging two texts");
  return result;
}

// Markers longer than any run of marker characters in the texts cannot be taken for content.
unsigned short safe_marker(std::initializer_list<std::string_view> texts) {
  std::size_t longest = 6;
  for (const auto text : texts) {
    std::size_t run = 0;
    char last = 0;
    for (const char c : text) {
      run = c == last ? run + 1 : 1;
      last = c;
      if (c == '<' || c == '|' || c == '=' || c == '>') longest = std::max(longest, run);
    }
  }
  return static_cast<unsigned short>(std::min<std::size_t>(longest + 1, 60000));
}

std::vector<Region> regions_of(std::string_view text, std::size_t marker) {
  std::vector<Region> out;
  enum class At { outside, mine, base, theirs } at = At::outside;
  Region region;
  int line = 1;
  const auto is = [&](std::string_view row, char c) {
    return row.size() > marker && row.substr(0, marker).find_first_not_of(c) == std::string_view::npos &&
           (row[marker] == ' ' || row[marker] == '\n' || row[marker] == '\r');
  };
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size() - 1) + 1;
    const auto row = text.substr(0, end);
    text.remove_prefix(end);
    if (at == At::outside && is(row, '<')) {
      region = {.line = line, .base = {}, .mine = {}, .theirs = {}};
      at = At::mine;
    } else if (at == At::mine && is(row, '|')) {
      at = At::base;
    } else if ((at == At::mine || at == At::base) && is(row, '=')) {
      at = At::theirs;
    } else if (at == At::theirs && is(row, '>')) {
      out.push_back(std::move(region));
      at = At::outside;
    } else {
      if (at == At::outside || at == At::mine) ++line;
      if (at == At::mine) region.mine += row;
      if (at == At::base) region.base += row;
      if (at == At::theirs) region.theirs += row;
    }
  }
  return out;
}

}  // namespace

Result<Merged> merge_texts(std::string_view base, std::string_view mine, std::string_view theirs, const Names& names) {
  for (const auto text : {base, mine, theirs}) WEFT_TRY(fits(text));
  WEFT_TRY(library());
  const auto result = WEFT_TRY(merge(base, mine, theirs, names, GIT_MERGE_CONFLICT_MARKER_SIZE));
  Merged out;
  out.clean = result->automergeable != 0;
  out.text.assign(result->ptr ? result->ptr : "", result->len);
  if (out.clean) return out;
  const auto marker = safe_marker({base, mine, theirs});
  const auto marked = WEFT_TRY(merge(base, mine, theirs, names, marker));
  out.regions = regions_of(std::string_view(marked->ptr, marked->len), marker);
  return out;
}

Result<std::vector<Range>> changed_ranges(std::string_view before, std::string_view after) {
  for (const auto text : {before, after}) WEFT_TRY(fits(text));
  WEFT_TRY(library());
  git_diff_options options = GIT_DIFF_OPTIONS_INIT;
  options.context_lines = 0;
  options.interhunk_lines = 0;
  options.flags = GIT_DIFF_FORCE_TEXT;
  std::vector<Range> out;
  const auto hunk = [](const git_diff_delta*, const git_diff_hunk* h, void* payload) {
    static_cast<std::vector<Range>*>(payload)->push_back({h->old_start, h->old_lines, h->new_start, h->new_lines});
    return 0;
  };
  if (git_diff_buffers(before.data(), before.size(), "file", after.data(), after.size(), "file", &options, nullptr, nullptr, hunk,
                       nullptr, &out) != 0)
    return library_failure("comparing two texts");
  return out;
}

}  // namespace base::git
