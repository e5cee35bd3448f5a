// From text to expression, with messages that show the place.
#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "base/profile/path.h"
#include "base/text/text.h"
#include "cdb/select/expression.h"

namespace cdb::select {
namespace {

using base::Errc;
using base::fail;

constexpr std::array<Attribute, 22> table{{
    {"name", "", "node name; without a dot its first part: name=disk*"},
    {"branch", "", "branch that the node follows"},
    {"template", "", "file of its object template"},
    {"role", "/system/role", "what it does"},
    {"cluster", "/system/cluster/name", "cluster"},
    {"state", "/system/state", "production, maintenance, ..."},
    {"rack", "/hardware/sysloc/rack", "rack"},
    {"power_feed", "/hardware/sysloc/power_feed", "power feed"},
    {"unit", "/hardware/sysloc/unit", "unit in the rack"},
    {"room", "/hardware/sysloc/room", "room"},
    {"serial", "/hardware/serialnumber", "serial number"},
    {"ip", "/system/network/primary_ip", "primary address"},
    {"kernel", "/system/kernel/version", "kernel version"},
    {"in_sync", "", "true when the applied root is the desired one"},
    {"outcome", "", "of the last report: ok, failed, partial, noaction, none"},
    {"reboot_needed", "", "true when the last report says so"},
    {"desired_revision", "", "revision that made the desired profile"},
    {"desired_root", "", "hash of the desired profile"},
    {"applied_revision", "", "revision that the node reported as applied"},
    {"applied_root", "", "hash of the profile that the node reported as applied"},
    {"last_seen", "", "when it was last heard of: last_seen<2026-11-25T10:00"},
    {"agent_version", "", "version of the agent that sent the last report"},
}};

// What the words of each closed set may be.
std::vector<std::string> words_of(std::string_view field) {
  if (field == "in_sync" || field == "reboot_needed") return {"true", "false"};
  if (field == "outcome") return {"ok", "failed", "partial", "noaction", "none"};
  return {};
}

struct Token {
  enum class Kind { word, quoted, op, open, close, comma, end } kind = Kind::end;
  std::string text;
  std::size_t at = 0;  // byte
  Op op = Op::equal;
};

bool blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.find_first_of("0123456789") == std::string_view::npos)
    return std::nullopt;
  return value;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  base::Result<std::shared_ptr<const Selection::Impl>> run() {
    if (text_.size() > Selection::max_bytes)
      return fail(Errc::invalid, fmt::format("the selection is longer than {} bytes", Selection::max_bytes),
                  "select by an attribute or a pattern that the nodes share");
    if (!base::text::valid_utf8(text_) || text_.find('\0') != std::string_view::npos)
      return fail(Errc::invalid, "the selection is not text in UTF-8", "send it as UTF-8");
    WEFT_TRY(next());
    if (token_.kind == Token::Kind::end)
      return fail(Errc::invalid, "the selection is empty; that never means all nodes",
                  "for example: role=disk and rack=R1*; all nodes are name=*");
    impl_.root = WEFT_TRY(either());
    if (token_.kind != Token::Kind::end) {
      return wrong(
          token_.at, fmt::format("expected 'and', 'or' or the end, found {}", shown()),
          token_.kind == Token::Kind::close ? "there is no ( for it" : "join comparisons with and, or: role=disk and rack=R1");
    }
    return std::make_shared<const Selection::Impl>(std::move(impl_));
  }

 private:
  base::Result<> next() {
    while (place_ < text_.size() && blank(text_[place_])) ++place_;
    token_ = {Token::Kind::end, {}, place_, Op::equal};
    if (place_ == text_.size()) return {};
    const char c = text_[place_];
    const auto single = [&](Token::Kind kind) {
      token_.kind = kind;
      token_.text = c;
      ++place_;
    };
    if (c == '(') {
      single(Token::Kind::open);
    } else if (c == ')') {
      single(Token::Kind::close);
    } else if (c == ',') {
      single(Token::Kind::comma);
    } else if (c == '"' || c == '\'') {
      return quoted(c);
    } else if (std::string_view("=!<>~").find(c) != std::string_view::npos) {
      return symbol();
    } else {
      const auto begin = place_;
      while (place_ < text_.size() && !blank(text_[place_]) &&
             std::string_view("()',\"=!<>~").find(text_[place_]) == std::string_view::npos)
        ++place_;
      token_.kind = Token::Kind::word;
      token_.text = text_.substr(begin, place_ - begin);
    }
    return {};
  }

  base::Result<> quoted(char quote) {
    const auto begin = place_++;
    token_.kind = Token::Kind::quoted;
    for (; place_ < text_.size(); ++place_) {
      if (text_[place_] == quote) {
        ++place_;
        return {};
      }
      // Only the quote and the backslash itself are escaped, so that regular expressions stay readable.
      if (text_[place_] == '\\' && place_ + 1 < text_.size() && (text_[place_ + 1] == quote || text_[place_ + 1] == '\\'))
        ++place_;
      token_.text += text_[place_];
    }
    return wrong(begin, fmt::format("the text that begins with {} does not end", quote), fmt::format("close it with {}", quote));
  }

