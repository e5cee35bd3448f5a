#include "leaf/storage/pool.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/profile/json.h"
#include "base/profile/path.h"

namespace leaf::storage {

using base::Errc;
using base::fail;
using base::Result;
using base::http::ClientRequest;
using base::http::ClientResponse;
using base::profile::Value;

namespace {

// Without a quota the disk itself says when it is full, by refusing an upload.
constexpr std::int64_t unlimited = std::int64_t(1) << 50;

bool plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '.' || c == '_' || c == '-'; });
}

base::http::ClientOptions options_for(const fabric::Node& node, const PoolConfig& config, base::http::ClientOptions tls) {
  tls.base_url = fmt::format("https://{}:{}", node.ip, config.port);
  tls.unix_socket.clear();
  tls.max_body = object_limit + (1u << 20);
  return tls;
}

}  // namespace

Result<PoolConfig> PoolConfig::of(const fabric::Node& node) {
  auto wrong = [&](std::string text) {
    return fail(Errc::invalid, fmt::format("/software/components/storage of {}: {}", node.name, text),
                "Correct it in the node's template");
  };
  PoolConfig config;
  if (!node.storage.is_dict()) return wrong("is missing");
  config.pool = node.storage.get_string("pool");
  if (config.pool.empty()) return wrong("'pool' is missing");
  config.replicas = static_cast<int>(node.storage.get_integer("replicas", 2));
  if (config.replicas < 1 || config.replicas > 5) return wrong("'replicas' must be 1 to 5");
  config.port = static_cast<int>(node.storage.get_integer("port", 9443));
  if (config.port < 1 || config.port > 65535) return wrong("'port' is no port number");
  config.failure_domain = node.storage.get_string("failure_domain", "rack");
  if (config.failure_domain != "rack" && config.failure_domain != "power_feed" && config.failure_domain != "node") {
    return wrong("'failure_domain' must be rack, power_feed or node");
  }
  const Value* list = node.storage.get("filesystems");
  if (!list || !list->is_dict() || list->dict()->empty()) return wrong("'filesystems' names none");
  for (const auto& [key, item] : *list->dict()) {
    // Keys are escaped mount paths; the last part is the name in URLs.
    std::string path = base::profile::unescape(key), name = path.substr(path.rfind('/') + 1);
    if (!path.starts_with('/')) return wrong(fmt::format("file system '{}' is no escaped absolute mount path", path));
    bool good = !name.empty() && name.size() <= 16 &&
                std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
    if (!good) return wrong(fmt::format("file system '{}': its last part must be lower case letters and digits", path));
    if (std::string_view pool = item.get_string("pool"); !pool.empty() && pool != config.pool) {
      return wrong(fmt::format("file system '{}' belongs to pool '{}': one node serves one pool", path, pool));
    }
    std::int64_t quota = item.get_integer("quota", unlimited);
    if (quota <= 0) return wrong(fmt::format("file system '{}' has a quota of nothing", path));
    if (!config.filesystems.emplace(name, quota).second) return wrong(fmt::format("two file systems are named '{}'", name));
  }
  if (node.ip.empty()) return wrong("the node has no /system/network/primary_ip");
  return config;
}

Result<std::string> PoolConfig::domain(const PoolConfig& config, const fabric::Node& node) {
  const std::string& place = config.failure_domain == "rack"         ? node.rack
                             : config.failure_domain == "power_feed" ? node.power_feed
                                                                     : node.name;
  if (place.empty()) {
    return fail(Errc::invalid,
                fmt::format("node {} has no {}: copies on it cannot be told apart", node.name, config.failure_domain),
                "Set /hardware/sysloc in its template");
  }
  return place;
}

Result<> valid_name(std::string_view name) {
  if (name.empty() || name.size() > 200 || !plain(name) || !std::isalnum(static_cast<unsigned char>(name.front())) ||
      name == keep_name) {
    return fail(Errc::invalid, fmt::format("'{}' is no object name", name),
                "Use 1 to 200 letters, digits, '.', '_' and '-', beginning with a letter or a digit");
  }
  return {};
}

PoolServer::PoolServer(fabric::Node node, PoolConfig config, base::http::ClientOptions tls)
    : node_(std::move(node)), config_(std::move(config)), client_(options_for(node_, config_, std::move(tls))) {}

Result<ClientResponse> PoolServer::send(ClientRequest request) {
  request.timeout = std::chrono::seconds(120);
  request.content_type = "application/octet-stream";
  std::string what = fmt::format("{} {} on {}", request.method, request.path, node_.name);
  auto response = client_.send(request);
  if (!response) return fail(std::move(response.error()).during(what));
  if (response->status == 404) return fail(Errc::not_found, what + ": it does not exist");
  if (response->status == 412) return fail(Errc::conflict, what + ": the name is taken");
  if (response->status == 401 || response->status == 403) {
    return fail(Errc::denied, fmt::format("{}: refused ({})", what, response->status),
                "Compare dirpool.conf on the node with leaf/storage/README.md");
  }
  if (response->status == 507 || response->status == 413)
    return fail(Errc::exhausted, fmt::format("{}: no room ({})", what, response->status));
  if (response->status < 200 || response->status > 299)
    return fail(Errc::unavailable, fmt::format("{}: answer {}", what, response->status));
  return response;
}

