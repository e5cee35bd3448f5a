// /proc/net/dev for the counters, /sys/class/net for the state of each device.
#include <array>

#include "monitor/sensor/parse.h"
#include "monitor/sensor/specs.h"

namespace monitor::sensor {
namespace {

using metric::Kind;

// The sixteen columns of /proc/net/dev in order, then what sysfs has.
constexpr Field fields[] = {
    {"node_network_receive_bytes_total", Kind::counter, "device", "Network device statistic receive_bytes."},
    {"node_network_receive_packets_total", Kind::counter, "device", "Network device statistic receive_packets."},
    {"node_network_receive_errs_total", Kind::counter, "device", "Network device statistic receive_errs."},
    {"node_network_receive_drop_total", Kind::counter, "device", "Network device statistic receive_drop."},
    {"node_network_receive_fifo_total", Kind::counter, "device", "Network device statistic receive_fifo."},
    {"node_network_receive_frame_total", Kind::counter, "device", "Network device statistic receive_frame."},
    {"node_network_receive_compressed_total", Kind::counter, "device", "Network device statistic receive_compressed."},
    {"node_network_receive_multicast_total", Kind::counter, "device", "Network device statistic receive_multicast."},
    {"node_network_transmit_bytes_total", Kind::counter, "device", "Network device statistic transmit_bytes."},
    {"node_network_transmit_packets_total", Kind::counter, "device", "Network device statistic transmit_packets."},
    {"node_network_transmit_errs_total", Kind::counter, "device", "Network device statistic transmit_errs."},
    {"node_network_transmit_drop_total", Kind::counter, "device", "Network device statistic transmit_drop."},
    {"node_network_transmit_fifo_total", Kind::counter, "device", "Network device statistic transmit_fifo."},
    {"node_network_transmit_colls_total", Kind::counter, "device", "Network device statistic transmit_colls."},
    {"node_network_transmit_carrier_total", Kind::counter, "device", "Network device statistic transmit_carrier."},
    {"node_network_transmit_compressed_total", Kind::counter, "device", "Network device statistic transmit_compressed."},
    {"node_network_receive_nohandler_total", Kind::counter, "device", "Network device statistic receive_nohandler."},
    {"node_network_up", Kind::gauge, "device", "Value is 1 if operstate is 'up', 0 otherwise."},
    {"node_network_carrier", Kind::gauge, "device", "Network device property: carrier"},
    {"node_network_carrier_changes_total", Kind::counter, "device", "Network device property: carrier_changes_total"},
    {"node_network_mtu_bytes", Kind::gauge, "device", "Network device property: mtu_bytes"},
    {"node_network_speed_bytes", Kind::gauge, "device", "Network device property: speed_bytes"},
};
constexpr std::size_t counters = 16;

constexpr OptionSpec options[] = {
    {"exclude", base::profile::Type::list, "device patterns to leave out; default none"},
};

class Network : public Sensor {
 public:
  Network(const Environment& environment, std::vector<std::string> exclude)
      : path_(environment.proc / "net/dev"), sys_(environment.sys / "class/net"), exclude_(std::move(exclude)) {}

  base::Result<> sample(Output& out) override {
    std::string content = WEFT_TRY(read(path_));
    std::string_view text = content, line;
    for (int i = 0; i < 2; ++i)
      if (!next_line(text, line)) return base::fail(malformed(path_, "two header lines are missing"));
    while (next_line(text, line)) {
      if (line.empty()) continue;
      std::size_t colon = line.rfind(':');
      if (colon == std::string_view::npos) return base::fail(malformed(path_, "a line without colon"));
      std::string_view head = line.substr(0, colon);
      std::string_view device = next_word(head);
      line.remove_prefix(colon + 1);
      if (matches_any(exclude_, device)) continue;
      for (std::size_t i = 0; i < counters; ++i) {
        auto value = number(next_word(line));
        if (!value) return base::fail(malformed(path_, std::string(device) + " has too few columns"));
        out.put(fields[i].name, fields[i].kind, *value, {{"device", device}});
      }
      properties(device, out);
    }
    return {};
  }

 private:
  void properties(std::string_view device, Output& out) {
    auto folder = sys_ / device;
    auto put = [&](const Field& field, const char* file, double factor) {
      auto text = first_line(folder / file);
      auto value = text ? number(*text) : std::nullopt;
      if (value && *value >= 0)
        out.put(field.name, field.kind, *value * factor, {{"device", device}});  // speed of virtual ones is -1
    };
    put(fields[16], "statistics/rx_nohandler", 1);
    if (auto state = first_line(folder / "operstate"))
      out.put(fields[17].name, fields[17].kind, *state == "up" ? 1 : 0, {{"device", device}});
    put(fields[18], "carrier", 1);
    put(fields[19], "carrier_changes", 1);
    put(fields[20], "mtu", 1);
    put(fields[21], "speed", 1e6 / 8);
  }

  std::filesystem::path path_, sys_;
  std::vector<std::string> exclude_;
};

}  // namespace

const Spec network_spec{"network",
                        10,
                        false,
                        fields,
                        options,
                        [](const base::profile::Value& o, const Environment& e) -> base::Result<std::unique_ptr<Sensor>> {
                          auto exclude = WEFT_TRY(patterns(o, "exclude", {}));
                          return std::make_unique<Network>(e, std::move(exclude));
                        }};

}  // namespace monitor::sensor
