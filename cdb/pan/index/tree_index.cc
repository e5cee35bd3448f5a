#include "cdb/pan/index/tree_index.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "base/text/text.h"
#include "cdb/pan/source_path.h"

namespace cdb::pan::index {
namespace {

constexpr std::size_t kMostNames = 32;  // of one computed include

std::size_t at(Space space) {
  return static_cast<std::size_t>(space);
}

std::string_view without_suffix(std::string_view path) {
  if (path.ends_with(".pan") || path.ends_with(".tpl")) path.remove_suffix(4);
  return path;
}

}  // namespace

TreeIndex::TreeIndex(Project project, std::shared_ptr<const Source> source)
    : project_(std::move(project)), source_(std::move(source)), names_(std::make_shared<Names>()) {}

void TreeIndex::build(int threads) {
  std::set<std::string> paths(project_.objects.begin(), project_.objects.end());
  for (const std::string& folder : project_.include_path)
    for (std::string& path : template_files(folder)) paths.insert(std::move(path));
  if (!project_.root.empty())
    for (std::string& path : template_files(project_.root)) paths.insert(std::move(path));
  const std::vector<std::string> list(paths.begin(), paths.end());
  std::vector<std::unique_ptr<FileIndex>> made(list.size());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < list.size(); i = next++) {
      const auto text = source_->read(list[i]);
      if (text != nullptr) made[i] = std::make_unique<FileIndex>(summarize(syntax::Tree::parse(*text), list[i], *names_));
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (int i = 1; i < threads; ++i) helpers.emplace_back(work);
    work();
  }
  for (auto& file : made)
    if (file != nullptr) insert(std::move(file));
}

void TreeIndex::update(const std::string& path) {
  const auto text = source_->read(path);
  if (text == nullptr) {
    erase(path);
    return;
  }
  update(path, syntax::Tree::parse(*text));
}

void TreeIndex::update(const std::string& path, const syntax::Tree& tree) {
  auto made = std::make_unique<FileIndex>(summarize(tree, path, *names_));
  erase(path);
  insert(std::move(made));
}

void TreeIndex::insert(std::unique_ptr<FileIndex> made) {
  const FileIndex& file = *made;
  for (const Definition& definition : file.definitions) {
    definitions_[at(definition.space)][definition.name].push_back({&file, &definition});
    if (definition.space == Space::variable && definition.name == Names::loadpath)
      for (const std::string& entry : definition.constant_items) ++loadpaths_[entry];
  }
  for (const Use& use : file.uses) ++uses_[at(use.space)][use.name];
  count_names(file, 1);
  for (const PathRef& path : file.paths)
    if (path.form == PathRef::Form::bind && path.absolute && path.type != nullptr) bindings_.push_back({&file, &path});
  files_[file.path] = std::move(made);
}

void TreeIndex::erase(const std::string& path) {
  const auto found = files_.find(path);
  if (found == files_.end()) return;
  const FileIndex& file = *found->second;
  for (const Definition& definition : file.definitions) {
    auto& all = definitions_[at(definition.space)];
    if (const auto list = all.find(definition.name); list != all.end()) {
      std::erase_if(list->second, [&](const Defined& defined) { return defined.file == &file; });
      if (list->second.empty()) all.erase(list);
    }
    if (definition.space == Space::variable && definition.name == Names::loadpath)
      for (const std::string& entry : definition.constant_items)
        if (--loadpaths_[entry] == 0) loadpaths_.erase(entry);
  }
  for (const Use& use : file.uses) --uses_[at(use.space)][use.name];
  count_names(file, -1);
  std::erase_if(bindings_, [&](const Binding& binding) { return binding.file == &file; });
  files_.erase(found);
}

void TreeIndex::count_names(const FileIndex& file, int by) {
  for (const Symbol literal : file.literals) literals_[literal] += by;
  for (const TemplateRef& reference : file.templates) {
    if (reference.literal()) continue;
    std::string pattern;
    for (const TemplateRef::Part& part : reference.parts) pattern += part.variable != 0 ? "*" : part.text;
    if ((patterns_[pattern] += by) == 0) patterns_.erase(pattern);
  }
}

bool TreeIndex::mentioned(const FileIndex& file) const {
  std::vector<std::string_view> names{file.name};
  for (const auto& [entry, count] : loadpaths_)
    if (file.name.starts_with(entry + "/")) names.push_back(std::string_view(file.name).substr(entry.size() + 1));
  for (const std::string_view name : names) {
    if (const auto known = literals_.find(names_->intern(name)); known != literals_.end() && known->second > 0) return true;
    for (const auto& [pattern, count] : patterns_)
      if (pattern.find_first_not_of('*') != std::string::npos && base::text::glob_match(pattern, name)) return true;
  }
  return false;
}

const FileIndex* TreeIndex::file(std::string_view path) const {
  const auto found = files_.find(path);
  return found == files_.end() ? nullptr : found->second.get();
}

