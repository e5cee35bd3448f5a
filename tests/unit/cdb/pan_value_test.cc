// The copy-on-write tree below everything.
#include <doctest/doctest.h>

#include <algorithm>

#include "cdb/pan/path.h"
#include "cdb/pan/problem.h"
#include "cdb/pan/value.h"

using namespace cdb::pan;

TEST_CASE("frozen nodes are copied one level, open ones are shared") {
  Heap heap;
  HeapScope scope(heap);
  Value inner = Value::list();
  inner.node()->push_back(Value::integer(1));
  Value outer = Value::dict();
  const Value key = Value::string("k");
  outer.node()->put(key.str(), inner);
  Value alias = outer;
  alias.open()->put(Value::string("n").str(), Value::integer(2));
  CHECK(outer.node()->size == 2);
  outer.freeze();
  CHECK(inner.node()->frozen);
  Value copy = outer;
  copy.open()->put(Value::string("m").str(), Value::integer(3));
  CHECK(outer.node()->size == 2);
  CHECK(copy.node()->size == 3);
  CHECK(copy.node()->find("k")->node() == outer.node()->find("k")->node());
}

TEST_CASE("a frozen node with one holder opens in place") {
  Heap heap;
  HeapScope scope(heap);
  Value v = Value::list();
  v.freeze();
  const Node* before = v.node();
  v.open()->push_back(Value::integer(1));
  CHECK(v.node() == before);
}

TEST_CASE("duplicate moves what nobody else holds and copies the rest") {
  Heap heap;
  HeapScope scope(heap);
  Value shared = Value::list();
  Value whole = Value::list();
  whole.node()->push_back(shared);
  const Node* node = whole.node();
  Value result = std::move(whole).duplicate();
  CHECK(result.node() == node);
  CHECK(result.node()->items[0].node() != shared.node());
  Value held = result;
  CHECK(Value(held).duplicate().node() != result.node());
}

TEST_CASE("dict keys stay sorted by bytes") {
  Heap heap;
  HeapScope scope(heap);
  Value d = Value::dict();
  for (const char* k : {"m", "z", "a", "_x", "A", "a10", "a9", "B-c", "a+b"})
    d.node()->put(Value::string(k).str(), Value::integer(1));
  std::string order;
  for (std::uint32_t i = 0; i < d.node()->size; ++i) order += std::string(d.node()->entries[i].key->view()) + " ";
  CHECK(order == "A B-c _x a a+b a10 a9 m z ");
  CHECK(d.node()->erase("a10"));
  CHECK_FALSE(d.node()->erase("a10"));
  CHECK(d.node()->find("a9") != nullptr);
  CHECK(d.node()->find("a1") == nullptr);
}

TEST_CASE("keys that share their first eight bytes are told apart") {
  Heap heap;
  HeapScope scope(heap);
  Value dict = Value::dict();
  const std::vector<std::string> keys{"abcdefgh", "abcdefg", "abcdefghi", "abcdefghh",  "a",
                                      "abcdefgi", "ab",      "\xc3\xa9",  "abcdefghia", "b"};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const Value key = Value::string(keys[i]);
    dict.node()->put(key.str(), Value::integer(static_cast<std::int64_t>(i)));
    // Small dicts are walked, larger ones halved: both find all and nothing else.
    for (std::size_t k = 0; k <= i; ++k) {
      const Value* found = dict.node()->find(keys[k]);
      REQUIRE(found != nullptr);
      CHECK(found->as_integer() == static_cast<std::int64_t>(k));
    }
    for (std::string_view absent : {"", "abcdef", "abcdefghj", "abcdefghiaa", "c"}) CHECK(dict.node()->find(absent) == nullptr);
  }
  std::vector<std::string> sorted = keys, got;
  std::sort(sorted.begin(), sorted.end());
  for (std::uint32_t i = 0; i < dict.node()->size; ++i) got.emplace_back(dict.node()->entries[i].key->view());
  CHECK(got == sorted);
}

TEST_CASE("trees of any depth are freed without recursion") {
  Heap heap;
  HeapScope scope(heap);
  Value v = Value::list();
  for (int i = 0; i < 1'000'000; ++i) {
    Value outer = Value::list(1);
    outer.node()->push_back(std::move(v));
    v = std::move(outer);
  }
  v.freeze();
  v = Value();
  CHECK_FALSE(v.exists());
}

TEST_CASE("paths") {
  Heap heap;
  HeapScope scope(heap);
  CHECK(parse_path("/a/{/etc}/0").text() == "/a/_2fetc/0");
  CHECK(parse_path("obj/x:/a").authority == "obj/x");
  CHECK(parse_path("obj:a").type == Path::Type::external);
  CHECK(parse_path("/").terms.empty());
  for (const char* wrong : {"", "/0/a", "//a", "/a//b", "/a b", "/{a", "/a}", "/{a{b}}", "/a/01", "-x:/a b", ".x:/a", "/é"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(parse_path(wrong), Failure);
  }
  CHECK_THROWS_AS(parse_path("/a/99999999999"), Failure);
}

TEST_CASE("a held path gives its memory back, a wrong one takes none") {
  Heap heap;
  HeapScope scope(heap);
  auto use = [] {
    const HeldPath path(parse_path("obj/x:/a/{/etc}/0/a-rather-long-key-that-is-no-small-string"));
    CHECK(path->terms.size() == 4);
    HeldPath other;
    other = HeldPath(parse_path("/b"));
    CHECK((*other).text() == "/b");
    CHECK_THROWS_AS(parse_path("obj/x:/a/b/{/etc}/0/ "), Failure);
  };
  use();
  const std::size_t bytes = heap.bytes();
  for (int i = 0; i < 20'000; ++i) use();
  CHECK(heap.bytes() == bytes);
}

TEST_CASE("a heap begins with the size it is given and grows as others do") {
  Heap small(64), usual;
  CHECK(small.bytes() == 0);
  auto* first = static_cast<char*>(small.allocate(48));
  CHECK(small.bytes() == 64);
  auto* second = static_cast<char*>(small.allocate(160));
  CHECK(small.bytes() > 64 + 160);
  std::fill_n(first, 48, 'a');
  std::fill_n(second, 160, 'b');
  CHECK(first[47] == 'a');
  usual.allocate(1);
  CHECK(usual.bytes() > 1000);
}

TEST_CASE("escape and template names") {
  CHECK(escape("a b-c_d.1é") == "a_20b_2dc_5fd_2e1_e9");
  CHECK(escape("1abc") == "_31abc");
  CHECK(escape("") == "_");
  CHECK(unescape("_31abc_2f") == "1abc/");
  CHECK(unescape("_") == "");
  CHECK_THROWS_AS(escape("€"), Failure);
  CHECK_THROWS_AS(unescape("a_2"), Failure);
  CHECK_THROWS_AS(unescape("a_zz"), Failure);
  CHECK(valid_template_name("a/b-c+d.e"));
  for (const char* wrong : {"", "a//b", "/a", "a/.b", "a b", "../a"}) CHECK_FALSE(valid_template_name(wrong));
  CHECK(valid_include_name("a/b/c"));
  for (const char* wrong : {"", "/a", "a/", "-a", "a//b", "a b", "../a"}) CHECK_FALSE(valid_include_name(wrong));
}
