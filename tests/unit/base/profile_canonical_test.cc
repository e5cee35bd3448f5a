// One-walk writing and text differences must be what to_json(), merkle() and diff() give.
#include <doctest/doctest.h>

#include <random>

#include "base/profile/canonical.h"
#include "base/profile/canonical_diff.h"
#include "base/profile/json.h"

using namespace base::profile;

namespace {

std::string text_of(std::mt19937& random) {
  static constexpr std::string_view pieces[] = {"a",      "b", "zz", "\"", "\\", "\n", "\x01", "\xc3\xa9", "\xf0\x9f\x98\x80",
                                                "{}[],:", " ", "0"};
  std::string out;
  for (auto n = random() % 4; n > 0; --n) out += pieces[random() % std::size(pieces)];
  return out;
}

Value tree(std::mt19937& random, int depth) {
  switch (random() % (depth > 0 ? 8 : 5)) {
    case 0: return random() % 2 == 0;
    case 1: return static_cast<std::int64_t>(random() % 3 == 0 ? -1 : random() % 20);
    case 2: return static_cast<double>(random() % 8) / 4;
    case 3: return text_of(random);
    case 4: return nullptr;
    case 5: {
      List list;
      for (auto n = random() % 4; n > 0; --n) list.push_back(tree(random, depth - 1));
      return list;
    }
    default: {
      Dict dict;
      for (auto n = random() % 5; n > 0; --n) dict[text_of(random)] = tree(random, depth - 1);
      return dict;
    }
  }
}

void write(CanonicalWriter& writer, const Value& value) {
  switch (value.type()) {
    case Type::null: return writer.null();
    case Type::boolean: return writer.boolean(*value.boolean());
    case Type::integer: return writer.integer(*value.integer());
    case Type::real: return writer.real(*value.real());
    case Type::string: return writer.string(*value.string());
    case Type::list:
      writer.begin_list();
      for (const auto& item : *value.list()) write(writer, item);
      return writer.end();
    case Type::dict:
      writer.begin_dict();
      for (const auto& [key, child] : *value.dict()) {
        writer.key(key);
        write(writer, child);
      }
      return writer.end();
  }
}

// Changes something somewhere, or nothing.
void disturb(std::mt19937& random, Value& value, int depth) {
  if (auto* dict = value.dict(); dict && !dict->empty() && random() % 4 != 0) {
    const auto place = std::next(dict->begin(), static_cast<std::ptrdiff_t>(random() % dict->size()));
    if (random() % 6 == 0) {
      dict->erase(place);
    } else if (random() % 6 == 0) {
      (*dict)[text_of(random)] = tree(random, 1);
    } else {
      disturb(random, place->second, depth - 1);
    }
  } else if (auto* list = value.list(); list && !list->empty() && random() % 4 != 0) {
    if (random() % 4 == 0) {
      list->pop_back();
    } else if (random() % 4 == 0) {
      list->push_back(tree(random, 1));
    } else {
      disturb(random, (*list)[random() % list->size()], depth - 1);
    }
  } else if (random() % 3 != 0) {
    value = tree(random, depth);
  }
}

std::string lines(const std::vector<Change>& changes) {
  std::string out;
  for (const auto& change : changes)
    out += change.path.text() + " " + (change.before ? to_json(*change.before) : "-") + " " +
           (change.after ? to_json(*change.after) : "-") + "\n";
  return out;
}

}  // namespace

TEST_CASE("the canonical writer gives the text and the hash of the value") {
  std::mt19937 random(1);
  CanonicalWriter writer;
  for (int i = 0; i < 2000; ++i) {
    const Value value = tree(random, 5);
    writer.clear();
    write(writer, value);
    CHECK(writer.json() == to_json(value));
    CHECK(writer.root() == merkle(value));
  }
  writer.clear();
  write(writer, *parse_json(R"({"a":[1,[]],"b":{"c":{"d":[2.5,"x"]}}})"));
  CHECK(writer.leaves() == 3);
  CHECK(writer.depth() == 4);
}

