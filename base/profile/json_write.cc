#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/profile/json.h"
#include "base/profile/json_write.h"

namespace base::profile {

namespace {

// Where the first byte that does not stand for itself is; eight bytes are looked at together.
const char* plain_end(const char* at, const char* end) {
  constexpr std::uint64_t ones = 0x0101010101010101, high = ones * 0x80;
  const auto has_zero = [](std::uint64_t x) { return (x - ones) & ~x & high; };
  for (; end - at >= 8; at += 8) {
    std::uint64_t x;
    std::memcpy(&x, at, sizeof x);
    const auto below_space = (x - ones * 0x20) & ~x & high;
    if ((below_space | has_zero(x ^ ones * '"') | has_zero(x ^ ones * '\\')) != 0) break;
  }
  while (at != end && static_cast<unsigned char>(*at) >= 0x20 && *at != '"' && *at != '\\') ++at;
  return at;
}

}  // namespace

void append_integer(ByteBuffer& out, std::int64_t value) {
  char* const to = out.room(24);
  out.wrote(std::to_chars(to, to + 24, value).ptr);
}

void append_real(ByteBuffer& out, double value) {
  // JSON has no word for these, and null would be another value: an out-of-range number is refused by every reader, ours
  // too, so a NaN that got this far (it cannot by parsing) is found at once instead of being believed.
  if (!std::isfinite(value)) return out.append(std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
  // Both formats are the shortest digits that read back as the same double; people expect 100000.0, not 1e+05.
  const double size = std::fabs(value);
  const bool fixed = size == 0 || (size >= 1e-5 && size < 1e16);
  char* const to = out.room(64);
  char* const end = std::to_chars(to, to + 64, value, fixed ? std::chars_format::fixed : std::chars_format::scientific).ptr;
  const bool point = std::find(to, end, '.') != end;
  out.wrote(end);
  // "1" would read back as a long.
  if (fixed && !point) out.append(".0");
}

void append_quoted(ByteBuffer& out, std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  out.append('"');
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    const char* const stop = plain_end(at, end);
    out.append({at, static_cast<std::size_t>(stop - at)});
    if (stop == end) break;
    at = stop + 1;
    const auto byte = static_cast<unsigned char>(*stop);
    out.append('\\');
    switch (byte) {
      case '"':
      case '\\': out.append(*stop); break;
      case '\b': out.append('b'); break;
      case '\f': out.append('f'); break;
      case '\n': out.append('n'); break;
      case '\r': out.append('r'); break;
      case '\t': out.append('t'); break;
      default:
        out.append("u00");
        out.append(hex[byte >> 4]);
        out.append(hex[byte & 15]);
    }
  }
  out.append('"');
}

namespace {

class Writer {
 public:
  explicit Writer(bool pretty) : pretty_(pretty) {}

  void write(const Value& value) {
    switch (value.type()) {
      case Type::null: out.append("null"); break;
      case Type::boolean: out.append(*value.boolean() ? std::string_view("true") : std::string_view("false")); break;
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
          out.append(pretty_ ? std::string_view(": ") : std::string_view(":"));
          write(child);
        }
        close('}', value.dict()->empty());
        break;
    }
  }

  ByteBuffer out;

 private:
  void line() {
    if (!pretty_) return;
    out.append('\n');
    for (int i = 0; i < depth_; ++i) out.append("  ");
  }
  void open(char bracket) {
    out.append(bracket);
    ++depth_;
  }
  void next(bool& first) {
    if (!first) out.append(',');
    first = false;
    line();
  }
  void close(char bracket, bool empty) {
    --depth_;
    if (!empty) line();
    out.append(bracket);
  }

  const bool pretty_;
  int depth_ = 0;
};

}  // namespace

std::string to_json(const Value& value) {
  Writer writer(false);
  writer.write(value);
  return std::string(writer.out.view());
}

std::string to_json_pretty(const Value& value) {
  Writer writer(true);
  writer.write(value);
  writer.out.append('\n');
  return std::string(writer.out.view());
}

}  // namespace base::profile
