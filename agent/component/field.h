// Reads typed fields of a component's subtree; errors name the field and both types. Used by all components. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/plan/draft.h"

namespace agent::component {

using base::profile::Value;

base::Result<std::string> need_text(const Value& dict, std::string_view key);
base::Result<std::string> text(const Value& dict, std::string_view key, std::string_view fallback = {});
base::Result<bool> boolean(const Value& dict, std::string_view key, bool fallback);
base::Result<std::vector<std::string>> texts(const Value& dict, std::string_view key);
// Null pointer when absent.
base::Result<const base::profile::Dict*> dict(const Value& parent, std::string_view key);
base::Result<const base::profile::List*> list(const Value& parent, std::string_view key);
// "0644" or "644" (text), or a long as Pan writes 0644 (420).
base::Result<std::optional<mode_t>> mode(const Value& dict, std::string_view key);
// "user" or "user:group" or "user.group".
struct OwnerGroup {
  std::string owner, group;
};
base::Result<OwnerGroup> owner_group(const std::string& text);

// What a restart line of filecopy means: a service verb where it plainly is one, a command without shell otherwise.
struct Restart {
  plan::Verb verb = plan::Verb::command;
  std::string target;
  Value detail;
};
base::Result<Restart> parse_restart(const std::string& line);
// "nginx" -> "nginx.service".
std::string unit_name(std::string name, std::string_view type = "service");
base::Result<> check_unit_name(const std::string& name);

}  // namespace agent::component
