#include <algorithm>
#include <string>

#include "cdb/pan/java/java.h"
#include "cdb/pan/java/regex_translate.h"

namespace cdb::pan::java {
namespace {

struct Named {
  std::string_view name;
  std::string_view body;  // ASCII range pairs, or a PCRE2 class body when it starts with a backslash
};

// java.util.regex: POSIX names are ASCII unless (?U).
constexpr Named kPosix[] = {
    {"Lower", "az"},
    {"Upper", "AZ"},
    {"ASCII", {"\x00\x7f", 2}},
    {"Alpha", "azAZ"},
    {"Digit", "09"},
    {"Alnum", "azAZ09"},
    {"Punct", "!/:@[`{~"},
    {"Graph", "!~"},
    {"Print", " ~"},
    {"Blank", "  \t\t"},
    {"Cntrl", {"\x00\x1f\x7f\x7f", 4}},
    {"XDigit", "09afAF"},
    {"Space", "\t\r  "},
};

constexpr std::string_view kCategories[] = {"L",  "Lu", "Ll", "Lt", "Lm", "Lo", "M",  "Mn", "Me", "Mc", "N",  "Nd", "Nl",
                                            "No", "Z",  "Zs", "Zl", "Zp", "C",  "Cc", "Cf", "Co", "Cs", "Cn", "P",  "Pd",
                                            "Ps", "Pe", "Pc", "Po", "Pi", "Pf", "S",  "Sm", "Sc", "Sk", "So"};

constexpr Named kJava[] = {
    {"javaLowerCase", "\\p{Lowercase}"},
    {"javaUpperCase", "\\p{Uppercase}"},
    {"javaAlphabetic", "\\p{Alphabetic}"},
    {"javaIdeographic", "\\p{Ideographic}"},
    {"javaTitleCase", "\\p{Lt}"},
    {"javaDigit", "\\p{Nd}"},
    {"javaLetter", "\\p{L}"},
    {"javaLetterOrDigit", "\\p{L}\\p{Nd}"},
    {"javaSpaceChar", "\\p{Z}"},
    {"javaDefined", "\\P{Cn}"},
    {"javaJavaIdentifierStart", "\\p{L}\\p{Nl}\\p{Sc}\\p{Pc}"},
    {"javaJavaIdentifierPart",
     "\\p{L}\\p{Nl}\\p{Sc}\\p{Pc}\\p{Nd}\\p{Mc}\\p{Mn}\\p{Cf}\\x{0}-\\x{8}\\x{e}-\\x{1b}\\x{7f}-\\x{9f}"},
    {"LC", "\\p{L&}"},
    {"LD", "\\p{L}\\p{Nd}"},
};

// \p{IsNAME}, compared without case and underscores.
constexpr Named kUnicode[] = {
    {"ALPHABETIC", "\\p{Alphabetic}"},
    {"LETTER", "\\p{L}"},
    {"IDEOGRAPHIC", "\\p{Ideographic}"},
    {"LOWERCASE", "\\p{Lowercase}"},
    {"UPPERCASE", "\\p{Uppercase}"},
    {"TITLECASE", "\\p{Lt}"},
    {"WHITESPACE", "\\p{White_Space}"},
    {"CONTROL", "\\p{Cc}"},
    {"PUNCTUATION", "\\p{P}"},
    {"DIGIT", "\\p{Nd}"},
    {"LOWER", "\\p{Lowercase}"},
    {"UPPER", "\\p{Uppercase}"},
    {"ALPHA", "\\p{Alphabetic}"},
    {"SPACE", "\\p{White_Space}"},
    {"PUNCT", "\\p{P}"},
    {"CNTRL", "\\p{Cc}"},
    {"ASSIGNED", "\\P{Cn}"},
    {"JOINCONTROL", "\\x{200c}\\x{200d}"},
    {"HEXDIGIT", "0-9A-Fa-f\\x{ff10}-\\x{ff19}\\x{ff21}-\\x{ff26}\\x{ff41}-\\x{ff46}"},
};

template <std::size_t N>
const Named* find(const Named (&table)[N], std::string_view name) {
  auto found = std::find_if(std::begin(table), std::end(table), [&](const Named& row) { return row.name == name; });
  return found == std::end(table) ? nullptr : found;
}

base::Result<CharSet> unknown(std::string_view name) {
  return base::fail(base::Errc::invalid, "Unknown character property name {" + std::string(name) + "}",
                    "use a POSIX name (Alpha, Alnum, Punct...), a Unicode category (L, Lu, Nd...) or IsSCRIPT");
}

// POSIX names, categories, java* names.
base::Result<CharSet> plain(std::string_view name, std::string_view shown, bool caseless) {
  if (caseless && (name == "Lower" || name == "Upper")) name = "Alpha";
  if (auto* row = find(kPosix, name)) return CharSet::of(row->body);
  bool cased = name == "Lu" || name == "Ll" || name == "Lt" || name == "javaLowerCase" || name == "javaUpperCase" ||
               name == "javaTitleCase";
  if (caseless && cased) return CharSet::property(name.size() == 2 ? "\\p{L&}" : "\\p{Lowercase}\\p{Uppercase}\\p{Lt}");
  if (std::find(std::begin(kCategories), std::end(kCategories), name) != std::end(kCategories))
    return CharSet::property("\\p{" + std::string(name) + "}");
  if (auto* row = find(kJava, name)) return CharSet::property(std::string(row->body));
  if (name == "L1") return CharSet::of(0, 0xff);
  if (name == "all") return CharSet::all();
  if (name == "javaISOControl") {
    CharSet set = CharSet::of(0, 0x1f);
    set.add(0x7f, 0x9f);
    return set;
  }
  if (name == "javaWhitespace") {
    // Space separators that break lines, and the ASCII separators.
    CharSet set = CharSet::of('\t', '\r');
    for (auto [first, last] : {std::pair<char32_t, char32_t>{0x1c, 0x20},
                               {0x1680, 0x1680},
                               {0x2000, 0x2006},
                               {0x2008, 0x200a},
                               {0x2028, 0x2029},
                               {0x205f, 0x205f},
                               {0x3000, 0x3000}})
      set.add(first, last);
    return set;
  }
  return unknown(shown);
}

base::Result<CharSet> script(std::string_view name) {
  // PCRE2 refuses names it does not know; only the shape is checked here, so that nothing else gets into the pattern.
  if (name.empty() ||
      !std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }))
    return unknown(name);
  return CharSet::property("\\p{sc:" + std::string(name) + "}");
}

}  // namespace

