// /proc/stat: seconds per CPU and mode, interrupts, context switches, forks, boot time.
#include <unistd.h>

#include <array>
#include <map>

#include "monitor/sensor/parse.h"
#include "monitor/sensor/specs.h"

namespace monitor::sensor {
namespace {

using metric::Kind;

constexpr Field fields[] = {
    {"node_cpu_seconds_total", Kind::counter, "cpu,mode", "Seconds the CPUs spent in each mode."},
    {"node_cpu_guest_seconds_total", Kind::counter, "cpu,mode", "Seconds the CPUs spent in guests (VMs) for each mode."},
    {"node_context_switches_total", Kind::counter, "", "Total number of context switches."},
    {"node_intr_total", Kind::counter, "", "Total number of interrupts serviced."},
    {"node_forks_total", Kind::counter, "", "Total number of forks."},
    {"node_boot_time_seconds", Kind::gauge, "", "Node boot time, in unixtime."},
    {"node_procs_running", Kind::gauge, "", "Number of processes in runnable state."},
    {"node_procs_blocked", Kind::gauge, "", "Number of processes blocked waiting for I/O to complete."},
};

constexpr const char* modes[] = {"user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"};
constexpr const char* guest_modes[] = {"user", "nice"};

class Cpu : public Sensor {
 public:
  explicit Cpu(const Environment& environment) : path_(environment.proc / "stat") {}

  base::Result<> sample(Output& out) override {
    std::string content = WEFT_TRY(read(path_));
    std::string_view text = content, line;
    bool any = false;
    while (next_line(text, line)) {
      std::string_view word = next_word(line);
      if (word.starts_with("cpu") && word.size() > 3) {
        WEFT_TRY(one_cpu(word.substr(3), line, out));
        any = true;
        continue;
      }
      for (const auto& [key, field] : scalars) {
        if (word != key) continue;
        auto value = number(next_word(line));
        if (!value) return base::fail(malformed(path_, std::string(key) + " has no number"));
        out.put(field.name, field.kind, *value);
      }
    }
    if (!any) return base::fail(malformed(path_, "no line cpu0, cpu1, ..."));
    return {};
  }

 private:
  static constexpr std::pair<std::string_view, Field> scalars[] = {{"ctxt", fields[2]},          {"intr", fields[3]},
                                                                   {"processes", fields[4]},     {"btime", fields[5]},
                                                                   {"procs_running", fields[6]}, {"procs_blocked", fields[7]}};

  base::Result<> one_cpu(std::string_view cpu, std::string_view line, Output& out) {
    auto& last = last_[std::string(cpu)];
    for (int i = 0; i < 8; ++i) {
      auto ticks = number(next_word(line));
      if (!ticks) {
        if (i >= 4) break;  // old kernels have fewer columns
        return base::fail(malformed(path_, "cpu" + std::string(cpu) + " has too few columns"));
      }
      double seconds = *ticks / hertz_;
      // Linux lets idle and iowait step back by a few ticks; a counter that does would be read as a restart.
      if (seconds < last[i] && last[i] - seconds < 3) seconds = last[i];
      last[i] = seconds;
      out.put(fields[0].name, fields[0].kind, seconds, {{"cpu", cpu}, {"mode", modes[i]}});
    }
    for (const char* mode : guest_modes) {
      auto ticks = number(next_word(line));
      if (!ticks) break;
      out.put(fields[1].name, fields[1].kind, *ticks / hertz_, {{"cpu", cpu}, {"mode", mode}});
    }
    return {};
  }

  std::filesystem::path path_;
  double hertz_ = static_cast<double>(sysconf(_SC_CLK_TCK));
  std::map<std::string, std::array<double, 8>> last_;
};

}  // namespace

const Spec cpu_spec{"cpu", 10, false, fields, {}, [](const base::profile::Value&, const Environment& e) {
                      return base::Result<std::unique_ptr<Sensor>>(std::make_unique<Cpu>(e));
                    }};

}  // namespace monitor::sensor
