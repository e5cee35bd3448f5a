// The compiler's face: values, recorded reads, diagnostics, invalidation, threads.
#include <doctest/doctest.h>

#include <mutex>

#include "base/profile/hash.h"
#include "base/profile/json.h"
#include "tests/unit/cdb/pan_support.h"

using namespace cdb::pan;
using namespace pan_test;

namespace {

bool has_read(const Compiled& compiled, Read::Kind kind, std::string_view name, int root) {
  for (const Read& r : compiled.reads)
    if (r.kind == kind && r.name == name && r.root == root) return true;
  return false;
}

}  // namespace

TEST_CASE("a profile keeps types and key order") {
  Tree tree;
  const auto compiled = tree.body("'/b' = list(1, 1.0, true, 'x'); '/a' = dict();");
  REQUIRE(compiled.profile != nullptr);
  CHECK(base::profile::to_json(*compiled.profile) == R"({"a":{},"b":[1,1.0,true,"x"]})");
  CHECK(compiled.diagnostics.empty());
}

TEST_CASE("results come in the order asked for, each on its own") {
  Tree tree;
  tree["good.pan"] = "object template good;\n'/v' = 1;";
  tree["bad.pan"] = "object template bad;\n'/v' = UNKNOWN;";
  tree["unparsable.pan"] = "object template unparsable;\n'/v' = ;";
  const auto all = tree.compile({"bad", "good", "unparsable", "absent", "good"});
  REQUIRE(all.size() == 5);
  CHECK(all[0].profile == nullptr);
  CHECK(first_error(all[0]) == "evaluation error: variable named 'UNKNOWN' is undefined");
  CHECK(all[1].profile != nullptr);
  CHECK(first_error(all[2]) == "parse error: illegal empty DML statement");
  CHECK(first_error(all[3]) == "evaluation error: cannot locate object template named 'absent'");
  CHECK(all[4].profile != nullptr);
}

TEST_CASE("found and failed look-ups, text files and other objects are recorded, also for failed profiles") {
  Tree tree;
  tree.options.include_path = {"site", "lib"};
  tree["lib/shared.pan"] = "template shared;\n'/s' = file_contents('text/motd');";
  tree["lib/text/motd"] = "hello";
  tree["lib/other.pan"] = "object template other;\n'/v' = 7;";
  tree["site/main.pan"] =
      "object template main;\ninclude 'shared';\ninclude if_exists('local/extra');\n'/o' = value('other:/v');\n'/e' = "
      "file_exists('nope');\n'/f' = ERR;";
  const auto compiled = tree.compile({"main"})[0];
  CHECK(compiled.profile == nullptr);
  CHECK(has_read(compiled, Read::Kind::template_file, "main", 0));
  CHECK(has_read(compiled, Read::Kind::template_file, "shared", 1));
  CHECK(has_read(compiled, Read::Kind::template_file, "local/extra", -1));
  CHECK(has_read(compiled, Read::Kind::text_file, "text/motd", 1));
  CHECK(has_read(compiled, Read::Kind::text_file, "nope", -1));
  CHECK(std::any_of(compiled.reads.begin(), compiled.reads.end(),
                    [](const Read& r) { return r.kind == Read::Kind::other_object && r.name == "other" && r.path == "/v"; }));
  CHECK(
      std::is_sorted(compiled.reads.begin(), compiled.reads.end(), [](const Read& a, const Read& b) { return a.kind < b.kind; }));
}

TEST_CASE("touches is exact about where a file would be found") {
  const std::vector<std::string> path{"site", "lib", "std"};
  const std::vector<Read> reads{{Read::Kind::template_file, "a/b", 1, ""},
                                {Read::Kind::template_file, "missing", -1, ""},
                                {Read::Kind::text_file, "motd", 0, ""}};
  CHECK(touches(reads, path, "lib/a/b.pan"));
  CHECK(touches(reads, path, "site/a/b.pan"));
  CHECK_FALSE(touches(reads, path, "std/a/b.pan"));
  CHECK_FALSE(touches(reads, path, "lib/a/b"));
  CHECK(touches(reads, path, "std/missing.pan"));
  CHECK(touches(reads, path, "site/missing.tpl"));
  CHECK(touches(reads, path, "site/motd"));
  CHECK_FALSE(touches(reads, path, "site/motd.pan"));
  CHECK_FALSE(touches(reads, path, "lib/motd"));
  CHECK_FALSE(touches(reads, path, "lib/other.pan"));
}

