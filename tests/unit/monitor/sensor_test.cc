#include "monitor/sensor/sensor.h"

#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <set>

#include "monitor/sensor/systemd.h"
#include "tests/unit/monitor/support.h"

using namespace monitor;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;
using tests::monitor_support::error_of;
using tests::monitor_support::Scratch;
using tests::monitor_support::tree;
using tests::monitor_support::value_of;

namespace {

sensor::Environment recorded(const std::filesystem::path& root) {
  sensor::Environment environment;
  environment.root = root;
  environment.proc = root / "proc";
  environment.sys = root / "sys";
  return environment;
}

base::Result<std::vector<metric::Sample>> sample(std::string_view name, const sensor::Environment& environment,
                                                 const Value& options = {}) {
  const auto* spec = sensor::find_spec(name);
  REQUIRE(spec);
  auto made = WEFT_TRY(sensor::make(*spec, options, environment));
  sensor::Output out;
  WEFT_TRY(made->sample(out));
  return std::move(out.samples());
}

void write(const std::filesystem::path& path, const std::string& content) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << content;
}

}  // namespace

TEST_CASE("sensor: cpu") {
  auto samples = sample("cpu", recorded(tree("storage")));
  REQUIRE_MESSAGE(samples, error_of(samples));
  CHECK(value_of(*samples, "node_cpu_seconds_total{cpu=\"0\",mode=\"user\"}") == 6);
  CHECK(value_of(*samples, "node_cpu_seconds_total{cpu=\"1\",mode=\"idle\"}") == 200);
  CHECK(value_of(*samples, "node_cpu_seconds_total{cpu=\"0\",mode=\"steal\"}") == 0.06);
  CHECK(value_of(*samples, "node_cpu_guest_seconds_total{cpu=\"1\",mode=\"nice\"}") == 0.06);
  CHECK(value_of(*samples, "node_boot_time_seconds") == 1763800000);
  CHECK(value_of(*samples, "node_context_switches_total") == 123456789);
  CHECK(value_of(*samples, "node_intr_total") == 987654);
  CHECK(value_of(*samples, "node_forks_total") == 4242);
  CHECK(value_of(*samples, "node_procs_blocked") == 1);
}

TEST_CASE("sensor: a cpu counter that steps back a little stays, a real restart is shown") {
  Scratch scratch;
  auto environment = recorded(scratch.path);
  write(scratch.path / "proc/stat", "cpu0 600 10 200 20000 300 4 5 6\n");
  auto made = sensor::make(*sensor::find_spec("cpu"), {}, environment);
  REQUIRE(made);
  auto idle = [&] {
    sensor::Output out;
    REQUIRE((*made)->sample(out));
    return value_of(out.samples(), "node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"}");
  };
  CHECK(idle() == 200);
  write(scratch.path / "proc/stat", "cpu0 600 10 200 19998 300 4 5 6\n");
  CHECK(idle() == 200);
  write(scratch.path / "proc/stat", "cpu0 600 10 200 100 300 4 5 6\n");
  CHECK(idle() == 1);
}

TEST_CASE("sensor: memory") {
  auto samples = sample("memory", recorded(tree("storage")));
  REQUIRE_MESSAGE(samples, error_of(samples));
  CHECK(value_of(*samples, "node_memory_MemTotal_bytes") == 16316412. * 1024);
  CHECK(value_of(*samples, "node_memory_Active_anon_bytes") == 204800. * 1024);
  CHECK(value_of(*samples, "node_memory_HugePages_Total") == 4);
  CHECK(value_of(*samples, "node_memory_DirectMap1G_bytes") == 8388608. * 1024);
}

TEST_CASE("sensor: load, vmstat, pressure") {
  auto load = sample("load", recorded(tree("storage")));
  REQUIRE(load);
  CHECK(value_of(*load, "node_load15") == 2.08);
  auto vmstat = sample("vmstat", recorded(tree("storage")));
  REQUIRE(vmstat);
  CHECK(vmstat->size() == 7);
  CHECK(value_of(*vmstat, "node_vmstat_oom_kill") == 1);
  CHECK((*vmstat)[0].kind == metric::Kind::untyped);
  auto pressure = sample("pressure", recorded(tree("storage")));
  REQUIRE(pressure);
  CHECK(pressure->size() == 3);
  CHECK(value_of(*pressure, "node_pressure_cpu_waiting_seconds_total") == 1.5);
  CHECK(value_of(*pressure, "node_pressure_io_stalled_seconds_total") == 0.5);
}

