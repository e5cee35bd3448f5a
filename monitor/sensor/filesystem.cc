// Mounted file systems: /proc/self/mountinfo and statvfs() with a time limit.
#include <set>

#include "monitor/sensor/parse.h"
#include "monitor/sensor/prober.h"
#include "monitor/sensor/specs.h"

namespace monitor::sensor {
namespace {

using metric::Kind;

constexpr std::string_view labels = "device,fstype,mountpoint";
constexpr Field fields[] = {
    {"node_filesystem_size_bytes", Kind::gauge, labels, "Filesystem size in bytes."},
    {"node_filesystem_free_bytes", Kind::gauge, labels, "Filesystem free space in bytes."},
    {"node_filesystem_avail_bytes", Kind::gauge, labels, "Filesystem space available to non-root users in bytes."},
    {"node_filesystem_files", Kind::gauge, labels, "Filesystem total file nodes."},
    {"node_filesystem_files_free", Kind::gauge, labels, "Filesystem total free file nodes."},
    {"node_filesystem_readonly", Kind::gauge, labels, "Filesystem read-only status."},
    {"node_filesystem_device_error", Kind::gauge, labels,
     "Whether an error occurred while getting statistics for the given device."},
};

constexpr OptionSpec options[] = {
    {"exclude_types", base::profile::Type::list, "file system types to leave out; default: those without blocks of their own"},
    {"exclude_mounts", base::profile::Type::list, "mount points to leave out; default /dev /proc /sys /run/credentials/* ..."},
    {"timeout", base::profile::Type::integer, "seconds to wait for all mounts together, 1..60; default 5"},
};

struct Mount {
  std::string device, type, point;
  bool read_only = false;
};

// mountinfo writes blank, tab, newline and backslash as \ooo.
std::string unescape(std::string_view text) {
  auto octal = [](char c) { return c >= '0' && c <= '7'; };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && octal(text[i + 1]) && octal(text[i + 2]) && octal(text[i + 3])) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

class Filesystem : public Sensor {
 public:
  Filesystem(const Environment& environment, std::vector<std::string> types, std::vector<std::string> mounts, int timeout)
      : root_(environment.root),
        whole_path_(environment.proc / "1/mountinfo"),
        own_path_(environment.proc / "self/mountinfo"),
        types_(std::move(types)),
        mounts_(std::move(mounts)),
        timeout_(timeout) {}

  base::Result<> sample(Output& out) override {
    // The machine's own table: ours shows everything read-only when the service unit protects the system.
    auto content = read(whole_path_);
    path_ = content ? whole_path_ : own_path_;
    if (!content) content = read(own_path_);
    if (!content) return base::fail(std::move(content).error());
    std::string_view text = *content, line;
    std::set<std::string> seen;
    auto deadline = std::chrono::steady_clock::now() + timeout_;
    std::vector<Mount> mounts;
    while (next_line(text, line)) {
      if (line.empty()) continue;
      Mount mount = WEFT_TRY(parse(line));
      if (matches_any(types_, mount.type) || matches_any(mounts_, mount.point)) continue;
      mounts.push_back(std::move(mount));
    }
    // Later mounts cover earlier ones on the same point: the last one is what statvfs() sees.
    for (auto mount = mounts.rbegin(); mount != mounts.rend(); ++mount)
      if (seen.insert(mount->point).second) one(*mount, deadline, out);
    return {};
  }

 private:
  base::Result<Mount> parse(std::string_view line) const {
    Mount mount;
    for (int i = 0; i < 4; ++i) next_word(line);  // ids, device number, root inside the file system
    mount.point = unescape(next_word(line));
    std::string_view flags = next_word(line);
    mount.read_only = flags == "ro" || flags.starts_with("ro,");
    std::string_view word = next_word(line);
    while (!word.empty() && word != "-") word = next_word(line);  // optional fields
    mount.type = next_word(line);
    mount.device = unescape(next_word(line));
    if (mount.device.empty()) return base::fail(malformed(path_, "a line without type and device"));
    return mount;
  }

  void one(const Mount& mount, std::chrono::steady_clock::time_point deadline, Output& out) {
    auto put = [&](const Field& field, double value) {
      out.put(field.name, field.kind, value, {{"device", mount.device}, {"fstype", mount.type}, {"mountpoint", mount.point}});
    };
    std::string place = root_ == "/" ? mount.point : root_.string() + mount.point;
    auto answer = prober_.ask(place, deadline);
    put(fields[5], mount.read_only ? 1 : 0);
    put(fields[6], answer.state == Prober::State::ok ? 0 : 1);
    if (answer.state != Prober::State::ok) return;
    auto block = static_cast<double>(answer.data.f_frsize);
    put(fields[0], static_cast<double>(answer.data.f_blocks) * block);
    put(fields[1], static_cast<double>(answer.data.f_bfree) * block);
    put(fields[2], static_cast<double>(answer.data.f_bavail) * block);
    put(fields[3], static_cast<double>(answer.data.f_files));
    put(fields[4], static_cast<double>(answer.data.f_ffree));
  }

  std::filesystem::path root_, whole_path_, own_path_, path_;
  std::vector<std::string> types_, mounts_;
  std::chrono::seconds timeout_;
  Prober prober_;
};

base::Result<std::unique_ptr<Sensor>> make_filesystem(const base::profile::Value& o, const Environment& e) {
  auto types =
      WEFT_TRY(patterns(o, "exclude_types",
                        {"autofs",   "binfmt_misc", "bpf",        "cgroup",     "cgroup2",   "configfs", "debugfs", "devpts",
                         "devtmpfs", "efivarfs",    "fusectl",    "hugetlbfs",  "iso9660",   "mqueue",   "nsfs",    "overlay",
                         "proc",     "pstore",      "rpc_pipefs", "securityfs", "selinuxfs", "squashfs", "sysfs",   "tracefs"}));
  auto mounts = WEFT_TRY(patterns(o, "exclude_mounts",
                                  {"/dev", "/dev/*", "/proc", "/proc/*", "/sys", "/sys/*", "/run/credentials/*",
                                   "/var/lib/docker/*", "/var/lib/containers/storage/*"}));
  auto timeout = o.get_integer("timeout", 5);
  if (timeout < 1 || timeout > 60) return base::fail(base::Errc::invalid, "option timeout must be 1 to 60 seconds");
  return std::make_unique<Filesystem>(e, std::move(types), std::move(mounts), static_cast<int>(timeout));
}

}  // namespace

const Spec filesystem_spec{"filesystem", 30, true, fields, options, make_filesystem};

}  // namespace monitor::sensor
