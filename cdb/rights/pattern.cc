#include "cdb/rights/pattern.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/profile/json.h"
#include "base/profile/path.h"
#include "base/text/text.h"

namespace cdb::rights {
namespace {

using base::Errc;
using base::fail;

constexpr std::size_t max_parts = 64;

// `rest` parts match any number of words. Only the last one met is tried again, so the cost is words times parts.
template <class Parts, class Words, class Rest, class Match>
bool match_all(const Parts& parts, const Words& words, const Rest& rest, const Match& match) {
  std::size_t part = 0, word = 0, again_part = parts.size(), again_word = 0;
  while (word < words.size()) {
    if (part < parts.size() && rest(parts[part])) {
      again_part = part++;
      again_word = word;
    } else if (part < parts.size() && match(parts[part], words[word])) {
      ++part;
      ++word;
    } else if (again_part < parts.size()) {
      part = again_part + 1;
      word = ++again_word;
    } else {
      return false;
    }
  }
  while (part < parts.size() && rest(parts[part])) ++part;
  return part == parts.size();
}

base::Result<> check_part(std::string_view part, std::string_view whole) {
  if (part.empty()) return fail(Errc::invalid, fmt::format("'{}' has an empty part", whole), "write one / between two parts");
  if (part != "**" && part.find("**") != std::string_view::npos)
    return fail(Errc::invalid, fmt::format("'{}': ** must be a part of its own", whole), "for example /software/**");
  return {};
}

}  // namespace

base::Result<PathPattern> PathPattern::parse(std::string_view text) {
  PathPattern out;
  out.text_ = text;
  if (!text.starts_with('/') || text.size() < 2) {
    return fail(Errc::invalid, fmt::format("'{}' is no path pattern", text),
                "it begins with /, for example /software/components/**; all values are /**");
  }
  while (!text.empty()) {
    text.remove_prefix(1);
    Part part;
    if (text.starts_with('{')) {
      auto end = text.find("}/");
      if (end == std::string_view::npos && text.ends_with('}')) end = text.size() - 1;
      if (end == std::string_view::npos) return fail(Errc::invalid, fmt::format("'{}': a '{{' is not closed", out.text_));
      part.kind = Part::Kind::unescaped;
      part.glob = text.substr(1, end - 1);
      text.remove_prefix(end + 1);
      if (part.glob.empty()) return fail(Errc::invalid, fmt::format("'{}' has an empty part", out.text_));
    } else {
      const auto end = std::min(text.find('/'), text.size());
      part.glob = text.substr(0, end);
      text.remove_prefix(end);
      WEFT_TRY(check_part(part.glob, out.text_));
      if (part.glob == "**") part.kind = Part::Kind::rest;
    }
    out.parts_.push_back(std::move(part));
  }
  if (out.parts_.size() > max_parts) return fail(Errc::invalid, fmt::format("'{}' has more than {} parts", out.text_, max_parts));
  return out;
}

bool PathPattern::matches(const std::vector<std::string>& parts) const {
  return match_all(
      parts_, parts, [](const Part& part) { return part.kind == Part::Kind::rest; },
      [](const Part& part, const std::string& word) {
        return base::text::glob_match(part.glob, part.kind == Part::Kind::unescaped ? base::profile::unescape(word) : word);
      });
}

base::Result<FilePattern> FilePattern::parse(std::string_view text) {
  FilePattern out;
  out.text_ = text;
  if (text.empty() || text.starts_with('/'))
    return fail(Errc::invalid, fmt::format("'{}' is no pattern of files", text),
                "paths count from the root of the branch: site/**");
  out.parts_ = base::text::split(text, '/');
  for (const auto& part : out.parts_) WEFT_TRY(check_part(part, text));
  if (out.parts_.size() > max_parts) return fail(Errc::invalid, fmt::format("'{}' has more than {} parts", text, max_parts));
  return out;
}

bool FilePattern::matches(std::string_view path) const {
  return match_all(
      parts_, base::text::split(path, '/'), [](const std::string& part) { return part == "**"; },
      [](const std::string& part, const std::string& word) { return base::text::glob_match(part, word); });
}

std::string attribute_text(const base::profile::Value& attributes, std::string_view name) {
  const auto* value = attributes.get(name);
  if (!value || !value->is_leaf() || value->is_null()) return {};
  return value->is_string() ? *value->string() : base::profile::to_json(*value);
}

bool Selector::matches(const NodeView& node) const {
  if (all) return true;
  if (wanted.empty()) return false;
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& one) {
    const auto text = one.first == "name" ? std::string(node.name) : attribute_text(node.attributes, one.first);
    return !text.empty() && std::any_of(one.second.begin(), one.second.end(),
                                        [&](const auto& glob) { return base::text::glob_match(glob, text); });
  });
}

std::string Selector::text() const {
  if (all) return "all nodes";
  std::string out;
  for (const auto& [name, globs] : wanted)
    out += fmt::format("{}{}={}", out.empty() ? "" : ", ", name, base::text::join(globs, "|"));
  return out;
}

}  // namespace cdb::rights
