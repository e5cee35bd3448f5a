// What a plan says beside values: which template line causes them, what machines will do, how far it reaches.
#include <algorithm>

#include "base/compress/compress.h"
#include "base/profile/json.h"
#include "base/profile/path.h"
#include "cdb/build/cause.h"
#include "cdb/build/effect.h"
#include "cdb/build/trial.h"

namespace cdb::build {
namespace {

// Groups whose causes are looked for: each costs one watched compile of one profile.
constexpr std::size_t max_explained = 12;
// Of these, groups with removed values: their causes are looked for in the tree as it was, whose templates are parsed anew.
constexpr std::size_t max_former = 3;
constexpr std::size_t max_edited = 50;  // files of a change that are matched with what a profile reads

// The tree without the edits.
class Former : public pan::Source {
 public:
  Former(const Tree& tree, const std::vector<std::pair<std::string, Tree::File>>& undo) : tree_(tree) {
    for (const auto& [path, file] : undo) undo_.emplace(path, file.content);
  }
  std::shared_ptr<const std::string> read(std::string_view path) const override {
    const auto place = undo_.find(path);
    return place == undo_.end() ? tree_.read(path) : place->second;
  }

 private:
  const Tree& tree_;
  std::map<std::string, std::shared_ptr<const std::string>, std::less<>> undo_;
};

std::set<std::string> files_read(const ReadIndex& index, const std::vector<store::NewContent>& edits,
                                 const std::vector<std::string>& include_path, const std::string& node) {
  std::set<std::string> out;
  for (std::size_t i = 0; i < std::min(edits.size(), max_edited); ++i) {
    std::vector<std::string> names;
    index.touched(edits[i].path, include_path, names);
    if (std::find(names.begin(), names.end(), node) != names.end()) out.insert(edits[i].path);
  }
  return out;
}

}  // namespace

base::Result<> Trial::describe() {
  std::map<std::string_view, const store::NodeUpdate*> updates;
  for (const auto& update : updates_) updates.emplace(update.name, &update);
  const auto groups = plan_.largest();
  EditedLines lines;
  if (!groups.empty()) {
    for (std::size_t i = 0; i < edits_.size(); ++i) {
      const auto& then = undo_[i].second.content;
      lines.add(edits_[i].path, then ? std::string_view(*then) : std::string_view(),
                edits_[i].content ? std::string_view(*edits_[i].content) : std::string_view());
    }
  }
  std::size_t explained = 0, former = 0;
  std::shared_ptr<Former> source;
  std::unique_ptr<pan::Compiler> old_compiler;
  for (auto* group : groups) {
    const auto& node = group->nodes.front();
    const auto old_root = branch_.objects().at(node).root;
    const auto data = WEFT_TRY(store_.profiles(std::span(&old_root, 1)));
    const auto before = WEFT_TRY(base::profile::parse_json(WEFT_TRY(base::compress::unzstd(data.front()))));
    const auto after = WEFT_TRY(base::profile::parse_json(WEFT_TRY(base::compress::unzstd(updates.at(node)->data))));
    auto& difference = group->difference;
    group->effects = effects(difference.paths, before, after);
    if (explained++ >= max_explained) continue;

    std::vector<std::string> present, gone;
    for (std::size_t i = 0; i < difference.lines.size(); ++i)
      (difference.lines[i].after.empty() ? gone : present).push_back(difference.paths[i].text());
    std::optional<pan::Explanation> now, then;
    if (!present.empty()) {
      auto explanation = branch_.compiler(include_path_).explain(node, present);
      if (explanation) now = std::move(*explanation);
    }
    if (!gone.empty() && former < max_former) {
      ++former;
      if (!old_compiler) {
        source = std::make_shared<Former>(branch_.tree(), undo_);
        pan::Options options;
        options.include_path = whole_include_path(*branch_.site(), branch_.folders());
        old_compiler = std::make_unique<pan::Compiler>(source, options);
      }
      auto explanation = old_compiler->explain(node, gone);
      if (explanation) then = std::move(*explanation);
    }
    const auto only = files_read(branch_.index(), edits_, include_path_, node);
    for (std::size_t i = 0; i < difference.lines.size(); ++i) {
      auto& line = difference.lines[i];
      const bool here = !line.after.empty();
      const auto& explanation = here ? now : then;
      if (explanation) line.cause = cause_of(*explanation, difference.paths[i].text(), lines, here);
      if (!line.cause.edited) line.cause.edited = lines.single(only, here);
    }
  }

  const auto count = [&](const NodePlace& place, bool changed) {
    plan_.reach("role", place.role, changed);
    plan_.reach("cluster", place.cluster, changed);
    plan_.reach("rack", place.rack, changed);
  };
  std::set<std::string_view> changed;
  for (const auto& update : updates_) {
    if (update.root_changed) changed.insert(update.name);
  }
  for (const auto& [name, object] : branch_.objects()) {
    if (!adopted_.objects.contains(name)) count(object.place, removed_.contains(name));
  }
  for (const auto& [name, object] : adopted_.objects) count(object.place, changed.contains(name));
  return {};
}

}  // namespace cdb::build
