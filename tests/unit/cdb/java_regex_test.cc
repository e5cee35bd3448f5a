// Expected results are what java.util.regex gave (OpenJDK 17).
#include <doctest/doctest.h>

#include <thread>

#include "cdb/pan/java/java.h"

using namespace cdb::pan::java;

namespace {

// "no", "!! message", or the groups as "[whole][1]...".
std::string found(std::string_view pattern, std::string_view subject) {
  auto regex = Regex::compile(pattern);
  if (!regex) return "!! " + regex.error().message;
  auto groups = regex->groups(subject);
  if (!groups) return "!! " + groups.error().message;
  if (!*groups) return "no";
  std::string text;
  for (std::string_view group : **groups) text += "[" + std::string(group) + "]";
  return text;
}

std::string replaced(std::string_view pattern, std::string_view subject, std::string_view replacement) {
  auto text = Regex::compile(pattern).value().replace_all(subject, replacement);
  return text ? *text : "!! " + text.error().message;
}

std::string split_text(std::string_view pattern, std::string_view subject, int limit) {
  std::string text;
  auto pieces = Regex::compile(pattern).value().split(subject, limit).value();
  for (const std::string& piece : pieces) text += "[" + piece + "]";
  return text;
}

struct Case {
  std::string_view pattern, subject, expected;
};

}  // namespace

TEST_CASE("patterns mean what they mean in Java") {
  const Case cases[] = {
      {"a(b)?(c)", "ac", "[ac][][c]"},
      {"(?<host>\\w+)\\.(?<domain>.*)", "a.b.c", "[a.b.c][a][b.c]"},
      {"a++b", "aab", "[aab]"},
      {"(?>a|ab)c", "abc", "no"},
      {"[a-z&&[^aeiou]]+", "xaeb", "[x]"},
      {"[^a&&b]", "b", "[b]"},
      {"[^[a]b]", "b", "no"},
      {"[a-c&&b-d&&c]", "b", "no"},
      {"[a-[bc]]", "-", "[-]"},
      {"[]a]", "]", "[]]"},
      {"[a&b]", "&", "[&]"},
      {"[.$^]", "^", "[^]"},
      {"[\\w.-]+", "a-b.c", "[a-b.c]"},
      {"\\p{Alnum}+", "a1é", "[a1]"},
      {"\\w", "é", "no"},
      {"\\s", "\xc2\xa0", "no"},
      {"\\h", "\xc2\xa0", "[\xc2\xa0]"},
      {"\\p{javaLowerCase}", "É é", "[é]"},
      {"\\p{IsAlphabetic}+", "1é", "[é]"},
      {"\\p{IsLatin}", "αb", "[b]"},
      {"\\P{L}", "a1", "[1]"},
      {"(?i)\\p{Lu}", "a", "[a]"},
      {"(?i)é", "É", "no"},
      {"(?iu)é", "É", "[É]"},
      {"(?i)k", "\u212a", "no"},
      {"(?iu)k", "\u212a", "[\u212a]"},
      {"(?i)[^K]", "k", "no"},
      {"a(?i)b|c", "C", "[C]"},
      {"((?i)a)B", "Ab", "no"},
      {".", "\xc2\x85", "no"},
      {"(?d).", "\r", "[\r]"},
      {"(?s)a.b", "a\nb", "[a\nb]"},
      {"a$", "a\r\n", "[a]"},
      {"a$", "a\n\n", "no"},
      {"(?d)a$", "a\r", "no"},
      {"(?m)^b$", "a\nb\nc", "[b]"},
      {"(?m)^", "", "no"},
      {"\\Aa\\z", "a\n", "no"},
      {"a\\Z", "a\n", "[a]"},
      {"a\\Rb", "a\r\nb", "[a\r\nb]"},
      {"(?x) a b # c", "ab", "[ab]"},
      {"(?x)[a b]", " ", "no"},
      {"\\Qa.b\\E+", "a.bb", "[a.bb]"},
      {"\\0101\\x41\\u0041\\x{41}", "AAAA", "[AAAA]"},
      {"\\ud83d\\ude00", "😀", "[😀]"},
      {"^.$", "😀", "[😀]"},
      {"(a)\\1", "aa", "[aa][a]"},
      {"(?<x>a)\\k<x>", "aa", "[aa][a]"},
      {"(a)\\2", "aa", "no"},
      {"(a)\\11", "aa1", "[aa1][a]"},
      {"a{2}{3}", "aaaaaa", "[aa]"},
      {"(?<=(ab|cd))x", "cdx", "[x][cd]"},
      {"a}]", "a}]", "[a}]]"},
      {"", "x", "[]"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.pattern);
    CHECK(found(c.pattern, c.subject) == c.expected);
  }
}

