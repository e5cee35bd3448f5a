#include "cdb/build/trial.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/compress/compress.h"
#include "base/profile/json.h"
#include "base/profile/path.h"
#include "base/text/text.h"
#include "cdb/build/attributes.h"
#include "cdb/build/parallel.h"
#include "cdb/store/reads.h"

namespace cdb::build {
namespace {

// Profiles held in memory at once; the rest of a large change waits as templates only.
constexpr std::size_t batch_size = 256;

std::string stem(std::string_view path) {
  const auto slash = path.rfind('/');
  auto name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  if (const auto dot = name.rfind('.'); dot != std::string_view::npos) name = name.substr(0, dot);
  return std::string(name);
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

base::Result<base::profile::Value> unpack(const std::string& data) {
  const auto text = WEFT_TRY(base::compress::unzstd(data));
  return base::profile::parse_json(text);
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

base::Result<> Trial::run() {
  WEFT_TRY(find_objects());
  if (findings_.failed()) return {};
  std::set<std::string> wanted = recompile_;
  for (const auto& [name, path] : placed_) wanted.insert(name);
  if (everything_) {
    for (const auto& [name, object] : branch_.objects()) wanted.insert(name);
  } else {
    for (const auto& edit : edits_) branch_.index().touched(edit.path, include_path_, wanted);
  }
  for (const auto& name : removed_) {
    plan_.removed(name);
    for (const auto& [path, readers] : branch_.index().readers_of(name)) wanted.insert(readers.begin(), readers.end());
  }
  // Profiles that read values of changed profiles follow, until nothing more changes.
  while (!wanted.empty()) {
    std::vector<std::string> names;
    for (const auto& name : wanted) {
      if (!removed_.contains(name) && compiled_.insert(name).second) names.push_back(name);
    }
    wanted = WEFT_TRY(compile(names));
    plan_.compiled = compiled_.size();
  }
  return {};
}

base::Result<std::set<std::string>> Trial::compile(const std::vector<std::string>& names) {
  std::set<std::string> readers;
  auto& compiler = branch_.compiler(include_path_);
  for (std::size_t start = 0; start < names.size(); start += batch_size) {
    const auto batch = std::span(names).subspan(start, std::min(batch_size, names.size() - start));
    auto compiled = compiler.compile(batch);
    for (auto& one : compiled) {
      bool failed = !one.profile;
      for (auto& diagnostic : one.diagnostics) {
        suggest(diagnostic);
        findings_.add(diagnostic);
        failed = failed || diagnostic.severity == pan::Diagnostic::Severity::error;
      }
      if (!failed) continue;
      findings_.count_failed_profile();
      if (!findings_.failed()) complain(path_of(one.object), fmt::format("profile {} did not compile", one.object), "");
    }
    if (!findings_.failed()) WEFT_TRY(compare(compiled, readers));
  }
  if (findings_.failed()) readers.clear();
  return readers;
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

struct Trial::Built {
  const pan::Compiled* from = nullptr;
  const Object* before = nullptr;  // null pointer: the node is new
  store::NodeUpdate update;
  std::vector<std::uint32_t> reads;
  std::shared_ptr<const base::profile::Value> old;
  std::string old_data;
  base::Result<> result;
  Difference difference;
};

base::Result<> Trial::compare(std::vector<pan::Compiled>& compiled, std::set<std::string>& readers) {
  std::vector<Built> all(compiled.size());
  parallel_for(all.size(), [&](std::size_t i) { all[i].update.root = base::profile::merkle(*compiled[i].profile); });
  std::vector<Built*> changed;
  std::vector<store::Digest> old_roots;
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto& built = all[i];
    built.from = &compiled[i];
    built.update.name = built.from->object;
    built.update.path = path_of(built.from->object);
    built.reads = numbering_.number(built.from->reads);
    if (const auto known = branch_.objects().find(built.from->object); known != branch_.objects().end())
      built.before = &known->second;
    built.update.root_changed = !built.before || built.before->root != built.update.root;
    if (!built.update.root_changed) continue;
    changed.push_back(&built);
    if (built.before) old_roots.push_back(built.before->root);
  }
  if (!old_roots.empty()) {
    auto data = WEFT_TRY(store_.profiles(old_roots));
    std::size_t next = 0;
    for (auto* built : changed) {
      if (built->before) built->old_data = std::move(data[next++]);
    }
  }
  parallel_for(changed.size(), [&](std::size_t i) {
    auto& built = *changed[i];
    const auto json = base::profile::to_json(*built.from->profile);
    built.update.json_size = static_cast<std::int64_t>(json.size());
    built.update.data = base::compress::zstd(json);
    if (!built.before) return;
    auto old = unpack(built.old_data);
    if (!old) {
      built.result = base::fail(std::move(old.error()).during("reading the stored profile of " + built.from->object));
      return;
    }
    built.old = std::make_shared<const base::profile::Value>(std::move(*old));
    built.difference = difference(*built.old, *built.from->profile);
  });
  for (auto& built : all) {
    if (!built.result) return base::fail(std::move(built.result.error()));
    const auto& name = built.from->object;
    if (built.update.root_changed) {
      for (const auto& [path, who] : branch_.index().readers_of(name)) {
        const auto* then = built.old ? base::profile::find(*built.old, std::string_view(path)) : nullptr;
        const auto* now = base::profile::find(*built.from->profile, std::string_view(path));
        const bool same = then && now ? *then == *now : then == now;
        if (!same) readers.insert(who.begin(), who.end());
      }
      if (built.before) {
        plan_.changed(name, std::move(built.difference));
      } else {
        plan_.added(name, count_values(*built.from->profile));
      }
    }
    const auto* known_reads = branch_.index().reads_of(name);
    const bool same_reads = known_reads && *known_reads == built.reads;
    if (!built.update.root_changed && same_reads && built.before->path == built.update.path) continue;
    built.update.reads = store::encode_reads(built.reads);
    built.update.attributes = base::profile::to_json(node_attributes(*built.from->profile));
    adopted_.objects[name] = {built.update.path, built.update.root, built.update.root_changed ? 0 : built.before->revision};
    adopted_.reads[name] = std::move(built.reads);
    updates_.push_back(std::move(built.update));
  }
  return {};
}

std::vector<Fresh> Trial::fresh() const {
  std::vector<Fresh> out;
  for (const auto& update : updates_) {
    if (update.root_changed) out.push_back({update.root, update.data});
  }
  return out;
}

store::Commit Trial::commit(const Change& change) {
  store::Commit commit;
  commit.branch = branch_.name();
  commit.head = branch_.head();
  commit.known_reads = branch_.index().size();
  commit.author = change.author;
  commit.message = change.message;
  commit.reverts = change.reverts;
  commit.tree = branch_.tree().root();
  commit.edits = std::move(edits_);
  commit.nodes = std::move(updates_);
  commit.removed.assign(removed_.begin(), removed_.end());
  commit.new_reads = numbering_.fresh();
  commit.plan = base::profile::to_json(plan_.json());
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
