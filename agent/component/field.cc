#include "agent/component/field.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text/text.h"

namespace agent::component {

using base::Errc;
using base::fail;
using base::Result;

namespace {

tl::unexpected<base::Error> wrong(std::string_view key, const Value& value, std::string_view expected) {
  return fail(Errc::invalid, fmt::format("field '{}' is a {}, expected a {}", key, type_name(value.type()), expected));
}

}  // namespace

Result<std::string> need_text(const Value& dict, std::string_view key) {
  const auto* value = dict.get(key);
  if (!value) return fail(Errc::invalid, fmt::format("field '{}' is missing", key));
  if (!value->string()) return wrong(key, *value, "string");
  return *value->string();
}

Result<std::string> text(const Value& dict, std::string_view key, std::string_view fallback) {
  const auto* value = dict.get(key);
  if (!value) return std::string(fallback);
  if (!value->string()) return wrong(key, *value, "string");
  return *value->string();
}

Result<bool> boolean(const Value& dict, std::string_view key, bool fallback) {
  const auto* value = dict.get(key);
  if (!value) return fallback;
  if (value->boolean()) return *value->boolean();
  // Older schemas write booleans of options as these words.
  if (value->string() && (*value->string() == "yes" || *value->string() == "true")) return true;
  if (value->string() && (*value->string() == "no" || *value->string() == "false")) return false;
  return wrong(key, *value, "boolean");
}

Result<std::vector<std::string>> texts(const Value& dict, std::string_view key) {
  std::vector<std::string> out;
  const auto* items = WEFT_TRY(list(dict, key));
  if (!items) return out;
  for (const auto& item : *items) {
    if (!item.string()) return wrong(std::string(key) + "[]", item, "string");
    out.push_back(*item.string());
  }
  return out;
}

Result<const base::profile::Dict*> dict(const Value& parent, std::string_view key) {
  const auto* value = parent.get(key);
  if (!value) return static_cast<const base::profile::Dict*>(nullptr);
  if (!value->dict()) return wrong(key, *value, "dict");
  return value->dict();
}

Result<const base::profile::List*> list(const Value& parent, std::string_view key) {
  const auto* value = parent.get(key);
  if (!value) return static_cast<const base::profile::List*>(nullptr);
  if (!value->list()) return wrong(key, *value, "list");
  return value->list();
}

Result<std::optional<mode_t>> mode(const Value& dict, std::string_view key) {
  const auto* value = dict.get(key);
  if (!value) return std::optional<mode_t>();
  if (const auto* number = value->integer()) {
    if (*number < 0 || *number > 07777) return fail(Errc::invalid, fmt::format("field '{}': {:o} is no file mode", key, *number));
    return std::optional<mode_t>(static_cast<mode_t>(*number));
  }
  if (!value->string()) return wrong(key, *value, "string of octal digits");
  const auto& digits = *value->string();
  bool good = !digits.empty() && digits.size() <= 5 &&
              std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '7'; });
  unsigned long bits = good ? std::stoul(digits, nullptr, 8) : 010000;
  if (bits > 07777)
    return fail(Errc::invalid, fmt::format("field '{}': '{}' is no file mode", key, digits), "write it like 0644");
  return std::optional<mode_t>(static_cast<mode_t>(bits));
}

Result<OwnerGroup> owner_group(const std::string& text) {
  auto colon = text.find(':');
  if (colon == text.npos) colon = text.find('.');
  OwnerGroup out;
  out.owner = text.substr(0, colon);
  if (colon != text.npos) out.group = text.substr(colon + 1);
  if (out.owner.empty() || (colon != text.npos && out.group.empty()))
    return fail(Errc::invalid, "'" + text + "' is no user or user:group");
  return out;
}

std::string unit_name(std::string name, std::string_view type) {
  static constexpr std::array<std::string_view, 10> suffixes{".service", ".socket", ".target", ".mount",  ".automount",
                                                             ".timer",   ".path",   ".slice",  ".device", ".swap"};
  for (auto suffix : suffixes)
    if (name.size() > suffix.size() && name.ends_with(suffix)) return name;
  return name + "." + std::string(type);
}

Result<> check_unit_name(const std::string& name) {
  bool good = !name.empty() && name.size() <= 255 && name[0] != '.' && name[0] != '-' &&
              std::all_of(name.begin(), name.end(), [](unsigned char c) {
                return std::isalnum(c) || c == ':' || c == '-' || c == '_' || c == '.' || c == '\\' || c == '@';
              });
  if (good) return {};
  return fail(Errc::invalid, "'" + name + "' is no name of a systemd unit");
}

Result<Restart> parse_restart(const std::string& line) {
  if (line.find_first_of("|&;<>()$`\\\"'*?[]#~=%{}\n") != line.npos)
    return fail(Errc::invalid, "restart command '" + line + "' needs a shell, and Weft runs commands without one",
                "name a unit or a program with plain words");
  std::vector<std::string> words;
  for (auto& word : base::text::split(line, ' '))
    if (!word.empty()) words.push_back(std::move(word));
  if (words.empty()) return fail(Errc::invalid, "the restart command is empty");
  auto program = words[0].substr(words[0].rfind('/') + 1);
  auto verb_of = [](const std::string& word) -> std::optional<plan::Verb> {
    if (word == "restart" || word == "condrestart" || word == "try-restart") return plan::Verb::restart;
    if (word == "reload" || word == "force-reload" || word == "reload-or-restart") return plan::Verb::reload;
    return std::nullopt;
  };
  std::string unit;
  std::optional<plan::Verb> verb;
  if (program == "systemctl" && words.size() == 3) {
    verb = verb_of(words[1]);
    unit = words[2];
  } else if (program == "service" && words.size() == 3) {
    verb = verb_of(words[2]);
    unit = words[1];
  } else if (words[0].starts_with("/etc/init.d/") && words.size() == 2) {
    verb = verb_of(words[1]);
    unit = program;
  }
  Restart out;
  if (verb) {
    WEFT_TRY(check_unit_name(unit));
    out.verb = *verb;
    out.target = unit_name(unit);
    return out;
  }
  if (words[0][0] != '/')
    return fail(Errc::invalid, "restart command '" + line + "' does not begin with an absolute path",
                "write the program's whole path");
  base::profile::List argv(words.begin(), words.end());
  out.target = words[0];
  out.detail = base::profile::Dict{{"argv", Value(std::move(argv))}};
  return out;
}

}  // namespace agent::component
