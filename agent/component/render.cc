#include "agent/component/render.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/profile/json.h"
#include "base/text/text.h"
#include "base/yaml/yaml.h"

namespace agent::component {

using base::Errc;
using base::fail;
using base::Result;

namespace {

std::string leaf_text(const Value& leaf) {
  if (leaf.is_null()) return {};
  return leaf.string() ? *leaf.string() : base::profile::to_json(leaf);
}

// Formats of one value per line: a line break in a value would make a line of its own.
Result<std::string> one_line(std::string_view key, const Value& leaf) {
  auto text = leaf_text(leaf);
  if (text.find_first_of("\n\r") != text.npos)
    return fail(Errc::invalid, fmt::format("the value of '{}' holds a line break, which this format cannot", key));
  return text;
}

Result<> check_key(std::string_view key) {
  if (key.empty() || key.find_first_of("\n\r=[]") != key.npos)
    return fail(Errc::invalid, fmt::format("'{}' cannot be a key in this format", key));
  return {};
}

std::string properties_escape(std::string_view text, bool key) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    switch (c) {
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case ' ': out += key || i == 0 ? "\\ " : " "; break;
      case ':':
      case '=':
      case '#':
      case '!':
        if (key) out += '\\';
        out += c;
        break;
      default: out += c;
    }
  }
  return out;
}

Result<> properties(const std::string& prefix, const Value& value, std::string& out) {
  if (const auto* dict = value.dict()) {
    for (const auto& [key, child] : *dict) WEFT_TRY(properties(prefix.empty() ? key : prefix + "." + key, child, out));
    return {};
  }
  std::string text;
  if (const auto* list = value.list()) {
    std::vector<std::string> words;
    for (const auto& item : *list) {
      if (!item.is_leaf())
        return fail(Errc::invalid, fmt::format("'{}' is a list of lists or dicts, which properties cannot hold", prefix));
      words.push_back(leaf_text(item));
    }
    text = base::text::join(words, ",");
  } else {
    text = leaf_text(value);
  }
  if (prefix.empty()) return fail(Errc::invalid, "the contents are no dict");
  out += properties_escape(prefix, true) + "=" + properties_escape(text, false) + "\n";
  return {};
}

Result<std::string> tiny(const base::profile::Dict& dict) {
  std::string out;
  for (const auto& [key, value] : dict) {
    if (value.is_dict()) continue;
    WEFT_TRY(check_key(key));
    if (!value.is_leaf())
      return fail(Errc::invalid, fmt::format("'{}' is a list, which the module tiny cannot hold", key),
                  "use convert joincomma or joinspace");
    out += key + "=" + WEFT_TRY(one_line(key, value)) + "\n";
  }
  for (const auto& [section, value] : dict) {
    if (!value.dict()) continue;
    WEFT_TRY(check_key(section));
    if (!out.empty()) out += "\n";
    out += "[" + section + "]\n";
    for (const auto& [key, leaf] : *value.dict()) {
      WEFT_TRY(check_key(key));
      if (!leaf.is_leaf())
        return fail(Errc::invalid,
                    fmt::format("'{}/{}' is a {}: the module tiny has two levels only", section, key, type_name(leaf.type())));
      out += key + "=" + WEFT_TRY(one_line(key, leaf)) + "\n";
    }
  }
  return out;
}

Result<> general(const std::string& key, const Value& value, int depth, std::string& out) {
  std::string margin(static_cast<std::size_t>(depth) * 4, ' ');
  if (key.empty() || key.find_first_of("\n\r<>") != key.npos)
    return fail(Errc::invalid, fmt::format("'{}' cannot be a key in this format", key));
  if (const auto* dict = value.dict()) {
    out += margin + "<" + key + ">\n";
    for (const auto& [name, child] : *dict) WEFT_TRY(general(name, child, depth + 1, out));
    out += margin + "</" + key.substr(0, key.find(' ')) + ">\n";
  } else if (const auto* list = value.list()) {
    for (const auto& item : *list) {
      if (item.is_list())
        return fail(Errc::invalid, fmt::format("'{}' is a list of lists, which the module general cannot hold", key));
      WEFT_TRY(general(key, item, depth, out));
    }
  } else {
    out += margin + key + " " + WEFT_TRY(one_line(key, value)) + "\n";
  }
  return {};
}

}  // namespace

Result<std::string> render_contents(std::string_view module, const Value& contents) {
  static const std::vector<std::string> known{"json", "jsonpretty", "yaml", "properties", "tiny", "general"};
  if (std::find(known.begin(), known.end(), module) == known.end())
    return fail(Errc::invalid,
                fmt::format("this agent has no module '{}'{}", module, base::text::did_you_mean_suffix(module, known)),
                "use one of " + base::text::join(known, ", "));
  if (module == "json") return base::profile::to_json(contents) + "\n";
  if (module == "jsonpretty") return base::profile::to_json_pretty(contents);
  if (module == "yaml") {
    auto text = base::yaml::render(contents);
    if (!text.ends_with('\n')) text += '\n';
    return text;
  }
  if (!contents.dict())
    return fail(Errc::invalid, fmt::format("the contents are a {}, expected a dict", type_name(contents.type())));
  if (module == "tiny") return tiny(*contents.dict());
  std::string out;
  if (module == "properties") {
    WEFT_TRY(properties({}, contents, out));
  } else {
    for (const auto& [key, value] : *contents.dict()) WEFT_TRY(general(key, value, 0, out));
  }
  return out;
}

}  // namespace agent::component
