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
  CHECK(tree.body("variable X = 1;\n'/a' = X" + repeat(" + X", 10'000) + ";").profile->get_integer("a") == 10'001);
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
