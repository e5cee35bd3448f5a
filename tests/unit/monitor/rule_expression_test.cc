#include "monitor/rule/expression.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/unit/monitor/support.h"

using namespace monitor;
using rule::Expression;
using rule::Latest;
using tests::monitor_support::error_of;

namespace {

constexpr std::int64_t start = 1700000000000;

metric::Sample sample(std::string name, metric::Labels labels, double value, std::int64_t time = start) {
  return {{std::move(name), std::move(labels)}, metric::Kind::gauge, value, time};
}

Latest machine() {
  Latest latest;
  latest.update("load", {sample("node_load1", {}, 4)});
  latest.update("filesystem", {sample("avail", {{"mountpoint", "/"}}, 5), sample("size", {{"mountpoint", "/"}}, 100),
                               sample("avail", {{"mountpoint", "/data"}}, 80), sample("size", {{"mountpoint", "/data"}}, 100),
                               sample("avail", {{"mountpoint", "/empty"}}, 0), sample("size", {{"mountpoint", "/empty"}}, 0)});
  latest.update("systemd", {sample("unit", {{"name", "a.service"}, {"state", "failed"}}, 1),
                            sample("unit", {{"name", "b.service"}, {"state", "failed"}}, 0)});
  latest.update("odd", {sample("nothing", {}, std::nan(""))});
  return latest;
}

// The labels of the matches, joined; "-" when the condition does not hold.
std::string matches(Expression& expression, const Latest& latest, std::int64_t now = start) {
  auto rows = expression.evaluate(latest, now);
  REQUIRE_MESSAGE(rows, error_of(rows));
  std::string out;
  for (const auto& row : *rows)
    out += (out.empty() ? "" : " ") + (row.labels.empty() ? std::string("{}") : metric::Series{"", row.labels}.text());
  return out.empty() ? "-" : out;
}

std::string matches(std::string_view text, const Latest& latest = machine(), std::int64_t now = start) {
  auto expression = Expression::parse(text);
  REQUIRE_MESSAGE(expression, error_of(expression));
  return matches(*expression, latest, now);
}

}  // namespace

TEST_CASE("expression: comparisons and arithmetic") {
  CHECK(matches("node_load1 > 3") == "{}");
  CHECK(matches("node_load1 > 4") == "-");
  CHECK(matches("node_load1 >= 4") == "{}");
  CHECK(matches("node_load1 != 4") == "-");
  CHECK(matches("node_load1 == 2 + 2 * 1") == "{}");
  CHECK(matches("node_load1 == (2 + 2) * 1") == "{}");
  CHECK(matches("node_load1 - 1 - 1 == 2") == "{}");
  CHECK(matches("-node_load1 < -3.5e0") == "{}");
  CHECK(matches("nothing > 0") == "-");
  CHECK(matches("nothing != 0") == "-");
  CHECK(matches("no_such_metric == 0") == "-");
}

TEST_CASE("expression: rows join on the labels they share") {
  CHECK(matches("avail / size < 0.1") == "{mountpoint=\"/\"}");  // 0/0 is no row
  CHECK(matches("avail / size > 0.01") == "{mountpoint=\"/\"} {mountpoint=\"/data\"}");
  CHECK(matches("avail{mountpoint=\"/data\"} > 10 and node_load1 > 3") == "{mountpoint=\"/data\"}");
  CHECK(matches("avail < 10 and size > 50") == "{mountpoint=\"/\"}");
  CHECK(matches("avail < 10 and size{mountpoint=\"/data\"} > 50") == "-");  // another row
  CHECK(matches("avail < 10 or size > 50") == "{mountpoint=\"/\"} {mountpoint=\"/empty\"} {mountpoint=\"/data\"}");
}

TEST_CASE("expression: matchers") {
  CHECK(matches("unit{name=\"a.service\",state=\"failed\"} == 1") == "{name=\"a.service\",state=\"failed\"}");
  CHECK(matches("unit{name!=\"a.service\"} == 1") == "-");
  CHECK(matches("unit{name~\"?.service\",} == 1") == "{name=\"a.service\",state=\"failed\"}");
  CHECK(matches("unit{name!~\"a*\"} == 0") == "{name=\"b.service\",state=\"failed\"}");
  CHECK(matches("unit{absent_label=\"\"} == 0") == "{name=\"b.service\",state=\"failed\"}");
  CHECK(matches("unit{} == 0") == "{name=\"b.service\",state=\"failed\"}");
}

TEST_CASE("expression: absent, age, time") {
  CHECK(matches("absent(node_load1)") == "-");
  CHECK(matches("absent(gone{name=\"x\",state~\"y*\"})") == "{name=\"x\"}");
  CHECK(matches("age(node_load1) > 59", machine(), start + 60000) == "{}");
  CHECK(matches("age(node_load1) > 61", machine(), start + 60000) == "-");
  CHECK(matches("time() == 1700000000") == "{}");
  CHECK(matches("absent(gone) and node_load1 > 3") == "{}");
}

