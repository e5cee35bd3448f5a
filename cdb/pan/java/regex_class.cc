// Character classes and escapes of Java's regular expressions.
#include "cdb/pan/java/regex_parser.h"
#include "cdb/pan/java/regex_translate.h"
#include "cdb/pan/java/utf.h"

namespace cdb::pan::java {
namespace {

int hex_digit(char32_t c) {
  if (c >= '0' && c <= '9') return static_cast<int>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<int>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<int>(c - 'A' + 10);
  return -1;
}

bool is_letter(char32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

bool RegexParser::predefined(char32_t letter, CharSet& set) {
  switch (letter) {
    case 'd':
    case 'D': set = CharSet::of("09"); break;
    case 'w':
    case 'W': set = CharSet::of("azAZ09__"); break;
    case 's':
    case 'S': set = CharSet::of("\t\r  "); break;
    case 'v':
    case 'V':
      set = CharSet::of("\n\r");
      set.add(0x85, 0x85);
      set.add(0x2028, 0x2029);
      break;
    case 'h':
    case 'H':
      set = CharSet::of("\t\t  ");
      for (char32_t code : {0xa0, 0x1680, 0x180e, 0x202f, 0x205f, 0x3000}) set.add(code, code);
      set.add(0x2000, 0x200a);
      break;
    default: return false;
  }
  if (letter < 'a') set.complement();
  return true;
}

char32_t RegexParser::escaped_character() {
  char32_t letter = raw();
  if (letter == kEnd) fail("Unexpected internal error", "the pattern ends with a single backslash: write two");
  ++position_;
  auto hex = [&](int digits) {
    char32_t code = 0;
    for (int i = 0; i < digits; ++i, ++position_) {
      int digit = at_end() ? -1 : hex_digit(raw());
      if (digit < 0) fail(digits == 4 ? "Illegal Unicode escape sequence" : "Illegal hexadecimal escape sequence");
      code = code * 16 + static_cast<char32_t>(digit);
    }
    return code;
  };
  switch (letter) {
    case '0': {
      char32_t code = 0;
      int digits = 0;
      while (digits < 3 && raw() >= '0' && raw() <= '7' && code * 8 + raw() - '0' <= 0377) {
        code = code * 8 + raw() - '0';
        ++position_;
        ++digits;
      }
      if (digits == 0) fail("Illegal octal escape sequence");
      return code;
    }
    case 'a': return 7;
    case 'e': return 27;
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'c': {
      if (at_end()) fail("Illegal control escape sequence");
      return tokens_[position_++].code ^ 64;
    }
    case 'x': {
      if (raw() != '{') return hex(2);
      ++position_;
      char32_t code = 0;
      int digits = 0;
      for (; !at_end() && hex_digit(raw()) >= 0; ++position_, ++digits) {
        code = code * 16 + static_cast<char32_t>(hex_digit(raw()));
        if (code > 0x10ffff) fail("Hexadecimal codepoint is too big");
      }
      if (digits == 0 || raw() != '}') fail("Unclosed hexadecimal escape sequence");
      ++position_;
      if (code >= 0xd800 && code <= 0xdfff) fail("half a surrogate pair never matches", "write the character itself");
      return code;
    }
    case 'u': {
      char32_t code = hex(4);
      if (code >= 0xd800 && code < 0xdc00 && raw() == '\\' && raw(1) == 'u') {
        position_ += 2;
        char32_t low = hex(4);
        if (low >= 0xdc00 && low < 0xe000) return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      }
      if (code >= 0xd800 && code <= 0xdfff)
        fail("half a surrogate pair never matches", "write both halves, or the character itself");
      return code;
    }
    default:
      if (is_letter(letter) || (letter >= '1' && letter <= '9')) {
        --position_;
        return kEnd;
      }
      return letter;
  }
}

CharSet RegexParser::class_property() {
  bool inverse = raw() == 'P';
  ++position_;
  std::string name;
  if (raw() == '{') {
    ++position_;
    while (!at_end() && raw() != '}') append_code(tokens_[position_++].code, name);
    if (at_end()) fail("Unclosed character family");
    ++position_;
    if (name.empty()) fail("Empty character family");
  } else {
    if (at_end()) fail("Unknown character property name { }", "name the property: \\p{L}");
    append_code(tokens_[position_++].code, name);
  }
  auto set = property_set(name, flags_.i);
  if (!set) fail(set.error().message, set.error().hint);
  if (inverse) set->complement();
  return *std::move(set);
}

// One character, range, predefined class or property inside [...].
void RegexParser::class_item(CharSet& set, bool& any) {
  char32_t first = kEnd;
  if (peek() == kEnd) fail("Unclosed character class");
  if (peek() == '\\') {
    ++position_;
    if (raw() == 'p' || raw() == 'P') {
      set.unite(class_property());
      any = true;
      return;
    }
    CharSet known;
    if (predefined(raw(), known)) {
      if (raw() == 'v' && raw(1) == '-') fail("\\v before '-' in a character class is not supported", "write \\x0B");
      ++position_;
      set.unite(known);
      any = true;
      return;
    }
    first = escaped_character();
    if (first == kEnd) fail("Illegal/unsupported escape sequence");
  } else {
    first = tokens_[position_++].code;
  }
  char32_t last = first;
  if (peek() == '-' && raw(1) != '[' && raw(1) != ']' && raw(1) != kEnd) {
    ++position_;
    if (peek() == kEnd) fail("Unclosed character class");
    if (peek() == '\\') {
      ++position_;
      last = escaped_character();
      if (last == kEnd) fail("Illegal character range", "a class such as \\d cannot end a range");
    } else {
      last = tokens_[position_++].code;
    }
    if (last < first) fail("Illegal character range", "the first character of a range comes first in the alphabet");
  }
  CharSet item = CharSet::of(first, last);
  if (flags_.i) item.add_cases(flags_.u);
  set.unite(item);
  any = true;
}

// Behind the opening bracket, or (consumes = false) at the right side of &&, which ends before the closing bracket.
CharSet RegexParser::char_class(bool consumes) {
  if (++depth_ > 200) fail("the pattern is nested too deeply", "simplify the regular expression");
  CharSet set;
  bool any = false, negated = false;
  if (peek() == '^' && position_ > 0 && tokens_[position_ - 1].code == '[' && !tokens_[position_ - 1].quoted) {
    negated = true;
    ++position_;
  }
  for (;;) {
    char32_t c = peek();
    if (c == '[') {
      ++position_;
      set.unite(char_class(true));
      any = true;
    } else if (c == '&' && raw(1) == '&') {
      position_ += 2;
      CharSet right;
      bool some = false;
      while (peek() != ']' && peek() != '&') {
        if (peek() == kEnd) fail("Unclosed character class");
        if (accept('['))
          right.unite(char_class(true));
        else
          right.unite(char_class(false));
        some = true;
      }
      // With nothing at its right side && changes nothing, in Java; at the left side something is needed.
      if (!some && !any) fail("Bad class syntax", "&& needs a class before it");
      if (!some) continue;
      if (any)
        set.intersect(right);
      else
        set = right;
      any = true;
    } else if (c == ']' && any) {
      if (consumes) ++position_;
      break;
    } else {
      class_item(set, any);
    }
  }
  --depth_;
  if (negated) set.complement();
  return set;
}

}  // namespace cdb::pan::java
