#include "monitor/metric/text.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/unit/monitor/support.h"

using namespace monitor::metric;
using tests::monitor_support::error_of;

TEST_CASE("metric: labels stay sorted, empty values are absent") {
  Labels labels;
  set(labels, "z", "1");
  set(labels, "a", "2");
  set(labels, "z", "3");
  CHECK(labels == Labels{{"a", "2"}, {"z", "3"}});
  set(labels, "a", "");
  CHECK(labels == Labels{{"z", "3"}});
  CHECK(find(labels, "a").empty());
}

TEST_CASE("metric: series text escapes") {
  Series series{"m", {{"path", "a\\b\"c\nd"}}};
  CHECK(series.text() == "m{path=\"a\\\\b\\\"c\\nd\"}");
}

TEST_CASE("metric: names") {
  CHECK(valid_name("node_load1"));
  CHECK(valid_name("a:b"));
  CHECK_FALSE(valid_name("1a"));
  CHECK_FALSE(valid_name(""));
  CHECK_FALSE(valid_name("a-b"));
  CHECK_FALSE(valid_label_name("a:b"));
  CHECK(valid_label_name("__name__"));
}

TEST_CASE("metric: stale marker is one NaN only") {
  CHECK(is_stale_marker(stale_marker()));
  CHECK_FALSE(is_stale_marker(std::nan("")));
  CHECK_FALSE(is_stale_marker(0));
}

TEST_CASE("metric: numbers keep their value and stay readable") {
  CHECK(number_text(17179869184.0) == "17179869184");
  CHECK(number_text(-3) == "-3");
  CHECK(number_text(0.1) == "0.1");
  CHECK(number_text(1e300) == "1e+300");
  CHECK(number_text(std::nan("")) == "NaN");
  CHECK(number_text(-HUGE_VAL) == "-Inf");
}

TEST_CASE("metric: text round trip, families together") {
  std::vector<Sample> samples{
      {{"b", {{"x", "1"}}}, Kind::counter, 5, 0}, {{"a", {}}, Kind::gauge, 0.25, 0}, {{"b", {{"x", "2"}}}, Kind::counter, 6, 0}};
  std::string text =
      to_text(samples, [](std::string_view name) { return name == "a" ? std::string_view("About a.") : std::string_view(); });
  CHECK(text == "# TYPE b counter\nb{x=\"1\"} 5\nb{x=\"2\"} 6\n# HELP a About a.\n# TYPE a gauge\na 0.25\n");
  auto back = parse_text(text);
  REQUIRE(back);
  REQUIRE(back->size() == 3);
  CHECK((*back)[1].series.text() == "b{x=\"2\"}");
  CHECK((*back)[1].kind == Kind::counter);
  CHECK((*back)[2].value == 0.25);
}

TEST_CASE("metric: text accepts what exporters write") {
  auto parsed = parse_text("# a comment\n\na{ x = \"1\" , } 1e3 1700000000000\r\nb NaN\nc{} +Inf\nd 4 -7\n");
  REQUIRE_MESSAGE(parsed, error_of(parsed));
  CHECK((*parsed)[0].series.text() == "a{x=\"1\"}");
  CHECK((*parsed)[0].value == 1000);
  CHECK(std::isnan((*parsed)[1].value));
  CHECK(std::isinf((*parsed)[2].value));
  CHECK(parsed->size() == 4);
}

TEST_CASE("metric: text refuses the whole when one line is wrong") {
  const char* wrong[] = {"a",
                         "a b",
                         "{x=\"1\"} 2",
                         "a{x=1} 2",
                         "a{x=\"1} 2",
                         "a{x=\"1\" 2",
                         "a{x=\"\\q\"} 2",
                         "a 1 2 3",
                         "a 1 x",
                         "a{__name__=\"b\"} 1",
                         "a{x=\"1\",x=\"2\"} 1",
                         "a{x=\"1\";y=\"2\"} 1",
                         "1a 3",
                         "a 0x10",
                         "a{x=\"\\",
                         "# TYPE a",
                         "a 1e999"};
  for (const char* text : wrong) {
    CAPTURE(text);
    auto parsed = parse_text(std::string("good 1\n") + text + "\n");
    // "# TYPE a" has no trailing blank and is a mere comment; everything else names line 2.
    if (std::string_view(text) == "# TYPE a") {
      CHECK_FALSE(parsed);
      continue;
    }
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().message.find("line 2") != std::string::npos);
  }
}

TEST_CASE("metric: text limits") {
  CHECK(error_of(parse_text("a 1\nb 2\nc 3\n", {.samples = 2})).find("line 3: more than 2 samples") != std::string::npos);
  CHECK(error_of(parse_text("a{x=\"" + std::string(100, 'y') + "\"} 1\n", {.line = 50})).find("longer than 50") !=
        std::string::npos);
}
