#include "agent/component/convert.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/profile/json.h"
#include "base/profile/path.h"
#include "base/text/text.h"

namespace agent::component {

using base::Errc;
using base::fail;
using base::Result;
using base::profile::Dict;
using base::profile::List;

namespace {

struct Options {
  std::string yes, no;  // words for booleans, empty: leave
  char quote = 0;
  std::string join;
  bool unescape_keys = false;
  int letter_case = 0;  // -1 lower, 1 upper
};

std::string changed_case(std::string text, int letter_case) {
  if (letter_case)
    std::transform(text.begin(), text.end(), text.begin(),
                   [&](unsigned char c) { return static_cast<char>(letter_case < 0 ? std::tolower(c) : std::toupper(c)); });
  return text;
}

std::string plain(const Value& leaf) {
  return leaf.string() ? *leaf.string() : base::profile::to_json(leaf);
}

Value apply(const Value& value, const Options& options) {
  if (const auto* dict = value.dict()) {
    Dict out;
    for (const auto& [key, child] : *dict)
      out[changed_case(options.unescape_keys ? base::profile::unescape(key) : key, options.letter_case)] = apply(child, options);
    return out;
  }
  if (const auto* list = value.list()) {
    List out;
    for (const auto& child : *list) out.push_back(apply(child, options));
    bool leaves = std::all_of(out.begin(), out.end(), [](const Value& child) { return child.is_leaf(); });
    if (options.join.empty() || !leaves) return out;
    std::vector<std::string> words;
    for (const auto& child : out) words.push_back(plain(child));
    return base::text::join(words, options.join);
  }
  if (const auto* truth = value.boolean(); truth && !options.yes.empty()) return *truth ? options.yes : options.no;
  if (const auto* text = value.string(); text && options.quote) return options.quote + *text + options.quote;
  return value;
}

}  // namespace

Result<Value> convert(const Value& contents, const Value* options) {
  if (!options) return contents;
  if (!options->dict()) return fail(Errc::invalid, "field 'convert' is no dict");
  Options chosen;
  int booleans = 0, quotes = 0, joins = 0, cases = 0;
  for (const auto& [name, value] : *options->dict()) {
    if (!value.boolean()) return fail(Errc::invalid, "convert option '" + name + "' is no boolean");
    if (!*value.boolean()) continue;
    auto words = [&](const char* yes, const char* no) {
      chosen.yes = yes;
      chosen.no = no;
      ++booleans;
    };
    if (name == "yesno")
      words("yes", "no");
    else if (name == "YESNO")
      words("YES", "NO");
    else if (name == "truefalse")
      words("true", "false");
    else if (name == "TRUEFALSE")
      words("TRUE", "FALSE");
    else if (name == "doublequote")
      chosen.quote = '"', ++quotes;
    else if (name == "singlequote")
      chosen.quote = '\'', ++quotes;
    else if (name == "joincomma")
      chosen.join = ",", ++joins;
    else if (name == "joinspace")
      chosen.join = " ", ++joins;
    else if (name == "unescapekey")
      chosen.unescape_keys = true;
    else if (name == "lowerkey")
      chosen.letter_case = -1, ++cases;
    else if (name == "upperkey")
      chosen.letter_case = 1, ++cases;
    else
      return fail(Errc::invalid, "unknown convert option '" + name + "'");
  }
  if (booleans > 1 || quotes > 1 || joins > 1 || cases > 1)
    return fail(Errc::invalid, "two convert options contradict each other");
  return apply(contents, chosen);
}

}  // namespace agent::component
