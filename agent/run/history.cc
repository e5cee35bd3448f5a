#include "agent/run/history.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstring>

#include "base/diag/fail_point.h"
#include "base/file/file.h"
#include "base/metrics/metrics.h"
#include "base/profile/json.h"
#include "base/text/text.h"

namespace agent::run {

using base::Errc;
using base::fail;
using base::Result;
namespace fs = std::filesystem;

namespace {
constexpr std::size_t history_lines = 1000;
constexpr std::uintmax_t history_bytes = 2u << 20;
}  // namespace

Result<std::vector<base::profile::Value>> read_history(const fs::path& state) {
  std::vector<base::profile::Value> out;
  std::error_code error;
  if (!fs::exists(state / "history.jsonl", error)) return out;
  for (const auto& line : base::text::split(WEFT_TRY(base::file::read(state / "history.jsonl")), '\n'))
    if (auto value = base::profile::parse_json(line); value && value->is_dict()) out.push_back(std::move(*value));
  return out;
}

Result<> add_history(const fs::path& state, const RunReport& report) {
  auto file = state / "history.jsonl";
  std::error_code error;
  if (auto size = fs::file_size(file, error); !error && size > history_bytes) {
    auto old = WEFT_TRY(read_history(state));
    std::string text;
    for (std::size_t i = old.size() > history_lines ? old.size() - history_lines : 0; i < old.size(); ++i)
      text += base::profile::to_json(old[i]) + "\n";
    WEFT_TRY(base::file::write_atomic(file, text));
  }
  base::file::Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  auto line = base::profile::to_json(report.to_value()) + "\n";
  if (!fd || ::write(fd.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    return fail(Errc::exhausted, fmt::format("writing {}: {}", file.string(), std::strerror(errno)));
  return {};
}

Result<> queue_report(const fs::path& state, const RunReport& report) {
  return base::file::write_atomic(state / "report.json", base::profile::to_json(report.to_value()) + "\n");
}

Result<> send_queued_report(base::http::Client& client, const Settings& settings) {
  auto file = settings.state / "report.json";
  std::error_code error;
  if (!fs::exists(file, error)) return {};
  WEFT_TRY(base::fail_point("agent.report"));
  base::http::ClientRequest request;
  request.method = "POST";
  request.path = "/v1/node/" + settings.node + "/report";
  request.body = WEFT_TRY(base::file::read(file));
  auto response = base::http::expect_ok(client.send(request));
  // A server that refuses the report as such will refuse it again.
  if (!response && response.error().code != Errc::invalid) return fail(std::move(response).error());
  fs::remove(file, error);
  if (!response) return fail(std::move(response).error().during("sending the report of the last run"));
  return {};
}

Result<> write_metrics(const Settings& settings, const journal::State& state, const RunReport* last, bool server_reached) {
  using base::metrics::Family;
  using base::metrics::Kind;
  std::vector<Family> families;
  families.push_back({"weft_agent_applied_info",
                      "Profile that was applied whole last.",
                      Kind::gauge,
                      {{{{"root", state.applied.root}, {"revision", std::to_string(state.applied.revision)}}, 1}}});
  families.push_back({"weft_agent_server_reachable",
                      "Whether the last request to the server was answered.",
                      Kind::gauge,
                      {{{}, server_reached ? 1.0 : 0.0}}});
  families.push_back({"weft_agent_owed_actions",
                      "Notifications whose cause has happened but which are not done yet.",
                      Kind::gauge,
                      {{{}, static_cast<double>(state.owed.size())}}});
  families.push_back({"weft_agent_undone",
                      "Whether an undo holds this node on an earlier profile.",
                      Kind::gauge,
                      {{{}, state.pinned_instead.empty() ? 0.0 : 1.0}}});
  if (last) {
    auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    families.push_back({"weft_agent_last_run_timestamp_seconds", "When the last run ended.", Kind::gauge, {{{}, now}}});
    families.push_back({"weft_agent_last_run_duration_seconds",
                        "How long the last run took.",
                        Kind::gauge,
                        {{{}, static_cast<double>(last->duration_ms) / 1000}}});
    families.push_back({"weft_agent_last_run_actions",
                        "Actions done by the last run.",
                        Kind::gauge,
                        {{{}, static_cast<double>(last->actions)}}});
    families.push_back({"weft_agent_last_run_ok",
                        "Whether the last run ended with every component as the profile wants it.",
                        Kind::gauge,
                        {{{}, last->outcome == "ok" ? 1.0 : 0.0}}});
    Family ok{"weft_agent_component_ok", "Whether the component is as the profile wants it.", Kind::gauge, {}};
    Family held{"weft_agent_component_held", "Whether nothing was done for the component, for a stated reason.", Kind::gauge, {}};
    for (const auto& component : last->components) {
      bool good = component.outcome == journal::Outcome::unchanged || component.outcome == journal::Outcome::changed;
      bool waits = component.outcome == journal::Outcome::held;
      ok.samples.push_back({{{"component", component.name}}, good || waits ? 1.0 : 0.0});
      held.samples.push_back({{{"component", component.name}}, waits ? 1.0 : 0.0});
    }
    if (!ok.samples.empty()) {
      families.push_back(std::move(ok));
      families.push_back(std::move(held));
    }
  }
  WEFT_TRY(base::file::make_folders(settings.metrics.parent_path()));
  base::file::WriteOptions options;
  options.durable = false;
  return base::file::write_atomic(settings.metrics, base::metrics::serialize(families), options);
}

}  // namespace agent::run
