#include "leaf/storage/steps.h"

#include <fmt/format.h>

namespace leaf::storage {

using base::Errc;
using base::fail;
using base::Result;
using base::pg::Rows;
using base::pg::Transaction;
using base::profile::Dict;
using base::profile::Value;
using workflow::Seen;
using workflow::StepContext;
using workflow::Verdict;

namespace {

class StorageStep : public workflow::StepKind {
 public:
  StorageStep(std::shared_ptr<base::pg::Pool> pool, std::shared_ptr<fabric::Fabric> fabric, Drivers drivers)
      : pool_(std::move(pool)), fabric_(std::move(fabric)), drivers_(std::move(drivers)) {}

 protected:
  static bool full(const StepContext& context) { return context.vars.get_string("drain", "full") == "full"; }
  DrainRequest request_of(StepContext& context) {
    DrainRequest request;
    request.node = context.subject;
    request.idem_key = fmt::format("wf{}", context.instance);
    request.fence = context.fence;
    request.full = full(context);
    if (const Value* progress = context.result.get("progress")) request.progress = *progress;
    request.may_act = context.may_act;
    request.save = [&context](const Value& progress) { return context.progress(Dict{{"progress", progress}}); };
    return request;
  }
  std::shared_ptr<base::pg::Pool> pool_;
  std::shared_ptr<fabric::Fabric> fabric_;
  Drivers drivers_;
};

class Drain : public StorageStep {
 public:
  using StorageStep::StorageStep;

  // What was there before anything moved: evidence, and the measure of progress.
  Result<Value> before(StepContext& context) override {
    fabric::Node node = WEFT_TRY(fabric_->node(context.subject));
    Driver* driver = WEFT_TRY(driver_of(drivers_, node));
    if (!driver || !full(context)) return Value(Dict{});
    Answer answer = WEFT_TRY(driver->estimate(node));
    if (!answer.yes)
      return fail(Errc::unavailable, answer.why, "Add space or bring other members back, the drain goes on by itself");
    return answer.detail;
  }
  Result<Seen> observe(StepContext&) override { return Seen::not_done; }
  Result<> act(StepContext& context) override {
    fabric::Node node = WEFT_TRY(fabric_->node(context.subject));
    Driver* driver = WEFT_TRY(driver_of(drivers_, node));
    if (!driver || !full(context)) return {};
    return driver->drain_start(request_of(context));
  }
  Result<Verdict> verify(StepContext& context) override {
    fabric::Node node = WEFT_TRY(fabric_->node(context.subject));
    Driver* driver = WEFT_TRY(driver_of(drivers_, node));
    if (!driver) return Verdict::finished("nothing to drain: the node has no storage");
    if (!full(context)) return Verdict::finished("not drained: the claim says that the data stays");
    // Two drains of one pool would choose the same targets without seeing each other.
    std::string resource = fmt::format("storage:{}", node.storage.get_string("pool"));
    std::int64_t holder = WEFT_TRY(lock(context, resource));
    if (holder != context.instance) return Verdict::pending(fmt::format("waits: workflow {} drains the same pool", holder));
    DrainStatus status = WEFT_TRY(driver->drain_status(request_of(context)));
    Value result = Dict{{"progress", status.progress}};
    if (!status.done) return Verdict::pending(status.message, result);
    WEFT_TRY(unlock(context));
    return Verdict::finished(status.message, result);
  }
  Result<> abandon(StepContext& context) override { return compensate(context); }
  Result<> compensate(StepContext& context) override {
    fabric::Node node = WEFT_TRY(fabric_->node(context.subject));
    Driver* driver = WEFT_TRY(driver_of(drivers_, node));
    if (driver) WEFT_TRY(driver->drain_cancel(request_of(context)));
    return unlock(context);
  }

 private:
  // The holder's run: ours when it was free, ours already, or forgotten by its holder.
  Result<std::int64_t> lock(StepContext& context, std::string_view resource) {
    std::int64_t holder = 0;
    WEFT_TRY(pool_->run([&](Transaction& tx) -> Result<> {
      WEFT_TRY(tx.exec(
          "INSERT INTO leaf.lock AS l (resource, instance, fence, reason, until) VALUES ($1, $2, $3, $4, now() + interval '10 "
          "min')"
          " ON CONFLICT (resource) DO UPDATE SET instance = excluded.instance, fence = excluded.fence, reason = excluded.reason,"
          " until = excluded.until WHERE l.instance = excluded.instance OR l.until < now()",
          {resource, context.instance, context.fence, "drain of " + context.subject}));
      Rows rows = WEFT_TRY(tx.exec("SELECT instance FROM leaf.lock WHERE resource = $1", {resource}));
      holder = rows.integer(0, 0);
      return {};
    }));
    return holder;
  }
  Result<> unlock(StepContext& context) {
    return pool_->run([&](Transaction& tx) -> Result<> {
      WEFT_TRY(tx.exec("DELETE FROM leaf.lock WHERE instance = $1", {context.instance}));
      return {};
    });
  }
};

// Asked again right before people touch the machine: what was true when the drain ended may not be true now.
class Safe : public StorageStep {
 public:
  using StorageStep::StorageStep;
  Result<Seen> observe(StepContext&) override { return Seen::done; }
  Result<> act(StepContext&) override { return {}; }
  Result<Verdict> verify(StepContext& context) override {
    fabric::Node node = WEFT_TRY(fabric_->node(context.subject));
    Driver* driver = WEFT_TRY(driver_of(drivers_, node));
    if (!driver) return Verdict::finished("safe: the node has no storage");
    Answer answer = WEFT_TRY(full(context) ? driver->safe_to_destroy(node) : driver->ok_to_stop(node));
    if (!answer.yes)
      return Verdict::pending("not safe yet: " + answer.why, Dict{{"confirmed", false}, {"detail", answer.detail}});
    // Two looks at different times: an upload that was under way at the first shows at the second.
    if (!context.result.get_boolean("confirmed")) return Verdict::pending("safe, looking once more", Dict{{"confirmed", true}});
    return Verdict::finished(answer.why, Dict{{"confirmed", true}, {"detail", answer.detail}});
  }
};

}  // namespace

Result<Driver*> driver_of(const Drivers& drivers, const fabric::Node& node) {
  if (node.storage.is_null()) return nullptr;
  std::string_view name = node.storage.get_string("driver");
  auto at = drivers.find(name);
  if (at == drivers.end()) {
    return fail(Errc::invalid,
                fmt::format("node {} holds data of storage driver '{}', which LEAF does not know", node.name, name),
                "Correct /software/components/storage/driver in its template");
  }
  return at->second.get();
}

void add_steps(workflow::Registry& registry, std::shared_ptr<base::pg::Pool> pool, std::shared_ptr<fabric::Fabric> fabric,
               Drivers drivers) {
  registry.kinds["storage.drain"] = std::make_shared<Drain>(pool, fabric, drivers);
  registry.kinds["storage.safe"] = std::make_shared<Safe>(pool, fabric, drivers);
}

}  // namespace leaf::storage
