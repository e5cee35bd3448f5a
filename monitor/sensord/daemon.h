// The whole of `weft-sensord run`: ticks, rules, batches, spool, push, reload. Made and run by programs/weft-sensord on its main
// thread; stop() may be called from a signal handler.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/file/file.h"
#include "base/http/client.h"
#include "monitor/rule/actuate.h"
#include "monitor/rule/engine.h"
#include "monitor/rule/latest.h"
#include "monitor/sensor/sensor.h"
#include "monitor/sensord/config.h"
#include "monitor/sensord/pusher.h"
#include "monitor/sensord/spool.h"

namespace monitor::sensord {

struct DaemonOptions {
  std::string node;
  std::string server;                     // from the agent's settings: https://host:8443
  std::filesystem::path profile;          // .../profile/current.json
  std::filesystem::path identity;         // folder with node.crt, node.key, ca.crt
  std::filesystem::path state;            // spool/, rules.json
  std::filesystem::path actuator_socket;  // /run/weft/actuate.sock
  sensor::Environment environment;
  std::function<void(std::string_view)> notify;                            // sd_notify text
  std::function<void(bool important, const std::string& message)> report;  // the program's log
};

class Daemon {
 public:
  static base::Result<std::unique_ptr<Daemon>> open(DaemonOptions options);
  ~Daemon();
  // Until stop(). The last batch is spooled before it returns.
  base::Result<> run();
  void stop() noexcept;
  void reload() noexcept;  // read the profile again, even if it looks unchanged

 private:
  struct Running {
    SensorConfig config;
    std::unique_ptr<sensor::Sensor> sensor;
    std::int64_t due_ms = 0, phase_ms = 0;
    double seconds = 0;
    bool success = true, sampled = false;
  };
  struct Identity {  // of a file, to see that it changed
    std::int64_t device = 0, inode = 0, size = 0, mtime_ns = 0;
    friend bool operator==(const Identity&, const Identity&) = default;
  };

  explicit Daemon(DaemonOptions options) : options_(std::move(options)) {}
  Identity profile_identity() const;
  void load_profile(std::int64_t now_ms);
  void apply(Config config, std::int64_t now_ms);
  PushTarget target(const Config& config) const;
  void sample_due(std::int64_t now_ms);
  void sample(Running& running);
  void evaluate_rules(std::int64_t now_ms);
  void start_actuator(const rule::Rule& rule);
  void collect_actuators(std::int64_t now_ms);
  void flush();
  void own_state(sensor::Output& out) const;
  void wait(std::int64_t now_ms);
  void say(bool important, const std::string& message) const {
    if (options_.report) options_.report(important, message);
  }

  DaemonOptions options_;
  Config config_;
  bool config_good_ = true;
  Identity seen_;
  std::vector<Running> sensors_;
  rule::Latest latest_;
  std::vector<metric::Sample> pending_;
  std::int64_t flush_due_ms_ = 0, last_event_seq_ = 0;
  std::uint64_t samples_ = 0, flushes_ = 0;
  bool settled_ = false;                     // start-up's memory was given back
  std::map<std::string, std::string> told_;  // subject to last complaint: each is logged once
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<rule::Engine> engine_;
  std::unique_ptr<Pusher> pusher_;

  // Shared with the threads of actuator runs, which may outlive the daemon by a moment.
  struct Inbox {
    std::mutex mutex;
    std::deque<std::pair<std::string, rule::RunResult>> results;
    base::file::Fd wake;
  };
  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  std::atomic<bool> stop_ = false, reload_ = false;
};

}  // namespace monitor::sensord
