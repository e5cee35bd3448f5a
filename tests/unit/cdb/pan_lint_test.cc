#include <doctest/doctest.h>

#include "base/text/text.h"
#include "cdb/pan/lint/report.h"
#include "tests/unit/cdb/pan_tree.h"

using namespace cdb::pan;
using pan_test::IndexedTree;

namespace {

// One rule on one template: the text must be found at the places given, "" for none.
struct Case {
  const char* rule;
  const char* text;  // after "template main;\n"
  const char* places;
};

std::string places(const Case& one) {
  IndexedTree tree;
  tree.put("lib/common.pan",
           "unique template lib/common;\nvariable SITE = 'x';\nvariable PART = 'common';\n"
           "type known = { 'name' : string 'size' ? long 'open' ? extensible {} 'list' ? string[] };\n"
           "function helper = { ARGC; };\nbind '/software/components/good' = known;\n");
  tree.put("main.pan", std::string("template main;\n") + one.text);
  std::string out;
  for (const auto& place : base::text::split(tree.found("main.pan", {one.rule}), ' ')) {
    if (!out.empty()) out += " ";
    out += place.substr(std::min(place.size(), std::string_view(one.rule).size() + 1));
  }
  return out;
}

const Case kCases[] = {
    {"argv-unchecked", "function f = { ARGV[0] + 1; };", "2:16"},
    {"argv-unchecked", "function f = { if (ARGC != 1) error('x'); ARGV[0]; };", ""},
    {"argv-unchecked", "function f = { foreach (k; v; ARGV) { debug(v); }; ARGV[0]; };", ""},
    {"argv-unchecked", "function f = { if (exists(ARGV[1])) ARGV[1]; };", ""},
    {"constant-condition", "variable X = if (false) 1 else 2;", "2:18"},
    {"constant-condition", "variable X = if ((true)) 1 else 2;", "2:19"},
    {"constant-condition", "variable X = { while (false) { SELF; }; };", "2:23"},
    {"constant-condition", "variable X = { while (true) { return(1); }; };", ""},
    {"constant-condition", "variable X = if (SITE == 'x') 1 else 2;", ""},
    {"duplicate-field", "type t = { 'a' : long\n 'b' ? long\n 'a' ? string };", "4:2"},
    {"duplicate-field", "type t = { 'a' : { 'a' : long } };", ""},
    {"missing-include", "include 'lib/comon';", "2:10"},
    {"missing-include", "include { 'lib/' + SITE };", "2:9"},
    {"missing-include", "include { 'lib/' + PART };", ""},
    {"missing-include", "include { if_exists('lib/comon') };", ""},
    {"missing-include", "include { format('%s', SITE) };", ""},
    {"missing-include", "'/x' = create('lib/nothing');", "2:16"},
    {"missing-include", "'/x' = create('lib/common');", ""},
    {"missing-type", "'/software/components/bad/active' = true;\n'/software/components/bad/x' = 1;", "2:1"},
    {"missing-type", "'/software/components/good/name' = 'n';", ""},
    {"nlist", "variable X = nlist('a', is_nlist(1));", "2:14 2:25"},
    {"nlist", "variable X = dict('nlist', is_dict(1));", ""},
    {"odd-octal", "variable X = 010;", "2:14"},
    {"odd-octal", "variable X = list(0644, 01777, 022, 0, 10, '010');", ""},
    {"overridden-default", "'/a' ?= 1;\n'/a' = 2;", "2:1"},
    {"overridden-default", "variable V ?= 1;\nvariable V = 2;", "2:1"},
    {"overridden-default", "variable V = 1;\nvariable V ?= 2;", "3:1"},
    {"overridden-default", "variable V ?= 1;\nvariable V = V + 1;", ""},
    {"overridden-default", "variable V ?= list();\nvariable V = { SELF[0] = 1; SELF; };", ""},
    {"overridden-default", "'/a' ?= 1;\ninclude 'lib/common';\n'/a' = 2;", ""},
    {"overridden-default", "variable V ?= undef;\nvariable V ?= 2;", ""},
    {"overridden-default", "prefix '/x';\n'a' ?= 1;\nprefix '/y';\n'a' = 2;", ""},
    {"overwritten", "variable X = { a = 1; a = 2; a; };", "2:16"},
    {"overwritten", "variable X = { a = 1; a = a + 2; a; };", ""},
    {"overwritten", "variable X = { a = 1; if (SITE == 'y') { a = 2; }; a; };", ""},
    {"overwritten", "variable X = { a = helper(1); a = 2; a; };", ""},
    {"shadowed-builtin", "function length = { 1; };", "2:10"},
    {"shadowed-builtin", "type string = long;", "2:6"},
    {"shadowed-builtin", "function lengths = { 1; };\ntype length = long;", ""},
    {"shadowed-variable", "variable X = { SITE = 1; SITE; };", "2:16"},
    {"shadowed-variable", "variable X = { site = 1; site; };", ""},
    {"shadowed-variable", "variable low = 1;\nvariable X = { low = 2; low; };", "3:16"},
    {"string-trap", R"(variable X = "x\\" + ";)", "2:16"},
    {"string-trap", R"(variable X = list("a\"b", "c:\\dir", '\\', "\\\"q");)", ""},
    {"type-mismatch", "variable X = length(SITE) == '1';", "2:14"},
    {"type-mismatch", "variable X = if (match(SITE, 'x') == 1) 1 else 2;", "2:18"},
    {"type-mismatch", "variable X = length(SITE) == 1.5 && to_string(1) == 'a' && SITE == 1;", ""},
    {"undefined-function", "variable X = helpr(1);", "2:14"},
    {"undefined-function", "variable X = helper(length('a'));", ""},
    {"undefined-type", "bind '/x' = knwon;\ntype t = { include unknown_type };", "2:13 3:20"},
    {"undefined-type", "bind '/x' = known[];\ntype u = string{};\ntype t = { include known };", ""},
    {"undefined-variable", "variable X = STE + 'x';", "2:14"},
    {"undefined-variable", "variable X = if (is_defined(STE)) STE else SITE;", ""},
    {"undefined-variable", "function f = { a = first(ARGV[0], k, v); k + v + SELF + OBJECT + TEMPLATE + FUNCTION + a; };", ""},
    {"unknown-field", "'/software/components/good/nmae' = 'x';", "2:1"},
    {"unknown-field", "prefix '/software/components/good';\n'sizes' = 1;\n'size' = 1;", "3:1"},
    {"unknown-field",
     "'/software/components/good/open/what/ever' = 'x';\n'/software/components/good/list/0' = 'x';\n'/elsewhere' = 1;", ""},
    {"unreachable", "variable X = { return(1); SITE; };", "2:27"},
    {"unreachable", "variable X = { error('x'); a = 1; return(a); };", "2:28"},
    {"unreachable", "variable X = { if (SITE == 'y') return(1); SITE; };", ""},
    {"unreachable", "variable X = { error('x'); return(false); };", ""},
    {"unused-function", "function idle = { ARGC; };", "2:10"},
    {"unused-function", "function busy = { ARGC; };\nvariable X = busy();", ""},
    {"unused-local", "variable X = { a = 1; b = 2; b; };", "2:16"},
    {"unused-local", "variable X = { a['k'] = 1; 2; };", "2:16"},
    {"unused-local", "variable X = { a = 1; };", ""},
    {"unused-local", "variable X = { foreach (k; v; list(1)) { debug('x'); }; 1; };", ""},
    {"unused-local", "variable X = { if (SITE == 'x') { a = 1; } else { a = 2; }; };", ""},
    {"unused-local", "variable X = { ok = first(SITE, k, v); v; };", ""},
    {"unused-prefix", "prefix '/x';\n'/y' = 1;", "2:1"},
    {"unused-prefix", "prefix '/x';\n'y' = 1;\nprefix '/';\n", ""},
    {"unused-result", "variable X = { SITE == 'x'; 1; };", "2:16"},
    {"unused-result", "variable X = { to_long('1'); 1; };", "2:16"},
    {"unused-result", "variable X = { a = list(); append(a, 1); helper(2); a; };", ""},
    {"unused-template", "include 'lib/common';", "1:10"},
    {"unused-type", "type idle = long;", "2:6"},
    {"unused-type", "type busy = long;\ntype other = busy{};\nbind '/x' = other;", ""},
    {"unused-variable", "variable IDLE = 1;", "2:10"},
    {"unused-variable", "variable BUSY = 1;\nvariable FINE = 2;\n'/x' = BUSY;\n'/y' = substitute('${FINE}');", ""},
    {"unused-variable", "variable CHECK = if (SITE == 'y') error('no');", ""},
    {"valid-statement", "valid '/x' = { true; };", "2:1"},
    {"valid-statement", "bind '/x' = element with { true; };", ""},
};

}  // namespace

