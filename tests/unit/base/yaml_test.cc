#include "base/yaml/yaml.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "base/profile/json.h"

using base::profile::Dict;
using base::profile::List;
using base::profile::to_json;
using base::profile::Value;

namespace {

std::string parsed(std::string_view text) {
  const auto value = base::yaml::parse(text, "f.yaml");
  return value ? to_json(*value) : value.error().message;
}

std::string code(std::string_view text) {
  const auto value = base::yaml::parse(text, "f.yaml");
  return value ? "accepted " + to_json(*value) : std::string(base::errc_name(value.error().code));
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
      static const char* const pieces[] = {"a",  "\n", "\"", "\\",  "\t", "é",   "𝄞",   "/",  "'", ":",   ": ",  "#",   " #", "-",
                                           "- ", "? ", "|",  ">",   "%",  "@",   "`",   "&",  "*", "!",   "{",   "}",   "[",  "]",
                                           ",",  " ",  "~",  "yes", "0",  "1.5", "0x1", "<<", "=", "---", "...", "null"};
      std::string text;
      for (auto left = random() % 6; left > 0; --left) text += pieces[random() % std::size(pieces)];
      return text;
    }
    case 5: {
      List items;
      for (auto left = random() % 5; left > 0; --left) items.push_back(random_value(random, depth + 1));
      return items;
    }
    default: {
      Dict children;
      for (auto left = random() % 5; left > 0; --left) {
        const Value key = random_value(random, 9);
        children.emplace(key.is_string() ? *key.string() : "k" + to_json(key), random_value(random, depth + 1));
      }
      return children;
    }
  }
}

}  // namespace

TEST_CASE("yaml: plain scalars have the core schema's types") {
  CHECK(parsed("[null, Null, NULL, ~, ]") == "[null,null,null,null]");
  CHECK(parsed("[true, True, TRUE, false, False, FALSE]") == "[true,true,true,false,false,false]");
  CHECK(parsed("[0, 12, -7, +3, 0x1F, 0o17]") == "[0,12,-7,3,31,15]");
  CHECK(parsed("[1.0, -2.5, .5, 1., 1e3, 6.02E+23, +1.5]") == "[1.0,-2.5,0.5,1.0,1000.0,6.02e+23,1.5]");
  CHECK(parsed("[yes, no, on, off, y, n, nUll, tRue, 1_000, 22:22, 2026-11-23, 1.2.3, 0xZ, '', -, .]") ==
        R"(["yes","no","on","off","y","n","nUll","tRue","1_000","22:22","2026-11-23","1.2.3","0xZ","","-","."])");
  CHECK(parsed("[9223372036854775807, -9223372036854775808]") == "[9223372036854775807,-9223372036854775808]");
}

TEST_CASE("yaml: quoted and block scalars are strings") {
  CHECK(parsed(R"(["1", '1', "true", 'null', "", '~', !  5])") == R"(["1","1","true","null","","~","5"])");
  CHECK(parsed("a: |\n  1\nb: >\n  true\n  x\n") == R"({"a":"1\n","b":"true x\n"})");
}

