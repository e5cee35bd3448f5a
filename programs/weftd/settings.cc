#include "programs/weftd/settings.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/file/file.h"
#include "base/text/text.h"
#include "base/yaml/yaml.h"

namespace programs::weftd {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using base::fail;
using base::Result;
using base::profile::Value;

const std::vector<std::string> known_roles{"cdb", "monitor", "leaf"};
const std::vector<std::string> known_keys{"state",      "roles", "listen",  "public_url", "database",
                                          "prometheus", "cdb",   "monitor", "leaf"};

Result<Value> read_config(const base::cli::Arguments& arguments) {
  const bool named = arguments.has("config");
  const fs::path path = named ? fs::path(arguments.get("config")) : fs::path(default_config);
  auto text = base::file::read(path, 4u << 20);
  if (!text && !named && text.error().code == Errc::not_found) return Value(base::profile::Dict{});
  if (!text) return fail(std::move(text).error().during("reading the settings"));
  auto value = WEFT_TRY(base::yaml::parse(*text, path.string()));
  if (value.is_null()) value = Value(base::profile::Dict{});
  if (!value.is_dict()) return fail(Errc::invalid, fmt::format("{}: settings are KEY: VALUE lines", path.string()));
  for (const auto& [key, unused] : *value.dict()) {
    if (std::ranges::find(known_keys, key) == known_keys.end()) {
      return fail(
          Errc::invalid,
          fmt::format("{}: unknown setting \"{}\"{}", path.string(), key, base::text::did_you_mean_suffix(key, known_keys)),
          "See man weftd for the settings.");
    }
  }
  return value;
}

Result<std::vector<std::string>> words(const Value& value, const std::string& key) {
  std::vector<std::string> out;
  if (value.string()) {
    out = base::text::split(*value.string(), ',');
  } else if (value.list()) {
    for (const auto& one : *value.list()) {
      if (!one.string()) return fail(Errc::invalid, fmt::format("setting {}: expected a list of words", key));
      out.push_back(*one.string());
    }
  } else {
    return fail(Errc::invalid, fmt::format("setting {}: expected a list of words", key));
  }
  for (auto& word : out) word = std::string(base::text::trim(word));
  std::erase(out, "");
  return out;
}

// The command line wins over the file.
Result<std::vector<std::string>> list_setting(const base::cli::Arguments& arguments, const Value& config,
                                              const std::string& key) {
  if (arguments.has(key)) {
    std::vector<std::string> out;
    for (const auto& given : arguments.all(key)) {
      for (auto& word : base::text::split(given, ',')) out.emplace_back(base::text::trim(word));
    }
    std::erase(out, "");
    return out;
  }
  const auto* value = config.get(key);
  if (!value) return std::vector<std::string>{};
  return words(*value, key);
}

std::string text_setting(const base::cli::Arguments& arguments, const Value& config, std::string_view option,
                         std::string_view key) {
  if (arguments.has(option)) return std::string(arguments.get(option));
  return std::string(config.get_string(key));
}

bool any_address(const std::string& host) {
  return host == "0.0.0.0" || host == "::" || host == "*";
}

Result<std::string> default_url(const std::string& listen) {
  auto address = WEFT_TRY(parse_address(listen));
  if (any_address(address.host)) {
    char name[256] = {};
    if (::gethostname(name, sizeof name - 1) != 0 || !name[0]) {
      return fail(Errc::invalid, "cannot tell how nodes reach this server: it listens on all addresses and has no host name",
                  "Give --public-url https://NAME:PORT.");
    }
    address.host = name;
  }
  const bool v6 = address.host.find(':') != std::string::npos;
  return fmt::format("https://{}{}{}:{}", v6 ? "[" : "", address.host, v6 ? "]" : "", address.port);
}

}  // namespace

Result<Address> parse_address(const std::string& text) {
  const auto wrong = [&] {
    return fail(Errc::invalid, fmt::format("bad address \"{}\"", text),
                "Write ADDRESS:PORT, for example 127.0.0.1:8443 or [::1]:8443.");
  };
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return wrong();
  Address out;
  out.host = text.substr(0, colon);
  const auto port = std::string_view(text).substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (error != std::errc() || end != port.data() + port.size() || out.port < 1 || out.port > 65535) return wrong();
  const bool bracketed = out.host.starts_with('[') && out.host.ends_with(']');
  if (bracketed) out.host = out.host.substr(1, out.host.size() - 2);
  if (out.host.empty() || (!bracketed && out.host.find(':') != std::string::npos)) return wrong();
  return out;
}

Result<std::string> url_host(const std::string& url) {
  constexpr std::string_view scheme = "https://";
  auto rest = std::string_view(url);
  if (rest.starts_with(scheme)) {
    rest.remove_prefix(scheme.size());
    const auto end = rest.starts_with('[') ? rest.find(']') : rest.find_first_of(":/");
    auto host =
        rest.substr(rest.starts_with('[') ? 1 : 0, end == std::string_view::npos ? end : end - (rest.starts_with('[') ? 1 : 0));
    if (!host.empty() && rest.find('/') == std::string_view::npos && host.find_first_of("@ ?#[]") == std::string_view::npos)
      return std::string(host);
  }
  return fail(Errc::invalid, fmt::format("bad public URL \"{}\"", url), "Write https://HOST:PORT without a path.");
}

Result<Settings> read_settings(const base::cli::Arguments& arguments) {
  Settings settings;
  settings.all = WEFT_TRY(read_config(arguments));
  const auto& config = settings.all;

  auto state = text_setting(arguments, config, "state", "state");
  settings.state = fs::absolute(state.empty() ? default_state : state).lexically_normal();
  if (!settings.state.has_filename()) settings.state = settings.state.parent_path();

  auto roles = WEFT_TRY(list_setting(arguments, config, "roles"));
  if (!arguments.has("roles") && !config.get("roles")) roles = known_roles;
  for (const auto& role : roles) {
    if (std::ranges::find(known_roles, role) == known_roles.end()) {
      return fail(Errc::invalid,
                  fmt::format("there is no role \"{}\"{}", role, base::text::did_you_mean_suffix(role, known_roles)),
                  fmt::format("Choose from {}.", base::text::join(known_roles, ", ")));
    }
  }
  for (const auto& role : known_roles) {
    if (std::ranges::find(roles, role) != roles.end()) settings.roles.push_back(role);
  }
  if (settings.roles.empty())
    return fail(Errc::invalid, "no role is chosen, so there is nothing to do", "Give --roles cdb,monitor,leaf or some of them.");

  settings.listen = WEFT_TRY(list_setting(arguments, config, "listen"));
  if (settings.listen.empty()) settings.listen = {"127.0.0.1:8443"};
  for (const auto& address : settings.listen) WEFT_TRY(parse_address(address));

  settings.public_url = text_setting(arguments, config, "public-url", "public_url");
  if (settings.public_url.empty()) settings.public_url = WEFT_TRY(default_url(settings.listen.front()));
  while (settings.public_url.ends_with('/')) settings.public_url.pop_back();
  WEFT_TRY(url_host(settings.public_url));

  settings.database = text_setting(arguments, config, "database", "database");
  const auto prometheus = text_setting(arguments, config, "prometheus", "prometheus");
  if (!prometheus.empty()) settings.all["prometheus"] = prometheus;
  return settings;
}

}  // namespace programs::weftd
