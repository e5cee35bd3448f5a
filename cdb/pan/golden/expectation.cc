#include "cdb/pan/golden/expectation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/profile/json.h"
#include "base/text/text.h"
#include "cdb/pan/syntax/line_index.h"
#include "cdb/pan/syntax/tree.h"

namespace cdb::pan::golden {

namespace {

using base::profile::Value;
using base::text::trim;

constexpr std::string_view kForms = "compiles, PATH = VALUE, PATH exists, PATH absent, PATH is TYPE, PATH length N, PATH ~ REGEX";

struct Mistake {
  std::string message, hint;
};

std::string_view take_word(std::string_view& text) {
  text = trim(text);
  const std::string_view word = text.substr(0, std::min(text.find_first_of(" \t"), text.size()));
  text = trim(text.substr(word.size()));
  return word;
}

// Up to the first blank outside of braces.
std::string_view take_path(std::string_view& text) {
  std::size_t end = 0;
  for (int braces = 0; end < text.size() && (braces > 0 || (text[end] != ' ' && text[end] != '\t')); ++end)
    braces += text[end] == '{' ? 1 : text[end] == '}' && braces > 0 ? -1 : 0;
  const std::string_view path = text.substr(0, end);
  text = trim(text.substr(end));
  return path;
}

base::Result<Value> value_of(std::string_view text) {
  if (text.size() >= 2 && text.front() == '\'' && text.back() == '\'') {
    std::string out(text.substr(1, text.size() - 2));
    for (std::size_t at = 0; (at = out.find("''", at)) != std::string::npos; ++at) out.erase(at, 1);
    return Value(std::move(out));
  }
  // In a list of its own: one rule for all JSON values.
  auto list = WEFT_TRY(base::profile::parse_json(fmt::format("[{}]", text)));
  if (list.list() == nullptr || list.list()->size() != 1) return base::fail(base::Errc::invalid, "not one value");
  return list.list()->front();
}

int number_in(std::string_view text) {
  int out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && out > 0 ? out : 0;
}

std::optional<Mistake> pattern_into(Expectation& out, std::string_view text) {
  if (text.empty()) return Mistake{"a regular expression is missing", {}};
  auto pattern = java::Regex::compile(text);
  if (!pattern) return Mistake{fmt::format("the regular expression is wrong: {}", pattern.error().message), pattern.error().hint};
  out.pattern = std::move(*pattern);
  return std::nullopt;
}

std::optional<Mistake> about_path(Expectation& out, std::string_view text) {
  using Kind = Expectation::Kind;
  const std::string_view written = take_path(text);
  auto path = base::profile::Path::parse(written);
  if (!path) return Mistake{fmt::format("'{}' is not a path: {}", written, path.error().message), {}};
  out.path = std::move(*path);
  const std::string_view word = take_word(text);
  if (word == "=") {
    auto value = value_of(text);
    if (!value) return Mistake{fmt::format("'{}' is not a value", text), R"(write JSON: 5, 1.5, true, "text", [1, 2], {"a": 1})"};
    out.kind = Kind::equal;
    out.value = std::move(*value);
    return std::nullopt;
  }
  if (word == "~") {
    out.kind = Kind::matches;
    return pattern_into(out, text);
  }
  if (word == "exists" || word == "absent") {
    out.kind = word == "exists" ? Kind::exists : Kind::absent;
    return text.empty() ? std::nullopt : std::optional(Mistake{fmt::format("'{}' is too much", text), {}});
  }
  if (word == "is") {
    static const std::vector<std::string> types{"long", "double", "string", "boolean", "list", "dict"};
    out.kind = Kind::type;
    out.type = text == "nlist" ? "dict" : text;
    if (std::find(types.begin(), types.end(), out.type) == types.end())
      return Mistake{fmt::format("'{}' is not a type{}", text, base::text::did_you_mean_suffix(text, types)),
                     "one of " + base::text::join(types, ", ")};
    return std::nullopt;
  }
  if (word == "length") {
    const auto length = value_of(text);
    out.kind = Kind::length;
    if (!length || !length->is_integer() || *length->integer() < 0) return Mistake{fmt::format("'{}' is not a length", text), {}};
    out.value = *length;
    return std::nullopt;
  }
  static const std::vector<std::string> words{"=", "~", "exists", "absent", "is", "length"};
  return Mistake{fmt::format("'{}' says nothing about a path{}", word, base::text::did_you_mean_suffix(word, words)),
                 fmt::format("the forms are: {}", kForms)};
}

std::optional<Mistake> about_error(Expectation& out, std::string_view where, std::string_view text) {
  out.kind = Expectation::Kind::error;
  if (!where.empty()) {
    const std::size_t colon = where.rfind(':');
    out.error_line = number_in(colon == std::string_view::npos ? where : where.substr(colon + 1));
    if (colon != std::string_view::npos) out.file = where.substr(0, colon);
    if (out.error_line == 0) return Mistake{fmt::format("'{}' is not a place", where), "write: at LINE, or: at FILE:LINE"};
  }
  return pattern_into(out, text);
}

// nullopt: an ordinary comment.
std::optional<Mistake> parse(std::string_view comment, Expectation& out, bool& is_one) {
  std::string_view text = trim(comment.substr(std::min(comment.find_first_not_of('#'), comment.size())));
  out.text = text;
  is_one = false;
  if (!text.starts_with("expect")) return std::nullopt;
  const std::size_t word_end = std::min(text.find_first_of(": \t"), text.size());
  const std::string_view word = text.substr(0, word_end);
  std::string_view rest = trim(text.substr(word_end));
  std::string_view where;
  if (rest.starts_with("at ")) {
    rest = trim(rest.substr(3));
    // The colon that ends the place is followed by a blank; that in FILE:LINE is not.
    const std::size_t end = std::min(rest.find(": "), rest.size());
    where = trim(rest.substr(0, end));
    rest = rest.substr(end);
  }
  if (!rest.starts_with(':')) return std::nullopt;  // "expect the worst"
  rest = trim(rest.substr(1));
  is_one = true;
  if (word == "expect-error") return about_error(out, where, rest);
  if (word != "expect") {
    static const std::vector<std::string> words{"expect", "expect-error"};
    return Mistake{fmt::format("'{}' is no expectation{}", word, base::text::did_you_mean_suffix(word, words)),
                   "write: # expect: ..., or: # expect-error: ..."};
  }
  if (!where.empty()) return Mistake{"only errors have a place", "write: # expect-error at LINE: REGEX"};
  if (rest == "compiles") return std::nullopt;
  if (!rest.starts_with('/'))
    return Mistake{fmt::format("'{}' is no expectation", rest), fmt::format("the forms are: {}", kForms)};
  return about_path(out, rest);
}

}  // namespace

bool Expectations::of_failure() const {
  return std::any_of(list.begin(), list.end(), [](const Expectation& e) { return e.kind == Expectation::Kind::error; });
}

Expectations expectations_in(std::string_view text) {
  Expectations out;
  const auto tree = syntax::Tree::parse(std::string(text));
  const syntax::LineIndex lines(tree.text());
  for (syntax::TokenId token = 0; token < tree.tokens().size(); ++token) {
    for (const syntax::Trivia& trivia : tree.trivia_before(token)) {
      if (trivia.kind != syntax::Trivia::Kind::comment) continue;
      Expectation expectation;
      bool is_one = false;
      auto mistake = parse(tree.text_of_trivia(trivia), expectation, is_one);
      if (!is_one) continue;
      expectation.line = static_cast<int>(lines.line_of(trivia.begin)) + 1;
      if (mistake)
        out.mistakes.push_back({expectation.line, std::move(mistake->message), std::move(mistake->hint)});
      else
        out.list.push_back(std::move(expectation));
    }
  }
  if (out.of_failure()) {
    for (const Expectation& e : out.list)
      if (e.kind != Expectation::Kind::error)
        out.mistakes.push_back({e.line, "a template that must fail has no profile to look at",
                                "keep either expect-error or the other expectations, or make two tests"});
  }
  return out;
}

}  // namespace cdb::pan::golden
