// metaconfig: renderers, convert options, daemons, refusals that leave the good old file.
#include "agent/component/convert.h"
#include "agent/component/render.h"
#include "planning.h"

using namespace agent_test;
using Verbs = std::vector<std::string>;
using component::render_contents;

namespace {

std::string service(const std::string& fields) {
  return R"({"metaconfig": {"services": {"_2fetc_2fx_2econf": {)" + fields + "}}}}";
}

}  // namespace

TEST_CASE("renderers") {
  auto tree = json(R"({"b": {"y": 1, "x": "text"}, "a": true, "list": [1, "two"]})");
  CHECK(*render_contents("json", tree) == "{\"a\":true,\"b\":{\"x\":\"text\",\"y\":1},\"list\":[1,\"two\"]}\n");
  CHECK(has(*render_contents("yaml", tree), "x: text"));
  CHECK(*render_contents("properties", tree) == "a=true\nb.x=text\nb.y=1\nlist=1,two\n");
  CHECK(*render_contents("tiny", json(R"({"b": {"y": 1, "x": "text"}, "a": true})")) == "a=true\n\n[b]\nx=text\ny=1\n");
  CHECK(*render_contents("general", tree) == "a true\n<b>\n    x text\n    y 1\n</b>\nlist 1\nlist two\n");
  CHECK(*render_contents("general", json(R"({"Dir /x": {"o": [{"k": 1}, {"k": 2}]}})")) ==
        "<Dir /x>\n    <o>\n        k 1\n    </o>\n    <o>\n        k 2\n    </o>\n</Dir>\n");
}

TEST_CASE("properties are escaped") {
  CHECK(*render_contents("properties", json(R"({"a b:c=d#e": " lead\\ and\nline"})")) ==
        "a\\ b\\:c\\=d\\#e=\\ lead\\\\ and\\nline\n");
}

TEST_CASE("renderers refuse what their format cannot hold") {
  CHECK(!render_contents("tiny", json(R"({"a": [1]})")).has_value());
  CHECK(!render_contents("tiny", json(R"({"a": {"b": {"c": 1}}})")).has_value());
  CHECK(!render_contents("tiny", json(R"({"a": "x\n[evil]"})")).has_value());
  CHECK(!render_contents("tiny", json(R"({"a=b": "x"})")).has_value());
  CHECK(!render_contents("tiny", json("[]")).has_value());
  CHECK(!render_contents("properties", json(R"({"a": [[1]]})")).has_value());
  CHECK(!render_contents("properties", json("5")).has_value());
  CHECK(!render_contents("general", json(R"({"a": [[1]]})")).has_value());
  CHECK(!render_contents("general", json(R"({"a": "x\ny"})")).has_value());
  CHECK(!render_contents("general", json(R"({"<a>": 1})")).has_value());
  auto unknown = render_contents("jsn", json("{}"));
  REQUIRE(!unknown.has_value());
  CHECK(has(unknown.error().message, "did you mean json"));
}

TEST_CASE("convert options") {
  auto tree = json(R"({"_41b": true, "n": [1, "x"], "s": "t"})");
  auto with = [&](const char* options) {
    auto value = json(options);
    auto out = component::convert(tree, &value);
    return out ? base::profile::to_json(*out) : out.error().message;
  };
  CHECK(with("{}") == base::profile::to_json(tree));
  CHECK(with(R"({"yesno": true})") == R"({"_41b":"yes","n":[1,"x"],"s":"t"})");
  CHECK(with(R"({"TRUEFALSE": true, "joincomma": true})") == R"({"_41b":"TRUE","n":"1,x","s":"t"})");
  CHECK(with(R"({"doublequote": true})") == R"({"_41b":true,"n":[1,"\"x\""],"s":"\"t\""})");
  CHECK(has(with(R"({"unescapekey": true, "lowerkey": true})"), R"("ab":true)"));
  CHECK(with(R"({"yesno": false})") == base::profile::to_json(tree));
  CHECK(has(with(R"({"yesno": true, "truefalse": true})"), "contradict"));
  CHECK(has(with(R"({"yes": true})"), "unknown convert option"));
  CHECK(has(with(R"({"yesno": "x"})"), "no boolean"));
  CHECK(has(with("[]"), "no dict"));
}

