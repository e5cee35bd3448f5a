#include <bit>
#include <charconv>

#include <fmt/format.h>

#include "cdb/pan/java/format_spec.h"
#include "cdb/pan/java/java.h"
#include "cdb/pan/java/utf.h"

namespace cdb::pan::java {
namespace {

// Java allows any width an int can hold; a template must not be able to ask the server for gigabytes.
constexpr int kMaxWidth = 1'000'000;
constexpr std::size_t kMaxResult = 64 << 20;

base::Result<int> number(std::string_view digits, std::string_view what) {
  int value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value > kMaxWidth)
    return base::fail(base::Errc::exhausted, std::string(what) + " " + std::string(digits) + " in a format is too large",
                      "keep it below one million");
  return value;
}

// `rest` begins with the character that is no conversion; it may take several bytes.
tl::unexpected<base::Error> unknown(std::string_view rest) {
  std::size_t size = 0;
  next_code(rest, size);
  return format_error(fmt::format("Conversion = '{}'", rest.substr(0, size)),
                      "use one of %s %d %x %o %f %e %g %b %h %c %n, and %% for a percent sign");
}

std::string_view leading_digits(std::string_view text) {
  return text.substr(0, std::min(text.find_first_not_of("0123456789"), text.size()));
}

// Reads the specifier that begins at fmt[0] == '%'.
base::Result<FormatSpec> parse(std::string_view fmt) {
  FormatSpec spec;
  std::size_t at = 1;
  // What Java names when the text ends early: the character after the percent sign.
  auto cut_short = [&] { return unknown(fmt.substr(fmt.size() > 1 ? 1 : 0)); };
  std::string_view digits = leading_digits(fmt.substr(at));
  if (!digits.empty() && at + digits.size() < fmt.size() && fmt[at + digits.size()] == '$') {
    spec.index = WEFT_TRY(number(digits, "argument index"));
    if (spec.index == 0) return format_error("Illegal format argument index = 0", "arguments count from 1");
    at += digits.size() + 1;
  }
  for (; at < fmt.size() && std::string_view("-#+ 0,(<").find(fmt[at]) != std::string_view::npos; ++at) {
    if (fmt[at] == '<') {
      spec.index = -1;
      continue;
    }
    if (spec.has(fmt[at])) return format_error(std::string("Flags = '") + fmt[at] + "'", "give each flag once");
    spec.flags += fmt[at];
  }
  digits = leading_digits(fmt.substr(at));
  if (!digits.empty()) spec.width = WEFT_TRY(number(digits, "width"));
  at += digits.size();
  if (at < fmt.size() && fmt[at] == '.') {
    digits = leading_digits(fmt.substr(at + 1));
    if (digits.empty()) return unknown(".");
    spec.precision = WEFT_TRY(number(digits, "precision"));
    at += 1 + digits.size();
  }
  if (at >= fmt.size()) return cut_short();
  char c = fmt[at];
  spec.text = std::string(fmt.substr(0, at + 1));
  spec.upper = std::string_view("BCEGHSX").find(c) != std::string_view::npos;
  spec.conversion = spec.upper ? static_cast<char>(c - 'A' + 'a') : c;
  if (std::string_view("aAtT").find(c) != std::string_view::npos)
    return base::fail(base::Errc::invalid,
                      "format conversion '" + spec.text + "' (hexadecimal floating point, dates) is not supported",
                      "use %s, %e or %f");
  if (std::string_view("bcdefghnosx%").find(spec.conversion) == std::string_view::npos) return unknown(fmt.substr(at));
  WEFT_TRY(check_spec(spec));
  return spec;
}

std::string_view class_name(const FormatArg& arg) {
  constexpr std::string_view names[] = {"java.lang.Boolean", "java.lang.Long", "java.lang.Double", "java.lang.String"};
  return names[arg.index()];
}

std::string plain_text(const FormatArg& arg) {
  if (auto* v = std::get_if<bool>(&arg)) return *v ? "true" : "false";
  if (auto* v = std::get_if<std::int64_t>(&arg)) return std::to_string(*v);
  if (auto* v = std::get_if<double>(&arg)) return double_text(*v);
  return std::string(std::get<std::string_view>(arg));
}

// Object.hashCode() of the boxed value, in hexadecimal.
std::string hash_text(const FormatArg& arg) {
  std::uint32_t hash = 0;
  auto fold = [](std::uint64_t bits) { return static_cast<std::uint32_t>(bits ^ (bits >> 32)); };
  if (auto* v = std::get_if<bool>(&arg)) hash = *v ? 1231 : 1237;
  if (auto* v = std::get_if<std::int64_t>(&arg)) hash = fold(static_cast<std::uint64_t>(*v));
  if (auto* v = std::get_if<double>(&arg)) hash = fold(*v != *v ? 0x7ff8000000000000ULL : std::bit_cast<std::uint64_t>(*v));
  if (auto* v = std::get_if<std::string_view>(&arg)) {
    for (std::size_t at = 0; at < v->size();) {
      auto lead = static_cast<unsigned char>((*v)[at]);
      std::size_t bytes = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
      std::uint32_t code = bytes == 1 ? lead : lead & (0x7fU >> bytes);
      for (std::size_t i = 1; i < bytes && at + i < v->size(); ++i)
        code = code << 6 | (static_cast<unsigned char>((*v)[at + i]) & 0x3f);
      if (code < 0x10000) {
        hash = hash * 31 + code;
      } else {
        hash = hash * 31 + (0xd800 + ((code - 0x10000) >> 10));
        hash = hash * 31 + (0xdc00 + ((code - 0x10000) & 0x3ff));
      }
      at += bytes;
    }
  }
  char buffer[16];
  return std::string(buffer, std::to_chars(buffer, buffer + sizeof buffer, hash, 16).ptr);
}

base::Result<std::string> argument_text(const FormatSpec& spec, const FormatArg& arg) {
  auto cut = [&](std::string text) {
    if (spec.precision < 0 || utf16_length(text) <= static_cast<std::size_t>(spec.precision)) return text;
    return utf16_substr(text, 0, static_cast<std::size_t>(spec.precision));
  };
  auto* integer = std::get_if<std::int64_t>(&arg);
  auto* real = std::get_if<double>(&arg);
  switch (spec.conversion) {
    case 's':
      if (spec.has('#'))
        return format_error(std::string("Conversion = ") + spec.conversion + ", Flags = #", "leave out the flag #");
      return cut(plain_text(arg));
    case 'b': return cut(std::holds_alternative<bool>(arg) ? plain_text(arg) : "true");
    case 'h': return cut(hash_text(arg));
    case 'd':
    case 'o':
    case 'x':
      if (integer) return integer_text(spec, *integer);
      break;
    case 'e':
    case 'f':
    case 'g':
      if (real) return real_text(spec, *real);
      break;
    default: break;
  }
  return format_error(std::string(1, spec.conversion) + " != " + std::string(class_name(arg)),
                      "the conversion does not fit the argument's type: convert it, or use %s");
}

}  // namespace

