#include "programs/weftd/rollout_hooks.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "base/log/log.h"
#include "base/profile/json.h"
#include "base/text/text.h"

namespace programs::weftd {
namespace {

using base::fail;
using Alarms = std::map<std::string, std::string>;

base::Result<std::int64_t> revert(cdb::build::Builder& builder, std::int64_t revision, const std::string& message,
                                  const cdb::store::Actor& actor) {
  const auto outcome = WEFT_TRY(builder.revert(revision, message, false, actor));
  using Kind = cdb::build::Outcome::Kind;
  if (outcome.kind == Kind::stored || outcome.kind == Kind::unchanged) return outcome.revision;
  if (outcome.kind == Kind::conflict)
    return fail(base::Errc::conflict, fmt::format("{} moved since", outcome.conflicts.front().path));
  if (outcome.kind == Kind::denied)
    return fail(base::Errc::invalid,
                fmt::format("the rules for {} {} (weft rights show) do not allow it", actor.kind, actor.name));
  return fail(base::Errc::invalid, "the templates before it do not compile any more");
}

// A server without role monitor knows of no alarms.
base::Result<Alarms> alarms(base::http::Client& client, std::span<const std::string> nodes, cdb::rollout::Time since) {
  base::http::ClientRequest request;
  request.path = "/v1/alarm?state=raised&limit=10000";
  const auto answer = WEFT_TRY(client.send(request));
  if (answer.status == 404) return Alarms{};
  const auto good = WEFT_TRY(base::http::expect_ok(answer));
  const auto body = WEFT_TRY(base::profile::parse_json(good.body));
  const auto* list = body.get("alarms");
  Alarms out;
  if (!list || !list->is_list()) return out;
  const auto begin = base::text::rfc3339(since);
  for (const auto& alarm : *list->list()) {
    const std::string node(alarm.get_string("node"));
    if (alarm.get_string("raised") < begin || !std::binary_search(nodes.begin(), nodes.end(), node)) continue;
    out.emplace(node, fmt::format("{}, {}", alarm.get_string("rule"), alarm.get_string("text")));
  }
  return out;
}

}  // namespace

cdb::rollout::Engine::Hooks rollout_hooks(cdb::build::Builder& builder, const base::http::ClientOptions& service) {
  cdb::rollout::Engine::Hooks hooks;
  hooks.revert = [&builder](std::int64_t revision, const std::string& message, const cdb::store::Actor& actor) {
    return revert(builder, revision, message, actor);
  };
  // Only the engine's thread asks.
  hooks.alarms = [client = std::make_shared<base::http::Client>(service)](std::span<const std::string> nodes,
                                                                          cdb::rollout::Time since) {
    std::vector<std::string> sorted(nodes.begin(), nodes.end());
    std::sort(sorted.begin(), sorted.end());
    return alarms(*client, sorted, since);
  };
  hooks.log = [](const std::string& message) { base::log::warning(message); };
  return hooks;
}

}  // namespace programs::weftd
