// The small ones of /proc: loadavg, vmstat, pressure; and time and uname.
#include <sys/timex.h>
#include <sys/utsname.h>

#include <chrono>

#include "monitor/sensor/parse.h"
#include "monitor/sensor/specs.h"

namespace monitor::sensor {
namespace {

using base::profile::Value;
using metric::Kind;

template <class T>
base::Result<std::unique_ptr<Sensor>> make_simple(const Value&, const Environment& environment) {
  return std::unique_ptr<Sensor>(std::make_unique<T>(environment));
}

constexpr Field load_fields[] = {
    {"node_load1", Kind::gauge, "", "1m load average."},
    {"node_load5", Kind::gauge, "", "5m load average."},
    {"node_load15", Kind::gauge, "", "15m load average."},
};

class Load : public Sensor {
 public:
  explicit Load(const Environment& environment) : path_(environment.proc / "loadavg") {}
  base::Result<> sample(Output& out) override {
    std::string content = WEFT_TRY(read(path_));
    std::string_view line = content;
    for (const Field& field : load_fields) {
      auto value = number(next_word(line));
      if (!value) return base::fail(malformed(path_, "fewer than three numbers"));
      out.put(field.name, field.kind, *value);
    }
    return {};
  }

 private:
  std::filesystem::path path_;
};

constexpr Field vmstat_fields[] = {
    {"node_vmstat_*", Kind::untyped, "", "/proc/vmstat information field."},
};

class Vmstat : public Sensor {
 public:
  explicit Vmstat(const Environment& environment) : path_(environment.proc / "vmstat") {}
  base::Result<> sample(Output& out) override {
    std::string content = WEFT_TRY(read(path_));
    std::string_view text = content, line;
    bool any = false;
    while (next_line(text, line)) {
      std::string_view key = next_word(line);
      bool wanted = key.starts_with("oom_kill") || key.starts_with("pgpg") || key.starts_with("pswp") ||
                    (key.starts_with("pg") && key.find("fault") != std::string_view::npos);
      if (!wanted) continue;
      auto value = number(next_word(line));
      if (!value) return base::fail(malformed(path_, std::string(key) + " has no number"));
      out.put("node_vmstat_" + std::string(key), Kind::untyped, *value);
      any = true;
    }
    if (!any) return base::fail(malformed(path_, "none of the expected fields"));
    return {};
  }

 private:
  std::filesystem::path path_;
};

constexpr Field pressure_fields[] = {
    {"node_pressure_cpu_waiting_seconds_total", Kind::counter, "",
     "Total time in seconds that processes have waited for CPU time."},
    {"node_pressure_io_waiting_seconds_total", Kind::counter, "",
     "Total time in seconds that processes have waited due to IO congestion."},
    {"node_pressure_io_stalled_seconds_total", Kind::counter, "",
     "Total time in seconds no process could make progress due to IO congestion."},
    {"node_pressure_memory_waiting_seconds_total", Kind::counter, "",
     "Total time in seconds that processes have waited for memory."},
    {"node_pressure_memory_stalled_seconds_total", Kind::counter, "",
     "Total time in seconds no process could make progress due to memory congestion."},
    {"node_pressure_irq_stalled_seconds_total", Kind::counter, "",
     "Total time in seconds no process could make progress due to IRQ congestion."},
};

class Pressure : public Sensor {
 public:
  explicit Pressure(const Environment& environment) : folder_(environment.proc / "pressure") {}
  base::Result<> sample(Output& out) override {
    for (const char* resource : {"cpu", "io", "memory", "irq"}) {
      auto content = read(folder_ / resource);
      if (!content) continue;  // kernels without PSI, or booted without psi=1: EOPNOTSUPP
      std::string_view text = *content, line;
      while (next_line(text, line)) {
        std::string_view kind = next_word(line);
        std::size_t at = line.find("total=");
        auto micros = at == std::string_view::npos ? std::nullopt : number(line.substr(at + 6));
        if (!micros || (kind != "some" && kind != "full")) return base::fail(malformed(folder_ / resource, "no total="));
        std::string name =
            std::string("node_pressure_") + resource + (kind == "some" ? "_waiting" : "_stalled") + "_seconds_total";
        // node_exporter has no cpu "stalled": the kernel reports zeros there.
        for (const Field& field : pressure_fields)
          if (field.name == name) out.put(name, field.kind, *micros / 1e6);
      }
    }
    return {};
  }

