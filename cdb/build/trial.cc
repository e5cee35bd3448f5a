#include "cdb/build/trial.h"

#include <algorithm>
#include <iterator>
#include <mutex>

#include <fmt/format.h>

#include "base/compress/compress.h"
#include "base/crypto/crypto.h"
#include "base/profile/canonical_diff.h"
#include "base/profile/json.h"
#include "base/profile/path.h"
#include "base/text/text.h"
#include "cdb/build/attributes.h"
#include "cdb/build/parallel.h"
#include "cdb/rollout/waves.h"
#include "cdb/store/reads.h"

namespace cdb::build {
namespace {

// Stored profiles fetched and compared at once; a change of more profiles keeps its texts compressed meanwhile.
constexpr std::size_t batch_size = 256;

std::string stem(std::string_view path) {
  const auto slash = path.rfind('/');
  auto name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  if (const auto dot = name.rfind('.'); dot != std::string_view::npos) name = name.substr(0, dot);
  return std::string(name);
}

// "/list/-1" is another element whenever the list grows: not worth following, the readers are compiled.
bool counts_from_end(std::string_view path) {
  return path.find("/-") != std::string_view::npos;
}

bool node_name(std::string_view name) {
  const auto good = [](char c, bool first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (!first && (c == '.' || c == '-' || c == '_'));
  };
  if (name.empty() || name.size() > 253) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (!good(name[i], i == 0)) return false;
  }
  return true;
}

}  // namespace

Trial::~Trial() {
  if (keep_ || undo_.empty()) return;
  std::vector<std::string> paths;
  for (auto place = undo_.rbegin(); place != undo_.rend(); ++place) {
    paths.push_back(place->first);
    branch_.tree().put(place->first, std::move(place->second));
  }
  branch_.invalidate(paths);
}

bool Trial::lay(const std::vector<Edit>& edits) {
  std::vector<std::string> paths;
  for (const auto& edit : edits) {
    const auto* before = branch_.tree().find(edit.path);
    Tree::File after;
    if (edit.content) after = {std::make_shared<const std::string>(*edit.content), store::digest(*edit.content)};
    if (before ? (edit.content && before->hash == after.hash) : !edit.content) continue;
    edits_.push_back({edit.path, before ? std::optional(before->hash) : std::nullopt, edit.content});
    undo_.emplace_back(edit.path, branch_.tree().put(edit.path, std::move(after)));
    paths.push_back(edit.path);
    if (!branch_.sandbox()) check_.edited(edit.path);
  }
  branch_.invalidate(paths);
  return !edits_.empty();
}

void Trial::complain(const std::string& path, std::string message, std::string hint) {
  pan::Diagnostic diagnostic;
  diagnostic.kind = "system error";
  diagnostic.message = std::move(message);
  diagnostic.file = path;
  diagnostic.line = diagnostic.column = 1;
  diagnostic.hint = std::move(hint);
  findings_.add(diagnostic);
}

// `path` is a file that weft.yaml counts as an object template.
void Trial::place_object(const std::string& path, std::map<std::string, std::string>& found) {
  const auto* file = branch_.tree().find(path);
  const auto name = pan::object_name(*file->content);
  if (!name) {
    // Never just skipped: a misspelt header would otherwise remove the node from the fleet.
    complain(path, fmt::format("'{}' matches 'objects' in weft.yaml but is not an object template", path),
             fmt::format("begin it with: object template {};  or narrow 'objects' in weft.yaml", stem(path)));
  } else if (*name != stem(path)) {
    complain(path, fmt::format("object template '{}' is in file '{}'", *name, path),
             fmt::format("name the template {} or rename the file", stem(path)));
  } else if (!node_name(*name)) {
    complain(path, fmt::format("'{}' cannot be a node name", *name), "use letters, digits, '.', '-' and '_', at most 253");
  } else if (const auto [place, fresh] = found.emplace(*name, path); !fresh) {
    complain(path, fmt::format("object template '{}' is in '{}' too", *name, place->second),
             "a node has one object template: remove one of them");
  }
}

