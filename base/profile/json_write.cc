#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/profile/json.h"
#include "base/profile/json_write.h"

namespace base::profile {

void append_integer(std::string& out, std::int64_t value) {
  char text[24];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  out.append(text, end);
}

void append_real(std::string& out, double value) {
  // JSON has no word for these, and null would be another value: an out-of-range number is refused by every reader, ours
  // too, so a NaN that got this far (it cannot by parsing) is found at once instead of being believed.
  if (!std::isfinite(value)) {
    out += std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
    return;
  }
  // Both formats are the shortest digits that read back as the same double; people expect 100000.0, not 1e+05.
  const double size = std::fabs(value);
  const bool fixed = size == 0 || (size >= 1e-5 && size < 1e16);
  char text[64];
  const auto end =
      std::to_chars(text, text + sizeof text, value, fixed ? std::chars_format::fixed : std::chars_format::scientific).ptr;
  const std::string_view digits(text, static_cast<std::size_t>(end - text));
  out += digits;
  // "1" would read back as a long.
  if (fixed && digits.find('.') == std::string_view::npos) out += ".0";
}

namespace {

// Bytes from `begin` that stand for themselves, eight at a time.
std::size_t plain_end(std::string_view text, std::size_t begin) {
  constexpr std::uint64_t ones = 0x0101010101010101, high = ones * 0x80;
  const auto has_zero = [](std::uint64_t x) { return (x - ones) & ~x & high; };
  for (; begin + 8 <= text.size(); begin += 8) {
    std::uint64_t x;
    std::memcpy(&x, text.data() + begin, sizeof x);
    const auto below_space = (x - ones * 0x20) & ~x & high;
    if ((below_space | has_zero(x ^ ones * '"') | has_zero(x ^ ones * '\\')) != 0) break;
  }
  while (begin < text.size() && static_cast<unsigned char>(text[begin]) >= 0x20 && text[begin] != '"' && text[begin] != '\\')
    ++begin;
  return begin;
}

}  // namespace

void append_quoted(std::string& out, std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  out += '"';
  for (std::size_t i = 0;;) {
    const auto end = plain_end(text, i);
    out.append(text, i, end - i);
    if (end == text.size()) break;
    const auto byte = static_cast<unsigned char>(text[end]);
    i = end + 1;
    out += '\\';
    switch (byte) {
      case '"':
      case '\\': out += static_cast<char>(byte); break;
      case '\b': out += 'b'; break;
      case '\f': out += 'f'; break;
      case '\n': out += 'n'; break;
      case '\r': out += 'r'; break;
      case '\t': out += 't'; break;
      default:
        out += "u00";
        out += hex[byte >> 4];
        out += hex[byte & 15];
    }
  }
  out += '"';
}

namespace {

class Writer {
 public:
  explicit Writer(bool pretty) : pretty_(pretty) {}

  void write(const Value& value) {
    switch (value.type()) {
      case Type::null: out += "null"; break;
      case Type::boolean: out += *value.boolean() ? "true" : "false"; break;
      case Type::integer: append_integer(out, *value.integer()); break;
      case Type::real: append_real(out, *value.real()); break;
      case Type::string: append_quoted(out, *value.string()); break;
      case Type::list:
        open('[');
        for (bool first = true; const auto& item : *value.list()) {
          next(first);
          write(item);
        }
        close(']', value.list()->empty());
        break;
      case Type::dict:
        open('{');
        for (bool first = true; const auto& [key, child] : *value.dict()) {
          next(first);
          append_quoted(out, key);
          out += pretty_ ? ": " : ":";
          write(child);
        }
        close('}', value.dict()->empty());
        break;
    }
  }

  std::string out;

 private:
  void line() {
    if (!pretty_) return;
    out += '\n';
    out.append(static_cast<std::size_t>(depth_) * 2, ' ');
  }
  void open(char bracket) {
    out += bracket;
    ++depth_;
  }
  void next(bool& first) {
    if (!first) out += ',';
    first = false;
    line();
  }
  void close(char bracket, bool empty) {
    --depth_;
    if (!empty) line();
    out += bracket;
  }

  const bool pretty_;
  int depth_ = 0;
};

}  // namespace

std::string to_json(const Value& value) {
  Writer writer(false);
  writer.write(value);
  return std::move(writer.out);
}

std::string to_json_pretty(const Value& value) {
  Writer writer(true);
  writer.write(value);
  writer.out += '\n';
  return std::move(writer.out);
}

}  // namespace base::profile
