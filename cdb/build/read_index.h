// Which objects made which look-ups. An edited path finds the objects it can change in time proportional to the look-ups of that
// file name, not to the fleet. Owned by Branch, one thread at a time.
//
// Most nodes of a role look up the same files, so look-ups are kept as sets that objects share. Only what names the object itself
// (its own template, "sms/<node>") is kept with the object; the split changes what is shared, never an answer.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "cdb/pan/compiler.h"
#include "cdb/store/types.h"

namespace cdb::build {

struct ReadKeyHash {
  std::size_t operator()(const store::ReadKey& key) const;
};

class ReadIndex {
 public:
  ReadIndex() = default;
  ReadIndex(const ReadIndex&) = delete;

  // The dictionary: numbers from 1, in the order added, shared with cdb.read.
  std::int32_t size() const { return static_cast<std::int32_t>(reads_.size()); }
  void append(const store::ReadKey& key);
  // 0 when it is not in the dictionary.
  std::uint32_t find(const store::ReadKey& key) const;

  // Replaces what `object` reads: sorted and unique. Numbers beyond the dictionary are a defect of the caller.
  void set(const std::string& object, const std::vector<std::uint32_t>& ids);
  std::vector<std::uint32_t> reads_of(const std::string& object) const;  // sorted; empty for an unknown object
  void remove(const std::string& object) { set(object, {}); }

  // Adds the objects that an edit, addition or removal of `path` can change (template and text look-ups); an object may be added
  // by several paths.
  void touched(std::string_view path, std::span<const std::string> include_path, std::vector<std::string>& objects) const;
  // Who reads `object` by value("object:/path"): path → readers.
  std::map<std::string, std::vector<std::string>> readers_of(std::string_view object) const;

  // Distinct sets of look-ups, for the figures of ./dev bench pan.
  std::size_t sets() const { return sets_.size() - free_sets_.size(); }

 private:
  static constexpr std::uint32_t none = 0xffffffff;
  struct Entry {
    store::ReadKey key;
    std::vector<std::uint32_t> sets;     // shared sets that hold it, in any order
    std::vector<std::uint32_t> objects;  // those that hold it themselves, in any order
  };
  struct Set {
    std::vector<std::uint32_t> ids;      // sorted
    std::vector<std::uint32_t> objects;  // in any order
    std::size_t hash = 0;
  };
  struct Object {
    std::string name;
    std::uint32_t set = none;
    std::vector<std::uint32_t> own;  // sorted
  };
  // Numbers found by what they stand for, without a second copy of it.
  struct EntryHash {
    using is_transparent = void;
    const ReadIndex* index;
    std::size_t operator()(std::uint32_t id) const { return ReadKeyHash()(index->entry(id).key); }
    std::size_t operator()(const store::ReadKey& key) const { return ReadKeyHash()(key); }
  };
  struct EntryEqual {
    using is_transparent = void;
    const ReadIndex* index;
    bool operator()(std::uint32_t a, std::uint32_t b) const { return a == b; }
    bool operator()(const store::ReadKey& key, std::uint32_t id) const { return index->entry(id).key == key; }
    bool operator()(std::uint32_t id, const store::ReadKey& key) const { return index->entry(id).key == key; }
  };
  const Entry& entry(std::uint32_t id) const { return reads_[id - 1]; }
  Entry& entry(std::uint32_t id) { return reads_[id - 1]; }
  std::uint32_t object_id(const std::string& name);
  std::uint32_t shared_set(std::vector<std::uint32_t> ids);
  void leave_set(std::uint32_t object);

  std::vector<Entry> reads_;
  std::unordered_set<std::uint32_t, EntryHash, EntryEqual> ids_{16, EntryHash{this}, EntryEqual{this}};
  std::unordered_multimap<std::size_t, std::uint32_t> by_last_;   // hash of the last segment of a file look-up → numbers
  std::unordered_multimap<std::size_t, std::uint32_t> by_other_;  // hash of the other object → numbers
  std::vector<Set> sets_;
  std::vector<std::uint32_t> free_sets_;
  std::unordered_multimap<std::size_t, std::uint32_t> set_ids_;  // hash of the content → sets
  std::vector<Object> objects_;
  std::unordered_map<std::string, std::uint32_t> object_ids_;
};

// Numbers for the look-ups of one change: known ones keep theirs, new ones get the next. Nothing enters the index before the
// commit.
class Numbering {
 public:
  explicit Numbering(const ReadIndex& index) : index_(index) {}
  std::vector<std::uint32_t> number(std::span<const pan::Read> reads);  // sorted, unique
  const std::vector<store::ReadKey>& fresh() const { return fresh_; }

 private:
  const ReadIndex& index_;
  std::unordered_map<store::ReadKey, std::uint32_t, ReadKeyHash> ids_;
  std::vector<store::ReadKey> fresh_;
};

}  // namespace cdb::build
