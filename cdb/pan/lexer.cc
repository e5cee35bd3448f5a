#include "cdb/pan/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "cdb/pan/annotation.h"
#include "cdb/pan/text_scan.h"

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

// What a character may be part of.
enum Class : std::uint8_t { kLetter = 1, kDigit = 2, kHex = 4, kBlank = 8, kKey = 16 };
constexpr auto kClasses = [] {
  std::array<std::uint8_t, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    const bool low = c >= 'a' && c <= 'z', high = c >= 'A' && c <= 'Z', digit = c >= '0' && c <= '9';
    if (low || high || c == '_') table[c] |= kLetter | kKey;
    if (digit) table[c] |= kDigit | kHex | kKey;
    if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) table[c] |= kHex;
    if (c == '-' || c == '.') table[c] |= kKey;
    if (c == ' ' || c == '\t' || c == '\f' || c == '\n' || c == '\r') table[c] |= kBlank;
  }
  return table;
}();
bool in(char c, int classes) {
  return (kClasses[static_cast<unsigned char>(c)] & classes) != 0;
}

// Where the two-letter beginning and the length leave one candidate, it is compared whole.
Lex word_kind(const char* at, std::size_t size) {
  auto is = [&](const char* word, Lex kind) { return std::memcmp(at, word, size) == 0 ? kind : Lex::identifier; };
  switch (size) {
    case 2: return is("if", Lex::if_);
    case 3: return is("for", Lex::for_);
    case 4:
      switch (at[0]) {
        case 'b': return is("bind", Lex::bind);
        case 'e': return is("else", Lex::else_);
        case 'n': return is("null", Lex::null);
        case 't': return at[1] == 'r' ? is("true", Lex::true_) : is("type", Lex::type);
        case 'w': return is("with", Lex::with);
        default: return Lex::identifier;
      }
    case 5:
      switch (at[0]) {
        case 'f': return at[1] == 'a' ? is("false", Lex::false_) : is("final", Lex::final);
        case 'u': return is("undef", Lex::undef);
        case 'v': return is("valid", Lex::valid);
        case 'w': return is("while", Lex::while_);
        default: return Lex::identifier;
      }
    case 6:
      switch (at[0]) {
        case 'c': return is("choice", Lex::choice);
        case 'o': return is("object", Lex::object);
        case 'p': return is("prefix", Lex::prefix);
        case 'u': return is("unique", Lex::unique);
        default: return Lex::identifier;
      }
    case 7: return at[0] == 'f' ? is("foreach", Lex::foreach) : is("include", Lex::include);
    case 8:
      switch (at[0]) {
        case 'f': return is("function", Lex::function);
        case 't': return is("template", Lex::template_);
        case 'v': return is("variable", Lex::variable);
        default: return Lex::identifier;
      }
    case 9: return is("structure", Lex::structure);
    case 10: return is("extensible", Lex::extensible);
    case 11: return is("declaration", Lex::declaration);
    default: return Lex::identifier;
  }
}

const char* find_line_end(const char* at, const char* end) {
  return find_any<'\n', '\r'>(at, end);
}
const char* after_line_end(const char* at, const char* end) {
  if (at == end) return end;
  return at + (*at == '\r' && at + 1 != end && at[1] == '\n' ? 2 : 1);
}

// Behind the closing quote of the single-quoted string that begins here; null pointer when it has none on its line.
const char* single_quoted_end(const char* at, const char* end, bool& doubled) {
  for (const char* i = at + 1;;) {
    i = find_any<'\'', '\n', '\r'>(i, end);
    if (i == end || *i != '\'') return nullptr;
    if (i + 1 == end || i[1] != '\'') return i + 1;
    doubled = true;
    i += 2;
  }
}

// So many bytes and the rest of the last character, for messages.
std::string_view characters(std::string_view text, std::size_t at, std::size_t size) {
  while (at + size < text.size() && (static_cast<unsigned char>(text[at + size]) & 0xc0) == 0x80) ++size;
  return text.substr(at, size);
}

// The longest match counts: a quote after a backslash ends the string only when nothing later does.
const char* double_quoted_end(const char* at, const char* end) {
  const char* last = nullptr;
  for (const char* i = at + 1; (i = find_any<'"', '\n', '\r'>(i, end)) != end; ++i) {
    const bool escaped = i > at + 1 && i[-1] == '\\';
    if (*i == '"') {
      last = i + 1;
      if (!escaped) break;
    } else if (!escaped && !(*i == '\n' && i[-1] == '\r' && i > at + 2 && i[-2] == '\\')) {
      break;
    }
  }
  return last;
}

// Behind the annotation that begins here; null pointer when none does.
const char* annotation_end(const char* at, const char* end) {
  const char* i = at + 1;
  auto skip = [&](int classes) {
    while (i != end && in(*i, classes)) ++i;
  };
  skip(kBlank);
  skip(kKey);
  skip(kBlank);
  if (i == end) return nullptr;
  const char close = *i == '(' ? ')' : *i == '[' ? ']' : *i == '{' ? '}' : '\0';
  if (close == '\0') return nullptr;
  const auto* stop = static_cast<const char*>(std::memchr(i + 1, close, static_cast<std::size_t>(end - i - 1)));
  return stop == nullptr ? nullptr : stop + 1;
}

}  // namespace

