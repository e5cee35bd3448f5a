#include "cdb/pan/java/regex_translate.h"

#include <fmt/format.h>

#include "cdb/pan/java/java.h"
#include "cdb/pan/java/regex_parser.h"
#include "cdb/pan/java/utf.h"

namespace cdb::pan::java {
namespace {

constexpr int kMaxRepeat = 65535;  // PCRE2's

bool is_digit(char32_t c) {
  return c >= '0' && c <= '9';
}

bool is_letter(char32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_blank(char32_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

bool ends_line(char32_t c, bool unix_lines) {
  return c == '\n' || (!unix_lines && (c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029));
}

constexpr std::string_view kTerminators = R"(\n\r\x{85}\x{2028}\x{2029})";

}  // namespace

RegexParser::RegexParser(std::string_view pattern, RegexFlags flags, int total_groups)
    : flags_(flags), total_groups_(total_groups) {
  bool quoted = false;
  for (std::size_t at = 0; at < pattern.size();) {
    if (pattern[at] == '\\' && at + 1 < pattern.size()) {
      if (quoted && pattern[at + 1] == 'E') {
        quoted = false;
        at += 2;
        continue;
      }
      if (!quoted && pattern[at + 1] == 'Q') {
        quoted = true;
        at += 2;
        continue;
      }
      if (!quoted) {
        tokens_.push_back({'\\', false});
        ++at;
      }
    }
    tokens_.push_back({next_code(pattern, at), quoted});
  }
}

void RegexParser::fail(std::string what, std::string hint) const {
  throw Failure{fmt::format("{} near index {}", what, position_), std::move(hint)};
}

char32_t RegexParser::raw(std::size_t ahead) const {
  if (position_ + ahead >= tokens_.size()) return kEnd;
  const Token& token = tokens_[position_ + ahead];
  return token.quoted ? 0 : token.code;
}

char32_t RegexParser::peek() {
  while (flags_.x && !at_end() && !tokens_[position_].quoted) {
    if (is_blank(raw())) {
      ++position_;
    } else if (raw() == '#') {
      while (!at_end() && !ends_line(tokens_[position_].code, flags_.d)) ++position_;
    } else {
      break;
    }
  }
  return raw();
}

bool RegexParser::accept(char32_t special) {
  if (peek() != special) return false;
  ++position_;
  return true;
}

std::string RegexParser::run() {
  std::string out = alternatives();
  if (!at_end()) fail("Unmatched closing ')'", "escape the bracket as \\) if it is meant literally");
  return out;
}

std::string RegexParser::alternatives() {
  if (++depth_ > 200) fail("the pattern is nested too deeply", "simplify the regular expression");
  std::string out = sequence();
  while (accept('|')) out += "|" + sequence();
  --depth_;
  return out;
}

std::string RegexParser::sequence() {
  std::string out;
  for (;;) {
    char32_t c = peek();
    if (c == kEnd || c == '|' || c == ')') return out;
    if (c == '*' || c == '+' || c == '?')
      fail(fmt::format("Dangling meta character '{}'", static_cast<char>(c)),
           "there is nothing to repeat: escape it, or put a group around");
    if (c == '(' && raw(1) == '?') {
      // "(?i)" alone sets flags to the end of the enclosing group and cannot be repeated.
      std::size_t begin = position_;
      position_ += 2;
      RegexFlags flags = flags_;
      if ((is_letter(raw()) || raw() == '-' || raw() == ')') && set_flags(flags) && raw() == ')') {
        ++position_;
        flags_ = flags;
        continue;
      }
      position_ = begin;
    }
    // A counted repetition with nothing before it repeats the empty string, in Java.
    out += quantified(c == '{' ? "(?:)" : atom());
  }
}

std::string RegexParser::atom() {
  char32_t c = peek();
  switch (c) {
    case '(': return group();
    case '[': ++position_; return char_class(true).pattern();
    case '^': ++position_; return line_begin();
    case '$': ++position_; return line_end(flags_.m);
    case '.': ++position_; return dot();
    case '\\': ++position_; return escape_outside();
    default: return literal(tokens_[position_++].code);
  }
}

std::string RegexParser::literal(char32_t code) const {
  CharSet set = CharSet::of(code, code);
  // Java compares without case only what has another case of its own: sharp s has none.
  if (flags_.i && code != 0xdf) {
    set.add_cases(flags_.u);
    return set.pattern();
  }
  if (is_letter(code) || is_digit(code)) return std::string(1, static_cast<char>(code));
  return fmt::format("\\x{{{:x}}}", static_cast<unsigned>(code));
}

std::string RegexParser::line_begin() const {
  if (!flags_.m) return "(?:\\A)";
  if (flags_.d) return R"((?:(?!\z)(?:\A|(?<=\n))))";
  return R"((?:(?!\z)(?:\A|(?<=[\n\x{85}\x{2028}\x{2029}])|(?<=\r)(?!\n))))";
}

std::string RegexParser::line_end(bool multiline) const {
  if (flags_.d) return multiline ? R"((?:(?=\n)|\z))" : R"((?:(?=\n?\z)))";
  if (multiline) return R"((?:\z|(?=[\r\x{85}\x{2028}\x{2029}])|(?<!\r)(?=\n)))";
  return R"((?:\z|(?=\r\n\z)|(?=[\r\x{85}\x{2028}\x{2029}]\z)|(?<!\r)(?=\n\z)))";
}

// Java's words are Unicode letters, digits and '_', with the accents that follow a letter or digit (more than three are not told
// apart); \w is not.
std::string RegexParser::word_boundary(bool inverse) {
  static const std::string before = R"((?<=[\p{L}\p{Nd}_]|[\p{L}\p{Nd}]\p{Mn}|[\p{L}\p{Nd}]\p{Mn}{2}|[\p{L}\p{Nd}]\p{Mn}{3}))";
  static const std::string behind =
      R"((?:(?=[\p{L}\p{Nd}_])|(?=\p{Mn})(?<=[\p{L}\p{Nd}]|[\p{L}\p{Nd}]\p{Mn}|[\p{L}\p{Nd}]\p{Mn}{2})))";
  return fmt::format("(?:{0}{1}|(?!{0}){2})", before, inverse ? behind : "(?!" + behind + ")",
                     inverse ? "(?!" + behind + ")" : behind);
}

std::string RegexParser::dot() const {
  if (flags_.s) return ".";
  return flags_.d ? "[^\\n]" : fmt::format("[^{}]", kTerminators);
}

std::string RegexParser::escape_outside() {
  char32_t letter = raw();
  CharSet set;
  if (letter == 'p' || letter == 'P') return class_property().pattern();
  if (predefined(letter, set)) {
    ++position_;
    return set.pattern();
  }
  auto taken = [&](std::string text) {
    ++position_;
    return text;
  };
  switch (letter) {
    case 'A': return taken("(?:\\A)");
    case 'z': return taken("(?:\\z)");
    case 'Z': return taken(line_end(false));
    case 'R': return taken(R"((?:\r\n|[\n-\r\x{85}\x{2028}\x{2029}]))");
    case 'X': return taken("\\X");
    case 'b':
      if (raw(1) == '{' && raw(2) == 'g') fail("\\b{g} is not supported", "use \\b or \\X");
      return taken(word_boundary(false));
    case 'B': return taken(word_boundary(true));
    case 'G': fail("\\G is not supported", "match from the beginning with \\A");
    case 'N': fail("\\N{name} is not supported", "write the character itself");
    case 'k': return taken(""), named_reference();
    default: break;
  }
  if (letter >= '1' && letter <= '9') return back_reference();
  char32_t code = escaped_character();
  if (code == kEnd)
    fail("Illegal/unsupported escape sequence",
         "a backslash before a letter has a meaning of its own; write \\\\ for a backslash");
  return literal(code);
}

std::string RegexParser::back_reference() {
  int number = static_cast<int>(raw() - '0');
  ++position_;
  // More digits belong to it as long as such a group has been opened before.
  while (is_digit(raw())) {
    int longer = number * 10 + static_cast<int>(raw() - '0');
    if (longer > groups_) break;
    number = longer;
    ++position_;
  }
  if (number > total_groups_) return "(?:(?!))";
  if (flags_.i && !flags_.u) fail("a back reference under (?i) is not supported", "use (?iu), or spell the alternatives out");
  return fmt::format("({}:\\g{{{}}})", flags_.i ? "?i" : "?", number);
}

std::string RegexParser::named_reference() {
  if (raw() != '<') fail("\\k is not followed by '<' for named capturing group");
  ++position_;
  std::string name = group_name();
  auto found = names_.find(name);
  if (found == names_.end())
    fail("named capturing group <" + name + "> does not exist", "name a group that comes before the reference");
  if (flags_.i && !flags_.u) fail("a back reference under (?i) is not supported", "use (?iu), or spell the alternatives out");
  return fmt::format("({}:\\g{{{}}})", flags_.i ? "?i" : "?", found->second);
}

std::string RegexParser::group_name() {
  if (!is_letter(raw())) fail("capturing group name does not start with a Latin letter");
  std::string name;
  while (is_letter(raw()) || is_digit(raw())) name += static_cast<char>(tokens_[position_++].code);
  if (raw() != '>') fail("named capturing group is missing trailing '>'");
  ++position_;
  return name;
}

// Reads "i-mx" up to ')' or ':'; false when something else follows.
bool RegexParser::set_flags(RegexFlags& flags) {
  bool on = true;
  for (;; ++position_) {
    switch (raw()) {
      case 'i': flags.i = on; break;
      case 'd': flags.d = on; break;
      case 'm': flags.m = on; break;
      case 's': flags.s = on; break;
      case 'u': flags.u = on; break;
      case 'x': flags.x = on; break;
      case 'c': fail("canonical equivalence, (?c), is not supported", "leave the flag out");
      case 'U': fail("Unicode character classes, (?U), are not supported", "use \\p{L}, \\p{Nd} and the like");
      case '-':
        if (!on) return false;
        on = false;
        break;
      default: return raw() == ')' || raw() == ':';
    }
  }
}

std::string RegexParser::group() {
  ++position_;
  RegexFlags saved = flags_;
  std::string open = "(?:";
  if (raw() != '?') {
    open = "(";
    ++groups_;
  } else {
    ++position_;
    char32_t kind = raw();
    if (kind == ':' || kind == '=' || kind == '!' || kind == '>') {
      ++position_;
      open = std::string("(?") + static_cast<char>(kind);
    } else if (kind == '<' && (raw(1) == '=' || raw(1) == '!')) {
      open = raw(1) == '=' ? "(?<=" : "(?<!";
      position_ += 2;
    } else if (kind == '<') {
      ++position_;
      std::string name = group_name();
      if (!names_.emplace(name, ++groups_).second)
        fail("Named capturing group <" + name + "> is already defined", "give each group its own name");
      open = "(";
    } else if (!set_flags(flags_) || raw() != ':') {
      fail("Unknown inline modifier", "known are (?:..) (?=..) (?!..) (?>..) (?<=..) (?<!..) (?<name>..) and the flags idmsux");
    } else {
      ++position_;
    }
  }
  std::string body = alternatives();
  if (!accept(')')) fail("Unclosed group", "close every '(' with ')', or escape it as \\(");
  flags_ = saved;
  return open + body + ")";
}

std::string RegexParser::quantified(std::string unit) {
  std::string repeat;
  char32_t c = peek();
  if (c == '*' || c == '+' || c == '?') {
    repeat = static_cast<char>(c);
    ++position_;
  } else if (c == '{') {
    ++position_;
    auto number = [&] {
      long value = 0;
      while (is_digit(raw())) {
        value = value * 10 + static_cast<long>(tokens_[position_++].code - '0');
        if (value > std::numeric_limits<int>::max()) fail("Illegal repetition range");
      }
      if (value > kMaxRepeat) fail(fmt::format("repetition counts above {} are not supported", kMaxRepeat), "use * or +");
      return value;
    };
    if (!is_digit(raw())) fail("Illegal repetition", "write \\{ for a brace");
    long least = number(), most = least;
    repeat = fmt::format("{{{}", least);
    if (raw() == ',') {
      ++position_;
      repeat += ',';
      if (is_digit(raw())) {
        most = number();
        repeat += std::to_string(most);
      }
    }
    if (raw() != '}') fail("Unclosed counted closure");
    ++position_;
    repeat += '}';
    if (most < least && repeat.find(",}") == std::string::npos) fail("Illegal repetition range", "the smaller count comes first");
  } else {
    return unit;
  }
  if (accept('?'))
    repeat += '?';
  else if (accept('+'))
    repeat += '+';
  return unit + repeat;
}

base::Result<Translated> translate_regex(std::string_view pattern, std::string_view flags) {
  RegexFlags initial;
  for (std::size_t at = 0; at < flags.size();) {
    const std::size_t begin = at;
    switch (next_code(flags, at)) {
      case 'i': initial.i = true; break;
      case 'd': initial.d = true; break;
      case 'm': initial.m = true; break;
      case 's': initial.s = true; break;
      case 'u': initial.u = true; break;
      case 'x': initial.x = true; break;
      default:
        return base::fail(base::Errc::invalid,
                          fmt::format("unknown regular expression flag '{}'", flags.substr(begin, at - begin)),
                          "use letters of \"idmsux\"");
    }
  }
  try {
    RegexParser first(pattern, initial, std::numeric_limits<int>::max());
    first.run();
    RegexParser second(pattern, initial, first.groups());
    Translated result;
    result.pattern = second.run();
    result.groups = second.groups();
    result.names = second.names();
    return result;
  } catch (RegexParser::Failure& failure) {
    return base::fail(base::Errc::invalid, fmt::format("{} in regular expression '{}'", failure.message, pattern),
                      std::move(failure.hint));
  }
}

}  // namespace cdb::pan::java
