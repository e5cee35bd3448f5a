// The condition of a rule: a small expression over the latest samples. README.md has the grammar. Used by monitor/rule and
// `weft-sensord check-config`. An Expression belongs to one thread: `for` keeps state between evaluations.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "monitor/metric/sample.h"
#include "monitor/rule/latest.h"

namespace monitor::rule {

// One way in which the condition holds: the labels that its series agree on ({mountpoint="/data"}), and the left-hand value.
struct Match {
  metric::Labels labels;
  double value = 0;
};

struct Node;

class Expression {
 public:
  // Errc::invalid with the column, what was expected, and the text with a caret under the place.
  static base::Result<Expression> parse(std::string_view text);
  Expression(Expression&&) noexcept;
  Expression& operator=(Expression&&) noexcept;
  ~Expression();

  // The rows for which the condition holds at `now_ms`; none: it does not hold. Errc::exhausted when the series to combine are
  // too many (the rule must select less).
  base::Result<std::vector<Match>> evaluate(const Latest& latest, std::int64_t now_ms);

  // Names of the metrics it reads.
  std::vector<std::string> metrics() const;
  const std::string& text() const { return text_; }

 private:
  Expression(std::string text, std::unique_ptr<Node> root);
  std::string text_;
  std::unique_ptr<Node> root_;
};

}  // namespace monitor::rule
