// /proc/meminfo, every line of it.
#include "monitor/sensor/parse.h"
#include "monitor/sensor/specs.h"

namespace monitor::sensor {
namespace {

using metric::Kind;

constexpr Field fields[] = {
    {"node_memory_*_bytes", Kind::gauge, "", "Memory information field of /proc/meminfo, in bytes."},
    {"node_memory_*", Kind::gauge, "", "Memory information field of /proc/meminfo, a count."},
};

class Memory : public Sensor {
 public:
  explicit Memory(const Environment& environment) : path_(environment.proc / "meminfo") {}

  base::Result<> sample(Output& out) override {
    std::string content = WEFT_TRY(read(path_));
    std::string_view text = content, line;
    bool total = false;
    while (next_line(text, line)) {
      std::string_view key = next_word(line);
      if (key.empty()) continue;
      auto value = number(next_word(line));
      if (key.back() != ':' || !value) return base::fail(malformed(path_, "a line is not 'Name: number [kB]'"));
      std::string name = "node_memory_";
      for (char c : key.substr(0, key.size() - 1))
        if (c != ')') name += c == '(' ? '_' : c;  // Active(anon) is Active_anon
      if (!metric::valid_name(name)) return base::fail(malformed(path_, "a name holds odd characters"));
      if (next_word(line) == "kB") {
        name += "_bytes";
        *value *= 1024;
      }
      total = total || name == "node_memory_MemTotal_bytes";
      out.put(name, Kind::gauge, *value);
    }
    if (!total) return base::fail(malformed(path_, "no MemTotal"));
    return {};
  }

 private:
  std::filesystem::path path_;
};

}  // namespace

const Spec memory_spec{"memory", 10, false, fields, {}, [](const base::profile::Value&, const Environment& e) {
                         return base::Result<std::unique_ptr<Sensor>>(std::make_unique<Memory>(e));
                       }};

}  // namespace monitor::sensor
