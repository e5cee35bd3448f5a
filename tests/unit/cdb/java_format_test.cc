// Expected texts are what java.lang.String.format and Double.toString gave (OpenJDK 17, English locale).
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "cdb/pan/java/java.h"

using namespace cdb::pan::java;

namespace {

std::string shown(std::string_view fmt, std::vector<FormatArg> args) {
  auto text = format(fmt, args);
  return text ? *text : "!! " + text.error().message;
}

struct Case {
  std::string_view fmt;
  std::vector<FormatArg> args;
  std::string_view expected;
};

FormatArg l(std::int64_t v) {
  return v;
}

}  // namespace

TEST_CASE("double_text is Double.toString") {
  CHECK(double_text(1) == "1.0");
  CHECK(double_text(0.001) == "0.001");
  CHECK(double_text(0.0009999) == "9.999E-4");
  CHECK(double_text(1e-5) == "1.0E-5");
  CHECK(double_text(9999999) == "9999999.0");
  CHECK(double_text(1e7) == "1.0E7");
  CHECK(double_text(123456789) == "1.23456789E8");
  CHECK(double_text(-0.0) == "-0.0");
  CHECK(double_text(100) == "100.0");
  CHECK(double_text(0.1 + 0.2) == "0.30000000000000004");
  CHECK(double_text(4.9e-324) == "4.9E-324");
  CHECK(double_text(1e23) == "1.0E23");
  CHECK(double_text(std::numeric_limits<double>::max()) == "1.7976931348623157E308");
  CHECK(double_text(std::nan("")) == "NaN");
  CHECK(double_text(-std::numeric_limits<double>::infinity()) == "-Infinity");
}

TEST_CASE("format gives Java's text") {
  const Case cases[] = {
      {"", {}, ""},
      {"plain %% %n", {}, "plain % \n"},
      {"%5%|%-5%|", {}, "    %|%    |"},
      {"%s %s %s %s", {true, l(7), 1.0, "x"}, "true 7 1.0 x"},
      {"%S %10.3s|%-5s|", {"straße", "abcdef", "é"}, "STRASSE        abc|é    |"},
      {"%3s|%.1s|", {"😀", "😀"}, " 😀|?|"},
      {"%b %B %5b|%.2b", {true, "x", false, true}, "true TRUE false|tr"},
      {"%h %H", {"hello", true}, "5e918d2 4CF"},
      {"%05d %+d %(d %,d", {l(-3), l(3), l(-3), l(1234567)}, "-0003 +3 (3) 1,234,567"},
      {"%(,015d|%,d", {l(-1234567), std::numeric_limits<std::int64_t>::min()}, "(00001,234,567)|-9,223,372,036,854,775,808"},
      {"%x %X %#x %#o %o", {l(-1), l(2748), l(255), l(8), l(-1)}, "ffffffffffffffff ABC 0xff 010 1777777777777777777777"},
      {"%#08x|%-#8x|", {l(255), l(10)}, "0x0000ff|0xa     |"},
      {"%.2f %.0f %.0f %.1f", {1.005, 2.5, 0.4, 0.05}, "1.01 3 0 0.1"},
      {"%f %.20f %.3f", {1e20, 0.1, 9.9996}, "100000000000000000000.000000 0.10000000000000000000 10.000"},
      {"%010.2f %,.2f %(f %+.1f", {-3.14159, 1234567.891, -1.5, 2.0}, "-000003.14 1,234,567.89 (1.500000) +2.0"},
      {"%e %.0e %E %.1e", {12345.678, 12345.678, 0.0, 9.96e9}, "1.234568e+04 1e+04 0.000000E+00 1.0e+10"},
      {"%e %e", {1e-5, 1e100}, "1.000000e-05 1.000000e+100"},
      {"%g %g %g %.0g %g", {0.0, 123456.0, 1234567.0, 123.0, 0.0001}, "0.00000 123456 1.23457e+06 1e+02 0.000100000"},
      {"%.3g", {0.00009999999}, "0.000100"},
      {"%010f|%+f|%E", {INFINITY, INFINITY, std::nan("")}, "  Infinity|+Infinity|NAN"},
      {"%2$s %1$s %s %<s", {"a", "b"}, "b a a a"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.fmt);
    CHECK(shown(c.fmt, c.args) == c.expected);
  }
}

