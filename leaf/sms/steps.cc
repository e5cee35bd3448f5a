#include "leaf/sms/steps.h"

#include <fmt/format.h>

#include "base/text/text.h"
#include "leaf/sms/claims.h"
#include "leaf/sms/fragment.h"

namespace leaf::sms {

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

class SmsStep : public workflow::StepKind {
 public:
  SmsStep(std::shared_ptr<base::pg::Pool> pool, std::shared_ptr<fabric::Fabric> fabric)
      : pool_(std::move(pool)), fabric_(std::move(fabric)) {}

 protected:
  // The configuration database holds what the claims say, and the node has applied it.
  Result<Verdict> published_and_applied(const std::string& name) {
    std::string wanted;
    {
      Transaction tx = WEFT_TRY(pool_->begin());
      Rows rows = WEFT_TRY(tx.exec("SELECT generation <= done, error FROM leaf.outbox WHERE target = $1", {name}));
      if (rows.empty()) return fail(Errc::internal, fmt::format("node {} has no outbox row", name));
      if (!rows.boolean(0, 0)) {
        return Verdict::pending(rows.text(0, 1).empty()
                                    ? fmt::format("waits until the profile of {} is published", name)
                                    : fmt::format("the profile of {} cannot be published yet: {}", name, rows.text(0, 1)));
      }
      wanted = effective_state(WEFT_TRY(held_claims(tx, name)));
    }
    fabric::Node node = WEFT_TRY(fabric_->node(name));
    if (node.state != wanted && !(node.state.empty() && wanted == "production")) {
      return Verdict::pending(fmt::format("the profile of {} says state '{}', the claims say '{}'", name, node.state, wanted));
    }
    if (node.applied_root.empty() || node.applied_root != node.desired_root) {
      return Verdict::pending(fmt::format("waits until {} applies its profile {}", name, node.desired_root.substr(0, 12)));
    }
    return Verdict::finished(fmt::format("{} has applied state '{}' (profile {})", name, wanted, node.applied_root.substr(0, 12)),
                             Dict{{"state", wanted}, {"root", node.applied_root}});
  }
  std::shared_ptr<base::pg::Pool> pool_;
  std::shared_ptr<fabric::Fabric> fabric_;
};

class Publish : public SmsStep {
 public:
  using SmsStep::SmsStep;
  Result<Seen> observe(StepContext&) override { return Seen::not_done; }
  // The budget is ours: the claims that waited for it take effect.
  Result<> act(StepContext& context) override {
    return pool_->run([&](Transaction& tx) -> Result<> {
      WEFT_TRY(lock_node(tx, context.subject));
      WEFT_TRY(tx.exec("UPDATE leaf.claim SET granted = true WHERE node = $1 AND cleared_at IS NULL AND due AND NOT granted",
                       {context.subject}));
      return touch_outbox(tx, context.subject);
    });
  }
  Result<Verdict> verify(StepContext& context) override { return published_and_applied(context.subject); }
  // The claim goes; its effect on the profile stays until the run "return" has verified the node.
  Result<> compensate(StepContext& context) override {
    return pool_->run([&](Transaction& tx) -> Result<> {
      WEFT_TRY(lock_node(tx, context.subject));
      WEFT_TRY(clear_claim(tx, context.vars.get_integer("claim"), fmt::format("workflow {}", context.instance)));
      return {};
    });
  }
};

class VerifyNode : public SmsStep {
 public:
  VerifyNode(std::shared_ptr<base::pg::Pool> pool, std::shared_ptr<fabric::Fabric> fabric, storage::Drivers drivers,
             std::chrono::seconds patience)
      : SmsStep(std::move(pool), std::move(fabric)), drivers_(std::move(drivers)), patience_(patience) {}
  Result<Seen> observe(StepContext&) override { return Seen::not_done; }
  Result<> act(StepContext&) override { return {}; }
  Result<Verdict> verify(StepContext& context) override { return look(context.subject); }
  Result<> gave_up(Transaction& tx, StepContext& context, const base::Error& error) override {
    std::string reason = "not healthy after " + std::string(context.vars.get_string("reason", "work")) + ": " + error.message;
    for (char& c : reason) {
      if (static_cast<unsigned char>(c) < 0x20) c = ' ';
    }
    if (reason.size() > 190) {
      reason.resize(190);
      while (!base::text::valid_utf8(reason)) reason.pop_back();
    }
    return quarantine(tx, context.subject, context.instance, reason);
  }
  Result<Verdict> look(const std::string& name) {
    fabric::Node node = WEFT_TRY(fabric_->node(name));
    if (std::string complaint = node.complaint(patience_); !complaint.empty())
      return Verdict::pending(fmt::format("{}: {}", name, complaint));
    storage::Driver* driver = WEFT_TRY(storage::driver_of(drivers_, node));
    std::string service = "no storage service to ask";
    if (driver) {
      auto answer = driver->verify(node);
      if (!answer) return Verdict::pending(fmt::format("{}: {}", name, answer.error().message));
      if (!answer->yes) return Verdict::pending(fmt::format("{}: {}", name, answer->why));
      service = answer->why;
    }
    return Verdict::finished(fmt::format("{} is healthy: agent alive and applied, {}", name, service));
  }

