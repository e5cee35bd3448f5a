#include "cdb/pan/repository.h"

#include <algorithm>
#include <optional>

#include "base/text/text.h"
#include "cdb/pan/java/java.h"
#include "cdb/pan/parser.h"
#include "cdb/pan/source_path.h"

namespace cdb::pan {

struct Repository::DebugFilter {
  std::optional<java::Regex> include, exclude;
};

namespace {

struct Sequence {
  std::size_t length;
  bool good;
};

// The character at the beginning of `text`, or how many bytes Java's decoder takes as one wrong character.
Sequence utf8_sequence(std::string_view text) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  auto continues = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, true};
  const std::size_t length = lead >= 0xf0 && lead < 0xf5   ? 4
                             : lead >= 0xe0 && lead < 0xf0 ? 3
                             : lead >= 0xc2 && lead < 0xe0 ? 2
                                                           : 0;
  if (length == 0) return {1, false};
  for (std::size_t i = 1; i < length; ++i) {
    if (i == text.size()) return {i, false};
    if (!continues(i)) return {i, false};
    if (i == 1 && ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f)))
      return {1, false};
  }
  return {length, !(lead == 0xed && byte(1) > 0x9f)};
}

}  // namespace

std::string clean_utf8(std::string_view text) {
  std::string out;
  std::size_t good = 0;  // bytes not yet copied
  while (good < text.size()) {
    const auto [length, valid] = utf8_sequence(text.substr(good));
    if (valid) {
      good += length;
      continue;
    }
    out += text.substr(0, good);
    out += "\xef\xbf\xbd";
    text.remove_prefix(good + length);
    good = 0;
  }
  out += text;
  return out;
}

namespace {

std::string_view last_segment(std::string_view name) {
  return name.substr(name.rfind('/') + 1);
}

}  // namespace

std::string join_path(std::string_view a, std::string_view b) {
  if (a.empty() || a == ".") return std::string(b);
  if (b.empty()) return std::string(a);
  std::string out(a);
  if (out.back() != '/') out += '/';
  out += b;
  return out;
}

Repository::Repository(std::shared_ptr<const Source> source, const Options& options, Names& names)
    : source_(std::move(source)), options_(options), names_(names) {
  auto filter = std::make_shared<DebugFilter>();
  auto compile = [](const std::string& pattern, std::optional<java::Regex>& out) {
    if (pattern.empty()) return;
    auto compiled = java::Regex::compile(pattern);
    if (compiled) out = std::move(*compiled);
  };
  compile(options.debug_include, filter->include);
  compile(options.debug_exclude, filter->exclude);
  debug_ = std::move(filter);
}

bool Repository::debug_enabled(const void* self, std::string_view name) {
  const DebugFilter& filter = *static_cast<const Repository*>(self)->debug_;
  auto matches = [&](const std::optional<java::Regex>& regex) { return regex && regex->full_match(name).value_or(false); };
  return matches(filter.include) && !matches(filter.exclude);
}

std::string Repository::give(const std::string& name, const std::string& path) {
  const bool tpl = path.ends_with(".tpl");
  const std::size_t tail = name.size() + 5;  // "/", ".pan"
  std::string root = path.size() > tail ? path.substr(0, path.size() - tail) : "/";
  Found found;
  found.lookup.name = name;
  found.lookup.tpl = tpl;
  found.path = path;
  const auto& searched = options_.include_path;
  std::unique_lock lock(mutex_);
  auto root_index = std::find(searched.begin(), searched.end(), root) - searched.begin();
  if (root_index == std::ssize(searched)) {
    const auto at = std::find(given_roots_.begin(), given_roots_.end(), root);
    root_index += at - given_roots_.begin();
    if (at == given_roots_.end()) given_roots_.push_back(std::move(root));
  }
  found.lookup.root = static_cast<std::int32_t>(root_index);
  return given_.emplace(name, std::move(found)).first->second.path;
}

