#include <doctest/doctest.h>

#include "cdb/pan/annotation.h"
#include "cdb/pan/annotation_xml.h"

using cdb::pan::annotation_xml;
using cdb::pan::parse_annotation;

TEST_SUITE("cdb.pan.annotation") {
  TEST_CASE("a body without an equal sign is a description, kept as it is") {
    const auto plain = parse_annotation("@{ any ' \" [text \n }");
    REQUIRE(plain);
    CHECK(plain->name.empty());
    REQUIRE(plain->entries.size() == 1);
    CHECK(plain->entries[0].key == "desc");
    CHECK(plain->entries[0].value == " any ' \" [text \n ");
    CHECK(parse_annotation("@ name [two words = none]")->name == "name");
    CHECK(parse_annotation("@{}")->entries[0].value.empty());
  }

  TEST_CASE("pairs: quoted values, values to the end of the line, continued lines") {
    const auto doc = parse_annotation(
        "@doc{\n a = plain value # no comment \n b.c-d='it''s'\n e\n=\n\"x\"\"y\n\" f = one \\\n two\n g=\\\r\n z\\y }");
    REQUIRE(doc);
    CHECK(doc->name == "doc");
    REQUIRE(doc->entries.size() == 5);
    CHECK(doc->entries[0].value == "plain value # no comment");
    CHECK(doc->entries[1].key == "b.c-d");
    CHECK(doc->entries[1].value == "it's");
    CHECK(doc->entries[2].value == "x\"y\n");
    CHECK(doc->entries[3].value == "one  two");
    CHECK(doc->entries[4].value == "z\\y");
  }

  TEST_CASE("wrong names, keys and values are refused") {
    for (const char* wrong : {"@1a{x}", "@xmlish{x}", "@-a{x}", "@a2{x}", "@{a=}", "@{=b}", "@{a1=b}", "@{XMLa=b}", "@{a=b\nc}",
                              "@{a='b}", "@{a=\"b'}", "@{a='b' c}", "@{a=\\b}", "@{a=\n}", "@{.a=b}", "@{a=b\n'c'=d}"}) {
      CAPTURE(wrong);
      CHECK_FALSE(parse_annotation(wrong));
    }
  }

  TEST_CASE("the XML file has the reference's bytes") {
    const char* source =
        "@{ d }\n"
        "#c\n"
        "@k(x=<&>\"\n"
        " y='')unique template a/b;\n"
        "@{v\t\360\237\230\200\177}final variable X ?= <<E; @(second)@(first) type t = {\n"
        "1\n"
        "E\n"
        " @{f}'{a b}' : string(1..)[2..]* = \"x\\\"<\\n\" with match(SELF, 'a') 'o' ? long(-3) = -1\n"
        " include u 'c' ? choice('p', 'q') = 'p' 'n' ? extensible { 'm' : double = 1e3 }(0..2) = if (true) dict() else dict('m', "
        "2.0)\n"
        "};\n"
        "function f = { @{inside}\n"
        " 1; };\n"
        "bind '/x' = long = 0x1F;\n"
        "'/y' = 2;\n";
    const char* expected =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><template xmlns=\"http://quattor.org/pan/annotations\" name=\"a/b\" "
        "source-range=\"4.7-4.26\" type=\"UNIQUE\">\n"
        "    <k>\n"
        "        <x>&lt;&amp;&gt;\"</x>\n"
        "        <y/>\n"
        "    </k>\n"
        "    <desc> d </desc>\n"
        "    <variable name=\"X\" source-range=\"5.9-5.32\">\n"
        "        <desc>v\t&#128512;&#127;</desc>\n"
        "    </variable>\n"
        "    <type name=\"t\" source-range=\"5.52-10.2\">\n"
        "        <desc>first</desc>\n"
        "        <desc>second</desc>\n"
        "        <basetype source-range=\"5.61-10.1\" extensible=\"false\">\n"
        "            <field name=\"a_20b\" source-range=\"8.6-8.12\" required=\"true\">\n"
        "                <desc>f</desc>\n"
        "                <basetype name=\"string\" source-range=\"8.16-8.26\" extensible=\"false\" range=\"1..\"/>\n"
        "                <default source-range=\"8.36-8.43\" text=\"x&quot;&lt;&#10;\"/>\n"
        "            </field>\n"
        "            <field name=\"o\" source-range=\"8.67-8.69\" required=\"false\">\n"
        "                <basetype name=\"long\" source-range=\"8.73-8.80\" extensible=\"false\" range=\"-3..-3\"/>\n"
        "            </field>\n"
        "            <include name=\"u\" source-range=\"9.10-9.10\"/>\n"
        "            <field name=\"c\" source-range=\"9.12-9.14\" required=\"false\">\n"
        "                <basetype name=\"choice\" source-range=\"9.18-9.33\" extensible=\"false\"/>\n"
        "                <default source-range=\"9.37-9.39\" text=\"p\"/>\n"
        "            </field>\n"
        "            <field name=\"n\" source-range=\"9.41-9.43\" required=\"false\">\n"
        "                <basetype source-range=\"9.47-9.85\" extensible=\"true\" range=\"0..2\">\n"
        "                    <field name=\"m\" source-range=\"9.60-9.62\" required=\"true\">\n"
        "                        <basetype name=\"double\" source-range=\"9.66-9.71\" extensible=\"false\"/>\n"
        "                        <default source-range=\"9.75-9.77\" text=\"1000.0\"/>\n"
        "                    </field>\n"
        "                </basetype>\n"
        "            </field>\n"
        "        </basetype>\n"
        "    </type>\n"
        "    <function name=\"f\" source-range=\"11.1-12.6\"/>\n"
        "    <basetype name=\"long\" source-range=\"13.13-13.16\" extensible=\"false\"/>\n"
        "    <default source-range=\"13.20-13.23\" text=\"31\"/>\n"
        "</template>\n";
    CHECK(annotation_xml(source) == expected);
    CHECK(annotation_xml("structure template d;") ==
          "<?xml version=\"1.0\" encoding=\"UTF-8\"?><template xmlns=\"http://quattor.org/pan/annotations\" name=\"d\" "
          "source-range=\"1.1-1.21\" type=\"STRUCTURE\"/>\n");
  }

  TEST_CASE("a text that is no template ends early instead of running on") {
    for (const char* wrong : {"", "template", "object template a", "template a; type t = {", "template a; type t = { 'x' ",
                              "template a; type t = long = if", "template a; variable X = (", "template a; type t = long("}) {
      CAPTURE(wrong);
      CHECK(annotation_xml(wrong).starts_with("<?xml"));
    }
  }
}