base::Result<> Trial::find_objects() {
  const auto* file = branch_.tree().find(Site::file);
  if (!file) {
    return base::fail(base::Errc::invalid, fmt::format("branch {} would have no weft.yaml at its root", branch_.name()),
                      "add weft.yaml with include_path and objects: it says how to compile the tree");
  }
  site_ = WEFT_TRY(parse_site(*file->content));
  const auto& old_site = branch_.site();

  std::map<std::string, std::string> found;
  if (!old_site || *old_site != site_) {
    for (const auto& [path, content] : branch_.tree().files()) {
      if (site_.is_object(path)) place_object(path, found);
    }
    for (const auto& [name, object] : branch_.objects()) {
      if (!found.contains(name)) removed_.insert(name);
    }
  } else {
    for (const auto& edit : edits_) {
      if (!site_.is_object(edit.path)) continue;
      const auto* before = branch_.object_at(edit.path);
      if (edit.content) place_object(edit.path, found);
      if (before) removed_.insert(*before);
    }
    for (const auto& [name, path] : found) {
      removed_.erase(name);
      // Still in its other, untouched file too?
      const auto known = branch_.objects().find(name);
      if (known != branch_.objects().end() && known->second.path != path && branch_.tree().find(known->second.path)) {
        complain(path, fmt::format("object template '{}' is in '{}' too", name, known->second.path),
                 "a node has one object template: remove one of them");
      }
    }
  }
  for (const auto& [name, path] : found) {
    const auto known = branch_.objects().find(name);
    if (known == branch_.objects().end() || known->second.path != path) placed_[name] = path;
  }
  for (const auto& edit : edits_) {
    if (const auto* name = branch_.object_at(edit.path); name && !removed_.contains(*name)) recompile_.insert(*name);
  }
  auto folders = branch_.folders();
  const auto leave = [&](const std::string& name) {
    const auto place = folders.find(folder_of(branch_.objects().at(name).path));
    if (--place->second == 0) folders.erase(place);
  };
  for (const auto& name : removed_) leave(name);
  for (const auto& [name, path] : placed_) {
    if (branch_.objects().contains(name) && !removed_.contains(name)) leave(name);
    ++folders[folder_of(path)];
  }
  include_path_ = whole_include_path(site_, folders);
  everything_ = !old_site || whole_include_path(*old_site, branch_.folders()) != include_path_;

  const auto kept = branch_.objects().size() - removed_.size();
  const auto come =
      std::count_if(placed_.begin(), placed_.end(), [&](const auto& p) { return !branch_.objects().contains(p.first); });
  if (kept + static_cast<std::size_t>(come) == 0 && !findings_.failed()) {
    return base::fail(base::Errc::invalid, "weft.yaml names no object templates: 'objects' matches no file of the tree",
                      "correct 'objects' in weft.yaml, for example [\"profiles/*.pan\"]; a fleet is never emptied by accident");
  }
  return {};
}

std::string Trial::path_of(const std::string& object) const {
  if (const auto place = placed_.find(object); place != placed_.end()) return place->second;
  return branch_.objects().at(object).path;
}

std::vector<std::string> Trial::touched() const {
  std::vector<std::string> wanted(recompile_.begin(), recompile_.end());
  for (const auto& [name, path] : placed_) wanted.push_back(name);
  if (everything_) {
    for (const auto& [name, object] : branch_.objects()) wanted.push_back(name);
  } else {
    for (const auto& edit : edits_) branch_.index().touched(edit.path, include_path_, wanted);
  }
  for (const auto& name : removed_) {
    for (const auto& [path, readers] : branch_.index().readers_of(name))
      wanted.insert(wanted.end(), readers.begin(), readers.end());
  }
  return wanted;
}

base::Result<> Trial::run() {
  WEFT_TRY(find_objects());
  if (findings_.failed()) return {};
  for (const auto& name : removed_) plan_.removed(name);
  WEFT_TRY(check_removed());
  auto wanted = touched();
  // Profiles that read values of changed profiles follow, until nothing more changes.
  while (!wanted.empty()) {
    std::sort(wanted.begin(), wanted.end());
    std::vector<std::string> names;
    for (auto& name : wanted) {
      if (!removed_.contains(name) && compiled_.insert(name).second) names.push_back(std::move(name));
    }
    wanted = WEFT_TRY(compile(names));
    plan_.compiled = compiled_.size();
  }
  return {};
}

base::Result<std::set<std::string>> Trial::followers(const std::vector<std::string>& names) const {
  std::set<std::string> out;
  const auto follows = WEFT_TRY(store_.followed(names));
  for (const auto& name : names) {
    const auto place = follows.find(name);
    if (place == follows.end() ? !branch_.sandbox() : place->second == branch_.name()) out.insert(name);
  }
  return out;
}

base::Result<> Trial::check_removed() {
  if (check_.idle() || removed_.empty()) return {};
  for (const auto& name : WEFT_TRY(followers({removed_.begin(), removed_.end()}))) {
    const auto data = WEFT_TRY(store_.profile_data(branch_.objects().at(name).root));
    const auto profile = WEFT_TRY(base::profile::parse_json(WEFT_TRY(base::compress::unzstd(data))));
    check_.removed({name, node_attributes(profile)});
  }
  return {};
}

