#include <algorithm>

#include "cdb/pan/java/java.h"
#include "cdb/pan/java/utf.h"

namespace cdb::pan::java {
namespace {

std::size_t sequence_length(unsigned char lead) {
  return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

bool is_ascii(std::string_view s) {
  return std::all_of(s.begin(), s.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_cased(char32_t code) {
  return simple_lower(code) != code || simple_upper(code) != code || special_upper(code);
}

// Characters that final sigma looks through: apostrophes, full stops, middle dots, soft hyphen, combining marks.
bool is_case_ignorable(char32_t code) {
  return code == '\'' || code == '.' || code == ':' || code == '^' || code == '`' || code == 0xa8 || code == 0xad ||
         code == 0xaf || code == 0xb4 || code == 0xb7 || code == 0xb8 || (code >= 0x2b0 && code <= 0x36f) ||
         (code >= 0x2018 && code <= 0x2019);
}

// Σ at `at` (its byte length is 2) is the last letter of a word.
bool is_final_sigma(std::string_view s, std::size_t at) {
  bool before = false;
  for (std::size_t i = at; i > 0 && !before;) {
    do --i;
    while (i > 0 && (static_cast<unsigned char>(s[i]) & 0xc0) == 0x80);
    std::size_t position = i;
    char32_t code = next_code(s, position);
    if (is_cased(code))
      before = true;
    else if (!is_case_ignorable(code))
      return false;
  }
  if (!before) return false;
  for (std::size_t i = at + 2; i < s.size();) {
    char32_t code = next_code(s, i);
    if (is_cased(code)) return false;
    if (!is_case_ignorable(code)) return true;
  }
  return true;
}

}  // namespace

char32_t next_code(std::string_view s, std::size_t& at) {
  auto lead = static_cast<unsigned char>(s[at]);
  if (lead < 0x80) return static_cast<char32_t>(s[at++]);
  std::size_t length = sequence_length(lead);
  if (lead < 0xc2 || lead > 0xf4 || at + length > s.size()) {
    ++at;
    return 0xfffd;
  }
  char32_t code = lead & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    auto byte = static_cast<unsigned char>(s[at + i]);
    if ((byte & 0xc0) != 0x80) {
      at += i;
      return 0xfffd;
    }
    code = code << 6 | (byte & 0x3f);
  }
  at += length;
  return code;
}

void append_code(char32_t code, std::string& out) {
  auto put = [&](char32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

std::size_t utf16_length(std::string_view s) {
  std::size_t units = 0;
  for (char c : s) {
    auto byte = static_cast<unsigned char>(c);
    units += (byte & 0xc0) != 0x80;  // each sequence counts once,
    units += byte >= 0xf0;           // those beyond the BMP twice
  }
  return units;
}

std::string utf16_substr(std::string_view s, std::size_t start, std::size_t length) {
  if (is_ascii(s)) return std::string(s.substr(std::min(start, s.size()), length));
  std::string out;
  std::size_t unit = 0, end = start + length;
  for (std::size_t at = 0; at < s.size() && unit < end;) {
    std::size_t begin = at;
    std::size_t units = next_code(s, at) >= 0x10000 ? 2 : 1;
    bool left = unit >= start, right = unit + units <= end;
    if (left && right)
      out += s.substr(begin, at - begin);
    else if (units == 2 && (left ? unit + 1 == end : right && unit + 1 == start))
      out += '?';
    unit += units;
  }
  return out;
}

std::size_t utf16_index(std::string_view s, std::string_view needle, std::size_t from) {
  std::size_t at = 0, unit = 0;
  while (at < s.size() && unit < from) unit += next_code(s, at) >= 0x10000 ? 2 : 1;
  std::size_t found = s.find(needle, at);
  if (found == s.npos || unit < from) return std::string::npos;
  return unit + utf16_length(s.substr(at, found - at));
}

int utf16_compare(std::string_view a, std::string_view b) {
  std::size_t common = 0, shorter = std::min(a.size(), b.size());
  while (common < shorter && a[common] == b[common]) ++common;
  if (common == shorter) return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
  auto x = static_cast<unsigned char>(a[common]), y = static_cast<unsigned char>(b[common]);
  // Surrogates D800..DFFF sort below E000..FFFF: the lead bytes F0.. (pairs) come before EE and EF.
  bool x_pair = x >= 0xf0, y_pair = y >= 0xf0;
  if (x_pair != y_pair && (x_pair ? y : x) >= 0xee) return x_pair ? -1 : 1;
  return x < y ? -1 : 1;
}

std::string to_lowercase(std::string_view s) {
  std::string out;
  out.reserve(s.size());
  for (std::size_t at = 0; at < s.size();) {
    std::size_t begin = at;
    char32_t code = next_code(s, at);
    if (code == 0x130)
      out += "i\xcc\x87";
    else if (code == 0x3a3 && is_final_sigma(s, begin))
      append_code(0x3c2, out);
    else
      append_code(simple_lower(code), out);
  }
  return out;
}

std::string to_uppercase(std::string_view s) {
  std::string out;
  out.reserve(s.size());
  for (std::size_t at = 0; at < s.size();) {
    char32_t code = next_code(s, at);
    const char32_t* special = code < 0x80 ? nullptr : special_upper(code);
    if (!special)
      append_code(simple_upper(code), out);
    else
      for (; *special; ++special) append_code(*special, out);
  }
  return out;
}

base::Result<std::string> escape(std::string_view s) {
  if (s.empty()) return std::string("_");
  constexpr char hex[] = "0123456789abcdef";
  std::string out;
  out.reserve(s.size() * 2);
  for (std::size_t at = 0; at < s.size();) {
    bool first = at == 0;
    char32_t code = next_code(s, at);
    bool letter = (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
    bool digit = code >= '0' && code <= '9';
    if (code >= 256)
      return base::fail(base::Errc::invalid, "escape: the string \"" + std::string(s) + "\" has a character beyond U+00FF",
                        "use characters of ISO 8859-1 only in names that are escaped");
    if (letter || (digit && !first)) {
      out += static_cast<char>(code);
    } else {
      out += '_';
      out += hex[code >> 4];
      out += hex[code & 15];
    }
  }
  return out;
}

std::string unescape(std::string_view s) {
  if (s == "_") return {};
  auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  std::string out;
  for (std::size_t at = 0; at < s.size(); ++at) {
    int high = s[at] == '_' && at + 2 < s.size() ? digit(s[at + 1]) : -1;
    int low = high >= 0 ? digit(s[at + 2]) : -1;
    if (low < 0) {
      out += s[at];
    } else {
      append_code(static_cast<char32_t>(high * 16 + low), out);
      at += 2;
    }
  }
  return out;
}

}  // namespace cdb::pan::java