TEST_CASE("LOADPATH: files that would be found earlier count as reads") {
  Tree tree;
  tree.options.include_path = {"one", "two"};
  tree["two/b/x.pan"] = "template x;";
  const auto& path = tree.options.include_path;
  tree["one/main.pan"] = "object template main;\nvariable LOADPATH = list('a', 'b', 'c');\ninclude 'x';";
  const auto compiled = tree.compile({"main"})[0];
  REQUIRE(compiled.profile != nullptr);
  for (const char* earlier :
       {"one/x.pan", "one/a/x.pan", "one/b/x.pan", "one/c/x.pan", "two/x.pan", "two/a/x.pan", "two/b/x.pan"}) {
    CAPTURE(earlier);
    CHECK(touches(compiled.reads, path, earlier));
  }
  CHECK_FALSE(touches(compiled.reads, path, "two/c/x.pan"));
}

TEST_CASE("an edit is seen after invalidate, an added file earlier in the path too") {
  auto source = std::make_shared<MemorySource>();
  source->files["lib/x.pan"] = "template x;\n'/v' = 1;";
  source->files["lib/main.pan"] = "object template main;\ninclude 'x';";
  Compiler compiler(source, Options{.include_path = {"site", "lib"}});
  const std::vector<std::string> objects{"main"};
  CHECK(compiler.compile(objects)[0].profile->get_integer("v") == 1);
  source->files["lib/x.pan"] = "template x;\n'/v' = 2;";
  compiler.invalidate(std::vector<std::string>{"lib/x.pan"});
  CHECK(compiler.compile(objects)[0].profile->get_integer("v") == 2);
  source->files["site/x.pan"] = "template x;\n'/v' = 3;";
  compiler.invalidate(std::vector<std::string>{"site/x.pan"});
  CHECK(compiler.compile(objects)[0].profile->get_integer("v") == 3);
  source->files.erase("site/x.pan");
  source->files.erase("lib/x.pan");
  compiler.invalidate(std::vector<std::string>{"site/x.pan", "lib/x.pan"});
  CHECK(first_error(compiler.compile(objects)[0]) == "evaluation error: cannot locate template named 'x'");
}

TEST_CASE("a resident compiler sees files that come, go and move along the include path, LOADPATH and suffixes") {
  auto source = std::make_shared<MemorySource>();
  source->files["lib/main.pan"] =
      "object template main;\nvariable LOADPATH = list('a', 'b');\ninclude if_exists('d/x');\n'/t' = if (file_exists('motd')) "
      "file_contents('motd') else 'none';\n'/v' ?= 'none';";
  Compiler resident(source, Options{.include_path = {"site", "lib"}});
  const std::vector<std::string> objects{"main"};
  const auto text = [&](Compiler& compiler) {
    std::string out;
    compiler.compile(objects, [&](Output&& output) { out = output.json; });
    return out;
  };
  const auto steps = {std::pair{"lib/b/d/x.pan", true},
                      {"lib/a/d/x.tpl", true},
                      {"lib/a/d/x.pan", true},
                      {"lib/motd", true},
                      {"lib/d/x.tpl", true},
                      {"site/b/d/x.pan", true},
                      {"site/a/motd", true},
                      {"site/b/d/x.pan", false},
                      {"lib/d/x.tpl", false},
                      {"lib/a/d/x.pan", false},
                      {"site/motd", true},
                      {"lib/a/d/x.tpl", false},
                      {"site/a/motd", false},
                      {"lib/b/d/x.pan", false},
                      {"site/motd", false},
                      {"lib/motd", false}};
  std::string before = text(resident);
  for (const auto& [path, add] : steps) {
    CAPTURE(path);
    if (add) {
      const bool is_text = std::string_view(path).ends_with("motd");
      source->files[path] = is_text ? path : "template d/x;\n'/v' = '" + std::string(path) + "';";
    } else {
      source->files.erase(path);
    }
    resident.invalidate(std::vector<std::string>{path});
    Compiler fresh(source, Options{.include_path = {"site", "lib"}});
    const auto now = text(resident);
    CHECK(now == text(fresh));
    before = now;
  }
  CHECK(before == R"({"t":"none","v":"none"})");
}

