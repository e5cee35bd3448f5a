#include <doctest/doctest.h>

#include "cdb/pan/index/scope.h"
#include "tests/unit/cdb/pan_tree.h"

using namespace cdb::pan;
using index::Space;
using pan_test::IndexedTree;

namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const auto& part : parts) out += (out.empty() ? "" : " ") + part;
  return out;
}

}  // namespace

TEST_CASE("definitions, uses and their documentation") {
  IndexedTree tree;
  tree.put("a.pan",
           "template a;\n"
           "@documentation{\n  desc = the site's name\n  args = none\n}\n"
           "variable SITE ?= 'x';\n"
           "# adds one\n# to a number\nfunction plus = { ARGV[0] + 1; };\n"
           "type t = long;\n");
  tree.put("b.pan", "template b;\n'/x' = plus(SITE);\nbind '/x' = t;\nvariable SITE = 'y';\n");
  const auto site = tree.index.definitions(Space::variable, "SITE");
  REQUIRE(site.size() == 2);
  CHECK(site[0].file->path == "/site/a.pan");
  CHECK(site[0].definition->documentation == "the site's name\n\nargs = none");
  CHECK(site[0].definition->conditional);
  CHECK(site[0].definition->constant == "x");
  CHECK_FALSE(site[1].definition->conditional);
  REQUIRE(tree.index.definitions(Space::function, "plus").size() == 1);
  CHECK(tree.index.definitions(Space::function, "plus")[0].definition->documentation == "adds one\nto a number");
  CHECK(tree.index.definitions(Space::type, "SITE").empty());
  const auto symbol = tree.index.names().intern("SITE");
  CHECK(tree.index.uses(Space::variable, symbol) == 1);
  CHECK(tree.index.references(Space::variable, symbol, true).size() == 3);
  CHECK(tree.index.references(Space::type, tree.index.names().intern("t"), false).size() == 1);

  tree.put("b.pan", "template b;\n");
  CHECK(tree.index.uses(Space::variable, symbol) == 0);
  CHECK(tree.index.definitions(Space::variable, "SITE").size() == 1);
  tree.source->drop("/site/a.pan");
  tree.index.update("/site/a.pan");
  CHECK(tree.index.definitions(Space::variable, "SITE").empty());
  CHECK(tree.index.files().size() == 1);
}

TEST_CASE("locals") {
  const auto tree = syntax::Tree::parse(
      "template a;\nfunction f = {\n  a = 1;\n  b[0][a] = c = GLOBAL;\n  foreach (k; v; ARGV) { d = v; };\n  ok = next(x, p, "
      "q);\n};\n");
  const auto scopes = index::scopes(tree);
  REQUIRE(scopes.size() == 1);
  const auto locals = index::locals_of(tree, scopes[0]);
  std::string names;
  for (const auto& [name, mentions] : locals.names) names += std::string(name) + std::to_string(mentions.size()) + " ";
  CHECK(names == "a2 b1 c1 d1 k1 ok1 p1 q1 v2 ");
  CHECK(locals.names.at("b")[0].element);
  CHECK(locals.names.at("k")[0].loop);
  std::string others;
  for (const auto& mention : locals.others)
    others += tree.text().substr(mention.span.begin, mention.span.end - mention.span.begin) + " ";
  CHECK(others == "GLOBAL ARGV x ");
}

TEST_CASE("templates by name") {
  IndexedTree tree;
  tree.put("os/el9/base.pan", "template base;\ninclude 'more';\n");
  tree.put("os/el9/more.pan", "template more;\n");
  tree.put("features/a/config.pan", "template features/a/config;\n");
  tree.put("old.tpl", "template old;\n");
  tree.put("main.pan",
           "object template main;\nvariable WHAT = 'a';\ninclude { 'features/' + WHAT + '/config' };\ninclude { if (1 == 2) "
           "'old' else if_exists('x') };\n"
           "include { to_string(1) };\n'/x' = value('other:/y');\n'/y' = file_contents('motd');\n");
  CHECK(joined(tree.index.template_paths("features/a/config")) == "/site/features/a/config.pan");
  CHECK(joined(tree.index.template_paths("old")) == "/site/old.tpl");
  CHECK(tree.index.template_paths("nothing").empty());
  CHECK(tree.index.template_paths("").empty());
  CHECK(tree.index.template_paths("more").empty());
  CHECK(joined(tree.index.template_paths("more", tree.index.file("/site/os/el9/base.pan"))) == "/site/os/el9/more.pan");
  const auto& templates = tree.index.file("/site/main.pan")->templates;
  REQUIRE(templates.size() == 5);
  CHECK(joined(tree.index.names_of(templates[0])) == "features/a/config");
  CHECK(joined(tree.index.names_of(templates[1])) == "old");
  CHECK(templates[1].optional);
  CHECK(templates[3].form == index::TemplateRef::Form::object);
  CHECK(joined(tree.index.names_of(templates[3])) == "other");
  CHECK(templates[4].form == index::TemplateRef::Form::file);
  tree.put("site.pan", "template site;\nvariable LOADPATH = list('os/el9');\nvariable WHAT = to_string(1);\n");
  CHECK(joined(tree.index.template_paths("more")) == "/site/os/el9/more.pan");
  CHECK(tree.index.names_of(templates[0]).empty());
  CHECK(joined(tree.index.names_of_file("/site/features/a/config.pan")) == "features/a/config");
  CHECK(tree.index.names_of_file("/elsewhere/a.pan").empty());
}

