#include <doctest/doctest.h>

#include <random>

#include "base/profile/hash.h"
#include "base/profile/json.h"
#include "base/profile/path.h"
#include "base/profile/value.h"

using namespace base::profile;

namespace {

Value json(std::string_view text) {
  auto value = parse_json(text);
  REQUIRE_MESSAGE(value, text);
  return std::move(*value);
}

Path path(std::string_view text) {
  auto parsed = Path::parse(text);
  REQUIRE_MESSAGE(parsed, text);
  return std::move(*parsed);
}

std::string changes(std::string_view before, std::string_view after) {
  const auto b = json(before), a = json(after);
  std::string out;
  for (const auto& change : diff(b, a))
    out += change.path.text() + ":" + (change.before ? to_json(*change.before) : "-") + ">" +
           (change.after ? to_json(*change.after) : "-") + " ";
  return out;
}

}  // namespace

TEST_CASE("a path that is shown is text, whatever its parts unescape to") {
  CHECK(base::profile::Path::parse("/system/of_a1")->display() == "/system/of_a1");
  CHECK(base::profile::Path::parse("/files/_2fetc")->display() == "/files/{/etc}");
}

TEST_CASE("value: types keep to themselves") {
  CHECK(Value().is_null());
  CHECK(Value(nullptr).is_null());
  CHECK(Value(true).is_boolean());
  CHECK(Value(1).is_integer());
  CHECK(Value(1u).is_integer());
  CHECK(Value(1.0).is_real());
  CHECK(Value("x").is_string());
  CHECK(Value(List{}).is_list());
  CHECK(Value(Dict{}).is_dict());
  CHECK_FALSE(Value(1) == Value(1.0));
  CHECK_FALSE(Value(1) == Value(true));
  CHECK_FALSE(Value() == Value(false));
  CHECK_FALSE(Value(List{}) == Value(Dict{}));
  CHECK(Value(1).real() == nullptr);
  CHECK(Value("1").integer() == nullptr);
  CHECK(type_name(Type::integer) == "long");
  CHECK(type_name(Value(1.5).type()) == "double");
}

TEST_CASE("value: access with fallbacks never takes another type for the asked one") {
  const auto value = json(R"({"s":"x","i":5,"b":true,"n":null,"r":5.0})");
  CHECK(value.get_string("s") == "x");
  CHECK(value.get_string("i", "f") == "f");
  CHECK(value.get_string("none", "f") == "f");
  CHECK(value.get_integer("i") == 5);
  CHECK(value.get_integer("r", -1) == -1);
  CHECK(value.get_boolean("b"));
  CHECK(value.get_boolean("n", true));
  CHECK(value.get("n"));
  CHECK_FALSE(value.get("none"));
  CHECK_FALSE(Value("x").get("s"));
  CHECK_FALSE(Value(List{1}).get("0"));
}

TEST_CASE("value: grows from null") {
  Value value;
  value["a"]["b"].push_back(1);
  value["a"]["b"].push_back("x");
  value["a"]["c"];
  CHECK(to_json(value) == R"({"a":{"b":[1,"x"],"c":null}})");
}

TEST_CASE("path: Quattor's escape and its inverse") {
  CHECK(escape("/etc/motd") == "_2fetc_2fmotd");
  CHECK(escape("9abc9") == "_39abc9");
  CHECK(escape("") == "_");
  CHECK(escape("a_b") == "a_5fb");
  CHECK(escape("é") == "_c3_a9");
  CHECK(unescape("_2fetc_2fmotd") == "/etc/motd");
  CHECK(unescape("_") == "");
  for (const auto* malformed : {"_2", "a_", "_zz", "_2F", "__", "a_b"})
    CHECK_MESSAGE(unescape(malformed) == malformed, malformed);
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  CHECK(unescape(escape(all)) == all);
  CHECK(escape(all).find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string::npos);
}

