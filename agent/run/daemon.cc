#include "agent/run/daemon.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <thread>

#include "agent/enrol/enrol.h"
#include "agent/run/history.h"
#include "base/bus/bus.h"
#include "base/log/log.h"
#include "base/process/footprint.h"
#include "base/text/text.h"

namespace agent::run {

using base::Errc;
using base::Result;
using Clock = std::chrono::steady_clock;
using std::chrono::seconds;

namespace {

constexpr seconds wake_limit{50};
constexpr seconds first_retry{15}, last_retry{1800};
constexpr seconds first_silence{1}, last_silence{300};

class Daemon {
 public:
  Daemon(Runner& runner, const std::atomic<bool>& stop, std::atomic<bool>& hurry) : runner_(runner), stop_(stop), hurry_(hurry) {}

  Result<> run() {
    base::bus::notify("READY=1\nSTATUS=applying the profile from the cache");
    if (runner_.cache().current()) apply("start");
    next_fetch_ = Clock::now();
    while (!stop_) {
      if (hurry_.exchange(false)) next_fetch_ = next_run_ = Clock::now();
      if (Clock::now() >= next_run_) apply("due");
      if (!stop_) follow();
    }
    base::bus::notify("STOPPING=1");
    return {};
  }

 private:
  // Half to one and a half times: a thousand nodes must not come at once.
  seconds jittered(seconds base) {
    std::uniform_real_distribution<double> factor(0.5, 1.5);
    return std::max(seconds(1), seconds(static_cast<std::int64_t>(static_cast<double>(base.count()) * factor(random_))));
  }

  void apply(std::string_view why) {
    auto done = runner_.apply();
    if (!done) {
      retry_ = std::clamp(retry_ * 2, first_retry, last_retry);
      next_run_ = Clock::now() + jittered(retry_);
      base::log::error(
          "the profile could not be applied",
          {{"error", done.error().text()}, {"why", std::string(why)}, {"retry", base::text::human_duration(retry_)}});
      base::bus::notify("STATUS=failed: " + done.error().message);
      update_metrics();
      return;
    }
    last_ = std::move(*done);
    bool again = last_->outcome == "failed" || last_->outcome == "partial";
    retry_ = again ? std::clamp(retry_ * 2, first_retry, last_retry) : seconds(0);
    next_run_ = Clock::now() + jittered(again ? retry_ : runner_.settings().converge);
    auto level = again ? base::log::Level::warning : last_->actions > 0 ? base::log::Level::notice : base::log::Level::info;
    base::log::write(level, "run ended",
                     {{"outcome", last_->outcome},
                      {"root", last_->root.substr(0, 12)},
                      {"revision", std::to_string(last_->revision)},
                      {"actions", std::to_string(last_->actions)},
                      {"ms", std::to_string(last_->duration_ms)}});
    for (const auto& component : last_->components)
      if (component.outcome == journal::Outcome::failed || component.outcome == journal::Outcome::dependency_failed)
        base::log::warning("component failed", {{"component", component.name}, {"message", component.message}});
    if (!last_->held.empty()) base::log::warning("held", {{"reason", last_->held}});
    base::bus::notify(fmt::format("STATUS={}: revision {}, {} actions", last_->outcome, last_->revision, last_->actions));
    if (auto queued = queue_report(runner_.settings().state, *last_); !queued)
      base::log::warning("the report could not be queued", {{"error", queued.error().text()}});
    update_metrics();
    send_report();
    base::process::release_idle_memory();
  }

  void send_report() {
    if (!client_) return;
    if (auto sent = send_queued_report(*client_, runner_.settings()); !sent)
      base::log::info("the report waits", {{"error", sent.error().message}});
  }

  void update_metrics() {
    auto state = runner_.state();
    if (!state) return;
    if (auto written = write_metrics(runner_.settings(), *state, last_ ? &*last_ : nullptr, silence_ == seconds(0)); !written)
      base::log::warning("the metrics file could not be written", {{"error", written.error().text()}});
  }

