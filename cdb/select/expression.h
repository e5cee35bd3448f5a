// The parsed form of a selection. Private to this room. Immutable after parsing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cdb/pan/java/java.h"
#include "cdb/select/select.h"

namespace cdb::select {

enum class Op { equal, unequal, less, less_equal, greater, greater_equal, matches, matches_not, in, not_in };

struct Literal {
  std::string text;
  bool pattern = false;          // bare, with * or ?
  std::optional<double> number;  // what it is as a number; quoted ones too
};

struct Node {
  enum class Kind { comparison, both, either, negation } kind = Kind::comparison;
  std::vector<std::size_t> children;  // numbers of nodes
  std::size_t field = 0;
  Op op = Op::equal;
  std::vector<Literal> values;
  std::optional<pan::java::Regex> regex;
};

struct Selection::Impl {
  std::vector<Field> fields;
  std::vector<Node> nodes;
  std::size_t root = 0;
};

std::string_view spelled(Op op);

}  // namespace cdb::select
