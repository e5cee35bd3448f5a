// /proc/diskstats. Whole devices only: partitions would count every transfer twice.
#include <array>

#include "monitor/sensor/parse.h"
#include "monitor/sensor/specs.h"

namespace monitor::sensor {
namespace {

using metric::Kind;

// In the order of the file's columns, with the factor to the base unit: sectors are 512 bytes whatever the device says.
struct Column {
  Field field;
  double factor;
};
constexpr Column columns[] = {
    {{"node_disk_reads_completed_total", Kind::counter, "device", "The total number of reads completed successfully."}, 1},
    {{"node_disk_reads_merged_total", Kind::counter, "device", "The total number of reads merged."}, 1},
    {{"node_disk_read_bytes_total", Kind::counter, "device", "The total number of bytes read successfully."}, 512},
    {{"node_disk_read_time_seconds_total", Kind::counter, "device", "The total number of seconds spent by all reads."}, 1e-3},
    {{"node_disk_writes_completed_total", Kind::counter, "device", "The total number of writes completed successfully."}, 1},
    {{"node_disk_writes_merged_total", Kind::counter, "device", "The number of writes merged."}, 1},
    {{"node_disk_written_bytes_total", Kind::counter, "device", "The total number of bytes written successfully."}, 512},
    {{"node_disk_write_time_seconds_total", Kind::counter, "device", "The total number of seconds spent by all writes."}, 1e-3},
    {{"node_disk_io_now", Kind::gauge, "device", "The number of I/Os currently in progress."}, 1},
    {{"node_disk_io_time_seconds_total", Kind::counter, "device", "Total seconds spent doing I/Os."}, 1e-3},
    {{"node_disk_io_time_weighted_seconds_total", Kind::counter, "device", "The weighted # of seconds spent doing I/Os."}, 1e-3},
    {{"node_disk_discards_completed_total", Kind::counter, "device", "The total number of discards completed successfully."}, 1},
    {{"node_disk_discards_merged_total", Kind::counter, "device", "The total number of discards merged."}, 1},
    {{"node_disk_discarded_sectors_total", Kind::counter, "device", "The total number of sectors discarded successfully."}, 1},
    {{"node_disk_discard_time_seconds_total", Kind::counter, "device", "Total seconds spent by all discards."}, 1e-3},
    {{"node_disk_flush_requests_total", Kind::counter, "device", "The total number of flush requests completed successfully"}, 1},
    {{"node_disk_flush_requests_time_seconds_total", Kind::counter, "device", "Total seconds spent by all flush requests."},
     1e-3},
};

constexpr auto fields = [] {
  std::array<Field, std::size(columns)> out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = columns[i].field;
  return out;
}();

constexpr OptionSpec options[] = {
    {"exclude", base::profile::Type::list, "device patterns to leave out; default ram* zram* loop* fd*"},
};

bool digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// sda1, vdb2, xvda1, nvme0n1p3, mmcblk0p1.
bool is_partition(std::string_view device) {
  if (device.starts_with("nvme") || device.starts_with("mmcblk")) {
    std::size_t p = device.rfind('p');
    return p != std::string_view::npos && p > 5 && digits(device.substr(p + 1));
  }
  for (std::string_view prefix : {"xvd", "sd", "hd", "vd"}) {
    if (!device.starts_with(prefix)) continue;
    std::size_t first_digit = device.find_first_of("0123456789");
    return first_digit != std::string_view::npos && first_digit > prefix.size() && digits(device.substr(first_digit));
  }
  return false;
}

class Disk : public Sensor {
 public:
  Disk(const Environment& environment, std::vector<std::string> exclude)
      : path_(environment.proc / "diskstats"), exclude_(std::move(exclude)) {}

  base::Result<> sample(Output& out) override {
    std::string content = WEFT_TRY(read(path_));
    std::string_view text = content, line;
    while (next_line(text, line)) {
      if (next_word(line).empty()) continue;
      next_word(line);
      std::string_view device = next_word(line);
      if (device.empty()) return base::fail(malformed(path_, "a line without device name"));
      if (is_partition(device) || matches_any(exclude_, device)) continue;
      for (std::size_t i = 0; i < std::size(columns); ++i) {
        std::string_view word = next_word(line);
        if (word.empty() && i >= 11) break;  // discards came with Linux 4.18, flushes with 5.5
        auto value = number(word);
        if (!value) return base::fail(malformed(path_, std::string(device) + " has too few columns"));
        out.put(columns[i].field.name, columns[i].field.kind, *value * columns[i].factor, {{"device", device}});
      }
    }
    return {};
  }

 private:
  std::filesystem::path path_;
  std::vector<std::string> exclude_;
};

}  // namespace

const Spec disk_spec{"disk",
                     10,
                     false,
                     fields,
                     options,
                     [](const base::profile::Value& o, const Environment& e) -> base::Result<std::unique_ptr<Sensor>> {
                       auto exclude = WEFT_TRY(patterns(o, "exclude", {"ram*", "zram*", "loop*", "fd*"}));
                       return std::make_unique<Disk>(e, std::move(exclude));
                     }};

}  // namespace monitor::sensor