TEST_CASE("yaml: what settings look like") {
  CHECK(
      parsed("# agent\nserver: https://127.0.0.1:8443\nroles: [cdb, leaf]\nlimits:\n  size: 10\n  note:\nlist:\n- a\n- b: 1\n  "
             "c: 2\n") ==
      R"({"limits":{"note":null,"size":10},"list":["a",{"b":1,"c":2}],"roles":["cdb","leaf"],"server":"https://127.0.0.1:8443"})");
  CHECK(parsed("") == "null");
  CHECK(parsed("# only a comment\n") == "null");
  CHECK(parsed("---\n") == "null");
  CHECK(parsed("--- {a: 1}\n...\n") == R"({"a":1})");
  CHECK(parsed("a: 1\r\nb: 2\r\n") == R"({"a":1,"b":2})");
}

TEST_CASE("yaml: keys are text whatever they look like") {
  CHECK(parsed("{1: a, true: b, 1.0: c, 'x y': d, 8080: e}") == R"({"1":"a","1.0":"c","8080":"e","true":"b","x y":"d"})");
}

TEST_CASE("yaml: aliases are resolved by value") {
  CHECK(parsed("a: &x {k: [1, 2]}\nb: *x\nc: [*x, *x]\n") ==
        R"({"a":{"k":[1,2]},"b":{"k":[1,2]},"c":[{"k":[1,2]},{"k":[1,2]}]})");
  CHECK(parsed("a: &x 1\nb: &x 2\nc: *x\n") == R"({"a":1,"b":2,"c":2})");
}

TEST_CASE("yaml: errors name file, line and column") {
  CHECK(parsed("a: 1\na: 2\n") == "f.yaml:2:1: the key 'a' stands twice in one mapping");
  CHECK(parsed("x:\n  a: 1\n  'a': 2\n") == "f.yaml:3:3: the key 'a' stands twice in one mapping");
  CHECK(parsed("a: !!int 1\n") == "f.yaml:1:4: the tag 'tag:yaml.org,2002:int' is not supported");
  CHECK(parsed("a:\n  - 99999999999999999999\n").starts_with("f.yaml:2:5: '99999999999999999999' does not fit"));
  CHECK(parsed("a: [1, 2\n").starts_with("f.yaml:"));
  CHECK(parsed("ok: 1\nbad: \x01\n") == "f.yaml:2:6: a control character stands here");
  CHECK(parsed("ok: 1\nbad: \xff\n") == "f.yaml:2:1: this line is not UTF-8");
}

TEST_CASE("yaml: what two readers would read differently is refused") {
  CHECK(code("mode: 0644") == "invalid");
  CHECK(code("mode: '0644'") == R"(accepted {"mode":"0644"})");
  CHECK(code("a: .inf") == "invalid");
  CHECK(code("a: -.INF") == "invalid");
  CHECK(code("a: .nan") == "invalid");
  CHECK(code("a: 1e999") == "invalid");
  CHECK(code("base: &b {x: 1}\na:\n  <<: *b\n") == "invalid");
  CHECK(code("a: {'<<': 1}") == R"(accepted {"a":{"<<":1}})");
}

TEST_CASE("yaml: what is malformed or not supported is refused") {
  for (const auto* text : {"a: b: c",
                           "{a: 1",
                           "[1, 2",
                           "]",
                           "}",
                           "a: 'x",
                           "a: \"x",
                           "\ta: 1",
                           "a: *nowhere",
                           "? [1]\n: 2",
                           "{a}: 1",
                           "? {a: 1}\n: 2",
                           "a: 1\n---\nb: 2\n",
                           "!!binary aGk=",
                           "a: !custom x",
                           "!local [1]",
                           "!!map {a: 1}",
                           "&a [*a]",
                           "a: &a {b: *a}",
                           "*a : 1",
                           "- 1\nb: 2",

                           "%YAML 9.1\n---\n1",
                           "a: `x",
                           "a: @x",
                           "\"\\q\"",
                           "~: 1",
                           ": 1",
                           "null: 1"})
    CHECK_MESSAGE(code(text) == "invalid", text, " -> ", code(text));
}

TEST_CASE("yaml: a file cut off inside a quoted text is refused") {
  for (const auto* text : {"a: \"x\n", "a: 'x\n", "a: \"x", "a: 'x", "- \"x\n\n\n", "a: \"x\r\n", "a: [1,\n", "a: {b: 'c\n"})
    CHECK_MESSAGE(code(text) == "invalid", text);
  CHECK(parsed("a: \"x\n\n  y\"\n") == R"({"a":"x\ny"})");
  CHECK(parsed("--- |\n x\n") == R"("x\n")");
  CHECK(parsed("a: |+\n  x\n\n") == R"({"a":"x\n\n"})");
  CHECK(parsed("a: |\n  x") == R"({"a":"x"})");
  CHECK(parsed("a: 1\n...\n") == R"({"a":1})");
  CHECK(parsed("a: 1\n...\n# end\n") == R"({"a":1})");
  CHECK(parsed("# nothing\n...\n") == "null");
}

TEST_CASE("yaml: escapes that yaml-cpp would turn into broken UTF-8 are refused") {
  CHECK(code("a: \"\\N\"") == "invalid");
  CHECK(code("a: \"\\_\"") == "invalid");
  CHECK(code("a: \"\\ud834\"") == "invalid");
  CHECK(parsed("a: \"\\u0085\\x41\\L\"") ==
        "{\"a\":\"\xc2\x85"
        "A\xe2\x80\xa8\"}");
  CHECK(code("a: \"x\ry\"") == "invalid");
}

TEST_CASE("yaml: size, depth and expansion are limited") {
  CHECK(base::yaml::parse("[1, 2]", "f", 5).error().code == base::Errc::exhausted);
  CHECK(base::yaml::parse("[1, 2]", "f", 6));
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(base::yaml::parse(nested(100), "f"));
  CHECK(base::yaml::parse(nested(101), "f").error().code == base::Errc::invalid);
  CHECK(base::yaml::parse(nested(100000), "f").error().code == base::Errc::invalid);
  std::string laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
  for (int i = 1; i < 12; ++i) {
    const auto before = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 0; j < 8; ++j) laughs += ", " + before;
    laughs += "]\n";
  }
  CHECK(base::yaml::parse(laughs, "f").error().code == base::Errc::exhausted);
  std::string heavy = "a: &a '" + std::string(1 << 20, 'x') + "'\nb: [*a";
  for (int i = 0; i < 1000; ++i) heavy += ", *a";
  CHECK(base::yaml::parse(heavy + "]", "f").error().code == base::Errc::exhausted);
}

