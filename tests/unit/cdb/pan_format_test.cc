// The canonical layout: golden cases (tests/unit/cdb/format, NAME.in and NAME.out), and what holds for every template of the
// project.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "cdb/pan/format/format.h"

using namespace cdb::pan;
using format::formatted;
using syntax::Tree;

namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in.good());
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string layout(const std::string& text) {
  const Tree tree = Tree::parse(text);
  REQUIRE(tree.errors().empty());
  auto out = formatted(tree);
  REQUIRE(out.has_value());
  return *out;
}
// Of statements behind a header.
std::string body(const std::string& text) {
  return layout("template t;\n" + text).substr(12);
}

std::vector<fs::path> templates_of_the_project() {
  std::vector<fs::path> out;
  for (const char* folder : {"templates", "schemas/pan", "tests/lang", "tests/functional/data"})
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(WEFT_SOURCE) / folder))
      if (entry.path().extension() == ".pan" || entry.path().extension() == ".tpl") out.push_back(entry.path());
  return out;
}

// The same tokens with other line breaks, blanks and comments between them.
std::string shaken(const Tree& tree, std::mt19937& random) {
  static const std::vector<std::string> gaps = {" ",       "\n",     "\n\n\n\n",       "   ",     "\t", " # c  \n",
                                                "\n# c\n", " @{n} ", "\n@{n}\n  @(m)", "\n\n  \t"};
  std::string out;
  std::uint32_t at = 0;
  bool heredoc = false;  // its body follows the next line end
  for (syntax::TokenId t = 0; t < tree.tokens().size(); ++t) {
    const auto& token = tree.tokens()[t];
    const std::string gap = tree.text().substr(at, token.begin - at);
    if (heredoc || !tree.trivia_before(t).empty() || random() % 3 != 0) {
      out += gap;
      if (gap.find('\n') != std::string::npos) heredoc = false;
    } else {
      out += gaps[random() % gaps.size()];
    }
    heredoc = heredoc || token.kind == Lex::heredoc;
    out += tree.text_of_token(t);
    at = token.end;
  }
  return out;
}

}  // namespace

TEST_SUITE_BEGIN("cdb.pan.format");

TEST_CASE("golden cases") {
  int cases = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(WEFT_SOURCE) / "tests/unit/cdb/format")) {
    if (entry.path().extension() != ".in") continue;
    INFO(entry.path().string());
    fs::path expected = entry.path();
    const std::string out = layout(read(entry.path()));
    CHECK(out == read(expected.replace_extension(".out")));
    CHECK(layout(out) == out);
    ++cases;
  }
  CHECK(cases >= 6);
}

TEST_CASE("every template of the project keeps its content, and twice is once") {
  int files = 0;
  for (const fs::path& path : templates_of_the_project()) {
    const Tree tree = Tree::parse(read(path));
    if (!tree.errors().empty()) continue;
    INFO(path.string());
    const auto once = formatted(tree);
    REQUIRE(once.has_value());
    const Tree again = Tree::parse(*once);
    CHECK(format::same_content(tree, again));
    CHECK(formatted(again).value() == *once);
    ++files;
  }
  CHECK(files > 100);
}

TEST_CASE("whatever stands between the tokens, the layout is stable") {
  std::mt19937 random(3);
  for (int round = 0; round < 4; ++round) {
    for (const fs::path& path : templates_of_the_project()) {
      const Tree tree = Tree::parse(read(path));
      if (!tree.errors().empty()) continue;
      const Tree other = Tree::parse(shaken(tree, random));
      REQUIRE(other.errors().empty());
      const auto once = formatted(other);
      INFO(path.string());
      INFO(other.text());
      REQUIRE(once.has_value());
      CHECK(formatted(Tree::parse(*once)).value() == *once);
    }
  }
}

TEST_CASE("what is left to the author") {
  CHECK(body("'/a' = list(1,\n2,\n3);") == "'/a' = list(\n    1,\n    2,\n    3\n);\n");
  CHECK(body("'/a' = list(1, 2, 3);") == "'/a' = list(1, 2, 3);\n");
  CHECK(body("'/a' = dict('a', 1, 'b', 2,\n'c', 3);") == "'/a' = dict(\n    'a', 1, 'b', 2,\n    'c', 3\n);\n");
  CHECK(body("'/a' = { 1 };\n'/b' = {\n2 };") == "'/a' = { 1 };\n'/b' = {\n    2\n};\n");
  CHECK(body("'/a'   = 1;\n'/bcd' = 2;") == "'/a'   = 1;\n'/bcd' = 2;\n");
  CHECK(body("'/a'    = 1;\n'/bcd' = 2;") == "'/a' = 1;\n'/bcd' = 2;\n");
}

TEST_CASE("texts without anything to lay out") {
  CHECK(layout("template t;") == "template t;\n");
  CHECK(layout("# c\ntemplate t;\n\n\n") == "# c\ntemplate t;\n");
  CHECK(layout("template t;\n# c") == "template t;\n# c\n");
  CHECK(layout("template t;\n\n\n\n\n# c\n\n") == "template t;\n\n\n# c\n");
}

TEST_CASE("wrong text stays as it is") {
  const std::string text = "template t;\n'/a'  =  ;\n";
  CHECK(formatted(Tree::parse(text)).value() == text);
}

TEST_CASE("differences in content are seen") {
  const Tree tree = Tree::parse("template t;\n'/a' = 'x'; # c\n'/b' = <<E;\nbody\nE\n@(note)\n'/c' = 1;");
  const auto same = [&](const std::string& text) { return format::same_content(tree, Tree::parse(text)); };
  CHECK(same("template t; '/a'='x';\n# c  \n'/b' = <<E;\nbody\nE\n@(note) '/c' = 1;"));
  CHECK(!same("template t;\n'/a' = \"x\"; # c\n'/b' = <<E;\nbody\nE\n@(note)\n'/c' = 1;"));
  CHECK(!same("template t;\n'/a' = 'x'; # d\n'/b' = <<E;\nbody\nE\n@(note)\n'/c' = 1;"));
  CHECK(!same("template t;\n'/a' = 'x';\n'/b' = <<E;\nbody\nE\n@(note)\n'/c' = 1;"));
  CHECK(!same("template t;\n'/a' = 'x'; # c\n'/b' = <<E;\nbody \nE\n@(note)\n'/c' = 1;"));
  CHECK(!same("template t;\n'/a' = 'x'; # c\n'/b' = <<E;\nbody\nE\n@( note)\n'/c' = 1;"));
  CHECK(!same("template t;\n'/a' = 'x'; # c\n'/b' = <<E;\nbody\nE\n@(note)\n'/c' = 1;;"));
}

TEST_SUITE_END();
