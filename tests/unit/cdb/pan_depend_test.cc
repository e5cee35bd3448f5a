// The dependency database of panc: bytes that come back as they went, damaged ones that do not, and what counts as a change.
#include <doctest/doctest.h>

#include "base/crypto/crypto.h"
#include "cdb/pan/depend_check.h"
#include "cdb/pan/depend_db.h"

using namespace cdb::pan;

namespace {

Digest sum(std::string_view text) {
  return base::crypto::sha256(text);
}

// Files in memory; `read` counts how often content was needed.
struct Files : FileStates {
  struct Content {
    std::string text;
    FileStamp stamp;
  };
  std::map<std::string, Content> files;
  std::int64_t clock = 1000, settled_before = 1'000'000;
  int read = 0;

  void put(const std::string& path, std::string text) {
    ++clock;
    const auto size = static_cast<std::int64_t>(text.size());
    files[path] = {std::move(text), {size, clock, clock, static_cast<std::uint64_t>(clock)}};
  }
  FileStamp stamp(const std::string& path) override {
    const auto found = files.find(path);
    return found == files.end() ? FileStamp{} : found->second.stamp;
  }
  std::optional<Digest> digest(const std::string& path) override {
    const auto found = files.find(path);
    if (found == files.end()) return std::nullopt;
    ++read;
    return sum(found->second.text);
  }
  bool settled(const FileStamp& stamp) override { return stamp.changed < settled_before; }
};

struct Bench {
  Files files;
  DependDb db;
  std::map<std::string, std::string, std::less<>> given;

  Bench() {
    files.put("/b/t.pan", "template t;");
    files.put("/b/motd", "hello");
    files.put("/out/n.json", "{}");
    for (const char* path : {"/b/t.pan", "/b/motd"})
      db.files.push_back({path, files.stamp(path), sum(files.files[path].text), true, false, {}});
    db.lookups = {{Read::Kind::template_file, "t", 1, 0},
                  {Read::Kind::text_file, "motd", 1, 1},
                  {Read::Kind::template_file, "local", -1, DependDb::kAbsent}};
    db.objects.push_back({"n", {0, 1, 2}, {}, {}, {{"/out/n.json", files.stamp("/out/n.json"), sum("{}")}}});
  }
  std::string why() { return DependCheck(db, files, {"/a", "/b"}, given).why(db.objects[0]); }
};

}  // namespace

TEST_CASE("nothing is read when every stamp is as it was") {
  Bench bench;
  CHECK(bench.why().empty());
  CHECK(bench.files.read == 0);
}

TEST_CASE("a file that was touched is compared by content, and its stamp remembered") {
  Bench bench;
  bench.files.put("/b/t.pan", "template t;");
  bench.files.put("/out/n.json", "{}");
  CHECK(bench.why().empty());
  CHECK(bench.files.read == 2);
  CHECK(bench.db.files[0].stamp == bench.files.stamp("/b/t.pan"));
}

TEST_CASE("an equal stamp proves nothing for a file that changed just before") {
  Bench bench;
  bench.db.files[0].settled = false;
  CHECK(bench.why().empty());
  CHECK(bench.files.read == 1);
  bench.db.files[0].settled = false;
  bench.files.files["/b/t.pan"].text = "template T;";
  CHECK(bench.why() == "t.pan changed");
}

TEST_CASE("changes are told by what happened") {
  Bench bench;
  SUBCASE("content") {
    bench.files.put("/b/motd", "other");
    CHECK(bench.why() == "motd changed");
  }
  SUBCASE("earlier in the include path") {
    bench.files.put("/a/t.pan", "template t;");
    CHECK(bench.why() == "t.pan is now found earlier (/a/t.pan)");
  }
  SUBCASE("earlier with the old suffix") {
    bench.files.put("/a/t.tpl", "template t;");
    CHECK(bench.why() == "t.tpl is now found earlier (/a/t.tpl)");
  }
  SUBCASE("a text file has no suffix") {
    bench.files.put("/a/motd.pan", "");
    CHECK(bench.why().empty());
    bench.files.put("/a/motd", "hello");
    CHECK(bench.why() == "motd is now found earlier (/a/motd)");
  }
  SUBCASE("gone") {
    bench.files.files.erase("/b/t.pan");
    CHECK(bench.why() == "t.pan is gone (/b/t.pan)");
  }
  SUBCASE("replaced elsewhere") {
    bench.files.files.erase("/b/t.pan");
    bench.files.put("/a/t.pan", "template t;");
    CHECK(bench.why() == "t.pan is now another file (/a/t.pan)");
  }
  SUBCASE("was not there") {
    bench.files.put("/b/local.pan", "template local;");
    CHECK(bench.why() == "local.pan appeared (/b/local.pan)");
  }
  SUBCASE("beyond where it was found: of no interest") {
    bench.db.lookups[0].root = 0;
    bench.files.put("/a/t.pan", "template t;");
    bench.db.files[0] = {"/a/t.pan", bench.files.stamp("/a/t.pan"), sum("template t;"), true, false, {}};
    bench.files.put("/b/t.pan", "else");
    CHECK(bench.why().empty());
  }
  SUBCASE("an object that is read by path: its content is its own affair") {
    bench.db.lookups[0].content = false;
    bench.files.put("/b/t.pan", "object template t; # changed");
    CHECK(bench.why().empty());
    bench.files.put("/a/t.pan", "object template t;");
    CHECK(bench.why() == "t.pan is now found earlier (/a/t.pan)");
  }
  SUBCASE("given on the command line now") {
    bench.given["t"] = "/elsewhere/t.pan";
    bench.files.put("/elsewhere/t.pan", "object template t;");
    CHECK(bench.why() == "t.pan is now found earlier (/elsewhere/t.pan)");
  }
  SUBCASE("output gone") {
    bench.files.files.erase("/out/n.json");
    CHECK(bench.why() == "the output /out/n.json is gone");
  }
  SUBCASE("output edited") {
    bench.files.put("/out/n.json", "[]");
    CHECK(bench.why() == "the output /out/n.json was changed");
  }
}

