// What the parser makes of operators, targets, types and many statements; where it says that a template is wrong.
#include <doctest/doctest.h>

#include "base/profile/json.h"
#include "cdb/pan/parser.h"
#include "tests/unit/cdb/pan_support.h"

using namespace cdb::pan;
using namespace pan_test;

namespace {

// The value of one DML expression, or the error.
std::string value(const std::string& dml) {
  Tree tree;
  const Compiled compiled = tree.body("'/v' = " + dml + ";");
  if (compiled.profile == nullptr) return first_error(compiled);
  const std::string whole = base::profile::to_json(*compiled.profile);  // {"v":...}
  return whole.substr(5, whole.size() - 6);
}

// "line.column-line.column message" of the error in this text.
std::string parse_error(const std::string& text) {
  Tree tree;
  tree["main.pan"] = text;
  const Compiled compiled = tree.compile({"main"})[0];
  for (const Diagnostic& d : compiled.diagnostics)
    return std::to_string(d.line) + "." + std::to_string(d.column) + "-" + std::to_string(d.end_line) + "." +
           std::to_string(d.end_column) + " " + d.message;
  return {};
}

std::shared_ptr<const Template> parsed(const std::string& text, Names& names) {
  auto source = std::make_shared<SourceText>();
  source->path = "main.pan";
  source->content = std::make_shared<const std::string>(text);
  return parse_template(source, names, nullptr, nullptr);
}

}  // namespace

TEST_CASE("operators bind as they should and group to the left, folded or not") {
  const std::pair<const char*, const char*> cases[] = {
      {"2 + 3 * 4", "14"},
      {"2 * 3 + 4", "10"},
      {"10 - 4 - 3", "3"},
      {"100 / 10 / 5", "2"},
      {"17 % 10 * 2", "14"},
      {"1 + 2 == 3 && 4 > 3 + 0", "true"},
      {"1 < 2 == true", "true"},
      {"true || false && false", "true"},
      {"6 & 3 | 8", "10"},
      {"1 | 2 ^ 3", "1"},
      {"5 & 4 == 4", "evaluation error"},
      {"-2 + 3", "1"},
      {"2 - -3", "5"},
      {"!true || true", "true"},
      {"~0 & 255", "255"},
      {"(2 + 3) * 4", "20"},
      {"'a' + 'b' + 'c'", "\"abc\""},
  };
  for (const auto& [dml, expected] : cases) {
    CAPTURE(dml);
    const std::string folded = value(dml);
    if (std::string_view(expected).find("error") != std::string_view::npos) {
      CHECK(folded.find("error") != std::string::npos);
      continue;
    }
    CHECK(folded == expected);
    // The same at run time: a call keeps it from being folded.
    CHECK(value(std::string("{ if (exists('/nothing')) 0 else ") + dml + "; }") == expected);
  }
}

TEST_CASE("an equals sign behind a variable makes it a target, whatever its indices") {
  CHECK(value("{ a = b = c = 3; a + b + c; }") == "9");
  CHECK(value("{ a['x'][to_long('0') + 1] = 5; a; }") == value("{ a = dict('x', list(undef, 5)); a; }"));
  CHECK(value("{ a = 1; a == 1; }") == "true");
  CHECK(value("{ a = dict('k', 1); a['k'] == 1 && a['k'] + 1 == 2; }") == "true");
  CHECK(value("{ a = dict(); a[if (true) { x = 'y'; x; } else 'z'] = (b = 2); a['y'] + b; }") == "4");
  CHECK(value("{ x = if (1 == 1) y = 2; x + y; }") == "4");
  CHECK(value("{ f = 1; length('abc') + f; }") == "4");
}

TEST_CASE("calls and sequences of any length, trailing commas and semicolons") {
  std::string items, sum = "0";
  for (int i = 0; i < 300; ++i) {
    items += (i != 0 ? ", " : "") + std::to_string(i);
    sum += " + " + std::to_string(i);
  }
  CHECK(value("length(list(" + items + "))") == "300");
  CHECK(value("length(list(" + items + ",))") == "300");
  CHECK(value(sum) == "44850");
  CHECK(value("{ { 1; }; { 2; { 3; 4; }; }; }") == "4");
}

