#include "cdb/select/select.h"

#include <doctest/doctest.h>

#include <map>

using base::profile::Value;
using cdb::select::compare_versions;
using cdb::select::Selection;

namespace {

using Facts = std::map<std::string, Value, std::less<>>;

const Facts disk{{"name", "disk01.example.org"},
                 {"role", "disk"},
                 {"rack", "R12"},
                 {"unit", 7},
                 {"state", "production"},
                 {"in_sync", true},
                 {"outcome", "ok"},
                 {"kernel", "6.1.0-18-amd64"},
                 {"/system/kernel/version", "6.1.0-18-amd64"},
                 {"/system/load", 1.5},
                 {"/system/text", "it's a \"b\" \\ c"},
                 {"/system/none", Value()},
                 {"/system/list", base::profile::List{1}}};

bool matches(const std::string& text, const Facts& facts = disk) {
  const auto selection = Selection::parse(text);
  if (!selection) FAIL(text << ": " << selection.error().text());
  std::vector<const Value*> values;
  for (const auto& field : selection->fields()) {
    const auto place = facts.find(field.name);
    values.push_back(place == facts.end() ? nullptr : &place->second);
  }
  const auto answer = selection->matches(values);
  if (!answer) FAIL(text << ": " << answer.error().text());
  // The canonical text means the same.
  const auto again = Selection::parse(selection->text());
  if (!again) FAIL(selection->text() << ": " << again.error().text());
  CHECK(again->text() == selection->text());
  CHECK(*again->matches(values) == *answer);
  return *answer;
}

std::string refusal(std::string_view text) {
  const auto selection = Selection::parse(text);
  if (selection) FAIL(text << " was accepted");
  CHECK(selection.error().code == base::Errc::invalid);
  CHECK_MESSAGE(!selection.error().hint.empty(), text);
  return selection.error().message;
}

}  // namespace

TEST_SUITE_BEGIN("cdb.select");

TEST_CASE("what a selection means") {
  for (const auto* text : {
           "role=disk",
           "role==disk",
           "  role = disk  ",
           "role='disk'",
           "role=disk and rack=R1* and not state=maintenance and kernel<6.2",
           "role=proxy or rack=R12",
           "role=proxy and rack=nowhere or unit=7",
           "(role=proxy or role=disk) and unit=7",
           "not (role=proxy or role=batch)",
           "not not role=disk",
           "NOT role=proxy AND role=x OR role=disk",
           "rack=R?2",
           "rack!=R2*",
           "rack!=\"R1*\"",
           "name=disk01",
           "name=disk0?",
           "name=disk*",
           "name=disk01.example.org",
           "name=*.example.org",
           "name in (disk01, disk02)",
           "role in (proxy, d*)",
           "role not in (proxy, batch)",
           "unit=7",
           "unit=7.0",
           "unit>6.5",
           "unit>=7",
           "unit<=7",
           "unit<10",
           "/system/load<2",
           "kernel<6.1.0-20-amd64",
           "kernel>6.1",
           "kernel<6.10",
           "/system/kernel/version>=6.1",
           "rack~^R[0-9]+$",
           "rack ~ '^R(11|12)$'",
           "rack!~^S",
           "name~example",
           "in_sync=true",
           "outcome!=failed",
           "outcome in (ok, partial)",
           R"(/system/text="it's a \"b\" \\ c")",
           R"(/system/text='it\'s a "b" \\ c')",
           R"(/system/text~'a "b" \\\\ c')",
           "serial!=x",
           "not serial=x",
           "serial!~x",
           "serial not in (x, y)",
           "/system/none!=x",
           "/system/list!=1",
       }) {
    CAPTURE(text);
    CHECK(matches(text));
  }
  for (const auto* text : {
           "role=proxy",
           "role=Disk",
           "role='d*'",
           "rack=R1",
           "rack=R1?3",
           "not role=disk",
           "role=disk and role=proxy",
           "role=disk and (rack=R1 or rack=R2)",
           "name=disk0",
           "name=disk01.example",
           "name in (disk1, disk02)",
           "role not in (d*, proxy)",
           "unit=07x",
           "unit>7",
           "unit<7",
           "kernel<6.1",
           "kernel<6.1.0-3-amd64",
           "kernel>6.1.0-18-amd64",
           "rack~^R[0-9]$",
           "in_sync=false",
           "outcome=none",
           // What a node has not got is not equal, less, greater, or like anything.
           "serial=x",
           "serial=*",
           "serial<x",
           "serial>=x",
           "serial~.",
           "/system/none=*",
           "/system/none=null",
           "/system/list=1",
       }) {
    CAPTURE(text);
    CHECK(!matches(text));
  }
}

