#include "base/crypto/crypto.h"
#include "cdb/pan/java/java.h"
#include "cdb/pan/java/utf.h"

namespace cdb::pan::java {

std::string base64_encode(std::string_view data) {
  constexpr std::size_t kColumns = 76;
  std::string plain = base::crypto::base64(data), out;
  for (std::size_t at = 0; at < plain.size(); at += kColumns) {
    out += plain.substr(at, kColumns);
    // The reference ends each full line, the last one too, unless its end is padded or holds a final group of its own.
    if (at + kColumns < plain.size() || (plain.size() == at + kColumns && data.size() % 3 == 0)) out += '\n';
  }
  return out;
}

base::Result<std::string> base64_decode(std::string_view text) {
  auto value = [](char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : c == '=' ? 255 : -1;
  };
  std::string out;
  std::string four;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
    if (value(c) < 0)
      return base::fail(base::Errc::invalid, "Bad Base64 input character at " + std::to_string(at) + ": " +
                                                 std::to_string(static_cast<signed char>(c)) + "(decimal)");
    four += c;
    if (four.size() < 4) continue;
    const bool last = four[2] == '=' || four[3] == '=';
    const unsigned bits = static_cast<unsigned>(value(four[0])) << 18 | static_cast<unsigned>(value(four[1])) << 12 |
                          (four[2] == '=' ? 0 : static_cast<unsigned>(value(four[2])) << 6) |
                          (last ? 0 : static_cast<unsigned>(value(four[3])));
    out += static_cast<char>(bits >> 16);
    if (four[2] != '=') out += static_cast<char>(bits >> 8);
    if (!last) out += static_cast<char>(bits);
    if (c == '=') break;
    four.clear();
  }
  return out;
}

std::string json_quote(std::string_view s) {
  constexpr char hex[] = "0123456789abcdef";
  std::string out = "\"";
  out.reserve(s.size() + 2);
  for (std::size_t at = 0; at < s.size(); ++at) {
    char c = s[at];
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\t': out += "\\t"; break;
      case '\b': out += "\\b"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\f': out += "\\f"; break;
      case '\xe2':  // U+2028 and U+2029 are E2 80 A8 and E2 80 A9
        if (s.substr(at, 3) == "\xe2\x80\xa8" || s.substr(at, 3) == "\xe2\x80\xa9") {
          out += s[at + 2] == '\xa8' ? "\\u2028" : "\\u2029";
          at += 2;
        } else {
          out += c;
        }
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == '<' || c == '>' || c == '&' || c == '=' || c == '\'') {
          out += "\\u00";
          out += hex[static_cast<unsigned char>(c) >> 4];
          out += hex[static_cast<unsigned char>(c) & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
  return out;
}

bool xml_representable(std::string_view s) {
  for (std::size_t at = 0; at < s.size();) {
    char32_t code = next_code(s, at);
    if (code < 0x20 ? code != '\t' && code != '\n' && code != '\r' : code == 0xfffe || code == 0xffff) return false;
  }
  return true;
}

std::string xml_text(std::string_view s) {
  std::string out;
  out.reserve(s.size());
  for (std::size_t at = 0; at < s.size();) {
    std::size_t begin = at;
    char32_t code = next_code(s, at);
    if (code == '<')
      out += "&lt;";
    else if (code == '>')
      out += "&gt;";
    else if (code == '&')
      out += "&amp;";
    else if (code == '\r')
      out += "&#13;";
    else if ((code >= 0x7f && code < 0xa0) || code >= 0x10000 || (code < 0x20 && code != '\t' && code != '\n'))
      out += "&#" + std::to_string(static_cast<unsigned>(code)) + ";";
    else
      out += s.substr(begin, at - begin);
  }
  return out;
}

}  // namespace cdb::pan::java