TEST_CASE("each rule finds what it is for and nothing else") {
  for (const Case& one : kCases) {
    const std::string what = std::string(one.rule) + ": " + one.text;
    CAPTURE(what);
    CHECK(places(one) == std::string(one.places));
  }
}

TEST_CASE("every rule has a hit and a near miss above, or stands here") {
  for (const lint::Rule& rule : lint::all_rules()) {
    CAPTURE(rule.name);
    bool hit = false, miss = false;
    for (const Case& one : kCases) {
      if (rule.name != one.rule) continue;
      (std::string_view(one.places).empty() ? miss : hit) = true;
    }
    const bool apart = rule.name == "name-mismatch" || rule.name == "tpl-suffix" || rule.name == "unused-template";
    CHECK((hit || apart));
    CHECK((miss || apart));
    CHECK(rule.summary.size() > 10);
    CHECK(rule.explanation.size() > 10);
    CHECK(lint::find_rule(rule.name) == &rule);
  }
  CHECK(lint::find_rule("unused") == nullptr);
}

TEST_CASE("names of files") {
  IndexedTree tree;
  tree.put("a/b.pan", "template a/b;");
  tree.put("a/c.pan", "template x/c;");
  tree.put("old.tpl", "template old;");
  tree.put("main.pan", "object template main;\ninclude 'a/b';\nvariable T = list('x/c');\n");
  CHECK(tree.found("a/b.pan", {"name-mismatch", "tpl-suffix"}) == "");
  CHECK(tree.found("a/c.pan", {"name-mismatch", "tpl-suffix"}) == "name-mismatch:1:10");
  CHECK(tree.found("old.tpl", {"name-mismatch", "tpl-suffix"}) == "tpl-suffix:1:10");
  CHECK(tree.found("a/b.pan", {"unused-template"}) == "");
  CHECK(tree.found("a/c.pan", {"unused-template"}) == "");
  CHECK(tree.found("old.tpl", {"unused-template"}) == "unused-template:1:10");
  CHECK(tree.found("main.pan", {"unused-template"}) == "");
}