TEST_CASE("format refuses what Java refuses, in Java's words") {
  const Case cases[] = {
      {"%", {}, "Conversion = '%'"},
      {"%5", {}, "Conversion = '5'"},
      {"%q", {l(1)}, "Conversion = 'q'"},
      {"%D", {l(1)}, "Conversion = 'D'"},
      {"%.s", {"a"}, "Conversion = '.'"},
      {"%d", {}, "Format specifier '%d'"},
      {"%s %s", {"a"}, "Format specifier '%s'"},
      {"%3$s", {"a", "b"}, "Format specifier '%3$s'"},
      {"%<s", {"a"}, "Format specifier '%<s'"},
      {"%0$s", {"a"}, "Illegal format argument index = 0"},
      {"%d", {"a"}, "d != java.lang.String"},
      {"%d", {1.0}, "d != java.lang.Double"},
      {"%f", {l(1)}, "f != java.lang.Long"},
      {"%E", {true}, "e != java.lang.Boolean"},
      {"%c", {l(65)}, "c != java.lang.Long"},
      {"%-d", {l(1)}, "%-d"},
      {"%,-.5g", {1.0}, "%-,.5g"},
      {"%0-20X", {l(1)}, "Flags = '-^0'"},
      {"%.2d", {l(1)}, "2"},
      {"%#d", {l(1)}, "Conversion = d, Flags = #"},
      {"%,x", {l(1)}, "Conversion = x, Flags = ,"},
      {"%,e", {1.0}, "Conversion = e, Flags = ,"},
      {"%05s", {"a"}, "Conversion = s, Flags = 0"},
      {"%+ d", {l(1)}, "Flags = '+ '"},
      {"%-05d", {l(1)}, "Flags = '-0'"},
      {"%++d", {l(1)}, "Flags = '+'"},
      {"%5n", {}, "5"},
      {"%<n", {l(1)}, "Flags = '<'"},
      {"%<%", {l(1)}, "Flags = '<'"},
      // A bad specifier is found before the missing argument of an earlier one.
      {"%s %q", {}, "Conversion = 'q'"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.fmt);
    auto text = format(c.fmt, c.args);
    REQUIRE(!text);
    CHECK(text.error().message == c.expected);
    CHECK(!text.error().hint.empty());
  }
  CHECK(!format("%a", std::vector<FormatArg>{1.0}));
  CHECK(!format("%tY", std::vector<FormatArg>{l(1)}));
  CHECK(format("%999999999d", std::vector<FormatArg>{l(1)}).error().code == base::Errc::exhausted);
  CHECK(format("%.99999999999f", std::vector<FormatArg>{1.0}).error().code == base::Errc::exhausted);
}

TEST_CASE("numbers are read as Java reads them") {
  CHECK(decode_long("0") == 0);
  CHECK(decode_long("07") == 7);
  CHECK(decode_long("-0x10") == -16);
  CHECK(decode_long("#fF") == 255);
  CHECK(decode_long("+5") == 5);
  CHECK(decode_long("-9223372036854775808") == std::numeric_limits<std::int64_t>::min());
  CHECK(decode_long("0777777777777777777777") == std::numeric_limits<std::int64_t>::max());
  for (std::string_view bad : {"", "-", "08", "0x", "0xg", " 5", "5 ", "--5", "+-5", "0x-5", "9223372036854775808", "1_0", "1.0"})
    CHECK_MESSAGE(!decode_long(bad), bad);
  CHECK(parse_long("zz", 36) == 35 * 36 + 35);
  CHECK(!parse_long("12", 2));
  CHECK(parse_double("1") == 1.0);
  CHECK(parse_double(" .5e1 ") == 5.0);
  CHECK(parse_double("1f") == 1.0);
  CHECK(parse_double("0x1.8p1") == 3.0);
  CHECK(parse_double("1e400") == std::numeric_limits<double>::infinity());
  CHECK(parse_double("1e-400") == 0.0);
  CHECK(std::isnan(parse_double("NaN").value()));
  CHECK(parse_double("-Infinity") == -std::numeric_limits<double>::infinity());
  for (std::string_view bad : {"", ".", "1e", "inf", "nan", "0x1.8", "1ff", "1 2", "+", "1L", "--1"})
    CHECK_MESSAGE(!parse_double(bad), bad);
}
