#include "cdb/build/read_index.h"

#include <algorithm>
#include <iterator>

namespace cdb::build {
namespace {

std::string_view last_segment(std::string_view name) {
  const auto slash = name.rfind('/');
  return slash == std::string_view::npos ? name : name.substr(slash + 1);
}

store::ReadKey key_of(const pan::Read& read) {
  return {static_cast<int>(read.kind), read.root, read.name, read.path};
}

pan::Read read_of(const store::ReadKey& key) {
  return {static_cast<pan::Read::Kind>(key.kind), key.name, key.root, key.path};
}

bool is_other_object(const store::ReadKey& key) {
  return key.kind == static_cast<int>(pan::Read::Kind::other_object);
}

}  // namespace

void ReadIndex::append(const store::ReadKey& key) {
  const auto id = static_cast<std::uint32_t>(reads_.size() + 1);
  reads_.push_back({key, {}});
  ids_.emplace(key, id);
  if (is_other_object(key)) {
    by_other_[key.name].push_back(id);
  } else {
    by_stem_[std::string(last_segment(key.name))].push_back(id);
  }
}

std::size_t ReadKeyHash::operator()(const store::ReadKey& key) const {
  const std::hash<std::string_view> hash;
  return hash(key.name) * 31 + hash(key.path) * 17 + static_cast<std::size_t>(key.kind * 1009 + key.root);
}

std::uint32_t ReadIndex::find(const store::ReadKey& key) const {
  const auto place = ids_.find(key);
  return place == ids_.end() ? 0 : place->second;
}

std::vector<std::uint32_t> Numbering::number(std::span<const pan::Read> reads) {
  std::vector<std::uint32_t> out;
  out.reserve(reads.size());
  for (const auto& read : reads) {
    auto key = key_of(read);
    auto id = index_.find(key);
    if (id == 0) {
      const auto [place, added] =
          ids_.emplace(key, static_cast<std::uint32_t>(index_.size()) + static_cast<std::uint32_t>(fresh_.size()) + 1);
      if (added) fresh_.push_back(std::move(key));
      id = place->second;
    }
    out.push_back(id);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::uint32_t ReadIndex::object_id(const std::string& name) {
  const auto [place, fresh] = object_ids_.emplace(name, static_cast<std::uint32_t>(object_names_.size()));
  if (fresh) {
    object_names_.push_back(name);
    object_reads_.emplace_back();
  }
  return place->second;
}

void ReadIndex::set(const std::string& object, std::vector<std::uint32_t> ids) {
  const auto me = object_id(object);
  auto& current = object_reads_[me];
  std::vector<std::uint32_t> gone, came;
  std::set_difference(current.begin(), current.end(), ids.begin(), ids.end(), std::back_inserter(gone));
  std::set_difference(ids.begin(), ids.end(), current.begin(), current.end(), std::back_inserter(came));
  for (const auto id : gone) {
    auto& objects = reads_[id - 1].objects;
    objects.erase(std::lower_bound(objects.begin(), objects.end(), me));
  }
  for (const auto id : came) {
    auto& objects = reads_[id - 1].objects;
    objects.insert(std::lower_bound(objects.begin(), objects.end(), me), me);
  }
  current = std::move(ids);
}

const std::vector<std::uint32_t>* ReadIndex::reads_of(const std::string& object) const {
  const auto place = object_ids_.find(object);
  return place == object_ids_.end() ? nullptr : &object_reads_[place->second];
}

void ReadIndex::touched(std::string_view path, std::span<const std::string> include_path, std::set<std::string>& objects) const {
  // pan::touches decides; the last segment, with and without its suffix, only narrows down which look-ups are asked.
  const auto name = last_segment(path);
  const auto dot = name.rfind('.');
  for (const auto stem : {name, dot == std::string_view::npos ? std::string_view{} : name.substr(0, dot)}) {
    if (stem.empty()) continue;
    const auto place = by_stem_.find(std::string(stem));
    if (place == by_stem_.end()) continue;
    for (const auto id : place->second) {
      if (entry(id).objects.empty()) continue;
      const auto read = read_of(entry(id).key);
      if (!pan::touches(std::span(&read, 1), include_path, path)) continue;
      for (const auto object : entry(id).objects) objects.insert(object_names_[object]);
    }
  }
}

std::map<std::string, std::vector<std::string>> ReadIndex::readers_of(std::string_view object) const {
  std::map<std::string, std::vector<std::string>> out;
  const auto place = by_other_.find(std::string(object));
  if (place == by_other_.end()) return out;
  for (const auto id : place->second) {
    for (const auto reader : entry(id).objects) out[entry(id).key.path].push_back(object_names_[reader]);
  }
  return out;
}

}  // namespace cdb::build
