#include <doctest/doctest.h>

#include <algorithm>

#include "cdb/pan/builtin.h"
#include "cdb/pan/lsp/builtin_docs.h"
#include "cdb/pan/lsp/document.h"
#include "cdb/pan/lsp/wire.h"

using namespace cdb::pan;
using lsp::Frame;

namespace {

// All frames of some bytes, handed out `step` at a time: "m:text", "b" for a broken one, "e" at the end.
std::string frames(const std::string& bytes, std::size_t step, lsp::WireLimits limits = {}) {
  std::size_t at = 0;
  lsp::MessageReader reader(
      [&](char* to, std::size_t size) {
        const std::size_t part = std::min({size, step, bytes.size() - at});
        std::copy_n(bytes.data() + at, part, to);
        at += part;
        return part;
      },
      limits);
  std::string out;
  for (;;) {
    const Frame frame = reader.next();
    if (frame.kind == Frame::Kind::end) return out + "e";
    out += frame.kind == Frame::Kind::message ? "m:" + frame.text + " " : "b ";
  }
}

std::string message(const std::string& body) {
  return "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

TEST_CASE("messages are found whatever the pieces they come in") {
  const std::string bytes = message("{}") + "content-length:3\nContent-Type: x\n\nabc" + message("") + message("\r\n\r\n");
  for (const std::size_t step : {1u, 2u, 7u, 1000u}) CHECK(frames(bytes, step) == "m:{} m:abc m: m:\r\n\r\n e");
}

TEST_CASE("broken headers are reported and the next message is found") {
  CHECK(frames("rubbish\r\n\r\n" + message("{}"), 5) == "b m:{} e");
  CHECK(frames("rubbish\r\n" + message("{}"), 5) == "m:{} e");
  CHECK(frames("Content-Length: x\r\n\r\n" + message("{}"), 5) == "b m:{} e");
  CHECK(frames("Content-Length: -1\r\n\r\n" + message("{}"), 5) == "b m:{} e");
  CHECK(frames("Content-Length: 99999999999999999999\r\n\r\n" + message("{}"), 5) == "b m:{} e");
  CHECK(frames("Content-Length:\r\n\r\n" + message("{}"), 5) == "b m:{} e");
  CHECK(frames("Content-Type: y\r\n\r\n" + message("{}"), 5) == "b m:{} e");
  CHECK(frames(std::string(5000, 'x') + "\r\n\r\n" + message("{}"), 999, {100, 50}) == "b m:{} e");
}

TEST_CASE("long messages are read past") {
  CHECK(frames(message(std::string(101, 'x')) + message("{}"), 10, {100, 50}) == "b m:{} e");
  CHECK(frames(message(std::string(100, 'x')), 10, {100, 50}) == "m:" + std::string(100, 'x') + " e");
}

TEST_CASE("a stream may end anywhere") {
  const std::string whole = message("{\"a\":1}");
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK(frames(whole.substr(0, size), 3) == "e");
}

TEST_CASE("messages out are framed, and nothing is written to a side that is gone") {
  std::string out;
  lsp::MessageWriter good([&](std::string_view bytes) { return out += bytes, true; });
  good.send("{}");
  CHECK(out == "Content-Length: 2\r\n\r\n{}");
  int calls = 0;
  lsp::MessageWriter gone([&](std::string_view) { return ++calls, false; });
  gone.send("a");
  gone.send("b");
  CHECK(calls == 1);
}

TEST_CASE("documents follow edits in UTF-16 units") {
  using lsp::Dict;
  using lsp::List;
  const auto edit = [](int line, int from, int to_line, int to, const char* text) {
    return lsp::Value(Dict{{"range", Dict{{"start", Dict{{"line", line}, {"character", from}}},
                                          {"end", Dict{{"line", to_line}, {"character", to}}}}},
                           {"text", text}});
  };
  lsp::Document document("file:///a%20b.pan", 1, "# \xf0\x9f\x98\x80x\r\nvariable \xc3\xa9\n");
  CHECK(document.path() == "/a b.pan");
  document.change(2, List{edit(0, 4, 0, 5, "y")});
  CHECK(document.text() == "# \xf0\x9f\x98\x80y\r\nvariable \xc3\xa9\n");
  document.change(3, List{edit(1, 9, 1, 10, "X"), edit(1, 10, 2, 0, " = 1;")});
  CHECK(document.text() == "# \xf0\x9f\x98\x80y\r\nvariable X = 1;");
  CHECK(document.version() == 3);
  SUBCASE("places outside the text are moved into it") {
    document.change(4, List{edit(0, 900, 0, 901, "z"), edit(70, 0, 71, 5, "\n")});
    CHECK(document.text() == "# \xf0\x9f\x98\x80yz\r\nvariable X = 1;\n");
  }
  SUBCASE("ends before beginnings are turned round") {
    document.change(4, List{edit(1, 8, 1, 0, "V")});
    CHECK(document.text() == "# \xf0\x9f\x98\x80y\r\nV X = 1;");
  }
  SUBCASE("half a pair of surrogates is the whole character") {
    document.change(4, List{edit(0, 3, 0, 5, "")});
    CHECK((document.text().starts_with("# \r\n") || document.text().starts_with("# \xf0\x9f\x98\x80\r\n")));
  }
  SUBCASE("a whole text") {
    document.change(4, List{Dict{{"text", "template a;"}}});
    CHECK(document.text() == "template a;");
  }
  SUBCASE("malformed changes change nothing") {
    const std::string before = document.text();
    CHECK_THROWS_AS(document.change(4, List{edit(0, 0, 0, 1, "q"), Dict{{"text", 1}}}), lsp::RpcError);
    CHECK_THROWS_AS(document.change(4, List{Dict{{"text", "x"}, {"range", 3}}}), lsp::RpcError);
    CHECK_THROWS_AS(document.change(4, List{edit(-1, 0, 0, 1, "q")}), lsp::RpcError);
    CHECK(document.text() == before);
    CHECK(document.version() == 3);
  }
}

TEST_CASE("addresses and paths") {
  CHECK(lsp::path_of_uri("file:///a/b%2Fc.pan") == "/a/b/c.pan");
  CHECK(lsp::path_of_uri("file://localhost/a/../b") == "/b");
  CHECK(lsp::path_of_uri("file:///a%") == "/a%");
  CHECK(lsp::path_of_uri("file:///a%00b") == "");
  CHECK(lsp::path_of_uri("file:") == "file:");
  CHECK(lsp::path_of_uri("untitled:Untitled-1") == "untitled:Untitled-1");
  CHECK(lsp::uri_of_path("/a b/\xc3\xa9#.pan") == "file:///a%20b/%C3%A9%23.pan");
  CHECK(lsp::uri_of_path("untitled:Untitled-1") == "untitled:Untitled-1");
}

TEST_CASE("every function of Pan is described, with the arguments it takes") {
  CHECK(lsp::builtin_docs().size() == all_builtins().size());
  for (const Builtin& builtin : all_builtins()) {
    CAPTURE(std::string(builtin.name));
    const lsp::BuiltinDoc* doc = lsp::find_builtin_doc(builtin.name);
    REQUIRE(doc != nullptr);
    CHECK(doc->text.ends_with('.') != doc->text.ends_with('?'));
    const std::string parameters(doc->parameters);
    if (builtin.max_args < 0) CHECK(parameters.ends_with("..."));
    if (builtin.max_args >= 0)
      CHECK(std::count(parameters.begin(), parameters.end(), ',') + (parameters.empty() ? 0 : 1) == builtin.max_args);
    if (builtin.max_args >= 0 && builtin.name != "append" && builtin.name != "prepend")
      CHECK((std::count(parameters.begin(), parameters.end(), '[') > 0) == (builtin.min_args < builtin.max_args));
  }
  CHECK(lsp::find_builtin_doc("nothing") == nullptr);
}
