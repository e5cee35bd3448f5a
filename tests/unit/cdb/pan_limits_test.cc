// What hostile or mistaken templates must not do: overflow the stack, run for ever, eat all memory, stop other profiles.
#include <doctest/doctest.h>

#include "tests/unit/cdb/pan_support.h"

using namespace cdb::pan;
using namespace pan_test;

namespace {

std::string repeat(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("source nested without end") {
  Tree tree;
  CHECK(first_error(tree.body("'/a' = " + repeat("(", 3'000'000) + "1" + repeat(")", 3'000'000) + ";")) ==
        "parse error: the template is nested too deeply");
  CHECK(first_error(tree.body("'/a' = " + repeat("list(", 1'000'000) + repeat(")", 1'000'000) + ";")) ==
        "parse error: the template is nested too deeply");
  CHECK(first_error(tree.body("type t = " + repeat("{'a':", 1'000'000) + "long" + repeat("}", 1'000'000) + ";")) ==
        "parse error: the template is nested too deeply");
  CHECK(tree.body("'/a' = " + repeat("(", 2000) + "1" + repeat(")", 2000) + ";").profile != nullptr);
}

TEST_CASE("long operator chains and deep paths") {
  Tree tree;
  CHECK(first_error(tree.body("variable X = 1;\n'/a' = X" + repeat(" + X", 1'000'000) + ";")) != "");
#ifdef __SANITIZE_THREAD__
  constexpr int kLong = 2'000;  // the compiler's stack is small there (cdb/pan/engine.cc)
#else
  constexpr int kLong = 10'000;
#endif
  const auto sum = tree.body("variable X = 1;\n'/a' = X" + repeat(" + X", kLong) + ";");
  REQUIRE(sum.profile != nullptr);
  CHECK(sum.profile->get_integer("a") == kLong + 1);
  CHECK(tree.body("'/a" + repeat("/b", 5000) + "' = 1;").profile != nullptr);
}

TEST_CASE("data that grows in depth") {
  Tree tree;
  tree.options.max_iteration = 2'000'000;
  const auto compiled = tree.body(
      "variable N = 1;\n'/a' = { x = list(N); i = 0; while (i < 1000000) { x = list(x); i = i + 1; }; to_string(x); };");
  CHECK(first_error(compiled) == "evaluation error: the evaluation is nested too deeply");
}

TEST_CASE("loops and recursion end") {
  Tree tree;
  tree.options.max_iteration = 1000;
  CHECK(first_error(tree.body("variable X = true;\n'/a' = while (X) 1;")) ==
        "evaluation error: loop iteration count (1000) has been exceeded");
  CHECK(first_error(tree.body("variable X = 1;\n'/a' = for (i = X; i > 0; i = i + 1) 1;")) ==
        "evaluation error: loop iteration count (1000) has been exceeded");
  CHECK(first_error(tree.body("function f = f();\n'/a' = f();")) == "evaluation error: call depth limit (50) exceeded");
  tree["s.pan"] = "structure template s;\n's' = create('s');";
  CHECK(first_error(tree.body("'/a' = create('s');")) == "evaluation error: call depth limit (50) exceeded");
  tree.options.max_recursion = 1'000'000;
  CHECK(first_error(tree.body("function f = f();\n'/a' = f();")) == "evaluation error: the evaluation is nested too deeply");
}

TEST_CASE("loops in loops and calls in calls end") {
  Tree tree;
  tree.options.max_steps = 100'000;
  const std::string wanted = "evaluation error: more than 100000 loop iterations and calls in this object";
  CHECK(first_error(tree.body(
            "variable N = 9000;\n'/a' = { i = 0; while (i < N) { k = 0; while (k < N) k = k + 1; i = i + 1; }; 1; };")) ==
        wanted);
  CHECK(first_error(tree.body("function f = { if (ARGV[0] > 40) 1 else f(ARGV[0] + 1) + f(ARGV[0] + 1); };\n'/a' = f(0);")) ==
        wanted);
  CHECK(first_error(tree.body("variable L = list(1,2,3,4,5,6,7,8,9,10);\nfunction f = { if (ARGV[0] == 0) return(1); foreach (i; "
                              "v; L) f(ARGV[0] - 1); 1; };\n'/a' = f(12);")) == wanted);
  // Constants, which are worked out while parsing.
  CHECK(first_error(
            tree.body("'/a' = { n = 0; for (i = 0; i < 900; i = i + 1) for (k = 0; k < 900; k = k + 1) for (j = 0; j < 900; j "
                      "= j + 1) n = n + 1; n; };")) == wanted);
}

TEST_CASE("lists and strings do not eat the machine") {
  Tree tree;
  CHECK(first_error(tree.body("variable N = 2000000000;\n'/a' = { l = list(); l[N] = 1; l; };")) ==
        "evaluation error: the list index 2000000000 lies more than 1000000 behind the end of the list");
  CHECK(
      first_error(tree.body(
          "variable S = 'xxxxxxxxxxxxxxxx';\n'/a' = { s = S; i = 0; while (i < 40) { s = s + s; i = i + 1; }; length(s); };")) ==
      "system error: the object needs too much memory");
  CHECK(first_error(
            tree.body("variable S = '(a+)+$';\n'/a' = match('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', S);")) != "");
}

TEST_CASE("data that holds itself several times is small in memory and endless in print") {
  Tree tree;
  tree.options.max_output = 1 << 20;
  const std::string doubled = "x = list('y'); i = 0; while (i < 40) { x = list(x, x); i = i + 1; };";
  CHECK(first_error(tree.body("'/a' = { " + doubled + " x; };"))
            .starts_with("evaluation error: the profile is larger than 1048576 bytes, which are full at /a/0/0/0"));
  CHECK(tree.body("'/a' = { " + doubled + " x; };").diagnostics[0].line == 2);
  CHECK(first_error(tree.body("'/a' = { " + doubled + " to_string(x); };")) == "system error: the object needs too much memory");
  CHECK(first_error(tree.body("'/a' = { " + doubled + " json_encode(x); };")) ==
        "system error: the object needs too much memory");
  CHECK(first_error(tree.body("bind '/a' = long;\n'/a' = { " + doubled + " x; };"))
            .starts_with("evaluation error: the profile is larger"));
  tree.options.max_seconds = 1;
  const std::string again = "z = list('y'); i = 0; while (i < 40) { z = list(z, z); i = i + 1; };";
  const std::string late = "evaluation error: the object takes too much processor time";
  CHECK(first_error(tree.body("'/a' = { " + doubled + again + " index(x, list(z)); };")) == late);
  std::string types = "type t0 = string[];\n";
  for (int i = 1; i <= 40; ++i) types += "type t" + std::to_string(i) + " = t" + std::to_string(i - 1) + "[];\n";
  CHECK(first_error(tree.body(types + "bind '/a' = t40;\n'/a' = { " + doubled + " x; };")) == late);
  CHECK(first_error(tree.body(types + "'/a' = { " + doubled + " is_valid(t40, x); };")) == late);
}

TEST_CASE("a tree is not deeper than readers can follow") {
  Tree tree;
  tree.options.max_iteration = 100'000;
  const auto deep = [&](int levels) {
    return tree.body("variable N = 1;\n'/a' = { x = list(N); i = 1; while (i < " + std::to_string(levels) +
                     ") { x = list(x); i = i + 1; }; x; };");
  };
  CHECK(deep(5000).profile != nullptr);
  CHECK(first_error(deep(20'000)) ==
        "evaluation error: the profile is nested more than 10000 levels deep below /a/0/0/0/0/0/0/0/0/0");
}

TEST_CASE("texts that grow") {
  Tree tree;
  const std::string big = "variable B = { s = 'xxxxxxxxxxxxxxxx'; i = 0; while (i < 16) { s = s + s; i = i + 1; }; s; };\n";
  CHECK(first_error(tree.body(big + "'/a' = replace('x', B, B);")) ==
        "evaluation error: the result of replacing 'x' is larger than 67108864 bytes");
  CHECK(first_error(tree.body(big + "'/a' = format('" + repeat("%1$s", 300) + "', B);"))
            .find("the formatted text is larger than") != std::string::npos);
  CHECK(first_error(tree.body(big + "'/a' = { l = list(); i = 0; while (i < 300) { l[i] = B; i = i + 1; }; join(B, l); };")) ==
        "system error: the object needs too much memory");
  CHECK(first_error(tree.body(big + "'/a' = length(split('', B)) + length(split('', B + B + B + B + B));")) ==
        "evaluation error: splitting at '' gives more than 4000000 pieces");
  std::string variables = "variable X30 = '';\n";
  for (int i = 29; i >= 0; --i) {
    const std::string next = "${X" + std::to_string(i + 1) + "}";
    variables += "variable X" + std::to_string(i) + " = '" + next + next + "';\n";
  }
  CHECK(first_error(tree.body(variables + "'/a' = substitute(X0);")) ==
        "evaluation error: more than 1000000 substitutions in one text");
}

TEST_CASE("what ran out has a place") {
  Tree tree;
  tree.options.max_recursion = 1'000'000;
  auto error = tree.body("'/x' = 1;\nfunction f = f();\n'/a' = f();").diagnostics.back();
  CHECK(error.message == "the evaluation is nested too deeply");
  CHECK(error.line == 4);
  CHECK(error.excerpt == "'/a' = f();\n^^^^^^^^^^^");
  tree["part.pan"] =
      "template part;\n\nvariable S = { s = 'xxxxxxxxxxxxxxxx'; i = 0; while (i < 40) { s = s + s; i = i + 1; }; };";
  error = tree.body("include 'part';").diagnostics.back();
  CHECK(error.message == "the object needs too much memory");
  CHECK(error.file == "part.pan");
  CHECK(error.line == 3);
  CHECK(error.trace == std::vector<std::string>{"in template part at main.pan:2.1"});
}

TEST_CASE("floods of messages and look-ups") {
  Tree tree;
  tree.options.debug_include = ".*";
  tree.options.max_iteration = 100'000;
  const auto talk = tree.body("variable N = 20000;\n'/a' = { i = 0; while (i < N) { debug('again'); i = i + 1; }; i; };");
  CHECK(talk.profile != nullptr);
  CHECK(talk.diagnostics.size() == 10'001);
  CHECK(talk.diagnostics.back().message == "[main] more than 10000 messages: the others are left out");
  const auto ask = tree.body(
      "variable N = 20000;\nvariable LOADPATH = list('a', 'b');\n'/a' = { i = 0; while (i < N) { if_exists('no' + to_string(i % "
      "7)); i = i + 1; }; i; };");
  CHECK(ask.profile != nullptr);
  CHECK(ask.reads.size() == 1 + 7 * 3);
}

TEST_CASE("a chain of objects that read each other tells the first failure only") {
  Tree tree;
  std::vector<std::string> objects;
  for (int i = 0; i < 60; ++i) {
    objects.push_back("o" + std::to_string(i));
    tree[objects.back() + ".pan"] = "object template " + objects.back() +
                                    ";\n'/a' = " + (i < 59 ? "value('o" + std::to_string(i + 1) + ":/a');" : "error('at last');");
  }
  const auto all = tree.compile(objects);
  CHECK(first_error(all[0]) == "evaluation error: the object 'o1' that is read here failed: [o59] user-initiated error: at last");
}

TEST_CASE("long names, long paths, many parts") {
  Tree tree;
  const std::string name(1 << 20, 'n');
  CHECK(first_error(tree.body("variable " + name + " = 1;\n'/a' = " + name + "x;")) != "");
  CHECK(tree.body("variable " + name + " = 1;\n'/a' = " + name + ";").profile->get_integer("a") == 1);
  CHECK(first_error(tree.body("prefix '/" + repeat("p/", 10'000) + "';\n" + repeat("'a' = 1;\n", 600))) ==
        "parse error: the paths of this template have more than 5000000 parts in all");
  CHECK(first_error(tree.body("variable N = '/" + repeat("p/", 20'000) + "q';\n'/a' = value(N);")) != "");
  std::string locals = "variable N = 1;\n'/a' = {\n";
  for (int i = 0; i < 59'000; ++i) locals += "v" + std::to_string(i) + " = N;\n";
  CHECK(tree.body(locals + "v58999; };").profile->get_integer("a") == 1);
  for (int i = 59'000; i < 60'100; ++i) locals += "v" + std::to_string(i) + " = N;\n";
  CHECK(first_error(tree.body(locals + "1; };")) == "syntax error: a block cannot have more than 60000 variables");
  CHECK(tree.body("variable N = 1;\n'/a' = " + repeat("{ N; ", 5000) + "N" + repeat("; }", 5000) + ";").profile != nullptr);
  const std::string json = "{\"" + std::string(1 << 20, 'k') + "\": [" + repeat("1,", 20'000) + "1]}";
  tree["data.json"] = json;
  CHECK(tree.body("'/a' = json_decode(file_contents('data.json'));").profile != nullptr);
}

TEST_CASE("a failing object does not disturb its neighbours") {
  Tree tree;
  tree["deep.pan"] = "object template deep;\n'/a' = " + repeat("(", 3'000'000) + "1;";
  tree["fine.pan"] = "object template fine;\n'/a' = 1;";
  const auto all = tree.compile({"deep", "fine"});
  CHECK(all[0].profile == nullptr);
  CHECK(all[1].profile->get_integer("a") == 1);
}

TEST_CASE("names that would lead out of the tree") {
  Tree tree;
  tree["secret"] = "x";
  tree.options.include_path = {"inside"};
  tree["inside/main.pan"] = "object template main;\nvariable N = '../secret';\n'/a' = file_contents(N);";
  CHECK(tree.compile({"main"})[0].profile == nullptr);
  tree["inside/main.pan"] = "object template main;\nvariable N = '../x';\ninclude N;";
  CHECK(first_error(tree.compile({"main"})[0]) == "evaluation error: invalid identifier for include: ../x");
}

TEST_CASE("messages about one character name all of it") {
  Tree tree;
  CHECK(first_error(tree.body("'/a' = \"\\\xc3\xa9\";")) ==
        "parse error: a double-quoted string has no escape sequence \\\xc3\xa9");
  CHECK(first_error(tree.body("'/a' = \"\\x4\xc3\xa9\";")) ==
        "parse error: \\x in a double-quoted string needs two hexadecimal digits, not '4\xc3\xa9'");
  CHECK(first_error(tree.body("'/a' = match('a', 'b', '\xc3\xa9');")) ==
        "syntax error: invalid matching flag for regular expression: \xc3\xa9");
  CHECK(first_error(tree.body("'/a' = unescape('_3\xc3\xa9x');")) ==
        "syntax error: string contains invalid escape sequence: 3\xc3\xa9");
  CHECK(first_error(tree.body("'/a' = unescape('_\xc3\xa9');")) == "syntax error: string contains incomplete escape sequence");
  CHECK(first_error(tree.body("'/a' = format('%\xc3\xa9', 1);")).find("Conversion = '\xc3\xa9'") != std::string::npos);
}

TEST_CASE("malformed text") {
  Tree tree;
  CHECK(tree.body("'/a' = 'caf\xe9';").profile->get_string("a") == "caf\xef\xbf\xbd");
  // As many replacements as Java's decoder gives: one for a surrogate, for a sequence cut short, for each stray byte.
  const std::string bad = "\xef\xbf\xbd";
  CHECK(tree.body("'/a' = '\xed\xa0\x80-\xe2\x82-\xf0\x9f\x98-\xff\x80-\xe0\x80-\xf4\x90\x80\x80';").profile->get_string("a") ==
        bad + "-" + bad + "-" + bad + "-" + bad + bad + "-" + bad + bad + "-" + bad + bad + bad + bad);
  CHECK(first_error(tree.body(std::string("'/a' = \0 1;", 11))) != "");
  CHECK(first_error(tree.body("\xff\xfe")) != "");
  tree["empty.pan"] = "";
  CHECK(first_error(tree.compile({"empty"})[0]).starts_with("parse error: "));
}
