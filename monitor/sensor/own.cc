// Weft's own programs: the agent's text file, and this daemon itself.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "monitor/metric/text.h"
#include "monitor/sensor/parse.h"
#include "monitor/sensor/specs.h"

namespace monitor::sensor {
namespace {

using metric::Kind;

constexpr Field agent_fields[] = {
    {"weft_agent_*", Kind::gauge, "", "State of weft-agent, from its text file."},
    {"weft_agent_file_present", Kind::gauge, "", "1 when the agent has left its text file."},
    {"weft_agent_file_mtime_seconds", Kind::gauge, "", "When the agent last wrote its text file, in unixtime."},
};

constexpr OptionSpec agent_options[] = {
    {"file", base::profile::Type::string, "the agent's text file; default /run/weft/agent.prom"},
};

class Agent : public Sensor {
 public:
  explicit Agent(std::filesystem::path file) : file_(std::move(file)) {}

  base::Result<> sample(Output& out) override {
    struct stat info {};
    bool present = stat(file_.c_str(), &info) == 0;
    out.put(agent_fields[1].name, Kind::gauge, present);
    if (!present) return {};
    out.put(agent_fields[2].name, Kind::gauge,
            static_cast<double>(info.st_mtim.tv_sec) + static_cast<double>(info.st_mtim.tv_nsec) / 1e9);
    std::string content = WEFT_TRY(base::Result<std::string>(read(file_)));
    auto samples = metric::parse_text(content);
    if (!samples) return base::fail(std::move(samples).error().during("reading " + file_.string()));
    for (auto& sample : *samples) {
      // The file may speak for the agent only, not overwrite what other sensors measure.
      if (!sample.series.name.starts_with("weft_agent_") || sample.series.name.starts_with("weft_agent_file_"))
        return base::fail(base::Errc::invalid, fmt::format("{}: {} is not one of the agent's own metrics (weft_agent_*)",
                                                           file_.string(), sample.series.name));
      out.put(std::move(sample));
    }
    return {};
  }

 private:
  std::filesystem::path file_;
};

constexpr Field self_fields[] = {
    {"process_cpu_seconds_total", Kind::counter, "", "Total user and system CPU time spent in seconds."},
    {"process_resident_memory_bytes", Kind::gauge, "", "Resident memory size in bytes."},
    {"process_virtual_memory_bytes", Kind::gauge, "", "Virtual memory size in bytes."},
    {"process_open_fds", Kind::gauge, "", "Number of open file descriptors."},
    {"process_max_fds", Kind::gauge, "", "Maximum number of open file descriptors."},
    {"node_scrape_collector_duration_seconds", Kind::gauge, "collector", "Duration of a sensor's last sample."},
    {"node_scrape_collector_success", Kind::gauge, "collector", "Whether a sensor's last sample succeeded."},
    {"weft_sensord_build_info", Kind::gauge, "version", "Always 1; the label tells the version."},
    {"weft_sensord_config_success", Kind::gauge, "", "1 when the whole of the profile's monitoring tree was understood."},
    {"weft_sensord_samples_total", Kind::counter, "", "Samples taken."},
    {"weft_sensord_dropped_samples_total", Kind::counter, "reason", "Samples that will never reach the store."},
    {"weft_sensord_spool_bytes", Kind::gauge, "", "Bytes of unsent batches on disk."},
    {"weft_sensord_spool_batches", Kind::gauge, "", "Unsent batches on disk."},
    {"weft_sensord_spool_damaged_total", Kind::counter, "", "Torn or damaged records found in the spool."},
    {"weft_sensord_dropped_events_total", Kind::counter, "", "Alarm and actuator events that will never reach the server."},
    {"weft_sensord_sent_samples_total", Kind::counter, "", "Samples that the server acknowledged."},
    {"weft_sensord_push_errors_total", Kind::counter, "", "Pushes that failed and will be repeated."},
    {"weft_sensord_last_push_timestamp_seconds", Kind::gauge, "", "Time of the last acknowledged push, in unixtime."},
    {"weft_sensord_rule_active", Kind::gauge, "rule", "1 while a rule's condition holds."},
    {"weft_sensord_rule_errors", Kind::gauge, "", "Rules of the profile that could not be understood."},
    {"weft_sensord_actuator_runs_total", Kind::counter, "rule", "Actuator runs since the rule's state began."},
};

class Self : public Sensor {
 public:
  explicit Self(const Environment& environment) : own_state_(environment.own_state) {}

  base::Result<> sample(Output& out) override {
    // Always this process, so always the real /proc.
    std::string statm = WEFT_TRY(read("/proc/self/statm"));
    std::string_view line = statm;
    auto size = number(next_word(line)), resident = number(next_word(line));
    if (!size || !resident) return base::fail(malformed("/proc/self/statm", "fewer than two numbers"));
    auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    std::error_code error;
    double open = 0;
    for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end; it.increment(error)) ++open;
    const double values[] = {seconds(usage.ru_utime) + seconds(usage.ru_stime), *resident * page, *size * page, open,
                             static_cast<double>(files.rlim_cur)};
    for (std::size_t i = 0; i < std::size(values); ++i) out.put(self_fields[i].name, self_fields[i].kind, values[i]);
    out.put("weft_sensord_build_info", Kind::gauge, 1, {{"version", WEFT_VERSION}});
    if (own_state_) own_state_(out);
    return {};
  }

 private:
  std::function<void(Output&)> own_state_;
};

}  // namespace

const Spec agent_spec{"agent",
                      30,
                      false,
                      agent_fields,
                      agent_options,
                      [](const base::profile::Value& o, const Environment& e) -> base::Result<std::unique_ptr<Sensor>> {
                        std::filesystem::path file(o.get_string("file", "/run/weft/agent.prom"));
                        if (!file.is_absolute()) return base::fail(base::Errc::invalid, "option file must be an absolute path");
                        return std::make_unique<Agent>(e.root / file.relative_path());
                      }};

const Spec self_spec{"self", 10, false, self_fields, {}, [](const base::profile::Value&, const Environment& e) {
                       return base::Result<std::unique_ptr<Sensor>>(std::make_unique<Self>(e));
                     }};

}  // namespace monitor::sensor
