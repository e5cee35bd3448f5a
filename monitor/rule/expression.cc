#include "monitor/rule/expression.h"

#include <set>

#include "monitor/rule/node.h"

namespace monitor::rule {

Expression::Expression(std::string text, std::unique_ptr<Node> root) : text_(std::move(text)), root_(std::move(root)) {}
Expression::Expression(Expression&&) noexcept = default;
Expression& Expression::operator=(Expression&&) noexcept = default;
Expression::~Expression() = default;

base::Result<Expression> Expression::parse(std::string_view text) {
  return Expression(std::string(text), WEFT_TRY(parse_condition(text)));
}

base::Result<std::vector<Match>> Expression::evaluate(const Latest& latest, std::int64_t now_ms) {
  return evaluate_node(*root_, latest, now_ms);
}

std::vector<std::string> Expression::metrics() const {
  std::set<std::string> names;
  std::vector<const Node*> open{root_.get()};
  while (!open.empty()) {
    const Node* node = open.back();
    open.pop_back();
    if (!node) continue;
    if (!node->metric.empty()) names.insert(node->metric);
    open.push_back(node->left.get());
    open.push_back(node->right.get());
  }
  return {names.begin(), names.end()};
}

}  // namespace monitor::rule
