#include "tests/sim/pan_generator.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/pan_expression.h"

namespace pan_sim {

namespace {

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed), expressions_(random_) {
    tree_.include_path = {"a", "b"};
    if (random_.chance(30)) tree_.include_path.insert(tree_.include_path.begin(), "over");
  }

  Tree run() {
    const std::size_t size = 1 + random_.below(8);
    declarations(size);
    variables();
    for (std::size_t i = 0; i < 1 + random_.below(3); ++i) structure(i);
    for (std::size_t i = 0; i < size; ++i) part(i);
    for (std::size_t i = 0; i < 1 + random_.below(3); ++i) searched(i);
    put("notes/motd.txt", "Welcome <here> & \xc3\xa9\n");
    const std::size_t objects = 2 + random_.below(6);
    for (std::size_t i = 0; i < objects; ++i) tree_.objects.push_back(fmt::format("node{}.example.org", i));
    for (std::size_t i = 0; i < objects; ++i) object(i);
    return std::move(tree_);
  }

 private:
  std::string root() { return random_.pick(tree_.include_path); }
  void put(const std::string& name, std::string text) { tree_.files[root() + "/" + name] = std::move(text); }

  // Types and functions that everybody may use.
  void declarations(std::size_t size) {
    std::string text = "declaration template common;\n";
    for (std::size_t i = 0; i < size; ++i) {
      const Kind argument = expressions_.any_kind(), result = expressions_.any_kind();
      Scope inside = scope_;
      inside.add(argument, "x");
      const std::string name = fmt::format("make_{}", i);
      text += fmt::format("@[ {} of {} ]\nfunction {} = {{\n", static_cast<int>(result), static_cast<int>(argument), name);
      text += fmt::format("  if (ARGC != 1) error('{} takes one argument, not %d', ARGC);\n  x = ARGV[0];\n", name);
      if (random_.chance(30))
        text += fmt::format("  if ({}) return({});\n", expressions_.make(Kind::truth, inside, 1), expressions_.literal(result));
      text += fmt::format("  {};\n}};\n", expressions_.make(result, inside, 2));
      scope_.functions.push_back({name, argument, result});
    }
    // Called with small numbers only: the argument is the depth of the recursion.
    text += "function down = if (ARGV[0] <= 0) 0 else 1 + down(ARGV[0] - 2);\n";
    text += "function positive = { if (SELF < 0) error('%d is negative', SELF); true; };\n";
    text += "type small = long(-1000000000000..) with positive() || true;\n";
    text += fmt::format("type word = string with length(SELF) < {};\n", 2000);
    text += "type shade = choice('red', 'green', 'b-lue');\n";
    text += "type base_record = extensible { 'made_by' : string = 'default' 'weight' : long(0..) = 7 'note' ? word };\n";
    put("common.pan", std::move(text));
  }

  void variables() {
    std::string text = "unique template vars;\n";
    const std::size_t count = 2 + random_.below(6);
    for (std::size_t i = 0; i < count; ++i) {
      const Kind kind = expressions_.any_kind();
      const std::string name = fmt::format("V{}", i);
      text += fmt::format("variable {} {} {};\n", name, random_.chance(30) ? "?=" : "=",
                          random_.chance(40) ? expressions_.block(kind, scope_, 2) : expressions_.make(kind, scope_, 2));
      scope_.add(kind, name);
    }
    if (random_.chance(30)) text += "final variable FIXED = down(9);\n";
    put("vars.pan", std::move(text));
  }

  void structure(std::size_t i) {
    const std::string name = fmt::format("struct/s{}", i);
    std::string text = fmt::format("structure template {};\n", name);
    text += fmt::format("'size' = {};\n'label' ?= {};\n", expressions_.make(Kind::integer, scope_, 2),
                        expressions_.make(Kind::text, scope_, 2));
    if (!scope_.structures.empty() && random_.chance(50))
      text += fmt::format("'inner' = create('{}');\n", random_.pick(scope_.structures));
    if (random_.chance(40)) text += "'deep/er' = { SELF['x'] = 1; SELF; };\n";
    put(name + ".pan", std::move(text));
    scope_.structures.push_back(name);
  }