std::vector<std::string> Repository::roots() const {
  std::shared_lock lock(mutex_);
  std::vector<std::string> all = options_.include_path;
  all.insert(all.end(), given_roots_.begin(), given_roots_.end());
  return all;
}

const Repository::Found& Repository::find(std::string_view name, const std::vector<std::string>& loadpath, bool text) {
  std::string key(text ? "t" : "p");
  for (const std::string& prefix : loadpath) {
    key += prefix;
    key += '\n';
  }
  key += name;
  {
    std::shared_lock lock(mutex_);
    if (auto hit = found_.find(key); hit != found_.end()) return hit->second;
  }
  if (!text) {
    std::shared_lock lock(mutex_);
    if (auto hit = given_.find(std::string(name)); hit != given_.end()) return hit->second;
  }
  Found found;
  found.lookup.name = name;
  found.lookup.text = text;
  const auto& roots = options_.include_path;
  for (std::size_t root = 0; root < roots.size() && found.path.empty(); ++root) {
    for (const std::string& prefix : loadpath) {
      const std::string base = join_path(join_path(roots[root], prefix), name);
      auto take = [&](std::string path, bool tpl) {
        if (source_->read(path) == nullptr) return false;
        found.path = std::move(path);
        found.lookup.prefix = prefix;
        found.lookup.root = static_cast<std::int32_t>(root);
        found.lookup.tpl = tpl;
        return true;
      };
      if (text ? take(base, false) : take(base + ".pan", false) || take(base + ".tpl", true)) break;
    }
  }
  std::unique_lock lock(mutex_);
  const auto [place, fresh] = found_.emplace(std::move(key), std::move(found));
  if (fresh) by_last_.emplace(std::hash<std::string_view>()(last_segment(name)), &*place);
  return place->second;
}

std::shared_ptr<const Template> Repository::parsed(const std::string& path) {
  std::shared_ptr<Parsed> entry;
  {
    std::shared_lock lock(mutex_);
    if (auto hit = parsed_.find(path); hit != parsed_.end()) entry = hit->second;
  }
  if (entry == nullptr) {
    std::unique_lock lock(mutex_);
    auto& slot = parsed_[path];
    if (slot == nullptr) slot = std::make_shared<Parsed>();
    entry = slot;
  }
  std::call_once(entry->once, [&] {
    try {
      auto content = source_->read(path);
      if (content == nullptr) raise(Problem::Kind::system, "the template file " + path + " cannot be read");
      auto text = std::make_shared<SourceText>();
      text->path = path;
      text->content = base::text::valid_utf8(*content) ? content : std::make_shared<const std::string>(clean_utf8(*content));
      entry->result = parse_template(std::move(text), names_, &Repository::debug_enabled, this);
    } catch (const Failure& failure) {
      entry->problem = failure.problem;
    }
  });
  if (entry->problem != nullptr) throw Failure{std::make_shared<Problem>(*entry->problem)};
  return entry->result;
}

void Repository::invalidate(std::span<const std::string> paths) {
  std::unique_lock lock(mutex_);
  for (const std::string& path : paths) {
    parsed_.erase(path);
    // A look-up may now end elsewhere when its name ends as this file's does, the suffix apart.
    const std::string_view last = last_segment(path);
    for (const std::string_view name : {last, last.substr(0, last.rfind('.'))}) {
      const auto [begin, end] = by_last_.equal_range(std::hash<std::string_view>()(name));
      std::vector<std::string> keys;
      for (auto place = begin; place != end; ++place) keys.push_back(place->second->first);
      by_last_.erase(begin, end);
      for (const std::string& key : keys) found_.erase(key);
    }
  }
}

void Repository::forget(std::span<const std::string> objects) {
  std::unique_lock lock(mutex_);
  for (const std::string& object : objects) {
    const auto found = found_.find("p\n" + object);
    if (found != found_.end()) parsed_.erase(found->second.path);
  }
}

}  // namespace cdb::pan