std::vector<Defined> TreeIndex::definitions(Space space, Symbol name) const {
  const auto found = definitions_[at(space)].find(name);
  if (found == definitions_[at(space)].end()) return {};
  auto out = found->second;
  std::sort(out.begin(), out.end(), [](const Defined& a, const Defined& b) {
    return a.file->path != b.file->path ? a.file->path < b.file->path : a.definition->span.begin < b.definition->span.begin;
  });
  return out;
}

std::vector<Defined> TreeIndex::definitions(Space space, std::string_view name) const {
  return definitions(space, names_->intern(name));
}

std::vector<std::string_view> TreeIndex::defined_names(Space space) const {
  std::vector<std::string_view> out;
  for (const auto& [name, list] : definitions_[at(space)]) out.push_back(names_->text(name));
  std::sort(out.begin(), out.end());
  return out;
}

std::size_t TreeIndex::uses(Space space, Symbol name) const {
  const auto found = uses_[at(space)].find(name);
  return found == uses_[at(space)].end() ? 0 : found->second;
}

std::vector<Reference> TreeIndex::references(Space space, Symbol name, bool with_definitions) const {
  std::vector<Reference> out;
  if (with_definitions)
    for (const Defined& defined : definitions(space, name)) out.push_back({defined.file, defined.definition->name_span, true});
  if (uses(space, name) == 0) return out;
  for (const auto& [path, file] : files_)
    for (const Use& use : file->uses)
      if (use.space == space && use.name == name) out.push_back({file.get(), use.span, false});
  return out;
}

std::vector<std::string> TreeIndex::existing(std::string_view name, std::span<const std::string_view> suffixes,
                                             std::string_view own_root) const {
  std::vector<std::string> out;
  std::vector<std::string_view> prefixes{""};
  for (const auto& [entry, count] : loadpaths_) prefixes.push_back(entry);
  std::vector<std::string_view> roots(project_.include_path.begin(), project_.include_path.end());
  if (!own_root.empty()) roots.push_back(own_root);
  for (const std::string_view prefix : prefixes) {
    for (const std::string_view root : roots) {
      for (const std::string_view suffix : suffixes) {
        const std::string path = absolute_path(join_path(prefix, name) + std::string(suffix), root);
        const bool there = suffix.empty() ? source_->read(path) != nullptr : files_.contains(path);
        if (there && std::find(out.begin(), out.end(), path) == out.end()) out.push_back(path);
      }
    }
  }
  return out;
}

std::vector<std::string> TreeIndex::template_paths(std::string_view name, const FileIndex* from) const {
  static constexpr std::string_view kSuffixes[] = {".pan", ".tpl"};
  if (name.empty()) return {};
  std::string_view own_root;
  if (from != nullptr && !from->name.empty()) {
    own_root = without_suffix(from->path);
    own_root = own_root.ends_with("/" + from->name) ? own_root.substr(0, own_root.size() - from->name.size() - 1) : "";
  }
  return existing(name, kSuffixes, own_root);
}

std::vector<std::string> TreeIndex::text_paths(std::string_view name) const {
  static constexpr std::string_view kSuffixes[] = {""};
  if (name.empty()) return {};
  return existing(name, kSuffixes, {});
}

std::vector<std::string> TreeIndex::names_of(const TemplateRef& reference) const {
  std::vector<std::string> out{""};
  for (const TemplateRef::Part& part : reference.parts) {
    std::vector<std::string> values;
    if (part.variable == 0) {
      values.push_back(part.text);
    } else {
      for (const Defined& defined : definitions(Space::variable, part.variable)) {
        // One value that is not known makes the whole name unknown.
        if (!defined.definition->constant) return {};
        if (std::find(values.begin(), values.end(), *defined.definition->constant) == values.end())
          values.push_back(*defined.definition->constant);
      }
    }
    std::vector<std::string> longer;
    for (const std::string& begin : out)
      for (const std::string& value : values)
        if (longer.size() < kMostNames) longer.push_back(begin + value);
    out = std::move(longer);
  }
  return out;
}

std::vector<std::string> TreeIndex::names_of_file(std::string_view path) const {
  std::vector<std::pair<std::size_t, std::string>> found;
  const std::string_view base = without_suffix(path);
  for (const std::string& root : project_.include_path) {
    const std::string folder = root == "/" ? root : root + "/";
    if (base.starts_with(folder)) found.emplace_back(folder.size(), base.substr(folder.size()));
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<std::string> out;
  for (auto& [length, name] : found)
    if (out.empty() || out.back() != name) out.push_back(std::move(name));
  return out;
}

std::vector<std::string> TreeIndex::template_names() const {
  std::set<std::string> out;
  for (const auto& [path, file] : files_)
    if (!file->name.empty()) out.insert(file->name);
  return {out.begin(), out.end()};
}

}  // namespace cdb::pan::index