TEST_CASE("wrong and unsupported patterns are refused") {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"(a", "Unclosed group"},
      {"a)", "Unmatched closing ')'"},
      {"[a", "Unclosed character class"},
      {"[[a]", "Unclosed character class"},
      {"(?x)[a#b]", "Unclosed character class"},
      {"*a", "Dangling meta character '*'"},
      {"a**", "Dangling meta character '*'"},
      {"a|+", "Dangling meta character '+'"},
      {"a{", "Illegal repetition"},
      {"a{,3}", "Illegal repetition"},
      {"a{3,1}", "Illegal repetition range"},
      {"a{99999999999}", "Illegal repetition range"},
      {"a{2", "Unclosed counted closure"},
      {"[z-a]", "Illegal character range"},
      {"[a-\\d]", "Illegal character range"},
      {"\\y", "Illegal/unsupported escape sequence"},
      {"[\\b]", "Illegal/unsupported escape sequence"},
      {"\\", "Unexpected internal error"},
      {"\\08", "Illegal octal escape sequence"},
      {"\\x4", "Illegal hexadecimal escape sequence"},
      {"\\u00", "Illegal Unicode escape sequence"},
      {"\\x{110000}", "Hexadecimal codepoint is too big"},
      {"\\p{Foo}", "Unknown character property name {Foo}"},
      {"\\p{Lu", "Unclosed character family"},
      {"\\p{}", "Empty character family"},
      {"(?z)a", "Unknown inline modifier"},
      {"(?P<n>a)", "Unknown inline modifier"},
      {"(?<1a>b)", "capturing group name does not start with a Latin letter"},
      {"(?<a>b)(?<a>c)", "Named capturing group <a> is already defined"},
      {"\\k<x>", "named capturing group <x> does not exist"},
      // Java knows these; we say that we do not, instead of meaning something else.
      {"\\Ga", "\\G is not supported"},
      {"(?U)\\w", "(?U), are not supported"},
      {"\\p{InNowhere}", "Unknown character block name {Nowhere}"},
      {"\\p{block=}", "Unknown character block name"},
      {"[&&&a]", "Bad class syntax"},
      {"(?i)(a)\\1", "back reference under (?i)"},
      {"(?<=a+)b", "not fixed length"},
      {"\\b{g}", "\\b{g} is not supported"},
      {"\\p{IsKlingonese}", "not supported"},
  };
  for (auto [pattern, part] : cases) {
    CAPTURE(pattern);
    auto regex = Regex::compile(pattern);
    REQUIRE(!regex);
    CHECK_MESSAGE(regex.error().message.find(part) != std::string::npos, regex.error().message);
  }
  CHECK(!Regex::compile("a", "q"));
  CHECK(!Regex::compile(std::string(2000, '(')));
  CHECK(Regex::compile(std::string(5000, '[')).error().message.find("nested too deeply") != std::string::npos);
}

TEST_CASE("flags given apart from the pattern") {
  CHECK(Regex::compile("a.B", "is").value().find("A\nb").value());
  CHECK(!Regex::compile("a.B", "i").value().find("A\nb").value());
  CHECK(Regex::compile("^b", "m").value().find("a\nb").value());
}

TEST_CASE("full_match takes the whole subject") {
  auto regex = Regex::compile("a|ab").value();
  CHECK(regex.full_match("ab").value());
  CHECK(regex.find("xab").value());
  CHECK(!regex.full_match("xab").value());
  CHECK(!regex.full_match("ab\n").value());
}

TEST_CASE("replace_all") {
  CHECK(replaced("(\\w)(\\d)?", "a1b", "<$1-$2>") == "<a-1><b->");
  CHECK(replaced("(?<n>b)", "abc", "[${n}]") == "a[b]c");
  CHECK(replaced("b", "abc", "\\$\\\\") == "a$\\c");
  CHECK(replaced("(a)", "a", "$11") == "a1");
  CHECK(replaced("x*", "abc", "-") == "-a-b-c-");
  CHECK(replaced("x", "abc", "$9 is not looked at") == "abc");
  CHECK(replaced("", "é", ".") == ".é.");
  for (std::string_view bad : {"$", "$x", "$9", "\\", "${", "${nobody}", "${}"})
    CHECK_MESSAGE(replaced("b", "abc", bad).starts_with("!! "), bad);
}

TEST_CASE("split drops trailing empty pieces unless told otherwise") {
  CHECK(split_text(",", "a,b,,", 0) == "[a][b]");
  CHECK(split_text(",", "a,b,,", -1) == "[a][b][][]");
  CHECK(split_text(",", "a,b,c", 2) == "[a][b,c]");
  CHECK(split_text(",", "a,b,c", 1) == "[a,b,c]");
  CHECK(split_text(",", ",a", 0) == "[][a]");
  CHECK(split_text(",", "", 0) == "[]");
  CHECK(split_text(".", "abc", 0) == "");
  CHECK(split_text("", "abc", 0) == "[a][b][c]");
  CHECK(split_text("\\s*", "a b", 0) == "[a][][b]");
}

TEST_CASE("no pattern can hang, no subject can break it") {
  auto nested = Regex::compile("(a+)+$").value().find(std::string(60, 'a') + "!");
  REQUIRE(!nested);
  CHECK(nested.error().code == base::Errc::exhausted);
  CHECK(nested.error().hint.find("possessive") != std::string::npos);
  auto broken = Regex::compile("a").value().find("\xff\xfe");
  REQUIRE(!broken);
  CHECK(broken.error().code == base::Errc::invalid);
  CHECK(Regex::compile("(?:a|b)*c").value().find(std::string(200000, 'a') + "c").value_or(true));
}

TEST_CASE("one Regex serves many threads") {
  auto regex = Regex::compile("(\\d+)-(\\d+)").value();
  std::vector<std::thread> threads;
  std::vector<int> right(4);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        std::string subject = "x" + std::to_string(i) + "-" + std::to_string(t);
        auto groups = regex.groups(subject).value();
        right[static_cast<std::size_t>(t)] += groups && (*groups)[1] == std::to_string(i) && (*groups)[2] == std::to_string(t);
      }
    });
  for (auto& thread : threads) thread.join();
  for (int count : right) CHECK(count == 500);
}
