// The syntax tree: lossless on anything, exact on right text, useful on half-written text.
#include <doctest/doctest.h>

#include <algorithm>

#include "cdb/pan/syntax/line_index.h"
#include "cdb/pan/syntax/tree.h"

using namespace cdb::pan;
using namespace cdb::pan::syntax;

namespace {

// "(kind child child)"; leaves with their text.
std::string shape(const Tree& tree, NodeId node) {
  std::string out = "(" + std::string(kind_name(tree.kind(node)));
  if (tree.children(node).empty()) out += " " + std::string(tree.text(node));
  for (const NodeId child : tree.children(node)) out += " " + shape(tree, child);
  return out + ")";
}
// Of the statement behind the header.
std::string statement(const std::string& text) {
  const Tree tree = Tree::parse("template t;\n" + text);
  CHECK(tree.errors().empty());
  REQUIRE(tree.children(tree.root()).size() == 2);
  return shape(tree, tree.child(tree.root(), 1));
}
std::string first_error(const std::string& text) {
  const Tree tree = Tree::parse(text);
  if (tree.errors().empty()) return "";
  const SyntaxError& error = tree.errors().front();
  return std::to_string(error.span.begin) + "-" + std::to_string(error.span.end) + " " + error.message;
}

// Tokens and trivia in order do not overlap and leave only blanks out.
bool lossless(const Tree& tree) {
  std::uint32_t at = 0;
  bool good = true;
  const auto blanks_to = [&](std::uint32_t end) {
    good = good && at <= end && tree.text().find_first_not_of(" \t\f\r\n", at) >= end;
    at = end;
  };
  for (TokenId token = 0; token < tree.tokens().size(); ++token) {
    for (const Trivia& trivia : tree.trivia_before(token)) {
      blanks_to(trivia.begin);
      at = trivia.end;
    }
    blanks_to(tree.tokens()[token].begin);
    at = tree.tokens()[token].end;
  }
  blanks_to(static_cast<std::uint32_t>(tree.text().size()));
  return good && tree.tokens().back().kind == Lex::end;
}
// Children lie inside their parents, in order, and know them.
bool well_formed(const Tree& tree) {
  for (NodeId node = 0; node < tree.node_count(); ++node) {
    std::uint32_t at = tree.node(node).first_token;
    for (const NodeId child : tree.children(node)) {
      if (tree.parent(child) != node || tree.node(child).first_token < at) return false;
      at = tree.node(child).end_token;
    }
    if (at > tree.node(node).end_token || tree.node(node).end_token == tree.node(node).first_token) return false;
  }
  return tree.parent(tree.root()) == kNone;
}

const char* const kEverything =
    "# head\n@{desc = text}\nobject template a/b-c;\n\ninclude 'x'; # tail\nprefix '/p';\n\"/a\" ?= <<E + <<F;\nbody ; \" "
    "E\nE\n\nF\n"
    "final variable X = if (a[0]['b'] > 1 && !f(1,)) { b = c = -2; } else null;\n"
    "type t = extensible { include u  @(doc) 'f' : long(1..) = 3 with SELF > 2 \"g\" ? choice('a', 'b')[..2]{}* };\n"
    "function f = { foreach (k; v; d) { for (i = 0; i < 3; i = i + 1) { while (true) 1; }; }; };\n"
    "bind '/p' = t; valid '/q' = 1.5e3 | 0x1f;;\n# end";

}  // namespace

TEST_SUITE_BEGIN("cdb.pan.syntax");

TEST_CASE("statements and their parts") {
  CHECK(statement("'/a' = 1;") == "(assignment (path '/a') (literal 1))");
  CHECK(statement("final '/a' ?= undef;") == "(assignment (path '/a') (literal undef))");
  CHECK(statement("final variable X ?= Y;") == "(variable (name X) (reference (name Y)))");
  CHECK(statement("include { 'x' };") == "(include (block (literal 'x')))");
  CHECK(statement("prefix '';") == "(prefix (path ''))");
  CHECK(statement("bind '/a' = long;") == "(bind (path '/a') (full_type (type_name (name long))))");
  CHECK(statement("valid '/a' = true;") == "(valid (path '/a') (literal true))");
  CHECK(statement(";") == "(empty_statement ;)");
  CHECK(statement("function f = g(1, a[2]['x'],);") ==
        "(function (name f) (call (name g) (literal 1) (reference (name a) (literal 2) (literal 'x'))))");
}

TEST_CASE("types") {
  CHECK(statement("type t = long(0..5) = 3 with SELF > 1;") ==
        "(type (name t) (full_type (type_name (name long) (range 0..5)) (type_default (literal 3)) (type_with (binary (reference "
        "(name "
        "SELF)) (literal 1)))))");
  CHECK(statement("type t = string[1..]{}*;") ==
        "(type (name t) (full_type (type_link (type_dict (type_list (type_name (name string)) (range 1..))))))");
  CHECK(statement("type t = extensible { include u 'a' : choice('x', \"y\") };") ==
        "(type (name t) (full_type (type_record (record_include (name u)) (record_field (field_name 'a') (full_type (type_choice "
        "(literal 'x') (literal \"y\")))))))");
}