TEST_CASE("sensor: disk counts whole devices, with the columns each kernel has") {
  auto samples = sample("disk", recorded(tree("storage")));
  REQUIRE_MESSAGE(samples, error_of(samples));
  CHECK(value_of(*samples, "node_disk_read_bytes_total{device=\"sda\"}") == 80000. * 512);
  CHECK(value_of(*samples, "node_disk_io_now{device=\"sda\"}") == 2);
  CHECK(value_of(*samples, "node_disk_io_time_seconds_total{device=\"sda\"}") == 5);
  CHECK(value_of(*samples, "node_disk_discarded_sectors_total{device=\"sda\"}") == 2048);
  CHECK(value_of(*samples, "node_disk_flush_requests_total{device=\"sda\"}") == 60);
  std::map<std::string, int> series;
  for (const auto& s : *samples) ++series[std::string(metric::find(s.series.labels, "device"))];
  CHECK(series == std::map<std::string, int>{{"dm-0", 11}, {"nvme0n1", 15}, {"sda", 17}});
  auto fewer = sample("disk", recorded(tree("storage")), Dict{{"exclude", List{"nvme*", "dm-*"}}});
  REQUIRE(fewer);
  CHECK(value_of(*fewer, "node_disk_io_now{device=\"loop0\"}") == 0);  // naming patterns replaces the default ones
  CHECK(value_of(*fewer, "node_disk_io_now{device=\"dm-0\"}") == -1e300);
}

TEST_CASE("sensor: network, counters beyond 63 bits and absent properties") {
  auto samples = sample("network", recorded(tree("storage")));
  REQUIRE_MESSAGE(samples, error_of(samples));
  CHECK(value_of(*samples, "node_network_receive_bytes_total{device=\"eth0\"}") == 18446744073709551000.0);
  CHECK(value_of(*samples, "node_network_transmit_compressed_total{device=\"eth0\"}") == 13);
  CHECK(value_of(*samples, "node_network_receive_nohandler_total{device=\"eth0\"}") == 7);
  CHECK(value_of(*samples, "node_network_up{device=\"eth0\"}") == 1);
  CHECK(value_of(*samples, "node_network_up{device=\"lo\"}") == 0);
  CHECK(value_of(*samples, "node_network_speed_bytes{device=\"eth0\"}") == 25000e6 / 8);
  CHECK(value_of(*samples, "node_network_speed_bytes{device=\"lo\"}") == -1e300);
  CHECK(value_of(*samples, "node_network_carrier{device=\"lo\"}") == -1e300);
  auto fewer = sample("network", recorded(tree("storage")), Dict{{"exclude", List{"lo"}}});
  REQUIRE(fewer);
  CHECK(value_of(*fewer, "node_network_up{device=\"lo\"}") == -1e300);
}

TEST_CASE("sensor: filesystem, read-only and gone mounts") {
  auto samples = sample("filesystem", recorded(tree("storage")));
  REQUIRE_MESSAGE(samples, error_of(samples));
  const std::string disk = "{device=\"/dev/sdb1\",fstype=\"xfs\",mountpoint=\"/data/disk 01\"}";
  CHECK(value_of(*samples, "node_filesystem_readonly" + disk) == 1);
  CHECK(value_of(*samples, "node_filesystem_device_error" + disk) == 0);
  CHECK(value_of(*samples, "node_filesystem_size_bytes" + disk) > 0);
  const std::string gone = "{device=\"/dev/sdc1\",fstype=\"xfs\",mountpoint=\"/data/gone\"}";
  CHECK(value_of(*samples, "node_filesystem_device_error" + gone) == 1);
  CHECK(value_of(*samples, "node_filesystem_size_bytes" + gone) == -1e300);
  for (const auto& s : *samples) CHECK(metric::find(s.series.labels, "fstype") != "proc");
}

TEST_CASE("sensor: agent file") {
  auto samples = sample("agent", recorded(tree("storage")));
  REQUIRE_MESSAGE(samples, error_of(samples));
  CHECK(value_of(*samples, "weft_agent_component_runs_total{component=\"filecopy\",outcome=\"ok\"}") == 12);
  CHECK(value_of(*samples, "weft_agent_file_present") == 1);

  Scratch scratch;
  auto absent = sample("agent", recorded(scratch.path));
  REQUIRE(absent);
  CHECK(absent->size() == 1);
  CHECK(value_of(*absent, "weft_agent_file_present") == 0);
  write(scratch.path / "run/weft/agent.prom", "node_load1 99\n");
  CHECK(error_of(sample("agent", recorded(scratch.path))).find("node_load1 is not one of the agent's own") != std::string::npos);
  write(scratch.path / "run/weft/agent.prom", "weft_agent_x{ 99\n");
  CHECK(error_of(sample("agent", recorded(scratch.path))).find("line 1") != std::string::npos);
  CHECK(error_of(sample("agent", recorded(scratch.path), Dict{{"file", "agent.prom"}})).find("absolute") != std::string::npos);
}

TEST_CASE("sensor: systemd units") {
  std::vector<base::bus::Unit> units;
  auto add = [&](const char* name, const char* state) {
    base::bus::Unit unit;
    unit.name = name;
    unit.active_state = state;
    units.push_back(unit);
  };
  add("sshd.service", "active");
  add("cron.service", "active");
  add("eos@fst.service", "failed");
  add("reload.service", "reloading");
  sensor::Output out;
  sensor::put_units(units, {"sshd.service", "never-loaded.service", "reload*", "absent-*"}, out);
  const auto& samples = out.samples();
  CHECK(value_of(samples, "node_systemd_unit_state{name=\"sshd.service\",state=\"active\"}") == 1);
  CHECK(value_of(samples, "node_systemd_unit_state{name=\"sshd.service\",state=\"failed\"}") == 0);
  CHECK(value_of(samples, "node_systemd_unit_state{name=\"eos@fst.service\",state=\"failed\"}") == 1);
  CHECK(value_of(samples, "node_systemd_unit_state{name=\"cron.service\",state=\"active\"}") == -1e300);
  CHECK(value_of(samples, "node_systemd_unit_state{name=\"never-loaded.service\",state=\"inactive\"}") == 1);
  CHECK(value_of(samples, "node_systemd_unit_state{name=\"reload.service\",state=\"active\"}") == 1);
  CHECK(value_of(samples, "node_systemd_units{state=\"active\"}") == 3);
  CHECK(value_of(samples, "node_systemd_units{state=\"failed\"}") == 1);
}