Result<std::optional<std::string>> PoolServer::identity(std::string_view fs) {
  auto response = send({.path = fmt::format("/pool/{}/identity", fs)});
  if (!response && response.error().code == Errc::not_found) return std::optional<std::string>();
  if (!response) return fail(std::move(response.error()));
  Value parsed = WEFT_TRY(base::profile::parse_json(response->body));
  if (parsed.get_string("node") != node_.name || parsed.get_string("fs") != fs || parsed.get_string("id").empty()) {
    return fail(Errc::corrupt,
                fmt::format("/pool/{} on {} says that it is {} of {}", fs, node_.name, parsed.get_string("fs"),
                            parsed.get_string("node")),
                "A disk of another machine? Nothing is moved until it is sorted out");
  }
  return std::optional<std::string>(parsed.get_string("id"));
}

Result<std::vector<Entry>> PoolServer::list(std::string_view fs, std::string_view folder) {
  ClientResponse response = WEFT_TRY(send({.path = fmt::format("/pool/{}/{}/", fs, folder)}));
  auto bad = [&](std::string_view why) {
    return fail(Errc::corrupt, fmt::format("the listing of /pool/{}/{}/ on {} {}", fs, folder, node_.name, why));
  };
  auto parsed = base::profile::parse_json(response.body);
  if (!parsed || !parsed->is_list()) return bad("is no JSON list");
  std::vector<Entry> out;
  for (const Value& item : *parsed->list()) {
    std::string name(item.get_string("name"));
    if (item.get_string("type") != "file") return bad(fmt::format("holds '{}', which is no file", name));
    const Value* size = item.get("size");
    if (!size || !size->is_integer()) return bad(fmt::format("gives no size for '{}'", name));
    if (name == keep_name) continue;
    if (!valid_name(name)) return bad(fmt::format("holds the foreign file '{}'", name));
    out.push_back({std::move(name), *size->integer(), std::string(item.get_string("mtime"))});
  }
  return out;
}

Result<std::string> PoolServer::get(std::string_view fs, std::string_view folder, std::string_view name) {
  ClientResponse response = WEFT_TRY(send({.path = fmt::format("/pool/{}/{}/{}", fs, folder, name)}));
  return std::move(response.body);
}

Result<> PoolServer::put_temporary(std::string_view fs, std::string_view temporary, std::string_view content) {
  if (content.size() > object_limit) return fail(Errc::exhausted, "the object is larger than 256 MB");
  WEFT_TRY(send({.method = "PUT", .path = fmt::format("/pool/{}/tmp/{}", fs, temporary), .body = std::string(content)}));
  return {};
}

Result<> PoolServer::move(std::string_view fs, std::string_view temporary, std::string_view folder, std::string_view name) {
  std::string target = folder.empty() ? fmt::format("/pool/{}/{}", fs, name) : fmt::format("/pool/{}/{}/{}", fs, folder, name);
  WEFT_TRY(send({.method = "MOVE",
                 .path = fmt::format("/pool/{}/tmp/{}", fs, temporary),
                 .headers = {{"Destination", target}, {"Overwrite", "F"}}}));
  return {};
}

Result<> PoolServer::remove(std::string_view fs, std::string_view folder, std::string_view name) {
  auto response = send({.method = "DELETE", .path = fmt::format("/pool/{}/{}/{}", fs, folder, name)});
  if (!response && response.error().code != Errc::not_found) return fail(std::move(response.error()));
  return {};
}

Result<std::string> PoolServer::initialise(std::string_view fs, std::string_view identity_text) {
  // Folders first, identity last: with an identity the folders are there, so a missing folder later is an error and not an empty
  // one.
  for (std::string_view folder : {"obj", "sum"}) {
    std::string temporary = fmt::format("init-{}", folder);
    WEFT_TRY(put_temporary(fs, temporary, ""));
    auto moved = move(fs, temporary, folder, keep_name);
    if (!moved && moved.error().code != Errc::conflict) return fail(std::move(moved.error()));
  }
  WEFT_TRY(put_temporary(fs, "init-identity", identity_text));
  auto moved = move(fs, "init-identity", "", "identity");
  if (!moved && moved.error().code != Errc::conflict) return fail(std::move(moved.error()));
  std::optional<std::string> there = WEFT_TRY(identity(fs));
  if (!there) return fail(Errc::corrupt, fmt::format("/pool/{} on {} did not keep its identity", fs, node_.name));
  return *there;
}

std::string sum_text(std::string_view sha256, std::string_view name) {
  return fmt::format("{}  {}\n", sha256, name);
}

Result<std::string> parse_sum(std::string_view text, std::string_view name) {
  std::string sha(text.substr(0, 64));
  bool hex = sha.size() == 64 &&
             std::all_of(sha.begin(), sha.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (!hex || text != sum_text(sha, name)) return fail(Errc::corrupt, fmt::format("the checksum file of {} is damaged", name));
  return sha;
}

}  // namespace leaf::storage
