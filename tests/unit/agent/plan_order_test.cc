// Order, dependencies and whole-profile refusals of the planner.
#include "agent/plan/order.h"
#include "planning.h"

using namespace agent_test;
using Names = std::vector<std::string>;

TEST_CASE("order: dependencies, then registry, then names") {
  CHECK(plan::order_components({{"b", {1, {}, {}}}, {"a", {2, {}, {}}}}).names == Names{"b", "a"});
  CHECK(plan::order_components({{"b", {1, {"a"}, {}}}, {"a", {2, {}, {}}}}).names == Names{"a", "b"});
  CHECK(plan::order_components({{"b", {1, {}, {}}}, {"a", {2, {}, {"b"}}}}).names == Names{"a", "b"});
  CHECK(plan::order_components({{"y", {5, {}, {}}}, {"x", {5, {}, {}}}}).names == Names{"x", "y"});
  CHECK(plan::order_components({{"a", {1, {"unknown"}, {}}}}).names == Names{"a"});
  CHECK(plan::order_components({}).names.empty());
}

TEST_CASE("order: loops are named, the rest is ordered") {
  auto order = plan::order_components({{"a", {1, {"b"}, {}}}, {"b", {2, {"a"}, {}}}, {"c", {3, {"a"}, {}}}, {"d", {4, {}, {}}}});
  CHECK(order.names == Names{"d"});
  CHECK(order.looped["a"] == "a -> b -> a");
  CHECK(order.looped["c"].empty());
  CHECK(plan::order_components({{"a", {1, {"a"}, {}}}}).looped["a"] == "a -> a");
}

TEST_CASE("a loop fails its components only") {
  World world;
  auto plan = world.plan(R"({"filecopy": {"dependencies": {"pre": ["symlink"]}, "services": {"_2fetc_2fx": {"config": "1"}}},
                             "symlink": {"dependencies": {"pre": ["filecopy"]}},
                             "dirperm": {"paths": [{"path": "/srv", "perm": "0755", "owner": "root", "type": "d"}]}})");
  CHECK(verbs(plan) == Names{"make-folder /srv"});
  CHECK(has(problems(plan, "filecopy"), "filecopy -> symlink -> filecopy"));
  CHECK(row(plan, "symlink").status == plan::Status::failed);
}

TEST_CASE("a profile without components is refused, not an order to remove everything") {
  for (const char* text : {"{}", R"({"software": {}})", R"({"software": {"components": {}}})",
                           R"({"software": {"components": []}})", R"({"software": 5})", "[]"}) {
    CAPTURE(text);
    World world;
    world.machine.file("/etc/x", "1");
    world.tracked["path:/etc/x"] = {"path:/etc/x", "filecopy", plan::to_value(plan::Image{}), {}, false};
    auto profile = json(text);
    auto plan = world.try_plan(&profile);
    REQUIRE(!plan.has_value());
    CHECK(has(plan.error().message, "no components"));
  }
}

TEST_CASE("malformed components fail alone, unknown ones are held and say so") {
  World world;
  auto plan = world.plan(
      R"({"filecopy": [], "symlink": {"active": "maybe"}, "dirperm": {"dependencies": {"pre": "x"}}, "filecpy": {}, "network": {"a": 1},
                             "metaconfig": {"dependencies": {"pre": ["accounts"]}}})");
  CHECK(plan.actions.empty());
  for (const char* name : {"filecopy", "symlink", "dirperm", "metaconfig"}) {
    CAPTURE(name);
    CHECK(row(plan, name).status == plan::Status::failed);
  }
  CHECK(row(plan, "network").status == plan::Status::held);
  CHECK(has(row(plan, "filecpy").notes.at(0), "did you mean filecopy"));
  CHECK(has(problems(plan, "metaconfig"), "'accounts', which is not in the profile"));
}

TEST_CASE("a component that cannot be planned keeps what it holds") {
  World world;
  world.apply(R"({"filecopy": {"services": {"_2fetc_2fx": {"config": "1"}}}})");
  CHECK(world.plan(R"({"filecopy": {"services": 5}})").actions.empty());
  CHECK(world.plan(R"({"filecopy": {"services": {}}})").actions.size() == 1);
}

TEST_CASE("with no profile at all everything tracked is restored") {
  World world;
  world.machine.file("/etc/x", "before");
  world.apply(R"({"filecopy": {"services": {"_2fetc_2fx": {"config": "1", "backup": false}, "_2fetc_2fy": {"config": "1"}}}})");
  auto plan = world.try_plan(nullptr);
  REQUIRE(plan.has_value());
  world.apply(*plan);
  CHECK(world.machine.contents["/etc/x"] == "before");
  CHECK(!world.machine.images.contains("/etc/y"));
  CHECK(world.tracked.empty());
}

TEST_CASE("plans survive their JSON form") {
  World world;
  world.machine.file("/etc/y", "2");
  auto plan = world.plan(R"({"filecopy": {"services": {"_2fetc_2fx": {"config": "1", "restart": "systemctl restart web"}}},
                             "symlink": {"links": [{"name": "/etc/y", "target": "z", "replace": {"all": "yes"}}]}})");
  auto back = plan::plan_from(json(base::profile::to_json(plan::to_value(plan))));
  REQUIRE(back.has_value());
  CHECK(plan::to_value(*back) == plan::to_value(plan));
  CHECK(!plan::plan_from(json("{}")).has_value());
  CHECK(!plan::plan_from(json(R"({"version": 1, "actions": [{"verb": "explode"}]})")).has_value());
  CHECK(!plan::plan_from(json(R"({"version": 1, "actions": [{"verb": "write", "before": {"kind": "x"}}]})")).has_value());
  CHECK(!plan::plan_from(json(R"({"version": 1, "claims": [{"key": ""}]})")).has_value());
}