  // An ordinary or unique template with values of its own below /part<i>, and a record type bound to them.
  void part(std::size_t i) {
    const std::string name = fmt::format("{}part{}", random_.chance(50) ? "lib/" : "", i);
    const bool unique = random_.chance(50);
    std::string text = fmt::format("{}template {};\n", unique ? "unique " : "", name);
    std::string fields;
    if (!parts_.empty() && random_.chance(40)) text += fmt::format("include '{}';\n", random_.pick(parts_));
    const bool prefixed = random_.chance(40);
    const std::string at = fmt::format("/part{}", i);
    std::string body;
    for (std::size_t k = 0; k < 1 + random_.below(5); ++k) {
      const Kind kind = expressions_.any_kind();
      const std::string key = fmt::format("k{}", k);
      body += fmt::format("'{}{}' {} {};\n", prefixed ? "" : at + "/", key, random_.chance(20) ? "?=" : "=",
                          random_.chance(40) ? expressions_.block(kind, scope_, 2) : expressions_.make(kind, scope_, 3));
      std::string type = type_name(kind);
      if (kind == Kind::text && random_.chance(50)) type = "word";
      fields += fmt::format("  '{}' {} {}\n", key, random_.chance(70) ? ':' : '?', type);
      scope_.paths.push_back(at + "/" + key);
    }
    if (!scope_.structures.empty() && random_.chance(40)) {
      body += fmt::format("'{}made' = create('{}', 'label', {});\n", prefixed ? "" : at + "/", random_.pick(scope_.structures),
                          expressions_.make(Kind::text, scope_, 1));
      fields += "  'made' ? dict\n";
    }
    if (prefixed) text += fmt::format("prefix '{}';\n", at);
    text += body;
    text += fmt::format("type part{}_t = {{\n{}{}  'extra' : shade = 'red'\n}}{};\n", i,
                        random_.chance(50) ? "  include base_record\n" : "", fields,
                        random_.chance(30) ? " with exists(SELF['k0'])" : "");
    text += fmt::format("bind '{}' = part{}_t;\n", at, i);
    put(name + ".pan", std::move(text));
    parts_.push_back(name);
  }

  // Found through LOADPATH only, in one, both or none of its folders.
  void searched(std::size_t i) {
    const std::string name = fmt::format("site{}", i);
    for (std::string_view folder : {"near", "far"}) {
      if (random_.chance(30)) continue;
      put(fmt::format("{}/{}.pan", folder, name), fmt::format("template {};\n'/{}' = '{} ' + TEMPLATE + {};\n", name, name,
                                                              folder, expressions_.make(Kind::text, scope_, 1)));
    }
    searched_.push_back(name);
  }

  void object(std::size_t i) {
    const std::string& name = tree_.objects[i];
    std::string text = fmt::format("object template {};\n", name);
    text += "include 'common';\ninclude 'vars';\n";
    if (random_.chance(70)) {
      text += random_.chance(50) ? "variable LOADPATH = list('near', 'far');\n" : "variable LOADPATH = list('far', 'near');\n";
      for (const std::string& site : searched_)
        if (random_.chance(60)) text += fmt::format("include if_exists('{}');\n", site);
    }
    for (const std::string& part : parts_)
      if (random_.chance(50))
        text += random_.chance(70)
                    ? fmt::format("include '{}';\n", part)
                    : fmt::format("include {{ if ({}) '{}' else null }};\n", expressions_.make(Kind::truth, scope_, 1), part);
    text += fmt::format("include if_exists('extra/' + OBJECT);\n'/name' = OBJECT;\n'/number' = {};\n", i);
    if (random_.chance(30)) text += "'/motd' = file_contents('notes/motd.txt');\n";
    if (random_.chance(30)) text += fmt::format("'/recursion' = down({});\n", random_.below(60));
    // Only objects behind this one: no circles.
    for (std::size_t other = i + 1; other < tree_.objects.size(); ++other)
      if (random_.chance(35))
        text += fmt::format("'/others/{{{}}}' = to_string(value('{}:{}', 'none'));\n", tree_.objects[other], tree_.objects[other],
                            scope_.paths.empty() || random_.chance(30) ? "/number" : random_.pick(scope_.paths));
    if (random_.chance(10)) text += "'/old' = deprecated(1, 'old ' + OBJECT);\n";
    text += fmt::format("'/last' = {};\n", expressions_.block(expressions_.any_kind(), scope_, 2));
    if (random_.chance(18)) text += fault(i);
    put(name + ".pan", std::move(text));
  }