TEST_CASE("metaconfig writes, restarts, and then has nothing to do") {
  World world;
  auto profile = service(
      R"("module": "tiny", "contents": {"a": 1}, "preamble": "# head", "mode": 416, "group": "www-data", "daemons": {"web": "restart", "db": "reload"})");
  auto plan = world.apply(profile);
  CHECK(verbs(plan) == Verbs{"write /etc/x.conf", "reload db.service", "restart web.service"});
  CHECK(world.machine.contents["/etc/x.conf"] == "# head\na=1\n");
  CHECK(world.machine.images["/etc/x.conf"].mode == 0640);
  CHECK(world.plan(profile).actions.empty());
  SUBCASE("leaving the profile tells the daemons too") {
    CHECK(verbs(world.plan(R"({"metaconfig": {}})")) == Verbs{"remove /etc/x.conf", "reload db.service", "restart web.service"});
  }
  SUBCASE("only a change of mode counts as a change") {
    world.machine.images["/etc/x.conf"].mode = 0666;
    CHECK(verbs(world.plan(profile)) == Verbs{"set-attributes /etc/x.conf", "reload db.service", "restart web.service"});
  }
}

TEST_CASE("condrestart restarts only what runs") {
  World world;
  auto profile = service(R"("module": "json", "contents": {}, "daemons": {"web": "condrestart"})");
  CHECK(world.plan(profile).actions.size() == 1);
  world.machine.units["web.service"] = {"loaded", "active", "enabled", false};
  CHECK(world.plan(profile).actions.size() == 2);
}

TEST_CASE("two files with one daemon restart it once") {
  World world;
  auto plan =
      world.plan(R"({"metaconfig": {"services": {"_2fetc_2fa": {"module": "json", "contents": {}, "daemons": {"web": "restart"}},
                                                         "_2fetc_2fb": {"module": "json", "contents": {}, "daemons": {"web.service": "restart"}}}}})");
  CHECK(verbs(plan) == Verbs{"write /etc/a", "write /etc/b", "restart web.service"});
  CHECK(plan.actions[2].triggers == std::vector<int>{0, 1});
}

TEST_CASE("a refused service keeps its old file, the others are done") {
  World world;
  world.apply(service(R"("module": "json", "contents": {"good": 1})"));
  for (const char* bad :
       {R"("module": "httpd/config", "contents": {})", R"("contents": {})", R"("module": "json")",
        R"("module": 5, "contents": {})", R"("module": "json", "contents": {}, "mode": "x")",
        R"("module": "json", "contents": {}, "owner": "nobody-such")",
        R"("module": "json", "contents": {}, "daemons": {"web": "explode"})",
        R"("module": "json", "contents": {}, "daemons": {"../web": "restart"})",
        R"("module": "json", "contents": {}, "daemons": ["web"])",
        R"("module": "json", "contents": {}, "actions": {"changed": "x"})",
        R"("module": "json", "contents": {}, "backup": "/../../etc/shadow")",
        R"("module": "json", "contents": {}, "convert": {"x": true})", R"("module": "json", "contents": {}, "preamble": 7)"}) {
    CAPTURE(bad);
    auto plan = world.plan(R"({"metaconfig": {"services": {"_2fetc_2fx_2econf": {)" + std::string(bad) +
                           R"(}, "_2fetc_2fother": {"module": "json", "contents": {}}}}})");
    CHECK(verbs(plan) == Verbs{"write /etc/other"});
    CHECK(has(problems(plan, "metaconfig"), "/etc/x.conf: "));
  }
}

TEST_CASE("an inactive service keeps its file") {
  World world;
  world.apply(service(R"("module": "json", "contents": {"good": 1})"));
  CHECK(world.plan(service(R"("module": "json", "contents": {"new": 1}, "active": false)")).actions.empty());
}
