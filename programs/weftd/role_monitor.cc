// Role monitor: samples of the nodes to the store, alarms to PostgreSQL, behind the HTTP routes of monitor/http.
#include <condition_variable>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "base/log/log.h"
#include "monitor/http/api.h"
#include "programs/weftd/role.h"

namespace programs::weftd {
namespace {

using base::Errc;
using base::fail;
namespace log = base::log;

struct MonitorSettings {
  std::string store;
  std::chrono::seconds silent_after{300};
  std::chrono::hours keep_alarms{24 * 365};
  std::size_t series_per_node = 5000;
};

// weftd.yaml: `prometheus: URL` and, all optional, `monitor: {silent_after: 300, keep_alarm_days: 365, series_per_node: 5000}`.
base::Result<MonitorSettings> read_settings(const base::profile::Value& all) {
  MonitorSettings out;
  out.store = all.get_string("prometheus");
  if (!out.store.empty()) {
    if (!out.store.starts_with("http://") && !out.store.starts_with("https://"))
      return fail(Errc::invalid, fmt::format("weftd.yaml: prometheus cannot be {}", out.store), "write it as http://HOST:9090");
    std::size_t path = out.store.find('/', out.store.find("://") + 3);
    if (path == std::string::npos || path + 1 == out.store.size()) {
      while (out.store.back() == '/') out.store.pop_back();
      out.store += "/api/v1/write";
    }
  }
  const auto* monitor = all.get("monitor");
  if (!monitor || monitor->is_null()) return out;
  if (!monitor->is_dict()) return fail(Errc::invalid, "weftd.yaml: monitor must be a map");
  struct Number {
    const char* name;
    std::int64_t fallback, least, most, value = 0;
  };
  Number numbers[] = {
      {"silent_after", 300, 60, 86400}, {"keep_alarm_days", 365, 1, 36500}, {"series_per_node", 5000, 100, 1000000}};
  for (const auto& [name, value] : *monitor->dict()) {
    bool known = false;
    for (const auto& number : numbers) known = known || name == number.name;
    if (!known) return fail(Errc::invalid, fmt::format("weftd.yaml: monitor has no setting {}", name));
  }
  for (auto& number : numbers) {
    const auto* value = monitor->get(number.name);
    number.value = value && value->integer() ? *value->integer() : number.fallback;
    if ((value && !value->integer()) || number.value < number.least || number.value > number.most)
      return fail(Errc::invalid, fmt::format("weftd.yaml: monitor.{} must be a whole number from {} to {}", number.name,
                                             number.least, number.most));
  }
  out.silent_after = std::chrono::seconds(numbers[0].value);
  out.keep_alarms = std::chrono::hours(24 * numbers[1].value);
  out.series_per_node = static_cast<std::size_t>(numbers[2].value);
  return out;
}

class MonitorRole : public Role {
 public:
  static base::Result<std::unique_ptr<Role>> start(Context& context) {
    auto role = std::make_unique<MonitorRole>();
    role->settings_ = WEFT_TRY(read_settings(context.settings));
    role->alarms_ = WEFT_TRY(monitor::alarm::Store::open(context.pool));
    monitor::gateway::GatewayOptions options;
    options.store = role->settings_.store;
    options.last_values.series_per_node = role->settings_.series_per_node;
    if (options.store.empty()) log::warning("no setting prometheus: samples are shown as last values only, no history is kept");
    role->gateway_ = std::make_unique<monitor::gateway::Gateway>(std::move(options));
    role->api_ = std::make_unique<monitor::http::Api>(*role->gateway_, *role->alarms_);
    role->api_->add_routes(*context.server);
    role->house_keeping_ = std::thread([raw = role.get()] { raw->keep_house(); });
    return role;
  }
  ~MonitorRole() override {
    {
      const std::scoped_lock lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    if (house_keeping_.joinable()) house_keeping_.join();
  }

 private:
  // Every 30 s: who is silent; every minute or so: what is stale; every hour: what is old.
  void keep_house() {
    std::string told;
    auto pruned = std::chrono::steady_clock::now();
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, std::chrono::seconds(30), [&] { return stop_; })) {
      lock.unlock();
      auto now =
          std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
      gateway_->last_values().sweep(now);
      std::vector<std::pair<std::string, std::int64_t>> heard;
      for (auto& contact : gateway_->last_values().contacts()) heard.emplace_back(std::move(contact.node), contact.arrived_ms);
      auto raised = alarms_->check_contacts(heard, settings_.silent_after);
      std::string problem = raised ? std::string() : raised.error().text();
      if (raised && *raised > 0) log::warning("nodes are silent", {{"alarms", std::to_string(*raised)}});
      if (std::chrono::steady_clock::now() - pruned > std::chrono::hours(1)) {
        pruned = std::chrono::steady_clock::now();
        if (auto done = alarms_->prune(settings_.keep_alarms); !done) problem += done.error().text();
      }
      if (!problem.empty() && problem != told) log::warning("alarms: " + problem);
      told = problem;
      lock.lock();
    }
  }

  MonitorSettings settings_;
  std::unique_ptr<monitor::alarm::Store> alarms_;
  std::unique_ptr<monitor::gateway::Gateway> gateway_;
  std::unique_ptr<monitor::http::Api> api_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
  std::thread house_keeping_;
};

}  // namespace

base::Result<std::unique_ptr<Role>> start_monitor(Context& context) {
  return MonitorRole::start(context);
}

}  // namespace programs::weftd