TEST_CASE("bytes come back as they went") {
  Bench bench;
  bench.db.options = sum("options");
  bench.db.references = {{"other", "/p/0", sum("x")}, {"other", "/q", {}}};
  bench.db.objects.push_back({"m", {2}, {0, 1}, sum("c"), {}});
  bench.db.files.push_back({"/profiles/n.pan", {}, {}, false, true, "n"});
  const std::string bytes = encode(bench.db);
  CHECK(is_depend_db(bytes));
  const auto back = decode_depend_db(bytes);
  REQUIRE(back);
  CHECK(encode(*back) == bytes);
  CHECK(back->options == bench.db.options);
  CHECK(back->files[2].object == "n");
  CHECK_FALSE(back->files[2].stamp.exists());
  CHECK(back->lookups == bench.db.lookups);
  CHECK(back->references == bench.db.references);
  CHECK(back->objects[0].outputs[0].path == "/out/n.json");
  CHECK(back->objects[1].references == std::vector<std::uint32_t>{0, 1});
}

TEST_CASE("a damaged, foreign or other version's file does not decode") {
  Bench bench;
  const std::string bytes = encode(bench.db);
  for (std::size_t size = 0; size < bytes.size(); ++size) CHECK_FALSE(decode_depend_db(bytes.substr(0, size)));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string bad = bytes;
    bad[i] = static_cast<char>(bad[i] ^ 4);
    CHECK_FALSE(decode_depend_db(bad));
  }
  CHECK_FALSE(decode_depend_db(bytes + '\0'));
  CHECK(decode_depend_db("my notes").error().message == "is no dependency database");
  CHECK(decode_depend_db("weft panc depend-db 9\n").error().message == "was written by another version of panc");
}

TEST_CASE("tables that lie about themselves do not decode, even with a good checksum") {
  Bench bench;
  auto with = [&](auto change) {
    Bench other;
    change(other.db);
    return decode_depend_db(encode(other.db));
  };
  CHECK(with([](DependDb&) {}));
  CHECK_FALSE(with([](DependDb& db) { db.objects[0].lookups = {0, 1, 3}; }));
  CHECK_FALSE(with([](DependDb& db) { db.objects[0].references = {0}; }));
  CHECK_FALSE(with([](DependDb& db) { db.lookups[0].file = 2; }));
  CHECK_FALSE(with([](DependDb& db) { db.lookups[0].kind = static_cast<Read::Kind>(4); }));
}

TEST_CASE("values of other objects are told apart by type and place") {
  Heap heap;
  HeapScope scope(heap);
  auto dict = [](std::string_view key, Value value) {
    Value made = Value::dict();
    const Value name = Value::string(key);
    made.node()->put(name.str(), std::move(value));
    return made;
  };
  auto list = [](std::vector<Value> values) {
    Value made = Value::list();
    for (Value& v : values) made.node()->push_back(v);
    return made;
  };
  const std::vector<Value> values{Value::integer(1),
                                  Value::real(1),
                                  Value::string("1"),
                                  Value::boolean(true),
                                  Value::undef(),
                                  Value::dict(),
                                  Value::list(),
                                  dict("a", Value::integer(1)),
                                  dict("b", Value::integer(1)),
                                  list({Value::string("ab"), Value::string("c")}),
                                  list({Value::string("a"), Value::string("bc")}),
                                  list({list({}), Value::integer(1)}),
                                  list({list({Value::integer(1)})})};
  for (std::size_t i = 0; i < values.size(); ++i)
    for (std::size_t k = 0; k < values.size(); ++k) CHECK((digest_of(&values[i]) == digest_of(&values[k])) == (i == k));
  CHECK(digest_of(nullptr) == Digest{});
  CHECK(digest_of(&values[0]) != Digest{});
}