TEST_CASE("the sink gets text, root and values of what was asked for, and the reads of what others read") {
  Tree tree;
  tree["main.pan"] = "object template main;\n'/l' = list(1, dict('k', value('other:/x')));\n'/s/{a b}' = \"q\\\"\";";
  tree["other.pan"] = "object template other;\ninclude 'deep';\n'/x' = 2.5;";
  tree["deep.pan"] = "template deep;";
  tree["bad.pan"] = "object template bad;\n'/x' = undef;";
  const std::vector<std::string> names{"main", "bad"};
  Compiler compiler(tree.source, tree.options);
  const auto profile = compiler.compile(names)[0].profile;
  std::size_t calls = 0, referenced = 0;
  std::mutex mutex;
  compiler.compile(names, [&](Output&& output) {
    const std::scoped_lock lock(mutex);
    ++calls;
    if (output.index >= names.size()) {
      ++referenced;
      CHECK(output.object == "other");
      CHECK_FALSE(output.good);
      CHECK(output.reads.size() == 2);
    } else if (output.index == 1) {
      CHECK_FALSE(output.good);
      CHECK(output.json.empty());
      CHECK_FALSE(output.find("/x"));
      CHECK_FALSE(output.diagnostics.empty());
    } else {
      CHECK(output.good);
      CHECK(output.json == base::profile::to_json(*profile));
      CHECK(output.root == base::profile::merkle(*profile));
      CHECK(output.leaves == 3);
      CHECK(output.depth == 3);
      CHECK(*output.find("/l/1/k") == base::profile::Value(2.5));
      CHECK(*output.find("/s/{a b}") == base::profile::Value("q\""));
      CHECK(output.find("/")->is_dict());
      for (const char* absent : {"/x", "/l/2", "/l/01", "/l/-1", "/l/0/x", "s", "//"}) CHECK_FALSE(output.find(absent));
    }
  });
  CHECK(calls == 3);
  CHECK(referenced == 1);
}

TEST_CASE("many alike objects: each has the text and the root of its own values") {
  Tree tree;
  std::vector<std::string> names;
  tree["lib.pan"] =
      "template lib;\nvariable CONST = dict('a', list(1, 2.0, dict('k', 'v\"')), 'b', dict(), 'c', list());\n'/const' = CONST;\n"
      "'/twice' = list(CONST, CONST, 7, CONST['a']);\n'/made' = { d = dict(); i = 0; while (i < 20) { d[format('k%d', i)] = "
      "dict('n', i, 'at', CONST['a']); i = i + 1; }; d; };\n'/const/own' = OBJECT;\ntype t = { 'x' : long = 3 };\nbind '/t' = "
      "t{};\n"
      "'/t/one' = dict();";
  for (int i = 0; i < 60; ++i) {
    names.push_back("n" + std::to_string(i));
    tree[names.back() + ".pan"] =
        "object template " + names.back() + ";\ninclude 'lib';\n'/number' = " + std::to_string(i % 7) + ";";
  }
  for (int threads : {1, 2}) {
    tree.options.threads = threads;
    Compiler compiler(tree.source, tree.options);
    // Again: what the first run knew by address must not show in the second.
    for (int run = 0; run < 2; ++run) {
      tree["n5.pan"] = "object template n5;\ninclude 'lib';\n'/run' = " + std::to_string(run) + ";";
      compiler.invalidate(std::vector<std::string>{"n5.pan"});
      const auto expected = Compiler(tree.source, tree.options).compile(names);
      std::mutex mutex;
      std::size_t calls = 0;
      compiler.compile(names, [&](Output&& output) {
        const std::scoped_lock lock(mutex);
        ++calls;
        const auto& profile = *expected[output.index].profile;
        CHECK(output.json == base::profile::to_json(profile));
        CHECK(output.root == base::profile::merkle(profile));
        CHECK(output.depth == 5);
      });
      CHECK(calls == names.size());
    }
  }
}

TEST_CASE("object_name") {
  CHECK(object_name("object template a/b.example;\n'/x' = 1;") == "a/b.example");
  CHECK(object_name("# comment; with semicolon\n@{ note; }\nobject template n;") == "n");
  CHECK_FALSE(object_name("template a;"));
  CHECK_FALSE(object_name("structure template a;"));
  CHECK_FALSE(object_name("object template"));
  CHECK_FALSE(object_name("object template 'a';"));
  CHECK_FALSE(object_name(""));
  CHECK(object_name("object template n; '/broken' = ") == "n");
}

TEST_CASE("a diagnostic says where, with excerpt, chain and hint") {
  Tree tree;
  tree["fun.pan"] = "declaration template fun;\nfunction f = {\n\tARGV[0] + COUNTR;\n};";
  const auto compiled = tree.body("include 'fun';\nvariable COUNTER = 1;\n'/a' = f(1);");
  REQUIRE(compiled.diagnostics.size() == 1);
  const Diagnostic& d = compiled.diagnostics[0];
  CHECK(d.object == "main");
  CHECK(d.file == "fun.pan");
  CHECK(d.line == 3);
  CHECK(d.column == 12);
  CHECK(d.end_column == 17);
  CHECK(d.excerpt == "\tARGV[0] + COUNTR;\n\t          ^^^^^^");
  CHECK(d.hint == "did you mean COUNTER?");
  REQUIRE(d.trace.size() == 1);
  CHECK(d.trace[0] == "in function f at main.pan:4.8");
  CHECK(d.reference_text.starts_with("evaluation error [fun.pan:3.12-3.17]\n"));
}

