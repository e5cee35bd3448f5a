#include "programs/weft/session.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "base/file/file.h"
#include "base/profile/json.h"
#include "base/text/text.h"
#include "base/yaml/yaml.h"

namespace programs::weft {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using base::fail;
using base::profile::Value;

base::Result<fs::path> config_file(const base::cli::Arguments& arguments) {
  if (arguments.has("config")) return fs::path(arguments.get("config"));
  if (const char* named = std::getenv("WEFT_CONFIG"); named && *named) return fs::path(named);
  std::vector<fs::path> places;
  if (const char* home = std::getenv("HOME"); home && *home) places.push_back(fs::path(home) / ".config/weft/client.yaml");
  places.emplace_back("/etc/weft/client.yaml");
  for (const auto& place : places) {
    std::error_code error;
    if (fs::exists(place, error)) return place;
  }
  return fail(Errc::not_found,
              "no settings for weft: neither --config, $WEFT_CONFIG, ~/.config/weft/client.yaml nor /etc/weft/client.yaml",
              "a server writes one for its first administrator: STATE/admin/client.yaml");
}

base::Result<std::string> read_settings(const fs::path& file) {
  auto text = base::file::read(file, 1u << 20);
  if (!text && text.error().hint.empty())
    text.error().hint = text.error().code == Errc::denied
                            ? "these are somebody else's settings: ask for a certificate of your own"
                            : "check --config or $WEFT_CONFIG; a server's first one is STATE/admin/client.yaml";
  return text;
}

base::Result<Exchange> send(base::http::Client& client, std::string_view method, std::string_view path, const Value& body,
                            std::chrono::milliseconds timeout) {
  base::http::ClientRequest request;
  request.method = method;
  request.path = path;
  request.timeout = timeout;
  request.headers["accept-encoding"] = "zstd, gzip";
  if (!body.is_null()) request.body = base::profile::to_json(body);
  auto response = WEFT_TRY(client.send(request));
  Exchange out;
  out.status = response.status;
  const auto type = response.headers.find("content-type");
  if (type != response.headers.end() && type->second.find("json") != std::string::npos && !response.body.empty()) {
    out.body = WEFT_TRY(base::profile::parse_json(response.body));
  } else if (!response.body.empty()) {
    out.body = response.body;
  }
  if (auto checked = base::http::expect_ok(std::move(response)); !checked) out.error = fail(std::move(checked.error()));
  return out;
}

}  // namespace

base::Result<base::http::Client> connect(const base::cli::Arguments& arguments) {
  const auto file = WEFT_TRY(config_file(arguments));
  const auto settings = WEFT_TRY(base::yaml::parse(WEFT_TRY(read_settings(file)), file.string()));
  static const std::vector<std::string> keys{"server", "ca", "certificate", "key", "unix_socket"};
  if (!settings.is_dict()) return fail(Errc::invalid, fmt::format("{}: must be a mapping", file.string()));
  for (const auto& [key, value] : *settings.dict()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      return fail(Errc::invalid,
                  fmt::format("{}: unknown key '{}'{}", file.string(), key, base::text::did_you_mean_suffix(key, keys)));
    }
    if (!value.is_string()) return fail(Errc::invalid, fmt::format("{}: '{}' must be a string", file.string(), key));
  }
  const auto path = [&](std::string_view key) {
    const auto text = settings.get_string(key);
    return text.empty() ? fs::path() : file.parent_path() / text;  // relative ones count from the file
  };
  base::http::ClientOptions options;
  options.base_url = settings.get_string("server");
  if (options.base_url.empty()) return fail(Errc::invalid, file.string() + ": 'server' is missing", "server: https://HOST:8443");
  options.ca = path("ca");
  options.certificate = path("certificate");
  options.key = path("key");
  options.unix_socket = path("unix_socket");
  options.max_body = 256u << 20;
  return base::http::Client(std::move(options));
}

base::Result<Value> call(base::http::Client& client, std::string_view method, std::string_view path, const Value& body,
                         std::chrono::milliseconds timeout) {
  auto exchanged = WEFT_TRY(send(client, method, path, body, timeout));
  WEFT_TRY(std::move(exchanged.error));
  return std::move(exchanged.body);
}

base::Result<Exchange> exchange(base::http::Client& client, std::string_view method, std::string_view path, const Value& body,
                                std::chrono::milliseconds timeout) {
  return send(client, method, path, body, timeout);
}

base::Result<std::string> resolve_node(base::http::Client& client, std::string_view name) {
  if (name.find_first_of("*?/") != std::string_view::npos || name.empty()) {
    return fail(Errc::invalid, fmt::format("'{}' is not a node name", name), "weft node list shows the nodes");
  }
  auto exact = WEFT_TRY(exchange(client, "GET", "/v1/node/" + url_encode(name)));
  if (exact.error) return std::string(name);
  if (exact.status != 404) return fail(std::move(exact.error.error()));
  const auto found = WEFT_TRY(call(client, "GET", "/v1/node?limit=20&name=" + url_encode(std::string(name) + ".*")));
  const auto* nodes = found.get("nodes") ? found.get("nodes")->list() : nullptr;
  if (!nodes || nodes->empty()) return fail(std::move(exact.error.error()));
  if (nodes->size() == 1) return std::string(nodes->front().get_string("name"));
  std::vector<std::string> names;
  for (const auto& node : *nodes) names.emplace_back(node.get_string("name"));
  return fail(Errc::invalid, fmt::format("'{}' is not unique: {}", name, base::text::join(names, ", ")), "give the full name");
}

base::Result<std::string> resolve_pattern(base::http::Client& client, std::string_view text) {
  if (text.empty() || text.find_first_of("*?") != std::string_view::npos) return std::string(text);
  auto node = resolve_node(client, text);
  if (!node && node.error().code == base::Errc::not_found) return std::string(text);
  return node;
}

int run(const std::function<base::Result<int>()>& body) {
  auto result = body();
  if (!result) {
    std::fflush(stdout);
    return base::cli::report("weft", result.error());
  }
  return *result;
}

std::string url_encode(std::string_view text) {
  std::string out;
  for (const unsigned char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                       c == '_' || c == '~';
    out += plain ? std::string(1, static_cast<char>(c)) : fmt::format("%{:02X}", c);
  }
  return out;
}

std::vector<base::cli::Option> common_options() {
  return {{.name = "--config",
           .value = "FILE",
           .help = "client settings (default: $WEFT_CONFIG, ~/.config/weft/client.yaml, /etc/weft/client.yaml)"},
          {.name = "--json", .help = "print JSON for programs"}};
}

std::vector<base::cli::Option> with_common(std::vector<base::cli::Option> options) {
  for (auto& option : common_options()) options.push_back(std::move(option));
  return options;
}

base::cli::Command verb(std::string name, std::string summary, std::vector<base::cli::Option> options,
                        std::vector<base::cli::Example> examples, base::Result<int> (*body)(const base::cli::Arguments&)) {
  base::cli::Command command;
  command.name = std::move(name);
  command.summary = std::move(summary);
  command.options = with_common(std::move(options));
  command.examples = std::move(examples);
  command.run = [body](const base::cli::Arguments& arguments) { return run([&] { return body(arguments); }); };
  return command;
}

}  // namespace programs::weft