TEST_CASE("operators bind as the language says, one node for each chain") {
  CHECK(statement("'/a' = a + b * c - d;") ==
        "(assignment (path '/a') (binary (reference (name a)) (binary (reference (name b)) (reference (name c))) (reference "
        "(name d))))");
  CHECK(statement("'/a' = a || b && c == d;") ==
        "(assignment (path '/a') (binary (reference (name a)) (binary (reference (name b)) (binary (reference (name c)) "
        "(reference (name "
        "d))))))");
  CHECK(statement("'/a' = a * b < -(c);") ==
        "(assignment (path '/a') (binary (binary (reference (name a)) (reference (name b))) (unary (paren (reference (name "
        "c))))))");
  CHECK(
      statement("'/a' = x = y[0] = if (a) b else c;") ==
      "(assignment (path '/a') (assign (reference (name x)) (reference (name y) (literal 0)) (if (reference (name a)) (reference "
      "(name b)) (reference (name c)))))");
  // A million terms are still a flat node.
  std::string chain = "template t; '/a' = 1";
  for (int i = 0; i < 100'000; ++i) chain += "+1";
  const Tree tree = Tree::parse(chain + ";");
  CHECK(tree.errors().empty());
  CHECK(tree.children(tree.child(tree.child(tree.root(), 1), 1)).size() == 100'001);
}

TEST_CASE("everything is kept") {
  const Tree tree = Tree::parse(kEverything);
  CHECK(tree.errors().empty());
  CHECK(lossless(tree));
  CHECK(well_formed(tree));
  std::string comments;
  for (TokenId token = 0; token < tree.tokens().size(); ++token)
    for (const Trivia& trivia : tree.trivia_before(token)) comments += std::string(tree.text_of_trivia(trivia)) + "|";
  CHECK(comments == "# head|@{desc = text}|# tail|body ; \" E\nE\n|\nF\n|@(doc)|# end|");
}

TEST_CASE("values of tokens") {
  const Tree tree =
      Tree::parse("template t; '/a' = \"x\\n\\x41\" + 'it''s' + <<A + <<B;\none\nA\ntwo A\nB\n'/b' = <<A;\nthree\nA\n");
  CHECK(tree.errors().empty());
  std::vector<std::string> values;
  for (TokenId token = 0; token < tree.tokens().size(); ++token)
    if (tree.tokens()[token].kind == Lex::string || tree.tokens()[token].kind == Lex::heredoc)
      values.push_back(tree.value_of_token(token));
  CHECK(values == std::vector<std::string>{"/a", "x\nA", "it's", "one\n", "two A\n", "/b", "three\n"});
}

TEST_CASE("annotations belong to what follows") {
  const Tree tree = Tree::parse("template t;\n@documentation{ desc = port }\ntype port = { @(number) 'n' : long };\n'/a' = 1;");
  const NodeId type = tree.child(tree.root(), Kind::type);
  REQUIRE(tree.annotations_of(type).size() == 1);
  CHECK(tree.text_of_trivia(tree.annotations_of(type)[0]) == "@documentation{ desc = port }");
  const NodeId record = tree.child(tree.child(type, Kind::full_type), Kind::type_record);
  CHECK(tree.annotations_of(tree.child(record, Kind::record_field)).size() == 1);
  CHECK(tree.annotations_of(tree.child(tree.root(), Kind::assignment)).empty());
}

TEST_CASE("the node under the cursor") {
  const std::string text = "template t;\n'/a' = foo(bar);\n";
  const Tree tree = Tree::parse(text);
  const auto at = [&](const char* word, std::uint32_t more = 0) {
    const NodeId node = tree.node_at(static_cast<std::uint32_t>(text.find(word)) + more);
    return std::string(kind_name(tree.kind(node))) + " " + std::string(tree.text(node));
  };
  CHECK(at("foo") == "name foo");
  CHECK(at("bar", 3) == "name bar");
  CHECK(at("'/a'") == "path '/a'");
  CHECK(at("= foo", 1) == "assignment '/a' = foo(bar);");
  CHECK(tree.kind(tree.node_at(99)) == Kind::file);
  CHECK(tree.text_of_token(tree.token_at(static_cast<std::uint32_t>(text.find("(bar")))) == "(");
  const NodeId call = tree.parent(tree.node_at(static_cast<std::uint32_t>(text.find("foo"))));
  CHECK(tree.text_of_token(tree.own_token(call, Lex::rparen)) == ")");
  CHECK(tree.own_token(call, Lex::semicolon) == kNone);
  CHECK(tree.child(call, std::size_t{5}) == kNone);
}

TEST_CASE("half-written text: what stands around the mistake is still there") {
  const auto kinds = [](const std::string& text) {
    const Tree tree = Tree::parse(text);
    CHECK(!tree.errors().empty());
    CHECK(lossless(tree));
    CHECK(well_formed(tree));
    std::string out;
    for (const NodeId child : tree.children(tree.root())) out += std::string(kind_name(tree.kind(child))) + " ";
    return out;
  };
  CHECK(kinds("template t;\nvariable X = \nvariable Y = 1;\n'/a' = 2;") == "header variable variable assignment ");
  CHECK(kinds("template t;\n'/a' = f(1, \n'/b' = 2;") == "header assignment assignment ");
  CHECK(kinds("template t;\nfunction f = { a = 1; if (b) { c = \nvariable Y = 1;") == "header function variable ");
  CHECK(kinds("template t;\ntype t = { 'a' : \ntype u = long;") == "header type type ");
  CHECK(kinds("template t;\ntype t = { 'a' : \n 'b' : string };\n'/x' = 1;") == "header type assignment ");
  CHECK(kinds("template t;\n'/a' = 'open;\n'/b' = 1;") == "header assignment assignment ");
  CHECK(kinds("template t;\n'/a' = \"\\q\";\n'/b' = 1;") == "header assignment assignment ");
  CHECK(kinds("'/a' = 1;") == "assignment ");
  CHECK(kinds("template ;\n'/a' = 1;") == "header assignment ");
  CHECK(kinds("template t;\n) 1 2 ;\n'/a' = 1;") == "header error assignment ");
  CHECK(kinds("template t;\n'/a' = <<EOF;\nbody\n'/b' = 1;") == "header assignment error assignment ");
}

TEST_CASE("errors say what and where") {
  CHECK(first_error("template t") == "9-10 found the end of the file where ';' was expected");
  CHECK(first_error("template t; '/a' 1;") == "17-18 found '1' where '=' or '?=' was expected");
  CHECK(first_error("template t; '/a' = f(1 2);") == "23-24 found '2' where ',' or ')' was expected");
  CHECK(first_error("template t; '/a' = { };") == "21-22 found '}' where an expression was expected");
  CHECK(first_error("template t; '/a' = {1;;};") == "22-23 found ';' where an expression (there is no empty one) was expected");
  CHECK(first_error("template t; '/a' = !!x;") == "20-21 found '!' where an expression was expected");
  CHECK(first_error("template t; '/a' = 'x;\n") ==
        "19-20 found ''' that begins a string without end where an expression was expected");
  CHECK(first_error("template t; type x = { 1 : long };") == "23-24 found '1' where a field name, 'include' or '}' was expected");
  CHECK(first_error("template t; bind '/a' ?= t;") == "22-24 found '?=' where '=' was expected");
  CHECK(first_error("template t; '/a' = <<E;\nno end\n") == "19-22 end of file while looking for the end of heredoc 'E'");
  CHECK(first_error("") != "");
}

TEST_CASE("any cut and any deep nesting ends well") {
  const std::string text = kEverything;
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const Tree tree = Tree::parse(text.substr(0, cut));
    CHECK(lossless(tree));
    CHECK(well_formed(tree));
    const Tree rest = Tree::parse(text.substr(cut));
    CHECK(lossless(rest));
    CHECK(well_formed(rest));
  }
  for (const char* open : {"(", "{", "f(", "a[", "-(", "if (", "{ 'a' : {", "if (a) b else ", "a = (", "while (1) {"}) {
    std::string deep = std::string("template t; '/a' = ");
    for (int i = 0; i < 200'000; ++i) deep += open;
    const Tree tree = Tree::parse(deep);
    CHECK(!tree.errors().empty());
    CHECK(well_formed(tree));
  }
  std::string heredocs = "template t; '/a' = ";
  for (int i = 0; i < 100'000; ++i) heredocs += "<<A + ";
  const Tree open = Tree::parse(heredocs);
  CHECK(lossless(open));
  CHECK(well_formed(open));
  std::string suffixes = "template t; type x = long";
  for (int i = 0; i < 5000; ++i) suffixes += "[]";
  CHECK(!Tree::parse(suffixes + ";").errors().empty());
  CHECK(lossless(Tree::parse(std::string("template t;\0\xff\xfe \x80;", 18))));
}

TEST_CASE("lines and columns") {
  const std::string text = "ab\n\xc3\xa9\xf0\x9f\x98\x80z\r\n\rx";
  const LineIndex lines(text);
  CHECK(lines.lines() == 4);
  CHECK(lines.line(1) == "\xc3\xa9\xf0\x9f\x98\x80z");
  CHECK(lines.line(2) == "");
  const auto z = static_cast<std::uint32_t>(text.find('z'));
  CHECK(lines.position(z, Columns::bytes) == LinePosition{1, 6});
  CHECK(lines.position(z, Columns::characters) == LinePosition{1, 2});
  CHECK(lines.position(z, Columns::utf16) == LinePosition{1, 3});
  CHECK(lines.offset({1, 3}, Columns::utf16) == z);
  CHECK(lines.offset({1, 2}, Columns::utf16) == text.find('\xf0'));  // the middle of a surrogate pair
  CHECK(lines.offset({1, 99}, Columns::utf16) == z + 1);
  CHECK(lines.offset({99, 0}, Columns::utf16) == text.size());
  CHECK(lines.position(static_cast<std::uint32_t>(text.size()) + 5, Columns::bytes) == LinePosition{3, 1});
  CHECK(LineIndex("").lines() == 1);
}

TEST_SUITE_END();
