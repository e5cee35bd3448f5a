// Node selection: parses and evaluates the filter language of docs/queries.md. Used by cdb/http. Pure; a Selection is immutable
// and may be used by any number of threads. Failure: Errc::invalid with the column and an excerpt for a wrong expression;
// Errc::exhausted when a regular expression needs too many steps on a value.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "base/profile/value.h"

namespace cdb::select {

// Something that an expression asks about a node: an attribute by name, or a value of the profile by path.
struct Field {
  bool path = false;
  std::string name;
  friend bool operator==(const Field&, const Field&) = default;
};

struct Attribute {
  std::string_view name;
  std::string_view path;  // that it stands for; "": not part of the profile
  std::string_view help;
};
std::span<const Attribute> attributes();

class Selection {
 public:
  static constexpr std::size_t max_bytes = 4000;
  static constexpr std::size_t max_terms = 500;  // comparisons, and values of in (...)
  static constexpr std::size_t max_depth = 50;   // of parentheses and not

  static base::Result<Selection> parse(std::string_view text);

  const std::vector<Field>& fields() const;
  // One value for each of fields(), in that order; null pointer: the node has none. Lists and dicts count as none.
  base::Result<bool> matches(std::span<const base::profile::Value* const> values) const;
  // The expression with all parentheses and quotes; parses to the same.
  std::string text() const;

  struct Impl;

 private:
  explicit Selection(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

// <0, 0, >0. Runs of digits compare as numbers, runs of letters as bytes, a number is newer than letters, what continues is
// newer,
// '~' is older than the end ("6.1~rc1" < "6.1" < "6.1.0-18" < "6.1.0-20" < "6.10"); other characters only separate.
int compare_versions(std::string_view a, std::string_view b);

}  // namespace cdb::select
