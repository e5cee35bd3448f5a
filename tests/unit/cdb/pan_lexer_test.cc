// Tokens: kinds, values, places; heredocs and annotations; what is refused and where. Names and patterns that parsers share.
#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

#include "cdb/pan/lexer.h"
#include "cdb/pan/names.h"
#include "cdb/pan/pattern_cache.h"

using namespace cdb::pan;

namespace {

// "kind:text" of each token but the last, parted by blanks; a wrong text is "error message@begin-end".
std::string lexed(std::string_view source) {
  std::string out;
  try {
    Lexer lexer(source);
    for (Token token = lexer.next(); token.kind != Lex::end; token = lexer.next()) {
      if (!out.empty()) out += ' ';
      out += std::to_string(static_cast<int>(token.kind)) + ":" + std::string(token.text);
    }
  } catch (const Failure& failure) {
    const Span span = failure.problem->place.span;
    out = failure.problem->message + "@" + std::to_string(span.begin) + "-" + std::to_string(span.end);
  }
  return out;
}

std::string kind(Lex lex, std::string_view text) {
  return std::to_string(static_cast<int>(lex)) + ":" + std::string(text);
}

std::string one_string(std::string_view source) {
  Lexer lexer(source);
  const Token token = lexer.next();
  CHECK(token.kind == Lex::string);
  CHECK(token.span.end == source.size());
  CHECK(lexer.next().kind == Lex::end);
  CHECK(lexer.next().kind == Lex::end);
  return std::string(token.text);
}

}  // namespace

TEST_CASE("every word is one, and only as it is written") {
  const std::pair<const char*, Lex> words[] = {
      {"undef", Lex::undef},
      {"null", Lex::null},
      {"true", Lex::true_},
      {"false", Lex::false_},
      {"if", Lex::if_},
      {"for", Lex::for_},
      {"with", Lex::with},
      {"else", Lex::else_},
      {"type", Lex::type},
      {"bind", Lex::bind},
      {"while", Lex::while_},
      {"valid", Lex::valid},
      {"final", Lex::final},
      {"prefix", Lex::prefix},
      {"unique", Lex::unique},
      {"object", Lex::object},
      {"foreach", Lex::foreach},
      {"include", Lex::include},
      {"template", Lex::template_},
      {"function", Lex::function},
      {"variable", Lex::variable},
      {"structure", Lex::structure},
      {"extensible", Lex::extensible},
      {"declaration", Lex::declaration},
      {"choice", Lex::choice},
  };
  for (const auto& [text, lex] : words) {
    CAPTURE(text);
    CHECK(lexed(text) == kind(lex, text));
    std::string other = text;
    other.back() = other.back() == 'x' ? 'y' : 'x';
    CHECK(lexed(other) == kind(Lex::identifier, other));
    other = text;
    other[0] = static_cast<char>(other[0] - 32);
    CHECK(lexed(other) == kind(Lex::identifier, other));
    CHECK(lexed(text + std::string("_")) == kind(Lex::identifier, text + std::string("_")));
    CHECK(lex_name(lex).find(text) != std::string_view::npos);
  }
}

TEST_CASE("a template's name follows the word template only") {
  CHECK(lexed("template a-b/c.d+e;") ==
        kind(Lex::template_, "template") + " " + kind(Lex::template_name, "a-b/c.d+e") + " " + kind(Lex::semicolon, ";"));
  CHECK(lexed("template\n# note\n 9x") == kind(Lex::template_, "template") + " " + kind(Lex::template_name, "9x"));
  CHECK(lexed("template 'x'") == kind(Lex::template_, "template") + " " + kind(Lex::string, "x"));
  CHECK(lexed("a-b") == kind(Lex::identifier, "a") + " " + kind(Lex::minus, "-") + " " + kind(Lex::identifier, "b"));
}

