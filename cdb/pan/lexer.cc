#include "cdb/pan/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace cdb::pan {

namespace {

struct Word {
  std::string_view text;
  Lex kind;
};
constexpr std::array kWords = {
    Word{"undef", Lex::undef},
    Word{"null", Lex::null},
    Word{"true", Lex::true_},
    Word{"false", Lex::false_},
    Word{"if", Lex::if_},
    Word{"for", Lex::for_},
    Word{"with", Lex::with},
    Word{"else", Lex::else_},
    Word{"type", Lex::type},
    Word{"bind", Lex::bind},
    Word{"while", Lex::while_},
    Word{"valid", Lex::valid},
    Word{"final", Lex::final},
    Word{"prefix", Lex::prefix},
    Word{"unique", Lex::unique},
    Word{"object", Lex::object},
    Word{"foreach", Lex::foreach},
    Word{"include", Lex::include},
    Word{"template", Lex::template_},
    Word{"function", Lex::function},
    Word{"variable", Lex::variable},
    Word{"structure", Lex::structure},
    Word{"extensible", Lex::extensible},
    Word{"declaration", Lex::declaration},
    Word{"choice", Lex::choice},
};

bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool hex_digit(char c) {
  return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool blank(char c) {
  return c == ' ' || c == '\t' || c == '\f' || c == '\n' || c == '\r';
}
bool key_char(char c) {
  return letter(c) || digit(c) || c == '-' || c == '.';
}

bool valid_annotation_key(std::string_view key) {
  if (key.empty() || digit(key[0]) || key[0] == '-' || key[0] == '.') return false;
  if (key.size() >= 3 && (key[0] | 32) == 'x' && (key[1] | 32) == 'm' && (key[2] | 32) == 'l') return false;
  return std::none_of(key.begin(), key.end(), digit);
}

// An annotation's body is either one description or "key = value" pairs.
bool valid_annotation_body(std::string_view body) {
  std::size_t at = 0;
  auto skip = [&](auto accept) {
    while (at < body.size() && accept(body[at])) ++at;
  };
  skip(blank);
  skip([](char c) { return c != '=' && !blank(c); });
  skip(blank);
  if (at >= body.size() || body[at] != '=') return true;  // a description
  at = 0;
  while (true) {
    skip(blank);
    if (at >= body.size()) return true;
    const std::size_t start = at;
    skip(key_char);
    if (!valid_annotation_key(body.substr(start, at - start))) return false;
    skip([](char c) { return c == ' ' || c == '\t'; });
    if (at >= body.size() || body[at] != '=') return false;
    ++at;
    skip(blank);
    if (at >= body.size()) return false;
    if (body[at] == '\'' || body[at] == '"') {
      const char quote = body[at];
      for (++at;; ++at) {
        if (at >= body.size()) return false;
        if (body[at] != quote) continue;
        if (at + 1 < body.size() && body[at + 1] == quote) {
          ++at;
          continue;
        }
        ++at;
        break;
      }
    } else {
      while (at < body.size() && body[at] != '\n' && body[at] != '\r') {
        at += body[at] == '\\' && at + 1 < body.size() && (body[at + 1] == '\n' || body[at + 1] == '\r') ? 2 : 1;
      }
    }
  }
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  Tokens run(std::size_t most) {
    while (out_.list.size() < most && step()) {
    }
    return std::move(out_);
  }

 private:
  char at(std::size_t i) const { return i < source_.size() ? source_[i] : '\0'; }

  [[noreturn]] void fail(std::size_t begin, std::size_t end, std::string message) const {
    raise(Problem::Kind::parse, std::move(message), {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
  }

  void add(Lex kind, std::size_t end) { add(kind, end, source_.substr(at_, end - at_)); }
  void add(Lex kind, std::size_t end, std::string_view text) {
    out_.list.push_back({kind, {static_cast<std::uint32_t>(at_), static_cast<std::uint32_t>(end)}, text});
    at_ = end;
  }
  std::string_view keep(std::string text) { return out_.texts.emplace_back(std::move(text)); }

  bool step() {
    if (at_ >= source_.size()) {
      if (!markers_.empty())
        fail(markers_.front().begin, markers_.front().end,
             fmt::format("end of file while looking for the end of heredoc '{}'", markers_.front().word));
      out_.list.push_back({Lex::end, {static_cast<std::uint32_t>(at_), static_cast<std::uint32_t>(at_)}, {}});
      return false;
    }
    const char c = source_[at_];
    if (c == ' ' || c == '\t' || c == '\f') {
      ++at_;
    } else if (c == '\n' || c == '\r') {
      at_ += c == '\r' && at(at_ + 1) == '\n' ? 2 : 1;
      if (!markers_.empty()) heredocs();
    } else if (c == '#') {
      while (at_ < source_.size() && source_[at_] != '\n' && source_[at_] != '\r') ++at_;
    } else if (c == '@' && annotation()) {
    } else if (name_next_) {
      template_name();
    } else {
      token(c);
    }
    return true;
  }

  bool annotation() {
    std::size_t i = at_ + 1;
    while (blank(at(i)) && i < source_.size()) ++i;
    const std::size_t name = i;
    while (i < source_.size() && key_char(source_[i])) ++i;
    const std::string_view name_text = source_.substr(name, i - name);
    while (blank(at(i)) && i < source_.size()) ++i;
    const char open = at(i);
    const char close = open == '(' ? ')' : open == '[' ? ']' : open == '{' ? '}' : '\0';
    if (close == '\0') return false;
    const std::size_t end = source_.find(close, i + 1);
    if (end == std::string_view::npos) return false;
    const bool good =
        (name_text.empty() || valid_annotation_key(name_text)) && valid_annotation_body(source_.substr(i + 1, end - i - 1));
    if (!good) fail(at_, end + 1, "this annotation is neither a description nor a list of key=value pairs");
    out_.annotations.push_back({{static_cast<std::uint32_t>(at_), static_cast<std::uint32_t>(end + 1)}});
    at_ = end + 1;
    return true;
  }

  void template_name() {
    name_next_ = false;
    std::size_t end = at_;
    while (end < source_.size() && (key_char(source_[end]) || source_[end] == '+' || source_[end] == '/')) ++end;
    if (end > at_)
      add(Lex::template_name, end);
    else
      token(source_[at_]);
  }

  void token(char c) {
    if (letter(c)) return word();
    if (digit(c)) return number();
    if (c == '\'') return single_quoted();
    if (c == '"') return double_quoted();
    punctuation(c);
  }

  void word() {
    std::size_t end = at_ + 1;
    while (end < source_.size() && (letter(source_[end]) || digit(source_[end]))) ++end;
    const std::string_view text = source_.substr(at_, end - at_);
    Lex kind = Lex::identifier;
    for (const Word& word : kWords)
      if (word.text == text) kind = word.kind;
    if (kind == Lex::template_) name_next_ = true;
    add(kind, end);
  }

  void number() {
    std::size_t digits = at_;
    while (digit(at(digits))) ++digits;
    std::size_t end = digits;
    bool real = false;
    if (at(end) == '.' && digit(at(end + 1))) {
      real = true;
      for (++end; digit(at(end)); ++end) {
      }
    }
    if ((at(end) | 32) == 'e') {
      std::size_t exponent = end + 1;
      if (at(exponent) == '+' || at(exponent) == '-') ++exponent;
      if (digit(at(exponent))) {
        real = true;
        for (end = exponent; digit(at(end)); ++end) {
        }
      }
    }
    if (real) return add(Lex::real, end);
    if (source_[at_] != '0') return add(Lex::decimal, digits);
    if ((at(at_ + 1) | 32) == 'x' && hex_digit(at(at_ + 2))) {
      for (end = at_ + 2; hex_digit(at(end)); ++end) {
      }
      return add(Lex::hexadecimal, end);
    }
    for (end = at_ + 1; at(end) >= '0' && at(end) <= '7'; ++end) {
    }
    add(Lex::octal, end);
  }

  void single_quoted() {
    std::string text;
    for (std::size_t i = at_ + 1;; ++i) {
      if (i >= source_.size() || source_[i] == '\n' || source_[i] == '\r') return add(Lex::error, at_ + 1);
      if (source_[i] == '\'') {
        if (at(i + 1) != '\'') return add(Lex::string, i + 1, keep(std::move(text)));
        ++i;
      }
      text += source_[i];
    }
  }

  void double_quoted() {
    // The longest match counts: a quote after a backslash ends the string only when nothing later does.
    std::size_t end = 0;
    for (std::size_t i = at_ + 1; i < source_.size(); ++i) {
      const char c = source_[i];
      const bool escaped = i > at_ + 1 && source_[i - 1] == '\\';
      if (c == '"') {
        end = i + 1;
        if (!escaped) break;
      } else if (c == '\n' || c == '\r') {
        if (!escaped && !(c == '\n' && source_[i - 1] == '\r' && i > at_ + 2 && source_[i - 2] == '\\')) break;
      }
    }
    if (end == 0) return add(Lex::error, at_ + 1);
    add(Lex::string, end, keep(unquote(at_, end)));
  }

  std::string unquote(std::size_t begin, std::size_t end) const {
    const std::string_view raw = source_.substr(begin + 1, end - begin - 2);
    std::string out;
    for (std::size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] != '\\') {
        out += raw[i];
        continue;
      }
      if (++i >= raw.size()) fail(begin, end, "the double-quoted string ends in the middle of an escape sequence");
      switch (raw[i]) {
        case 'n': out += '\n'; break;
        case 't': out += '\t'; break;
        case 'r': out += '\r'; break;
        case 'b': out += '\b'; break;
        case 'f': out += '\f'; break;
        case '\\': out += '\\'; break;
        case '"': out += '"'; break;
        case 'x': {
          if (i + 2 >= raw.size()) fail(begin, end, "the double-quoted string ends in the middle of a \\x escape sequence");
          if (!hex_digit(raw[i + 1]) || !hex_digit(raw[i + 2]))
            fail(begin, end,
                 fmt::format("\\x in a double-quoted string needs two hexadecimal digits, not '{}'", raw.substr(i + 1, 2)));
          const int code = std::stoi(std::string(raw.substr(i + 1, 2)), nullptr, 16);
          if (code < 0x80) {
            out += static_cast<char>(code);
          } else {
            out += static_cast<char>(0xc0 | code >> 6);
            out += static_cast<char>(0x80 | (code & 0x3f));
          }
          i += 2;
          break;
        }
        case '\r':
          if (i + 1 < raw.size() && raw[i + 1] == '\n') ++i;
          break;
        case '\n': break;
        default: fail(begin, end, fmt::format("a double-quoted string has no escape sequence \\{}", raw[i]));
      }
    }
    return out;
  }

  void punctuation(char c) {
    const char next = at(at_ + 1);
    auto two = [&](char second, Lex both, Lex one) { next == second ? add(both, at_ + 2) : add(one, at_ + 1); };
    switch (c) {
      case '?': return two('=', Lex::assign_default, Lex::question);
      case ':': return add(Lex::colon, at_ + 1);
      case ';': return add(Lex::semicolon, at_ + 1);
      case ',': return add(Lex::comma, at_ + 1);
      case '(': return add(Lex::lparen, at_ + 1);
      case ')': return add(Lex::rparen, at_ + 1);
      case '[': return add(Lex::lbracket, at_ + 1);
      case ']': return add(Lex::rbracket, at_ + 1);
      case '{': return add(Lex::lbrace, at_ + 1);
      case '}': return add(Lex::rbrace, at_ + 1);
      case '=': return two('=', Lex::equal, Lex::assign);
      case '+': return add(Lex::plus, at_ + 1);
      case '-': return add(Lex::minus, at_ + 1);
      case '%': return add(Lex::percent, at_ + 1);
      case '/': return add(Lex::slash, at_ + 1);
      case '*': return add(Lex::asterisk, at_ + 1);
      case '!': return two('=', Lex::not_equal, Lex::not_);
      case '>': return two('=', Lex::greater_equal, Lex::greater);
      case '<':
        if (next == '<') return heredoc_start();
        return two('=', Lex::less_equal, Lex::less);
      case '|': return two('|', Lex::or_, Lex::pipe);
      case '&': return two('&', Lex::and_, Lex::ampersand);
      case '^': return add(Lex::caret, at_ + 1);
      case '~': return add(Lex::tilde, at_ + 1);
      case '.':
        if (next == '.') return add(Lex::range, at_ + 2);
        return add(Lex::error, at_ + 1);
      default: {
        std::size_t end = at_ + 1;
        while (end < source_.size() && (static_cast<unsigned char>(source_[end]) & 0xc0) == 0x80) ++end;
        return add(Lex::error, end);
      }
    }
  }

  void heredoc_start() {
    std::size_t end = at_ + 2;
    if (!letter(at(end))) return add(Lex::heredoc_mark, end);
    while (letter(at(end)) || digit(at(end))) ++end;
    markers_.push_back({source_.substr(at_ + 2, end - at_ - 2), at_, end, out_.list.size()});
    add(Lex::heredoc, end);
  }

  // Stands at the beginning of a line; reads the bodies of all heredocs announced on the line before.
  void heredocs() {
    for (const Marker& marker : markers_) {
      std::string body;
      bool found = false;
      while (at_ < source_.size() && !found) {
        std::size_t end = at_;
        while (end < source_.size() && source_[end] != '\n' && source_[end] != '\r') ++end;
        const std::string_view line = source_.substr(at_, end - at_);
        std::size_t next = end;
        if (next < source_.size()) next += source_[next] == '\r' && at(next + 1) == '\n' ? 2 : 1;
        found = line == marker.word;
        if (!found) body += source_.substr(at_, next - at_);
        at_ = next;
      }
      if (!found)
        fail(marker.begin, marker.end, fmt::format("end of file while looking for the end of heredoc '{}'", marker.word));
      out_.list[marker.token].text = keep(std::move(body));
    }
    markers_.clear();
  }

  struct Marker {
    std::string_view word;
    std::size_t begin, end;
    std::size_t token;
  };

  std::string_view source_;
  std::size_t at_ = 0;
  bool name_next_ = false;
  std::vector<Marker> markers_;
  Tokens out_;
};

}  // namespace

Tokens tokenize(std::string_view source, std::size_t most) {
  return Lexer(source).run(most);
}

std::string_view lex_name(Lex kind) {
  switch (kind) {
    case Lex::end: return "the end of the file";
    case Lex::error: return "an unexpected character";
    case Lex::identifier: return "an identifier";
    case Lex::template_name: return "a template name";
    case Lex::decimal:
    case Lex::hexadecimal:
    case Lex::octal: return "a number";
    case Lex::real: return "a double";
    case Lex::string: return "a string";
    case Lex::heredoc: return "a heredoc";
    case Lex::question: return "'?'";
    case Lex::colon: return "':'";
    case Lex::semicolon: return "';'";
    case Lex::comma: return "','";
    case Lex::lparen: return "'('";
    case Lex::rparen: return "')'";
    case Lex::lbracket: return "'['";
    case Lex::rbracket: return "']'";
    case Lex::lbrace: return "'{'";
    case Lex::rbrace: return "'}'";
    case Lex::assign: return "'='";
    case Lex::assign_default: return "'?='";
    case Lex::template_: return "'template'";
    default: break;
  }
  for (const Word& word : kWords)
    if (word.kind == kind) return word.text;
  return "an operator";
}

}  // namespace cdb::pan