void Lexer::fail(const char* from, const char* to, std::string message) const {
  raise(Problem::Kind::parse, std::move(message),
        {static_cast<std::uint32_t>(from - begin_), static_cast<std::uint32_t>(to - begin_)});
}

inline Token Lexer::make(Lex kind, const char* to, std::string_view text) {
  const Token token{kind, {static_cast<std::uint32_t>(at_ - begin_), static_cast<std::uint32_t>(to - begin_)}, text};
  at_ = to;
  return token;
}
inline Token Lexer::make(Lex kind, const char* to) {
  return make(kind, to, {at_, static_cast<std::size_t>(to - at_)});
}

Token Lexer::next() {
  while (at_ != end_) {
    const char c = *at_;
    switch (c) {
      case ' ':
        ++at_;
        // Indentation.
        while (end_ - at_ >= 8 && std::memcmp(at_, "        ", 8) == 0) at_ += 8;
        continue;
      case '\t':
      case '\f': ++at_; continue;
      case '\n':
      case '\r':
        ++at_;
        if (at_ == body_begin_) {
          at_ = body_end_;
          body_begin_ = nullptr;
        }
        continue;
      case '#': at_ = find_line_end(at_, end_); continue;
      case '@':
        if (annotation()) continue;
        break;
      default: break;
    }
    if (name_next_) {
      name_next_ = false;
      const char* to = at_;
      while (to != end_ && (in(*to, kKey) || *to == '+' || *to == '/')) ++to;
      if (to != at_) return make(Lex::template_name, to);
    }
    return token(c);
  }
  return make(Lex::end, end_);
}

bool Lexer::annotation() {
  const char* end = annotation_end(at_, end_);
  if (end == nullptr) return false;
  if (!parse_annotation({at_, static_cast<std::size_t>(end - at_)}))
    fail(at_, end, "this annotation is neither a description nor a list of key=value pairs");
  annotations_.push_back({make(Lex::end, end).span});
  return true;
}

Token Lexer::token(char c) {
  if (in(c, kLetter)) return word();
  if (in(c, kDigit)) return number();
  const char next = end_ - at_ > 1 ? at_[1] : '\0';
  auto one = [&](Lex kind) { return make(kind, at_ + 1); };
  auto two = [&](char second, Lex both, Lex alone) { return next == second ? make(both, at_ + 2) : make(alone, at_ + 1); };
  switch (c) {
    case '\'': return single_quoted();
    case '"': return double_quoted();
    case '?': return two('=', Lex::assign_default, Lex::question);
    case ':': return one(Lex::colon);
    case ';': return one(Lex::semicolon);
    case ',': return one(Lex::comma);
    case '(': return one(Lex::lparen);
    case ')': return one(Lex::rparen);
    case '[': return one(Lex::lbracket);
    case ']': return one(Lex::rbracket);
    case '{': return one(Lex::lbrace);
    case '}': return one(Lex::rbrace);
    case '=': return two('=', Lex::equal, Lex::assign);
    case '+': return one(Lex::plus);
    case '-': return one(Lex::minus);
    case '%': return one(Lex::percent);
    case '/': return one(Lex::slash);
    case '*': return one(Lex::asterisk);
    case '!': return two('=', Lex::not_equal, Lex::not_);
    case '>': return two('=', Lex::greater_equal, Lex::greater);
    case '<': return next == '<' ? heredoc() : two('=', Lex::less_equal, Lex::less);
    case '|': return two('|', Lex::or_, Lex::pipe);
    case '&': return two('&', Lex::and_, Lex::ampersand);
    case '^': return one(Lex::caret);
    case '~': return one(Lex::tilde);
    case '.': return two('.', Lex::range, Lex::error);
    default: {
      const char* to = at_ + 1;
      while (to != end_ && (static_cast<unsigned char>(*to) & 0xc0) == 0x80) ++to;
      return make(Lex::error, to);
    }
  }
}

Token Lexer::word() {
  const char* to = at_ + 1;
  while (to != end_ && in(*to, kLetter | kDigit)) ++to;
  const Lex kind = word_kind(at_, static_cast<std::size_t>(to - at_));
  name_next_ = kind == Lex::template_;
  return make(kind, to);
}

