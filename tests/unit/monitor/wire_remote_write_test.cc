#include "monitor/wire/remote_write.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "tests/unit/monitor/support.h"

using namespace monitor;
using monitor::wire::Row;
using tests::monitor_support::error_of;

namespace {

// Protobuf and snappy by hand, to write what an encoder would not.
std::string varint(std::uint64_t n) {
  std::string out;
  for (; n >= 0x80; n >>= 7) out += static_cast<char>(n | 0x80);
  return out + static_cast<char>(n);
}
std::string bytes_field(int number, const std::string& content) {
  return varint(static_cast<std::uint64_t>(number) << 3 | 2) + varint(content.size()) + content;
}
std::string label(const std::string& name, const std::string& value) {
  return bytes_field(1, bytes_field(1, name) + bytes_field(2, value));
}
const std::string one_sample = bytes_field(2, std::string("\x09\0\0\0\0\0\0\xf0\x3f\x10\x01", 11));

base::Result<wire::Request> decode_raw(const std::string& raw, const wire::Limits& limits = {}) {
  return wire::decode(wire::compress(raw), limits);
}

std::string valid() {
  std::vector<Row> rows{{{{"__name__", "node_load1"}, {"instance", "disk01"}}, {{0.5, 1000}, {0.75, 2000}}},
                        {{{"__name__", "up"}, {"instance", "disk01"}}, {{1, 1000}}}};
  return wire::encode(rows);
}

}  // namespace

TEST_CASE("wire: round trip") {
  auto request = wire::decode(valid());
  REQUIRE_MESSAGE(request, error_of(request));
  REQUIRE(request->series().size() == 2);
  CHECK(request->samples() == 3);
  CHECK(request->series()[0].label("__name__") == "node_load1");
  CHECK(request->series()[0].label("instance") == "disk01");
  CHECK(request->series()[0].label("job").empty());
  CHECK(request->series()[0].points[1].value == 0.75);
  CHECK(request->series()[0].points[1].timestamp_ms == 2000);
  wire::Request moved = std::move(*request);
  CHECK(moved.series()[1].label("__name__") == "up");
}

TEST_CASE("wire: NaN kinds, infinities and negative times survive") {
  std::vector<Row> rows{{{{"__name__", "a"}}, {{metric::stale_marker(), -5}, {HUGE_VAL, 0}, {std::nan(""), INT64_MAX}}}};
  auto request = wire::decode(wire::encode(rows));
  REQUIRE(request);
  const auto& points = request->series()[0].points;
  CHECK(metric::is_stale_marker(points[0].value));
  CHECK(points[0].timestamp_ms == -5);
  CHECK(std::isinf(points[1].value));
  CHECK_FALSE(metric::is_stale_marker(points[2].value));
  CHECK(points[2].timestamp_ms == INT64_MAX);
}

TEST_CASE("wire: raw bodies of two requests are one request") {
  auto first = wire::decode(valid());
  REQUIRE(first);
  auto both = decode_raw(std::string(first->raw()) + std::string(first->raw()));
  REQUIRE(both);
  CHECK(both->series().size() == 4);
}

TEST_CASE("wire: an empty request is valid") {
  auto request = decode_raw("");
  REQUIRE(request);
  CHECK(request->series().empty());
}

TEST_CASE("wire: samples become rows, external labels yield to own ones") {
  std::vector<metric::Sample> samples{{{"b", {{"x", "1"}}}, metric::Kind::gauge, 1, 10},
                                      {{"a", {{"job", "own"}}}, metric::Kind::gauge, 2, 10},
                                      {{"b", {{"x", "1"}}}, metric::Kind::gauge, 3, 20}};
  metric::Labels external{{"instance", "n1"}, {"job", "weft"}};
  auto rows = wire::to_rows(samples, external);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].points.size() == 2);
  auto request = wire::decode(wire::encode(rows));
  REQUIRE_MESSAGE(request, error_of(request));
  CHECK(request->series()[0].label("job") == "weft");
  CHECK(request->series()[1].label("job") == "own");
  CHECK(request->series()[1].label("instance") == "n1");
}