TEST_CASE("a field given twice: the last type counts; fields may come in any order") {
  Tree tree;
  const Compiled compiled = tree.body(
      "type t = { 'z' : long 'a' : string 'm' ? long 'a' : long = 7 'm' ? string 'b' : boolean = true 'z' : long = 1 };\n"
      "bind '/t' = t; '/t/m' = 'text';");
  REQUIRE(compiled.profile != nullptr);
  CHECK(base::profile::to_json(*compiled.profile) == R"({"t":{"a":7,"b":true,"m":"text","z":1}})");
}

TEST_CASE("large records and choices keep all their parts") {
  std::string fields, values, choices;
  for (int i = 0; i < 500; ++i) {
    const std::string name = "f" + std::to_string((i * 37) % 500);
    fields += "'" + name + "' : choice('x', '" + name + "')\n";
    values += "'/r/" + name + "' = '" + name + "';\n";
  }
  Tree tree;
  CHECK(tree.body("type r = {" + fields + "};\nbind '/r' = r;\n" + values).profile != nullptr);
  const std::string wrong = values + "'/r/f250' = 'f251';";
  CHECK(first_error(tree.body("type r = {" + fields + "};\nbind '/r' = r;\n" + wrong)).starts_with("validation error"));
}

TEST_CASE("statements stay in order, however many") {
  Names names;
  std::string text = "object template main;\nprefix '/a/b';\n";
  for (int i = 0; i < 3000; ++i) text += "'k" + std::to_string(i) + "/0' = " + std::to_string(i) + ";\n";
  const auto made = parsed(text, names);
  int count = 0;
  for (const Statement& s : made->statements) {
    REQUIRE(s.value.as_integer() == count);
    REQUIRE(s.path.text() == "/a/b/k" + std::to_string(count) + "/0");
    ++count;
  }
  CHECK(count == 3000);
}

TEST_CASE("a template that fails leaves nothing behind for the next one on the thread") {
  Names names;
  for (int i = 0; i < 3; ++i) {
    CHECK_THROWS_AS(parsed("template main;\ntype a = { 'x' : { 'y' : choice('a', 'b') 'z' : list(1, 2", names), Failure);
    CHECK_THROWS_AS(parsed("template main;\n'/x' = f(1, g(2, { 3; 4; h(5, ", names), Failure);
    const auto made = parsed("template main;\ntype a = { 'p' : long };\n'/x' = f(1);", names);
    const Statement& type = *made->statements.begin();
    CHECK(type.type->base->required.size() == 1);
    CHECK(type.type->base->includes.empty());
    const Statement& call = *++made->statements.begin();
    CHECK(call.block.op->count == 1);
  }
}

TEST_CASE("parse errors say where and what was expected") {
  const std::string head = "object template main;\n";
  CHECK(parse_error(head + "'/a' = 1\n'/b' = 2;") == "3.1-3.4 found a string where ';' was expected");
  CHECK(parse_error(head + "'/a' = (1;") == "2.10-2.10 found ';' where ')' was expected");
  CHECK(parse_error(head + "'/a' = { 1; 2") == "2.13-2.13 found the end of the file where ';' or '}' was expected");
  CHECK(parse_error(head + "'/a' = f(1 2);") == "2.12-2.12 found '2' where ',' or ')' was expected");
  CHECK(parse_error(head + "variable = 1;") == "2.10-2.10 found '=' where an identifier was expected");
  CHECK(parse_error(head + "'/a' = b[1 = 2;") == "2.12-2.12 found '=' where ']' was expected");
  CHECK(parse_error(head + "'/a' = 1 + ;") == "2.12-2.12 found ';' where an expression was expected");
  CHECK(parse_error(head + "'/a' = 'x;\n") ==
        "2.8-2.8 found ''' that begins a string without end where an expression was expected");
  CHECK(parse_error(head + "type t = { 'a' long };") ==
        "2.16-2.19 found 'long' where ':' (required) or '?' (optional) was expected");
  CHECK(parse_error(head + "\t'/a' 1;") == "2.7-2.7 found '1' where '=' or '?=' was expected");
  CHECK(parse_error("object main;") == "1.8-1.11 found 'main' where 'template' was expected");
  CHECK(parse_error("") == "0.0-0.0 found the end of the file where 'template' was expected");
  // The first mistake is the one reported, also when a later one is in a token.
  CHECK(parse_error(head + "'/a' = ) + \"\\q\";") == "2.8-2.8 found ')' where an expression was expected");
}
