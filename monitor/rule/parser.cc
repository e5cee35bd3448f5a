// Text to tree. Precedence, weakest first: or, and, for, comparison, + -, * /, sign.
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "base/text/text.h"
#include "monitor/rule/node.h"

namespace monitor::rule {
namespace {

using base::Errc;
using NodeResult = base::Result<std::unique_ptr<Node>>;

constexpr std::size_t longest_text = 4096;
constexpr int deepest = 64;

struct Token {
  enum class Kind { end, word, number, string, symbol } kind = Kind::end;
  std::string text;  // unescaped for strings
  double number = 0;
  std::size_t at = 0;
};

bool word_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
}
bool digit(char c) {
  return c >= '0' && c <= '9';
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  NodeResult condition() {
    if (text_.size() > longest_text)
      return base::fail(Errc::invalid, fmt::format("the condition is longer than {} bytes", longest_text));
    WEFT_TRY(advance());
    auto node = WEFT_TRY(any());
    if (token_.kind != Token::Kind::end) return wrong("end of the condition, 'and', 'or' or 'for'");
    if (!node->is_condition()) return error(0, "this is a number, not a condition", "compare it with something: ... > 5");
    return node;
  }

 private:
  tl::unexpected<base::Error> error(std::size_t at, std::string_view what, std::string hint = {}) const {
    return base::fail(Errc::invalid, fmt::format("column {}: {}\n  {}\n  {}^", at + 1, what, text_, std::string(at, ' ')),
                      std::move(hint));
  }
  tl::unexpected<base::Error> wrong(std::string_view expected) const {
    std::string found =
        token_.kind == Token::Kind::end ? "the end" : "'" + std::string(text_.substr(token_.at, next_ - token_.at)) + "'";
    return error(token_.at, fmt::format("expected {}, found {}", expected, found));
  }

  base::Result<> advance() {
    while (next_ < text_.size() && (text_[next_] == ' ' || text_[next_] == '\t' || text_[next_] == '\n')) ++next_;
    token_ = {};
    token_.at = next_;
    if (next_ == text_.size()) return {};
    char c = text_[next_];
    if (word_start(c)) {
      token_.kind = Token::Kind::word;
      while (next_ < text_.size() && (word_start(text_[next_]) || digit(text_[next_]))) token_.text += text_[next_++];
      return {};
    }
    if (digit(c) || (c == '.' && next_ + 1 < text_.size() && digit(text_[next_ + 1]))) {
      token_.kind = Token::Kind::number;
      auto [end, failed] = std::from_chars(text_.data() + next_, text_.data() + text_.size(), token_.number);
      if (failed != std::errc()) return error(next_, "this number is out of range");
      next_ = static_cast<std::size_t>(end - text_.data());
      return {};
    }
    if (c == '"') return quoted();
    token_.kind = Token::Kind::symbol;
    for (std::string_view two : {"==", "!=", "<=", ">=", "!~"}) {
      if (text_.substr(next_).starts_with(two)) {
        token_.text = two;
        next_ += 2;
        return {};
      }
    }
    if (std::string_view("()+-*/<>{},=~").find(c) == std::string_view::npos) {
      std::size_t at = next_++;
      return error(at, fmt::format("'{}' has no meaning here", static_cast<unsigned char>(c) < 0x80 ? std::string(1, c) : "?"));
    }
    token_.text = c;
    ++next_;
    return {};
  }

  base::Result<> quoted() {
    token_.kind = Token::Kind::string;
    for (++next_; next_ < text_.size(); ++next_) {
      char c = text_[next_];
      if (c == '"') {
        ++next_;
        return {};
      }
      if (c == '\\' && ++next_ < text_.size()) c = text_[next_];
      token_.text += c;
    }
    return error(token_.at, "this string is not closed");
  }

  bool is(std::string_view symbol) const { return token_.kind == Token::Kind::symbol && token_.text == symbol; }
  bool is_word(std::string_view word) const { return token_.kind == Token::Kind::word && token_.text == word; }
  base::Result<> expect(std::string_view symbol) {
    if (!is(symbol)) return wrong(fmt::format("'{}'", symbol));
    return advance();
  }

  static std::unique_ptr<Node> join(Op op, std::unique_ptr<Node> left, std::unique_ptr<Node> right = nullptr) {
    auto node = std::make_unique<Node>();
    node->op = op;
    node->left = std::move(left);
    node->right = std::move(right);
    return node;
  }
  base::Result<> need(const Node& node, bool condition, std::size_t at) const {
    if (node.is_condition() == condition) return {};
    return condition ? error(at, "this is a number, a condition is needed")
                     : error(at, "this is a condition, a number is needed");
  }

  NodeResult any() {
    if (++depth_ > deepest) return error(token_.at, "the condition is nested too deeply");
    std::size_t at = token_.at;
    auto left = WEFT_TRY(all());
    while (is_word("or")) {
      WEFT_TRY(need(*left, true, at));
      WEFT_TRY(advance());
      std::size_t right_at = token_.at;
      auto right = WEFT_TRY(all());
      WEFT_TRY(need(*right, true, right_at));
      left = join(Op::any, std::move(left), std::move(right));
    }
    --depth_;
    return left;
  }

  NodeResult all() {
    std::size_t at = token_.at;
    auto left = WEFT_TRY(held());
    while (is_word("and")) {
      WEFT_TRY(need(*left, true, at));
      WEFT_TRY(advance());
      std::size_t right_at = token_.at;
      auto right = WEFT_TRY(held());
      WEFT_TRY(need(*right, true, right_at));
      left = join(Op::all, std::move(left), std::move(right));
    }
    return left;
  }

  NodeResult held() {
    std::size_t at = token_.at;
    auto node = WEFT_TRY(comparison());
    while (is_word("for")) {
      WEFT_TRY(need(*node, true, at));
      // The duration is read as plain text: "5m" would be a number and a word.
      std::size_t begin = text_.find_first_not_of(" \t\n", next_);
      std::size_t end = begin;
      while (end < text_.size() && (word_start(text_[end]) || digit(text_[end]))) ++end;
      if (begin == std::string_view::npos || begin == end)
        return error(next_, "expected a duration behind 'for': 30s, 5m, 1h30m");
      auto duration = base::text::parse_duration(text_.substr(begin, end - begin));
      if (!duration || duration->count() <= 0 || duration->count() > 30 * 86400)
        return error(begin, "not a duration from 1s to 30d", "write it like 30s, 5m, 2h or 1h30m");
      node = join(Op::held, std::move(node));
      node->number = static_cast<double>(duration->count()) * 1000;
      next_ = end;
      WEFT_TRY(advance());
    }
    return node;
  }

  NodeResult comparison() {
    std::size_t at = token_.at;
    auto left = WEFT_TRY(sum());
    static constexpr std::pair<std::string_view, Op> ops[] = {{"==", Op::eq}, {"!=", Op::ne}, {"<", Op::lt},
                                                              {"<=", Op::le}, {">", Op::gt},  {">=", Op::ge}};
    for (const auto& [symbol, op] : ops) {
      if (!is(symbol)) continue;
      WEFT_TRY(need(*left, false, at));
      WEFT_TRY(advance());
      std::size_t right_at = token_.at;
      auto right = WEFT_TRY(sum());
      WEFT_TRY(need(*right, false, right_at));
      return join(op, std::move(left), std::move(right));
    }
    if (is("=")) return error(token_.at, "'=' compares labels only", "compare numbers with '=='");
    return left;
  }

  NodeResult sum() {
    std::size_t at = token_.at;
    auto left = WEFT_TRY(product());
    while (is("+") || is("-")) {
      Op op = is("+") ? Op::add : Op::subtract;
      WEFT_TRY(need(*left, false, at));
      WEFT_TRY(advance());
      std::size_t right_at = token_.at;
      auto right = WEFT_TRY(product());
      WEFT_TRY(need(*right, false, right_at));
      left = join(op, std::move(left), std::move(right));
    }
    return left;
  }

  NodeResult product() {
    std::size_t at = token_.at;
    auto left = WEFT_TRY(factor());
    while (is("*") || is("/")) {
      Op op = is("*") ? Op::multiply : Op::divide;
      WEFT_TRY(need(*left, false, at));
      WEFT_TRY(advance());
      std::size_t right_at = token_.at;
      auto right = WEFT_TRY(factor());
      WEFT_TRY(need(*right, false, right_at));
      left = join(op, std::move(left), std::move(right));
    }
    return left;
  }

  NodeResult factor() {
    if (token_.kind == Token::Kind::number) {
      auto node = join(Op::number, nullptr);
      node->number = token_.number;
      WEFT_TRY(advance());
      return node;
    }
    if (is("-")) {
      if (++depth_ > deepest) return error(token_.at, "the condition is nested too deeply");
      WEFT_TRY(advance());
      std::size_t at = token_.at;
      auto inner = WEFT_TRY(factor());
      WEFT_TRY(need(*inner, false, at));
      --depth_;
      return join(Op::negate, std::move(inner));
    }
    if (is("(")) {
      WEFT_TRY(advance());
      auto inner = WEFT_TRY(any());
      WEFT_TRY(expect(")"));
      return inner;
    }
    if (token_.kind != Token::Kind::word || is_word("and") || is_word("or") || is_word("for"))
      return wrong("a metric, a number or '('");
    std::string word = token_.text;
    WEFT_TRY(advance());
    if (!is("(")) return selector(std::move(word), Op::select);
    WEFT_TRY(advance());
    if (word == "time") {
      WEFT_TRY(expect(")"));
      return join(Op::time, nullptr);
    }
    if (word != "age" && word != "absent")
      return error(token_.at, fmt::format("there is no function {}", word),
                   "the functions are absent(metric), age(metric) and time()");
    if (token_.kind != Token::Kind::word) return wrong("a metric");
    std::string metric = token_.text;
    WEFT_TRY(advance());
    auto node = WEFT_TRY(selector(std::move(metric), word == "age" ? Op::age : Op::absent));
    WEFT_TRY(expect(")"));
    return node;
  }

  NodeResult selector(std::string metric, Op op) {
    auto node = join(op, nullptr);
    node->metric = std::move(metric);
    if (!is("{")) return node;
    WEFT_TRY(advance());
    while (!is("}")) {
      Matcher matcher;
      if (token_.kind != Token::Kind::word || !metric::valid_label_name(token_.text)) return wrong("a label");
      matcher.label = token_.text;
      WEFT_TRY(advance());
      if (!is("=") && !is("!=") && !is("~") && !is("!~")) return wrong("one of = != ~ !~");
      matcher.negated = token_.text[0] == '!';
      matcher.pattern = token_.text.back() == '~';
      WEFT_TRY(advance());
      if (token_.kind != Token::Kind::string) return wrong("a string in double quotes");
      matcher.value = token_.text;
      node->matchers.push_back(std::move(matcher));
      WEFT_TRY(advance());
      if (!is(",")) break;
      WEFT_TRY(advance());
    }
    WEFT_TRY(expect("}"));
    return node;
  }

  std::string_view text_;
  std::size_t next_ = 0;
  Token token_;
  int depth_ = 0;
};

}  // namespace

NodeResult parse_condition(std::string_view text) {
  return Parser(text).condition();
}

}  // namespace monitor::rule