TEST_CASE("wire: rubbish is refused as invalid, never crashes") {
  CHECK(error_of(wire::decode("")).find("not a snappy block") != std::string::npos);
  CHECK(error_of(wire::decode("\xff\xff\xff\xff\xff\xff")).find("not a snappy block") != std::string::npos);
  CHECK(error_of(wire::decode(std::string("\x20\x00\x00", 3))).find("damaged") != std::string::npos);
  CHECK(error_of(decode_raw("hello, this is no protobuf")).find("not a WriteRequest") != std::string::npos);
  std::string body = valid();
  for (std::size_t n = 0; n < body.size(); ++n) {
    CAPTURE(n);
    CHECK_FALSE(wire::decode(body.substr(0, n)));  // every truncation
    std::string flipped = body;
    flipped[n] = static_cast<char>(flipped[n] ^ 0x55);
    (void)wire::decode(flipped);  // must return, either way
  }
}

TEST_CASE("wire: a series that overruns the message is refused") {
  std::string raw = bytes_field(1, label("__name__", "a") + one_sample);
  REQUIRE(decode_raw(raw));
  CHECK_FALSE(decode_raw(varint(1 << 3 | 2) + varint(1000) + "short"));
  CHECK_FALSE(decode_raw(raw.substr(0, raw.size() - 1)));
  CHECK_FALSE(decode_raw(varint(1 << 3 | 3) + raw));  // a group
}

TEST_CASE("wire: fields of later versions are skipped") {
  std::string raw = bytes_field(1, label("__name__", "a") + one_sample + bytes_field(3, "exemplar")) + bytes_field(3, "metadata");
  auto request = decode_raw(raw);
  REQUIRE_MESSAGE(request, error_of(request));
  CHECK(request->series().size() == 1);
}

TEST_CASE("wire: protocol rules") {
  auto refused = [](const std::string& labels) { return error_of(decode_raw(bytes_field(1, labels + one_sample))); };
  CHECK(refused(label("a", "1")).find("no __name__") != std::string::npos);
  CHECK(refused(label("__name__", "bad-name")).find("not a metric name") != std::string::npos);
  CHECK(refused(label("__name__", "a") + label("b", "")).find("label b is empty") != std::string::npos);
  CHECK(refused(label("__name__", "a") + label("b-c", "1")).find("not a label name") != std::string::npos);
  CHECK(refused(label("__name__", "a") + label("z", "1") + label("b", "1")).find("sorted") != std::string::npos);
  CHECK(refused(label("__name__", "a") + label("b", "1") + label("b", "2")).find("twice") != std::string::npos);
  CHECK(refused(label("__name__", "a") + label("b", "\xff\xfe")).find("not a WriteRequest") != std::string::npos);
  CHECK(error_of(decode_raw(bytes_field(1, label("__name__", "a")))).find("without samples") != std::string::npos);
}

TEST_CASE("wire: limits are named, and counted before anything is built") {
  wire::Limits limits;
  limits.series = 3;
  limits.labels = 2;
  limits.samples = 4;
  limits.value = 8;
  std::string good = bytes_field(1, label("__name__", "a") + one_sample);
  CHECK(decode_raw(good + good + good, limits));
  CHECK(error_of(decode_raw(good + good + good + good, limits)).find("4 series, 3 are allowed") != std::string::npos);
  CHECK(error_of(decode_raw(bytes_field(1, label("__name__", "a") + label("b", "1") + label("c", "1") + one_sample), limits))
            .find("3 labels, 2 are allowed") != std::string::npos);
  CHECK(
      error_of(decode_raw(bytes_field(1, label("__name__", "a") + one_sample + one_sample + one_sample + one_sample + one_sample),
                          limits))
          .find("5 samples, 4 are allowed") != std::string::npos);
  CHECK(error_of(decode_raw(bytes_field(1, label("__name__", "a") + label("b", "123456789") + one_sample), limits))
            .find("longer than") != std::string::npos);
  limits.body = 10;
  CHECK(error_of(decode_raw(std::string(1000, 'x') + good, limits)).find("10 are allowed") != std::string::npos);
  auto result = decode_raw(good + good + good + good, limits);
  CHECK(result.error().code == base::Errc::exhausted);
}

TEST_CASE("wire: bombs") {
  // Declares 4 GB unpacked in nine bytes.
  CHECK(error_of(wire::decode(std::string("\xff\xff\xff\xff\x0f\x00\x00\x00\x00", 9))).find("unpacked") != std::string::npos);
  // 16 million empty series in 32 MB that compress well: refused by counting, without building sixteen million objects.
  std::string raw;
  raw.reserve(20u << 20);
  while (raw.size() < (20u << 20)) raw.append("\x0a\x00", 2);
  auto result = decode_raw(raw);
  CHECK(error_of(result).find("series, 20000 are allowed") != std::string::npos);
}
