#include "cdb/build/blame.h"

#include <algorithm>
#include <optional>

#include "base/git/git.h"

namespace cdb::build {
namespace {

constexpr int max_merges = 20;  // followed into other branches, one inside the other

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size() - 1) + 1;
    auto line = text.substr(0, end);
    text.remove_prefix(end);
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
    out.emplace_back(line);
  }
  return out;
}

class Walk {
 public:
  explicit Walk(const store::Store& store) : store_(store) {}
  std::map<std::int64_t, store::Revision> revisions;

  // For each line of the file as of `revision`, the revision that wrote it.
  base::Result<std::vector<std::int64_t>> run(std::string_view branch, std::int64_t revision, std::string_view path,
                                              std::string_view content, int depth) {
    auto history = WEFT_TRY(store_.file_history(branch, revision, path, Blame::max_revisions));
    std::vector<std::int64_t> out(lines_of(content).size(), 0);
    // Where the lines that are still open stand in the version looked at.
    std::vector<std::optional<std::size_t>> at(out.size());
    for (std::size_t i = 0; i < at.size(); ++i) at[i] = i;
    std::string after(content);
    for (std::size_t h = 0; h < history.size(); ++h) {
      const auto& step = history[h];
      if (!step.after) continue;  // taken away and added again later: the later one has no `before`
      const bool oldest = h + 1 == history.size();
      std::string before;
      if (step.before) before = std::move(WEFT_TRY(store_.blobs(std::span(&*step.before, 1))).front());
      const auto ranges = step.before ? WEFT_TRY(base::git::changed_ranges(before, after)) : std::vector<base::git::Range>();
      const bool whole = !step.before || oldest;
      std::vector<std::int64_t> merged;
      if (step.revision.merged && depth < max_merges) merged = WEFT_TRY(of_merge(step, path, after, depth));
      bool open = false;
      for (std::size_t i = 0; i < at.size(); ++i) {
        if (!at[i]) continue;
        std::ptrdiff_t shift = 0;
        bool changed = false;
        for (const auto& range : ranges) {
          const auto line = static_cast<int>(*at[i]) + 1;
          if (line >= range.line && line < range.line + range.count) changed = true;
          if (range.count > 0 ? line >= range.line + range.count : line > range.line) shift += range.old_count - range.count;
        }
        if (changed || whole) {
          out[i] = merged.empty() ? note(step.revision) : merged[*at[i]];
          at[i].reset();
        } else {
          at[i] = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(*at[i]) + shift);
          open = true;
        }
      }
      if (!open) break;
      after = std::move(before);
    }
    return out;
  }

 private:
  std::int64_t note(const store::Revision& revision) {
    revisions.emplace(revision.number, revision);
    return revision.number;
  }

  // A merge that took the file as it was on the other branch: its lines are that branch's.
  base::Result<std::vector<std::int64_t>> of_merge(const store::Store::FileRevision& step, std::string_view path,
                                                   const std::string& after, int depth) {
    const auto there = store_.file(*step.revision.merged, step.revision.merged_revision, path);
    if (!there || there->hash != *step.after) return std::vector<std::int64_t>();
    return run(*step.revision.merged, step.revision.merged_revision, path, after, depth + 1);
  }

  const store::Store& store_;
};

}  // namespace

base::Result<Blame> blame(const store::Store& store, std::string_view branch, std::int64_t revision, std::string_view path) {
  const auto file = WEFT_TRY(store.file(branch, revision, path));
  Walk walk(store);
  const auto written = WEFT_TRY(walk.run(branch, revision, path, *file.content, 0));
  auto lines = lines_of(*file.content);
  Blame out;
  for (std::size_t i = 0; i < lines.size(); ++i) out.lines.push_back({std::move(lines[i]), written[i]});
  out.revisions = std::move(walk.revisions);
  return out;
}

}  // namespace cdb::build