TEST_CASE("sensor: damaged kernel files are errors that name the file") {
  struct Case {
    const char *sensor, *file, *content, *message;
  };
  const Case cases[] = {{"cpu", "proc/stat", "intr 1\n", "no line cpu0"},
                        {"cpu", "proc/stat", "cpu0 1 2\n", "too few columns"},
                        {"cpu", "proc/stat", "cpu0 1 2 3 4\nctxt many\n", "ctxt has no number"},
                        {"memory", "proc/meminfo", "MemFree: 4 kB\n", "no MemTotal"},
                        {"memory", "proc/meminfo", "MemTotal 4 kB\n", "Name: number"},
                        {"memory", "proc/meminfo", "MemTotal: 4 kB\nBad-Name: 5 kB\n", "odd characters"},
                        {"load", "proc/loadavg", "0.1 0.2\n", "fewer than three"},
                        {"vmstat", "proc/vmstat", "nr_free_pages 1\n", "none of the expected"},
                        {"vmstat", "proc/vmstat", "pgfault x\n", "pgfault has no number"},
                        {"pressure", "proc/pressure/io", "some avg10=0.00\n", "no total="},
                        {"disk", "proc/diskstats", "8 0 sda 1 2 3\n", "sda has too few columns"},
                        {"disk", "proc/diskstats", "8 0\n", "without device name"},
                        {"network", "proc/net/dev", "one line\n", "header lines"},
                        {"network", "proc/net/dev", "a\nb\neth0: 1 2 3\n", "eth0 has too few columns"},
                        {"network", "proc/net/dev", "a\nb\neth0 1 2 3\n", "without colon"},
                        {"filesystem", "proc/self/mountinfo", "28 1 254:1 / / rw\n", "without type and device"}};
  for (const auto& c : cases) {
    CAPTURE(c.content);
    Scratch scratch;
    write(scratch.path / c.file, c.content);
    auto result = sample(c.sensor, recorded(scratch.path));
    REQUIRE_FALSE(result);
    CHECK(result.error().message.find(c.message) != std::string::npos);
    CHECK(result.error().message.find(c.file) != std::string::npos);
  }
  Scratch empty;
  for (const char* name : {"cpu", "memory", "load", "vmstat", "disk", "network", "filesystem"}) {
    CAPTURE(name);
    CHECK_FALSE(sample(name, recorded(empty.path)));
  }
  CHECK(sample("pressure", recorded(empty.path)));  // a kernel without PSI is no error
}

TEST_CASE("sensor: options are checked by name and type") {
  sensor::Environment environment;
  auto refused = [&](const char* name, Value options) {
    return error_of(sensor::make(*sensor::find_spec(name), options, environment));
  };
  CHECK(refused("disk", Dict{{"exlude", List{}}}).find("unknown option exlude (did you mean exclude?)") != std::string::npos);
  CHECK(refused("disk", Dict{{"exclude", "sda"}}).find("must be a list, is a string") != std::string::npos);
  CHECK(refused("disk", Dict{{"exclude", List{7}}}).find("non-empty string") != std::string::npos);
  CHECK(refused("cpu", Dict{{"x", 1}}).find("unknown option x") != std::string::npos);
  CHECK(refused("cpu", "text").find("must be a dict") != std::string::npos);
  CHECK(refused("filesystem", Dict{{"timeout", 0}}).find("1 to 60") != std::string::npos);
  CHECK_FALSE(sensor::find_spec("gpu"));
}

TEST_CASE("sensor: everything measured on this machine is declared, with the declared labels and kind") {
  sensor::Environment environment;
  std::set<std::string> seen;
  for (const auto& spec : sensor::catalogue()) {
    if (spec.name == "systemd" || spec.name == "agent") continue;  // there may be no bus here, and an agent of any version
    auto samples = sample(spec.name, environment);
    REQUIRE_MESSAGE(samples, spec.name, ": ", error_of(samples));
    for (const auto& s : *samples) {
      CAPTURE(s.series.text());
      CHECK(seen.insert(s.series.text()).second);
      const auto* field = sensor::find_field(s.series.name);
      REQUIRE(field);
      CHECK(field->kind == s.kind);
      for (const auto& label : s.series.labels)
        CHECK(("," + std::string(field->labels) + ",").find("," + label.name + ",") != std::string::npos);
    }
  }
  CHECK(seen.size() > 50);
}
