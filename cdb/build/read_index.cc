#include "cdb/build/read_index.h"

#include <algorithm>
#include <iterator>
#include <utility>

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

std::size_t hash_of(std::string_view text) {
  return std::hash<std::string_view>()(text);
}

std::size_t hash_of(const std::vector<std::uint32_t>& ids) {
  return hash_of(std::string_view(reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof ids[0]));
}

void take_out(std::vector<std::uint32_t>& from, std::uint32_t what) {
  const auto place = std::find(from.begin(), from.end(), what);
  *place = from.back();
  from.pop_back();
}

}  // namespace

std::size_t ReadKeyHash::operator()(const store::ReadKey& key) const {
  return hash_of(key.name) * 31 + hash_of(key.path) * 17 + static_cast<std::size_t>(key.kind * 1009 + key.root);
}

void ReadIndex::append(const store::ReadKey& key) {
  reads_.push_back({key, {}, {}});
  const auto id = static_cast<std::uint32_t>(reads_.size());
  ids_.insert(id);
  if (is_other_object(key)) {
    by_other_.emplace(hash_of(key.name), id);
  } else {
    by_last_.emplace(hash_of(last_segment(key.name)), id);
  }
}

std::uint32_t ReadIndex::find(const store::ReadKey& key) const {
  const auto place = ids_.find(key);
  return place == ids_.end() ? 0 : *place;
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
  const auto [place, fresh] = object_ids_.emplace(name, static_cast<std::uint32_t>(objects_.size()));
  if (fresh) objects_.push_back({name, none, {}});
  return place->second;
}

std::uint32_t ReadIndex::shared_set(std::vector<std::uint32_t> ids) {
  const auto hash = hash_of(ids);
  const auto [begin, end] = set_ids_.equal_range(hash);
  for (auto place = begin; place != end; ++place) {
    if (sets_[place->second].ids == ids) return place->second;
  }
  std::uint32_t number;
  if (free_sets_.empty()) {
    number = static_cast<std::uint32_t>(sets_.size());
    sets_.emplace_back();
  } else {
    number = free_sets_.back();
    free_sets_.pop_back();
  }
  for (const auto id : ids) entry(id).sets.push_back(number);
  ids.shrink_to_fit();
  sets_[number] = {std::move(ids), {}, hash};
  set_ids_.emplace(hash, number);
  return number;
}

void ReadIndex::leave_set(std::uint32_t object) {
  const auto number = std::exchange(objects_[object].set, none);
  if (number == none) return;
  auto& set = sets_[number];
  take_out(set.objects, object);
  if (!set.objects.empty()) return;
  for (const auto id : set.ids) take_out(entry(id).sets, number);
  const auto [begin, end] = set_ids_.equal_range(set.hash);
  set_ids_.erase(std::find_if(begin, end, [&](const auto& place) { return place.second == number; }));
  set = {};
  free_sets_.push_back(number);
}

void ReadIndex::set(const std::string& object, const std::vector<std::uint32_t>& ids) {
  const auto me = object_id(object);
  std::vector<std::uint32_t> shared, own;
  for (const auto id : ids) (entry(id).key.name.find(object) == std::string::npos ? shared : own).push_back(id);
  for (const auto id : objects_[me].own) take_out(entry(id).objects, me);
  for (const auto id : own) entry(id).objects.push_back(me);
  own.shrink_to_fit();
  objects_[me].own = std::move(own);
  if (objects_[me].set != none && sets_[objects_[me].set].ids == shared) return;
  leave_set(me);
  if (shared.empty()) return;
  const auto number = shared_set(std::move(shared));
  objects_[me].set = number;
  sets_[number].objects.push_back(me);
}

std::vector<std::uint32_t> ReadIndex::reads_of(const std::string& object) const {
  std::vector<std::uint32_t> out;
  const auto place = object_ids_.find(object);
  if (place == object_ids_.end()) return out;
  const auto& me = objects_[place->second];
  static const std::vector<std::uint32_t> nothing;
  const auto& shared = me.set == none ? nothing : sets_[me.set].ids;
  out.reserve(shared.size() + me.own.size());
  std::merge(shared.begin(), shared.end(), me.own.begin(), me.own.end(), std::back_inserter(out));
  return out;
}

void ReadIndex::touched(std::string_view path, std::span<const std::string> include_path,
                        std::vector<std::string>& objects) const {
  // pan::touches decides; the last segment, with and without its suffix, only narrows down which look-ups are asked.
  const auto name = last_segment(path);
  const auto dot = name.rfind('.');
  std::unordered_set<std::uint32_t> sets, own;
  for (const auto last : {name, dot == std::string_view::npos ? std::string_view{} : name.substr(0, dot)}) {
    if (last.empty()) continue;
    const auto [begin, end] = by_last_.equal_range(hash_of(last));
    for (auto place = begin; place != end; ++place) {
      const auto& made = entry(place->second);
      if (made.sets.empty() && made.objects.empty()) continue;
      const auto read = read_of(made.key);
      if (!pan::touches(std::span(&read, 1), include_path, path)) continue;
      sets.insert(made.sets.begin(), made.sets.end());
      own.insert(made.objects.begin(), made.objects.end());
    }
  }
  for (const auto set : sets) {
    for (const auto object : sets_[set].objects) objects.push_back(objects_[object].name);
  }
  for (const auto object : own) objects.push_back(objects_[object].name);
}

std::map<std::string, std::vector<std::string>> ReadIndex::readers_of(std::string_view object) const {
  std::map<std::string, std::vector<std::string>> out;
  const auto [begin, end] = by_other_.equal_range(hash_of(object));
  for (auto place = begin; place != end; ++place) {
    const auto& made = entry(place->second);
    if (made.key.name != object) continue;
    auto& readers = out[made.key.path];
    for (const auto set : made.sets) {
      for (const auto reader : sets_[set].objects) readers.push_back(objects_[reader].name);
    }
    for (const auto reader : made.objects) readers.push_back(objects_[reader].name);
    if (readers.empty()) out.erase(made.key.path);
  }
  return out;
}

}  // namespace cdb::build
