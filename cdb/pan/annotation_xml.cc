#include "cdb/pan/annotation_xml.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "cdb/pan/annotation.h"
#include "cdb/pan/heap.h"
#include "cdb/pan/java/java.h"
#include "cdb/pan/lexer.h"
#include "cdb/pan/path.h"
#include "cdb/pan/stack_guard.h"
#include "cdb/pan/value.h"

namespace cdb::pan {

namespace {

// Line and column as the reference counts them: columns are UTF-16 units.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text), starts_{0} {
    for (std::size_t i = 0; i < text.size(); ++i)
      if (text[i] == '\n' || (text[i] == '\r' && !text.substr(i + 1).starts_with('\n'))) starts_.push_back(i + 1);
  }

  std::string range(Span span) const {
    return position(span.begin) + "-" + position(span.end > span.begin ? span.end - 1 : span.begin);
  }

 private:
  std::string position(std::size_t offset) const {
    const auto line = std::prev(std::upper_bound(starts_.begin(), starts_.end(), offset));
    return fmt::format("{}.{}", line - starts_.begin() + 1, java::utf16_length(text_.substr(*line, offset - *line)) + 1);
  }

  std::string_view text_;
  std::vector<std::size_t> starts_;
};

std::string attribute_text(std::string_view value) {
  std::string out;
  for (const char c : java::xml_text(value)) {
    if (c == '"')
      out += "&quot;";
    else if (c == '\t' || c == '\n')
      out += fmt::format("&#{};", static_cast<int>(c));
    else
      out += c;
  }
  return out;
}

class Writer {
 public:
  explicit Writer(std::string_view source) : source_(source), tokens_(tokenize(source)), lines_(source) {}

  std::string write() {
    const std::size_t first = at_;
    const char* kind = "ORDINARY";
    switch (peek().kind) {
      case Lex::object: kind = "OBJECT"; break;
      case Lex::structure: kind = "STRUCTURE"; break;
      case Lex::declaration: kind = "DECLARATION"; break;
      case Lex::unique: kind = "UNIQUE"; break;
      default: break;
    }
    if (!is(Lex::template_)) next();
    next();
    const std::string_view name = next().text;
    next();
    open("template",
         fmt::format(" xmlns=\"http://quattor.org/pan/annotations\"{}{} type=\"{}\"", name_attribute(name), range_from(first),
                     kind),
         &tokens_.list[first]);
    while (!is(Lex::end)) statement();
    close("template");
    return std::move(out_);
  }

 private:
  const Token& token(std::size_t i) const { return tokens_.list[std::min(i, tokens_.list.size() - 1)]; }
  const Token& peek() const { return token(at_); }
  bool is(Lex kind) const { return peek().kind == kind; }
  const Token& next() { return at_ + 1 < tokens_.list.size() ? tokens_.list[at_++] : tokens_.list[at_]; }
  bool accept(Lex kind) {
    if (!is(kind)) return false;
    next();
    return true;
  }

  // ---- XML

  std::string name_attribute(std::string_view name) const { return fmt::format(" name=\"{}\"", attribute_text(name)); }
  std::string range_from(std::size_t first) const {
    return fmt::format(" source-range=\"{}\"",
                       lines_.range({token(first).span.begin, token(at_ > first ? at_ - 1 : first).span.end}));
  }

  void open(std::string_view element, std::string_view attributes, const Token* annotated) {
    end_start_tag();
    out_ += fmt::format("{}<{}{}", std::string(depth_ * 4, ' '), element, attributes);
    start_tag_open_ = true;
    ++depth_;
    if (annotated != nullptr) annotations(*annotated);
  }
  void close(std::string_view element) {
    --depth_;
    if (start_tag_open_)
      out_ += "/>\n";
    else
      out_ += fmt::format("{}</{}>\n", std::string(depth_ * 4, ' '), element);
    start_tag_open_ = false;
  }
  void end_start_tag() {
    if (start_tag_open_) out_ += ">\n";
    start_tag_open_ = false;
  }

