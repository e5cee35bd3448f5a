#include <doctest/doctest.h>

#include "base/profile/json.h"
#include "leaf/http/input.h"

using base::Errc;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;
using namespace leaf::http;

TEST_CASE("input: texts are limited and hold no control characters; line breaks of a note are fine") {
  const Value body = Dict{{"long", std::string(4097, 'x')}, {"fits", std::string(4096, 'x')}, {"note", "one\ntwo\tthree"},
                          {"escape", "a\x1b[2Jb"},          {"nul", std::string("a\0b", 3)},  {"number", 7}};
  CHECK(text_field(body, "fits", true)->size() == 4096);
  CHECK(*text_field(body, "note", true) == "one\ntwo\tthree");
  CHECK(*text_field(body, "absent", false) == "");
  for (const auto* key : {"long", "escape", "nul", "number", "absent"}) {
    CAPTURE(key);
    const auto refused = text_field(body, key, true);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::invalid);
    CHECK(refused.error().message.find(key) != std::string::npos);
  }
}

TEST_CASE("input: lists are limited, and so is each item") {
  const auto list = [](List items) { return list_field(Dict{{"nodes", std::move(items)}}, "nodes"); };
  CHECK(list({"disk01", "disk*"})->size() == 2);
  CHECK_FALSE(list(List(20001, Value("n"))));
  CHECK_FALSE(list({std::string(254, 'n')}));
  CHECK_FALSE(list({"a\nb\x07"}));
  CHECK_FALSE(list({""}));
  CHECK_FALSE(list({1}));
}

TEST_CASE("input: a body is an object of known fields within its limit") {
  base::http::Request request;
  request.body = R"({"whi": "x"})";
  CHECK(body_of(request, {"why"}).error().message.find("why") != std::string::npos);
  request.body = "[]";
  CHECK_FALSE(body_of(request, {"why"}));
  request.body = "{\"why\": \"" + std::string((1u << 20) + 1, 'x') + "\"}";
  CHECK_FALSE(body_of(request, {"why"}));
}

TEST_CASE("input: nodes and strangers are nobody here") {
  base::http::Request request;
  request.identity = {base::http::Identity::Kind::node, "disk01"};
  CHECK(actor(request).error().code == Errc::denied);
  request.identity = {};
  CHECK(actor(request).error().code == Errc::denied);
  request.identity = {base::http::Identity::Kind::service, "monitor"};
  CHECK(*actor(request) == "service/monitor");
}
