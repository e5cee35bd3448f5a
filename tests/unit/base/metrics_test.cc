#include "base/metrics/metrics.h"

#include <doctest/doctest.h>

#include <cmath>
#include <thread>

#include "base/text/text.h"

using namespace base::metrics;

namespace {

bool has_line(const std::string& text, std::string_view line) {
  for (const auto& each : base::text::split(text, '\n'))
    if (each == line) return true;
  return false;
}

double rejected() {
  for (const auto& line : base::text::split(serialize(), '\n'))
    if (line.starts_with("weft_metrics_rejected_total ")) return std::stod(line.substr(28));
  return 0;
}

}  // namespace

TEST_CASE("metrics: counters, gauges and histograms") {
  count("test_requests_total", "Requests.", {{"code", "200"}});
  count("test_requests_total", "Requests.", {{"code", "200"}}, 2);
  count("test_requests_total", "Requests.", {{"code", "404"}});
  gauge("test_size_bytes", "Size.", {}, 7.5);
  gauge("test_size_bytes", "Size.", {}, 2.5);
  observe_seconds("test_duration_seconds", "Time.", {}, 0.3);
  observe_seconds("test_duration_seconds", "Time.", {}, 3);
  const auto text = serialize();
  CHECK(has_line(text, "# HELP test_requests_total Requests."));
  CHECK(has_line(text, "# TYPE test_requests_total counter"));
  CHECK(has_line(text, "test_requests_total{code=\"200\"} 3"));
  CHECK(has_line(text, "test_requests_total{code=\"404\"} 1"));
  CHECK(has_line(text, "test_size_bytes 2.5"));
  CHECK(has_line(text, "test_duration_seconds_bucket{le=\"0.25\"} 0"));
  CHECK(has_line(text, "test_duration_seconds_bucket{le=\"0.5\"} 1"));
  CHECK(has_line(text, "test_duration_seconds_bucket{le=\"+Inf\"} 2"));
  CHECK(has_line(text, "test_duration_seconds_count 2"));
}

TEST_CASE("metrics: foreign families with labels and times") {
  const Family load{
      "test_foreign_load", "Load.", Kind::gauge, {{{{"instance", "a"}}, 1.5, 1700000000123}, {{{"instance", "b"}}, 2, 0}}};
  const Family plain{"test_foreign_plain", "", Kind::untyped, {{{}, 1, 0}}};
  const auto text = serialize({load, plain});
  CHECK(has_line(text, "# TYPE test_foreign_load gauge"));
  CHECK(has_line(text, "test_foreign_load{instance=\"a\"} 1.5 1700000000123"));
  CHECK(has_line(text, "test_foreign_load{instance=\"b\"} 2"));
  CHECK(has_line(text, "test_foreign_plain 1"));
  CHECK(serialize().find("test_foreign") == std::string::npos);
}

TEST_CASE("metrics: values that are no numbers in JSON are numbers here") {
  const Family family{"test_extreme",
                      "",
                      Kind::gauge,
                      {{{{"v", "inf"}}, INFINITY, 0}, {{{"v", "ninf"}}, -INFINITY, 0}, {{{"v", "nan"}}, NAN, 0}}};
  const auto text = serialize({family});
  CHECK(has_line(text, "test_extreme{v=\"inf\"} +Inf"));
  CHECK(has_line(text, "test_extreme{v=\"ninf\"} -Inf"));
  CHECK((has_line(text, "test_extreme{v=\"nan\"} Nan") || has_line(text, "test_extreme{v=\"nan\"} NaN")));
}

TEST_CASE("metrics: hostile text stays inside its quotes") {
  count("test_hostile_total", "two\nlines \\ and", {{"path", "a\"b\\c\nforged 1"}});
  const auto text = serialize({{"test_hostile_foreign", "x\nforged 2", Kind::gauge, {{{{"l", "\n\""}}, 1, 0}}}});
  CHECK(has_line(text, R"(# HELP test_hostile_total two\nlines \\ and)"));
  CHECK(has_line(text, R"(test_hostile_total{path="a\"b\\c\nforged 1"} 1)"));
  CHECK(has_line(text, R"(test_hostile_foreign{l="\n\""} 1)"));
  CHECK_FALSE(has_line(text, "forged 1"));
  CHECK_FALSE(has_line(text, "forged 2"));
}

TEST_CASE("metrics: bad names, labels and kinds are dropped and counted") {
  const double before = rejected();
  double expected = before;
  for (const auto* name : {"", "1a", "a b", "a\nb 1", "é", "a-b"}) {
    count(name, "", {});
    ++expected;
  }
  count("test_rejected_total", "", {{"bad-label", "x"}});
  count("test_rejected_total", "", {{"__reserved", "x"}});
  gauge("test_requests_total", "", {}, 1);  // a counter above
  count("test_fall_total", "", {}, -1);
  count("test_fall_total", "", {}, NAN);
  expected += 5;
  CHECK(rejected() == expected);
  const auto text = serialize(
      {{"bad name", "", Kind::gauge, {{{}, 1, 0}}}, {"test_ok", "", Kind::gauge, {{{{"bad label", "x"}}, 1, 0}, {{}, 4, 0}}}});
  CHECK(rejected() == expected + 2);
  CHECK(has_line(text, "test_ok 4"));
  CHECK(text.find("bad label") == std::string::npos);
  CHECK(text.find("TYPE bad") == std::string::npos);
}

TEST_CASE("metrics: a name stands once, whoever gives its samples") {
  count("test_shared_total", "Shared.", {{"from", "own"}});
  const auto text = serialize({{"test_shared_total", "Other help.", Kind::counter, {{{{"from", "b"}}, 5, 0}}},
                               {"test_shared_total", "", Kind::counter, {{{{"from", "c"}}, 6, 0}}},
                               {"test_shared_total", "", Kind::gauge, {{{{"from", "d"}}, 7, 0}}}});
  CHECK(text.find("# TYPE test_shared_total") == text.rfind("# TYPE test_shared_total"));
  CHECK(has_line(text, "test_shared_total{from=\"own\"} 1"));
  CHECK(has_line(text, "test_shared_total{from=\"b\"} 5"));
  CHECK(has_line(text, "test_shared_total{from=\"c\"} 6"));
  CHECK(text.find("from=\"d\"") == std::string::npos);
}

TEST_CASE("metrics: label values cannot grow without bound") {
  for (int i = 0; i < 10100; ++i) count("test_growth_total", "", {{"id", std::to_string(i)}});
  const auto text = serialize();
  CHECK(has_line(text, "test_growth_total{id=\"9999\"} 1"));
  CHECK_FALSE(has_line(text, "test_growth_total{id=\"10000\"} 1"));
}

TEST_CASE("metrics: threads lose no count") {
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t] {
      for (int i = 0; i < 5000; ++i) count("test_threads_total", "", {{"thread", std::to_string(t % 2)}});
    });
  threads.clear();
  CHECK(has_line(serialize(), "test_threads_total{thread=\"0\"} 10000"));
  CHECK(has_line(serialize(), "test_threads_total{thread=\"1\"} 10000"));
}