struct Trial::Built {
  std::string name;
  const Object* before = nullptr;  // null pointer: the node is new
  bool good = false;
  bool checked = false;  // a node that follows the branch: rights count
  bool returns = false;  // new, but there was a node of that name; old_data is its last profile
  std::vector<pan::Diagnostic> diagnostics;
  std::vector<pan::Read> others;  // values read of other objects
  std::size_t leaves = 0, depth = 0;
  store::NodeUpdate update;
  std::vector<std::uint32_t> reads;
  NodePlace place;
  // Only when the root changed; json: unless it was compressed at once.
  std::string json, old_data;
  std::vector<Watched> watched;
  base::Result<> result;
  Difference difference;
};

// In the compiler's threads: keeps of a finished profile what the rest of the change needs.
void Trial::take(pan::Output& output, Built& built, bool pack) const {
  built.name = output.object;
  built.good = output.good;
  built.diagnostics = std::move(output.diagnostics);
  for (const auto& read : output.reads) {
    if (read.kind == pan::Read::Kind::other_object) built.others.push_back(read);
  }
  if (!output.good) return;
  built.leaves = output.leaves;
  built.depth = output.depth;
  if (const auto known = branch_.objects().find(built.name); known != branch_.objects().end()) built.before = &known->second;
  auto& update = built.update;
  update.name = built.name;
  update.path = path_of(built.name);
  update.root = output.root;
  update.root_changed = !built.before || built.before->root != update.root;
  const auto attributes = node_attributes(output);
  update.attributes = base::profile::to_json(attributes);
  built.place = {std::string(attributes.get_string("role")), std::string(attributes.get_string("cluster")),
                 std::string(attributes.get_string("rack"))};
  if (!update.root_changed) return;
  update.json_size = static_cast<std::int64_t>(output.json.size());
  if (pack) {
    update.data = base::compress::zstd(output.json);
  } else {
    built.json = output.json;
  }
  for (auto& [path, readers] : branch_.index().readers_of(built.name)) {
    auto now = output.find(path);
    built.watched.push_back({path, std::move(readers), std::move(now)});
  }
}

base::Result<std::vector<std::string>> Trial::compile(const std::vector<std::string>& names) {
  std::vector<std::string> readers;
  auto& compiler = branch_.compiler(include_path_);
  std::vector<Built> all(names.size());
  std::mutex mutex;
  // One run for all of them: what the first objects worked out is recalled for the others.
  compiler.compile(names, [&](pan::Output&& output) {
    if (output.index < all.size()) take(output, all[output.index], names.size() > batch_size);
    const std::scoped_lock lock(mutex);
    if (output.index < all.size()) {
      all[output.index].reads = numbering_.number(output.reads);
    } else {
      referenced_[std::string(output.object)] = std::move(output.reads);
    }
  });
  for (auto& built : all) {
    bool failed = !built.good;
    for (auto& diagnostic : built.diagnostics) {
      suggest(diagnostic);
      findings_.add(diagnostic);
      failed = failed || diagnostic.severity == pan::Diagnostic::Severity::error;
    }
    if (built.depth > static_cast<std::size_t>(base::profile::JsonLimits{}.depth)) {
      failed = true;
      complain(path_of(built.name),
               fmt::format("profile {} is nested {} levels deep; nodes accept {}", built.name, built.depth,
                           base::profile::JsonLimits{}.depth),
               "look for a function or template that puts a structure into itself");
    }
    if (!failed) continue;
    findings_.count_failed_profile();
    if (!findings_.failed()) complain(path_of(built.name), fmt::format("profile {} did not compile", built.name), "");
  }
  for (std::size_t start = 0; start < all.size() && !findings_.failed(); start += batch_size)
    WEFT_TRY(compare(std::span(all).subspan(start, std::min(batch_size, all.size() - start)), readers));
  if (findings_.failed()) readers.clear();
  return readers;
}

// Values of an object that is no node (the site's 'objects' leave it out) have no stored profile to compare with: what it looked
// up counts as looked up by its readers.
void Trial::add_hidden_reads(Built& built) {
  std::set<std::string> seen;
  auto& others = built.others;
  const auto own = others.size();
  for (std::size_t i = 0; i < others.size(); ++i) {
    if (others[i].kind != pan::Read::Kind::other_object) continue;
    const auto& name = others[i].name;
    const bool node = placed_.contains(name) || (branch_.objects().contains(name) && !removed_.contains(name));
    if (node || !seen.insert(name).second) continue;
    if (const auto hidden = referenced_.find(name); hidden != referenced_.end())
      others.insert(others.end(), hidden->second.begin(), hidden->second.end());
  }
  if (others.size() == own) return;
  std::vector<std::uint32_t> all;
  const auto more = numbering_.number(others);
  std::set_union(built.reads.begin(), built.reads.end(), more.begin(), more.end(), std::back_inserter(all));
  built.reads = std::move(all);
}