TEST_CASE("paths below prefixes") {
  IndexedTree tree;
  tree.put("main.pan",
           "object template main;\n'rel' = 1;\nprefix '/a/{b/c}';\n'd' = 1;\nprefix 'e';\n'f' ?= 2;\n'/g' = null;\nbind "
           "'/h/${X}' = long;\n'/i' = value('/j/k');\n");
  std::string out;
  for (const auto& path : tree.index.file("/site/main.pan")->paths)
    out += (path.absolute ? "" : "~") + index::path_text(path.terms) + " ";
  CHECK(out == "~/rel /a/{b/c} /a/{b/c}/d /a/{b/c}/e /a/{b/c}/e/f /g /h/${X} /i /j/k ");
}

TEST_CASE("types of paths") {
  IndexedTree tree;
  tree.put("t.pan",
           "declaration template t;\n"
           "type base = { @{ how many } 'count' : long };\n"
           "type one = extensible { include base\n 'name' ? string\n 'sub' : { 'x' ? choice('p', 'q') }\n 'many' ? one[]\n 'by' "
           "? base{} };\n"
           "type circle_a = { include circle_b };\ntype circle_b = { include circle_a };\n"
           "type me = me;\n"
           "bind '/a' = one;\nbind '/c' = circle_a;\nbind '/m' = me;\n");
  const auto type_at = [&](const char* path) {
    std::string out;
    for (const auto& type : tree.index.types_at(index::path_terms(path)))
      out += tree.index.shape_text(*type.shape) + (type.field != nullptr ? "(" + type.field->documentation + ") " : " ");
    return out;
  };
  CHECK(type_at("/a") == "one ");
  CHECK(type_at("/a/count") == "long(how many) ");
  CHECK(type_at("/a/sub/x") == "choice('p', 'q')() ");
  CHECK(type_at("/a/many/3/count") == "long(how many) ");
  CHECK(type_at("/a/many/x") == "");
  CHECK(type_at("/a/by/{any key}/count") == "long(how many) ");
  CHECK(type_at("/b") == "");
  CHECK(type_at("/c/x") == "");
  CHECK(type_at("/m/x/y") == "");
  const auto wrong = [&](const char* path) {
    const auto found = tree.index.wrong_step(index::path_terms(path));
    return found ? std::to_string(found->step) + " " + joined(found->fields) : std::string("-");
  };
  CHECK(wrong("/a/anything") == "-");
  CHECK(wrong("/a/sub/y") == "2 x");
  CHECK(wrong("/a/by/key/cuont") == "3 count");
  CHECK(wrong("/c/x") == "-");
  CHECK(wrong("/m/x") == "-");
  CHECK(wrong("/elsewhere") == "-");
  CHECK(tree.index.binds_below(index::path_terms("/a")));
  CHECK_FALSE(tree.index.binds_below(index::path_terms("/a/b")));
}

TEST_CASE("schemas that refer to themselves many times over end") {
  IndexedTree tree;
  std::string text = "declaration template t;\n";
  for (int i = 0; i < 30; ++i) {
    text += "type t" + std::to_string(i) + " = { ";
    for (int k = 0; k < 30; ++k) text += "include t" + std::to_string((i + k) % 30) + "\n";
    text += "'f" + std::to_string(i) + "' : t" + std::to_string((i + 1) % 30) + " };\n";
  }
  text += "bind '/a' = t0;\n";
  tree.put("t.pan", text);
  CHECK(tree.index.types_at(index::path_terms("/a/f0/f1/f2")).size() <= 16);
  CHECK_FALSE(tree.index.wrong_step(index::path_terms("/a/zz")).has_value());
}

TEST_CASE("half-written texts are summarised as far as they go") {
  IndexedTree tree;
  const std::string whole =
      "object template main;\nvariable X = { a = nlist('b', 1); foreach (k; v; a) { SELF[k] = v; }; };\ntype t = { include u 'f' "
      "? string[] with match(SELF, 'x') };\nprefix '/x';\n'{y z}/w' = create('s', 'k', value('/p'));\n";
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    tree.put("main.pan", whole.substr(0, size));
    tree.put("main.pan", whole.substr(size));
  }
  tree.put("main.pan", whole);
  CHECK(tree.index.file("/site/main.pan")->definitions.size() == 2);
}
