#include "programs/panc/incremental.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "base/crypto/crypto.h"
#include "base/file/file.h"
#include "cdb/pan/evaluator.h"

namespace panc {

namespace {

using cdb::pan::DependDb;
using cdb::pan::Digest;
using cdb::pan::Read;

constexpr std::size_t kNamesShown = 8;

// All that decides what comes out besides the templates: options, and which panc this is.
Digest options_digest(const CommandLine& line) {
  std::string text = fmt::format("{}\n", WEFT_VERSION);
  const cdb::pan::FileStamp self = FileSource::look("/proc/self/exe");
  text += fmt::format("{} {} {}\n", self.size, self.modified, self.inode);
  const cdb::pan::Options& o = line.compiler;
  text += fmt::format("{} {} {} {}\n", o.max_iteration, o.max_recursion, o.max_steps, static_cast<int>(o.warnings));
  std::error_code error;
  auto add = [&](std::string_view part) { text += fmt::format("{}:{}\n", part.size(), part); };
  add(o.initial_data);
  add(o.debug_include);
  add(o.debug_exclude);
  add(std::filesystem::absolute(line.output_dir, error).lexically_normal().string());
  for (const std::string& folder : line.include_path) add(folder);
  add("formats");
  for (const auto& format : line.formats) add(format.suffix());
  return base::crypto::sha256(text);
}

Digest closure_of(const cdb::pan::Finished& object) {
  base::crypto::Sha256 sum;
  for (const cdb::pan::Lookup& lookup : object.lookups)
    sum.update(
        fmt::format("{}\n{}\n{} {} {} {}\n", lookup.name, lookup.prefix, lookup.root, lookup.text, lookup.only, lookup.tpl));
  return sum.finish();
}

}  // namespace

Incremental::Incremental(const CommandLine& line, FileSource& files) : line_(line), files_(files) {
  dep_format_ = std::any_of(line.formats.begin(), line.formats.end(),
                            [](const auto& format) { return format.format == cdb::pan::Format::dep; });
}

std::string Incremental::load() {
  const Digest options = options_digest(line_);
  std::string note;
  std::error_code error;
  if (const auto status = std::filesystem::status(line_.depend_db, error); std::filesystem::exists(status)) {
    const auto bytes = base::file::read(line_.depend_db);
    if (!bytes) {
      note = bytes.error().message;
    } else if (!bytes->empty()) {
      auto db = cdb::pan::decode_depend_db(*bytes);
      foreign_ = !cdb::pan::is_depend_db(*bytes);
      if (!db)
        note = fmt::format("{} {}", line_.depend_db, db.error().message);
      else if (db->options != options)
        note = fmt::format("{} was made with other options or by another panc", line_.depend_db);
      else if (!line_.rebuild)
        db_ = std::move(*db);
    }
  }
  if (!note.empty()) note += ": everything is built";
  if (foreign_) note += "; the file is left as it is, name another one";
  db_.options = options;
  changed_ = !note.empty();
  for (std::size_t i = 0; i < db_.objects.size(); ++i) by_name_.emplace(db_.objects[i].name, i);
  for (std::uint32_t i = 0; i < db_.references.size(); ++i) wanted_values_[db_.references[i].object].push_back(i);
  for (std::uint32_t i = 0; i < db_.files.size(); ++i) by_path_.emplace(db_.files[i].path, i);
  moved_.assign(db_.references.size(), 0);
  check_ = std::make_unique<cdb::pan::DependCheck>(db_, files_, line_.include_path, given_);
  return note;
}

std::optional<std::string> Incremental::known(const std::string& path) {
  const auto found = by_path_.find(path);
  if (found == by_path_.end() || !db_.files[found->second].given || !check_->same(found->second)) return std::nullopt;
  return db_.files[found->second].object;
}

void Incremental::give(const std::string& path, const std::string& object) {
  parsed_[path] = object;
  if (!object.empty()) given_.emplace(object, path);
}

const DependDb::Object* Incremental::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &db_.objects[found->second];
}

void Incremental::mark(const std::string& name, std::string reason) {
  visited_[name] = State::stale;
  reasons_.emplace(name, std::move(reason));
  todo_.push_back(name);
}