TEST_CASE("expression: for") {
  auto expression = Expression::parse("node_load1 > 3 for 60s");
  REQUIRE(expression);
  Latest high = machine(), low = machine();
  low.update("load", {sample("node_load1", {}, 1)});
  CHECK(matches(*expression, high, start) == "-");
  CHECK(matches(*expression, high, start + 59000) == "-");
  CHECK(matches(*expression, high, start + 60000) == "{}");
  CHECK(matches(*expression, low, start + 70000) == "-");
  CHECK(matches(*expression, high, start + 80000) == "-");  // starts anew
  CHECK(matches(*expression, high, start + 140000) == "{}");
  CHECK(matches(*expression, high, start - 500000) == "-");  // the clock was set back: no early alarm, and it recovers
  CHECK(matches(*expression, high, start - 440000) == "{}");
}

TEST_CASE("expression: for binds to its comparison, per row, also inside 'and'") {
  auto expression = Expression::parse("node_load1 > 100 and avail < 90 for 30s");
  REQUIRE(expression);
  CHECK(matches(*expression, machine(), start) == "-");
  Latest busy = machine();
  busy.update("load", {sample("node_load1", {}, 200)});
  // The right side has been true all the while although the left was not.
  CHECK(matches(*expression, busy, start + 30000) == "{mountpoint=\"/\"} {mountpoint=\"/data\"} {mountpoint=\"/empty\"}");
  auto rows = Expression::parse("(avail < 90 and node_load1 > 3) for 1m for 1s");
  REQUIRE(rows);
  CHECK(matches(*rows, machine(), start) == "-");
  Latest later = machine();
  later.update("filesystem", {sample("avail", {{"mountpoint", "/new"}}, 1), sample("avail", {{"mountpoint", "/"}}, 5)});
  CHECK(matches(*rows, later, start + 60000) == "-");
  CHECK(matches(*rows, later, start + 61000) == "{mountpoint=\"/\"}");
}

TEST_CASE("expression: names of metrics") {
  auto expression = Expression::parse("a > 1 and (b{x=\"c\"} < 2 or absent(d)) or age(a) > 1");
  REQUIRE(expression);
  CHECK(expression->metrics() == std::vector<std::string>{"a", "b", "d"});
}

TEST_CASE("expression: mistakes name column and cure") {
  struct Case {
    const char *text, *message;
  };
  const Case cases[] = {{"", "column 1: expected a metric, a number or '(', found the end"},
                        {"node_load1", "this is a number, not a condition"},
                        {"node_load1 >", "found the end"},
                        {"node_load1 = 4", "compare numbers with '=='"},
                        {"node_load1 > 4 5", "column 16: expected end of the condition"},
                        {"node_load1 > 4 and", "found the end"},
                        {"node_load1 and 4 > 3", "column 1: this is a number, a condition is needed"},
                        {"a > 1 and b", "column 11: this is a number, a condition is needed"},
                        {"(a > 1) > 2", "column 1: this is a condition, a number is needed"},
                        {"a > 1 > 2", "expected end of the condition"},
                        {"a + (b > 1) > 2", "column 5: this is a condition"},
                        {"a{b} > 1", "expected one of = != ~ !~"},
                        {"a{b=c} > 1", "expected a string"},
                        {"a{b=\"c\" > 1", "expected '}'"},
                        {"a{b=\"c > 1", "not closed"},
                        {"a{x:y=\"c\"} > 1", "expected a label"},
                        {"(a > 1", "expected ')'"},
                        {"a > 1 for", "expected a duration"},
                        {"a > 1 for 5", "not a duration"},
                        {"a > 1 for 0s", "not a duration from 1s"},
                        {"a > 1 for 400d", "not a duration from 1s"},
                        {"a for 5m > 1", "column 1: this is a number, a condition is needed"},
                        {"rate(a) > 1", "there is no function rate"},
                        {"absent(1)", "expected a metric"},
                        {"age(a > 1", "expected ')'"},
                        {"a > 1e999", "out of range"},
                        {"a > $x", "'$' has no meaning"},
                        {"a > 1 \xc3\xa4", "has no meaning"},
                        {"or > 1", "expected a metric"}};
  for (const auto& c : cases) {
    CAPTURE(c.text);
    auto expression = Expression::parse(c.text);
    REQUIRE_FALSE(expression);
    CHECK_MESSAGE(expression.error().text().find(c.message) != std::string::npos, expression.error().text());
    CHECK(expression.error().code == base::Errc::invalid);
  }
}

TEST_CASE("expression: limits") {
  CHECK(error_of(Expression::parse(std::string(5000, 'a') + " > 1")).find("longer than") != std::string::npos);
  CHECK(error_of(Expression::parse(std::string(200, '(') + "a > 1")).find("nested too deeply") != std::string::npos);
  CHECK(error_of(Expression::parse(std::string(200, '-') + "a > 1")).find("nested too deeply") != std::string::npos);
  Latest many;
  std::vector<metric::Sample> a, b;
  for (int i = 0; i < 2000; ++i) {
    a.push_back(sample("a", {{"x", std::to_string(i)}}, 1));
    b.push_back(sample("b", {{"y", std::to_string(i)}}, 1));
  }
  many.update("a", a);
  many.update("b", b);
  auto cross = Expression::parse("a > 0 and b > 0");
  REQUIRE(cross);
  auto rows = cross->evaluate(many, start);
  REQUIRE_FALSE(rows);
  CHECK(rows.error().code == base::Errc::exhausted);
}
