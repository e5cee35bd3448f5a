// Which objects made which look-ups. An edited path finds the objects it can change in time proportional to the look-ups of that
// file name, not to the fleet. Owned by Branch, one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cdb/pan/compiler.h"
#include "cdb/store/types.h"

namespace cdb::build {

struct ReadKeyHash {
  std::size_t operator()(const store::ReadKey& key) const;
};

class ReadIndex {
 public:
  // The dictionary: numbers from 1, in the order added, shared with cdb.read.
  std::int32_t size() const { return static_cast<std::int32_t>(reads_.size()); }
  void append(const store::ReadKey& key);
  // 0 when it is not in the dictionary.
  std::uint32_t find(const store::ReadKey& key) const;

  // Replaces what `object` reads. Numbers beyond the dictionary are a defect of the caller.
  void set(const std::string& object, std::vector<std::uint32_t> ids);
  const std::vector<std::uint32_t>* reads_of(const std::string& object) const;
  void remove(const std::string& object) { set(object, {}); }

  // Objects that an edit, addition or removal of `path` can change (template and text look-ups).
  void touched(std::string_view path, std::span<const std::string> include_path, std::set<std::string>& objects) const;
  // Who reads `object` by value("object:/path"): path → readers.
  std::map<std::string, std::vector<std::string>> readers_of(std::string_view object) const;

 private:
  struct Entry {
    store::ReadKey key;
    std::vector<std::uint32_t> objects;  // sorted
  };
  const Entry& entry(std::uint32_t id) const { return reads_[id - 1]; }
  std::uint32_t object_id(const std::string& name);

  std::vector<Entry> reads_;
  std::unordered_map<store::ReadKey, std::uint32_t, ReadKeyHash> ids_;
  std::unordered_map<std::string, std::vector<std::uint32_t>> by_stem_;   // last segment of a file look-up → numbers
  std::unordered_map<std::string, std::vector<std::uint32_t>> by_other_;  // other object → numbers
  std::vector<std::string> object_names_;
  std::unordered_map<std::string, std::uint32_t> object_ids_;
  std::vector<std::vector<std::uint32_t>> object_reads_;
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