// The compiler knows the templates it has met; the tree knows all.
void Trial::suggest(pan::Diagnostic& diagnostic) const {
  constexpr std::string_view begin = "cannot locate template named '";
  const auto start = diagnostic.message.find(begin);
  if (start == std::string::npos || diagnostic.hint.find("did you mean") != std::string::npos) return;
  const auto name =
      diagnostic.message.substr(start + begin.size(), diagnostic.message.find('\'', start + begin.size()) - start - begin.size());
  std::vector<std::string> names;
  for (const auto& [path, file] : branch_.tree().files()) {
    if (!path.ends_with(".pan")) continue;
    const std::string_view bare(path.data(), path.size() - 4);
    for (const auto& folder : include_path_) {
      if (folder.empty()) {
        names.emplace_back(bare);
      } else if (bare.size() > folder.size() && bare.starts_with(folder) && bare[folder.size()] == '/') {
        names.emplace_back(bare.substr(folder.size() + 1));
      }
    }
  }
  const auto near = base::text::did_you_mean(name, names);
  if (!near.empty()) diagnostic.hint = fmt::format("did you mean {}?", base::text::join(near, ", "));
}

base::Result<> Trial::compare(std::span<Built> all, std::vector<std::string>& readers) {
  std::vector<Built*> changed;
  std::vector<store::Digest> old_roots;
  for (auto& built : all) {
    add_hidden_reads(built);
    if (!built.update.root_changed) continue;
    changed.push_back(&built);
    if (built.before) old_roots.push_back(built.before->root);
  }
  WEFT_TRY(find_returning(changed));
  if (!old_roots.empty()) {
    auto data = WEFT_TRY(store_.profiles(old_roots));
    std::size_t next = 0;
    for (auto* built : changed) {
      if (built->before) built->old_data = std::move(data[next++]);
    }
  }
  parallel_for(changed.size(), [&](std::size_t i) {
    auto& built = *changed[i];
    if (!built.json.empty()) built.update.data = base::compress::zstd(built.json);
    if (built.before || built.checked) built.result = differ(built);
  });
  for (auto& built : all) {
    if (!built.result) return base::fail(std::move(built.result.error()).during("reading the stored profile of " + built.name));
    if (built.update.root_changed) {
      for (auto& watched : built.watched) {
        if (watched.then != watched.now || counts_from_end(watched.path))
          readers.insert(readers.end(), watched.readers.begin(), watched.readers.end());
      }
      moved_[built.name] = built.before ? built.before->root : store::Digest{};
      if (built.before) {
        plan_.changed(built.name, std::move(built.difference));
      } else {
        plan_.added(built.name, built.leaves);
      }
    }
    const bool same_reads = built.before && branch_.index().reads_of(built.name) == built.reads;
    if (!built.update.root_changed && same_reads && built.before->path == built.update.path) continue;
    built.update.reads = store::encode_reads(built.reads);
    adopted_.objects[built.name] = {built.update.path, built.update.root, built.update.root_changed ? 0 : built.before->revision,
                                    std::move(built.place)};
    adopted_.reads[built.name] = std::move(built.reads);
    updates_.push_back(std::move(built.update));
  }
  return {};
}

// A node that was there before is compared with what it was: whoever may add and remove nodes must not change values that way.
base::Result<> Trial::find_returning(std::vector<Built*>& changed) {
  if (check_.idle() || changed.empty()) return {};
  std::vector<std::string> all, names;
  for (const auto* built : changed) all.push_back(built->name);
  const auto following = WEFT_TRY(followers(all));
  for (auto* built : changed) {
    built->checked = following.contains(built->name);
    if (built->checked && !built->before) names.push_back(built->name);
  }
  if (names.empty()) return {};
  const auto roots = WEFT_TRY(store_.last_roots(names));
  for (auto* built : changed) {
    const auto place = roots.find(built->name);
    if (built->before || !built->checked || place == roots.end()) continue;
    built->old_data = WEFT_TRY(store_.profile_data(place->second));
    built->returns = true;
  }
  return {};
}

