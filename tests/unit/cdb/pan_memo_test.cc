// What a run remembers from one object for the others must not be seen in any result: many objects compiled together come out as
// each of them does alone.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <functional>
#include <mutex>

#include "cdb/pan/engine.h"
#include "tests/unit/cdb/pan_support.h"

using namespace cdb::pan;
using namespace pan_test;

namespace {

constexpr int kObjects = 40;  // enough for the Engine to remember

// node0.. with what `body` says, compiled together on one and two threads and then one by one.
struct Fabric {
  Tree tree;
  std::vector<std::string> objects{};

  explicit Fabric(const std::function<std::string(int)>& body) {
    for (int i = 0; i < kObjects; ++i) {
      objects.push_back(fmt::format("node{}", i));
      tree[objects.back() + ".pan"] = fmt::format("object template {};\nvariable N = {};\n", objects.back(), i) + body(i);
    }
  }
  Fabric() : Fabric([](int) { return "include 'site';\n"; }) {}
  std::string& operator[](const std::string& name) { return tree[name + ".pan"]; }

  static std::string told(const Compiled& compiled) {
    std::string out;
    for (const Diagnostic& d : compiled.diagnostics) out += d.reference_text + "\n" + d.hint + "\n";
    for (const Read& r : compiled.reads) out += fmt::format("{} {} {} {}\n", static_cast<int>(r.kind), r.name, r.root, r.path);
    return out;
  }
  // The number of objects that came out well.
  int check() {
    int good = 0;
    std::vector<Compiled> alone;
    for (const std::string& object : objects) alone.push_back(tree.compile({object})[0]);
    for (int threads : {1, 2}) {
      tree.options.threads = threads;
      const auto together = tree.compile(objects);
      good = 0;
      for (int i = 0; i < kObjects; ++i) {
        const auto n = static_cast<std::size_t>(i);
        CAPTURE(objects[n]);
        CHECK(told(together[n]) == told(alone[n]));
        REQUIRE((together[n].profile != nullptr) == (alone[n].profile != nullptr));
        if (together[n].profile == nullptr) continue;
        CHECK(*together[n].profile == *alone[n].profile);
        ++good;
      }
    }
    return good;
  }
};

// The addresses of the resources at `key` in all objects.
std::vector<const Node*> nodes_at(Fabric& fabric, std::string_view key) {
  std::vector<const Node*> nodes(kObjects, nullptr);
  Options options = fabric.tree.options;
  options.threads = 1;
  Engine engine(fabric.tree.source, options);
  engine.run(fabric.objects, [&](Finished&& f) {
    REQUIRE(f.root != nullptr);
    const Value* found = f.root->node()->find(key);
    REQUIRE(found != nullptr);
    nodes[f.index] = found->node();
  });
  return nodes;
}

}  // namespace

TEST_CASE("what is the same in all objects is worked out once") {
  Fabric fabric;
  fabric["site"] =
      "template site;\nvariable S = { l = list(); foreach (i; n; list('a', 'b')) l[i] = n + 'x'; l; };\n"
      "function f = dict('s', S, 'n', ARGV[0]);\n'/same' = f(1);\n'/own' = f(N);\n'/same' = { SELF['t'] = length(SELF); SELF; "
      "};\n"
      "type t = { 's' : string[] 'n' : long 't' : long 'd' : long = 7 };\nbind '/same' = t;\n";
  CHECK(fabric.check() == kObjects);
  const auto same = nodes_at(fabric, "same"), own = nodes_at(fabric, "own");
  for (std::size_t i = 3; i < kObjects; ++i) {
    CHECK(same[i] == same[2]);
    CHECK(own[i] != same[i]);
  }
}

TEST_CASE("variables, elements and SELF that differ") {
  Fabric fabric([](int i) {
    return fmt::format("variable ODD ?= {};\n'/data/n' = N / 4;\ninclude 'pick/{}';\ninclude 'site';\n",
                       i % 2 == 1 ? "'odd'" : "null", i % 3);
  });
  for (int i = 0; i < 3; ++i)
    fabric[fmt::format("pick/{}", i)] = fmt::format("unique template pick/{0};\n'/pick' = list({0});\n", i);
  fabric["site"] =
      "template site;\nvariable KIND = if (is_null(ODD)) 'even' else ODD;\n'/kind' = KIND + '!';\n"
      "'/quarter' = { x = value('/data/n'); if (x > 4) list(x) else dict('x', x); };\n'/there' = exists('/data/none');\n"
      "'/pick' = { SELF[length(SELF)] = KIND; SELF; };\n'/pick' = append('end');\n'/pick' = append(SELF[0]);\n"
      "'/object' = OBJECT + TEMPLATE;\n'/late' ?= { if (value('/data/n') == 3) null else list(KIND); };\n"
      "'/deep/a/b' = { SELF['c'] = KIND; SELF; };\n'/deep/a' = { foreach (k; v; SELF) SELF[k]['d'] = 1; SELF; };\n"
      "variable L = { SELF[0] = KIND; SELF; };\nvariable L = { SELF[1] = L[0]; SELF; };\n'/l' = L;\n";
  CHECK(fabric.check() == kObjects);
}

