#include "base/text/text.h"

#include <doctest/doctest.h>

#include <random>

#include "base/file/file.h"
#include "base/process/process.h"
#include "tests/unit/base/temporary_folder.h"

using namespace base::text;
using namespace std::chrono_literals;

namespace {

std::string duration(std::string_view text) {
  const auto parsed = parse_duration(text);
  return parsed ? std::to_string(parsed->count()) : "refused";
}

std::vector<std::string> near(std::string_view word, std::vector<std::string> candidates) {
  return did_you_mean(word, candidates);
}

}  // namespace

TEST_CASE("text: split and join") {
  CHECK(split("a,b,,c", ',') == std::vector<std::string>{"a", "b", "", "c"});
  CHECK(split("", ',') == std::vector<std::string>{""});
  CHECK(split(",", ',') == std::vector<std::string>{"", ""});
  CHECK(join(std::vector<std::string>{}, ", ") == "");
  CHECK(join(std::vector<std::string>{"a", "", "b"}, ", ") == "a, , b");
}

TEST_CASE("text: trim") {
  CHECK(trim(" \t a b\r\n") == "a b");
  CHECK(trim("") == "");
  CHECK(trim(" \n ") == "");
}

TEST_CASE("text: UTF-8, the strict kind") {
  for (const auto* good : {"", "abc", "é", "€", "𝄞", "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf", "\x7f"})
    CHECK_MESSAGE(valid_utf8(good), good);
  for (const auto* bad :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc3", "\xc3(", "\xe0\x80\x80", "\xe2\x82", "\xed\xa0\x80", "\xed\xbf\xbf",
        "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xfe", "a\xe2\x82z", "\xf0\x9d\x84"})
    CHECK_FALSE(valid_utf8(bad));
  CHECK(valid_utf8(std::string_view("a\0b", 3)));
}

TEST_CASE("text: did you mean") {
  CHECK(near("lsit", {"list", "show"}) == std::vector<std::string>{"list"});
  CHECK(near("templat", {"template", "temple", "node"}) == std::vector<std::string>{"template", "temple"});
  CHECK(near("tempate", {"template", "temples", "node"}) == std::vector<std::string>{"template"});
  CHECK(near("nod", {"node", "code"}) == std::vector<std::string>{"node"});
  CHECK(near("abcde", {"abcxy", "abxyz"}) == std::vector<std::string>{"abcxy"});
  CHECK(near("", {"a"}).empty());
  CHECK(near("a", {}).empty());
  CHECK(near("node", {""}).empty());
  CHECK(near(std::string(1000, 'a'), {std::string(1000, 'a') + "b"}).empty());
  CHECK(near("aaaaa", {"aaaab", "aaaac", "aaaad", "aaaae", "aaaaf", "aaaag"}).size() == 5);
  CHECK(near("aaaaa", {"aabba", "aaaba", "aaaba"}) == std::vector<std::string>{"aaaba", "aabba"});
  CHECK(did_you_mean_suffix("lsit", std::vector<std::string>{"list"}) == " (did you mean list?)");
  CHECK(did_you_mean_suffix("xyzzy", std::vector<std::string>{"list"}) == "");
}

