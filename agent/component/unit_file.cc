#include "agent/component/unit_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/profile/json.h"

namespace agent::component {

using base::Errc;
using base::fail;
using base::Result;

namespace {

Result<std::string> setting(const std::string& key, const Value& value) {
  std::string text;
  if (value.boolean())
    text = *value.boolean() ? "yes" : "no";
  else if (value.string())
    text = *value.string();
  else
    text = base::profile::to_json(value);
  if (text.find_first_of("\n\r") != text.npos) return fail(Errc::invalid, fmt::format("setting '{}' holds a line break", key));
  return text;
}

Result<> add(const std::string& section, const std::string& key, const Value& value, std::string& out) {
  if (key.empty() ||
      !std::all_of(key.begin(), key.end(), [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; }))
    return fail(Errc::invalid, fmt::format("'{}' is no setting of a unit file", key));
  if (const auto* list = value.list()) {
    for (const auto& item : *list) {
      if (item.is_list()) return fail(Errc::invalid, fmt::format("setting '{}' is a list of lists", key));
      WEFT_TRY(add(section, key, item, out));
    }
    return {};
  }
  // Environment and the like: a dict of assignments.
  if (const auto* dict = value.dict()) {
    for (const auto& [name, assigned] : *dict) {
      if (!assigned.is_leaf()) return fail(Errc::invalid, fmt::format("setting '{}/{}' is no plain value", key, name));
      auto text = WEFT_TRY(setting(key, assigned));
      std::string quoted;
      for (char c : text) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
      }
      out += fmt::format("{}=\"{}={}\"\n", key, name, quoted);
    }
    return {};
  }
  out += key + "=" + WEFT_TRY(setting(key, value)) + "\n";
  return {};
}

std::string section_name(const std::string& key) {
  auto name = key;
  if (!name.empty()) name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[0])));
  return name;
}

}  // namespace

Result<std::string> unit_file_text(const Value& config, const std::vector<std::string>& wanted_by) {
  if (!config.dict() || config.dict()->empty()) return fail(Errc::invalid, "file/config is no dict with sections");
  std::string out = "# Managed by Weft from the node's profile; changes here are lost.\n";
  bool install = false;
  auto one = [&](const std::string& key, const Value& section) -> Result<> {
    if (!section.dict()) return fail(Errc::invalid, fmt::format("file/config/{} is no dict", key));
    if (!std::all_of(key.begin(), key.end(), [](unsigned char c) { return std::isalnum(c) || c == '-'; }))
      return fail(Errc::invalid, fmt::format("'{}' is no section of a unit file", key));
    out += fmt::format("\n[{}]\n", section_name(key));
    for (const auto& [name, value] : *section.dict()) WEFT_TRY(add(key, name, value, out));
    return {};
  };
  // [Unit] first, [Install] last, as people expect.
  if (const auto* unit = config.get("unit")) WEFT_TRY(one("unit", *unit));
  for (const auto& [key, section] : *config.dict())
    if (key != "unit" && key != "install") WEFT_TRY(one(key, section));
  if (const auto* section = config.get("install")) {
    WEFT_TRY(one("install", *section));
    install = true;
  }
  if (!install && !wanted_by.empty()) {
    out += "\n[Install]\n";
    for (const auto& target : wanted_by) {
      WEFT_TRY(check_unit_name(target));
      out += "WantedBy=" + unit_name(target, "target") + "\n";
    }
  }
  return out;
}

}  // namespace agent::component