 private:
  storage::Drivers drivers_;
  std::chrono::seconds patience_;
};

class Release : public SmsStep {
 public:
  Release(std::shared_ptr<base::pg::Pool> pool, std::shared_ptr<fabric::Fabric> fabric, storage::Drivers drivers,
          std::shared_ptr<VerifyNode> check)
      : SmsStep(std::move(pool), std::move(fabric)), drivers_(std::move(drivers)), check_(std::move(check)) {}
  Result<Seen> observe(StepContext&) override { return Seen::not_done; }
  // The claim that this run served is over, and so are our own quarantines: the node was just verified.
  Result<> act(StepContext& context) override {
    return pool_->run([&](Transaction& tx) -> Result<> {
      WEFT_TRY(lock_node(tx, context.subject));
      std::string who = fmt::format("workflow {}", context.instance);
      WEFT_TRY(clear_claim(tx, context.vars.get_integer("claim"), who));
      for (const Claim& claim : WEFT_TRY(held_claims(tx, context.subject))) {
        if (!claim.cleared && claim.owner == "leaf" && claim.state == "quarantine") WEFT_TRY(clear_claim(tx, claim.id, who));
      }
      return {};
    });
  }
  Result<Verdict> verify(StepContext& context) override {
    if (!context.result.get_boolean("released")) {
      if (std::string others = WEFT_TRY(holding(context.subject)); !others.empty())
        return Verdict::pending("stays out of service for " + others);
      // The first verification may be days old by now.
      if (WEFT_TRY(held(context.subject))) {
        Verdict healthy = WEFT_TRY(check_->look(context.subject));
        if (!healthy.done) return healthy;
      }
      WEFT_TRY(context.may_act());
      std::string others;
      WEFT_TRY(pool_->run([&](Transaction& tx) -> Result<> {
        WEFT_TRY(lock_node(tx, context.subject));
        others = WEFT_TRY(holding(tx, context.subject));
        if (!others.empty()) return {};
        WEFT_TRY(tx.exec(
            "UPDATE leaf.claim SET released_at = now() WHERE node = $1 AND cleared_at IS NOT NULL AND released_at IS NULL",
            {context.subject}));
        // In the same transaction: a claim that comes after this is for the next run.
        WEFT_TRY(tx.exec("UPDATE leaf.step SET result = '{\"released\": true}' WHERE instance = $1 AND step = $2",
                         {context.instance, context.step}));
        return touch_outbox(tx, context.subject);
      }));
      if (!others.empty()) return Verdict::pending("stays out of service for " + others);
    }
    Verdict there = WEFT_TRY(published_and_applied(context.subject));
    there.result = Dict{{"released", true}};
    if (!there.done) return there;
    fabric::Node node = WEFT_TRY(fabric_->node(context.subject));
    if (storage::Driver* driver = WEFT_TRY(storage::driver_of(drivers_, node)))
      there.message += "; " + WEFT_TRY(driver->return_start(node));
    return there;
  }

 private:
  // Claims that keep the node out of service; standby is a state to return to.
  Result<std::string> holding(Transaction& tx, const std::string& node) {
    std::string text;
    for (const Claim& claim : WEFT_TRY(held_claims(tx, node))) {
      if (claim.cleared || !claim.due || severity(claim.state) <= severity("standby")) continue;
      text += fmt::format("{}'{}' ({}, {})", text.empty() ? "" : ", ", claim.reason, claim.state, claim.owner);
    }
    return text;
  }
  Result<std::string> holding(const std::string& node) {
    Transaction tx = WEFT_TRY(pool_->begin());
    return holding(tx, node);
  }
  Result<bool> held(const std::string& node) {
    Transaction tx = WEFT_TRY(pool_->begin());
    return !WEFT_TRY(held_claims(tx, node)).empty();
  }
  storage::Drivers drivers_;
  std::shared_ptr<VerifyNode> check_;
};

}  // namespace

void add_steps(workflow::Registry& registry, std::shared_ptr<base::pg::Pool> pool, std::shared_ptr<fabric::Fabric> fabric,
               storage::Drivers drivers, std::chrono::seconds patience) {
  auto check = std::make_shared<VerifyNode>(pool, fabric, drivers, patience);
  registry.kinds["sms.publish"] = std::make_shared<Publish>(pool, fabric);
  registry.kinds["node.verify"] = check;
  registry.kinds["sms.release"] = std::make_shared<Release>(pool, fabric, drivers, check);
}

}  // namespace leaf::sms
