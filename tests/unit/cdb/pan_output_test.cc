// The reference's file formats, byte for byte.
#include <doctest/doctest.h>

#include "base/compress/compress.h"
#include "cdb/pan/output.h"
#include "tests/unit/cdb/pan_support.h"

using namespace cdb::pan;
using namespace pan_test;

namespace {

std::string text(std::string_view format, const Finished& object, const std::vector<std::string>& roots) {
  TextBuffer out;
  return std::string(render(*parse_format(format), object, roots, out));
}

std::string rendered(const std::string& body, std::string_view format) {
  auto source = std::make_shared<MemorySource>();
  source->files["root/main.pan"] = "object template main;\n" + body;
  source->files["root/lib/t.tpl"] = "template lib/t;\n";
  Engine engine(source, Options{.include_path = {"root"}});
  std::string out = "no profile";
  const std::vector<std::string> objects{"main"};
  engine.run(objects, [&](Finished&& f) {
    if (f.root != nullptr) out = text(format, f, {"/abs/root x"});
  });
  return out;
}

const std::string kBody =
    "'/s' = \"<&>'\\\"\\t\\r\\x01\";\n'/t' = \"a<b>&c\\rd\";\n'/e' = dict('l', list(), 'd', dict(), 's', '');\n'/l' = list(1, "
    "1.0, true, '😀é');\n";

}  // namespace

TEST_CASE("json") {
  CHECK(rendered(kBody, "json") ==
        "{\n  \"e\": {\n    \"d\": {},\n    \"l\": [],\n    \"s\": \"\"\n  },\n  \"l\": [\n    1,\n    1.0,\n    true,\n    "
        "\"😀é\"\n  ],\n"
        "  \"s\": \"\\u003c\\u0026\\u003e\\u0027\\\"\\t\\r\\u0001\",\n  \"t\": \"a\\u003cb\\u003e\\u0026c\\rd\"\n}");
  CHECK(rendered("", "json") == "{}");
}

TEST_CASE("pan and xml are the same") {
  const std::string expected =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?><nlist format=\"pan\" name=\"profile\">\n    <nlist name=\"e\">\n        <nlist "
      "name=\"d\"/>\n"
      "        <list name=\"l\"/>\n        <string name=\"s\"/>\n    </nlist>\n    <list name=\"l\">\n        <long>1</long>\n   "
      "     <double>1.0</double>\n"
      "        <boolean>true</boolean>\n        <string>&#128512;é</string>\n    </list>\n    <string name=\"s\" "
      "encoding=\"base64\">PCY+JyIJDQE=</string>\n"
      "    <string name=\"t\">a&lt;b&gt;&amp;c&#13;d</string>\n</nlist>\n";
  CHECK(rendered(kBody, "pan") == expected);
  CHECK(rendered(kBody, "xml") == expected);
  CHECK(rendered("", "pan") == "<?xml version=\"1.0\" encoding=\"UTF-8\"?><nlist format=\"pan\" name=\"profile\"/>\n");
}

TEST_CASE("text, dot, null") {
  CHECK(rendered("'/a/b' = list('x', 2);", "text") ==
        "+-profile\n  +-a\n    +-b\n      $ 0 : (string) 'x'\n      $ 1 : (long) '2'\n");
  CHECK(
      rendered("'/a' = 'a long value that is cut';", "dot") ==
      "digraph \"profile\" {\nbgcolor = beige\nnode [ color = black, shape = box, fontname=Helvetica ]\nedge [ color = black ]\n"
      "\"/profile\" [ label = \"profile\"]\n\"/profile/a\" [ label = \"a\\n'a long valu...'\" ]\n\"/profile\" -> "
      "\"/profile/a\"\n}\n");
  CHECK(rendered("'/a' = 1;", "null").empty());
}

TEST_CASE("dep lists what was loaded and what was looked for in vain") {
  CHECK(rendered("include 'lib/t';\ninclude if_exists('lib/none');\n'/x' = exists('lib/t');\n'/f' = file_exists('none.txt');",
                 "dep") ==
        "lib/none ABSENT_SOURCE \nlib/t TPL file:/abs/root%20x/\nmain PAN file:/abs/root%20x/\nnone.txt ABSENT_TEXT \n");
}

TEST_CASE("dep: a given file's root is what stands before its name, whatever the include path finds") {
  auto source = std::make_shared<MemorySource>();
  source->files["root/site/node.pan"] = "object template site/node;\n'/from' = 'the include path';\n";
  source->files["away/site/node.pan"] = "object template site/node;\ninclude 'lib/t';\n'/from' = 'the command line';\n";
  source->files["root/lib/t.pan"] = "template lib/t;\n";
  Engine engine(source, Options{.include_path = {"root"}});
  CHECK(engine.repository().give("site/node", "away/site/node.pan") == "away/site/node.pan");
  // The first one given stays; the same one again is no matter.
  CHECK(engine.repository().give("site/node", "root/site/node.pan") == "away/site/node.pan");
  CHECK(engine.repository().give("site/node", "away/site/node.pan") == "away/site/node.pan");
  CHECK(engine.repository().roots() == std::vector<std::string>{"root", "away"});
  std::string dep, json;
  const std::vector<std::string> objects{"site/node"};
  engine.run(objects, [&](Finished&& f) {
    REQUIRE(f.root != nullptr);
    dep = text("dep", f, engine.repository().roots());
    json = text("json", f, engine.repository().roots());
  });
  CHECK(dep == "lib/t PAN file:root/\nsite/node PAN file:away/\n");
  CHECK(json.find("the command line") != std::string::npos);
}

TEST_CASE("gzip variants hold the same bytes") {
  const auto plain = base::compress::gunzip(rendered(kBody, "json.gz"));
  REQUIRE(plain);
  CHECK(*plain == rendered(kBody, "json"));
}

TEST_CASE("formats") {
  CHECK(parse_format("xml.gz")->suffix() == ".xml.gz");
  CHECK(parse_format("pan")->suffix() == ".xml");
  for (const char* wrong : {"", "yaml", "text.gz", "JSON", "json.gz.gz", "none.gz"}) CHECK_FALSE(parse_format(wrong));
}

TEST_CASE("numbers that JSON cannot hold are refused") {
  auto source = std::make_shared<MemorySource>();
  source->files["main.pan"] = "object template main;\nvariable Z = 1e308;\n'/x' = Z * 10;";
  Engine engine(source, Options{});
  const std::vector<std::string> objects{"main"};
  engine.run(objects, [&](Finished&& f) {
    REQUIRE(f.root != nullptr);
    CHECK_THROWS_AS(text("json", f, {""}), Failure);
  });
}
