#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "base/profile/json.h"

using namespace base::profile;

namespace {

std::string error_of(std::string_view text, const JsonLimits& limits = {}) {
  const auto parsed = parse_json(text, limits);
  return parsed ? "accepted: " + to_json(*parsed) : parsed.error().message;
}

std::string place_of(std::string_view text) {
  const auto error = error_of(text);
  const auto from = error.find("line ");
  return from == std::string::npos ? error : error.substr(from, error.find(':', from) - from);
}

std::string again(std::string_view text) {
  const auto parsed = parse_json(text);
  return parsed ? to_json(*parsed) : parsed.error().message;
}

Value random_value(std::mt19937& random, int depth) {
  switch (random() % (depth > 3 ? 5 : 7)) {
    case 0: return nullptr;
    case 1: return random() % 2 == 0;
    case 2: return static_cast<std::int64_t>((std::uint64_t(random()) << 32 | random()) >> random() % 64);
    case 3: {
      const auto bits = std::uint64_t(random()) << 32 | random();
      double number;
      std::memcpy(&number, &bits, sizeof number);
      return std::isfinite(number) ? number : 0.5;
    }
    case 4: {
      std::string text;
      for (auto left = random() % 8; left > 0; --left) {
        static const char* const pieces[] = {"a", "\n", "\"", "\\", "\x01", "é", "€", "𝄞", "/", "\x7f"};
        text += pieces[random() % std::size(pieces)];
      }
      return text;
    }
    case 5: {
      List items;
      for (auto left = random() % 5; left > 0; --left) items.push_back(random_value(random, depth + 1));
      return items;
    }
    default: {
      Dict children;
      for (auto left = random() % 5; left > 0; --left)
        children.emplace("k" + std::to_string(random() % 50), random_value(random, depth + 1));
      return children;
    }
  }
}

}  // namespace

TEST_CASE("json: canonical text of every type") {
  CHECK(again(" { \"b\" : [ 1 , 1.0 , true , false , null ] , \"a\" : \"x\" } ") == R"({"a":"x","b":[1,1.0,true,false,null]})");
  CHECK(again("[]") == "[]");
  CHECK(again("{}") == "{}");
  CHECK(again("[[],{}]") == "[[],{}]");
  CHECK(again("7") == "7");
  CHECK(again("\"\"") == "\"\"");
  CHECK(again("null") == "null");
}

TEST_CASE("json: long and double stay distinct") {
  CHECK(parse_json("1")->is_integer());
  CHECK(parse_json("1.0")->is_real());
  CHECK(parse_json("1e0")->is_real());
  CHECK_FALSE(*parse_json("1") == *parse_json("1.0"));
  CHECK(again("-9223372036854775808") == "-9223372036854775808");
  CHECK(again("9223372036854775807") == "9223372036854775807");
  CHECK(again("-0") == "0");
  CHECK(again("-0.0") == "-0.0");
}

TEST_CASE("json: doubles are short and read back equal") {
  CHECK(again("1e5") == "100000.0");
  CHECK(again("0.1") == "0.1");
  CHECK(again("1e15") == "1000000000000000.0");
  CHECK(again("1e16") == "1e+16");
  CHECK(again("1e22") == "1e+22");
  CHECK(again("0.00001") == "0.00001");
  CHECK(again("0.000001") == "1e-06");
  CHECK(again("5e-324") == "5e-324");
  CHECK(again("1.7976931348623157e308") == "1.7976931348623157e+308");
  CHECK(again("-2.50") == "-2.5");
}

TEST_CASE("json: not-a-number and infinity are never written as another value") {
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
                           -std::numeric_limits<double>::infinity()})
    CHECK_FALSE(parse_json(to_json(Value(List{bad}))));
}

TEST_CASE("json: escapes are minimal") {
  CHECK(to_json(Value("a\"b\\c/d\n\t\r\b\f\x01\x7f€")) == "\"a\\\"b\\\\c/d\\n\\t\\r\\b\\f\\u0001\x7f€\"");
  CHECK(again(R"("\u20ac\ud834\udd1e\/")") == "\"€𝄞/\"");
  CHECK(again(R"({"\u0061":1})") == R"({"a":1})");
  CHECK(parse_json(R"("a\u0000b")")->string()->size() == 3);
}

TEST_CASE("json: keys are ordered by bytes") {
  CHECK(again(R"({"é":1,"z":2,"Z":3,"":4,"10":5,"9":6})") == R"({"":4,"10":5,"9":6,"Z":3,"z":2,"é":1})");
}

TEST_CASE("json: duplicate keys are refused where the second stands") {
  CHECK(error_of(R"({"a":1,"a":2})") == R"(bad JSON at line 1, column 8: the key "a" stands twice in one object)");
  CHECK(place_of("{\"x\":{\"a\":1},\n \"y\":{\"b\":1,\n  \"b\":1}}") == "line 3, column 3");
  CHECK(place_of(R"({"a":1,"\u0061":2})") == "line 1, column 8");
  CHECK(again(R"({"a":{"a":1},"b":{"a":1}})") == R"({"a":{"a":1},"b":{"a":1}})");
}

