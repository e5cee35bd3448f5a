#include "agent/fetch/fetch.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/diag/fail_point.h"
#include "base/file/file.h"
#include "base/profile/hash.h"
#include "base/profile/json.h"

namespace agent::fetch {

using base::Errc;
using base::fail;
using base::Result;

namespace {
constexpr std::size_t size_limit = 32u << 20;
constexpr int depth_limit = 64;
}  // namespace

Result<> check_node_name(std::string_view node) {
  bool good =
      !node.empty() && node.size() <= 253 && node[0] != '.' && node[0] != '-' &&
      std::all_of(node.begin(), node.end(), [](unsigned char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
      });
  if (good) return {};
  return fail(Errc::invalid, fmt::format("'{}' is no node name", node), "use letters, digits, dots and dashes");
}

Result<base::http::Client> connect(const Server& server) {
  WEFT_TRY(check_node_name(server.node));
  if (!server.url.starts_with("https://"))
    return fail(Errc::invalid, "server '" + server.url + "' is no https:// address", "correct 'server' in /etc/weft/agent.yaml");
  std::error_code error;
  for (const auto* name : {"node.crt", "node.key", "ca.crt", "signing.pub"})
    if (!std::filesystem::exists(server.identity / name, error))
      return fail(Errc::denied, "this node has no identity: " + (server.identity / name).string() + " is missing",
                  "run: weft-agent enrol --server URL --node NAME --token TOKEN");
  base::http::ClientOptions options;
  options.base_url = server.url;
  options.ca = server.identity / "ca.crt";
  options.certificate = server.identity / "node.crt";
  options.key = server.identity / "node.key";
  options.max_body = size_limit;
  return base::http::Client(options);
}

Result<Fetched> fetch_profile(base::http::Client& client, const Server& server, const Cache& cache,
                              const std::atomic<bool>* cancel) {
  auto held = cache.current();
  // A damaged current profile is fetched anew.
  if (!held && held.error().code != Errc::not_found && held.error().code != Errc::corrupt) return fail(std::move(held).error());
  base::http::ClientRequest request;
  request.path = "/v1/profile/" + server.node;
  request.cancel = cancel;
  if (held && cache.load("current")) request.headers["If-None-Match"] = "\"" + held->root + "\"";
  auto response = WEFT_TRY(client.send(request));
  if (response.status == 304 && held) {
    // The content is the held one, but its revision may have moved: nothing to apply.
    return Fetched{false, *held};
  }
  if (response.status == 404)
    return fail(Errc::not_found, "the server has no profile for node '" + server.node + "' yet",
                "commit an object template of that name, or check 'node' in /etc/weft/agent.yaml");
  response = WEFT_TRY(base::http::expect_ok(std::move(response)));
  if (response.status != 200)
    return fail(Errc::unavailable, fmt::format("the server answered the profile request with {}", response.status));
  auto manifest = WEFT_TRY(parse_manifest(response.headers["weft-manifest"]));
  auto key = WEFT_TRY(base::file::read(server.identity / "signing.pub", 65536));
  WEFT_TRY(verify_manifest(manifest, server.node, key));
  auto newest = WEFT_TRY(cache.newest_revision());
  if (manifest.revision < newest)
    return fail(
        Errc::denied,
        fmt::format("the server offers revision {}, older than revision {} that this node has held", manifest.revision, newest),
        "if the server was restored from a backup on purpose, remove profile/newest-revision from the agent's state");
  auto value = base::profile::parse_json(response.body, {size_limit, depth_limit});
  if (!value) return fail(std::move(value).error().during("reading the profile from the server"));
  if (base::profile::merkle(*value).hex() != manifest.root)
    return fail(Errc::corrupt, "the profile's content does not have the root hash that the server signed",
                "something on the way changed it; it is fetched again later");
  WEFT_TRY(base::fail_point("agent.fetch.verified"));
  bool changed = !held || held->root != manifest.root;
  WEFT_TRY(cache.store(manifest, base::profile::to_json(*value)));
  return Fetched{changed, std::move(manifest)};
}

Result<bool> wait_for_change(base::http::Client& client, const Server& server, const std::string& root,
                             std::chrono::seconds timeout, const std::atomic<bool>* cancel) {
  base::http::ClientRequest request;
  request.path = fmt::format("/v1/node/{}/wake?root={}&timeout={}", server.node, root, timeout.count());
  request.timeout = timeout + std::chrono::seconds(10);
  request.cancel = cancel;
  auto response = WEFT_TRY(base::http::expect_ok(client.send(request)));
  if (response.status == 204) return false;
  if (response.status != 200)
    return fail(Errc::unavailable, fmt::format("the server answered the wake request with {}", response.status));
  auto value = WEFT_TRY(base::profile::parse_json(response.body, {65536, 8}));
  return value.get_string("root") != root;
}

}  // namespace agent::fetch
