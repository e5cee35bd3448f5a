#include "monitor/rule/actuate.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/diag/fail_point.h"
#include "base/file/file.h"
#include "base/profile/json.h"
#include "base/profile/path.h"
#include "base/text/text.h"

namespace monitor::rule {
namespace {

using base::Errc;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

constexpr std::size_t longest_line = 4096;

RunResult refused(std::string message) {
  return {"refused", std::move(message)};
}

// The starts of `rule` in the record that still count.
base::Result<List> past_runs(const std::filesystem::path& file, const std::string& rule, std::int64_t now_ms,
                             std::int64_t window_ms, Value& whole) {
  std::error_code error;
  whole = Value(Dict{});
  if (std::filesystem::exists(file, error)) {
    auto text = WEFT_TRY(base::file::read(file, 4u << 20));
    whole = WEFT_TRY(base::profile::parse_json(text));
    if (!whole.is_dict()) return base::fail(Errc::corrupt, file.string() + ": not a dict");
  }
  List out;
  if (const Value* list = whole.get(rule); list && list->list())
    for (const auto& run : *list->list())
      // A start in the future is the trace of a clock that was wrong; it must not block for ever.
      if (run.integer() && *run.integer() > now_ms - window_ms && *run.integer() <= now_ms + window_ms) out.push_back(run);
  return out;
}

}  // namespace

std::string to_line(const RunResult& result) {
  return base::profile::to_json(Dict{{"outcome", result.outcome}, {"message", result.message}}) + "\n";
}

base::Result<RunResult> from_line(std::string_view line) {
  auto value = WEFT_TRY(base::profile::parse_json(line, {.bytes = longest_line, .depth = 4}));
  RunResult out{std::string(value.get_string("outcome")), std::string(value.get_string("message"))};
  if (out.outcome != "ok" && out.outcome != "failed" && out.outcome != "refused")
    return base::fail(Errc::invalid, "the actuator's answer has no outcome");
  return out;
}

RunResult serve(std::string_view request, const ActuateOptions& options, std::int64_t now_ms) {
  request = base::text::trim(request);
  if (!request.starts_with("restart ")) return refused("the request is not 'restart RULE'");
  std::string name(request.substr(8));
  if (!valid_rule_name(name)) return refused("this is not a rule's name");

  auto text = base::file::read(options.profile);
  if (!text) return refused("the profile cannot be read: " + text.error().message);
  auto profile = base::profile::parse_json(*text);
  if (!profile) return refused("the profile cannot be read: " + profile.error().message);
  const Value* rules = base::profile::find(*profile, "/system/monitoring/rules");
  const Value* entry = rules ? rules->get(name) : nullptr;
  if (!entry) return refused(fmt::format("the profile has no rule {}", name));
  auto rule = read_rule(name, *entry);
  if (!rule) return refused(rule.error().message);
  if (!rule->active || !rule->actuator) return refused(fmt::format("rule {} has no active actuator", name));
  const Actuator& actuator = *rule->actuator;

  auto window = std::chrono::duration_cast<std::chrono::milliseconds>(actuator.window).count();
  Value record;
  auto runs = past_runs(options.runs, name, now_ms, window, record);
  if (!runs) return refused("the record of runs cannot be read, so no limit could be kept: " + runs.error().message);
  if (static_cast<int>(runs->size()) >= actuator.max_runs)
    return refused(
        fmt::format("{} of {} runs within {} s are used up", runs->size(), actuator.max_runs, actuator.window.count()));
  runs->emplace_back(now_ms);
  // Rules that left the profile leave the record too.
  std::erase_if(*record.dict(), [&](const auto& item) { return !rules->get(item.first); });
  record[name] = std::move(*runs);
  // Counted before it happens: a kill in between costs one run, never grants one.
  if (auto written = base::file::write_atomic(options.runs, base::profile::to_json(record), {.mode = 0600}); !written)
    return refused("the run could not be recorded: " + written.error().message);
  if (auto point = base::fail_point("monitor.actuate.recorded"); !point) return {"failed", point.error().message};
  auto done = options.restart(actuator.unit, actuator.timeout);
  if (!done) return {"failed", done.error().text()};
  return {"ok", "restarted " + actuator.unit};
}

RunResult ask(const std::filesystem::path& socket_path, const std::string& rule, std::chrono::seconds timeout) {
  auto failed = [&](std::string_view what) {
    return RunResult{"failed", fmt::format("{}: {}: {}; is weft-sensord-actuate.socket active?", socket_path.string(), what,
                                           std::strerror(errno))};
  };
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string path = socket_path.string();
  if (path.size() >= sizeof address.sun_path) return {"failed", path + ": the socket's path is too long"};
  std::memcpy(address.sun_path, path.data(), path.size());
  base::file::Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return failed("socket");
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return failed("connect");
  std::string request = "restart " + rule + "\n";
  if (send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) return failed("send");
  shutdown(fd.get(), SHUT_WR);
  std::string answer;
  auto deadline = std::chrono::steady_clock::now() + timeout;
  while (answer.size() < longest_line) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    pollfd wait{fd.get(), POLLIN, 0};
    int ready = poll(&wait, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 3600000)));
    if (ready == 0)
      return {"failed", fmt::format("no answer within {} s: whether the unit was restarted is unknown", timeout.count())};
    if (ready < 0 && errno == EINTR) continue;
    char buffer[1024];
    ssize_t n = ready < 0 ? -1 : recv(fd.get(), buffer, sizeof buffer, 0);
    if (n < 0) return failed("receive");
    if (n == 0) break;
    answer.append(buffer, static_cast<std::size_t>(n));
  }
  auto result = from_line(answer);
  if (!result) return {"failed", "the actuator's answer was cut off: see journalctl -u 'weft-sensord-actuate@*'"};
  return *result;
}

}  // namespace monitor::rule