TEST_CASE("comments allow findings") {
  IndexedTree tree;
  tree.put("main.pan",
           "template main;\n"
           "variable A = nlist(); # lint: allow nlist, unused-variable until the old site is gone\n"
           "# lint: allow unused-variable\n"
           "\n"
           "variable B = nlist();\n");
  CHECK(tree.found("main.pan") == "nlist:5:14");
  tree.put("main.pan", "template main;\n# lint: allow-file nlist\nvariable A = nlist();\n'/x' = A;\n");
  CHECK(tree.found("main.pan") == "");
  tree.put("main.pan", "template main;\n# lint: allow nlits\n# lint: forbid nlist\n# lint: allow\n# linting is fun\n");
  CHECK(tree.found("main.pan") == "suppression:2:1 suppression:3:1 suppression:4:1");
  CHECK(tree.lint("main.pan")[0].hint == "did you mean nlist?");
}

TEST_CASE("rules that need more than the file are quiet without it") {
  IndexedTree tree;
  tree.put("main.pan", "template main;\ninclude 'nowhere';\nvariable IDLE = UNKNOWN;\n");
  CHECK(tree.lint("main.pan", {}, false).size() == 2);
  const auto text = tree.source->read("/site/main.pan");
  const auto parsed = syntax::Tree::parse(*text);
  CHECK(lint::lint({parsed, *tree.index.file("/site/main.pan"), tree.index, false, false}, {}).empty());
}