TEST_CASE("json: integers beyond 64 bits are refused") {
  CHECK(error_of("[1,\n9223372036854775808]") ==
        "bad JSON at line 2, column 1: the integer 9223372036854775808 does not fit 64 bits with a sign");
  CHECK_FALSE(parse_json("18446744073709551616"));
  CHECK_FALSE(parse_json("-9223372036854775809"));
  CHECK_FALSE(parse_json("18446744073709551615"));
  CHECK_FALSE(parse_json("1e400"));
  CHECK_FALSE(parse_json("-1e999"));
}

TEST_CASE("json: bad syntax names the place") {
  CHECK(place_of("") == "line 1, column 1");
  CHECK(place_of("{\"a\":1,}") == "line 1, column 8");
  CHECK(place_of("[1,2") == "line 1, column 4");
  CHECK(place_of("[1 2]") == "line 1, column 4");
  CHECK(place_of("{\"a\" 1}") == "line 1, column 6");
  CHECK(place_of("{\n  \"a\": tru\n}") == "line 2, column 8");
  CHECK(place_of("[\n\n  \"abc") == "line 3, column 3");
  CHECK(place_of("[\"a\nb\"]") == "line 1, column 4");
  CHECK(place_of("{} x") == "line 1, column 4");
  CHECK(place_of("[1]]") == "line 1, column 4");
  CHECK(place_of("[\"é\", \"\xff\"]") == "line 1, column 8");
  CHECK(place_of("[01]") == "line 1, column 2");
}

TEST_CASE("json: what is nearly JSON is refused") {
  for (const auto* text : {"[1,]",
                           "{'a':1}",
                           "{a:1}",
                           "[1,,2]",
                           "nul",
                           "True",
                           "[.5]",
                           "[1.]",
                           "[+1]",
                           "[0x10]",
                           "[1e]",
                           "[NaN]",
                           "[Infinity]",
                           "\"\\x41\"",
                           "\"\\u12\"",
                           "\"\\ud834\"",
                           "\"\t\"",
                           "// c\n1",
                           "[1] [2]",
                           "1 2",
                           "{\"a\":1 \"b\":2}",
                           "{\"a\":}",
                           "{1:2}",
                           "}",
                           "]",
                           ",",
                           ":",
                           "\"",
                           "[\"a]",
                           "\xef\xbb\xbf[1",
                           "\xc0\xaf",
                           "\"\xed\xa0\x80\""})
    CHECK_MESSAGE(!parse_json(text), text);
}

TEST_CASE("json: depth is limited exactly") {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(parse_json(nested(128)));
  CHECK_FALSE(parse_json(nested(129)));
  CHECK_FALSE(parse_json(nested(100000)));
  CHECK(parse_json("[[1]]", {1024, 2}));
  CHECK_FALSE(parse_json("[[[1]]]", {1024, 2}));
  CHECK(error_of("[[[1]]]", {1024, 2}) == "bad JSON at line 1, column 3: it is nested more than 2 levels deep");
  std::string objects;
  for (int i = 0; i < 129; ++i) objects += "{\"a\":";
  CHECK_FALSE(parse_json(objects + "1" + std::string(129, '}')));
}

TEST_CASE("json: size is limited") {
  const auto parsed = parse_json("[1,2,3]", {6, 8});
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().code == base::Errc::exhausted);
  CHECK(parse_json("[1,2,3]", {7, 8}));
}

TEST_CASE("json: any value survives being written and read, plain and pretty") {
  std::mt19937 random(20261123);
  for (int i = 0; i < 2000; ++i) {
    const Value value = random_value(random, 0);
    const auto text = to_json(value);
    const auto plain = parse_json(text);
    const auto pretty = parse_json(to_json_pretty(value));
    REQUIRE_MESSAGE(plain, text);
    REQUIRE_MESSAGE(pretty, text);
    CHECK(*plain == value);
    CHECK(*pretty == value);
    CHECK(to_json(*plain) == text);
  }
}

TEST_CASE("json: pretty text") {
  CHECK(to_json_pretty(*parse_json(R"({"a":[1,{}],"b":{"c":null},"d":[]})")) ==
        "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": {\n    \"c\": null\n  },\n  \"d\": []\n}\n");
}

TEST_CASE("json: every truncation of a document is refused, none crashes") {
  const std::string text = R"({"a":[1,2.5,true,null,"x\u20ac"],"b":{"c":{"d":"\\\""}}})";
  for (std::size_t size = 0; size < text.size(); ++size) CHECK_FALSE(parse_json(std::string_view(text).substr(0, size)));
  CHECK(parse_json(text));
}