  base::Result<> symbol() {
    static constexpr std::array<std::pair<std::string_view, Op>, 9> symbols{{{"==", Op::equal},
                                                                             {"!=", Op::unequal},
                                                                             {"<=", Op::less_equal},
                                                                             {">=", Op::greater_equal},
                                                                             {"!~", Op::matches_not},
                                                                             {"=", Op::equal},
                                                                             {"<", Op::less},
                                                                             {">", Op::greater},
                                                                             {"~", Op::matches}}};
    const auto begin = place_;
    while (place_ < text_.size() && std::string_view("=!<>~").find(text_[place_]) != std::string_view::npos) ++place_;
    const auto text = text_.substr(begin, place_ - begin);
    for (const auto& [spelling, op] : symbols) {
      if (text != spelling) continue;
      token_ = {Token::Kind::op, std::string(text), begin, op};
      return {};
    }
    return wrong(begin, fmt::format("'{}' is no operator", text.substr(0, 8)), operators);
  }

  bool keyword(std::string_view word) const { return token_.kind == Token::Kind::word && lower(token_.text) == word; }

  base::Result<std::size_t> either() { return chain("or", Node::Kind::either, &Parser::both); }
  base::Result<std::size_t> both() { return chain("and", Node::Kind::both, &Parser::unary); }

  base::Result<std::size_t> chain(std::string_view word, Node::Kind kind, base::Result<std::size_t> (Parser::*part)()) {
    Node node;
    node.kind = kind;
    node.children.push_back(WEFT_TRY((this->*part)()));
    while (keyword(word)) {
      WEFT_TRY(next());
      node.children.push_back(WEFT_TRY((this->*part)()));
    }
    return node.children.size() == 1 ? node.children.front() : add(std::move(node));
  }

  base::Result<std::size_t> unary() {
    if (depth_ == Selection::max_depth)
      return wrong(token_.at, fmt::format("more than {} levels of parentheses and not", Selection::max_depth),
                   "write it flatter");
    ++depth_;
    auto out = unary_inside();
    --depth_;
    return out;
  }

  base::Result<std::size_t> unary_inside() {
    if (keyword("not")) {
      WEFT_TRY(next());
      Node node;
      node.kind = Node::Kind::negation;
      node.children.push_back(WEFT_TRY(unary()));
      return add(std::move(node));
    }
    if (token_.kind == Token::Kind::open) {
      const auto begin = token_.at;
      WEFT_TRY(next());
      const auto inside = WEFT_TRY(either());
      if (token_.kind == Token::Kind::end) return wrong(begin, "this ( is never closed", "add ) at its end");
      if (token_.kind != Token::Kind::close)
        return wrong(token_.at, fmt::format("expected 'and', 'or' or ')', found {}", shown()), "join comparisons with and, or");
      WEFT_TRY(next());
      return inside;
    }
    return comparison();
  }

  base::Result<std::size_t> comparison() {
    if (token_.kind != Token::Kind::word || keyword("and") || keyword("or") || keyword("in"))
      return wrong(token_.at, fmt::format("expected an attribute or a path, found {}", shown()),
                   "for example: role=disk, /system/kernel/version<6.1");
    const auto field = token_;
    Node node;
    node.field = WEFT_TRY(field_of(field));
    WEFT_TRY(next());
    const bool negated = keyword("not");
    if (negated) WEFT_TRY(next());
    if (keyword("in")) {
      node.op = negated ? Op::not_in : Op::in;
      WEFT_TRY(next());
      WEFT_TRY(list(node));
    } else if (token_.kind == Token::Kind::op && !negated) {
      node.op = token_.op;
      WEFT_TRY(next());
      node.values.push_back(WEFT_TRY(value(node)));
    } else {
      return wrong(token_.at, fmt::format("expected an operator after {}, found {}", field.text, shown()), operators);
    }
    return add(std::move(node));
  }

  base::Result<> list(Node& node) {
    if (token_.kind != Token::Kind::open)
      return wrong(token_.at, fmt::format("expected ( after in, found {}", shown()), in_example);
    const auto begin = token_.at;
    do {
      WEFT_TRY(next());
      node.values.push_back(WEFT_TRY(value(node)));
    } while (token_.kind == Token::Kind::comma);
    if (token_.kind == Token::Kind::end) return wrong(begin, "this ( is never closed", in_example);
    if (token_.kind != Token::Kind::close)
      return wrong(token_.at, fmt::format("expected , or ) in the list, found {}", shown()), in_example);
    return next();
  }