// Flags in Java's order; '^' says the conversion was a capital.
static std::string shown_flags(const FormatSpec& spec, bool with_upper) {
  std::string shown;
  for (char flag : std::string_view("-^#+ 0,("))
    if (flag == '^' ? spec.upper && with_upper : spec.has(flag)) shown += flag;
  return shown;
}

// The specifier as Java's messages write it: its parts in a fixed order.
static std::string shown_spec(const FormatSpec& spec) {
  std::string shown = "%" + shown_flags(spec, false);
  if (spec.index < 0) shown += '<';
  if (spec.index > 0) shown += std::to_string(spec.index) + "$";
  if (spec.width >= 0) shown += std::to_string(spec.width);
  if (spec.precision >= 0) shown += "." + std::to_string(spec.precision);
  return shown + static_cast<char>(spec.upper ? spec.conversion - 'a' + 'A' : spec.conversion);
}

tl::unexpected<base::Error> format_error(std::string message, std::string_view advice) {
  return base::fail(base::Errc::invalid, std::move(message), std::string(advice));
}

base::Result<> check_spec(const FormatSpec& spec) {
  auto mismatch = [&](std::string_view bad) -> base::Result<> {
    for (char flag : bad)
      if (spec.has(flag))
        return format_error(std::string("Conversion = ") + spec.conversion + ", Flags = " + flag,
                            std::string("leave out the flag '") + flag + "'");
    return {};
  };
  auto no_precision = [&]() -> base::Result<> {
    if (spec.precision >= 0) return format_error(std::to_string(spec.precision), "this conversion takes no precision");
    return {};
  };
  auto needs_width = [&](std::string_view flags) -> base::Result<> {
    for (char flag : flags)
      if (spec.has(flag) && spec.width < 0)
        return format_error(shown_spec(spec), std::string("the flag '") + flag + "' needs a width");
    return {};
  };
  auto bad_flags = [&] {
    return format_error("Flags = '" + shown_flags(spec, true) + (spec.index < 0 ? "<'" : "'"),
                        "these flags exclude each other or do nothing here");
  };
  switch (spec.conversion) {
    case 'n':
      WEFT_TRY(no_precision());
      if (spec.width >= 0) return format_error(std::to_string(spec.width), "%n takes no width");
      if (!spec.flags.empty() || spec.index < 0) return bad_flags();
      return {};
    case '%':
      WEFT_TRY(no_precision());
      if ((!spec.flags.empty() && spec.flags != "-") || spec.index < 0) return bad_flags();
      return needs_width("-");
    case 'b':
    case 'h':
    case 's':
      if (spec.conversion != 's') WEFT_TRY(mismatch("#"));
      WEFT_TRY(needs_width("-"));
      return mismatch("+ 0,(");
    case 'c':
      WEFT_TRY(no_precision());
      WEFT_TRY(mismatch("#+ 0,("));
      return needs_width("-");
    default: break;
  }
  WEFT_TRY(needs_width("-0"));
  if ((spec.has('+') && spec.has(' ')) || (spec.has('-') && spec.has('0'))) return bad_flags();
  switch (spec.conversion) {
    case 'd': WEFT_TRY(no_precision()); return mismatch("#");
    case 'o':
    case 'x': WEFT_TRY(no_precision()); return mismatch(",( +");
    case 'e': return mismatch(",");
    case 'g': return mismatch("#");
    default: return {};
  }
}

