#include "monitor/wire/remote_write.h"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>
#include <google/protobuf/arena.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/stubs/logging.h>
#include <snappy.h>

#include "monitor/wire/remote_write.pb.h"

namespace monitor::wire {
namespace {

using base::Errc;

base::Error refused(Errc code, std::string message) {
  return base::Error{code, "remote_write body refused: " + std::move(message), {}, {}};
}

// Counts what a body holds before anything is built from it: two bytes on the wire make an object of fifty in memory, so limits
// must bite first. Fields that the protocol does not know are skipped.
struct Counts {
  std::size_t series = 0, labels = 0, samples = 0, most_labels = 0;
};

using Coded = google::protobuf::io::CodedInputStream;
constexpr std::uint32_t length_delimited(int field) {
  return static_cast<std::uint32_t>(field) << 3 | 2;
}

bool skip_field(Coded& in, std::uint32_t tag) {
  std::uint64_t number;
  int length;
  switch (tag & 7) {
    case 0: return in.ReadVarint64(&number);
    case 1: return in.Skip(8);
    case 2: return in.ReadVarintSizeAsInt(&length) && in.Skip(length);
    case 5: return in.Skip(4);
    default: return false;  // groups are not part of proto3
  }
}

bool count(std::string_view raw, Counts& counts) {
  Coded in(reinterpret_cast<const std::uint8_t*>(raw.data()), static_cast<int>(raw.size()));
  while (std::uint32_t tag = in.ReadTag()) {
    if (tag != length_delimited(1)) {
      if (!skip_field(in, tag)) return false;
      continue;
    }
    int length;
    if (!in.ReadVarintSizeAsInt(&length)) return false;
    Coded::Limit outer = in.PushLimit(length);
    ++counts.series;
    std::size_t labels = 0;
    while (std::uint32_t inner = in.ReadTag()) {
      if (inner == length_delimited(1)) ++labels;
      if (inner == length_delimited(2)) ++counts.samples;
      if (!skip_field(in, inner)) return false;
    }
    if (in.BytesUntilLimit() != 0) return false;
    in.PopLimit(outer);
    counts.labels += labels;
    counts.most_labels = std::max(counts.most_labels, labels);
  }
  return in.CurrentPosition() == static_cast<int>(raw.size());
}

// Protobuf's string fields are parsed with their UTF-8 checked in proto3, so what is left to check is the protocol's own rules.
base::Result<> check_labels(std::span<const LabelView> labels, const Limits& limits) {
  std::string_view previous;
  bool named = false;
  for (const LabelView& label : labels) {
    if (label.name.size() > limits.name || label.value.size() > limits.value)
      return base::fail(refused(Errc::exhausted, fmt::format("label \"{}\" is longer than {} bytes of name or {} of value",
                                                             label.name.substr(0, 64), limits.name, limits.value)));
    if (!metric::valid_label_name(label.name))
      return base::fail(refused(Errc::invalid, fmt::format("\"{}\" is not a label name", label.name.substr(0, 64))));
    if (label.value.empty()) return base::fail(refused(Errc::invalid, fmt::format("label {} is empty", label.name)));
    if (label.name <= previous)
      return base::fail(refused(Errc::invalid, fmt::format("label {} is not in sorted order or is there twice", label.name)));
    if (label.name == "__name__") {
      named = true;
      if (!metric::valid_name(label.value))
        return base::fail(refused(Errc::invalid, fmt::format("\"{}\" is not a metric name", label.value.substr(0, 64))));
    }
    previous = label.name;
  }
  if (!named) return base::fail(refused(Errc::invalid, "a series has no __name__"));
  return {};
}

}  // namespace

struct Request::Impl {
  std::string raw;
  google::protobuf::Arena arena;
  proto::WriteRequest* message = nullptr;
  std::vector<LabelView> labels;
  std::vector<Point> points;
  std::vector<SeriesView> series;
};

Request::Request(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Request::Request(Request&&) noexcept = default;
Request& Request::operator=(Request&&) noexcept = default;
Request::~Request() = default;

const std::vector<SeriesView>& Request::series() const {
  return impl_->series;
}

std::size_t Request::samples() const {
  return impl_->points.size();
}

std::string_view Request::raw() const {
  return impl_->raw;
}

std::string_view SeriesView::label(std::string_view name) const {
  for (const LabelView& l : labels)
    if (l.name == name) return l.value;
  return {};
}

base::Result<Request> decode(std::string_view body, const Limits& limits) {
  if (body.size() > limits.body)
    return base::fail(refused(Errc::exhausted, fmt::format("{} bytes, {} are allowed", body.size(), limits.body)));
  std::size_t declared = 0;
  if (!snappy::GetUncompressedLength(body.data(), body.size(), &declared))
    return base::fail(refused(Errc::invalid, "not a snappy block"));
  // The declared length is what Uncompress would allocate: a bomb is refused here, before any memory is taken.
  if (declared > limits.decoded)
    return base::fail(
        refused(Errc::exhausted, fmt::format("it declares {} bytes unpacked, {} are allowed", declared, limits.decoded)));
  auto impl = std::make_unique<Request::Impl>();
  if (!snappy::Uncompress(body.data(), body.size(), &impl->raw))
    return base::fail(refused(Errc::invalid, "the snappy block is damaged"));
  Counts counts;
  if (!count(impl->raw, counts)) return base::fail(refused(Errc::invalid, "not a WriteRequest message"));
  if (counts.series > limits.series)
    return base::fail(refused(Errc::exhausted, fmt::format("{} series, {} are allowed", counts.series, limits.series)));
  if (counts.most_labels > limits.labels)
    return base::fail(
        refused(Errc::exhausted, fmt::format("a series has {} labels, {} are allowed", counts.most_labels, limits.labels)));
  if (counts.samples > limits.samples)
    return base::fail(refused(Errc::exhausted, fmt::format("{} samples, {} are allowed", counts.samples, limits.samples)));
  // What is wrong with a body goes to its sender; protobuf's own words on stderr would let any client fill our log.
  [[maybe_unused]] static google::protobuf::LogHandler* const silent = google::protobuf::SetLogHandler(nullptr);
  impl->message = google::protobuf::Arena::CreateMessage<proto::WriteRequest>(&impl->arena);
  if (!impl->message->ParseFromString(impl->raw)) return base::fail(refused(Errc::invalid, "not a WriteRequest message"));

  // Reserved before views are taken: the spans below must not move.
  impl->labels.reserve(counts.labels);
  impl->points.reserve(counts.samples);
  impl->series.reserve(counts.series);
  for (const auto& one : impl->message->timeseries()) {
    if (one.samples_size() == 0) return base::fail(refused(Errc::invalid, "a series without samples"));
    std::size_t first_label = impl->labels.size(), first_point = impl->points.size();
    for (const auto& label : one.labels()) impl->labels.push_back({label.name(), label.value()});
    for (const auto& sample : one.samples()) impl->points.push_back({sample.value(), sample.timestamp()});
    std::span<const LabelView> view(impl->labels.data() + first_label, impl->labels.size() - first_label);
    WEFT_TRY(check_labels(view, limits));
    impl->series.push_back({view, {impl->points.data() + first_point, impl->points.size() - first_point}});
  }
  return Request(std::move(impl));
}

std::string encode_raw(std::span<const Row> rows) {
  google::protobuf::Arena arena;
  auto* message = google::protobuf::Arena::CreateMessage<proto::WriteRequest>(&arena);
  message->mutable_timeseries()->Reserve(static_cast<int>(rows.size()));
  for (const Row& row : rows) {
    auto* series = message->add_timeseries();
    for (const LabelView& label : row.labels) {
      auto* out = series->add_labels();
      out->set_name(label.name.data(), label.name.size());
      out->set_value(label.value.data(), label.value.size());
    }
    for (const Point& point : row.points) {
      auto* out = series->add_samples();
      out->set_value(point.value);
      out->set_timestamp(point.timestamp_ms);
    }
  }
  std::string raw;
  message->SerializeToString(&raw);
  return raw;
}

std::string compress(std::string_view raw) {
  std::string out;
  snappy::Compress(raw.data(), raw.size(), &out);
  return out;
}

std::vector<Row> to_rows(const std::vector<metric::Sample>& samples, const metric::Labels& external) {
  static constexpr std::string_view name_label = "__name__";
  struct Hash {
    std::size_t operator()(const metric::Series* s) const {
      std::size_t h = std::hash<std::string_view>()(s->name);
      for (const auto& l : s->labels) h = h * 31 + std::hash<std::string_view>()(l.value);
      return h;
    }
  };
  struct Equal {
    bool operator()(const metric::Series* a, const metric::Series* b) const { return *a == *b; }
  };
  std::unordered_map<const metric::Series*, std::size_t, Hash, Equal> index;
  std::vector<Row> rows;
  for (const metric::Sample& sample : samples) {
    auto [it, fresh] = index.emplace(&sample.series, rows.size());
    if (fresh) {
      Row row;
      row.labels.reserve(sample.series.labels.size() + external.size() + 1);
      row.labels.push_back({name_label, sample.series.name});
      for (const auto& l : sample.series.labels) row.labels.push_back({l.name, l.value});
      for (const auto& l : external)
        if (metric::find(sample.series.labels, l.name).empty()) row.labels.push_back({l.name, l.value});
      std::sort(row.labels.begin(), row.labels.end(), [](const LabelView& a, const LabelView& b) { return a.name < b.name; });
      rows.push_back(std::move(row));
    }
    rows[it->second].points.push_back({sample.value, sample.timestamp_ms});
  }
  return rows;
}

}  // namespace monitor::wire
