#include <doctest/doctest.h>

#include "cdb/http/input.h"
#include "cdb/http/rights.h"

using namespace cdb::http;
using base::Errc;
using Kind = Identity::Kind;

TEST_CASE("rights: who may what, and everybody else is told why not") {
  const Identity none{}, node{Kind::node, "n1"}, person{Kind::person, "alice"}, leaf{Kind::service, "leaf"},
      other{Kind::service, "grafana"};
  CHECK(may_read(person));
  CHECK(may_read(other));
  for (const auto& who : {none, node}) CHECK(may_read(who).error().code == Errc::denied);
  CHECK(may_read_profile(node, "n1"));
  CHECK(may_read_profile(other, "n1"));
  CHECK_FALSE(may_read_profile(node, "n2"));
  CHECK_FALSE(may_read_profile(node, "N1"));
  CHECK_FALSE(may_read_profile(none, ""));
  CHECK(must_be_node(node, "n1"));
  for (const auto& who : {none, person, leaf, Identity{Kind::node, "n2"}, Identity{Kind::service, "n1"}})
    CHECK_FALSE(must_be_node(who, "n1"));
  CHECK(may_edit(person, {"anything.pan"}));
  CHECK(may_edit(leaf, {"sms/n1.pan"}));
  for (const auto& paths : {std::vector<std::string>{"sms/n1.pan", "site/a.pan"}, std::vector<std::string>{"smsx/a.pan"},
                            std::vector<std::string>{"sms"}}) {
    CHECK_FALSE(may_edit(leaf, paths));
  }
  for (const auto& who : {none, node, other, Identity{Kind::node, "leaf"}}) {
    const auto refused = may_edit(who, {"sms/n1.pan"});
    REQUIRE_FALSE(refused);
    CHECK_FALSE(refused.error().hint.empty());
  }
  CHECK_FALSE(must_be_person(leaf, "x"));
}

TEST_CASE("bodies have a closed set of members of the right type") {
  base::http::Request request;
  const auto parse = [&](std::string text) {
    request.body = std::move(text);
    return body(request, 1000, {"name", "count", "on"});
  };
  const auto good = parse(R"({"name":"x","count":3,"on":true})");
  REQUIRE(good);
  CHECK(need_string(*good, "name", 10) == "x");
  CHECK(integer(*good, "count", 0, 5) == 3);
  CHECK(flag(*good, "on", false) == true);
  CHECK(parse(""));
  for (const auto* bad : {"[]", "1", "{", R"({"nam":"x"})", R"({"name":"x","name":"y"})", "null"}) CHECK_FALSE(parse(bad));
  CHECK(parse(R"({"nmae":1})").error().message.find("did you mean name") != std::string::npos);
  CHECK(parse("{\"name\":\"" + std::string(2000, 'x') + "\"}").error().code == Errc::exhausted);
  const auto odd = *parse(R"({"name":"a\u0000b","count":3.0,"on":"yes"})");
  CHECK_FALSE(need_string(odd, "name", 10));
  CHECK_FALSE(integer(odd, "count", 0, 5));
  CHECK_FALSE(flag(odd, "on", false));
  CHECK_FALSE(integer(*good, "count", 4, 5));
  CHECK_FALSE(need_string(*parse(R"({"name":""})"), "name", 10));
  CHECK_FALSE(need_string(*parse("{}"), "name", 10));
  CHECK_FALSE(need_string(*parse(R"({"name":"toolong"})"), "name", 3));
}

TEST_CASE("queries and times") {
  base::http::Request request;
  request.query = {{"limit", "5"}, {"on", "maybe"}, {"big", "99999999999999999999"}, {"neg", "-1"}, {"text", "5x"}};
  CHECK(query_integer(request, "limit", 1, 0, 10) == 5);
  CHECK(query_integer(request, "absent", 7, 0, 10) == 7);
  for (const auto* name : {"big", "neg", "text"}) CHECK_FALSE(query_integer(request, name, 1, 0, 10));
  CHECK_FALSE(query_flag(request, "on"));
  CHECK_FALSE(only_query(request, {"limit", "on"}));
  for (const auto* good : {"2026-11-23T01:02:03Z", "2026-11-23T01:02:03.123456Z", "2026-11-23T01:02:03+01:00"})
    CHECK(valid_rfc3339(good));
  for (const auto* bad :
       {"", "now", "2026-11-23", "2026-11-23 01:02:03Z", "2026-13-01T00:00:00Z", "2026-11-23T25:00:00Z", "2026-11-23T01:02:03",
        "2026-11-23T01:02:03.Z", "2026-11-23T01:02:03.5", "2026-11-23T01:02:03Zx", "2026-11-23T01:02:03+0100"}) {
    CAPTURE(std::string(bad));
    CHECK_FALSE(valid_rfc3339(bad));
  }
}