TEST_CASE("mistakes of syntax are findings, and half a text is linted all the same") {
  IndexedTree tree;
  tree.put("main.pan", "template main;\nvariable X = nlist(;\nvariable Y = nlist();\n# lint: allow-file syntax\n");
  const auto findings = tree.lint("main.pan");
  REQUIRE(findings.size() > 1);
  CHECK(std::count_if(findings.begin(), findings.end(), [](const auto& f) { return f.rule == "syntax"; }) == 1);
  CHECK(std::count_if(findings.begin(), findings.end(), [](const auto& f) { return f.rule == "nlist" && f.line == 3; }) == 1);
  for (const char* text :
       {"", "template", "template main", "'", "\"\\", "<<EOF", "type t = {", "variable X = { if (", "@{", "# lint: allow"}) {
    tree.put("main.pan", text);
    tree.lint("main.pan");
  }
}

TEST_CASE("fixes change the text where they say") {
  IndexedTree tree;
  tree.put("main.pan", "template main;\n'/x' = nlist('a', nlist());\n'/y' = is_nlist(1);\n");
  std::size_t applied = 0;
  const auto findings = tree.lint("main.pan");
  CHECK(lint::fixed(*tree.source->read("/site/main.pan"), findings, applied) ==
        "template main;\n'/x' = dict('a', dict());\n'/y' = is_dict(1);\n");
  CHECK(applied == 3);
}

TEST_CASE("which rules count") {
  CHECK(lint::Settings().wants("nlist"));
  CHECK_FALSE(lint::Settings().wants("unused-template"));
  const auto only = lint::Settings::choose({"nlist", "unused-template"}, {});
  REQUIRE(only);
  CHECK(only->wants("nlist"));
  CHECK(only->wants("unused-template"));
  CHECK_FALSE(only->wants("overwritten"));
  const auto without = lint::Settings::choose({}, {"nlist"});
  REQUIRE(without);
  CHECK_FALSE(without->wants("nlist"));
  CHECK(without->wants("overwritten"));
  const auto wrong = lint::Settings::choose({"nlits"}, {});
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().message == "there is no lint rule 'nlits' (did you mean nlist?)");
  CHECK_FALSE(lint::Settings::choose({}, {"x"}));
}

TEST_CASE("reports") {
  IndexedTree tree;
  tree.put("main.pan", "template main;\n\t'/x' = '\xc3\xa9'; variable X = nlist();\n");
  const auto findings = tree.lint("main.pan", *lint::Settings::choose({"nlist"}, {}));
  REQUIRE(findings.size() == 1);
  CHECK(lint::report_text(findings[0], "main.pan", *tree.source->read("/site/main.pan")) ==
        "main.pan:2:27: note: nlist is the old name of dict [nlist]\n"
        "\t'/x' = '\xc3\xa9'; variable X = nlist();\n"
        "\t                         ^^^^^\n"
        "hint: write dict\n");
  const auto json = lint::report_json(findings[0], "main.pan");
  CHECK(json.get_integer("line") == 2);
  CHECK(json.get_integer("end_column") == 31);
  CHECK(json.get_string("rule") == "nlist");
  CHECK(json.get_boolean("fixable"));
}