TEST_CASE("an element that is known already is the same as one that is written") {
  const Value part = *parse_json(R"({"k":[1,{"x":"y"}],"z":[]})");
  CanonicalWriter writer;
  write(writer, Value(List{part}));
  writer.clear();
  writer.begin_list();
  const auto first = writer.mark();
  write(writer, part);
  const auto kept = writer.element(first);
  const auto second = writer.mark();  // behind a comma
  write(writer, part);
  CHECK(writer.element(second).text == kept.text);
  writer.known(kept);
  writer.begin_dict();
  writer.key("a");
  writer.known(kept);
  writer.end();
  writer.end();
  const Value whole = List{part, part, part, Dict{{"a", part}}};
  CHECK(writer.json() == to_json(whole));
  CHECK(writer.root() == merkle(whole));
  CHECK(writer.leaves() == 8);
  CHECK(writer.depth() == 5);
  CHECK(kept.text == to_json(part));
  CHECK(kept.hash == merkle(part));
  CHECK(kept.depth == 3);
  // As the whole tree.
  writer.clear();
  const auto mark = writer.mark();
  write(writer, part);
  const auto root = writer.element(mark);
  CHECK(root.hash == merkle(part));
  writer.clear();
  writer.known(root);
  CHECK(writer.json() == to_json(part));
  CHECK(writer.root() == merkle(part));
}

TEST_CASE("differences of canonical texts are those of the values") {
  std::mt19937 random(2);
  std::size_t differing = 0;
  for (int i = 0; i < 5000; ++i) {
    const Value before = tree(random, 5);
    Value after = before;
    for (auto n = random() % 3; n > 0; --n) disturb(random, after, 4);
    if (random() % 20 == 0) after = tree(random, 4);
    const auto found = diff_canonical(to_json(before), to_json(after));
    CAPTURE(to_json(before));
    CAPTURE(to_json(after));
    REQUIRE(found);
    CHECK(lines(found->changes) == lines(diff(before, after)));
    differing += !found->changes.empty();
  }
  CHECK(differing > 1000);
}

TEST_CASE("a number that another one begins with, and a key that another one begins with, are differences") {
  const auto changes = [](std::string_view before, std::string_view after) {
    const auto found = diff_canonical(before, after);
    REQUIRE(found);
    return lines(found->changes);
  };
  CHECK(changes(R"({"a":1})", R"({"a":12})") == "/a 1 12\n");
  CHECK(changes(R"({"a":12})", R"({"a":1})") == "/a 12 1\n");
  CHECK(changes(R"({"a":0.0})", R"({"a":-0.0})") == "/a 0.0 -0.0\n");
  CHECK(changes(R"({"a":1})", R"({"a":1.0})") == "/a 1 1.0\n");
  CHECK(changes(R"({"a":1})", R"({"a":1,"ab":2})") == "/ab - 2\n");
  CHECK(changes(R"({"a\"":1,"b":1})", R"({"a#":1,"b":1})") == "/a\" 1 -\n/a# - 1\n");
  CHECK(changes("[]", "{}") == "/ [] {}\n");
  CHECK(changes("[1,2]", "[1]") == "/1 2 -\n");
  CHECK(changes("1", "1") == "");
}

TEST_CASE("a stored text that is cut off or not JSON is an error, not a difference") {
  const std::string whole = R"({"a":[1,{"b":"x\"y"}],"c":{"d":true}})";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(diff_canonical(whole.substr(0, size), whole));
    CHECK_FALSE(diff_canonical(whole, whole.substr(0, size)));
  }
  for (const char* bad : {"{\"a\"}", "{\"a\":}", "{a:1}", "[1,,2]", "}", "\"", "{\"a\":1}}", "{\"a\":1 x}", "nonsense{}"}) {
    CAPTURE(bad);
    CHECK_FALSE(diff_canonical(whole, bad));
  }
  const std::string deep = std::string(200, '[') + std::string(200, ']');
  CHECK(diff_canonical(deep, deep).error().code == base::Errc::exhausted);
}
