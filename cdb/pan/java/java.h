// What users of Pan see of Java: the reference compiler runs on the JVM, so number texts, format(), regular expressions, string
// indexes and case rules are Java's. Used by cdb/pan (evaluator, writers) only. Strings are valid UTF-8 in and out; lengths and
// positions marked "UTF-16" count UTF-16 units as java.lang.String does. Pure functions and shareable values, any thread; wrong
// input is a Result error whose message is the text Java gives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/diag/result.h"

namespace cdb::pan::java {

// ---- numbers

// Double.toString: "1.0", "0.001", "1.0E-5", "1.23456789E8", "-0.0", "NaN", "Infinity". Shortest digits that read back.
std::string double_text(double value);
// Long.parseLong(text, radix) for radix 2..36; empty when the text is no such number or does not fit 64 bits.
std::optional<std::int64_t> parse_long(std::string_view text, int radix = 10);
// Long.decode: optional sign, then decimal, 0x.., 0X.., #.. (hexadecimal) or 0.. (octal): what to_long() accepts.
std::optional<std::int64_t> decode_long(std::string_view text);
// Double.parseDouble: blanks around are ignored; "1", "1.5e3", "NaN", "-Infinity", a final d or f, hexadecimal "0x1.8p1".
std::optional<double> parse_double(std::string_view text);

// ---- format()

using FormatArg = std::variant<bool, std::int64_t, double, std::string_view>;
// String.format with an English locale. Conversions b c d e f g h n o s x % and their capitals, flags "-+ 0,(#<", width,
// precision,
// "%2$s". Rounds half up on the decimal text. %a and %t are refused.
base::Result<std::string> format(std::string_view fmt, std::span<const FormatArg> args);

// ---- regular expressions

// java.util.regex.Pattern on PCRE2. The pattern is translated: what PCRE2 would read otherwise is rewritten, what it cannot do
// (look-behind of variable length, \G, (?U)) is refused, nothing gets another meaning. A match that needs too many steps
// is an error (Errc::exhausted), so no pattern can hang a compile. Immutable; cheap to copy; any number of threads.
class Regex {
 public:
  // flags: letters of Java's inline flags, "idmsux" in any order.
  static base::Result<Regex> compile(std::string_view pattern, std::string_view flags = {});

  // Matcher.find(): somewhere in the subject.
  base::Result<bool> find(std::string_view subject) const;
  // Matcher.matches(): the whole subject.
  base::Result<bool> full_match(std::string_view subject) const;
  // First find() with its groups: [0] the whole match, unmatched groups empty. No value when nothing is found. Views into
  // subject.
  base::Result<std::optional<std::vector<std::string_view>>> groups(std::string_view subject) const;
  // Matcher.replaceAll: $1 and ${name} are groups, a backslash takes the next character literally.
  base::Result<std::string> replace_all(std::string_view subject, std::string_view replacement) const;
  // Pattern.split: limit 0 drops trailing empty pieces, negative keeps them, positive is the largest number of pieces.
  base::Result<std::vector<std::string>> split(std::string_view subject, std::int64_t limit = 0) const;

  struct Impl;

 private:
  explicit Regex(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

// ---- strings

std::size_t utf16_length(std::string_view s);
// length() UTF-16 units from `start`, both within the string (the caller checked against utf16_length). Half of a surrogate pair
// becomes '?', as Java writes it out.
std::string utf16_substr(std::string_view s, std::size_t start, std::size_t length);
// Position of the first occurrence in UTF-16 units, or npos.
std::size_t utf16_index(std::string_view s, std::string_view needle, std::size_t from = 0);
// String.compareTo: by UTF-16 units (differs from bytes where U+E000..U+FFFF meets characters beyond the BMP). <0, 0, >0.
int utf16_compare(std::string_view a, std::string_view b);
// String.toLowerCase/toUpperCase(Locale.ROOT) for all of Unicode, with final sigma and sharp s.
std::string to_lowercase(std::string_view s);
std::string to_uppercase(std::string_view s);

// Pan's escape(): [A-Za-z0-9] stay (a leading digit does not), all else becomes _xx; "" becomes "_". Code points from 256 on
// fail.
base::Result<std::string> escape(std::string_view s);
// Inverse; what is no escape sequence stays as it is.
std::string unescape(std::string_view s);

// Base64 in lines of 76 columns; each full line ends in LF, as the reference's base64_encode gives.
std::string base64_encode(std::string_view data);
// As lax as the reference: blanks and line ends are skipped, text behind padding and a last incomplete group are ignored. Any
// bytes.
base::Result<std::string> base64_decode(std::string_view text);

// A JSON string with its quotes as Gson writes it: < > & = ' as \u00xx, U+2028/2029 escaped, other characters raw.
std::string json_quote(std::string_view s);
// Is every character allowed in XML 1.0 text? (If not, the writers use encoding="base64".)
bool xml_representable(std::string_view s);
// &lt; &gt; &amp;, control characters but tab and LF, and characters beyond the BMP as decimal references; quotes stay.
std::string xml_text(std::string_view s);

}  // namespace cdb::pan::java