base::Result<CharSet> property_set(std::string_view name, bool caseless) {
  if (auto equals = name.find('='); equals != name.npos) {
    std::string key = to_lowercase(name.substr(0, equals));
    std::string_view value = name.substr(equals + 1);
    if (key == "sc" || key == "script") return script(value);
    if (key == "blk" || key == "block") return block_set(value);
    if (key == "gc" || key == "general_category") return plain(value, name, caseless);
    return unknown(name);
  }
  if (name.starts_with("In")) return block_set(name.substr(2));
  if (!name.starts_with("Is")) return plain(name, name, caseless);
  std::string_view inner = name.substr(2);
  std::string folded = to_uppercase(inner);
  std::erase(folded, '_');
  if (auto* row = find(kUnicode, folded)) {
    if (caseless && (folded.starts_with("LOWER") || folded.starts_with("UPPER") || folded == "TITLECASE"))
      return CharSet::property("\\p{Lowercase}\\p{Uppercase}\\p{Lt}");
    return CharSet::property(std::string(row->body));
  }
  // Behind "Is" the other POSIX names take their Unicode meaning, which PCRE2 has no names for.
  if (find(kPosix, inner)) return unknown(name);
  if (auto set = plain(inner, name, caseless)) return set;
  return script(inner);
}

}  // namespace cdb::pan::java
