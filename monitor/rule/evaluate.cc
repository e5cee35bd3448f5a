// Tree and samples to matches. Rows of two sides are joined when they agree on the labels both have, so `avail / size` pairs each
// mount point with itself, as the same row of one table.
#include <cmath>
#include <limits>
#include <set>

#include <fmt/format.h>

#include "base/text/text.h"
#include "monitor/rule/node.h"

namespace monitor::rule {
namespace {

using base::Errc;
using Matches = std::vector<Match>;

constexpr std::size_t most_rows = 4096;
constexpr std::size_t most_pairs = 1u << 20;

bool selected(const metric::Sample& sample, const std::vector<Matcher>& matchers) {
  for (const auto& m : matchers) {
    std::string_view value = metric::find(sample.series.labels, m.label);
    bool equal = m.pattern ? base::text::glob_match(m.value, value) : m.value == value;
    if (equal == m.negated) return false;
  }
  return true;
}

// The union of two rows' labels, nothing when they contradict each other.
bool merge(const metric::Labels& a, const metric::Labels& b, metric::Labels& out) {
  out.clear();
  auto x = a.begin(), y = b.begin();
  while (x != a.end() || y != b.end()) {
    if (y == b.end() || (x != a.end() && x->name < y->name)) {
      out.push_back(*x++);
    } else if (x == a.end() || y->name < x->name) {
      out.push_back(*y++);
    } else {
      if (x->value != y->value) return false;
      out.push_back(*x++);
      ++y;
    }
  }
  return true;
}

template <class Combine>
base::Result<Matches> joined(const Matches& left, const Matches& right, Combine combine) {
  if (left.size() * right.size() > most_pairs)
    return base::fail(Errc::exhausted, fmt::format("the condition combines {} with {} series", left.size(), right.size()),
                      "select less with {label=\"value\"}");
  Matches out;
  metric::Labels labels;
  for (const auto& l : left) {
    for (const auto& r : right) {
      double value = 0;
      if (!combine(l.value, r.value, value) || !merge(l.labels, r.labels, labels)) continue;
      if (out.size() == most_rows)
        return base::fail(Errc::exhausted, fmt::format("the condition has more than {} rows", most_rows),
                          "select less with {label=\"value\"}");
      out.push_back({labels, value});
    }
  }
  return out;
}

bool arithmetic(Op op, double l, double r, double& out) {
  switch (op) {
    case Op::add: out = l + r; break;
    case Op::subtract: out = l - r; break;
    case Op::multiply: out = l * r; break;
    default: out = l / r; break;
  }
  return !std::isnan(out);  // 0/0 is no measurement
}

bool compares(Op op, double l, double r) {
  switch (op) {
    case Op::eq: return l == r;
    case Op::ne: return l != r;
    case Op::lt: return l < r;
    case Op::le: return l <= r;
    case Op::gt: return l > r;
    default: return l >= r;
  }
}

std::string key(const metric::Labels& labels) {
  return metric::Series{"", labels}.text();
}

void deduplicate(Matches& rows) {
  std::set<std::string> seen;
  std::erase_if(rows, [&](const Match& row) { return !seen.insert(key(row.labels)).second; });
}

}  // namespace

base::Result<Matches> evaluate_node(Node& node, const Latest& latest, std::int64_t now_ms) {
  switch (node.op) {
    case Op::number: return Matches{{{}, node.number}};
    case Op::time: return Matches{{{}, static_cast<double>(now_ms) / 1000}};
    case Op::select:
    case Op::age: {
      Matches out;
      for (const auto* sample : latest.named(node.metric)) {
        if (!selected(*sample, node.matchers) || std::isnan(sample->value)) continue;
        double age = static_cast<double>(now_ms - sample->timestamp_ms) / 1000;
        out.push_back({sample->series.labels, node.op == Op::age ? age : sample->value});
      }
      return out;
    }
    case Op::absent: {
      for (const auto* sample : latest.named(node.metric))
        if (selected(*sample, node.matchers)) return Matches{};
      Match row;
      for (const auto& m : node.matchers)
        if (!m.pattern && !m.negated) metric::set(row.labels, m.label, m.value);
      row.value = 1;
      return Matches{row};
    }
    case Op::negate: {
      auto rows = WEFT_TRY(evaluate_node(*node.left, latest, now_ms));
      for (auto& row : rows) row.value = -row.value;
      return rows;
    }
    case Op::held: {
      auto rows = WEFT_TRY(evaluate_node(*node.left, latest, now_ms));
      std::map<std::string, std::int64_t> since;
      Matches out;
      for (auto& row : rows) {
        std::string text = key(row.labels);
        auto before = node.since.find(text);
        std::int64_t start = before == node.since.end() ? now_ms : std::min(before->second, now_ms);
        since[text] = start;
        if (static_cast<double>(now_ms - start) >= node.number) out.push_back(std::move(row));
      }
      node.since = std::move(since);
      return out;
    }
    case Op::any: {
      auto left = WEFT_TRY(evaluate_node(*node.left, latest, now_ms));
      auto right = WEFT_TRY(evaluate_node(*node.right, latest, now_ms));
      left.insert(left.end(), std::make_move_iterator(right.begin()), std::make_move_iterator(right.end()));
      deduplicate(left);
      return left;
    }
    default: break;
  }
  // Both sides are always evaluated: a `for` inside must see every tick.
  auto left = WEFT_TRY(evaluate_node(*node.left, latest, now_ms));
  auto right = WEFT_TRY(evaluate_node(*node.right, latest, now_ms));
  if (node.op < Op::eq)
    return joined(left, right, [&](double l, double r, double& out) { return arithmetic(node.op, l, r, out); });
  auto rows = WEFT_TRY(joined(left, right, [&](double l, double r, double& out) {
    out = l;
    return node.op == Op::all || compares(node.op, l, r);
  }));
  deduplicate(rows);
  return rows;
}

}  // namespace monitor::rule