TEST_CASE("numbers") {
  CHECK(lexed("0 7 077 08 0x1F 0x 1.5 1.e 1e3 1E-2 1e 2..3") ==
        kind(Lex::octal, "0") + " " + kind(Lex::decimal, "7") + " " + kind(Lex::octal, "077") + " " + kind(Lex::octal, "0") +
            " " + kind(Lex::decimal, "8") + " " + kind(Lex::hexadecimal, "0x1F") + " " + kind(Lex::octal, "0") + " " +
            kind(Lex::identifier, "x") + " " + kind(Lex::real, "1.5") + " " + kind(Lex::decimal, "1") + " " +
            kind(Lex::error, ".") + " " + kind(Lex::identifier, "e") + " " + kind(Lex::real, "1e3") + " " +
            kind(Lex::real, "1E-2") + " " + kind(Lex::decimal, "1") + " " + kind(Lex::identifier, "e") + " " +
            kind(Lex::decimal, "2") + " " + kind(Lex::range, "..") + " " + kind(Lex::decimal, "3"));
}

TEST_CASE("strings of any length give their value") {
  for (std::size_t size = 0; size < 70; ++size) {
    const std::string text(size, 'a');
    CHECK(one_string("'" + text + "'") == text);
    CHECK(one_string("\"" + text + "\"") == text);
    CHECK(one_string("'" + text + "''" + text + "'") == text + "'" + text);
    CHECK(one_string("\"" + text + "\\n" + text + "\"") == text + "\n" + text);
  }
  CHECK(one_string(R"('a\n"b')") == R"(a\n"b)");
  CHECK(one_string("''''''") == "''");
  CHECK(one_string(R"("\t\r\b\f\\\"'\x41\xe9")") == "\t\r\b\f\\\"'A\xc3\xa9");
  CHECK(one_string("\"a\\\nb\\\r\nc\"") == "abc");
  // The longest match: a quote behind a backslash ends the string only when no other does.
  CHECK(one_string(R"("x\\" + ")") == R"(x\" + )");
  CHECK(one_string("\"x\\\\\"") == "x\\");
}

TEST_CASE("strings that do not end are errors of one character") {
  CHECK(lexed("'abc\n'") == kind(Lex::error, "'") + " " + kind(Lex::identifier, "abc") + " " + kind(Lex::error, "'"));
  CHECK(lexed("\"abc") == kind(Lex::error, "\"") + " " + kind(Lex::identifier, "abc"));
  CHECK(lexed("\xc3\xa9") == kind(Lex::error, "\xc3\xa9"));
}

TEST_CASE("wrong escapes name themselves and their string") {
  CHECK(lexed(R"(  "a\qb")") == "a double-quoted string has no escape sequence \\q@2-8");
  CHECK(lexed(R"("\x4g")") == "\\x in a double-quoted string needs two hexadecimal digits, not '4g'@0-6");
  CHECK(lexed(R"("\x4")") == "the double-quoted string ends in the middle of a \\x escape sequence@0-5");
  CHECK(lexed("\"a\\\"") == "the double-quoted string ends in the middle of an escape sequence@0-4");
}

TEST_CASE("comments, blanks and line ends of every kind part tokens") {
  CHECK(lexed("a#b 'c'\r\nd\fe\tf\rg                      h# end") ==
        kind(Lex::identifier, "a") + " " + kind(Lex::identifier, "d") + " " + kind(Lex::identifier, "e") + " " +
            kind(Lex::identifier, "f") + " " + kind(Lex::identifier, "g") + " " + kind(Lex::identifier, "h"));
}

TEST_CASE("heredocs: the lines behind the line that announces them, several in order, whatever stands on that line") {
  CHECK(lexed("<<A;\none\n two\nA\nb") ==
        kind(Lex::heredoc, "one\n two\n") + " " + kind(Lex::semicolon, ";") + " " + kind(Lex::identifier, "b"));
  CHECK(lexed("<<A + <<B # <<C\nA\nx\r\nB\nb") == kind(Lex::heredoc, "") + " " + kind(Lex::plus, "+") + " " +
                                                      kind(Lex::heredoc, "x\r\n") + " " + kind(Lex::identifier, "b"));
  CHECK(lexed("<<A 'B\nA\nb") == kind(Lex::heredoc, "") + " " + kind(Lex::error, "'") + " " + kind(Lex::identifier, "B") + " " +
                                     kind(Lex::identifier, "b"));
  CHECK(lexed("<<A \"x\\\ny\" '#'\nin\nA") ==
        kind(Lex::heredoc, "in\n") + " " + kind(Lex::string, "xy") + " " + kind(Lex::string, "#"));
  CHECK(lexed("<<A @{ two\nlines } c\nin\nA\r\n") == kind(Lex::heredoc, "in\n") + " " + kind(Lex::identifier, "c"));
  CHECK(lexed("<< A") == kind(Lex::heredoc_mark, "<<") + " " + kind(Lex::identifier, "A"));
  CHECK(lexed("x <<AB\nAB \n AB") == "end of file while looking for the end of heredoc 'AB'@2-6");
  CHECK(lexed("<<A <<B\nA\n") == "end of file while looking for the end of heredoc 'B'@4-7");
  CHECK(lexed("<<A") == "end of file while looking for the end of heredoc 'A'@0-3");
}

TEST_CASE("annotations are passed over, remembered with their place, and checked") {
  Lexer lexer("a @{ any text; 'x } b @note(k = v\nl = \"w\"\n) c");
  while (lexer.next().kind != Lex::end) {
  }
  const auto annotations = lexer.take_annotations();
  REQUIRE(annotations.size() == 2);
  CHECK(annotations[0].span.begin == 2);
  CHECK(annotations[0].span.end == 19);
  CHECK(annotations[1].span.begin == 22);
  CHECK(lexed("a @xmlx{t}") == "this annotation is neither a description nor a list of key=value pairs@2-10");
  CHECK(lexed("@{a = 'b}") == "this annotation is neither a description nor a list of key=value pairs@0-9");
  CHECK(lexed("@ x") == kind(Lex::error, "@") + " " + kind(Lex::identifier, "x"));
  CHECK(lexed("@{ never closed") == kind(Lex::error, "@") + " " + kind(Lex::lbrace, "{") + " " + kind(Lex::identifier, "never") +
                                        " " + kind(Lex::identifier, "closed"));
}

TEST_CASE("a whole text at once keeps the values of its literals") {
  Tokens tokens = tokenize("'it''s' \"a\\tb\"");
  const Tokens moved = std::move(tokens);
  REQUIRE(moved.list.size() == 3);
  CHECK(moved.list[0].text == "it's");
  CHECK(moved.list[1].text == "a\tb");
  CHECK(moved.list[2].kind == Lex::end);
}

TEST_CASE("names keep their number and text, in any number, from any thread; tables do not mix") {
  Names names, others;
  CHECK(names.intern("SELF") == Names::self);
  CHECK(names.intern("LOADPATH") == Names::loadpath);
  CHECK(others.intern("only here") == Names::fixed_count);
  CHECK(names.intern("there first") == Names::fixed_count);
  constexpr int many = 5000;
  std::vector<std::vector<Symbol>> seen(4);
  std::vector<std::thread> threads;
  for (auto& symbols : seen)
    threads.emplace_back([&names, &symbols] {
      for (int i = 0; i < many; ++i) symbols.push_back(names.intern("name" + std::to_string(i)));
    });
  for (std::thread& thread : threads) thread.join();
  for (const auto& symbols : seen) CHECK(symbols == seen[0]);
  for (int i = 0; i < many; ++i) REQUIRE(names.text(seen[0][static_cast<std::size_t>(i)]) == "name" + std::to_string(i));
  CHECK(names.size() == Names::fixed_count + 1 + many);
  {
    // A table that comes after another at the same place starts empty.
    for (int round = 0; round < 3; ++round) {
      Names fresh;
      CHECK(fresh.intern("round" + std::to_string(round)) == Names::fixed_count);
      CHECK(fresh.intern("round0") == Names::fixed_count + (round == 0 ? 0 : 1));
    }
  }
}

TEST_CASE("patterns are compiled once, flags count, wrong ones stay errors") {
  const auto first = compiled_pattern("^a+$");
  REQUIRE(first);
  CHECK(*compiled_pattern("^a+$") == *first);
  CHECK(*compiled_pattern("^a+$", "i") != *first);
  CHECK(*(*compiled_pattern("^a+$", "i"))->find("AA"));
  CHECK_FALSE(*(*first)->find("AA"));
  CHECK_FALSE(compiled_pattern("(a"));
  CHECK_FALSE(compiled_pattern("(a"));
  for (int i = 0; i < 5000; ++i) REQUIRE(compiled_pattern("p" + std::to_string(i % 2500)));
  CHECK(*(*first)->find("aa"));
}