base::Result<std::string> format(std::string_view fmt, std::span<const FormatArg> args) {
  // The whole format is read before any argument is looked at, as Java does: a bad specifier is reported first.
  struct Piece {
    std::string_view literal;
    std::optional<FormatSpec> spec;
  };
  std::vector<Piece> pieces;
  while (!fmt.empty()) {
    std::size_t percent = std::min(fmt.find('%'), fmt.size());
    Piece& piece = pieces.emplace_back(Piece{fmt.substr(0, percent), std::nullopt});
    fmt.remove_prefix(percent);
    if (fmt.empty()) break;
    piece.spec = WEFT_TRY(parse(fmt));
    fmt.remove_prefix(piece.spec->text.size());
  }
  std::string out;
  int ordinary = 0, last = 0;
  for (const Piece& piece : pieces) {
    out += piece.literal;
    if (!piece.spec) break;
    const FormatSpec& spec = *piece.spec;
    if (spec.conversion == 'n') {
      out += '\n';
      continue;
    }
    if (spec.conversion == '%') {
      append_padded(spec, "%", out);
      continue;
    }
    int index = spec.index > 0 ? spec.index : spec.index < 0 ? last : ++ordinary;
    if (index < 1 || static_cast<std::size_t>(index) > args.size())
      return format_error("Format specifier '" + shown_spec(spec) + "'",
                          "the format asks for more arguments than there are (" + std::to_string(args.size()) + " given)");
    last = index;
    std::string text = WEFT_TRY(argument_text(spec, args[static_cast<std::size_t>(index - 1)]));
    append_padded(spec, spec.upper ? to_uppercase(text) : text, out);
    if (out.size() > kMaxResult)
      return base::fail(base::Errc::exhausted, "the formatted text is larger than " + std::to_string(kMaxResult) + " bytes",
                        "format shorter texts or smaller widths");
  }
  return out;
}

}  // namespace cdb::pan::java