  base::Result<Literal> value(Node& node) {
    const auto token = token_;
    if (token.kind != Token::Kind::word && token.kind != Token::Kind::quoted)
      return wrong(token.at, fmt::format("expected a value, found {}", shown()),
                   "put it in quotes when it has blanks or signs: rack=\"R 1\"");
    if (++terms_ > Selection::max_terms)
      return wrong(token.at, fmt::format("more than {} values", Selection::max_terms), "select by an attribute or a pattern");
    Literal literal;
    literal.text = token.text;
    literal.number = number_of(token.text);
    const auto& field = impl_.fields[node.field];
    const bool ordered =
        node.op == Op::less || node.op == Op::less_equal || node.op == Op::greater || node.op == Op::greater_equal;
    if (node.op == Op::matches || node.op == Op::matches_not) {
      auto regex = pan::java::Regex::compile(token.text);
      if (!regex)
        return wrong(token.at, "wrong regular expression: " + regex.error().message.substr(0, 200),
                     "put it in quotes; ~ finds it anywhere, ^ and $ are the ends");
      node.regex = std::move(*regex);
    } else if (!ordered) {
      literal.pattern = token.kind == Token::Kind::word && token.text.find_first_of("*?") != std::string::npos;
    }
    const auto words = words_of(field.name);
    if (!field.path && !words.empty() && !node.regex) {
      if (ordered) return wrong(token.at, fmt::format("{} has no order", field.name), "compare it with = or !=");
      if (!literal.pattern && std::find(words.begin(), words.end(), literal.text) == words.end())
        return wrong(token.at,
                     fmt::format("{} is never '{}'{}", field.name, cut(literal.text),
                                 base::text::did_you_mean_suffix(literal.text, words)),
                     "it is one of: " + base::text::join(words, ", "));
    }
    WEFT_TRY(next());
    return literal;
  }

  base::Result<std::size_t> field_of(const Token& token) {
    Field field{token.text.starts_with('/'), token.text};
    if (field.path) {
      if (token.text.find_first_of("*?") != std::string::npos)
        return wrong(token.at, "a path here has no * and ?", "name one value: /system/kernel/version<6.1");
      auto path = base::profile::Path::parse(token.text);
      if (!path || path->parts().empty())
        return wrong(token.at, fmt::format("'{}' is no path of a value", cut(token.text)), "for example /system/kernel/version");
    } else {
      const auto place = std::find_if(table.begin(), table.end(), [&](const auto& a) { return a.name == token.text; });
      if (place == table.end()) {
        std::vector<std::string> names;
        for (const auto& attribute : table) names.emplace_back(attribute.name);
        const auto suffix = base::text::did_you_mean_suffix(lower(token.text), names);
        return wrong(token.at, fmt::format("there is no attribute '{}'{}", cut(token.text), suffix),
                     suffix.empty() ? fmt::format("a node by its name is name={}; a value of the profile is named by its path: "
                                                  "/system/...; attributes: {}",
                                                  cut(token.text), base::text::join(names, " "))
                                    : "attributes are listed in docs/queries.md; a value of the profile is named by its path");
      }
    }
    const auto place = std::find(impl_.fields.begin(), impl_.fields.end(), field);
    if (place != impl_.fields.end()) return static_cast<std::size_t>(place - impl_.fields.begin());
    impl_.fields.push_back(std::move(field));
    return impl_.fields.size() - 1;
  }

  std::size_t add(Node node) {
    impl_.nodes.push_back(std::move(node));
    return impl_.nodes.size() - 1;
  }

  static std::string cut(std::string_view text) {
    if (text.size() <= 60) return std::string(text);
    std::size_t end = 60;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    return std::string(text.substr(0, end)) + "...";
  }

  std::string shown() const {
    if (token_.kind == Token::Kind::end) return "the end";
    return fmt::format("'{}'", cut(token_.text));
  }

  // The part of the line around the place, and a caret below it.
  tl::unexpected<base::Error> wrong(std::size_t at, std::string_view what, std::string_view hint) const {
    const auto character = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
    auto begin = at > 50 ? at - 50 : 0, end = std::min(text_.size(), at + 50);
    while (begin > 0 && !character(text_[begin])) --begin;
    while (end < text_.size() && !character(text_[end])) ++end;
    std::string excerpt(text_.substr(begin, end - begin));
    for (auto& c : excerpt) {
      if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
    }
    const auto before = static_cast<std::size_t>(std::count_if(text_.begin() + static_cast<std::ptrdiff_t>(begin),
                                                               text_.begin() + static_cast<std::ptrdiff_t>(at), character));
    const auto column = 1 + std::count_if(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at), character);
    return fail(Errc::invalid,
                fmt::format("selection, column {}: {}\n  {}\n  {}^", column, what, excerpt, std::string(before, ' ')),
                std::string(hint));
  }

  static constexpr std::string_view operators = "operators: = != < <= > >= ~ !~ in (...), not in (...)";
  static constexpr std::string_view in_example = "for example: role in (disk, proxy)";

  std::string_view text_;
  std::size_t place_ = 0, depth_ = 0, terms_ = 0;
  Token token_;
  Selection::Impl impl_;
};

}  // namespace

std::span<const Attribute> attributes() {
  return table;
}

base::Result<Selection> Selection::parse(std::string_view text) {
  return Selection(WEFT_TRY(Parser(text).run()));
}

}  // namespace cdb::select