TEST_CASE("yaml: no truncation of a document crashes") {
  const std::string text = "a: &x [1, 'two', \"th\\u00e9ree\", {k: v}]\nb: |\n  text\n   more\nc: *x\n? d\n: - e\n  - f: g\n";
  for (std::size_t size = 0; size <= text.size(); ++size) (void)base::yaml::parse(std::string_view(text).substr(0, size), "f");
  CHECK(base::yaml::parse(text, "f"));
}

TEST_CASE("yaml: rendered text") {
  const auto value = base::profile::parse_json(
      R"({"a":1,"b":[1.0,"x","yes","1","",null,true,[],{}],"c":{"d":{"e":"two\nlines"},"f f":"a: b"},"g":[[1,2],[{"h":1,"i":2}]]})");
  REQUIRE(value);
  CHECK(base::yaml::render(*value) ==
        "a: 1\nb:\n  - 1.0\n  - x\n  - \"yes\"\n  - \"1\"\n  - \"\"\n  - null\n  - true\n  - []\n  - {}\nc:\n  d:\n    e: "
        "\"two\\nlines\"\n  f f: \"a: b\"\n"
        "g:\n  -\n    - 1\n    - 2\n  -\n    - h: 1\n      i: 2\n");
  CHECK(base::yaml::render(Value(Dict{})) == "{}\n");
  CHECK(base::yaml::render(Value(List{})) == "[]\n");
  CHECK(base::yaml::render(Value("x")) == "x\n");
  CHECK(base::yaml::render(Value()) == "null\n");
}

TEST_CASE("yaml: strings that look like something else survive") {
  for (const auto* text : {"",
                           " ",
                           "~",
                           "null",
                           "Null",
                           "true",
                           "FALSE",
                           "yes",
                           "No",
                           "on",
                           "OFF",
                           "y",
                           "N",
                           "1",
                           "-1",
                           "+1",
                           "0644",
                           "0x1F",
                           "0o7",
                           "1.0",
                           ".5",
                           "1e3",
                           ".inf",
                           ".nan",
                           "22:22",
                           "2026-11-23",
                           "1_000",
                           "- a",
                           "a: b",
                           "a #b",
                           "#",
                           "&a",
                           "*a",
                           "!a",
                           "|",
                           ">",
                           "%a",
                           "@a",
                           "`a",
                           "'",
                           "\"",
                           "{",
                           "[",
                           "]",
                           ",",
                           "?",
                           ":",
                           "-",
                           "---",
                           "...",
                           "<<",
                           "=",
                           " a",
                           "a ",
                           "a\nb",
                           "a\n",
                           "\n",
                           "\t",
                           "a\tb",
                           "\x7f",
                           "é",
                           "𝄞",
                           "\xe2\x80\xa8",
                           "\xef\xbb\xbf",
                           "\xc2\x85"}) {
    const Value value(Dict{{text, List{text}}});
    const auto again = base::yaml::parse(base::yaml::render(value), "f");
    REQUIRE_MESSAGE(again, base::yaml::render(value), again.error().message);
    CHECK_MESSAGE(*again == value, base::yaml::render(value));
  }
  const Value long_key(Dict{{std::string(3000, 'k'), 1}, {std::string(3000, ':'), 2}});
  CHECK(*base::yaml::parse(base::yaml::render(long_key), "f") == long_key);
}

TEST_CASE("yaml: any value survives being rendered and parsed") {
  std::mt19937 random(20261123);
  for (int i = 0; i < 1500; ++i) {
    const Value value = random_value(random, 0);
    const auto text = base::yaml::render(value);
    const auto again = base::yaml::parse(text, "f");
    REQUIRE_MESSAGE(again, text, again.error().message);
    CHECK_MESSAGE(to_json(*again) == to_json(value), text);
  }
}
