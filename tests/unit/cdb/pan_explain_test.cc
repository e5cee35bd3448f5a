// Where values come from: what the golden cases of tests/lang (explain-*) cannot show.
#include <doctest/doctest.h>

#include "base/profile/json.h"
#include "cdb/pan/explain.h"
#include "tests/unit/cdb/pan_support.h"

using namespace cdb::pan;
using namespace pan_test;

namespace {

Explanation explain(Tree& tree, const std::string& object, const std::vector<std::string>& paths) {
  auto result = Compiler(tree.source, tree.options).explain(object, paths);
  REQUIRE(result);
  return std::move(*result);
}

// "line how text" of each entry of one element's history, newest first.
std::vector<std::string> history(Tree& tree, const std::string& path) {
  const Explanation explanation = explain(tree, "main", {path});
  std::vector<std::string> out;
  for (const Explained& element : explanation.elements) {
    if (element.path != path) continue;
    for (const Origin& origin : element.history) {
      const char* how = origin.how == Origin::How::set       ? "set"
                        : origin.how == Origin::How::made    ? "made"
                        : origin.how == Origin::How::kept    ? "kept"
                        : origin.how == Origin::How::removed ? "removed"
                        : origin.how == Origin::How::edited  ? "edited"
                        : origin.how == Origin::How::filled  ? "default"
                                                             : "initial";
      out.push_back(std::to_string(origin.place.line) + " " + how + " " + origin.text);
    }
  }
  return out;
}

using Lines = std::vector<std::string>;

void check_all_explained(const base::profile::Value& value, const std::string& path, const Explanation& explanation) {
  if (const auto* dict = value.dict(); dict != nullptr && !dict->empty()) {
    for (const auto& [key, child] : *dict) check_all_explained(child, path + "/" + key, explanation);
    return;
  }
  if (const auto* list = value.list(); list != nullptr && !list->empty()) {
    for (std::size_t i = 0; i < list->size(); ++i) check_all_explained((*list)[i], path + "/" + std::to_string(i), explanation);
    return;
  }
  for (const Explained& element : explanation.elements) {
    if (element.path != path) continue;
    REQUIRE_MESSAGE(element.origin() != nullptr, path);
    if (value.is_leaf()) CHECK_MESSAGE(element.origin()->value == value, path);
    CHECK_MESSAGE(element.origin()->place.line > 0, path);
    return;
  }
  FAIL_CHECK("not explained: " << path);
}

}  // namespace

TEST_CASE("an empty selection and an object that is not there are errors") {
  Tree tree;
  tree["main.pan"] = "object template main;\n'/a' = 1;\n";
  Compiler compiler(tree.source, tree.options);
  const auto none = compiler.explain("main", {});
  REQUIRE_FALSE(none);
  CHECK(none.error().code == base::Errc::invalid);
  const std::vector<std::string> all{"/"};
  const auto absent = compiler.explain("absent", all);
  REQUIRE(absent);
  CHECK_FALSE(absent->complete);
  CHECK(absent->elements.empty());
  REQUIRE(absent->diagnostics.size() == 1);
  CHECK(absent->diagnostics[0].message == "cannot locate object template named 'absent'");
}

TEST_CASE("asking does not change what is compiled, nor does compiling change the answer") {
  Tree tree;
  tree["s.pan"] = "structure template s;\n'n' = list(1);\n";
  tree["main.pan"] =
      "object template main;\n"
      "'/a' = { x = list(1); y = create('s', 'k', x); x[0] = 2; y['m'] = x; y };\n"
      "'/b' = { x = SELF; x['q'] = list(3); z = x['q']; z[0] = 4; x };\n"
      "'/c' = { x = create('s'); y = x; y['n'][0] = 5; x };\n"
      "'/d' = value('/c'); '/d/n/1' = 6;\n"
      "variable V = value('/d'); '/e' = V; '/e/n' = append(7);\n";
  Compiler compiler(tree.source, tree.options);
  const std::vector<std::string> object{"main"}, all{"/"};
  const auto plain = compiler.compile(object);
  REQUIRE_MESSAGE(plain[0].profile != nullptr, first_error(plain[0]));
  const auto explanation = compiler.explain("main", all);
  REQUIRE(explanation);
  CHECK(explanation->complete);
  check_all_explained(*plain[0].profile, "", *explanation);
  const auto again = compiler.compile(object);
  CHECK(base::profile::to_json(*again[0].profile) == base::profile::to_json(*plain[0].profile));
}