TEST_CASE("an element in two places stays one until something is put between") {
  Fabric fabric;
  fabric["site"] =
      "template site;\n'/p' = { x = dict('k', 1); x['l'] = 2; SELF['a'] = x; SELF['b'] = x; SELF; };\n'/p/a/k' = 3;\n"
      "'/q' = create('s');\n'/q/a/k' = 3;\n'/q/c/e/k' = 5;\n'/q/b/e/k' = 5;\n'/r' = { x = create('s'); y = x['a']; y['k'] = 4; "
      "foreach (k; v; x) v['n'] = 5; x; };\n"
      "'/s' = { x = create('s', 'd', dict()); x['d']['k'] = 6; list(x, create('s')); };\n";
  fabric["s"] =
      "structure template s;\n'a' = dict('k', 0);\n'b' = { x = dict(); x['k'] = 1; dict('e', x, 'f', x); };\n"
      "'a/m' = list(value('b'));\n'c' = { x = dict(); x['k'] = 1; SELF['e'] = x; SELF['f'] = x; SELF; };\n";
  CHECK(fabric.check() == kObjects);
}

TEST_CASE("functions, types and LOADPATH that differ") {
  Fabric fabric([](int i) {
    return fmt::format("variable LOADPATH = list('{0}');\ninclude 'kinds/{0}';\ninclude 'site';\n", i % 2 == 1 ? "odd" : "even");
  });
  for (const std::string kind : {"odd", "even"}) {
    const int n = kind == "odd" ? 1 : 2;
    fabric["kinds/" + kind] = fmt::format(
        "declaration template kinds/{0};\nfunction f = {1} + ARGV[0];\ntype t = {{ 'a' : long 'b' : long = {1} 'c' ? string with "
        "SELF != '{0}' }};\n",
        kind, n);
    fabric[kind + "/s"] = fmt::format("structure template s;\n'a' = f({});\ninclude 'more';\n", n * 10);
    fabric[kind + "/more"] = fmt::format("structure template more;\n'c' = '{}';\n", n == 1 ? "one" : "two");
    if (n == 1) fabric[kind + "/maybe"] = "template maybe;\n'/maybe' = 1;\n";
  }
  fabric["site"] =
      "template site;\n'/f' = f(1);\n'/t' = dict('a', 1);\n'/u' = create('s');\nbind '/t' = t;\nbind '/u' = t;\n"
      "'/if' = to_string(if_exists('maybe'));\ninclude { if_exists('maybe') };\n'/is' = exists('maybe');\n";
  CHECK(fabric.check() == kObjects);
}

TEST_CASE("validation that looks elsewhere fails where it must") {
  Fabric fabric([](int i) {
    return fmt::format("{}variable LIMIT = {};\ninclude 'site';\n", i % 5 == 4 ? "" : "'/disks/sdb' = 1;\n", i == 7 ? 2 : 9);
  });
  fabric["site"] =
      "template site;\n'/disks/sda' = 1;\n'/fs' = list(dict('on', 'sda'), dict('on', 'sdb', 'size', 3));\n"
      "type fs = { 'on' : string with exists('/disks/' + SELF) 'size' ? long with SELF <= LIMIT };\nbind '/fs' = fs[];\n";
  CHECK(fabric.check() == kObjects - kObjects / 5 - 1);
}

TEST_CASE("errors, notes and limits are each object's own") {
  Fabric fabric([](int i) {
    std::string body = fmt::format("variable DEPTH = {};\ninclude 'site';\n", i);
    // Ordinary templates run as often as they are included; some objects do it until they have taken too many steps.
    for (int k = 0; k < i; ++k) body += "include 'loop';\n";
    return body;
  });
  fabric.tree.options.max_steps = 3000;
  fabric.tree.options.max_recursion = 9;
  fabric["site"] =
      "template site;\nvariable HUNDRED = 100;\nfunction r = { if (ARGV[0] > 0) r(ARGV[0] - 1) else 0; };\n'/note' = { "
      "deprecated(1, 'old'); 1; };\n"
      "'/some' = { if (N == 13) error('unlucky'); N; };\n'/r' = r(3);\ninclude { if (DEPTH % 4 == 3) 'deep/a' };\n";
  fabric["loop"] = "template loop;\n'/loop' = { i = 0; while (i < HUNDRED) i = i + 1; i; };\n";
  fabric["deep/a"] = "template deep/a;\ninclude 'deep/b';\n";
  fabric["deep/b"] = "template deep/b;\ninclude 'deep/c';\n";
  fabric["deep/c"] = "template deep/c;\ninclude { if (DEPTH % 8 == 7) 'deep/d' else 'again' };\n";
  fabric["deep/d"] = "template deep/d;\ninclude 'again';\n";
  fabric["again"] = "template again;\n'/again' = r(3);\n";
  const int good = fabric.check();
  CHECK(good > 10);
  CHECK(good < 30);
}

TEST_CASE("what other objects hold and what cannot be kept") {
  Fabric fabric;
  fabric["site"] =
      "template site;\n'/x' = list(N, 2);\n'/y' = if (N == 0) 'first' else value('node0:/x');\n'/z' = value('/x');\n"
      "'/file' = file_contents('text');\nvariable BIG = { l = list(); l[30000] = N; length(l); };\n'/big' = BIG;\n"
      "variable DAG = { x = list(1); i = 0; while (i < 60) { x = list(x, x); i = i + 1; }; x; };\n'/dag' = length(DAG);\n";
  fabric.tree["text"] = "some text";
  CHECK(fabric.check() == kObjects);
}