TEST_CASE("path: parse, text and display") {
  CHECK(path("/").parts().empty());
  CHECK(path("/").text() == "/");
  CHECK(path("/").display() == "/");
  CHECK(path("/a/b").parts() == std::vector<std::string>{"a", "b"});
  CHECK(path("/files/{/etc/motd}/text").parts() == std::vector<std::string>{"files", "_2fetc_2fmotd", "text"});
  CHECK(path("/files/{/etc/motd}").text() == "/files/_2fetc_2fmotd");
  CHECK(path("/files/_2fetc_2fmotd").display() == "/files/{/etc/motd}");
  CHECK(path("/files/{/etc/motd}") == path("/files/_2fetc_2fmotd"));
  CHECK(path("/{}").parts() == std::vector<std::string>{"_"});
  CHECK(path("/eth0_1").display() == "/eth0_1");
  CHECK(path("/_41").display() == "/_41");  // unescapes to A, which nobody's escape() writes so
  for (const auto* bad : {"", "a", "a/b", "//", "/a//b", "/a/", "/{a", "/a}", "/{a}b", "/x{a}", "/{a}/"})
    CHECK_MESSAGE(!Path::parse(bad), bad);
  CHECK_FALSE(Path::parse("/" + std::string(70000, 'x')));
  std::string deep;
  for (int i = 0; i < 300; ++i) deep += "/a";
  CHECK_FALSE(Path::parse(deep));
}

TEST_CASE("path: what is displayed reads back as the same path") {
  std::mt19937 random(20261123);
  for (int i = 0; i < 2000; ++i) {
    Path made;
    for (auto parts = random() % 4; parts > 0; --parts) {
      std::string raw;
      for (auto left = random() % 6; left > 0; --left)
        raw += static_cast<char>(random() % 2 ? 32 + random() % 95 : 'a' + random() % 26);
      made = made / escape(raw);
    }
    CHECK_MESSAGE(path(made.display()) == made, made.display());
    CHECK(path(made.text()) == made);
  }
}

TEST_CASE("path: parents, prefixes, order") {
  CHECK(path("/a/b").parent() == path("/a"));
  CHECK(path("/").parent() == path("/"));
  CHECK(path("/a/b").starts_with(path("/a")));
  CHECK(path("/a/b").starts_with(path("/")));
  CHECK_FALSE(path("/ab").starts_with(path("/a")));
  CHECK_FALSE(path("/a").starts_with(path("/a/b")));
  CHECK(path("/a") < path("/a/b"));
  CHECK(path("/a/b") < path("/b"));
}

TEST_CASE("find: dicts and lists") {
  const auto root = json(R"({"a":[{"b":1},2],"0":"zero","_2fx":3})");
  CHECK(*find(root, "/a/0/b")->integer() == 1);
  CHECK(*find(root, "/a/1")->integer() == 2);
  CHECK(*find(root, "/0")->string() == "zero");
  CHECK(*find(root, "/{/x}")->integer() == 3);
  CHECK(find(root, "/") == &root);
  for (const auto* none : {"/a/2", "/a/-1", "/a/00", "/a/01", "/a/x", "/a/0/b/c", "/b", "/a/99999999999999999999", "", "a"})
    CHECK_MESSAGE(!find(root, none), none);
}

TEST_CASE("set: creates, replaces, and refuses without changing anything") {
  Value root;
  CHECK(set(root, path("/a/b"), 1));
  CHECK(set(root, path("/a/b"), "x"));
  CHECK(set(root, path("/l"), List{1, 2}));
  CHECK(set(root, path("/l/0"), 5));
  CHECK(set(root, path("/l/2/k"), 6));  // the index after the last appends
  CHECK(to_json(root) == R"({"a":{"b":"x"},"l":[5,2,{"k":6}]})");
  const auto before = root;
  for (const auto* refused : {"/a/b/c", "/a/b/c/d", "/l/9", "/l/x", "/l/9/k", "/l/0/z"}) {
    const auto result = set(root, path(refused), 1);
    CHECK_MESSAGE(!result, refused);
    CHECK(root == before);
  }
  CHECK(set(root, path("/"), 7));
  CHECK(root == Value(7));
}

TEST_CASE("erase") {
  auto root = json(R"({"a":{"b":1,"c":2},"l":[1,2,3]})");
  CHECK(erase(root, path("/a/b")));
  CHECK_FALSE(erase(root, path("/a/b")));
  CHECK(erase(root, path("/l/1")));
  for (const auto* none : {"/l/2", "/l/x", "/x/y", "/a/c/d"}) CHECK_FALSE(erase(root, path(none)));
  CHECK(to_json(root) == R"({"a":{"c":2},"l":[1,3]})");
  CHECK(erase(root, path("/")));
  CHECK_FALSE(erase(root, path("/")));
}