Incremental::State Incremental::visit(const std::string& name) {
  if (const auto found = visited_.find(name); found != visited_.end()) return found->second;
  const DependDb::Object* object = find(name);
  std::string reason = object == nullptr ? (line_.rebuild ? "--rebuild" : "not built before, or failed") : check_->why(*object);
  if (!reason.empty()) {
    mark(name, std::move(reason));
    return State::stale;
  }
  visited_[name] = State::fresh;
  for (const std::uint32_t i : object->references) {
    const DependDb::Reference& reference = db_.references[i];
    // One that is not there was looked for in vain: that look-up was checked above.
    if (find(reference.object) == nullptr && check_->resolve(Read::Kind::template_file, reference.object, -1).empty()) continue;
    visit(reference.object);
  }
  return State::fresh;
}

std::vector<std::string> Incremental::plan(std::span<const std::string> objects) {
  for (const std::string& name : objects) visit(name);
  return std::exchange(todo_, {});
}

bool Incremental::wanted(std::string_view object) {
  std::lock_guard lock(mutex_);
  if (made_.contains(object) || failed_.contains(object)) return false;
  return visit(std::string(object)) == State::stale;
}

// Marks the values of this object that others read and that are no longer the same.
void Incremental::follow(std::string_view object, const cdb::pan::Value* root, const Digest& closure) {
  const auto found = wanted_values_.find(object);
  if (found == wanted_values_.end()) return;
  const DependDb::Object* before = find(object);
  const bool all = root == nullptr || (dep_format_ && (before == nullptr || before->closure != closure));
  for (const std::uint32_t i : found->second) {
    const cdb::pan::Value* now = nullptr;
    if (!all) {
      try {
        const cdb::pan::Path path = cdb::pan::parse_path(db_.references[i].path);
        now = cdb::pan::follow(*root, path.terms.data(), static_cast<std::uint32_t>(path.terms.size()), true);
      } catch (const cdb::pan::Failure&) {
        now = nullptr;
      }
    }
    if (all || cdb::pan::digest_of(now) != db_.references[i].digest) moved_[i] = 1;
  }
}

void Incremental::built(const cdb::pan::Finished& object, std::vector<DependDb::Output> outputs) {
  Made made;
  made.reads = object.reads;
  made.outputs = std::move(outputs);
  if (dep_format_) made.closure = closure_of(object);
  std::lock_guard lock(mutex_);
  follow(object.object, object.root, made.closure);
  made_.emplace(std::string(object.object), std::move(made));
  changed_ = true;
}

void Incremental::failed(std::string_view object) {
  std::lock_guard lock(mutex_);
  follow(object, nullptr, {});
  failed_.emplace(object);
  changed_ = true;
}

std::vector<std::string> Incremental::next() {
  todo_.clear();
  for (const DependDb::Object& object : db_.objects) {
    const auto visited = visited_.find(object.name);
    if (visited == visited_.end() || visited->second == State::stale) continue;
    for (const std::uint32_t i : object.references) {
      if (!moved_[i]) continue;
      mark(object.name, fmt::format("the value of {}:{} changed", db_.references[i].object, db_.references[i].path));
      break;
    }
  }
  return std::exchange(todo_, {});
}