TEST_CASE("what stands unchanged in a block that edits SELF keeps its place") {
  Tree tree;
  tree["main.pan"] =
      "object template main;\n"
      "'/a' = dict('x', 1, 'y', 1);\n"
      "'/a' = { SELF['y'] = 2; SELF };\n"
      "'/a' = dict('x', 1, 'y', 2);\n";
  CHECK(history(tree, "/a/x") == Lines{"4 set 1", "2 set 1"});
  CHECK(history(tree, "/a/y") == Lines{"4 set 2", "3 set 2", "2 set 1"});
  CHECK(history(tree, "/a") == Lines{"4 set dict of 2", "2 set dict of 2"});
}

TEST_CASE("elements keep their history when others before them come and go") {
  Tree tree;
  tree["main.pan"] =
      "object template main;\n"
      "'/l' = list('a', 'b', 'c');\n"
      "'/l/0' = null;\n"
      "'/l' = { t = list('new'); foreach (i; v; SELF) { append(t, v); }; t };\n"
      "'/l/1' = 'B';\n";
  CHECK(history(tree, "/l/0") == Lines{"4 set \"new\""});
  CHECK(history(tree, "/l/1") == Lines{"5 set \"B\"", "2 set \"b\""});
  CHECK(history(tree, "/l/2") == Lines{"2 set \"c\""});
  CHECK(history(tree, "/l") == Lines{"4 edited list of 3", "3 edited list of 2", "2 set list of 3"});
}

TEST_CASE("a type change through null is a new value with its past") {
  Tree tree;
  tree["main.pan"] =
      "object template main;\n"
      "'/v' = dict('x', list(1, 2));\n"
      "'/v' = null;\n"
      "'/v' = list(3);\n"
      "'/v' = null;\n"
      "'/v' = 'text';\n";
  CHECK(history(tree, "/v") ==
        Lines{"6 set \"text\"", "5 removed nothing", "4 set list of 1", "3 removed nothing", "2 set dict of 1"});
  CHECK(history(tree, "/v/x") == Lines{"3 removed nothing", "2 set list of 2"});
}

TEST_CASE("?= counts when it sets and is noted when it does not") {
  Tree tree;
  tree["main.pan"] =
      "object template main;\n"
      "'/a' ?= 1;\n"
      "'/a' ?= 2;\n"
      "'/u' = undef;\n"
      "'/u' ?= { 3; };\n"
      "'/d' = 1;\n"
      "'/d' = null;\n"
      "'/d' ?= 4;\n";
  CHECK(history(tree, "/a") == Lines{"3 kept 1", "2 set 1"});
  CHECK(history(tree, "/u") == Lines{"5 set 3", "4 set undef"});
  CHECK(history(tree, "/d") == Lines{"8 set 4", "7 removed nothing", "6 set 1"});
}

TEST_CASE("defaults name the type that has them") {
  Tree tree;
  tree["main.pan"] =
      "object template main;\n"
      "type inner = { 'v' : long = 5 };\n"
      "type outer = { 'in' : inner = dict() 'list' : inner[] };\n"
      "bind '/o' = outer = dict('list', list(dict(), dict('v', 1)));\n";
  const Explanation explanation = explain(tree, "main", {"/o/in/v", "/o/list"});
  REQUIRE(explanation.elements.size() == 4);
  const Origin* field = explanation.elements[0].origin();
  CHECK(field->type == "inner");
  CHECK(field->field == "v");
  CHECK(field->place.line == 2);
  CHECK(explanation.elements[1].path == "/o/list");
  const Origin* element = explanation.elements[2].origin();
  CHECK(explanation.elements[2].path == "/o/list/0/v");
  CHECK(element->field == "v");
  const Origin* whole = explanation.elements[3].origin();
  CHECK(explanation.elements[3].path == "/o/list/1/v");
  CHECK(whole->how == Origin::How::filled);
  CHECK(whole->field.empty());
  CHECK(whole->place.line == 4);
}