TEST_CASE("each thing is asked for once") {
  const auto selection = Selection::parse("role=a or role=b and /x/y=1 or not /x/y=2");
  REQUIRE(selection);
  REQUIRE(selection->fields().size() == 2);
  CHECK(selection->fields()[0] == cdb::select::Field{false, "role"});
  CHECK(selection->fields()[1] == cdb::select::Field{true, "/x/y"});
  CHECK(selection->text() == R"((role="a" or (role="b" and /x/y="1") or not /x/y="2"))");
  CHECK(selection->matches({}).error().code == base::Errc::internal);
}

TEST_CASE("versions") {
  const char* const ordered[] = {"",         "5.4", "6.1~rc1", "6.1", "6.1a", "6.1.0-3", "6.1.0-18", "6.1.0-18-amd64",
                                 "6.1.0-20", "6.9", "6.10",    "10"};
  for (std::size_t i = 0; i < std::size(ordered); ++i) {
    for (std::size_t j = 0; j < std::size(ordered); ++j) {
      CAPTURE(ordered[i]);
      CAPTURE(ordered[j]);
      const auto order = compare_versions(ordered[i], ordered[j]);
      CHECK((order < 0) == (i < j));
      CHECK((order > 0) == (i > j));
    }
  }
  CHECK(compare_versions("1.002", "1-2") == 0);
  CHECK(compare_versions("2026-11-25T09:00:00Z", "2026-11-25T10:00") < 0);
  CHECK(compare_versions("99999999999999999999999", "100000000000000000000000") < 0);
}