base::Result<> Incremental::save() {
  up_to_date_ = static_cast<std::size_t>(
      std::count_if(visited_.begin(), visited_.end(), [](const auto& entry) { return entry.second == State::fresh; }));
  for (const auto& [path, object] : parsed_) {
    const auto found = by_path_.find(path);
    if (found == by_path_.end() || !db_.files[found->second].given || db_.files[found->second].object != object) changed_ = true;
  }
  if (foreign_ || (!changed_ && !check_->refreshed())) return {};

  DependDb out;
  out.options = db_.options;
  std::unordered_map<std::string, std::uint32_t> files;
  std::map<DependDb::Lookup, std::uint32_t> lookups;
  std::map<DependDb::Reference, std::uint32_t> references;
  // A file that was read in this run counts as it was read; what others saw of it before is then out of date.
  auto add_file = [&](const std::string& path, const DependDb::File* old) {
    const auto [at, fresh] = files.emplace(path, static_cast<std::uint32_t>(out.files.size()));
    if (!fresh) return at->second;
    DependDb::File file;
    if (old != nullptr) {
      file = *old;
    } else {
      file.path = path;
      file.stamp = files_.stamp(path);
      if (const auto digest = files_.digest(path)) {
        file.digest = *digest;
        file.settled = files_.settled(file.stamp);
      }
    }
    if (const auto parsed = parsed_.find(path); parsed != parsed_.end()) {
      file.given = true;
      file.object = parsed->second;
    }
    out.files.push_back(std::move(file));
    return at->second;
  };
  auto intern = [](auto& table, auto& rows, auto&& row) {
    const auto [at, fresh] = table.emplace(row, static_cast<std::uint32_t>(rows.size()));
    if (fresh) rows.push_back(row);
    return at->second;
  };
  for (const auto& [name, made] : made_) {
    DependDb::Object object;
    object.name = name;
    object.outputs = made.outputs;
    object.closure = made.closure;
    std::set<std::string_view> others;
    for (const Read& read : made.reads)
      if (read.kind == Read::Kind::other_object && read.name != name) others.insert(read.name);
    for (const Read& read : made.reads) {
      if (read.kind == Read::Kind::other_object) {
        DependDb::Reference reference{read.name, read.path, {}};
        if (read.digest.size() == reference.digest.size())
          std::memcpy(reference.digest.data(), read.digest.data(), read.digest.size());
        object.references.push_back(intern(references, out.references, reference));
        continue;
      }
      DependDb::Lookup lookup{read.kind, read.name, read.root, DependDb::kAbsent};
      lookup.content = read.kind == Read::Kind::text_file || !others.contains(read.name);
      if (const std::string path = check_->resolve(read.kind, read.name, read.root); !path.empty())
        lookup.file = add_file(path, nullptr);
      object.lookups.push_back(intern(lookups, out.lookups, lookup));
    }
    std::sort(object.lookups.begin(), object.lookups.end());
    std::sort(object.references.begin(), object.references.end());
    out.objects.push_back(std::move(object));
  }
  // What was not looked at, or found up to date, stays as it is, as long as it can still be true.
  std::vector<std::uint32_t> old_lookups(db_.lookups.size(), DependDb::kAbsent),
      old_references(db_.references.size(), DependDb::kAbsent);
  std::vector<signed char> file_holds(db_.files.size(), -1);
  auto holds = [&](std::uint32_t file) {
    signed char& known = file_holds[file];
    if (known >= 0) return known == 1;
    const auto fresh = files.find(db_.files[file].path);
    known = fresh == files.end() || out.files[fresh->second].digest == db_.files[file].digest ? 1 : 0;
    return known == 1;
  };
  for (const DependDb::Object& old : db_.objects) {
    if (made_.contains(old.name) || failed_.contains(old.name)) continue;
    const auto visited = visited_.find(old.name);
    if (visited != visited_.end() && visited->second == State::stale) continue;
    const bool true_still =
        std::none_of(old.references.begin(), old.references.end(), [&](std::uint32_t i) { return moved_[i] != 0; }) &&
        std::all_of(old.lookups.begin(), old.lookups.end(), [&](std::uint32_t i) {
          const DependDb::Lookup& lookup = db_.lookups[i];
          if (lookup.file == DependDb::kAbsent) return true;
          // Profiles whose file was deleted are forgotten.
          if (visited == visited_.end() && lookup.name == old.name && !files_.stamp(db_.files[lookup.file].path).exists())
            return false;
          return !lookup.content || holds(lookup.file);
        });
    if (!true_still) continue;
    DependDb::Object object = old;
    for (std::uint32_t& i : object.lookups) {
      std::uint32_t& fresh = old_lookups[i];
      if (fresh == DependDb::kAbsent) {
        DependDb::Lookup lookup = db_.lookups[i];
        if (lookup.file != DependDb::kAbsent) lookup.file = add_file(db_.files[lookup.file].path, &db_.files[lookup.file]);
        fresh = intern(lookups, out.lookups, lookup);
      }
      i = fresh;
    }
    for (std::uint32_t& i : object.references) {
      std::uint32_t& fresh = old_references[i];
      if (fresh == DependDb::kAbsent) fresh = intern(references, out.references, db_.references[i]);
      i = fresh;
    }
    std::sort(object.lookups.begin(), object.lookups.end());
    std::sort(object.references.begin(), object.references.end());
    out.objects.push_back(std::move(object));
  }
  for (const auto& [path, object] : parsed_) add_file(path, nullptr);
  return base::file::write_atomic(line_.depend_db, cdb::pan::encode(out), {.durable = false});
}

std::string Incremental::report() const {
  const std::size_t built = made_.size() + failed_.size();
  std::string out = fmt::format("{} of {} profiles were up to date\n", up_to_date_, up_to_date_ + built);
  std::map<std::string, std::vector<std::string>> by_reason;
  for (const auto& [name, reason] : reasons_) by_reason[reason].push_back(name);
  for (const auto& [reason, names] : by_reason) {
    const std::size_t shown = std::min(names.size(), kNamesShown);
    out += fmt::format("{}{}: {}\n", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
                       names.size() > shown ? fmt::format(" and {} more", names.size() - shown) : std::string(), reason);
  }
  return out;
}

}  // namespace panc