Token Lexer::number() {
  auto peek = [&](const char* at) { return at < end_ ? *at : '\0'; };
  const char* digits = at_;
  while (in(peek(digits), kDigit)) ++digits;
  const char* to = digits;
  bool real = false;
  if (peek(to) == '.' && in(peek(to + 1), kDigit)) {
    real = true;
    for (++to; in(peek(to), kDigit); ++to) {
    }
  }
  if ((peek(to) | 32) == 'e') {
    const char* exponent = to + 1;
    if (peek(exponent) == '+' || peek(exponent) == '-') ++exponent;
    if (in(peek(exponent), kDigit)) {
      real = true;
      for (to = exponent; in(peek(to), kDigit); ++to) {
      }
    }
  }
  if (real) return make(Lex::real, to);
  if (*at_ != '0') return make(Lex::decimal, digits);
  if ((peek(at_ + 1) | 32) == 'x' && in(peek(at_ + 2), kHex)) {
    for (to = at_ + 2; in(peek(to), kHex); ++to) {
    }
    return make(Lex::hexadecimal, to);
  }
  for (to = at_ + 1; peek(to) >= '0' && peek(to) <= '7'; ++to) {
  }
  return make(Lex::octal, to);
}

Token Lexer::single_quoted() {
  bool doubled = false;
  const char* to = single_quoted_end(at_, end_, doubled);
  if (to == nullptr) return make(Lex::error, at_ + 1);
  std::string_view text(at_ + 1, static_cast<std::size_t>(to - at_ - 2));
  if (doubled) {
    std::string& value = texts_.emplace_back();
    for (std::size_t i = 0; i < text.size(); ++i) {
      value += text[i];
      if (text[i] == '\'') ++i;
    }
    text = value;
  }
  return make(Lex::string, to, text);
}

Token Lexer::double_quoted() {
  const char* to = double_quoted_end(at_, end_);
  if (to == nullptr) return make(Lex::error, at_ + 1);
  const std::string_view text(at_ + 1, static_cast<std::size_t>(to - at_ - 2));
  if (std::memchr(text.data(), '\\', text.size()) == nullptr) return make(Lex::string, to, text);
  return make(Lex::string, to, texts_.emplace_back(unquote(at_, to)));
}

std::string Lexer::unquote(const char* from, const char* to) const {
  const std::string_view raw(from + 1, static_cast<std::size_t>(to - from - 2));
  std::string out;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\') {
      out += raw[i];
      continue;
    }
    if (++i >= raw.size()) fail(from, to, "the double-quoted string ends in the middle of an escape sequence");
    switch (raw[i]) {
      case 'n': out += '\n'; break;
      case 't': out += '\t'; break;
      case 'r': out += '\r'; break;
      case 'b': out += '\b'; break;
      case 'f': out += '\f'; break;
      case '\\': out += '\\'; break;
      case '"': out += '"'; break;
      case 'x': {
        if (i + 2 >= raw.size()) fail(from, to, "the double-quoted string ends in the middle of a \\x escape sequence");
        if (!in(raw[i + 1], kHex) || !in(raw[i + 2], kHex))
          fail(from, to,
               fmt::format("\\x in a double-quoted string needs two hexadecimal digits, not '{}'", characters(raw, i + 1, 2)));
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
      default: fail(from, to, fmt::format("a double-quoted string has no escape sequence \\{}", characters(raw, i, 1)));
    }
  }
  return out;
}

// Where the line ends on which the lexer stands: strings and annotations may hold line ends of their own.
const char* Lexer::line_end() const {
  const char* i = at_;
  while (i != end_) {
    const char* to = nullptr;
    bool doubled = false;
    switch (*i) {
      case '\n':
      case '\r': return i;
      case '#': return find_line_end(i, end_);
      case '\'': to = single_quoted_end(i, end_, doubled); break;
      case '"': to = double_quoted_end(i, end_); break;
      case '@': to = annotation_end(i, end_); break;
      default: break;
    }
    i = to != nullptr ? to : i + 1;
  }
  return end_;
}

// "<<WORD": the body is the lines after this one up to the line WORD, behind the bodies of heredocs announced before on this
// line.
Token Lexer::heredoc() {
  const char* to = at_ + 2;
  if (to == end_ || !in(*to, kLetter)) return make(Lex::heredoc_mark, to);
  while (to != end_ && in(*to, kLetter | kDigit)) ++to;
  const std::string_view word(at_ + 2, static_cast<std::size_t>(to - at_ - 2));
  if (body_begin_ == nullptr) body_begin_ = body_end_ = after_line_end(line_end(), end_);
  for (const char* line = body_end_; line != end_;) {
    const char* stop = find_line_end(line, end_);
    const char* following = after_line_end(stop, end_);
    if (std::string_view(line, static_cast<std::size_t>(stop - line)) == word) {
      const std::string_view body(body_end_, static_cast<std::size_t>(line - body_end_));
      body_end_ = following;
      return make(Lex::heredoc, to, body);
    }
    line = following;
  }
  fail(at_, to, fmt::format("end of file while looking for the end of heredoc '{}'", word));
}

Tokens tokenize(std::string_view source) {
  Lexer lexer(source);
  Tokens tokens;
  do {
    tokens.list.push_back(lexer.next());
  } while (tokens.list.back().kind != Lex::end);
  tokens.annotations = lexer.take_annotations();
  tokens.texts = lexer.take_texts();
  return tokens;
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
