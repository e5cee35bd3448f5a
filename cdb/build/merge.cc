#include "cdb/build/merge.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/profile/json.h"

namespace cdb::build {
namespace {

using base::profile::Dict;
using base::profile::List;

std::optional<store::Digest> find(const Files& files, const std::string& path) {
  const auto place = files.find(path);
  return place == files.end() ? std::nullopt : std::optional(place->second);
}

base::Result<std::string> content(const store::Store& store, const std::optional<store::Digest>& hash) {
  if (!hash) return std::string();
  auto all = WEFT_TRY(store.blobs(std::span(&*hash, 1)));
  return std::move(all.front());
}

// Who changed the file last on their side.
base::Result<> name_author(const store::Store& store, const std::string& branch, std::int64_t revision, Conflict& conflict) {
  const auto history = store.file_history(branch, revision, conflict.path, 1);
  if (!history) return base::fail(history.error());
  if (history->empty()) return {};
  const auto& last = history->front().revision;
  conflict.revision = last.number;
  conflict.branch = last.branch;
  conflict.author = last.author.name;
  conflict.time = last.time;
  conflict.message = last.message.substr(0, last.message.find('\n'));
  return {};
}

base::Result<base::git::Merged> merge_contents(const Conflict& names, std::string_view base, std::string_view mine,
                                               std::string_view theirs) {
  return base::git::merge_texts(base, mine, theirs, {names.base, names.mine, names.theirs});
}

}  // namespace

base::profile::Value to_json(const Conflict& c) {
  List regions;
  for (const auto& region : c.regions)
    regions.emplace_back(Dict{{"line", region.line}, {"base", region.base}, {"mine", region.mine}, {"theirs", region.theirs}});
  const auto revision = c.revision ? base::profile::Value(c.revision) : base::profile::Value();
  return Dict{{"path", c.path},
              {"kind", c.kind},
              {"base", c.base},
              {"mine", c.mine},
              {"theirs", c.theirs},
              {"revision", revision},
              {"branch", c.branch},
              {"author", c.author},
              {"time", c.time},
              {"message", c.message},
              {"regions", std::move(regions)},
              {"merged", c.merged}};
}

base::Result<TreeMerge> merge_trees(const store::Store& store, const Sides& sides) {
  constexpr std::size_t max_described = 50;  // conflicts with their lines; more are named only
  TreeMerge out;
  std::set<std::string> paths;
  for (const auto* files : {&sides.base, &sides.theirs}) {
    for (const auto& [path, hash] : *files) paths.insert(path);
  }
  for (const auto& path : paths) {
    const auto base = find(sides.base, path), mine = find(sides.mine, path), theirs = find(sides.theirs, path);
    if (theirs == base || theirs == mine) continue;
    if (mine == base) {
      out.edits.push_back({path, theirs ? std::optional(WEFT_TRY(content(store, theirs))) : std::nullopt});
      continue;
    }
    Conflict conflict{.path = path,
                      .kind = !mine     ? "removed-here"
                              : !theirs ? "removed-there"
                              : base    ? "content"
                                        : "added-twice",
                      .base = sides.base_name,
                      .mine = sides.mine_name,
                      .theirs = sides.theirs_name};
    if (mine && theirs) {
      const auto my_text = WEFT_TRY(content(store, mine));
      auto merged = WEFT_TRY(merge_contents(conflict, WEFT_TRY(content(store, base)), my_text, WEFT_TRY(content(store, theirs))));
      if (merged.clean) {
        out.merged.push_back(path);
        if (merged.text != my_text) out.edits.push_back({path, std::move(merged.text)});
        continue;
      }
      conflict.merged = std::move(merged.text);
      conflict.regions = std::move(merged.regions);
    }
    if (out.conflicts.size() < max_described) {
      WEFT_TRY(name_author(store, sides.branch, sides.revision, conflict));
    } else {
      conflict.merged.clear();
      conflict.regions.clear();
    }
    out.conflicts.push_back(std::move(conflict));
  }
  return out;
}

base::Result<Conflict> edit_conflict(const store::Store& store, const std::string& branch, std::int64_t base,
                                     const store::Edit& moved, const std::optional<std::string>& mine) {
  Conflict out{.path = moved.path,
               .kind = !mine           ? "removed-here"
                       : !moved.after  ? "removed-there"
                       : !moved.before ? "added-twice"
                                       : "content",
               .base = fmt::format("{}@{}", branch, base),
               .mine = "your edit",
               .theirs = fmt::format("{}@{}", branch, moved.revision)};
  WEFT_TRY(name_author(store, branch, moved.revision, out));
  if (mine && moved.after) {
    auto merged =
        WEFT_TRY(merge_contents(out, WEFT_TRY(content(store, moved.before)), *mine, WEFT_TRY(content(store, moved.after))));
    out.regions = std::move(merged.regions);
    out.merged = std::move(merged.text);
    if (merged.clean) out.kind = "other-lines";
  }
  return out;
}

base::Result<CommonBase> common_base(const store::Descent& descent, const std::string& a, std::int64_t a_head,
                                     const std::string& b, std::int64_t b_head) {
  // Every branch whose content is part of `start`, and up to which revision.
  const auto knows = [&](const std::string& start, std::int64_t head) {
    std::map<std::string, std::int64_t> out{{start, head}};
    std::vector<std::string> open{start};
    while (!open.empty()) {
      const auto branch = open.back();
      open.pop_back();
      const auto upto = out[branch];
      for (const auto* steps : {&descent.forks, &descent.merges}) {
        for (const auto& step : *steps) {
          if (step.branch != branch || step.number > upto) continue;
          auto& known = out[step.source];
          if (known >= step.revision) continue;
          known = step.revision;
          open.push_back(step.source);
        }
      }
    }
    return out;
  };
  const auto of_a = knows(a, a_head), of_b = knows(b, b_head);
  CommonBase best;
  for (const auto& [branch, revision] : of_a) {
    const auto other = of_b.find(branch);
    if (other == of_b.end() || std::find(descent.alive.begin(), descent.alive.end(), branch) == descent.alive.end()) continue;
    if (const auto both = std::min(revision, other->second); both > best.revision) best = {branch, both};
  }
  if (best.revision == 0) {
    return base::fail(base::Errc::not_found, fmt::format("branches {} and {} have nothing in common to merge from", a, b),
                      "take single revisions: weft template cherry-pick REV --branch " + b);
  }
  return best;
}

}  // namespace cdb::build