 private:
  std::filesystem::path folder_;
};

constexpr Field time_fields[] = {
    {"node_time_seconds", Kind::gauge, "", "System time in seconds since epoch (1970)."},
    {"node_timex_sync_status", Kind::gauge, "", "Is clock synchronized to a reliable server (1 = yes, 0 = no)."},
    {"node_timex_offset_seconds", Kind::gauge, "", "Time offset in between local system and reference clock."},
    {"node_timex_maxerror_seconds", Kind::gauge, "", "Maximum error in seconds."},
    {"node_timex_estimated_error_seconds", Kind::gauge, "", "Estimated error in seconds."},
    {"node_timex_frequency_adjustment_ratio", Kind::gauge, "", "Local clock frequency adjustment."},
    {"node_timex_loop_time_constant", Kind::gauge, "", "Phase-locked loop time constant."},
    {"node_timex_tick_seconds", Kind::gauge, "", "Seconds between clock ticks."},
    {"node_timex_tai_offset_seconds", Kind::gauge, "", "International Atomic Time (TAI) offset."},
};

class Time : public Sensor {
 public:
  explicit Time(const Environment&) {}
  base::Result<> sample(Output& out) override {
    std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
    out.put(time_fields[0].name, Kind::gauge, now.count());
    timex state{};  // modes 0: only reads, needs no privilege
    int status = adjtimex(&state);
    if (status < 0) return {};  // containers may not even look at the clock's state; it is the host's anyway
    double unit = state.status & STA_NANO ? 1e9 : 1e6;
    const double values[] = {status == TIME_ERROR ? 0. : 1.,
                             static_cast<double>(state.offset) / unit,
                             static_cast<double>(state.maxerror) / 1e6,
                             static_cast<double>(state.esterror) / 1e6,
                             1 + static_cast<double>(state.freq) / (65536. * 1e6),
                             static_cast<double>(state.constant),
                             static_cast<double>(state.tick) / 1e6,
                             static_cast<double>(state.tai)};
    for (std::size_t i = 0; i < std::size(values); ++i) out.put(time_fields[i + 1].name, Kind::gauge, values[i]);
    return {};
  }
};

constexpr Field uname_fields[] = {
    {"node_uname_info", Kind::gauge, "domainname,machine,nodename,release,sysname,version",
     "Labeled system information as provided by the uname system call."},
};

class Uname : public Sensor {
 public:
  explicit Uname(const Environment&) {}
  base::Result<> sample(Output& out) override {
    utsname name{};
    if (uname(&name) != 0) return base::fail(base::Errc::internal, "uname() failed");
    out.put(uname_fields[0].name, Kind::gauge, 1,
            {{"domainname", name.domainname},
             {"machine", name.machine},
             {"nodename", name.nodename},
             {"release", name.release},
             {"sysname", name.sysname},
             {"version", name.version}});
    return {};
  }
};

}  // namespace

const Spec load_spec{"load", 10, false, load_fields, {}, make_simple<Load>};
const Spec vmstat_spec{"vmstat", 10, false, vmstat_fields, {}, make_simple<Vmstat>};
const Spec pressure_spec{"pressure", 10, false, pressure_fields, {}, make_simple<Pressure>};
const Spec time_spec{"time", 10, false, time_fields, {}, make_simple<Time>};
const Spec uname_spec{"uname", 300, false, uname_fields, {}, make_simple<Uname>};

}  // namespace monitor::sensor