TEST_CASE("a validation error names path, value, types and the statement that set it") {
  Tree tree;
  const auto compiled =
      tree.body("type port = long(1..65535);\ntype s = { 'port' : port };\nbind '/s' = s{};\n'/s/http/port' = 80000;");
  REQUIRE(compiled.diagnostics.size() == 1);
  const Diagnostic& d = compiled.diagnostics[0];
  CHECK(d.kind == "validation error");
  CHECK(d.path == "/s/http/port");
  CHECK(d.file == "main.pan");
  CHECK(d.line == 5);
  CHECK(d.trace.size() >= 3);
}

TEST_CASE("other objects: read once built, circles are the same whatever the threads") {
  Tree tree;
  tree["a.pan"] = "object template a;\n'/v' = value('b:/v') + 1;";
  tree["b.pan"] = "object template b;\n'/v' = value('c:/v') + 1;";
  tree["c.pan"] = "object template c;\n'/v' = 1;";
  tree["x.pan"] = "object template x;\n'/v' = value('y:/v');";
  tree["y.pan"] = "object template y;\n'/v' = value('z:/v');";
  tree["z.pan"] = "object template z;\n'/v' = value('x:/v');";
  tree["invalid.pan"] = "object template invalid;\n'/v' = undef;";
  tree["reader.pan"] = "object template reader;\n'/v' = exists('invalid:/w');";
  for (int threads : {1, 2}) {
    tree.options.threads = threads;
    const auto all = tree.compile({"a", "x", "z", "y", "reader", "c"});
    CHECK(all[0].profile->get_integer("v") == 3);
    for (std::size_t i : {1, 2, 3}) {
      CHECK(all[i].profile == nullptr);
      CHECK(first_error(all[i]) == "evaluation error: circular object dependency detected: x -> y -> z -> x");
    }
    CHECK(all[4].profile == nullptr);
    CHECK(all[5].profile->get_integer("v") == 1);
  }
}

TEST_CASE("many objects, two threads, same result as one") {
  Tree tree;
  std::vector<std::string> names;
  tree["lib.pan"] =
      "template lib;\nvariable L = { l = list(); i = 0; while (i < 50) { l[i] = format('%s-%d', OBJECT, i); i = i + 1; }; l; "
      "};\n'/l' = L;";
  for (int i = 0; i < 60; ++i) {
    names.push_back("n" + std::to_string(i));
    tree[names.back() + ".pan"] = "object template " + names.back() + ";\ninclude 'lib';\n'/peer' = value('n" +
                                  std::to_string((i + 1) % 60 == 0 ? 59 : i + 1) + ":/l', 'x');";
  }
  tree["n59.pan"] = "object template n59;\ninclude 'lib';";
  tree.options.threads = 1;
  const auto one = tree.compile(names);
  tree.options.threads = 2;
  const auto two = tree.compile(names);
  for (std::size_t i = 0; i < names.size(); ++i) {
    REQUIRE(one[i].profile != nullptr);
    CHECK(*one[i].profile == *two[i].profile);
  }
}

TEST_CASE("deprecated, debug and options") {
  Tree tree;
  tree.options.debug_include = "main";
  auto compiled = tree.body("variable X = 1;\n'/a' = { debug('here'); deprecated(0, 'old'); X; };");
  REQUIRE(compiled.profile != nullptr);
  REQUIRE(compiled.diagnostics.size() == 2);
  CHECK(compiled.diagnostics[0].severity == Diagnostic::Severity::note);
  CHECK(compiled.diagnostics[0].message == "[main] here");
  CHECK(compiled.diagnostics[1].severity == Diagnostic::Severity::warning);
  tree.options.debug_exclude = "ma.*";
  tree.options.warnings = Options::Warnings::off;
  compiled = tree.body("variable X = 1;\n'/a' = { debug('here'); deprecated(0, 'old'); X; };");
  CHECK(compiled.diagnostics.empty());
  tree.options.initial_data = "list(1)";
  CHECK(first_error(tree.body("'/a' = 1;")) == "evaluation error: initial data: root element must be an nlist, not list");
  tree.options.initial_data = "dict('a'";
  CHECK(first_error(tree.body("'/a' = 1;")).starts_with("parse error: initial data: "));
}
