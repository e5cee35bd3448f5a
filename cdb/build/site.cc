#include "cdb/build/site.h"

#include <algorithm>
#include <span>

#include <fmt/format.h>

#include "base/text/text.h"
#include "base/yaml/yaml.h"
#include "cdb/store/template_path.h"

namespace cdb::build {
namespace {

constexpr std::string_view example = "for example:\n    include_path: [\".\"]\n    objects: [\"profiles/*.pan\"]";

base::Result<std::vector<std::string>> strings(const base::profile::Value& yaml, std::string_view key) {
  const auto* value = yaml.get(key);
  const auto* list = value ? value->list() : nullptr;
  if (!list || list->empty())
    return base::fail(base::Errc::invalid, fmt::format("weft.yaml: '{}' must be a list that is not empty", key),
                      std::string(example));
  std::vector<std::string> out;
  for (const auto& item : *list) {
    if (!item.is_string())
      return base::fail(base::Errc::invalid, fmt::format("weft.yaml: '{}' holds something other than strings", key),
                        std::string(example));
    out.push_back(*item.string());
  }
  return out;
}

bool match(std::span<const std::string> pattern, std::span<const std::string> path) {
  if (pattern.empty()) return path.empty();
  if (pattern.front() == "**") {
    for (std::size_t skip = 0; skip <= path.size(); ++skip) {
      if (match(pattern.subspan(1), path.subspan(skip))) return true;
    }
    return false;
  }
  return !path.empty() && base::text::glob_match(pattern.front(), path.front()) && match(pattern.subspan(1), path.subspan(1));
}

}  // namespace

bool Site::is_object(std::string_view path) const {
  const auto parts = base::text::split(path, '/');
  return std::any_of(objects.begin(), objects.end(),
                     [&](const auto& pattern) { return match(base::text::split(pattern, '/'), parts); });
}

base::Result<Site> parse_site(std::string_view text) {
  const auto yaml = WEFT_TRY(base::yaml::parse(text, Site::file));
  if (!yaml.is_dict()) return base::fail(base::Errc::invalid, "weft.yaml must be a mapping", std::string(example));
  static const std::vector<std::string> keys{"include_path", "objects"};
  for (const auto& [key, value] : *yaml.dict()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      return base::fail(base::Errc::invalid,
                        fmt::format("weft.yaml: unknown key '{}'{}", key, base::text::did_you_mean_suffix(key, keys)),
                        std::string(example));
    }
  }
  Site site;
  site.include_path = WEFT_TRY(strings(yaml, "include_path"));
  site.objects = WEFT_TRY(strings(yaml, "objects"));
  for (auto& folder : site.include_path) {
    if (folder == "." || folder == "./") folder.clear();
    while (!folder.empty() && folder.back() == '/') folder.pop_back();
    if (folder.empty()) continue;
    auto valid = cdb::store::valid_template_path(folder);
    if (!valid) return base::fail(std::move(valid.error()).during("reading include_path in weft.yaml"));
  }
  for (const auto& pattern : site.objects) {
    if (pattern.empty() || pattern.front() == '/' || pattern.find("..") != std::string::npos) {
      return base::fail(base::Errc::invalid, fmt::format("weft.yaml: objects: '{}' must be a relative pattern", pattern),
                        std::string(example));
    }
  }
  return site;
}

}  // namespace cdb::build
