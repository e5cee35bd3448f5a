#include "cdb/pan/path.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "cdb/pan/java/java.h"
#include "cdb/pan/java/utf.h"
#include "cdb/pan/problem.h"

namespace cdb::pan {

namespace {

constexpr bool word(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}
constexpr bool letter_or_digit(unsigned char c) {
  return word(c) && c != '_';
}
constexpr bool digit(unsigned char c) {
  return c >= '0' && c <= '9';
}

// -?[0-9]+
bool looks_like_index(std::string_view text) {
  if (!text.empty() && text[0] == '-') text.remove_prefix(1);
  if (text.empty()) return false;
  for (unsigned char c : text)
    if (!digit(c)) return false;
  return true;
}

Term index_term(std::string_view text) {
  std::string_view digits = text[0] == '-' ? text.substr(1) : text;
  if (digits.size() > 1 && digits[0] == '0') raise_evaluation(fmt::format("index cannot start with leading zero(s): '{}'", text));
  if (digits.size() > 18) raise_evaluation(fmt::format("path term or nlist key cannot start with a digit: '{}'", text));
  return make_term(static_cast<std::int64_t>(std::stoll(std::string(text))));
}

void check_key(std::string_view text) {
  if (text.empty()) raise_evaluation("empty string cannot be used as a path term or nlist key");
  static constexpr auto allowed = [] {
    std::array<bool, 256> table{};
    for (unsigned c = 0; c < 256; ++c) {
      const auto b = static_cast<unsigned char>(c);
      table[c] = word(b) || b == '+' || b == '-' || b == '.';
    }
    return table;
  }();
  bool good = word(static_cast<unsigned char>(text[0]));
  for (unsigned char c : text) good &= allowed[c];
  if (!good) {
    Problem::Kind kind = Problem::Kind::evaluation;
    raise(kind, fmt::format("invalid path term or nlist key: '{}'", text), {},
          "escape it: {raw text} in a path, escape() elsewhere");
  }
}

int compare(const Term& a, const Term& b) {
  if (a.is_key() != b.is_key()) return a.is_key() ? 1 : -1;
  if (a.is_key()) return a.key.as_string().compare(b.key.as_string());
  return a.index < b.index ? -1 : a.index > b.index ? 1 : 0;
}

// {raw} parts become their escaped form.
std::string resolve_braces(std::string_view text) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '{') {
      const std::size_t close = text.find_first_of("{}", at + 1);
      if (close == std::string_view::npos || text[close] == '{')
        raise_syntax(fmt::format("path '{}' contains mismatched or nested braces", text));
      out += escape(text.substr(at + 1, close - at - 1));
      at = close + 1;
    } else if (c == '}') {
      raise_syntax(fmt::format("path '{}' contains mismatched or nested braces", text));
    } else {
      out += c;
      ++at;
    }
  }
  return out;
}

}  // namespace

std::string Path::text() const {
  std::string out;
  if (type == Type::external) out = fmt::format("{}:/", authority);
  if (type == Type::absolute) out += '/';
  for (std::size_t i = 0; i < terms.size(); ++i) {
    if (i != 0) out += '/';
    out += terms[i].text();
  }
  return out;
}

bool binding_order(const Path& a, const Path& b) {
  if (a.terms.size() != b.terms.size()) return a.terms.size() > b.terms.size();
  for (std::size_t i = 0; i < a.terms.size(); ++i)
    if (int order = compare(a.terms[i], b.terms[i])) return order < 0;
  return false;
}

Term make_term(std::int64_t index) {
  if (index > std::numeric_limits<std::int32_t>::max())
    raise_evaluation(
        fmt::format("index ({}) exceeds the largest permitted value ({})", index, std::numeric_limits<std::int32_t>::max()));
  if (index < std::numeric_limits<std::int32_t>::min())
    raise_evaluation(
        fmt::format("index ({}) is below the smallest permitted value ({})", index, std::numeric_limits<std::int32_t>::min()));
  Term term;
  term.index = static_cast<std::int32_t>(index);
  return term;
}

Term make_term(Str* text) {
  const std::string_view view = text->view();
  Term term;
  if (view.size() >= 2 && view.front() == '{' && view.back() == '}') {
    term.key = Value::string(escape(view.substr(1, view.size() - 2)));
    if (looks_like_index(term.key.as_string())) return index_term(term.key.as_string());
    check_key(term.key.as_string());
    return term;
  }
  if (looks_like_index(view)) return index_term(view);
  check_key(view);
  term.key = Value::share(text);
  return term;
}

Term make_term(const Value& value) {
  if (value.is_string()) return make_term(value.str());
  if (value.is_integer()) return make_term(value.as_integer());
  raise_evaluation(fmt::format("element of type {} is not a valid index", tag_name(value.tag())));
}