TEST_CASE("includes are listed from the object template inwards") {
  Tree tree;
  tree["one.pan"] = "template one;\n\ninclude 'two';\n";
  tree["two.pan"] = "template two;\n'/a' = 1;\n";
  tree["main.pan"] = "object template main;\ninclude 'one';\n";
  const Explanation explanation = explain(tree, "main", {"/a"});
  REQUIRE(explanation.elements.size() == 1);
  const Origin* set = explanation.elements[0].origin();
  CHECK(set->place.file == "two.pan");
  REQUIRE(set->chain.size() == 2);
  CHECK(set->chain[0].place.file == "main.pan");
  CHECK(set->chain[0].place.line == 2);
  CHECK(set->chain[0].name == "one");
  CHECK(set->chain[1].place.file == "one.pan");
  CHECK(set->chain[1].place.line == 3);
}

TEST_CASE("patterns match names, braces escape, removed elements answer only by name") {
  Tree tree;
  tree["main.pan"] =
      "object template main;\n"
      "'/p/{a.b}/v' = 1; '/p/c/v' = 2; '/p/c/w' = 3; '/p/gone' = 4; '/p/gone' = null;\n";
  auto paths = [&](const std::vector<std::string>& asked) {
    Lines out;
    for (const Explained& element : explain(tree, "main", asked).elements) out.push_back(element.path);
    return out;
  };
  CHECK(paths({"/p/{a.b}/v"}) == Lines{"/p/a_2eb/v"});
  CHECK(paths({"/p/*/v"}) == Lines{"/p/a_2eb/v", "/p/c/v"});
  CHECK(paths({"/p/c/?", "/p/c/v"}) == Lines{"/p/c/v", "/p/c/w"});
  CHECK(paths({"/p"}) == Lines{"/p", "/p/a_2eb/v", "/p/c/v", "/p/c/w"});
  CHECK(paths({"/p/gone"}) == Lines{"/p/gone"});
  const Explanation unknown = explain(tree, "main", {"/p/*/x", "/q"});
  CHECK(unknown.elements.empty());
  CHECK(unknown.unknown.size() == 2);
}

TEST_CASE("a failed object gives back its memory and the compiler goes on") {
  Tree tree;
  tree["s.pan"] = "structure template s;\n'a' = 1;\n'b' = error('stop');\n";
  tree["main.pan"] = "object template main;\n'/x' = 1;\n'/y' = create('s');\n'/z' = 2;\n";
  Compiler compiler(tree.source, tree.options);
  const std::vector<std::string> all{"/"}, object{"main"};
  for (int i = 0; i < 3; ++i) {
    const auto explanation = compiler.explain("main", all);
    REQUIRE(explanation);
    CHECK_FALSE(explanation->complete);
    REQUIRE_FALSE(explanation->diagnostics.empty());
    bool known = false;
    for (const Explained& element : explanation->elements) known = known || (element.path == "/x" && element.text == "1");
    CHECK(known);
  }
  tree["s.pan"] = "structure template s;\n'a' = 1;\n";
  compiler.invalidate(std::vector<std::string>{"s.pan"});
  CHECK(compiler.compile(object)[0].profile != nullptr);
  CHECK(compiler.explain("main", all)->complete);
}

TEST_CASE("the JSON document keeps its promises") {
  Tree tree;
  tree["main.pan"] = "object template main;\n'/a' = 1.5;\n";
  const base::profile::Value document = to_value(explain(tree, "main", {"/a", "/b"}));
  CHECK(document.get_string("object") == "main");
  CHECK(document.get_boolean("complete"));
  REQUIRE(document.get("elements")->list()->size() == 1);
  const base::profile::Value& element = document.get("elements")->list()->front();
  CHECK(*element.get("value") == base::profile::Value(1.5));
  CHECK(element.get("history")->list()->front().get_string("how") == "set");
  CHECK(document.get("unknown")->list()->front().get_string("path") == "/b");
}
