// Prometheus remote_write 1.0 bodies: protobuf in a snappy block. Used by monitor/sensord (writes), monitor/gateway (reads,
// merges, writes). The only room that includes protobuf and snappy. Pure functions, any thread. Reading is for hostile input:
// every limit is checked before the memory is taken.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "monitor/metric/sample.h"

namespace monitor::wire {

struct Limits {
  std::size_t body = 4u << 20;      // compressed bytes
  std::size_t decoded = 32u << 20;  // declared and real size after snappy
  std::size_t series = 20000;
  std::size_t samples = 200000;
  std::size_t labels = 40;  // in one series
  std::size_t name = 256;   // bytes of a label or metric name
  std::size_t value = 2048;
};

struct Point {
  double value;
  std::int64_t timestamp_ms;
};
struct LabelView {
  std::string_view name, value;
};
// Labels as they came, `__name__` among them, sorted by name.
struct SeriesView {
  std::span<const LabelView> labels;
  std::span<const Point> points;
  std::string_view label(std::string_view name) const;  // "" when absent
};

// A read body. Views point into it; moving it keeps them valid.
class Request {
 public:
  Request(Request&&) noexcept;
  Request& operator=(Request&&) noexcept;
  ~Request();
  const std::vector<SeriesView>& series() const;
  std::size_t samples() const;
  std::string_view raw() const;  // the protobuf bytes; two of them one after the other are one valid request

  struct Impl;
  explicit Request(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

// Errc::exhausted past a limit (the message names it), Errc::invalid when it is no such body or breaks a rule of the protocol:
// labels sorted and unique, names legal, values UTF-8 and not empty, at least one sample in each series.
base::Result<Request> decode(std::string_view body, const Limits& limits = {});

// A series with the points to write. Labels must hold `__name__` and be sorted; encode() keeps them as they are.
struct Row {
  std::vector<LabelView> labels;
  std::vector<Point> points;
};
std::string encode_raw(std::span<const Row> rows);
std::string compress(std::string_view raw);
inline std::string encode(std::span<const Row> rows) {
  return compress(encode_raw(rows));
}

// Samples as rows: `external` labels are added where the sample has none of that name; samples of the same series become points
// of one row, in the order given. The rows' views point into `samples` and `external`.
std::vector<Row> to_rows(const std::vector<metric::Sample>& samples, const metric::Labels& external);

}  // namespace monitor::wire
