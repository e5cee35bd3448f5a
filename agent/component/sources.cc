#include "agent/component/sources.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/profile/path.h"
#include "base/text/text.h"

namespace agent::component {

using base::Errc;
using base::fail;
using base::Result;

namespace {

bool word(std::string_view text, std::string_view extra) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return std::isalnum(c) || extra.find(static_cast<char>(c)) != extra.npos;
  });
}

// "URI SUITE COMPONENT...", checked.
Result<std::string> place_of(const std::string& url) {
  std::vector<std::string> parts;
  if (auto hash = url.find('#'); hash != url.npos && url.find(' ') == url.npos) {
    parts.push_back(url.substr(0, hash));
    auto rest = url.substr(hash + 1);
    auto slash = rest.rfind('/');
    if (slash == rest.npos)
      return fail(Errc::invalid, "repository address '" + url + "' has no component after its suite",
                  "write URI#SUITE/COMPONENT");
    parts.push_back(rest.substr(0, slash));
    for (auto& component : base::text::split(std::string_view(rest).substr(slash + 1), ','))
      parts.push_back(std::move(component));
  } else {
    for (auto& part : base::text::split(url, ' '))
      if (!part.empty()) parts.push_back(std::move(part));
  }
  auto colon = parts.empty() ? std::string::npos : parts[0].find(':');
  static const std::vector<std::string> schemes{"http", "https", "file", "ftp", "mirror"};
  if (colon == std::string::npos || std::find(schemes.begin(), schemes.end(), parts[0].substr(0, colon)) == schemes.end())
    return fail(Errc::invalid, "repository address '" + url + "' has no scheme that APT may use", "use http, https or file");
  if (parts.size() == 1) parts.emplace_back("./");
  if (parts.size() == 2 && !parts[1].ends_with('/'))
    return fail(Errc::invalid, "repository address '" + url + "' has a suite but no component",
                "write URI SUITE COMPONENT, or a suite that ends in /");
  for (const auto& part : parts)
    if (!word(part, "-._~/:+%@=,"))
      return fail(Errc::invalid, "repository address '" + url + "' holds characters that no source line can");
  return base::text::join(parts, " ");
}

Result<std::string> line_of(const Value& repository) {
  const auto* protocols = WEFT_TRY(list(repository, "protocols"));
  if (!protocols || protocols->empty()) return fail(Errc::invalid, "field 'protocols' is missing or empty");
  auto place = WEFT_TRY(place_of(WEFT_TRY(need_text((*protocols)[0], "url"))));
  std::vector<std::string> options;
  if (!WEFT_TRY(boolean(repository, "gpgcheck", true))) options.emplace_back("trusted=yes");
  if (const auto* keys = WEFT_TRY(list(repository, "gpgkey")); keys && !keys->empty()) {
    if (!(*keys)[0].string()) return fail(Errc::invalid, "field 'gpgkey' holds something that is no string");
    std::string_view key = *(*keys)[0].string();
    if (key.starts_with("file://")) key.remove_prefix(7);
    if (!key.starts_with('/') || !word(key, "-._/+"))
      return fail(Errc::invalid, fmt::format("gpgkey '{}' is no file on this node", key),
                  "deliver the key as a file, for example with filecopy");
    options.push_back("signed-by=" + std::string(key));
  }
  return "deb " + (options.empty() ? std::string() : "[" + base::text::join(options, " ") + "] ") + place + "\n";
}

}  // namespace

Result<std::map<std::string, std::string>> sources_of(const Value& profile) {
  std::map<std::string, std::string> out;
  const auto* repositories = base::profile::find(profile, "/software/repositories");
  if (!repositories) return out;
  if (!repositories->list()) return fail(Errc::invalid, "/software/repositories is no list");
  for (const auto& repository : *repositories->list()) {
    auto name = WEFT_TRY(need_text(repository, "name"));
    if (!word(name, "-_.") || name[0] == '.') return fail(Errc::invalid, "'" + name + "' is no name of a repository");
    if (!WEFT_TRY(boolean(repository, "enabled", true))) continue;
    auto line = line_of(repository);
    if (!line) return fail(std::move(line).error().during("reading repository " + name));
    // APT passes over file names with other characters in silence.
    auto file = "weft-" + name + ".list";
    if (!out.emplace(file, "# Managed by Weft from the node's profile; changes here are lost.\n" + *line).second)
      return fail(Errc::invalid, "two repositories are named " + name);
  }
  return out;
}

}  // namespace agent::component
