#include "monitor/sensord/daemon.h"

#include <malloc.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "base/process/footprint.h"
#include "monitor/sensord/schedule.h"
#include "monitor/wire/remote_write.h"

namespace monitor::sensord {
namespace {

using metric::Kind;

constexpr std::int64_t longest_wait_ms = 2000;  // how late a changed profile may be noticed
constexpr std::size_t most_pending = 50000;     // samples; beyond, the batch is closed early
constexpr std::size_t events_at_once = 200;

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

base::Result<std::unique_ptr<Daemon>> Daemon::open(DaemonOptions options) {
  std::unique_ptr<Daemon> daemon(new Daemon(std::move(options)));
  daemon->inbox_->wake = base::file::Fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!daemon->inbox_->wake) return base::fail(base::Errc::exhausted, "eventfd() failed");
  daemon->spool_ = WEFT_TRY(Spool::open(daemon->options_.state / "spool"));
  daemon->engine_ = std::make_unique<rule::Engine>(WEFT_TRY(rule::Engine::open(daemon->options_.state / "rules.json")));
  if (!daemon->engine_->damaged().empty())
    daemon->say(true, "the rules' state was damaged and set aside: " + daemon->engine_->damaged());
  daemon->options_.environment.own_state = [raw = daemon.get()](sensor::Output& out) { raw->own_state(out); };
  return daemon;
}

Daemon::~Daemon() = default;

void Daemon::stop() noexcept {
  stop_ = true;
  (void)!eventfd_write(inbox_->wake.get(), 1);
}

void Daemon::reload() noexcept {
  reload_ = true;
  (void)!eventfd_write(inbox_->wake.get(), 1);
}

base::Result<> Daemon::run() {
  load_profile(now_ms());
  pusher_ = std::make_unique<Pusher>(*spool_, target(config_));
  if (options_.notify) options_.notify("READY=1");
  while (!stop_) {
    std::int64_t now = now_ms();
    if (reload_.exchange(false) || profile_identity() != seen_) load_profile(now);
    collect_actuators(now);
    if (config_.active) {
      sample_due(now);
      evaluate_rules(now_ms());
    }
    if (now >= flush_due_ms_ || pending_.size() >= most_pending || flush_due_ms_ > now + config_.push_period.count() * 1000)
      flush();
    if (!settled_ && flushes_ == 2) {
      base::process::release_idle_memory();
      settled_ = true;
    }
    for (const auto& notice : pusher_->notices()) say(true, notice);
    if (options_.notify) options_.notify("WATCHDOG=1");
    wait(now_ms());
  }
  if (options_.notify) options_.notify("STOPPING=1");
  flush();
  pusher_.reset();
  return {};
}

Daemon::Identity Daemon::profile_identity() const {
  struct stat info {};
  if (stat(options_.profile.c_str(), &info) != 0) return {};
  return {static_cast<std::int64_t>(info.st_dev), static_cast<std::int64_t>(info.st_ino), info.st_size,
          info.st_mtim.tv_sec * 1000000000ll + info.st_mtim.tv_nsec};
}

void Daemon::load_profile(std::int64_t now) {
  // Taken before reading: a flip in between is seen as one more change, never missed.
  seen_ = profile_identity();
  auto tree = read_profile(options_.profile);
  bool readable = true;
  if (!tree) {
    config_good_ = false;
    say(true, tree.error().text() + "\n  the monitoring configuration stays as it was");
    if (!sensors_.empty()) return;
    tree = ProfileTree{};
    readable = false;
  }
  Config config = read_config(tree->monitoring.is_null() ? nullptr : &tree->monitoring, options_.environment);
  tree = ProfileTree{};
  for (const auto& error : config.errors) say(true, error);
  config_good_ = readable && config.errors.empty();
  apply(std::move(config), now);
  // A profile of some megabytes was just taken apart; its memory goes back to the machine.
  malloc_trim(0);
}

PushTarget Daemon::target(const Config& config) const {
  PushTarget out;
  out.write_url = config.push_url.empty() ? options_.server + "/api/v1/write" : config.push_url;
  out.server = options_.server;
  if (out.write_url.starts_with("https:")) {
    out.options.ca = options_.identity / "ca.crt";
    out.options.certificate = options_.identity / "node.crt";
    out.options.key = options_.identity / "node.key";
  }
  return out;
}

void Daemon::apply(Config config, std::int64_t now) {
  std::vector<Running> next;
  for (auto& wanted : config.sensors) {
    auto same = std::find_if(sensors_.begin(), sensors_.end(), [&](const Running& r) {
      return r.config.spec == wanted.spec && r.config.period == wanted.period && r.config.options == wanted.options;
    });
    if (same != sensors_.end()) {
      next.push_back(std::move(*same));
      sensors_.erase(same);
      continue;
    }
    auto made = sensor::make(*wanted.spec, wanted.options, options_.environment);
    if (!made) {
      say(true, made.error().text());
      config_good_ = false;
      continue;
    }
    Running running;
    std::int64_t period = wanted.period.count() * 1000;
    running.phase_ms = phase_ms(options_.node, period);
    // The first tick is the one that is just over: a daemon that restarts shows itself at once.
    running.due_ms = next_tick_ms(now, period, running.phase_ms) - period;
    running.config = std::move(wanted);
    running.sensor = std::move(*made);
    next.push_back(std::move(running));
  }
  for (const auto& gone : sensors_) latest_.forget(std::string(gone.config.spec->name));
  sensors_ = std::move(next);
  // Those that may wait for others come last, so nobody waits for them.
  std::stable_sort(sensors_.begin(), sensors_.end(),
                   [](const Running& a, const Running& b) { return a.config.spec->may_block < b.config.spec->may_block; });
  config.sensors.clear();
  if (auto set = engine_->set_rules(std::move(config.rules), now); !set) say(true, set.error().text());
  config.rules.clear();
  spool_->set_limit(config.spool_bytes);
  if (config.push_period != config_.push_period) flush_due_ms_ = 0;
  config_ = std::move(config);
  if (pusher_) pusher_->set_target(target(config_));
}

void Daemon::sample_due(std::int64_t now) {
  for (auto& running : sensors_) {
    std::int64_t period = running.config.period.count() * 1000;
    if (running.due_ms > now + period) running.due_ms = next_tick_ms(now, period, running.phase_ms);  // the clock was set back
    if (running.due_ms > now) continue;
    // Ticks that were slept through are not made up for.
    if (running.due_ms + period <= now) running.due_ms = next_tick_ms(now, period, running.phase_ms) - period;
    sample(running);
    running.due_ms += period;
  }
}

void Daemon::sample(Running& running) {
  std::string name(running.config.spec->name);
  sensor::Output out;
  auto begin = std::chrono::steady_clock::now();
  auto result = running.sensor->sample(out);
  running.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  running.sampled = true;
  running.success = result.has_value();
  std::string& told = told_["sensor " + name];
  if (!result) {
    // What it measured before it failed is dropped: half a table would look like vanished devices.
    std::string text = result.error().text();
    if (told != text) say(true, fmt::format("sensor {}: {}", name, text));
    told = std::move(text);
    latest_.forget(name);
    return;
  }
  if (!told.empty()) say(false, fmt::format("sensor {} works again", name));
  told.clear();
  for (auto& sample : out.samples()) sample.timestamp_ms = running.due_ms;
  samples_ += out.samples().size();
  pending_.insert(pending_.end(), out.samples().begin(), out.samples().end());
  latest_.update(name, std::move(out.samples()));
}

void Daemon::evaluate_rules(std::int64_t now) {
  if (pusher_->acknowledged() > 0)
    if (auto done = engine_->acknowledge(pusher_->acknowledged()); !done) say(true, done.error().text());
  auto starts = engine_->evaluate(latest_, now);
  std::string& told = told_["rules"];
  std::string problem = starts ? std::string() : starts.error().text();
  for (const auto& [rule, error] : engine_->errors()) problem += fmt::format("rule {}: {}\n", rule, error);
  if (problem != told && !problem.empty()) say(true, problem);
  told = problem;
  if (starts)
    for (const auto* rule : *starts) start_actuator(*rule);
  auto events = engine_->pending(events_at_once);
  std::int64_t newest = events.empty() ? 0 : events.back().seq;
  if (newest == last_event_seq_) return;
  last_event_seq_ = newest;
  pusher_->set_events(engine_->epoch(), std::move(events));
}

void Daemon::start_actuator(const rule::Rule& rule) {
  say(true, fmt::format("rule {}: restarting {}", rule.name, rule.actuator->unit));
  auto run = [inbox = inbox_, socket = options_.actuator_socket, name = rule.name, timeout = rule.actuator->timeout] {
    auto result = rule::ask(socket, name, timeout + std::chrono::seconds(5));
    std::lock_guard lock(inbox->mutex);
    inbox->results.emplace_back(name, std::move(result));
    (void)!eventfd_write(inbox->wake.get(), 1);
  };
  std::thread(std::move(run)).detach();
}

void Daemon::collect_actuators(std::int64_t now) {
  std::deque<std::pair<std::string, rule::RunResult>> results;
  {
    std::lock_guard lock(inbox_->mutex);
    results.swap(inbox_->results);
  }
  for (const auto& [rule, result] : results) {
    say(result.outcome != "ok", fmt::format("rule {}: actuator {}: {}", rule, result.outcome, result.message));
    if (auto done = engine_->finished(rule, result, now); !done) say(true, done.error().text());
  }
}

void Daemon::flush() {
  std::int64_t period = config_.push_period.count() * 1000;
  flush_due_ms_ = next_tick_ms(now_ms(), period, phase_ms(options_.node, period));
  if (pending_.empty()) return;
  metric::Labels external = config_.labels;
  metric::set(external, "instance", options_.node);
  metric::set(external, "job", "weft");
  auto count = static_cast<std::uint32_t>(pending_.size());
  std::string body = wire::encode(wire::to_rows(pending_, external));
  pending_.clear();
  auto spooled = spool_->append(body, count);
  ++flushes_;
  std::string& told = told_["spool"];
  std::string problem = spooled ? std::string() : spooled.error().text();
  if (problem != told && !problem.empty()) say(true, "samples are lost: " + problem);
  told = problem;
  if (pusher_) pusher_->wake();
}

void Daemon::own_state(sensor::Output& out) const {
  for (const auto& running : sensors_) {
    if (!running.sampled) continue;
    out.put("node_scrape_collector_duration_seconds", Kind::gauge, running.seconds, {{"collector", running.config.spec->name}});
    out.put("node_scrape_collector_success", Kind::gauge, running.success, {{"collector", running.config.spec->name}});
  }
  out.put("weft_sensord_config_success", Kind::gauge, config_good_);
  out.put("weft_sensord_samples_total", Kind::counter, static_cast<double>(samples_));
  auto spool = spool_->figures();
  out.put("weft_sensord_spool_bytes", Kind::gauge, static_cast<double>(spool.bytes));
  out.put("weft_sensord_spool_batches", Kind::gauge, static_cast<double>(spool.batches));
  out.put("weft_sensord_spool_damaged_total", Kind::counter, static_cast<double>(spool.damaged));
  Pusher::Figures push = pusher_ ? pusher_->figures() : Pusher::Figures{};
  const std::pair<const char*, std::uint64_t> dropped[] = {
      {"spool_full", spool.dropped_full}, {"disk", spool.dropped_disk}, {"refused", push.refused_samples}};
  for (const auto& [reason, count] : dropped)
    out.put("weft_sensord_dropped_samples_total", Kind::counter, static_cast<double>(count), {{"reason", reason}});
  out.put("weft_sensord_dropped_events_total", Kind::counter,
          static_cast<double>(engine_->dropped_events()) + static_cast<double>(push.refused_events));
  out.put("weft_sensord_sent_samples_total", Kind::counter, static_cast<double>(push.sent_samples));
  out.put("weft_sensord_push_errors_total", Kind::counter, static_cast<double>(push.errors));
  out.put("weft_sensord_last_push_timestamp_seconds", Kind::gauge, static_cast<double>(push.last_success_ms) / 1000);
  out.put("weft_sensord_rule_errors", Kind::gauge, static_cast<double>(engine_->errors().size()));
  for (const auto& summary : engine_->summaries()) {
    out.put("weft_sensord_rule_active", Kind::gauge, summary.holds, {{"rule", summary.rule}});
    out.put("weft_sensord_actuator_runs_total", Kind::counter, static_cast<double>(summary.runs), {{"rule", summary.rule}});
  }
}

void Daemon::wait(std::int64_t now) {
  std::int64_t next = std::min(now + longest_wait_ms, flush_due_ms_);
  for (const auto& running : sensors_) next = std::min(next, running.due_ms);
  if (auto due = engine_->next_due_ms()) next = std::min(next, *due);
  pollfd wake{inbox_->wake.get(), POLLIN, 0};
  poll(&wake, 1, static_cast<int>(std::clamp<std::int64_t>(next - now, 0, longest_wait_ms)));
  eventfd_t ignored;
  (void)!eventfd_read(inbox_->wake.get(), &ignored);
}

}  // namespace monitor::sensord