  // One conversation with the server, at most until the next run is due.
  void follow() {
    if (!client_) {
      auto connected = fetch::connect(runner_.settings().server_settings());
      if (!connected) return silent(connected.error());
      client_.emplace(std::move(*connected));
    }
    if (Clock::now() >= next_fetch_) {
      if (!fetch()) return;
      return;
    }
    auto current = runner_.cache().current();
    if (!current) return wait(std::min(std::chrono::duration_cast<seconds>(next_fetch_ - Clock::now()) + seconds(1), wake_limit));
    auto until = std::chrono::duration_cast<seconds>(std::min(next_run_, next_fetch_) - Clock::now());
    auto limit = std::clamp(until, seconds(1), wake_limit);
    auto changed = fetch::wait_for_change(*client_, runner_.settings().server_settings(), current->root, limit, &stop_);
    if (stop_) return;
    if (!changed) return silent(changed.error());
    heard();
    if (*changed)
      next_fetch_ = Clock::now();
    else
      send_report();
  }

  bool fetch() {
    auto fetched = fetch::fetch_profile(*client_, runner_.settings().server_settings(), runner_.cache(), &stop_);
    if (stop_) return false;
    if (!fetched) {
      next_fetch_ = Clock::now() + jittered(first_retry);
      silent(fetched.error());
      return false;
    }
    heard();
    next_fetch_ = Clock::now() + jittered(runner_.settings().poll);
    renew_if_due();
    if (fetched->changed) {
      base::log::notice("new profile", {{"root", fetched->manifest.root.substr(0, 12)},
                                        {"revision", std::to_string(fetched->manifest.revision)}});
      retry_ = seconds(0);
      apply("new profile");
    } else {
      send_report();
    }
    return true;
  }

  void renew_if_due() {
    auto due = enrol::renewal_due(runner_.settings().state / "identity", std::chrono::system_clock::now());
    if (!due || !*due) return;
    auto renewed = enrol::renew(*client_, runner_.settings().server_settings());
    if (!renewed) {
      base::log::warning("the certificate could not be renewed", {{"error", renewed.error().text()}});
      return;
    }
    base::log::notice("the certificate was renewed");
    client_.reset();  // the next request uses the new one
  }

  void heard() {
    if (silence_ != seconds(0)) {
      base::log::notice("the server answers again");
      silence_ = seconds(0);
      update_metrics();
      send_report();
    }
  }

  void silent(const base::Error& error) {
    bool first = silence_ == seconds(0);
    silence_ = std::clamp(silence_ * 2, first_silence, last_silence);
    if (first) {
      base::log::warning("no answer from the server; the node keeps its profile", {{"error", error.text()}});
      update_metrics();
    }
    auto pause = jittered(silence_);
    auto until = std::chrono::duration_cast<seconds>(next_run_ - Clock::now());
    wait(std::clamp(until, seconds(1), pause));
  }

  void wait(seconds duration) {
    auto end = Clock::now() + duration;
    while (!stop_ && !hurry_ && Clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }

  Runner& runner_;
  const std::atomic<bool>& stop_;
  std::atomic<bool>& hurry_;
  std::optional<base::http::Client> client_;
  std::optional<RunReport> last_;
  Clock::time_point next_fetch_ = Clock::now();
  Clock::time_point next_run_ = Clock::time_point::max();
  seconds retry_{0}, silence_{0};
  std::mt19937 random_{std::random_device{}()};
};

}  // namespace

Result<Round> run_once(Runner& runner) {
  Round round;
  auto server = runner.settings().server_settings();
  auto client = fetch::connect(server);
  if (!client) {
    round.fetch_error = client.error();
  } else if (auto fetched = fetch::fetch_profile(*client, server, runner.cache()); !fetched) {
    round.fetch_error = fetched.error();
  }
  if (round.fetch_error && !runner.cache().current()) return base::fail(std::move(*round.fetch_error));
  round.report = WEFT_TRY(runner.apply());
  WEFT_TRY(queue_report(runner.settings().state, round.report));
  if (client && !round.fetch_error)
    if (auto sent = send_queued_report(*client, runner.settings()); !sent) round.fetch_error = sent.error();
  WEFT_TRY(write_metrics(runner.settings(), WEFT_TRY(runner.state()), &round.report, !round.fetch_error));
  return round;
}

Result<> run_daemon(Runner& runner, const std::atomic<bool>& stop, std::atomic<bool>& hurry) {
  return Daemon(runner, stop, hurry).run();
}

}  // namespace agent::run
