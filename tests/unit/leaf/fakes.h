// A world outside for workflow tests, kept in the test database so that it outlives a killed worker: table effect(key, n) counts
// what each step really did. Single-threaded unless a test says otherwise.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/pg/pg.h"
#include "leaf/fabric/fabric.h"
#include "leaf/workflow/engine.h"

namespace tests::leaf {

// The database with leaf's schema and the table of effects.
void prepare(base::pg::Pool& pool);
int effects(base::pg::Pool& pool, const std::string& key);
base::pg::Rows query(base::pg::Pool& pool, std::string_view sql, const std::vector<base::pg::Param>& params = {});

// Kind "fake": act() counts an effect unless it is there already, observe() looks it up. input: fail: <errc name> (fails while
// the row switch(name) in table knob says so), blind: true (observe says unknown), wait: true (verify is pending while knob
// "wait" is set).
class FakeStep : public ::leaf::workflow::StepKind {
 public:
  FakeStep(std::shared_ptr<base::pg::Pool> pool, bool idempotent) : pool_(std::move(pool)), idempotent_(idempotent) {}
  bool idempotent() const override { return idempotent_; }
  base::Result<::leaf::workflow::Seen> observe(::leaf::workflow::StepContext& context) override;
  base::Result<> act(::leaf::workflow::StepContext& context) override;
  base::Result<::leaf::workflow::Verdict> verify(::leaf::workflow::StepContext& context) override;
  base::Result<> compensate(::leaf::workflow::StepContext& context) override;
  std::function<void()> before_act;  // a test's own pause

 private:
  std::shared_ptr<base::pg::Pool> pool_;
  bool idempotent_;
};
void set_knob(base::pg::Pool& pool, const std::string& name, bool on);

::leaf::workflow::Registry fake_registry(std::shared_ptr<base::pg::Pool> pool);

// Turns until nothing is due; makes parked runs due at once, so tests never wait.
void drive(base::pg::Pool& pool, ::leaf::workflow::Engine& engine, int turns = 60);
void make_due(base::pg::Pool& pool);

// Nodes of a fabric that a test writes down. Thread-safe.
class FakeFabric : public ::leaf::fabric::Fabric {
 public:
  base::Result<std::vector<::leaf::fabric::Node>> nodes() override;
  base::Result<::leaf::fabric::Node> node(std::string_view name) override;
  base::Result<base::profile::Value> profile(std::string_view node) override;
  base::Result<::leaf::fabric::TemplateFile> read_template(std::string_view path) override;
  base::Result<std::int64_t> change(std::string_view path, const std::optional<std::string>& content, std::int64_t base,
                                    std::string_view message) override;
  ::leaf::fabric::Node& add(std::string name, std::string rack);
  ::leaf::fabric::Node& at(std::string_view name);

  std::mutex mutex;
  std::vector<::leaf::fabric::Node> list;
  std::map<std::string, std::string> files;
  std::int64_t revision = 1;
  int changes = 0, conflicts_to_come = 0;
  bool down = false, agents_apply = true, ambiguous_once = false;
  base::profile::Value cluster_budget;
};

}  // namespace tests::leaf