// Independent of the code: printf 'n' | sha256sum and so on; the dict was put together by hand.
TEST_CASE("merkle: the format weft-merkle-1 does not change") {
  CHECK(merkle(json("null")).hex() == "1b16b1df538ba12dc3f97edbb85caa7050d46c148134290feba80f8236c83db9");
  CHECK(merkle(json("\"\"")).hex() == "043a718774c572bd8a25adbeb1bfcd5c0256ae11cecf9f9c3f925d0e52beaf89");
  CHECK(merkle(json("true")).hex() == "7dc96f776c8423e57a2785489a3f9c43fb6e756876d6ad9a9cac4aa4e72ec193");
  CHECK(merkle(json("42")).hex() == "ebc35dc1b8e2602b72beb8d8e5bcdb2babe90f57bcb54ad7282ec798659d2196");
  CHECK(merkle(json("1.5")).hex() == "d6bae662acdfab6752f1572f4944f0307b1977b955642f14989eb577e1b9949a");
  CHECK(merkle(json(R"({"a":[1,"x"],"b":null})")).hex() == "091aff394e4ffe0489a53d2ed39bb4244db87aeb34d10cb04f3ace46d996e30a");
}

TEST_CASE("merkle: what differs has another hash") {
  std::vector<Hash> hashes;
  for (const auto* text : {"null",
                           "true",
                           "false",
                           "0",
                           "0.0",
                           "-0.0",
                           "1",
                           "1.0",
                           "\"\"",
                           "\"1\"",
                           "\"n\"",
                           "[]",
                           "{}",
                           "[null]",
                           "[[]]",
                           "[[],[]]",
                           R"({"a":null})",
                           R"({"":null})",
                           R"({"a":{}})",
                           R"({"a":1,"b":2})",
                           R"({"a":2,"b":1})",
                           R"(["a",1])",
                           R"([1,"a"])",
                           R"({"ab":"c"})",
                           R"({"a":"bc"})"})
    hashes.push_back(merkle(json(text)));
  for (std::size_t i = 0; i < hashes.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) CHECK_FALSE(hashes[i] == hashes[j]);
  CHECK(merkle(json(R"({"b":1,"a":[2]})")) == merkle(json(R"({"a":[2],"b":1})")));
}

TEST_CASE("hash: text form") {
  const auto hash = merkle(json("[1]"));
  CHECK(*Hash::parse(hash.hex()) == hash);
  for (const std::string& bad : {std::string(), std::string(63, '0'), std::string(65, '0'), std::string(64, 'g'),
                                 std::string(64, 'A'), " " + std::string(63, '0')})
    CHECK_FALSE(Hash::parse(bad));
}

TEST_CASE("diff: smallest differing parts in path order") {
  CHECK(changes("{}", "{}") == "");
  CHECK(changes(R"({"a":1,"b":{"c":[1,2]}})", R"({"a":1,"b":{"c":[1,2]}})") == "");
  CHECK(changes(R"({"a":1,"b":2})", R"({"b":3,"c":4})") == "/a:1>- /b:2>3 /c:->4 ");
  CHECK(changes(R"({"x":{"y":{"z":1,"w":2}}})", R"({"x":{"y":{"z":1}}})") == "/x/y/w:2>- ");
  CHECK(changes(R"({"a":{"b":1}})", R"({"a":[1]})") == R"(/a:{"b":1}>[1] )");
  CHECK(changes("[1,2,3]", "[1,5]") == "/1:2>5 /2:3>- ");
  CHECK(changes("[1]", "[1,2]") == "/1:->2 ");
  CHECK(changes(R"({"a":1})", R"({"a":1.0})") == "/a:1>1.0 ");
  CHECK(changes("0.0", "-0.0") == "/:0.0>-0.0 ");
  CHECK(changes("{}", "null") == "/:{}>null ");
  CHECK(changes(R"({"a":null})", "{}") == "/a:null>- ");
}

TEST_CASE("diff: applied to the one tree gives the other, and is empty exactly when the hashes agree") {
  std::mt19937 random(20261123);
  const auto grow = [&](auto& self, int depth) -> Value {
    if (depth == 0 || random() % 4 == 0) return static_cast<int>(random() % 3);
    Dict children;
    for (auto left = random() % 4; left > 0; --left)
      children.emplace(std::string(1, static_cast<char>('a' + random() % 4)), self(self, depth - 1));
    return children;
  };
  for (int i = 0; i < 2000; ++i) {
    const Value before = grow(grow, 4), after = grow(grow, 4);
    const auto found = diff(before, after);
    CHECK(found.empty() == (merkle(before) == merkle(after)));
    Value patched = before;
    for (const auto& change : found) {
      if (change.after) {
        REQUIRE(set(patched, change.path, *change.after));
      } else {
        REQUIRE(erase(patched, change.path));
      }
    }
    CHECK(patched == after);
  }
}
