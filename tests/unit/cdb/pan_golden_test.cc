// Expectations in comments: how they are read, and what is said when they do not hold.
#include <doctest/doctest.h>

#include "cdb/pan/golden/expectation.h"
#include "tests/unit/cdb/pan_support.h"

using namespace cdb::pan;
using namespace cdb::pan::golden;

namespace {

// What does not hold for an object template "main" with these lines, each "LINE MESSAGE"; mistakes first.
std::vector<std::string> findings(const std::string& text) {
  pan_test::Tree tree;
  const std::string whole = "object template main;\n" + text;
  const auto compiled = tree.body(text);
  const Expectations expectations = expectations_in(whole);
  std::vector<std::string> out;
  for (const Finding& f : expectations.mistakes) out.push_back(std::to_string(f.line) + " " + f.message);
  for (const Finding& f : check(expectations, compiled, "main.pan"))
    out.push_back(std::to_string(f.line) + " " + f.message.substr(0, f.message.find('\n')));
  return out;
}
using List = std::vector<std::string>;

const std::string kBody = "'/a/b' = 5;\n'/a/text' = 'one two';\n'/a/list' = list(1, 2.0);\n'/a/{x y}' = true;\n";

}  // namespace

TEST_SUITE_BEGIN("cdb.pan.golden");

TEST_CASE("what holds") {
  CHECK(
      findings("# expect: /a/b = 5\n# expect: /a/b exists\n#expect: /a/c absent\n# expect: /a/b is long\n## expect: /a is nlist\n"
               "# expect: /a/list length 2\n# expect: /a/text length 7\n# expect: /a/text ~ ^one\n# expect: compiles\n"
               "# expect: /a/text = \"one two\"\n# expect: /a/text = 'one two'\n# expect: /a/list = [1, 2.0]\n"
               "# expect: /a/list/1 = 2.0\n# expect: /a/{x y} = true\n# expect: / length 1\n" +
               kBody) == List{});
  CHECK(expectations_in("object template x;\n# expect nothing\n# to expect: much\n'/a' = '# expect: /a = 1';").list.empty());
}

TEST_CASE("what does not hold") {
  CHECK(findings("# expect: /a/b = 6\n" + kBody) == List{"2 /a/b is 5, expected 6"});
  CHECK(findings("# expect: /a/b = 5.0\n" + kBody) == List{"2 /a/b is the long 5, expected the double 5.0"});
  CHECK(findings("# expect: /a/texxt exists\n" + kBody) ==
        List{"2 /a/texxt does not exist: /a has no texxt (did you mean text?)"});
  CHECK(findings("# expect: /a/b/c = 1\n" + kBody) == List{"2 /a/b/c does not exist: /a/b has no c"});
  CHECK(findings("# expect: /a/b absent\n" + kBody) == List{"2 /a/b should be absent, but is 5"});
  CHECK(findings("# expect: /a/b is string\n" + kBody) == List{"2 /a/b is a long, expected a string"});
  CHECK(findings("# expect: /a/list length 3\n# expect: /a/b length 1\n" + kBody) ==
        List{"2 /a/list has length 2, expected 3", "3 /a/b is a long, which has no length"});
  CHECK(findings("# expect: /a/text ~ ^two\n# expect: /a/b ~ 5\n" + kBody) ==
        List{"2 /a/text is \"one two\", which does not match", "3 /a/b is a long, not a string"});
  CHECK(findings("# expect: compiles\n'/a' = error('no');") == List{"0 it does not compile:"});
}

TEST_CASE("errors that are expected") {
  const std::string body = "'/a' = error('too small');\n";
  CHECK(findings("# expect-error: too small\n" + body) == List{});
  CHECK(findings("# expect-error: ^evaluation error\n" + body) == List{});
  CHECK(findings("# expect-error at 3: small\n" + body) == List{});
  CHECK(findings("# expect-error at main.pan:3: small\n" + body) == List{});
  CHECK(findings("# expect-error at 4: small\n" + body) == List{"2 the error is in main.pan:3, expected in main.pan:4"});
  CHECK(findings("# expect-error at other.pan:3: small\n" + body) ==
        List{"2 the error is in main.pan:3, expected in other.pan:3"});
  CHECK(findings("# expect-error: too large\n" + body) == List{"2 no error matches; it fails with:"});
  CHECK(findings("# expect-error: too small\n'/a' = 1;") == List{"2 it compiled, but an error was expected"});
  CHECK(findings("# expect-error: ^parse error\n'/a' = ;") == List{});
}

TEST_CASE("mistakes in expectations are never passed over") {
  const auto mistakes = [](const std::string& comment) {
    const auto out = expectations_in("object template x;\n" + comment);
    CHECK(out.list.empty());
    REQUIRE(out.mistakes.size() == 1);
    return out.mistakes[0].message;
  };
  CHECK(mistakes("# expect: /a = ") == "'' is not a value");
  CHECK(mistakes("# expect: /a = 1 2") == "'1 2' is not a value");
  CHECK(mistakes("# expect: /a = 1, 2") == "'1, 2' is not a value");
  CHECK(mistakes("# expect: /a == 1") == "'==' says nothing about a path (did you mean =?)");
  CHECK(mistakes("# expect: /a exist") == "'exist' says nothing about a path (did you mean exists?)");
  CHECK(mistakes("# expect: /a exists now") == "'now' is too much");
  CHECK(mistakes("# expect: /a is lung") == "'lung' is not a type (did you mean long?)");
  CHECK(mistakes("# expect: /a length -1") == "'-1' is not a length");
  CHECK(mistakes("# expect: /a ~") == "a regular expression is missing");
  CHECK(mistakes("# expect: /a ~ (").starts_with("the regular expression is wrong: "));
  CHECK(mistakes("# expect: //a exists").starts_with("'//a' is not a path: "));
  CHECK(mistakes("# expect: a = 1") == "'a = 1' is no expectation");
  CHECK(mistakes("# expect: nothing") == "'nothing' is no expectation");
  CHECK(mistakes("# expects: /a = 1") == "'expects' is no expectation (did you mean expect?)");
  CHECK(mistakes("# expect-eror: x") == "'expect-eror' is no expectation (did you mean expect-error?)");
  CHECK(mistakes("# expect-error at x: y") == "'x' is not a place");
  CHECK(mistakes("# expect-error:") == "a regular expression is missing");
  CHECK(mistakes("# expect at 3: compiles") == "only errors have a place");
  const auto mixed = expectations_in("object template x;\n# expect: /a exists\n# expect-error: y\n");
  CHECK(mixed.of_failure());
  REQUIRE(mixed.mistakes.size() == 1);
  CHECK(mixed.mistakes[0].line == 2);
}

TEST_SUITE_END();