  std::string fault(std::size_t i) {
    const std::string& next = tree_.objects[(i + 1) % tree_.objects.size()];
    switch (random_.below(11)) {
      case 0: return "'/wrong' = UNDEFINED_VARIABLE + 1;\n";
      case 1: return "'/number' = 'not a long';\n";
      case 2: return "bind '/number' = string;\n";
      case 3: return "bind '/number' = long(1000..2000);\n";
      case 4: return "include 'no/such/template';\n";
      case 5: return "'/wrong' = error('%s refuses %d', OBJECT, value('/number'));\n";
      case 6: return "'/wrong' = { i = 0; while (value('/number') >= 0) i = i + 1; };\n";
      case 7: return "'/wrong' = undef;\n";
      case 8: return "final '/name' = 'x';\n'/name' = 'y';\n";
      case 9: return "type shade_t = choice('a');\nbind '/name' = shade_t;\n";
      // Two of these make a circle.
      default:
        return fmt::format("'/circle' = to_string(value('{}:/number'));\n'/back' = to_string(value('{}:/last'));\n", next,
                           tree_.objects[0]);
    }
  }

  Random random_;
  Expressions expressions_;
  Tree tree_;
  Scope scope_;
  std::vector<std::string> parts_, searched_;
};

}  // namespace

Tree generate(std::uint64_t seed) {
  return Generator(seed).run();
}

namespace {

// The first number behind `from` becomes another one.
bool change_number(std::string& text, std::size_t from, Random& random) {
  const std::size_t at = text.find_first_of("0123456789", from);
  if (at == std::string::npos) return false;
  text[at] = static_cast<char>('1' + random.below(9));
  return true;
}

std::string file_name(std::string_view path) {
  return std::string(path.substr(path.find('/') + 1));
}

}  // namespace

Edit edit(Tree& tree, Random& random) {
  std::vector<std::string> paths;
  for (const auto& [path, text] : tree.files) paths.push_back(path);
  const std::string path = random.pick(paths);
  std::string& text = tree.files[path];
  switch (random.below(10)) {
    case 0:
    case 1:
      // In the body: behind the first statement.
      if (change_number(text, std::min(text.size(), text.find(';') + random.below(text.size())), random))
        return {"change a number in " + path, {path}};
      [[fallthrough]];
    case 2:
      text += fmt::format("variable ADDED_{} = {};\n", random.below(1000), random.below(1000));
      return {"append a variable to " + path, {path}};
    case 3: {
      // The same template with one more statement, in the first folder of the include path.
      std::string copy = text + "variable SHADOW = 1;\n";
      const std::string there = tree.include_path[0] + "/" + file_name(path);
      tree.files[there] = std::move(copy);
      return {"shadow " + path + " by " + there, {there}};
    }
    case 4: {
      const std::string& object = random.pick(tree.objects);
      const std::string there = fmt::format("{}/extra/{}.pan", random.pick(tree.include_path), object);
      tree.files[there] = fmt::format("template extra/{};\n'/extra' = {};\n", object, random.below(100));
      return {"add " + there, {there}};
    }
    case 5: {
      const std::string there =
          fmt::format("{}/{}/site{}.pan", random.pick(tree.include_path), random.chance(50) ? "near" : "far", random.below(3));
      tree.files[there] =
          fmt::format("template {};\n'/{}' = 'edited {}';\n", file_name(there).substr(file_name(there).find('/') + 1, 5),
                      file_name(there).substr(file_name(there).find('/') + 1, 5), random.below(100));
      return {"put " + there, {there}};
    }
    case 6: {
      if (std::any_of(tree.objects.begin(), tree.objects.end(),
                      [&](const std::string& o) { return path.ends_with(o + ".pan"); }) ||
          tree.files.size() < 4)
        break;
      tree.files.erase(path);
      return {"delete " + path, {path}};
    }
    case 7: {
      // To another folder of the include path; what was there is gone.
      const std::string there = random.pick(tree.include_path) + "/" + file_name(path);
      if (there == path) break;
      std::string moved = std::move(text);
      tree.files.erase(path);
      tree.files[there] = std::move(moved);
      return {"move " + path + " to " + there, {path, there}};
    }
    case 8: text += random.chance(50) ? "variable = broken;\n" : "'/number' = 'broken';\n"; return {"break " + path, {path}};
    default: {
      const std::size_t broken = text.find("broken");
      if (broken == std::string::npos) break;
      text.resize(text.rfind('\n', broken) + 1);
      return {"mend " + path, {path}};
    }
  }
  text += "\n# a comment\n";
  return {"comment in " + path, {path}};
}

}  // namespace pan_sim
