#include "cdb/pan/annotation.h"

#include <algorithm>

namespace cdb::pan {

namespace {

bool blank(char c) {
  return c == ' ' || c == '\t' || c == '\f' || c == '\n' || c == '\r';
}
bool line_end(char c) {
  return c == '\n' || c == '\r';
}
bool key_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

// Names and keys become XML elements, so they may not begin with "xml".
bool valid_key(std::string_view key) {
  if (key.empty() || key[0] == '-' || key[0] == '.') return false;
  if (key.size() >= 3 && (key[0] | 32) == 'x' && (key[1] | 32) == 'm' && (key[2] | 32) == 'l') return false;
  return std::none_of(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Reads "key = value" pairs. A value is quoted (the quote doubled stands for itself), or goes to the end of its line, which a
// backslash continues.
class Pairs {
 public:
  explicit Pairs(std::string_view body) : body_(body) {}

  bool read(std::vector<AnnotationText::Entry>& out) {
    while (true) {
      skip(blank);
      if (done()) return true;
      const std::string_view key = skip(key_char);
      if (!valid_key(key)) return false;
      skip(blank);
      if (done() || body_[at_] != '=') return false;
      ++at_;
      skip(blank);
      if (done()) return false;
      std::string value;
      const bool quoted = body_[at_] == '\'' || body_[at_] == '"';
      if (!(quoted ? quoted_value(value) : plain_value(value))) return false;
      out.push_back({std::string(key), std::move(value)});
    }
  }

 private:
  bool done() const { return at_ >= body_.size(); }

  template <class Accept>
  std::string_view skip(Accept accept) {
    const std::size_t begin = at_;
    while (!done() && accept(body_[at_])) ++at_;
    return body_.substr(begin, at_ - begin);
  }

  bool quoted_value(std::string& out) {
    const char quote = body_[at_++];
    for (; !done(); out += body_[at_++]) {
      if (body_[at_] != quote) continue;
      ++at_;
      if (done() || body_[at_] != quote) return true;
    }
    return false;
  }

  // Length of a backslash and the line end behind it, 0 when there is none here.
  std::size_t continuation() const {
    if (body_[at_] != '\\' || at_ + 1 >= body_.size() || !line_end(body_[at_ + 1])) return 0;
    return body_.substr(at_ + 1, 2) == "\r\n" ? 3 : 2;
  }

  bool plain_value(std::string& out) {
    while (!done() && continuation() != 0) at_ += continuation();
    if (done() || line_end(body_[at_]) || body_[at_] == '\'' || body_[at_] == '"' || body_[at_] == '\\') return false;
    while (!done() && !line_end(body_[at_])) {
      if (const std::size_t length = continuation(); length != 0) {
        // Of "\r\n" the reference takes out the first character only.
        if (length == 3) out += '\n';
        at_ += length;
      } else {
        out += body_[at_++];
      }
    }
    auto edge = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
    while (!out.empty() && edge(out.back())) out.pop_back();
    out.erase(out.begin(), std::find_if_not(out.begin(), out.end(), edge));
    return true;
  }

  std::string_view body_;
  std::size_t at_ = 0;
};

bool has_pairs(std::string_view body) {
  auto space = [](char c) { return blank(c) || c == '\v'; };
  auto at = std::find_if_not(body.begin(), body.end(), space);
  at = std::find_if(at, body.end(), [&](char c) { return c == '=' || space(c); });
  at = std::find_if_not(at, body.end(), space);
  return at != body.end() && *at == '=';
}

}  // namespace

std::optional<AnnotationText> parse_annotation(std::string_view text) {
  std::size_t at = 1;
  while (at < text.size() && blank(text[at])) ++at;
  const std::size_t name = at;
  while (at < text.size() && key_char(text[at])) ++at;
  AnnotationText out;
  out.name = text.substr(name, at - name);
  if (!out.name.empty() && !valid_key(out.name)) return std::nullopt;
  while (at < text.size() && blank(text[at])) ++at;
  if (at + 2 > text.size()) return std::nullopt;
  const std::string_view body = text.substr(at + 1, text.size() - at - 2);
  if (!has_pairs(body))
    out.entries.push_back({"desc", std::string(body)});
  else if (!Pairs(body).read(out.entries))
    return std::nullopt;
  return out;
}

}  // namespace cdb::pan