  // What an element holds, written before its start tag: the range in the tag ends behind it.
  template <class Body>
  std::string aside(Body body) {
    end_start_tag();
    std::string before = std::exchange(out_, {});
    ++depth_;
    body();
    --depth_;
    return std::exchange(out_, std::move(before));
  }
  void put(const std::string& inside) {
    if (inside.empty()) return;
    end_start_tag();
    out_ += inside;
  }

  // Those between a token and the token before it, the nearest first.
  void annotations(const Token& token) {
    const auto& all = tokens_.annotations;
    const std::uint32_t before = &token == tokens_.list.data() ? 0 : (&token)[-1].span.end;
    auto last = std::lower_bound(all.begin(), all.end(), token.span.begin,
                                 [](const Annotation& a, std::uint32_t offset) { return a.span.begin < offset; });
    for (; last != all.begin() && std::prev(last)->span.begin >= before; --last) {
      const Span span = std::prev(last)->span;
      const auto annotation = parse_annotation(source_.substr(span.begin, span.end - span.begin));
      if (!annotation) continue;
      if (!annotation->name.empty()) open(annotation->name, "", nullptr);
      end_start_tag();
      for (const auto& [key, value] : annotation->entries) {
        out_ += fmt::format("{}<{}", std::string(depth_ * 4, ' '), key);
        out_ += value.empty() ? "/>\n" : fmt::format(">{}</{}>\n", java::xml_text(value), key);
      }
      if (!annotation->name.empty()) close(annotation->name);
    }
  }

  // ---- statements

  void statement() {
    const std::size_t first = at_;
    switch (peek().kind) {
      case Lex::bind:
        next();
        next();
        next();
        full_type();
        break;
      case Lex::type: {
        next();
        const std::string_view name = next().text;
        next();
        named("type", name, first, [&] { full_type(); });
        return;
      }
      case Lex::function:
      case Lex::variable:
      case Lex::final: {
        accept(Lex::final);
        const Lex word = next().kind;
        if (word != Lex::function && word != Lex::variable) break;
        const std::string_view name = next().text;
        named(word == Lex::function ? "function" : "variable", name, first, [&] { skip_statement(); });
        return;
      }
      default: break;
    }
    skip_statement();
    accept(Lex::semicolon);
  }

  template <class Body>
  void named(std::string_view element, std::string_view name, std::size_t first, Body body) {
    const std::string inside = aside([&] {
      body();
      skip_statement();
      accept(Lex::semicolon);
    });
    open(element, name_attribute(name) + range_from(first), &tokens_.list[first]);
    put(inside);
    close(element);
  }

  void skip_statement() {
    while (!is(Lex::semicolon) && !is(Lex::end)) skip_balanced();
  }

  // ---- types

  void full_type() {
    StackGuard::check();
    base_type();
    while (is(Lex::lbracket) || is(Lex::lbrace) || is(Lex::asterisk)) skip_balanced();
    if (accept(Lex::assign)) default_value();
    if (accept(Lex::with)) skip_dml();
  }

  // Only a default that is one literal is shown.
  void default_value() {
    const std::size_t first = at_;
    skip_dml();
    if (at_ != first + 1) return;
    const Token& token = tokens_.list[first];
    std::string text(token.text);
    switch (token.kind) {
      case Lex::string:
      case Lex::heredoc:
      case Lex::true_:
      case Lex::false_: break;
      case Lex::decimal:
      case Lex::hexadecimal:
      case Lex::octal: text = std::to_string(java::decode_long(token.text).value_or(0)); break;
      case Lex::real: text = java::double_text(java::parse_double(token.text).value_or(0)); break;
      default: return;
    }
    open("default", fmt::format("{} text=\"{}\"", range_from(first), attribute_text(text)), nullptr);
    close("default");
  }

