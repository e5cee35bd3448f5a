// Role leaf: the workflow engine with its workers, the publisher of claims, the reconciler, and the HTTP routes of leaf/http.
#include <condition_variable>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "base/crypto/crypto.h"
#include "base/file/file.h"
#include "base/log/log.h"
#include "base/metrics/metrics.h"
#include "leaf/http/api.h"
#include "leaf/sms/publisher.h"
#include "leaf/sms/steps.h"
#include "leaf/storage/steps.h"
#include "leaf/workflow/budget.h"
#include "programs/weftd/role.h"

namespace programs::weftd {
namespace {

using base::Errc;
using base::fail;
using base::Result;
using base::profile::Value;
namespace log = base::log;

struct Settings {
  int workers = 4;
  std::chrono::seconds patience{300};  // an agent not heard of for longer is not alive
  leaf::workflow::BudgetLimits budget;
  leaf::storage::MoverOptions mover;
};

Result<Settings> settings_of(const Value& all) {
  Settings out;
  const Value* own = all.get("leaf");
  if (!own || own->is_null()) return out;
  auto wrong = [](std::string_view what) { return fail(Errc::invalid, fmt::format("weftd.yaml: leaf: {}", what)); };
  for (const auto& [key, value] : own->is_dict() ? *own->dict() : base::profile::Dict{}) {
    if (key != "workers" && key != "patience_s" && key != "budget" && key != "mover_bytes_per_second")
      return wrong(fmt::format("unknown key '{}'", key));
  }
  out.workers = static_cast<int>(own->get_integer("workers", out.workers));
  if (out.workers < 1 || out.workers > 64) return wrong("'workers' must be 1 to 64");
  out.patience = std::chrono::seconds(own->get_integer("patience_s", out.patience.count()));
  if (out.patience.count() < 1) return wrong("'patience_s' must be at least 1");
  out.budget = WEFT_TRY(leaf::workflow::BudgetLimits::from(own->get("budget"), out.budget));
  out.budget.patience = out.patience;
  out.mover.bytes_per_second = own->get_integer("mover_bytes_per_second", out.mover.bytes_per_second);
  if (out.mover.bytes_per_second < 0) return wrong("'mover_bytes_per_second' must not be negative");
  return out;
}

// A random name for this state folder, made once.
Result<std::string> place_of(const std::filesystem::path& folder) {
  WEFT_TRY(base::file::make_folders(folder, 0700));
  if (std::filesystem::exists(folder / "place")) return base::file::read(folder / "place", 100);
  std::string name = base::crypto::random_token(9);
  WEFT_TRY(base::file::write_atomic(folder / "place", name));
  return name;
}

class LeafRole : public Role {
 public:
  static Result<std::unique_ptr<Role>> start(Context& context);
  ~LeafRole() override {
    {
      const std::scoped_lock lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    listener_.reset();
    for (std::thread& thread : threads_) thread.join();
    runner_.reset();
  }

 private:
  // Runs `body` every `pause`, and sooner when woken; an error is logged once until it changes.
  void loop(const char* what, std::chrono::milliseconds pause, const std::function<Result<bool>()>& body);
  void wake() {
    {
      const std::scoped_lock lock(mutex_);
      ++wakes_;
    }
    changed_.notify_all();
    if (runner_) runner_->wake();
  }

  std::unique_ptr<leaf::workflow::PgRunStore> store_;
  std::unique_ptr<leaf::workflow::Engine> engine_;
  std::shared_ptr<leaf::sms::Claims> claims_;
  std::unique_ptr<leaf::sms::Publisher> publisher_;
  std::unique_ptr<leaf::http::Api> api_;
  std::unique_ptr<leaf::workflow::Runner> runner_;
  std::unique_ptr<base::pg::Listener> listener_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
  int wakes_ = 0;
  std::vector<std::thread> threads_;
};

void LeafRole::loop(const char* what, std::chrono::milliseconds pause, const std::function<Result<bool>()>& body) {
  std::string told;
  for (;;) {
    int seen = 0;
    {
      const std::scoped_lock lock(mutex_);
      if (stop_) return;
      seen = wakes_;
    }
    auto worked = body();
    if (!worked && worked.error().message != told) {
      told = worked.error().message;
      log::warning(fmt::format("leaf: {}: {}", what, worked.error().text()));
    }
    if (worked) told.clear();
    if (worked && *worked) continue;
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, pause, [&] { return stop_ || wakes_ != seen; });
  }
}

Result<std::unique_ptr<Role>> LeafRole::start(Context& context) {
  Settings settings = WEFT_TRY(settings_of(context.settings));
  auto role = std::make_unique<LeafRole>();
  auto fabric = std::make_shared<leaf::fabric::HttpFabric>(context.service);
  auto identities = std::make_shared<leaf::storage::PgIdentities>(context.pool);
  auto dirpool = std::make_shared<leaf::storage::Dirpool>(fabric, identities, context.service, settings.mover);
  leaf::storage::Drivers drivers{{"dirpool", dirpool}};

  leaf::workflow::Registry registry;
  registry.kinds["budget.reserve"] = leaf::workflow::make_budget_reserve_step(context.pool, fabric, settings.budget);
  registry.kinds["budget.release"] = leaf::workflow::make_budget_release_step(context.pool);
  registry.kinds["work-order"] = leaf::workflow::make_work_order_step(context.pool, fabric);
  leaf::storage::add_steps(registry, context.pool, fabric, drivers);
  leaf::sms::add_steps(registry, context.pool, fabric, drivers, settings.patience);
  leaf::sms::add_guards(registry, context.pool);

  role->store_ = std::make_unique<leaf::workflow::PgRunStore>(context.pool);
  leaf::workflow::EngineOptions options;
  options.on_error = [](std::int64_t instance, const base::Error& error) {
    base::metrics::count("weft_leaf_turn_errors_total", "Turns of workflows that ended with an error.");
    log::warning("leaf: " + error.text(), {{"workflow", std::to_string(instance)}});
  };
  role->engine_ = std::make_unique<leaf::workflow::Engine>(*role->store_, std::move(registry), options);
  for (const auto& shipped : leaf::workflow::shipped_definitions()) {
    auto parsed = WEFT_TRY(leaf::workflow::parse_definition(shipped.text, shipped.name, role->engine_->vocabulary()));
    WEFT_TRY(role->store_->install(parsed));
  }
  role->claims_ = std::make_shared<leaf::sms::Claims>(context.pool);
  role->publisher_ = std::make_unique<leaf::sms::Publisher>(context.pool, fabric);
  leaf::http::Services services;
  services.pool = context.pool;
  services.fabric = fabric;
  services.store = role->store_.get();
  services.engine = role->engine_.get();
  services.claims = role->claims_;
  services.orders = std::make_shared<leaf::workflow::WorkOrders>(context.pool);
  services.dirpool = dirpool;
  services.identities = identities;
  role->api_ = std::make_unique<leaf::http::Api>(std::move(services));
  role->api_->add_routes(*context.server);

  // Leases are held in the name of this state folder, which one weftd at a time owns, and of this start. So those of earlier
  // starts belong to the dead: nobody need wait for them to run out.
  const std::string place = WEFT_TRY(place_of(context.state / "leaf"));
  WEFT_TRY(role->store_->release_leases("leaf@" + place + ":"));
  role->runner_ = std::make_unique<leaf::workflow::Runner>(
      *role->engine_, *role->store_, fmt::format("leaf@{}:{}", place, base::crypto::random_token(6)), settings.workers);
  LeafRole* self = role.get();
  role->threads_.emplace_back(
      [self] { self->loop("publishing claims", std::chrono::seconds(1), [self] { return self->publisher_->turn(); }); });
  role->threads_.emplace_back([self] {
    self->loop("looking after claims", std::chrono::seconds(2), [self]() -> Result<bool> {
      WEFT_TRY(self->claims_->reconcile());
      return false;
    });
  });
  role->listener_ = WEFT_TRY(base::pg::Listener::start(context.pool->url(), {"leaf_task", "leaf_outbox"},
                                                       [self](std::string_view, std::string_view) { self->wake(); }));
  return role;
}

}  // namespace

Result<std::unique_ptr<Role>> start_leaf(Context& context) {
  auto role = LeafRole::start(context);
  if (!role) return fail(std::move(role.error()).during("starting role leaf"));
  return role;
}

}  // namespace programs::weftd