TEST_CASE("text: RFC 3339") {
  const auto at = [](std::int64_t ms) { return rfc3339(std::chrono::system_clock::time_point(std::chrono::milliseconds(ms))); };
  CHECK(at(0) == "1970-01-01T00:00:00.000Z");
  CHECK(at(1795394400123) == "2026-11-23T00:40:00.123Z");
  CHECK(at(951782399999) == "2000-02-28T23:59:59.999Z");
  CHECK(at(-1) == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("text: durations") {
  CHECK(duration("90s") == "90");
  CHECK(duration("15m") == "900");
  CHECK(duration("2h") == "7200");
  CHECK(duration("3d") == "259200");
  CHECK(duration("1h30m") == "5400");
  CHECK(duration("1d1h1m1s") == "90061");
  CHECK(duration(" 5s ") == "5");
  CHECK(duration("0s") == "0");
  for (const auto* bad : {"", " ", "5", "s", "-5s", "+5s", "5 s", "1.5h", "5x", "5ss", "1m1h", "1h1h", "99999999999999999999s",
                          "99999999d", "1000000000000h", "5s ago", "0x5s", "1h-5m"})
    CHECK_MESSAGE(duration(bad) == "refused", bad);
}

TEST_CASE("text: durations for people") {
  CHECK(human_duration(0ms) == "0 ms");
  CHECK(human_duration(999ms) == "999 ms");
  CHECK(human_duration(1234ms) == "1.2 s");
  CHECK(human_duration(59960ms) == "1 min");
  CHECK(human_duration(3min) == "3 min");
  CHECK(human_duration(90min) == "1.5 h");
  CHECK(human_duration(72h) == "3.0 days");
}

TEST_CASE("text: globs") {
  for (const auto& [pattern, word] : std::vector<std::pair<std::string, std::string>>{{"", ""},
                                                                                      {"*", ""},
                                                                                      {"*", "abc"},
                                                                                      {"a*c", "abc"},
                                                                                      {"a*c", "ac"},
                                                                                      {"a?c", "abc"},
                                                                                      {"*b*", "abc"},
                                                                                      {"**", "x"},
                                                                                      {"a*b*c", "aXbXbXc"},
                                                                                      {"disk*.example.org", "disk01.example.org"},
                                                                                      {"?", "x"}})
    CHECK_MESSAGE(glob_match(pattern, word), pattern, " ", word);
  for (const auto& [pattern, word] : std::vector<std::pair<std::string, std::string>>{{"", "a"},
                                                                                      {"?", ""},
                                                                                      {"a", "A"},
                                                                                      {"a*c", "abd"},
                                                                                      {"a?c", "ac"},
                                                                                      {"abc", "ab"},
                                                                                      {"ab", "abc"},
                                                                                      {"*b", "bc"},
                                                                                      {"a.c", "abc"},
                                                                                      {"[ab]", "a"}})
    CHECK_MESSAGE(!glob_match(pattern, word), pattern, " ", word);
  CHECK_FALSE(glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*b", std::string(5000, 'a')));
}

TEST_CASE("diff: the usual cases") {
  CHECK(unified_diff("a\n", "a\n", "x", "y") == "");
  CHECK(unified_diff("", "a\n", "x", "y") == "--- x\n+++ y\n@@ -0,0 +1 @@\n+a\n");
  CHECK(unified_diff("a\n", "", "x", "y") == "--- x\n+++ y\n@@ -1 +0,0 @@\n-a\n");
  CHECK(unified_diff("a\nb\nc\n", "a\nB\nc\n", "x", "y") == "--- x\n+++ y\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
  CHECK(unified_diff("a", "a\n", "x", "y") == "--- x\n+++ y\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n");
  CHECK(unified_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\n5\n6\n7\n8\nX\n", "x", "y") ==
        "--- x\n+++ y\n@@ -6,4 +6,4 @@\n 6\n 7\n 8\n-9\n+X\n");
}

TEST_CASE("diff: patch(1) turns the old text into the new one, whatever they are") {
  std::mt19937 random(20261123);
  const TemporaryFolder folder;
  for (int round = 0; round < 150; ++round) {
    std::string before, after;
    const auto lines = random() % 40, alphabet = 1 + random() % 6;
    for (unsigned i = 0; i < lines; ++i) {
      const std::string line = std::string(1, static_cast<char>('a' + random() % alphabet)) + "\n";
      before += line;
      if (random() % 5) after += line;
      if (random() % 5 == 0) after += std::string(1, static_cast<char>('a' + random() % alphabet)) + "\n";
    }
    if (random() % 4 == 0 && !before.empty()) before.pop_back();
    if (random() % 4 == 0 && !after.empty()) after.pop_back();
    const auto diff = unified_diff(before, after, "file", "file");
    if (before == after) {
      CHECK(diff.empty());
      continue;
    }
    REQUIRE(base::file::write_atomic(folder.path / "file", before, {.durable = false}));
    const auto patched = base::process::run(
        {.argv = {"patch", "-s", "-p0", "-F0", "--no-backup-if-mismatch", "file"}, .input = diff, .folder = folder.path});
    if (!patched) return;  // no patch(1) on this machine: the cases above remain
    CHECK_MESSAGE(patched->status == 0, diff, patched->out, patched->err);
    CHECK_MESSAGE(base::file::read(folder.path / "file").value_or("") == after, diff);
  }
}

TEST_CASE("diff: is as short as can be") {
  std::string before, after;
  for (int i = 0; i < 2000; ++i) before += "line " + std::to_string(i) + "\n";
  after = before;
  after.replace(after.find("line 1000\n"), 10, "changed\n");
  const auto diff = unified_diff(before, after, "x", "y");
  CHECK(split(diff, '\n').size() == 12);
}

TEST_CASE("diff: two unlike large texts end in bounded work") {
  std::string before, after;
  for (int i = 0; i < 20000; ++i) {
    before += "b" + std::to_string(i) + "\n";
    after += "a" + std::to_string(i) + "\n";
  }
  const auto diff = unified_diff(before, after, "x", "y");
  CHECK(diff.find("@@ -1,20000 +1,20000 @@\n-b0\n") != std::string::npos);
}