// What the change does to one node: for the plan and for the check. Several threads.
base::Result<> Trial::differ(Built& built) {
  base::profile::Value after;
  if (built.checked) after = WEFT_TRY(base::profile::parse_json(built.update.attributes));
  if (!built.before) {
    check_.added({built.name, after});
    if (!built.returns) return {};
  }
  if (built.json.empty()) built.json = WEFT_TRY(base::compress::unzstd(built.update.data));
  const auto old_json = WEFT_TRY(base::compress::unzstd(built.old_data));
  const auto diff = WEFT_TRY(base::profile::diff_canonical(old_json, built.json));
  if (built.checked) {
    const auto before = attributes_before(after, diff.changes);
    check_.changed({built.name, before}, {built.name, after}, diff.changes);
  }
  if (!built.before) return {};
  built.difference = difference(diff.changes);
  built.json = {};
  if (built.watched.empty()) return {};
  const auto old = WEFT_TRY(base::profile::parse_json(old_json));
  for (auto& watched : built.watched) {
    if (const auto* then = base::profile::find(old, std::string_view(watched.path))) watched.then = *then;
  }
  return {};
}

store::Digest Trial::effect() const {
  base::crypto::Sha256 hash;
  const auto text = [&](std::string_view word) {
    hash.update(fmt::format("{}:", word.size()));
    hash.update(word);
  };
  const auto digest = [&](const std::optional<store::Digest>& one) { text(one ? one->hex() : "-"); };
  std::map<std::string_view, const store::NewContent*> edits;
  for (const auto& edit : edits_) edits[edit.path] = &edit;
  for (const auto& [path, edit] : edits) {
    text(path);
    digest(edit->before);
    digest(edit->content ? std::optional(store::digest(*edit->content)) : std::nullopt);
  }
  text("");
  for (const auto& [name, before] : moved_) {
    text(name);
    digest(before);
    digest(adopted_.objects.at(name).root);
  }
  text("");
  for (const auto& name : removed_) {
    text(name);
    digest(branch_.objects().at(name).root);
  }
  return {hash.finish()};
}

std::vector<std::string> Trial::changed() const {
  std::vector<std::string> out(removed_.begin(), removed_.end());
  for (const auto& update : updates_) {
    if (update.root_changed) out.push_back(update.name);
  }
  return out;
}

std::vector<Fresh> Trial::fresh(const std::set<std::string>& names) const {
  std::vector<Fresh> out;
  for (const auto& update : updates_) {
    if (update.root_changed && names.contains(update.name)) out.push_back({update.root, update.data});
  }
  return out;
}

base::Result<std::optional<store::RolloutPlan>> Trial::waves(const store::RolloutPolicy& policy,
                                                             const std::set<std::string>& followers) const {
  const auto parsed = WEFT_TRY(rollout::parse_policy(WEFT_TRY(base::profile::parse_json(policy.document))));
  std::vector<rollout::Candidate> candidates;
  for (const auto& update : updates_) {
    // A node that is new has nothing to go on with.
    if (!update.root_changed || !branch_.objects().contains(update.name) || !followers.contains(update.name)) continue;
    candidates.push_back({update.name, WEFT_TRY(base::profile::parse_json(update.attributes))});
  }
  if (candidates.empty()) return std::nullopt;
  auto plan = rollout::plan_waves(parsed, candidates);
  return store::RolloutPlan{policy.name, policy.document, std::move(plan.names), std::move(plan.policy_waves),
                            std::move(plan.nodes)};
}

store::Commit Trial::commit(const Change& change) {
  store::Commit commit;
  commit.branch = branch_.name();
  commit.head = branch_.head();
  commit.known_reads = branch_.index().size();
  commit.author = change.author;
  commit.message = change.message;
  commit.reverts = change.reverts;
  commit.merged = change.merged;
  commit.merged_revision = change.merged_revision;
  commit.tree = branch_.tree().root();
  commit.edits = std::move(edits_);
  commit.nodes = std::move(updates_);
  commit.removed.assign(removed_.begin(), removed_.end());
  commit.new_reads = numbering_.fresh();
  commit.compiled = static_cast<int>(compiled_.size());
  return commit;
}

void Trial::stored(std::int64_t revision) {
  for (auto& [name, object] : adopted_.objects) {
    if (object.revision == 0) object.revision = revision;
  }
  adopted_.head = revision;
  adopted_.site = site_;
  adopted_.fresh = numbering_.fresh();
  adopted_.removed.assign(removed_.begin(), removed_.end());
  branch_.adopt(std::move(adopted_));
  keep_ = true;
}

}  // namespace cdb::build