Path parse_path(std::string_view raw, bool any_relative) {
  std::string resolved;
  std::string_view rest = raw;
  if (raw.find_first_of("{}") != std::string_view::npos) rest = resolved = resolve_braces(raw);
  Path path;
  if (const std::size_t colon = rest.find(':'); colon != std::string_view::npos) {
    path.type = Path::Type::external;
    path.authority = rest.substr(0, colon);
    if (!valid_template_name(path.authority)) raise_syntax(fmt::format("invalid authority ({}) in path", path.authority));
    rest.remove_prefix(colon + 1);
    if (!rest.empty() && rest[0] == '/') rest.remove_prefix(1);
  } else if (!rest.empty() && rest[0] == '/') {
    path.type = Path::Type::absolute;
    rest.remove_prefix(1);
  }
  // Trailing slashes are ignored, empty parts elsewhere are wrong.
  while (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
  // Everything is checked before the heap is asked for memory.
  auto each_part = [rest](auto take) {
    for (std::string_view left = rest; !left.empty();) {
      const std::size_t slash = std::min(left.find('/'), left.size());
      take(left.substr(0, slash));
      left.remove_prefix(std::min(slash + 1, left.size()));
    }
  };
  std::size_t count = 0;
  bool index_first = false;
  each_part([&](std::string_view part) {
    const bool index = looks_like_index(part);
    if (index)
      index_term(part);
    else
      check_key(part);
    if (count++ == 0) index_first = index;
  });
  if (path.type == Path::Type::relative && count == 0) raise_syntax("relative path must have at least one term");
  if (index_first && !(path.type == Path::Type::relative && any_relative))
    raise_syntax("first term in path must be a key, not an index");
  Heap& heap = Heap::current();
  if (!path.authority.empty()) {
    auto* name = static_cast<char*>(heap.allocate(path.authority.size()));
    path.authority = {name, path.authority.copy(name, path.authority.size())};
  }
  if (count != 0) {
    auto* terms = static_cast<Term*>(heap.allocate(count * sizeof(Term)));
    path.terms = {terms, count};
    each_part([&](std::string_view part) {
      if (looks_like_index(part))
        new (terms++) Term(index_term(part));
      else
        new (terms++) Term{.key = Value::string(part)};
    });
  }
  return path;
}

void make_immortal(const Path& path) {
  for (const Term& term : path.terms) const_cast<Value&>(term.key).make_immortal();
}

HeldPath::~HeldPath() {
  Heap& heap = Heap::current();
  if (heap.abandoned()) return;
  for (const Term& term : path_.terms) term.~Term();
  if (!path_.terms.empty()) heap.release(const_cast<Term*>(path_.terms.data()), path_.terms.size_bytes());
  if (!path_.authority.empty()) heap.release(const_cast<char*>(path_.authority.data()), path_.authority.size());
}

std::string escape(std::string_view raw) {
  if (raw.empty()) return "_";
  static constexpr char hex[] = "0123456789abcdef";
  std::string out(raw.size() * 3, '\0');
  char* at = out.data();
  auto put = [&](unsigned c) {
    *at++ = '_';
    *at++ = hex[c >> 4];
    *at++ = hex[c & 15];
  };
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const auto c = static_cast<unsigned char>(raw[i]);
    if (c < 0x80) {
      if (letter_or_digit(c) && !(i == 0 && digit(c)))
        *at++ = static_cast<char>(c);
      else
        put(c);
    } else if ((c & 0xfe) == 0xc2 && i + 1 < raw.size()) {
      // U+0080..U+00FF in UTF-8
      put(static_cast<unsigned>((c & 3) << 6 | (static_cast<unsigned char>(raw[i + 1]) & 0x3f)));
      ++i;
    } else {
      std::size_t next = i;
      raise(Problem::Kind::evaluation,
            fmt::format("string contains character which cannot be escaped: {:x}",
                        static_cast<unsigned>(java::next_code(raw, next))),
            {}, "only characters up to ff can be escaped");
    }
  }
  out.resize(static_cast<std::size_t>(at - out.data()));
  return out;
}

std::string unescape(std::string_view escaped) {
  if (escaped == "_") return {};
  auto value = [](unsigned char c) {
    return digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < escaped.size(); ++i) {
    if (escaped[i] != '_') {
      out += escaped[i];
      continue;
    }
    if (i + 2 >= escaped.size()) raise_evaluation("string contains incomplete escape sequence");
    const int high = value(static_cast<unsigned char>(escaped[i + 1])), low = value(static_cast<unsigned char>(escaped[i + 2]));
    if (high < 0 || low < 0) {
      // Two characters as Java counts them.
      const std::string_view rest = escaped.substr(i + 1);
      if (java::utf16_length(rest) < 2) raise_evaluation("string contains incomplete escape sequence");
      raise_evaluation(fmt::format("string contains invalid escape sequence: {}", java::utf16_substr(rest, 0, 2)));
    }
    const int code = high * 16 + low;
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else {
      out += static_cast<char>(0xc0 | code >> 6);
      out += static_cast<char>(0x80 | (code & 0x3f));
    }
    i += 2;
  }
  return out;
}

bool valid_template_name(std::string_view name) {
  if (name.empty()) return false;
  for (unsigned char c : name)
    if (!word(c) && c != '.' && c != '/' && c != '+' && c != '-') return false;
  // Trailing slashes are dropped, as in paths.
  while (!name.empty() && name.back() == '/') name.remove_suffix(1);
  if (name.empty()) return true;
  while (true) {
    const std::size_t slash = name.find('/');
    const std::string_view part = name.substr(0, slash);
    if (part.empty() || part[0] == '.') return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

bool valid_include_name(std::string_view name) {
  if (name.empty() || !word(static_cast<unsigned char>(name[0])) || name.back() == '/') return false;
  bool empty_part = false;
  for (unsigned char c : name) {
    if (c == '/') {
      if (empty_part) return false;
      empty_part = true;
      continue;
    }
    empty_part = false;
    if (!word(c) && c != '.' && c != '+' && c != '-') return false;
  }
  return true;
}

}  // namespace cdb::pan
