// Values of profiles as cdb/store keeps them (schemas/sql/cdb/0020_values.sql). Used by cdb/values and cdb/http. Plain values.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cdb/store/types.h"

namespace cdb::store {

using ValueId = std::array<unsigned char, 16>;

// A leaf of a profile, or an empty list or dict.
struct Leaf {
  std::string path;       // as base::profile::Path::text() gives it
  std::string_view type;  // base::profile::type_name()
  std::string text;       // strings bare (NUL as U+2400), others as JSON
  friend bool operator==(const Leaf&, const Leaf&) = default;
};
ValueId value_id(const Leaf& leaf);

// Node numbers as ranges, ends exclusive. add() is cheap in growing order, else normalise() before use.
class NumberSet {
 public:
  void add(std::int32_t number) {
    if (!ranges_.empty() && ranges_.back().second == number) {
      ++ranges_.back().second;
    } else {
      ranges_.emplace_back(number, number + 1);
    }
  }
  void add(const NumberSet& other) { ranges_.insert(ranges_.end(), other.ranges_.begin(), other.ranges_.end()); }
  void normalise();
  bool empty() const { return ranges_.empty(); }
  std::string text() const;  // PostgreSQL's int4multirange
 private:
  std::vector<std::pair<std::int32_t, std::int32_t>> ranges_;
};

// The next revision that is not recorded yet, and whose roots it moved; in order of number.
struct ValueStep {
  struct Move {
    std::int32_t number = 0;
    std::optional<Digest> before, after;
  };
  std::int64_t from = 0, revision = 0;
  std::vector<Move> moves;
};

// What a step changed. `leaves` are the distinct values of `changes`.
struct ValueChanges {
  struct Known {
    ValueId id;
    Leaf leaf;
  };
  struct Change {
    std::size_t path = 0;                      // in `paths`
    std::optional<std::size_t> before, after;  // in `leaves`
    NumberSet nodes;
  };
  std::vector<std::string> paths;
  std::vector<Known> leaves;
  std::vector<Change> changes;
};

struct NodeValue {
  std::string node, path;
  base::profile::Value value;
};

struct ValueMove {
  std::int64_t revision = 0;
  std::string path, time, author, message;
  std::optional<base::profile::Value> before, after;
  std::optional<std::int64_t> reverts, reverted_by;
};

}  // namespace cdb::store