TEST_CASE("what is wrong is said with its place") {
  CHECK(refusal("") == "the selection is empty; that never means all nodes");
  CHECK(refusal(" \t\n") == "the selection is empty; that never means all nodes");
  CHECK(refusal("rol=disk") == "selection, column 1: there is no attribute 'rol' (did you mean role?)\n  rol=disk\n  ^");
  CHECK(refusal("role=disk and Rack=R1") ==
        "selection, column 15: there is no attribute 'Rack' (did you mean rack?)\n  role=disk and Rack=R1\n                ^");
  CHECK(refusal("disk01") == "selection, column 1: there is no attribute 'disk01'\n  disk01\n  ^");
  CHECK(refusal("role") == "selection, column 5: expected an operator after role, found the end\n  role\n      ^");
  CHECK(refusal("role disk") == "selection, column 6: expected an operator after role, found 'disk'\n  role disk\n       ^");
  CHECK(refusal("role=") == "selection, column 6: expected a value, found the end\n  role=\n       ^");
  CHECK(refusal("role==") == "selection, column 7: expected a value, found the end\n  role==\n        ^");
  CHECK(refusal("role=)") == "selection, column 6: expected a value, found ')'\n  role=)\n       ^");
  CHECK(refusal("role = = disk") == "selection, column 8: expected a value, found '='\n  role = = disk\n         ^");
  CHECK(refusal("role=<disk") == "selection, column 5: '=<' is no operator\n  role=<disk\n      ^");
  CHECK(refusal("role=disk rack=R1") ==
        "selection, column 11: expected 'and', 'or' or the end, found 'rack'\n  role=disk rack=R1\n            ^");
  CHECK(refusal("role=disk and") ==
        "selection, column 14: expected an attribute or a path, found the end\n  role=disk and\n               ^");
  CHECK(refusal("and role=disk") == "selection, column 1: expected an attribute or a path, found 'and'\n  and role=disk\n  ^");
  CHECK(refusal("role=disk or or x") ==
        "selection, column 14: expected an attribute or a path, found 'or'\n  role=disk or or x\n               ^");
  CHECK(refusal("not") == "selection, column 4: expected an attribute or a path, found the end\n  not\n     ^");
  CHECK(refusal("role not disk") ==
        "selection, column 10: expected an operator after role, found 'disk'\n  role not disk\n           ^");
  CHECK(refusal("role not =disk") ==
        "selection, column 10: expected an operator after role, found '='\n  role not =disk\n           ^");
  CHECK(refusal("\"role\"=disk") == "selection, column 1: expected an attribute or a path, found 'role'\n  \"role\"=disk\n  ^");
  CHECK(refusal("(role=disk") == "selection, column 1: this ( is never closed\n  (role=disk\n  ^");
  CHECK(refusal("role=disk)") == "selection, column 10: expected 'and', 'or' or the end, found ')'\n  role=disk)\n           ^");
  CHECK(refusal("(role=disk rack=R1)") ==
        "selection, column 12: expected 'and', 'or' or ')', found 'rack'\n  (role=disk rack=R1)\n             ^");
  CHECK(refusal("()") == "selection, column 2: expected an attribute or a path, found ')'\n  ()\n   ^");
  CHECK(refusal("role='disk") == "selection, column 6: the text that begins with ' does not end\n  role='disk\n       ^");
  CHECK(refusal("role=\"disk\\\"") ==
        "selection, column 6: the text that begins with \" does not end\n  role=\"disk\\\"\n       ^");
  CHECK(refusal("role in disk") == "selection, column 9: expected ( after in, found 'disk'\n  role in disk\n          ^");
  CHECK(refusal("role in ()") == "selection, column 10: expected a value, found ')'\n  role in ()\n           ^");
  CHECK(refusal("role in (a b)") ==
        "selection, column 12: expected , or ) in the list, found 'b'\n  role in (a b)\n             ^");
  CHECK(refusal("role in (a,") == "selection, column 12: expected a value, found the end\n  role in (a,\n             ^");
  CHECK(refusal("role in (a") == "selection, column 9: this ( is never closed\n  role in (a\n          ^");
  CHECK(refusal("in_sync=yes") == "selection, column 9: in_sync is never 'yes'\n  in_sync=yes\n          ^");
  CHECK(refusal("in_sync<true") == "selection, column 9: in_sync has no order\n  in_sync<true\n          ^");
  CHECK(refusal("outcome=faild") ==
        "selection, column 9: outcome is never 'faild' (did you mean failed?)\n  outcome=faild\n          ^");
  CHECK(refusal("/=x") == "selection, column 1: '/' is no path of a value\n  /=x\n  ^");
  CHECK(refusal("/a//b=x") == "selection, column 1: '/a//b' is no path of a value\n  /a//b=x\n  ^");
  CHECK(refusal("/a/*=x") == "selection, column 1: a path here has no * and ?\n  /a/*=x\n  ^");
  CHECK(refusal("role~'('").starts_with("selection, column 6: wrong regular expression: "));
  CHECK(refusal("role=disk; drop table cdb.node")
            .starts_with("selection, column 12: expected 'and', 'or' or the end, found 'drop'"));
  // Columns are characters, long lines are cut around the place.
  CHECK(refusal("rack='ä' rol") ==
        "selection, column 10: expected 'and', 'or' or the end, found 'rol'\n  rack='ä' rol\n           ^");
  const std::string many(200, 'x');
  CHECK(refusal("role=" + many + " !") ==
        "selection, column 207: '!' is no operator\n  " + std::string(49, 'x') + " !\n  " + std::string(50, ' ') + "^");
  CHECK(refusal("role=a\tbc") == "selection, column 8: expected 'and', 'or' or the end, found 'bc'\n  role=a bc\n         ^");
  CHECK(refusal("role=\xff") == "the selection is not text in UTF-8");
  CHECK(refusal(std::string_view("role=a\0", 7)) == "the selection is not text in UTF-8");
}

TEST_CASE("nothing can be made too large") {
  CHECK(refusal(std::string(5000, 'x')) == "the selection is longer than 4000 bytes");
  CHECK(refusal(std::string(60, '(') + "role=a" + std::string(60, ')')).starts_with("selection, column 51: more than 50 levels"));
  std::string nots;
  for (int i = 0; i < 51; ++i) nots += "not ";
  CHECK(refusal(nots + "role=a").starts_with("selection, column 201: more than 50 levels"));
  std::string list = "role in (0";
  for (int i = 1; i <= 500; ++i) list += ",0";
  CHECK(refusal(list + ")").find("more than 500 values") != std::string::npos);
}

TEST_CASE("a regular expression that tries too many ways is given up") {
  const auto selection = Selection::parse("rack~'^(a*)*(a*)*(a*)*(a*)*$'");
  REQUIRE(selection);
  const Value value(std::string(40, 'a') + "b");
  const Value* const asked[] = {&value};
  const auto answer = selection->matches(asked);
  // Either the matcher is clever enough to say no, or it gives up.
  if (!answer) {
    CHECK(answer.error().code == base::Errc::exhausted);
  } else {
    CHECK(!*answer);
  }
}

TEST_SUITE_END();