  void base_type() {
    const std::size_t first = at_;
    if (is(Lex::choice) || is(Lex::identifier)) {
      const Token& word = next();
      std::string range;
      if (is(Lex::lparen)) {
        if (word.kind == Lex::identifier) range = range_attribute();
        skip_balanced();
      }
      open("basetype", fmt::format("{}{} extensible=\"false\"{}", name_attribute(word.text), range_from(first), range), nullptr);
      close("basetype");
      return;
    }
    const bool extensible = accept(Lex::extensible);
    const std::string inside = aside([&] {
      next();
      while (!is(Lex::rbrace) && !is(Lex::end)) field();
      next();
    });
    std::string range;
    if (is(Lex::lparen)) {
      range = range_attribute();
      skip_balanced();
    }
    open("basetype", fmt::format("{} extensible=\"{}\"{}", range_from(first), extensible, range), nullptr);
    put(inside);
    close("basetype");
  }

  void field() {
    if (accept(Lex::include)) {
      const std::size_t first = at_;
      const std::string_view name = next().text;
      open("include", name_attribute(name) + range_from(first), nullptr);
      close("include");
      return;
    }
    const std::size_t first = at_;
    const Token& name = next();
    const std::string place = range_from(first);
    const bool required = next().kind == Lex::colon;
    const Path path = parse_path(name.text);
    const std::string key = path.terms.size() == 1 && path.terms[0].is_key() ? std::string(path.terms[0].key.as_string()) : "";
    open("field", fmt::format("{}{} required=\"{}\"", name_attribute(key), place, required), &name);
    full_type();
    close("field");
  }

  // " range=..." of the range in the brackets that begin here.
  std::string range_attribute() const {
    std::size_t i = at_ + 1;
    auto bound = [&](std::string_view absent) {
      std::string text;
      if (token(i).kind == Lex::minus) text = "-", ++i;
      const Lex kind = token(i).kind;
      if (kind != Lex::decimal && kind != Lex::hexadecimal && kind != Lex::octal) return std::string(absent);
      text += token(i++).text;
      return std::to_string(java::decode_long(text).value_or(0));
    };
    if (token(i).kind == Lex::rparen) return {};
    const std::string low = bound("0");
    if (token(i).kind != Lex::range) return fmt::format(" range=\"{}..{}\"", low, low);
    ++i;
    return fmt::format(" range=\"{}..{}\"", low, bound(""));
  }

  // ---- expressions

  // One token, or a bracket with all it holds.
  void skip_balanced() {
    int depth = 0;
    do {
      const Lex kind = next().kind;
      depth += kind == Lex::lparen || kind == Lex::lbracket || kind == Lex::lbrace;
      depth -= kind == Lex::rparen || kind == Lex::rbracket || kind == Lex::rbrace;
    } while (depth > 0 && !is(Lex::end));
  }

  void skip_dml() {
    StackGuard::check();
    if (is(Lex::lbrace)) return skip_balanced();
    if (is(Lex::if_) || is(Lex::while_) || is(Lex::for_) || is(Lex::foreach)) {
      const bool branch = next().kind == Lex::if_;
      skip_balanced();
      skip_dml();
      if (branch && accept(Lex::else_)) skip_dml();
      return;
    }
    while (true) {
      while (is(Lex::plus) || is(Lex::minus) || is(Lex::not_) || is(Lex::tilde)) next();
      skip_balanced();
      while (is(Lex::lbracket) || is(Lex::lparen)) skip_balanced();
      switch (peek().kind) {
        case Lex::assign: next(); return skip_dml();
        case Lex::plus:
        case Lex::minus:
        case Lex::asterisk:
        case Lex::slash:
        case Lex::percent:
        case Lex::or_:
        case Lex::and_:
        case Lex::pipe:
        case Lex::caret:
        case Lex::ampersand:
        case Lex::equal:
        case Lex::not_equal:
        case Lex::greater:
        case Lex::less:
        case Lex::greater_equal:
        case Lex::less_equal: next(); break;
        default: return;
      }
    }
  }

  std::string_view source_;
  Tokens tokens_;
  Lines lines_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  bool start_tag_open_ = false;
  std::string out_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
};

}  // namespace

std::string annotation_xml(std::string_view source) {
  Heap heap;
  HeapScope scope(heap);
  return Writer(source).write();
}

}  // namespace cdb::pan
