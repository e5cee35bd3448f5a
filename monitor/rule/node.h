// The tree of an expression. Internal to this room.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "monitor/rule/expression.h"

namespace monitor::rule {

enum class Op {
  number,
  time,
  select,
  age,
  absent,
  add,
  subtract,
  multiply,
  divide,
  negate,
  eq,
  ne,
  lt,
  le,
  gt,
  ge,
  all,
  any,
  held
};

struct Matcher {
  std::string label, value;
  bool pattern = false;  // shell-style
  bool negated = false;
};

struct Node {
  Op op;
  std::unique_ptr<Node> left, right;
  double number = 0;  // of `number`; milliseconds of `held`
  std::string metric;
  std::vector<Matcher> matchers;
  std::map<std::string, std::int64_t> since;  // of `held`: labels as text, first time seen true

  bool is_condition() const { return op == Op::absent || op >= Op::eq; }
};

base::Result<std::unique_ptr<Node>> parse_condition(std::string_view text);
base::Result<std::vector<Match>> evaluate_node(Node& node, const Latest& latest, std::int64_t now_ms);

}  // namespace monitor::rule
